//! ureq's errors in the words of all transports.

use entrada_core::Fault;
use entrada_core::ports::AdapterError;
use entrada_dial::{Place, Step};
use ureq::{Error, Timeout};

/// Why there is no answer, or no more of one.
pub(crate) fn explain(place: &Place, error: Error) -> AdapterError {
    match error {
        Error::Timeout(phase) => place.too_slow(step(phase)),
        Error::HostNotFound => place.no_such_name(),
        Error::ConnectionFailed => place.no_connection(),
        Error::Io(error) => place.io(&error),
        Error::Rustls(error) => place.not_trusted(&error),
        Error::Tls(reason) => place.no_tls(reason),
        Error::Pem(_) => place.no_tls("a certificate is not proper PEM"),
        Error::TlsRequired => {
            AdapterError::new(Fault::Untrusted, format!("the connection to {place} is not secured by TLS"))
        }
        Error::ConnectProxyFailed(reason) => place.refused_by_proxy(status_in(&reason)),
        Error::InvalidProxyUrl => AdapterError::new(Fault::Other, "the proxy's URL cannot be read"),
        Error::LargeResponseHeader(size, limit) => {
            place.head_too_large(format_args!("{size} bytes, {limit} are allowed"))
        }
        Error::Protocol(error) => place.not_http(error),
        // Its text would repeat the URI.
        Error::BadUri(_) | Error::RequireHttpsOnly(_) => place.no_url(),
        _ => AdapterError::new(Fault::Other, format!("the request to {place} failed")),
    }
}

fn step(phase: Timeout) -> Step {
    match phase {
        Timeout::Resolve => Step::Resolve,
        Timeout::Connect => Step::Connect,
        Timeout::SendRequest | Timeout::SendBody | Timeout::PerWrite => Step::Send,
        Timeout::RecvBody => Step::Body,
        _ => Step::Head,
    }
}

/// The status of the proxy's answer, which ureq has in its reason, if there was an answer.
fn status_in(reason: &str) -> Option<u16> {
    let mut numbers = reason.split(|letter: char| !letter.is_ascii_digit());
    numbers.find(|digits| digits.len() == 3)?.parse().ok()
}

/// Whether the other side was there, and then closed the connection.
pub(crate) fn is_cut(error: &Error) -> bool {
    matches!(error, Error::Io(error) if entrada_dial::is_cut(error))
}
