//! Errors in Entra's words and shape (v2-oauth2-auth-code-flow.md, "Error response"; reference-error-codes.md).

use crate::clock::entra_timestamp;
use crate::message::{Reply, json};
use crate::random;
use http::StatusCode;
use serde_json::{Value, json as value};

/// The `error` of an OAuth response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    InvalidRequest,
    InvalidGrant,
    InvalidClient,
    UnauthorizedClient,
    UnsupportedGrantType,
    UnsupportedResponseType,
    InvalidResource,
    InvalidScope,
    InvalidTenant,
    InvalidInstance,
    InteractionRequired,
    ConsentRequired,
    LoginRequired,
    AccessDenied,
    AuthorizationPending,
    SlowDown,
    ExpiredToken,
    AuthorizationDeclined,
    BadVerificationCode,
}

impl Kind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidGrant => "invalid_grant",
            Self::InvalidClient => "invalid_client",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidResource => "invalid_resource",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTenant => "invalid_tenant",
            Self::InvalidInstance => "invalid_instance",
            Self::InteractionRequired => "interaction_required",
            Self::ConsentRequired => "consent_required",
            Self::LoginRequired => "login_required",
            Self::AccessDenied => "access_denied",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::ExpiredToken => "expired_token",
            Self::AuthorizationDeclined => "authorization_declined",
            Self::BadVerificationCode => "bad_verification_code",
        }
    }
}

/// A request refused.
#[derive(Debug, Clone)]
pub(crate) struct Denial {
    pub(crate) kind: Kind,
    /// The AADSTS number.
    pub(crate) code: u32,
    pub(crate) text: String,
    pub(crate) suberror: Option<&'static str>,
    pub(crate) claims: Option<String>,
}

impl Denial {
    pub(crate) fn new(kind: Kind, code: u32, text: impl Into<String>) -> Self {
        Self { kind, code, text: text.into(), suberror: None, claims: None }
    }

    pub(crate) fn missing(parameter: &str) -> Self {
        Self::new(
            Kind::InvalidRequest,
            900144,
            format!("The request body must contain the following parameter: '{parameter}'."),
        )
    }

    pub(crate) fn suberror(mut self, suberror: &'static str) -> Self {
        self.suberror = Some(suberror);
        self
    }

    pub(crate) fn claims(mut self, claims: String) -> Self {
        self.claims = Some(claims);
        self
    }

    /// 401 where the client did not authenticate as it must (RFC 6749 section 5.2), else 400.
    pub(crate) fn status(&self) -> StatusCode {
        if self.kind == Kind::InvalidClient { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST }
    }

    pub(crate) fn description(&self, trace: &Trace) -> String {
        format!(
            "AADSTS{}: {} Trace ID: {} Correlation ID: {} Timestamp: {}",
            self.code, self.text, trace.trace_id, trace.correlation_id, trace.timestamp
        )
    }

    pub(crate) fn body(&self, trace: &Trace) -> Value {
        let mut body = value!({
            "error": self.kind.word(),
            "error_description": self.description(trace),
            "error_codes": [self.code],
            "timestamp": trace.timestamp,
            "trace_id": trace.trace_id,
            "correlation_id": trace.correlation_id,
            "error_uri": format!("{}/error?code={}", trace.instance, self.code),
        });
        if let Some(suberror) = self.suberror {
            body["suberror"] = suberror.into();
        }
        if let Some(claims) = &self.claims {
            body["claims"] = claims.as_str().into();
        }
        body
    }

    pub(crate) fn reply(&self, trace: &Trace) -> Reply {
        json(self.status(), &self.body(trace))
    }
}

/// What ties an answer to a request.
#[derive(Debug, Clone)]
pub(crate) struct Trace {
    pub(crate) instance: String,
    pub(crate) trace_id: String,
    /// The caller's `client-request-id`, or a new GUID.
    pub(crate) correlation_id: String,
    pub(crate) timestamp: String,
}

impl Trace {
    pub(crate) fn new(instance: &str, asked: Option<&str>, now: u64) -> Self {
        let correlation_id = asked.filter(|id| is_guid(id)).map_or_else(random::guid, str::to_owned);
        Self {
            instance: instance.to_owned(),
            trace_id: random::guid(),
            correlation_id,
            timestamp: entra_timestamp(now),
        }
    }
}

pub(crate) fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(
            |(i, b)| {
                if [8, 13, 18, 23].contains(&i) { b == b'-' } else { b.is_ascii_hexdigit() }
            },
        )
}
