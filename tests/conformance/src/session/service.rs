//! A keyring's service that goes wrong at one call, as a real one does only now and then.
//!
//! Source: <https://specifications.freedesktop.org/secret-service/latest/>.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use dbus::Message;
use dbus::arg::Variant;
use dbus::blocking::LocalConnection;
use dbus::blocking::stdintf::org_freedesktop_dbus::RequestNameReply;
use dbus::channel::Sender as _;
use dbus::message::MessageType;
use dbus::strings::Path;

use super::{Session, until};

const COLLECTION: &str = "/org/freedesktop/secrets/collection/login";
const ITEM: &str = "/org/freedesktop/secrets/collection/login/1";
const SESSION: &str = "/org/freedesktop/secrets/session/1";
const PROMPT: &str = "/org/freedesktop/secrets/prompt/1";

/// `{}`, as a cache in the keyring keeps it.
const SECRET: &[u8] = b"entrada1 value=e30=";

/// How often it looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(20);

/// What the service does at the call of a method of that name, such as `GetSecret`.
#[derive(Clone, Copy, Debug)]
pub enum At {
    /// It leaves the bus without an answer.
    Ends(&'static str),
    /// It never answers, and stays on the bus.
    Hangs(&'static str),
    /// The bus itself ends before there is an answer.
    EndsTheBus(&'static str),
    /// It answers, and nothing comes of it: a prompt that no user answers.
    Ignores(&'static str),
}

/// The service on a session's bus; it leaves that when this is dropped.
///
/// It keeps nothing, and answers as one that does. It has an item where it is to go wrong with one, or is locked; then it
/// asks its user, who unlocks it.
pub struct Service {
    calls: Arc<Mutex<Vec<String>>>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Session {
    /// Takes the keyring's name on the bus, which must be free. Where it ends and there is another life to come, it is
    /// back at once.
    pub fn serve(&self, is_locked: bool, lives: &[At]) -> Service {
        if lives.len() > 1 {
            // Who asks in between waits.
            self.bus_starts("/bin/sleep 60");
        }
        let (calls, is_over) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<AtomicBool>::default());
        let (ready, is_ready) = mpsc::channel();
        let address = format!("unix:path={}/bus", self.home().display());
        let (lives, bus) = (lives.to_vec(), self.bus.id());
        let of_thread = (Arc::clone(&calls), Arc::clone(&is_over));
        let thread = thread::spawn(move || {
            let (calls, is_over) = of_thread;
            for at in lives {
                let connection = LocalConnection::new_address(&address).expect("the session's bus");
                let life = Life { connection, at, is_locked, bus, calls: &calls };
                life.lead(&ready, &is_over);
            }
        });
        is_ready.recv().expect("the service on the bus");
        Service { calls, is_over, thread: Some(thread) }
    }
}

impl Service {
    /// The methods that were called, in this order.
    pub fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let has_failed = self.thread.take().is_some_and(|thread| thread.join().is_err());
        assert!(!has_failed || thread::panicking(), "the service failed by itself");
    }
}

struct Life<'a> {
    connection: LocalConnection,
    at: At,
    is_locked: bool,
    bus: u32,
    calls: &'a Mutex<Vec<String>>,
}

impl Life<'_> {
    fn lead(&self, ready: &Sender<()>, is_over: &AtomicBool) {
        // The bus may not have noticed yet that the life before has ended.
        let take = || self.connection.request_name("org.freedesktop.secrets", false, false, true);
        until(|| matches!(take(), Ok(RequestNameReply::PrimaryOwner)));
        let _ = ready.send(());
        while !is_over.load(Ordering::Relaxed) {
            // The bus ends with the session.
            let Ok(message) = self.connection.channel().blocking_pop_message(LOOK) else { return };
            let call = message.filter(|message| message.msg_type() == MessageType::MethodCall);
            if let Some(call) = call
                && !self.answers(&call)
            {
                return;
            }
        }
    }

    /// Whether it goes on.
    fn answers(&self, call: &Message) -> bool {
        let method = call.member().expect("a method").to_string();
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(method.clone());
        match self.at {
            At::Ends(at) if at == method => return false,
            At::Hangs(at) if at == method => return true,
            At::EndsTheBus(at) if at == method => {
                let status = Command::new("kill").args(["-KILL", &self.bus.to_string()]).status();
                assert!(status.expect("kill").success(), "the bus cannot be ended");
                return false;
            }
            _ => {}
        }
        let nothing = Path::from("/");
        let answer = call.method_return();
        self.send(match method.as_str() {
            "ReadAlias" => answer.append1(Path::from(COLLECTION)),
            "OpenSession" => answer.append2(Variant(""), Path::from(SESSION)),
            "SearchItems" => {
                let items = if self.has_item() { vec![Path::from(ITEM)] } else { Vec::new() };
                let (unlocked, locked) = if self.is_locked { (Vec::new(), items) } else { (items, Vec::new()) };
                answer.append2(unlocked, locked)
            }
            "Get" => answer.append1(Variant(self.is_locked)),
            "Unlock" => answer.append2(Vec::<Path<'_>>::new(), Path::from(PROMPT)),
            "GetSecret" => answer.append1((Path::from(SESSION), Vec::<u8>::new(), SECRET.to_vec(), "text/plain")),
            "CreateItem" => answer.append2(Path::from(ITEM), nothing),
            "Delete" => answer.append1(nothing),
            "SetSecret" | "Prompt" | "Dismiss" => answer,
            other => panic!("{other} is not among the calls that it knows"),
        });
        if method == "Prompt" && !matches!(self.at, At::Ignores("Prompt")) {
            self.send(self.completed(false));
        }
        if method == "Dismiss" {
            self.send(self.completed(true));
        }
        true
    }

    fn has_item(&self) -> bool {
        let (At::Ends(at) | At::Hangs(at) | At::EndsTheBus(at) | At::Ignores(at)) = self.at;
        self.is_locked || ["GetSecret", "SetSecret", "Delete"].contains(&at)
    }

    fn completed(&self, is_dismissed: bool) -> Message {
        let signal = Message::signal(&PROMPT.into(), &"org.freedesktop.Secret.Prompt".into(), &"Completed".into());
        signal.append2(is_dismissed, Variant(""))
    }

    fn send(&self, message: Message) {
        self.connection.send(message).expect("to send it");
        self.connection.channel().flush();
    }
}
