//! Linux and its kin: the Secret Service, which GNOME Keyring, KWallet and KeePassXC speak.
//!
//! Source: <https://specifications.freedesktop.org/secret-service/latest/>. The secrets cross the session bus
//! unencrypted: it is a socket of the user's own, and who may listen there may ask the service itself.

use std::collections::HashMap;
use std::env;
use std::path::PathBuf;

use dbus_secret_service::{Collection, EncryptionType, Error, Item, SecretService};
use entrada_core::Fault;
use entrada_core::ports::AdapterError;
use zeroize::Zeroizing;

use super::{Entries, Opening};

const NO_BUS: &str = "there is no keyring here: this session has no D-Bus (DBUS_SESSION_BUS_ADDRESS is not set)";

/// Whether the session has a bus to find a keyring on; nothing is asked.
pub(crate) fn is_there() -> bool {
    match env::var_os("DBUS_SESSION_BUS_ADDRESS") {
        Some(address) => !address.is_empty(),
        None => env::var_os("XDG_RUNTIME_DIR").is_some_and(|folder| PathBuf::from(folder).join("bus").exists()),
    }
}

/// The keyring, still locked if it is.
pub(crate) fn connect(opening: Opening) -> Result<impl Entries + use<>, AdapterError> {
    // Without an address the bus library would start a bus of its own.
    if !is_there() {
        return Err(AdapterError::new(Fault::NotFound, NO_BUS));
    }
    // A user is asked for no less than the caller waits; the library counts what it hears meanwhile as seconds.
    let seconds = if opening.patience.is_zero() { 0 } else { 2 * opening.patience.as_secs() + 10 };
    let service = SecretService::connect_with_max_prompt_timeout(EncryptionType::Plain, seconds);
    Ok(Keyring { service: service.map_err(told)?, opening })
}

struct Keyring {
    service: SecretService,
    opening: Opening,
}

impl Keyring {
    /// The entry of that name, unlocked.
    fn find(&self, name: &str) -> Result<Option<Item<'_>>, AdapterError> {
        if let Some(found) = self.search(name)? {
            return Ok(Some(found));
        }
        // Some services hide what is locked: then it is not there only when it is not there unlocked.
        let collection = self.collection()?;
        if !collection.is_locked().map_err(told)? {
            return Ok(None);
        }
        self.unlocked(|| collection.unlock())?;
        self.search(name)
    }

    fn search(&self, name: &str) -> Result<Option<Item<'_>>, AdapterError> {
        let found = self.service.search_items(self.attributes(name)).map_err(told)?;
        if let Some(item) = found.unlocked.into_iter().next() {
            return Ok(Some(item));
        }
        let Some(item) = found.locked.into_iter().next() else { return Ok(None) };
        self.unlocked(|| item.unlock())?;
        Ok(Some(item))
    }

    /// A service that hangs is told apart from a user who takes their time: the library waits for two seconds until
    /// the service has taken the question.
    fn unlocked(&self, unlock: impl FnOnce() -> Result<(), Error>) -> Result<(), AdapterError> {
        let may_ask = !self.opening.patience.is_zero();
        if may_ask {
            (self.opening.asking)(true);
        }
        let unlocked = unlock().map_err(told);
        if may_ask {
            (self.opening.asking)(false);
        }
        unlocked
    }

    fn collection(&self) -> Result<Collection<'_>, AdapterError> {
        self.service.get_default_collection().map_err(told)
    }

    /// As other programs that use this keyring name theirs, so that `secret-tool lookup` finds them.
    fn attributes<'a>(&'a self, name: &'a str) -> HashMap<&'a str, &'a str> {
        HashMap::from([("service", self.opening.service.as_str()), ("username", name)])
    }
}

impl Entries for Keyring {
    fn get(&self, name: &str) -> Result<Option<Zeroizing<String>>, AdapterError> {
        let Some(item) = self.find(name)? else { return Ok(None) };
        let bytes = item.get_secret().map_err(told)?;
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(Zeroizing::new(text))),
            Err(error) => {
                drop(Zeroizing::new(error.into_bytes()));
                Err(AdapterError::new(Fault::Corrupt, format!("the keyring's entry {name:?} is no text")))
            }
        }
    }

    fn set(&self, name: &str, value: &str) -> Result<(), AdapterError> {
        if let Some(item) = self.find(name)? {
            return item.set_secret(value.as_bytes(), "text/plain").map_err(told);
        }
        let collection = self.collection()?;
        let label = format!("{}: {name}", self.opening.service);
        let made = collection.create_item(&label, self.attributes(name), value.as_bytes(), true, "text/plain");
        made.map(drop).map_err(told)
    }

    fn delete(&self, name: &str) -> Result<(), AdapterError> {
        match self.find(name)? {
            Some(item) => item.delete().map_err(told),
            None => Ok(()),
        }
    }
}

/// The service's own error, for people.
fn told(error: Error) -> AdapterError {
    let (fault, text) = match &error {
        // Nobody was to be asked, or the question was dismissed.
        Error::Prompt | Error::Locked => (Fault::Denied, "the keyring is locked: unlock it, and try again".to_owned()),
        Error::NoResult => (
            Fault::NotFound,
            "the keyring has no default collection: make one, such as with seahorse or kwalletmanager".to_owned(),
        ),
        Error::Unavailable => (Fault::NotFound, NO_BUS.to_owned()),
        Error::Dbus(cause) => return bus_error(cause.name(), cause.message()),
        other => (Fault::Other, format!("the keyring cannot be used: {other}")),
    };
    AdapterError::new(fault, text)
}

/// The names are those of <https://dbus.freedesktop.org/doc/dbus-specification.html> and of the Secret Service.
fn bus_error(name: Option<&str>, message: Option<&str>) -> AdapterError {
    let message = message.unwrap_or("no reason is given");
    let name = name.unwrap_or_default();
    let short = name.strip_prefix("org.freedesktop.DBus.Error.").unwrap_or(name);
    let (fault, text) = match short {
        "NoReply" | "Timeout" | "TimedOut" => {
            (Fault::TimedOut, "the keyring did not answer: see whether its service hangs, or use a file".to_owned())
        }
        "ServiceUnknown" | "NameHasNoOwner" => {
            (Fault::NotFound, "there is no keyring on this session's D-Bus: start one, or use a file".to_owned())
        }
        _ if short.starts_with("Spawn.") => {
            (Fault::NotFound, format!("the keyring cannot be started: {message}; start one, or use a file"))
        }
        "NoServer" | "FileNotFound" | "NotSupported" | "BadAddress" | "Disconnected" => {
            (Fault::NotFound, format!("there is no keyring here: this session's D-Bus cannot be reached: {message}"))
        }
        "AccessDenied" | "AuthFailed" => (Fault::Denied, format!("the keyring may not be used here: {message}")),
        "org.freedesktop.Secret.Error.IsLocked" => {
            (Fault::Denied, "the keyring is locked: unlock it, and try again".to_owned())
        }
        _ => (Fault::Other, format!("the keyring cannot be used: {message} ({name})")),
    };
    AdapterError::new(fault, text)
}
