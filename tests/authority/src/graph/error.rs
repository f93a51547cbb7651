//! Errors in Graph's shape (graph: errors).

use crate::clock::entra_timestamp;
use crate::message::{Reply, json};
use crate::random;
use crate::realm::Realm;
use http::StatusCode;
use serde_json::json as object;

/// A request refused.
#[derive(Debug, Clone)]
pub(super) struct Refused {
    pub(super) status: StatusCode,
    pub(super) code: String,
    pub(super) message: String,
}

impl Refused {
    pub(super) fn new(status: StatusCode, code: &str, message: &str) -> Self {
        Self { status, code: code.to_owned(), message: message.to_owned() }
    }

    pub(super) fn bad(message: &str) -> Self {
        Self::with("Request_BadRequest", message)
    }

    /// 400 with a code of its own.
    pub(super) fn with(code: &str, message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(super) fn forbidden(message: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "Authorization_RequestDenied", message)
    }

    pub(super) fn not_found(id: &str) -> Self {
        let message =
            format!("Resource '{id}' does not exist or one of its queried reference-property objects are not present.");
        Self::new(StatusCode::NOT_FOUND, "Request_ResourceNotFound", &message)
    }

    pub(super) fn invalid_property(name: &str) -> Self {
        Self::bad(&format!("Invalid property '{name}'."))
    }

    pub(super) fn reply(&self, realm: &Realm) -> Reply {
        let id = random::guid();
        let date = entra_timestamp(realm.clock.now()).replace(' ', "T").replace('Z', "");
        json(
            self.status,
            &object!({"error": {
                "code": self.code,
                "message": self.message,
                "innerError": { "date": date, "request-id": id, "client-request-id": id },
            }}),
        )
    }
}
