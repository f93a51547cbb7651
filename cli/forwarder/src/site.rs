//! One app and the listener that stands for it: all that its requests share.

use std::sync::{Arc, Mutex, PoisonError};

use entrada_core::Error;
use entrada_dial::asynchronous::Dialer;
use http::Uri;

use crate::address::Origin;
use crate::counts::Counts;
use crate::gate::Gate;
use crate::limits::Limits;
use crate::network::WorkersNetwork;
use crate::pool::Pool;
use crate::tokens::Tokens;

/// Something that whoever runs the forwarder should know; told once, and not for each request.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// There is no token for this app, for that reason: until there is, its requests are answered with 502.
    NoToken {
        /// The app's origin.
        app: &'a str,
        /// Why.
        error: &'a Error,
        /// What clients are told to do about it.
        help: Option<String>,
    },
    /// There is a token again.
    Token {
        /// The app's origin.
        app: &'a str,
    },
    /// The proxy, or the way to it, fails requests; the sentence says how.
    Failing {
        /// The app's origin.
        app: &'a str,
        /// What happened.
        text: &'a str,
    },
}

pub(crate) type OnEvent = Arc<dyn Fn(Event<'_>) + Send + Sync>;

pub(crate) struct Site {
    pub(crate) origin: Origin,
    pub(crate) uri: Uri,
    pub(crate) gate: Gate,
    pub(crate) tokens: Tokens,
    pub(crate) dialer: Arc<Dialer<WorkersNetwork>>,
    pub(crate) pool: Pool,
    pub(crate) limits: Limits,
    pub(crate) counts: Arc<Counts>,
    pub(crate) on_event: OnEvent,
    /// The kind of failure that was told last.
    pub(crate) failing: Mutex<Option<&'static str>>,
}

impl Site {
    /// The proxy, or the way to it, has failed a request.
    pub(crate) fn fails(&self, kind: &'static str, text: &str) {
        let before = self.failing.lock().unwrap_or_else(PoisonError::into_inner).replace(kind);
        if before != Some(kind) {
            (self.on_event)(Event::Failing { app: &self.origin.text, text });
        }
    }

    /// The app has answered a request.
    pub(crate) fn works(&self) {
        *self.failing.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
