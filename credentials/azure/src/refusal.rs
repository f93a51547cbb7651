//! Our errors as the SDK's.

use std::sync::Arc;

use azure_core::error::{Error, ErrorKind};

use crate::Interaction;

/// One sentence with what to do next; the error itself is the source.
pub(crate) fn refused(error: Arc<entrada::Error>, interaction: Interaction) -> Error {
    let mut sentence = error.to_string();
    if let Some(remedy) = error.remedy().filter(|remedy| !sentence.contains(remedy)) {
        sentence = format!("{sentence}; {remedy}");
    }
    if error.needs_ui() && interaction == Interaction::Silent {
        sentence.push_str(
            "; this credential is silent: sign in once with one that is not, for the same client id, tenant and cache",
        );
    }
    Error::with_error(ErrorKind::Credential, error, sentence)
}

/// The thread could not be had.
pub(crate) fn no_thread(error: std::io::Error) -> Error {
    let sentence = format!("no thread can be started to get a token: {error}; try again when the system is less busy");
    Error::with_error(ErrorKind::Credential, error, sentence)
}

/// The thread is gone without an answer: something in it panicked, and has said so itself.
pub(crate) fn lost() -> Error {
    Error::with_message(
        ErrorKind::Credential,
        "the thread that was to get a token panicked; what it wrote to standard error says where",
    )
}
