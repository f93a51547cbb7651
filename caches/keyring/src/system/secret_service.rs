//! Linux and its kin: the Secret Service, which GNOME Keyring, KWallet and KeePassXC speak.
//!
//! Source: <https://specifications.freedesktop.org/secret-service/latest/>. The secrets cross the session bus
//! unencrypted: it is a socket of the user's own, and who may listen there may ask the service itself.

mod bus;
mod conversation;
mod runtime;

use std::cell::RefCell;
use std::env;
use std::path::PathBuf;

use entrada_core::Fault;
use entrada_core::ports::AdapterError;
use zeroize::Zeroizing;

use self::conversation::{Conversation, Failure};
use super::{Entries, Opening};
use crate::bounded::nobody_unlocked;

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
    if !is_there() {
        return Err(AdapterError::new(Fault::NotFound, NO_BUS));
    }
    let keyring = Keyring { opening, state: RefCell::default() };
    keyring.with(|_| Ok(()))?;
    Ok(keyring)
}

struct Keyring {
    opening: Opening,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    conversation: Option<Conversation>,
    /// Whether the service ended once already.
    has_ended: bool,
}

impl Keyring {
    /// Asks; and once more where the service ended in the midst of it, as the bus starts it again where it is set up so.
    /// What is asked may have been done by then, and must be the same when it is done twice.
    fn with<T>(&self, ask: impl Fn(&Conversation) -> Result<T, Failure>) -> Result<T, AdapterError> {
        let mut state = self.state.borrow_mut();
        loop {
            let result = match &state.conversation {
                Some(conversation) => ask(conversation),
                None => Conversation::begin(&self.opening).and_then(|begun| ask(state.conversation.insert(begun))),
            };
            match result {
                Ok(value) => return Ok(value),
                Err(Failure::Ended) if !state.has_ended => {
                    tracing::warn!("the keyring's service ended in the midst of a call; it is asked once more");
                    *state = State { conversation: None, has_ended: true };
                }
                // The bus knows of nobody who would start it.
                Err(Failure::Absent(_)) if state.has_ended => return Err(told(Failure::Ended)),
                Err(failure) => return Err(told(failure)),
            }
        }
    }

    /// The entry of that name, unlocked.
    fn find(&self, talk: &Conversation, name: &str) -> Result<Option<conversation::Place>, Failure> {
        if let Some(found) = self.search(talk, name)? {
            return Ok(Some(found));
        }
        // Some services hide what is locked: then it is not there only when it is not there unlocked.
        let collection = talk.collection()?;
        if !talk.is_locked(&collection)? {
            return Ok(None);
        }
        talk.unlock(&collection, &self.opening)?;
        self.search(talk, name)
    }

    fn search(&self, talk: &Conversation, name: &str) -> Result<Option<conversation::Place>, Failure> {
        let (unlocked, locked) = talk.search(&self.attributes(name))?;
        if let Some(item) = unlocked.into_iter().next() {
            return Ok(Some(item));
        }
        let Some(item) = locked.into_iter().next() else { return Ok(None) };
        talk.unlock(&item, &self.opening)?;
        Ok(Some(item))
    }

    /// As other programs that use this keyring name theirs, so that `secret-tool lookup` finds them.
    fn attributes(&self, name: &str) -> conversation::Attributes {
        [("service", self.opening.service.as_str()), ("username", name)]
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
    }
}

impl Entries for Keyring {
    fn get(&self, name: &str) -> Result<Option<Zeroizing<String>>, AdapterError> {
        let found = self.with(|talk| match self.find(talk, name)? {
            Some(item) => talk.secret(&item).map(Some),
            None => Ok(None),
        })?;
        let Some(mut bytes) = found else { return Ok(None) };
        match String::from_utf8(std::mem::take(&mut *bytes)) {
            Ok(text) => Ok(Some(Zeroizing::new(text))),
            Err(error) => {
                drop(Zeroizing::new(error.into_bytes()));
                Err(AdapterError::new(Fault::Corrupt, format!("the keyring's entry {name:?} is no text")))
            }
        }
    }

    fn set(&self, name: &str, value: &str) -> Result<(), AdapterError> {
        self.with(|talk| {
            if let Some(item) = self.find(talk, name)? {
                return talk.set_secret(&item, value);
            }
            let label = format!("{}: {name}", self.opening.service);
            talk.create(&talk.collection()?, label, self.attributes(name), value, &self.opening)
        })
    }

    fn delete(&self, name: &str) -> Result<(), AdapterError> {
        self.with(|talk| match self.find(talk, name)? {
            Some(item) => talk.delete(&item, &self.opening),
            None => Ok(()),
        })
    }
}

/// The failure, for people.
fn told(failure: Failure) -> AdapterError {
    let (fault, text) = match failure {
        Failure::Locked => (Fault::Denied, "the keyring is locked: unlock it, and try again"),
        Failure::Unanswered(patience) => return nobody_unlocked(patience),
        Failure::NoCollection => (
            Fault::NotFound,
            "the keyring has no default collection: make one, such as with seahorse or kwalletmanager",
        ),
        Failure::Ended => (
            Fault::Unreachable,
            "the keyring's service ended in the midst of a call: see whether it crashed, start it again, and try again",
        ),
        Failure::Cut => (
            Fault::Unreachable,
            "this session's D-Bus ended in the midst of a call to the keyring: log in again, and try again",
        ),
        Failure::Absent(error) | Failure::Bus(error) => return bus_error(error.name(), error.message()),
    };
    AdapterError::new(fault, text)
}

/// The names are those of <https://dbus.freedesktop.org/doc/dbus-specification.html> and of the Secret Service.
fn bus_error(name: &str, message: &str) -> AdapterError {
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs;
    use std::sync::mpsc;
    use std::time::Duration;

    use entrada_conformance::session::{At, Session};

    use super::*;

    #[test]
    fn whoever_waits_knows_of_each_end_of_a_question() {
        let Some(session) = Session::without_keyring() else { return };
        for (at, scene) in [
            (At::Ends("never"), "scene_answered"),
            (At::Ignores("Prompt"), "scene_unanswered"),
            (At::Hangs("Prompt"), "scene_hung"),
            (At::Ends("Prompt"), "scene_ended"),
        ] {
            let _service = session.serve(true, &[at]);
            session.passes(&format!("system::secret_service::tests::{scene}"));
        }
    }

    /// What comes of a question to the user, about which whoever waits hears that it begins and that it is over.
    #[track_caller]
    fn ask_user() -> Option<Fault> {
        let (tell, told) = mpsc::channel();
        let second = Duration::from_secs(1);
        let opening = Opening {
            service: "entrada".to_owned(),
            timeout: second,
            patience: second,
            asking: Box::new(move |is_asked| {
                let _ = tell.send(is_asked);
            }),
        };
        let open = || fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
        let before = open();
        let result = connect(opening).and_then(|entries| entries.get("tokens"));
        assert_eq!(open(), before, "its connection is not closed");
        assert_ne!(before, 0);
        assert_eq!(told.into_iter().collect::<Vec<_>>(), [true, false]);
        result.err().map(|error| error.fault())
    }

    #[test]
    #[ignore = "a scene: see whoever_waits_knows_of_each_end_of_a_question"]
    fn scene_answered() {
        assert_eq!(ask_user(), None);
    }

    #[test]
    #[ignore = "a scene: see whoever_waits_knows_of_each_end_of_a_question"]
    fn scene_unanswered() {
        assert_eq!(ask_user(), Some(Fault::Denied));
    }

    #[test]
    #[ignore = "a scene: see whoever_waits_knows_of_each_end_of_a_question"]
    fn scene_hung() {
        assert_eq!(ask_user(), Some(Fault::TimedOut));
    }

    #[test]
    #[ignore = "a scene: see whoever_waits_knows_of_each_end_of_a_question"]
    fn scene_ended() {
        assert_eq!(ask_user(), Some(Fault::Unreachable));
    }
}
