//! What the authority says of a redirect URI, judged: it fails only where the authority says so plainly. A page for any
//! other reason, such as a passing one, says nothing of the registration.

use entrada::protocol::ReplyUrl;
use entrada::protocol::aadsts::{self, Explanation, Matter};

/// The word of [`aadsts::explain`] for a redirect URI that is not the client's.
const NOT_REGISTERED: &str = "redirect_uri_not_registered";

/// What there is in an answer about a redirect URI.
#[derive(Clone, Copy, Debug)]
pub(super) enum Verdict {
    Registered,
    /// The client is known, and the URI is none of its own.
    NotRegistered(u32),
    /// The client itself is refused, as its registration or the tenant is not what was configured.
    Refused(u32, Explanation),
    /// Neither.
    Unsaid,
}

impl Verdict {
    pub(super) fn of(reply: ReplyUrl) -> Self {
        let number = match reply {
            ReplyUrl::Registered => return Self::Registered,
            ReplyUrl::Refused { aadsts } => aadsts,
            _ => None,
        };
        match number.and_then(|number| Some((number, aadsts::explain(number)?))) {
            Some((number, known)) if known.kind == NOT_REGISTERED => Self::NotRegistered(number),
            Some((number, known)) if known.matter == Matter::Configuration => Self::Refused(number, known),
            _ => Self::Unsaid,
        }
    }
}
