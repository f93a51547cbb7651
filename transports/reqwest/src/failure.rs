//! reqwest's errors in the words of all transports.

use std::error::Error;
use std::io;

use entrada_core::Fault;
use entrada_core::ports::AdapterError;
use entrada_dial::Place;
use entrada_tower::links;

/// Why there is no answer to use.
pub(crate) enum Failure {
    Reqwest(reqwest::Error),
    /// The client followed a redirect, to that origin.
    Followed(String),
}

impl Failure {
    pub(crate) fn explain(self, place: &Place) -> AdapterError {
        match self {
            Self::Reqwest(error) => explain(place, error),
            Self::Followed(to) => follows(place, &format!(" (it ended at {to})")),
        }
    }
}

fn follows(place: &Place, details: &str) -> AdapterError {
    AdapterError::new(
        Fault::Other,
        format!(
            "{place} redirects, and the client follows redirects, which must not be: build it with \
             `redirect(Policy::none())`{details}"
        ),
    )
}

/// Why there is no answer, or no more of one.
pub(crate) fn explain(place: &Place, error: reqwest::Error) -> AdapterError {
    if error.is_dns() {
        return place.no_such_name();
    }
    if error.is_redirect() {
        return follows(place, "");
    }
    if error.is_builder() {
        return place.no_url();
    }
    links(&error).find_map(|link| explain_link(place, link)).unwrap_or_else(|| {
        // Only what stands last: what stands above it may name the whole URL.
        let reason = links(&error).skip(1).last().map(|last| format!(": {last}")).unwrap_or_default();
        AdapterError::new(Fault::Other, format!("the request to {place} failed{reason}"))
    })
}

fn explain_link(place: &Place, link: &(dyn Error + 'static)) -> Option<AdapterError> {
    if let Some(error) = link.downcast_ref::<rustls::Error>() {
        return Some(place.not_trusted(error));
    }
    if let Some(error) = link.downcast_ref::<hyper::Error>() {
        let is_gone = error.is_incomplete_message() || error.is_canceled() || error.is_closed();
        return match () {
            // hyper has a predicate for that, but for servers alone.
            () if error.to_string() == "message head is too large" => {
                Some(place.head_too_large("some 400 KB are allowed"))
            }
            () if error.is_parse() => Some(place.not_http(error)),
            () if is_gone => Some(place.io(&io::ErrorKind::UnexpectedEof.into())),
            () => None,
        };
    }
    if let Some(error) = link.downcast_ref::<io::Error>() {
        // One that was made of another, and says no more than that, leaves it to that.
        let says_nothing = matches!(error.kind(), io::ErrorKind::Other | io::ErrorKind::InvalidData);
        return (error.get_ref().is_none() || !says_nothing).then(|| place.io(error));
    }
    // The types of these are private.
    let text = link.to_string();
    if let Some(reason) = text.strip_prefix("SOCKS error: ") {
        return Some(refused_by_socks(place, reason));
    }
    match text.strip_prefix("tunnel error: ")? {
        "proxy authorization required" => Some(place.proxy_wants_a_user()),
        "unsuccessful" => Some(AdapterError::new(
            Fault::Unreachable,
            format!("no way to {place}: the proxy does not allow it, or failed"),
        )),
        "unexpected end of file" => Some(place.refused_by_proxy(None)),
        _ => None,
    }
}

fn refused_by_socks(place: &Place, reason: &str) -> AdapterError {
    match reason {
        "failed to create underlying connection" | "io error during SOCKS handshake" => place.refused_by_proxy(None),
        "server does not support user/pass authentication"
        | "server implements authentication incorrectly"
        | "credentials not accepted"
        | "server ident service failed"
        | "server ident service did not recognise client identifier" => place.proxy_wants_a_user(),
        "connection not allowed" => {
            AdapterError::new(Fault::Denied, format!("no way to {place}: the proxy does not allow it"))
        }
        other => AdapterError::new(Fault::Unreachable, format!("no way to {place}: the proxy failed ({other})")),
    }
}

/// Whether the other side was there, and then closed the connection.
pub(crate) fn is_cut(error: &reqwest::Error) -> bool {
    !error.is_connect()
        && links(error).any(|link| {
            link.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_incomplete_message)
                || link.downcast_ref::<io::Error>().is_some_and(entrada_dial::is_cut)
        })
}
