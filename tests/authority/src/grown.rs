//! What joins the directory while the stage is up.
//!
//! What was handed out by reference stays good: a change is a new version beside the old one. Both live as long as the
//! process, which costs a few hundred bytes for each.

use crate::directory::{Client, Resource};
use crate::published::Published;
use crate::realm::locked;
use std::sync::Mutex;

/// The newest version of each thing.
#[derive(Debug, Default)]
pub(crate) struct Grown {
    clients: Mutex<Vec<&'static Client>>,
    resources: Mutex<Vec<&'static Resource>>,
    published: Mutex<Vec<&'static Published>>,
}

impl Grown {
    pub(crate) fn clients(&self) -> Vec<&'static Client> {
        locked(&self.clients).clone()
    }

    pub(crate) fn resources(&self) -> Vec<&'static Resource> {
        locked(&self.resources).clone()
    }

    pub(crate) fn published(&self) -> Vec<&'static Published> {
        locked(&self.published).clone()
    }

    pub(crate) fn client(&self, client: Client) {
        grow(&self.clients, client, |one, other| one.id == other.id);
    }

    pub(crate) fn resource(&self, resource: Resource) {
        grow(&self.resources, resource, |one, other| one.app_id == other.app_id);
    }

    pub(crate) fn publish(&self, app: Published) {
        grow(&self.published, app, |one, other| one.app_id == other.app_id);
    }
}

fn grow<T>(things: &Mutex<Vec<&'static T>>, thing: T, is_same: impl Fn(&T, &T) -> bool) {
    let mut things = locked(things);
    let place = things.iter().position(|other| is_same(other, &thing));
    let thing: &'static T = Box::leak(Box::new(thing));
    match place {
        Some(place) => things[place] = thing,
        None => things.push(thing),
    }
}
