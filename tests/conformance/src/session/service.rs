//! A keyring's service that goes wrong at one call, as a real one does only now and then.
//!
//! Source: <https://specifications.freedesktop.org/secret-service/latest/>.

use std::process::Command;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::channel::oneshot;
use futures::future::{Either, select};
use zbus::connection::Builder;
use zbus::message::Type;
use zbus::{Connection, Message, MessageStream, ObjectPath, Result, Variant};

use super::{PATIENCE, Session};

const COLLECTION: &str = "/org/freedesktop/secrets/collection/login";
const ITEM: &str = "/org/freedesktop/secrets/collection/login/1";
const SESSION: &str = "/org/freedesktop/secrets/session/1";
const PROMPT: &str = "/org/freedesktop/secrets/prompt/1";

/// `{}`, as a cache in the keyring keeps it.
const SECRET: &[u8] = b"entrada1 value=e30=";

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
    wanted: Option<oneshot::Sender<()>>,
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
        let calls = Arc::<Mutex<Vec<String>>>::default();
        let (wanted, mut is_over) = oneshot::channel();
        let (ready, is_ready) = mpsc::channel();
        let address = format!("unix:path={}/bus", self.home().display());
        let (lives, bus) = (lives.to_vec(), self.bus.id());
        let of_thread = Arc::clone(&calls);
        let lead = async move {
            for at in lives {
                let connection = Builder::address(address.as_str()).build().await.expect("the session's bus");
                let life = Life { connection, at, is_locked, bus, calls: &of_thread };
                life.lead(&ready, &mut is_over).await;
            }
        };
        let thread = thread::spawn(|| zbus::block_on(lead));
        is_ready.recv().expect("the service on the bus");
        Service { calls, wanted: Some(wanted), thread: Some(thread) }
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
        drop(self.wanted.take());
        let has_failed = self.thread.take().is_some_and(|thread| thread.join().is_err());
        assert!(!has_failed || thread::panicking(), "the service failed by itself");
    }
}

struct Life<'a> {
    connection: Connection,
    at: At,
    is_locked: bool,
    bus: u32,
    calls: &'a Mutex<Vec<String>>,
}

impl Life<'_> {
    async fn lead(&self, ready: &Sender<()>, is_over: &mut oneshot::Receiver<()>) {
        let mut messages = MessageStream::from(&self.connection);
        self.take_the_name().await;
        let _ = ready.send(());
        // The bus ends with the session.
        while let Either::Left((Some(Ok(message)), _)) = select(messages.next(), &mut *is_over).await {
            if message.message_type() == Type::MethodCall && !self.answers(&message).await {
                return;
            }
        }
    }

    async fn take_the_name(&self) {
        const DO_NOT_QUEUE: u32 = 4;
        const PRIMARY_OWNER: u32 = 1;
        let bus = "org.freedesktop.DBus";
        let since = Instant::now();
        // The bus may not have noticed yet that the life before has ended.
        loop {
            let name = ("org.freedesktop.secrets", DO_NOT_QUEUE);
            let taken =
                self.connection.call_method(Some(bus), "/org/freedesktop/DBus", Some(bus), "RequestName", &name);
            if taken.await.expect("an answer of the bus").body().deserialize::<u32>() == Ok(PRIMARY_OWNER) {
                return;
            }
            assert!(since.elapsed() < PATIENCE, "the name does not get free");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whether it goes on.
    async fn answers(&self, call: &Message) -> bool {
        let method = call.header().member().expect("a method").to_string();
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
        // Where it cannot be sent, the bus has ended.
        self.answer(call, &method).await.is_ok()
    }

    async fn answer(&self, call: &Message, method: &str) -> Result<()> {
        let (bus, header) = (&self.connection, call.header());
        let (nothing, item, session) = (place("/"), place(ITEM), place(SESSION));
        match method {
            "ReadAlias" => bus.reply(&header, &place(COLLECTION)).await,
            "OpenSession" => bus.reply(&header, &(Variant::from(""), session)).await,
            "SearchItems" => {
                let items = if self.has_item() { vec![item] } else { Vec::new() };
                let (unlocked, locked) = if self.is_locked { (Vec::new(), items) } else { (items, Vec::new()) };
                bus.reply(&header, &(unlocked, locked)).await
            }
            "Get" => bus.reply(&header, &Variant::from(self.is_locked)).await,
            "Unlock" => bus.reply(&header, &(Vec::<ObjectPath<'_>>::new(), place(PROMPT))).await,
            "GetSecret" => bus.reply(&header, &((session, [0_u8; 0].as_slice(), SECRET, "text/plain"),)).await,
            "CreateItem" => bus.reply(&header, &(item, nothing)).await,
            "Delete" => bus.reply(&header, &nothing).await,
            "SetSecret" | "Prompt" | "Dismiss" => bus.reply(&header, &()).await,
            other => panic!("{other} is not among the calls that it knows"),
        }?;
        match method {
            "Prompt" if !matches!(self.at, At::Ignores("Prompt")) => self.complete(false).await,
            "Dismiss" => self.complete(true).await,
            _ => Ok(()),
        }
    }

    fn has_item(&self) -> bool {
        let (At::Ends(at) | At::Hangs(at) | At::EndsTheBus(at) | At::Ignores(at)) = self.at;
        self.is_locked || ["GetSecret", "SetSecret", "Delete"].contains(&at)
    }

    async fn complete(&self, is_dismissed: bool) -> Result<()> {
        let body = (is_dismissed, Variant::from(""));
        let prompt = "org.freedesktop.Secret.Prompt";
        self.connection.emit_signal(None::<&str>, PROMPT, prompt, "Completed", &body).await
    }
}

fn place(path: &str) -> ObjectPath<'_> {
    path.try_into().expect("a path")
}
