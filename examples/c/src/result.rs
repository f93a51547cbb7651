//! How a call ended.

use std::ffi::c_int;

use entrada_core::{Error, Outcome};

use crate::buffer::Text;

/// `entrada_status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Status {
    Ok = 0,
    SignInNeeded = 1,
    TryLater = 2,
    Cancelled = 3,
    Failed = 4,
    Misuse = 5,
    Bug = 6,
}

/// `entrada_result`.
#[derive(Debug)]
pub(crate) struct CallResult {
    pub(crate) status: c_int,
    pub(crate) token: Option<Text>,
    pub(crate) account: Option<Text>,
    pub(crate) expires_on: u64,
    pub(crate) message: Option<Text>,
    pub(crate) claims: Option<Text>,
}

impl CallResult {
    pub(crate) fn failure(status: Status, message: &str) -> Self {
        let message = Some(Text::new(message));
        Self { status: status as c_int, token: None, account: None, expires_on: 0, message, claims: None }
    }

    pub(crate) fn of(ended: Result<Outcome, Error>) -> Self {
        let error = match ended {
            Ok(Outcome::Token(token)) => {
                let warnings: Vec<String> = token.warnings.iter().map(ToString::to_string).collect();
                return Self {
                    status: Status::Ok as c_int,
                    token: Some(Text::new(token.secret.expose())),
                    account: token.account.as_ref().map(|account| Text::new(&account.username)),
                    expires_on: token.expires_on.as_secs(),
                    message: (!warnings.is_empty()).then(|| Text::new(&warnings.join("; "))),
                    claims: None,
                };
            }
            Ok(_) => Error::Misuse("another sign-in was awaited, which nobody here does"),
            Err(error) => error,
        };
        let status = match &error {
            Error::UiRequired(_) => Status::SignInNeeded,
            Error::Cancelled => Status::Cancelled,
            Error::Misuse(_) => Status::Bug,
            error if error.is_transient() => Status::TryLater,
            _ => Status::Failed,
        };
        let mut failure = Self::failure(status, &error.to_string());
        if let Error::UiRequired(required) = &error {
            failure.claims = required.claims.as_deref().map(Text::new);
        }
        failure
    }
}
