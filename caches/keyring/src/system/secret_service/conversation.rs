//! A conversation with the service, over a connection of its own.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde_core::{Deserialize, Deserializer, Serialize, Serializer};
use zbus::wire::DynamicDeserialize;
use zbus::{
    DynamicType, MatchRule, Message, ObjectPath, OwnedObjectPath, OwnedVariant, Signature, Type, Variant, message,
};
use zeroize::Zeroizing;

use super::bus::{Bus, Error, Messages};
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
const ROOT: &str = "/org/freedesktop/secrets";

/// How often a prompt that nobody answers is looked after: whoever shows it may be gone.
const LOOK: Duration = Duration::from_secs(1);

/// A collection or an item.
pub(super) type Place = OwnedObjectPath;

/// By which an item is found.
pub(super) type Attributes = HashMap<String, String>;

/// The session, nothing (the parameters of an encryption), the secret, and its type.
type Secret<'a> = (ObjectPath<'a>, Bytes<'a>, Bytes<'a>, &'a str);

/// Bytes that cross in one piece: one by one they would leave copies behind wherever the message grows.
struct Bytes<'a>(&'a [u8]);

impl Type for Bytes<'_> {
    const SIGNATURE: &'static Signature = <[u8]>::SIGNATURE;
}

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Bytes<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&[u8]>::deserialize(deserializer).map(Self)
    }
}

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
    bus: Bus,
    /// The unique name of the service: another one that takes its place knows nothing of this conversation.
    service: String,
    session: Place,
}

impl Conversation {
    pub(super) fn begin(opening: &Opening) -> Result<Self, Failure> {
        let bus = Bus::connect(opening.timeout).map_err(Failure::Bus)?;
        let service = owner(&bus)?;
        let mut begun = Self { bus, service, session: Place::default() };
        // gnome-keyring takes a note of its new client beside the client's first call, and now and then only after it
        // (`daemon/dbus/gkd-secret-service.c`, `service_message_filter`). Were that call OpenSession, it would abort. This
        // one needs no such note, and is answered by the thread that takes it: with the answer the next call comes after.
        let _: Place = begun.ask(ROOT, SERVICE, "ReadAlias", &("",))?;
        // The value of a plain session's parameters: an empty string.
        let (_, session): (OwnedVariant, Place) =
            begun.ask(ROOT, SERVICE, "OpenSession", &("plain", Variant::from("")))?;
        begun.session = session;
        Ok(begun)
    }

    /// The default collection.
    pub(super) fn collection(&self) -> Result<Place, Failure> {
        let collection: Place = self.ask(ROOT, SERVICE, "ReadAlias", &("default",))?;
        if is_none(&collection) { Err(Failure::NoCollection) } else { Ok(collection) }
    }

    pub(super) fn is_locked(&self, collection: &Place) -> Result<bool, Failure> {
        let locked: OwnedVariant = self.ask(collection, PROPERTIES, "Get", &(COLLECTION, "Locked"))?;
        bool::try_from(locked).map_err(|error| Failure::Bus(error.into()))
    }

    /// Those that are unlocked, and those that are not.
    pub(super) fn search(&self, attributes: &Attributes) -> Result<(Vec<Place>, Vec<Place>), Failure> {
        self.ask(ROOT, SERVICE, "SearchItems", &(attributes,))
    }

    pub(super) fn unlock(&self, place: &Place, opening: &Opening) -> Result<(), Failure> {
        let (_, prompt): (Vec<Place>, Place) = self.ask(ROOT, SERVICE, "Unlock", &([place].as_slice(),))?;
        self.answered(prompt, opening)
    }

    pub(super) fn secret(&self, item: &Place) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let answer = self.call(item, ITEM, "GetSecret", &(&self.session,))?.body();
        let (_, _, secret, _) = answer.deserialize::<Secret<'_>>().map_err(|error| Failure::Bus(error.into()))?;
        Ok(Zeroizing::new(secret.0.to_vec()))
    }

    pub(super) fn set_secret(&self, item: &Place, value: &str) -> Result<(), Failure> {
        self.call(item, ITEM, "SetSecret", &(self.sealed(value),)).map(drop)
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
        let properties = HashMap::from([
            (format!("{ITEM}.Label"), Variant::from(label)),
            (format!("{ITEM}.Attributes"), Variant::from(attributes)),
        ]);
        let asked = (properties, self.sealed(value), true);
        let (_, prompt): (Place, Place) = self.ask(collection, COLLECTION, "CreateItem", &asked)?;
        self.answered(prompt, opening)
    }

    pub(super) fn delete(&self, item: &Place, opening: &Opening) -> Result<(), Failure> {
        let prompt: Place = self.ask(item, ITEM, "Delete", &())?;
        self.answered(prompt, opening)
    }

    /// As a plain session carries a secret.
    fn sealed<'a>(&'a self, value: &'a str) -> (&'a Place, Bytes<'a>, Bytes<'a>, &'static str) {
        (&self.session, Bytes(&[]), Bytes(value.as_bytes()), "text/plain")
    }

    /// Has the service ask the user, where it wants to, and waits until that is answered.
    fn answered(&self, prompt: Place, opening: &Opening) -> Result<(), Failure> {
        if is_none(&prompt) {
            return Ok(());
        }
        if opening.patience.is_zero() {
            return Err(Failure::Locked);
        }
        let completed = self.completed(&prompt).map_err(|error| Failure::Bus(error.into()))?;
        let mut messages = self.bus.hear(&completed.to_string()).map_err(|error| self.failed(error))?;
        match self.ask_user(&prompt, &completed, &mut messages, opening)? {
            Some(false) => Ok(()),
            Some(true) => Err(Failure::Locked),
            None => {
                self.take_back(&prompt);
                Err(Failure::Unanswered(opening.patience))
            }
        }
    }

    /// That the user has answered.
    fn completed<'a>(&'a self, prompt: &'a Place) -> zbus::Result<MatchRule<'a>> {
        let signal = MatchRule::builder().msg_type(message::Type::Signal).interface(PROMPT).member("Completed");
        signal.path(prompt).sender(self.service.as_str()).build()
    }

    /// Whether the user dismissed the question; `None` where there is no answer within the patience for it.
    fn ask_user(
        &self,
        prompt: &Place,
        completed: &MatchRule<'_>,
        messages: &mut Messages<'_>,
        opening: &Opening,
    ) -> Result<Option<bool>, Failure> {
        let _asked = Asked::begin(&opening.asking);
        self.call(prompt, PROMPT, "Prompt", &("",))?;
        let since = Instant::now();
        loop {
            let left = opening.patience.saturating_sub(since.elapsed());
            match messages.next(left.min(LOOK)).map_err(|error| self.failed(error))? {
                Some(message) if completed.matches(&message).unwrap_or(false) => {
                    // What comes with it is the service's own matter.
                    if let Ok(is_dismissed) = message.body().deserialize_ignore_signature() {
                        return Ok(Some(is_dismissed));
                    }
                }
                _ if left.is_zero() => return Ok(None),
                Some(_) => {}
                None if !self.is_service_there() => return Err(Failure::Ended),
                None => {}
            }
        }
    }

    /// Closes the window of a question that nobody answers, which would stay with nobody to hear of its answer.
    ///
    /// gnome-keyring's stays all the same: told to dismiss what is shown it aborts, in 42 to 50, and every program is
    /// without a keyring then (`daemon/dbus/gkd-secret-unlock.c`: `mark_as_complete` takes the very prompt that it ends
    /// for the next one in the queue).
    fn take_back(&self, prompt: &Place) {
        let gnome: Result<String, _> = self.bus.ask("GetNameOwner", &(GNOME,));
        if gnome.is_ok_and(|owner| owner == self.service) {
            return;
        }
        if let Err(failure) = self.call(prompt, PROMPT, "Dismiss", &()) {
            tracing::debug!(?failure, "the keyring's unanswered question cannot be taken back");
        }
    }

    fn ask<R, A>(&self, path: &str, interface: &str, method: &str, arguments: &A) -> Result<R, Failure>
    where
        R: for<'a> DynamicDeserialize<'a>,
        A: Serialize + DynamicType,
    {
        let answer = self.call(path, interface, method, arguments)?;
        answer.body().deserialize().map_err(|error| Failure::Bus(error.into()))
    }

    fn call<A: Serialize + DynamicType>(
        &self,
        path: &str,
        interface: &str,
        method: &str,
        arguments: &A,
    ) -> Result<Message, Failure> {
        self.bus.call(&self.service, path, interface, method, arguments).map_err(|error| self.failed(error))
    }

    /// For a service that ends and for one that hangs the bus has the same error.
    fn failed(&self, error: Error) -> Failure {
        if self.bus.is_cut() || error.short_name() == "Disconnected" {
            return Failure::Cut;
        }
        let may_be_gone = matches!(error.short_name(), "NoReply" | "ServiceUnknown" | "NameHasNoOwner");
        if may_be_gone && !self.is_service_there() { Failure::Ended } else { Failure::Bus(error) }
    }

    /// Where the bus does not say, it is.
    fn is_service_there(&self) -> bool {
        self.bus.ask("NameHasOwner", &(&self.service,)).unwrap_or(true)
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
fn owner(bus: &Bus) -> Result<String, Failure> {
    let owner = || bus.ask("GetNameOwner", &(NAME,));
    let found = owner().or_else(|_| {
        let started: Result<u32, _> = bus.ask("StartServiceByName", &(NAME, 0_u32));
        started.and_then(|_| owner())
    });
    found.map_err(Failure::Absent)
}

/// In place of a collection, an item or a prompt that is not there stands the root.
fn is_none(place: &Place) -> bool {
    place.as_str() == "/"
}
