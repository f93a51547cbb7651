//! What an authority says when it refuses.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use crate::TokenRequest;
use crate::protocol::aadsts;
use crate::words::{clean, span};

/// An OAuth error answer, with what Entra adds to it (RFC 6749 5.2; identity-platform/reference-error-codes).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ServerError {
    /// `error`, on which programs decide.
    pub error: String,
    /// `suberror`, which refines it.
    pub suberror: Option<String>,
    /// `error_description`, for people.
    pub description: Option<String>,
    /// The AADSTS numbers: they explain, they do not decide.
    pub error_codes: Vec<u32>,
    /// Under which the authority's operators find the request.
    pub correlation_id: Option<String>,
    /// The authority's own number for the exchange.
    pub trace_id: Option<String>,
    /// Claims that a sign-in must ask for, JSON.
    pub claims: Option<String>,
    /// How long to leave the authority alone.
    pub retry_after: Option<Duration>,
    /// The HTTP status; 0 where the error came with a redirect.
    pub status: u16,
    /// Whether this is an earlier refusal that still holds: the authority was not asked again.
    pub is_repeated: bool,
    /// Whether it refuses a sign-in by user code, which policies treat as a flow of its own.
    pub by_user_code: bool,
}

impl ServerError {
    /// The same for what came of this very request; an earlier refusal came of another.
    pub(crate) fn trace(&mut self, request: &TokenRequest) {
        if self.correlation_id.is_none() && !self.is_repeated {
            self.correlation_id = request.correlation_id.clone();
        }
    }

    /// The AADSTS number that explains most: the first one, or the one that the description begins with.
    pub fn aadsts(&self) -> Option<u32> {
        self.error_codes.first().copied().or_else(|| {
            let digits = self.description.as_deref()?.strip_prefix("AADSTS")?;
            let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
            digits[..end].parse().ok()
        })
    }

    /// Whether the authority has stopped a loop of requests. It words that as any refusal of a grant, so that this
    /// one number decides, as in MSAL.NET.
    pub(crate) fn is_loop(&self) -> bool {
        self.aadsts() == Some(50196)
    }

    /// Whether the same request may succeed later.
    pub fn is_transient(&self) -> bool {
        self.is_loop()
            || self.status == 429
            || self.status == 408
            || self.status >= 500
            || matches!(self.error.as_str(), "temporarily_unavailable" | "server_error" | "request_timeout")
    }

    /// Whether it is the scope, or the resource that it names, that the authority does not know or does not give to this
    /// client (RFC 6749 5.2, RFC 8707 2, and Entra's `invalid_resource`).
    pub fn is_about_scope(&self) -> bool {
        matches!(self.error.as_str(), "invalid_scope" | "invalid_resource" | "invalid_target")
    }

    /// What to do about it, where the number is a known one.
    pub fn remedy(&self) -> Option<&'static str> {
        self.explanation().map(|known| known.remedy)
    }

    /// What is known of the number, in the flow that it ended.
    pub fn explanation(&self) -> Option<aadsts::Explanation> {
        let explain = if self.by_user_code { aadsts::explain_by_user_code } else { aadsts::explain };
        explain(self.aadsts()?)
    }

    pub(super) fn tell_repetition(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.retry_after.filter(|_| self.is_repeated) {
            Some(hold) => write!(f, "; it was not asked again, and will not be for {}", span(hold)),
            None => Ok(()),
        }
    }

    /// The error word, the number and the first sentence, without the trailer of ids.
    pub(super) fn summary(&self) -> String {
        let sentence = self.description.as_deref().map(first_sentence).unwrap_or_default();
        let error = clean(&self.error);
        match (sentence.is_empty(), self.aadsts()) {
            (true, Some(number)) => alloc::format!("{error}, AADSTS{number}"),
            (true, None) => error,
            (false, _) => alloc::format!("{error}: {sentence}"),
        }
    }
}

/// The description up to Entra's trailer (`Trace ID: ...`).
fn first_sentence(description: &str) -> String {
    let end = description.find("Trace ID:").unwrap_or(description.len());
    clean(&description[..end])
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the authority refused: {}", self.summary())?;
        if let Some(id) = &self.correlation_id {
            write!(f, " (correlation id {})", clean(id))?;
        }
        self.tell_repetition(f)?;
        match self.remedy() {
            Some(remedy) => write!(f, "; {remedy}"),
            None => Ok(()),
        }
    }
}
