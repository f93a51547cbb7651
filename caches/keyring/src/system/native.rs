//! macOS and Windows: the Keychain, and the Credential Manager.

#[cfg(target_os = "macos")]
use apple_native_keyring_store::keychain::Store;
use entrada_core::Fault;
use entrada_core::ports::AdapterError;
use keyring_core::api::CredentialStoreApi;
use keyring_core::{Entry, Error};
#[cfg(windows)]
use windows_native_keyring_store::Store;
use zeroize::Zeroizing;

use super::{Entries, Opening};

/// These systems come with one.
pub(crate) fn is_there() -> bool {
    true
}

/// The keyring, still locked if it is.
pub(crate) fn connect(opening: Opening) -> Result<impl Entries + use<>, AdapterError> {
    // The Keychain asks in the midst of a call, and does not tell that it does.
    #[cfg(target_os = "macos")]
    if !opening.patience.is_zero() {
        (opening.asking)(true);
    }
    let store = Store::new().map_err(told)?;
    Ok(Keyring { store, service: opening.service })
}

struct Keyring {
    store: std::sync::Arc<Store>,
    service: String,
}

impl Keyring {
    fn entry(&self, name: &str) -> Result<Entry, AdapterError> {
        self.store.build(&self.service, name, None).map_err(told)
    }
}

impl Entries for Keyring {
    fn get(&self, name: &str) -> Result<Option<Zeroizing<String>>, AdapterError> {
        match self.entry(name)?.get_secret() {
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(told(error)),
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Ok(Some(Zeroizing::new(text))),
                Err(error) => {
                    drop(Zeroizing::new(error.into_bytes()));
                    Err(AdapterError::new(Fault::Corrupt, format!("the keyring's entry {name:?} is no text")))
                }
            },
        }
    }

    fn set(&self, name: &str, value: &str) -> Result<(), AdapterError> {
        self.entry(name)?.set_secret(value.as_bytes()).map_err(told)
    }

    fn delete(&self, name: &str) -> Result<(), AdapterError> {
        match self.entry(name)?.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(told(error)),
        }
    }
}

/// Errors that carry what was found carry secrets: their text is not taken over.
fn told(error: Error) -> AdapterError {
    let (fault, text) = match error {
        Error::NoStorageAccess(cause) => (Fault::Denied, format!("the keyring cannot be opened: {cause}")),
        Error::PlatformFailure(cause) => (Fault::Other, format!("the keyring cannot be used: {cause}")),
        Error::TooLong(what, limit) => {
            (Fault::TooLarge, format!("the keyring takes no {what} longer than {limit}: use a smaller split size"))
        }
        Error::NotSupportedByStore(why) | Error::BadStoreFormat(why) | Error::Invalid(_, why) => {
            (Fault::Other, format!("the keyring cannot be used: {why}"))
        }
        Error::Ambiguous(entries) => (Fault::Corrupt, format!("the keyring has {} such entries", entries.len())),
        _ => (Fault::Corrupt, "what the keyring holds cannot be read".to_owned()),
    };
    AdapterError::new(fault, text)
}
