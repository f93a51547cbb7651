//! A conversation with the service, over a connection of its own.

use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use dbus::arg::{AppendAll, PropMap, ReadAll, RefArg, Variant};
use dbus::blocking::LocalConnection;
use dbus::message::MatchRule;
use dbus::strings::{BusName, Path};
use dbus::{Error, Message};
use zeroize::Zeroizing;

use crate::bounded::Asking;
use crate::system::Opening;

const NAME: &str = "org.freedesktop.secrets";
const SERVICE: &str = "org.freedesktop.Secret.Service";
const COLLECTION: &str = "org.freedesktop.Secret.Collection";
const ITEM: &str = "org.freedesktop.Secret.Item";
const PROMPT: &str = "org.freedesktop.Secret.Prompt";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
/// The other name of gnome-keyring.
const GNOME: &str = "org.gnome.keyring";
const BUS: &str = "org.freedesktop.DBus";
const ROOT: &str = "/org/freedesktop/secrets";

/// How often a prompt that nobody answers is looked after: whoever shows it may be gone.
const LOOK: Duration = Duration::from_secs(1);

/// A collection or an item.
pub(super) type Place = Path<'static>;

/// By which an item is found.
pub(super) type Attributes = HashMap<String, String>;

/// The session, nothing (the parameters of an encryption), the secret, and its type.
type Secret = (Place, Vec<u8>, Vec<u8>, String);

/// Why the service did not do it.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nobody was to be asked, or the question was dismissed.
    Locked,
    /// There is no default collection.
    NoCollection,
    /// The user was asked, and did not answer within that time.
    Unanswered(Duration),
    /// The service was there and left the bus.
    Ended,
    /// The bus was there and ended.
    Cut,
    /// The bus has no such service, and nobody who would start it.
    Absent(Error),
    /// What the bus says, or the service.
    Bus(Error),
}

pub(super) struct Conversation {
    connection: LocalConnection,
    /// The unique name of the service: another one that takes its place knows nothing of this conversation.
    service: BusName<'static>,
    session: Place,
    timeout: Duration,
}

impl Conversation {
    pub(super) fn begin(opening: &Opening) -> Result<Self, Failure> {
        let connection = LocalConnection::new_session().map_err(Failure::Bus)?;
        let service = owner(&connection, opening.timeout)?;
        let mut begun = Self { connection, service, session: Path::from("/"), timeout: opening.timeout };
        // gnome-keyring takes a note of its new client beside the client's first call, and now and then only after it
        // (`daemon/dbus/gkd-secret-service.c`, `service_message_filter`). Were that call OpenSession, it would abort. This
        // one needs no such note, and is answered by the thread that takes it: with the answer the next call comes after.
        let _: (Place,) = begun.ask(ROOT, SERVICE, "ReadAlias", ("",))?;
        // The value of a plain session's parameters: an empty string.
        let (_, session): (Variant<Box<dyn RefArg>>, Place) =
            begun.ask(ROOT, SERVICE, "OpenSession", ("plain", Variant("")))?;
        begun.session = session;
        Ok(begun)
    }

    /// The default collection.
    pub(super) fn collection(&self) -> Result<Place, Failure> {
        let (collection,): (Place,) = self.ask(ROOT, SERVICE, "ReadAlias", ("default",))?;
        if is_none(&collection) { Err(Failure::NoCollection) } else { Ok(collection) }
    }

    pub(super) fn is_locked(&self, collection: &Place) -> Result<bool, Failure> {
        let (locked,): (Variant<bool>,) = self.ask(collection, PROPERTIES, "Get", (COLLECTION, "Locked"))?;
        Ok(locked.0)
    }

    /// Those that are unlocked, and those that are not.
    pub(super) fn search(&self, attributes: &Attributes) -> Result<(Vec<Place>, Vec<Place>), Failure> {
        self.ask(ROOT, SERVICE, "SearchItems", (attributes,))
    }

    pub(super) fn unlock(&self, place: &Place, opening: &Opening) -> Result<(), Failure> {
        let (_, prompt): (Vec<Place>, Place) = self.ask(ROOT, SERVICE, "Unlock", (vec![place.clone()],))?;
        self.answered(prompt, opening)
    }

    pub(super) fn secret(&self, item: &Place) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let (secret,): (Secret,) = self.ask(item, ITEM, "GetSecret", (self.session.clone(),))?;
        Ok(Zeroizing::new(secret.2))
    }

    pub(super) fn set_secret(&self, item: &Place, value: &str) -> Result<(), Failure> {
        self.ask(item, ITEM, "SetSecret", (self.sealed(value),))
    }

    /// A new item, or one with these attributes in place of the old.
    pub(super) fn create(
        &self,
        collection: &Place,
        label: String,
        attributes: Attributes,
        value: &str,
        opening: &Opening,
    ) -> Result<(), Failure> {
        let mut properties = PropMap::new();
        properties.insert(format!("{ITEM}.Label"), Variant(Box::new(label)));
        properties.insert(format!("{ITEM}.Attributes"), Variant(Box::new(attributes)));
        let asked = (properties, self.sealed(value), true);
        let (_, prompt): (Place, Place) = self.ask(collection, COLLECTION, "CreateItem", asked)?;
        self.answered(prompt, opening)
    }

    pub(super) fn delete(&self, item: &Place, opening: &Opening) -> Result<(), Failure> {
        let (prompt,): (Place,) = self.ask(item, ITEM, "Delete", ())?;
        self.answered(prompt, opening)
    }

    /// As a plain session carries a secret.
    fn sealed<'a>(&self, value: &'a str) -> (Place, &'a [u8], &'a [u8], &'static str) {
        (self.session.clone(), &[], value.as_bytes(), "text/plain")
    }

    /// Has the service ask the user, where it wants to, and waits until that is answered.
    fn answered(&self, prompt: Place, opening: &Opening) -> Result<(), Failure> {
        if is_none(&prompt) {
            return Ok(());
        }
        if opening.patience.is_zero() {
            return Err(Failure::Locked);
        }
        let dismissed = Rc::new(Cell::new(None));
        let heard = Rc::clone(&dismissed);
        let completed = MatchRule::new_signal(PROMPT, "Completed");
        let completed = completed.with_path(prompt.clone()).with_sender(self.service.clone());
        let hear = move |(is_dismissed,): (bool,), _: &LocalConnection, _: &Message| {
            heard.set(Some(is_dismissed));
            true
        };
        self.connection.add_match(completed, hear).map_err(|error| self.failed(error))?;
        match self.ask_user(&prompt, &dismissed, opening)? {
            Some(false) => Ok(()),
            Some(true) => Err(Failure::Locked),
            None => {
                self.take_back(&prompt);
                Err(Failure::Unanswered(opening.patience))
            }
        }
    }

    /// Whether the user dismissed the question; `None` where there is no answer within the patience for it.
    fn ask_user(
        &self,
        prompt: &Place,
        dismissed: &Cell<Option<bool>>,
        opening: &Opening,
    ) -> Result<Option<bool>, Failure> {
        let _asked = Asked::begin(&opening.asking);
        let () = self.ask(prompt, PROMPT, "Prompt", ("",))?;
        let since = Instant::now();
        loop {
            let left = opening.patience.saturating_sub(since.elapsed());
            if dismissed.get().is_some() || left.is_zero() {
                return Ok(dismissed.get());
            }
            if !self.connection.process(left.min(LOOK)).map_err(|error| self.failed(error))? && !self.is_service_there()
            {
                return Err(Failure::Ended);
            }
        }
    }

    /// Closes the window of a question that nobody answers, which would stay with nobody to hear of its answer.
    ///
    /// gnome-keyring's stays all the same: told to dismiss what is shown it aborts, in 42 to 50, and every program is
    /// without a keyring then (`daemon/dbus/gkd-secret-unlock.c`: `mark_as_complete` takes the very prompt that it ends
    /// for the next one in the queue).
    fn take_back(&self, prompt: &Place) {
        let bus = self.connection.with_proxy(BUS, "/org/freedesktop/DBus", self.timeout);
        let gnome: Result<(String,), _> = bus.method_call(BUS, "GetNameOwner", (GNOME,));
        if gnome.is_ok_and(|(owner,)| *owner == *self.service) {
            return;
        }
        if let Err(failure) = self.ask::<(), _>(prompt, PROMPT, "Dismiss", ()) {
            tracing::debug!(?failure, "the keyring's unanswered question cannot be taken back");
        }
    }

    fn ask<R: ReadAll, A: AppendAll>(
        &self,
        path: &str,
        interface: &str,
        method: &str,
        arguments: A,
    ) -> Result<R, Failure> {
        let proxy = self.connection.with_proxy(&*self.service, path, self.timeout);
        proxy.method_call(interface, method, arguments).map_err(|error| self.failed(error))
    }

    /// For a service that ends and for one that hangs the bus has the same error.
    fn failed(&self, error: Error) -> Failure {
        if !self.connection.channel().is_connected() {
            return Failure::Cut;
        }
        let may_be_gone = matches!(
            error.name().and_then(|name| name.strip_prefix("org.freedesktop.DBus.Error.")),
            Some("NoReply" | "ServiceUnknown" | "NameHasNoOwner")
        );
        if may_be_gone && !self.is_service_there() { Failure::Ended } else { Failure::Bus(error) }
    }

    /// Where the bus does not say, it is.
    fn is_service_there(&self) -> bool {
        let bus = self.connection.with_proxy(BUS, "/org/freedesktop/DBus", self.timeout);
        let answer: Result<(bool,), _> = bus.method_call(BUS, "NameHasOwner", (&*self.service,));
        answer.map_or(true, |(is_there,)| is_there)
    }
}

/// As long as it lives, whoever called knows that a user is asked.
struct Asked<'a>(&'a Asking);

impl<'a> Asked<'a> {
    fn begin(asking: &'a Asking) -> Self {
        asking(true);
        Self(asking)
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        (self.0)(false);
    }
}

/// The unique name of the service, which the bus starts if it must.
fn owner(connection: &LocalConnection, timeout: Duration) -> Result<BusName<'static>, Failure> {
    let bus = connection.with_proxy(BUS, "/org/freedesktop/DBus", timeout);
    let owner = || -> Result<(String,), Error> { bus.method_call(BUS, "GetNameOwner", (NAME,)) };
    let found = owner().or_else(|_| {
        let started: Result<(u32,), _> = bus.method_call(BUS, "StartServiceByName", (NAME, 0_u32));
        started.and_then(|_| owner())
    });
    let (name,) = found.map_err(Failure::Absent)?;
    BusName::new(name).map_err(|why| Failure::Bus(Error::new_failed(&why)))
}

/// In place of a collection, an item or a prompt that is not there stands the root.
fn is_none(place: &Place) -> bool {
    &**place == "/"
}
