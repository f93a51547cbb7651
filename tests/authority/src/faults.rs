//! Faults on order: each spoils one answer.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A door of the stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// `/{tenant}/oauth2/v2.0/authorize`.
    Authorize,
    /// `/{tenant}/oauth2/authorize`, the v1 endpoint to which the proxy redirects.
    AuthorizeV1,
    /// The pages of a sign-in: password, second factor, consent.
    SignIn,
    /// `/{tenant}/oauth2/v2.0/token`.
    Token,
    /// `/{tenant}/oauth2/v2.0/devicecode`.
    DeviceCode,
    /// `/devicelogin`, where a user types a code.
    DeviceLogin,
    /// `/{tenant}/v2.0/.well-known/openid-configuration`.
    Configuration,
    /// `/{tenant}/discovery/v2.0/keys`.
    Keys,
    /// `/common/discovery/instance`.
    InstanceDiscovery,
    /// `/{tenant}/oauth2/v2.0/logout`.
    Logout,
    /// Another path of the authority.
    Other,
    /// Microsoft Graph, where it is on the stage; of the faults it knows those of connections, and statuses.
    Graph,
    /// The application proxy's external URL.
    Proxy,
    /// The app behind the proxy.
    App,
    /// The site that is not the proxy's: [`Stage::stranger_url`](crate::Stage::stranger_url).
    Stranger,
}

/// When to come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// Seconds.
    Seconds(u64),
    /// An HTTP date that is so many seconds ahead of the stage's clock.
    Date(u64),
}

/// What goes wrong with one answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// This status with an OAuth error body, and `Retry-After` if given. 429 and 5xx say `temporarily_unavailable`.
    Status(u16, Option<RetryAfter>),
    /// The right answer, so much later (real time).
    Slow(Duration),
    /// The connection is closed with no answer. The request has not been acted upon.
    Cut,
    /// The request is acted upon, and the connection is closed after half of the answer's body.
    CutMidBody,
    /// 200 and an HTML page, as a captive portal answers.
    Html,
    /// 200 and JSON that is not an answer: `{"unexpected":true}`.
    WrongJson,
    /// 200 and no body.
    Empty,
    /// 200 and so many bytes, `application/json`.
    Oversized(u64),
    /// HTTP 400 with this error in Entra's shape.
    OAuthError {
        /// `error`.
        error: String,
        /// `suberror`, if any.
        suberror: Option<String>,
        /// The AADSTS number.
        code: u32,
        /// `claims`, if any: JSON text.
        claims: Option<String>,
    },
}

/// The queue of faults.
#[derive(Debug, Default)]
pub struct Faults {
    queue: Mutex<VecDeque<(Endpoint, Fault)>>,
}

impl Faults {
    /// The next request at `endpoint` that finds no earlier fault queued for it gets this one.
    pub fn push(&self, endpoint: Endpoint, fault: Fault) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).push_back((endpoint, fault));
    }

    /// Forgets the faults that nobody has met.
    pub fn clear(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// How many are left.
    pub fn pending(&self) -> usize {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    pub(crate) fn take(&self, endpoint: Endpoint) -> Option<Fault> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let at = queue.iter().position(|(e, _)| *e == endpoint)?;
        queue.remove(at).map(|(_, fault)| fault)
    }
}
