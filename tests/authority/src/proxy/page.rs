//! The proxy's error page.

use crate::frame;
use crate::message::{Reply, html, set};
use http::StatusCode;

/// "This corporate app can't be accessed" (application-proxy-troubleshoot.md, "End-user errors").
pub(super) fn cannot_be_accessed(status: u16, word: &str, transaction: &str, details: Option<&str>) -> Reply {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    let text = match status.as_u16() {
        403 => {
            "You are not authorized to access this application. Make sure to assign the user with access to this application."
        }
        502 => {
            "This corporate app can't be accessed right now. Please try again later. The connector could not reach the application."
        }
        504 if details == Some("BackendTimeOut") => {
            "This corporate app can't be accessed right now. Please try again later. The connector timed out."
        }
        _ => "This corporate app can't be accessed right now. Please try again later.",
    };
    let body = format!(
        "<p>{text}</p><dl><dt>Status Code</dt><dd id=\"status\">{}</dd><dt>Transaction ID</dt><dd id=\"transaction\">{transaction}</dd></dl>",
        frame::escape(word)
    );
    let mut reply = html(status, frame::frame("This corporate app can't be accessed", &body));
    if let Some(details) = details {
        set(&mut reply, "x-ms-proxy-error-details", details);
    }
    reply
}
