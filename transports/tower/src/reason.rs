//! What went wrong, as a fault for the core and a reason for people.

use std::error::Error;
use std::fmt;
use std::io;
use std::iter::successors;
use std::sync::Arc;

use entrada_core::Fault;
use entrada_core::ports::AdapterError;
use http::Uri;

use crate::BoxError;

/// Where a request goes, in words that hold no secret: the host and port, never the path or query.
#[derive(Clone)]
pub(crate) struct Place(String);

impl Place {
    pub(crate) fn of(uri: &Uri) -> Self {
        let host = uri.host().unwrap_or("(no host)");
        Self(match uri.port_u16() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An error and what is behind it, one after the other, those within an [`io::Error`] included.
///
/// ```
/// use std::io;
///
/// let inner = io::Error::other(io::Error::from(io::ErrorKind::ConnectionRefused));
/// assert_eq!(entrada_tower::links(&inner).count(), 2);
/// ```
pub fn links<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    successors(Some(error), |&link| match link.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        // The standard library passes over the error that an `io::Error` was made of.
        Some(inner) => Some(inner as &(dyn Error + 'static)),
        None => link.source(),
    })
}

/// A fault, and why, in words that go on from who it was.
pub(crate) type Reason = (Fault, String);

pub(crate) type Explain = dyn Fn(&(dyn Error + 'static)) -> Option<Reason> + Send + Sync;

/// Finds the reason in an error: the first of its links that says something.
#[derive(Clone, Default)]
pub(crate) struct Reasons(pub(crate) Option<Arc<Explain>>);

impl Reasons {
    /// Why there is no answer, or no more of it; `what` says which. A service that has an [`AdapterError`] for an error
    /// has told it all.
    pub(crate) fn tell(&self, what: impl fmt::Display, error: BoxError) -> AdapterError {
        match error.downcast::<AdapterError>() {
            Ok(told) => *told,
            Err(error) => {
                let (fault, reason) = self.of(&*error);
                AdapterError::new(fault, format!("{what}: {reason}"))
            }
        }
    }

    fn of(&self, error: &(dyn Error + 'static)) -> Reason {
        let told = self.0.as_deref().and_then(|explain| links(error).find_map(explain));
        told.or_else(|| links(error).find_map(known)).unwrap_or_else(|| {
            // Only what stands last: what stands above it may name the whole URL.
            let last = links(error).last().map(ToString::to_string);
            (Fault::Other, last.unwrap_or_default())
        })
    }
}

/// What is known of one link, whatever the stack.
fn known(link: &(dyn Error + 'static)) -> Option<Reason> {
    #[cfg(feature = "hyper")]
    if let Some(error) = link.downcast_ref::<hyper::Error>() {
        return of_hyper(error);
    }
    link.downcast_ref::<io::Error>().and_then(of_io)
}

/// Whether the other side was there, and then closed the connection.
pub(crate) fn is_cut(error: &(dyn Error + 'static)) -> bool {
    use io::ErrorKind as Kind;
    links(error).any(|link| {
        #[cfg(feature = "hyper")]
        if link.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_incomplete_message) {
            return true;
        }
        link.downcast_ref::<io::Error>().is_some_and(|error| {
            matches!(
                error.kind(),
                Kind::UnexpectedEof | Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe
            )
        })
    })
}

fn of_io(error: &io::Error) -> Option<Reason> {
    use io::ErrorKind as Kind;
    if is_lookup(error) {
        let text = "no address was found for it: check its spelling, the network or the VPN";
        return Some((Fault::Unreachable, text.to_owned()));
    }
    let (fault, text) = match error.kind() {
        Kind::ConnectionRefused => (Fault::Unreachable, "it refuses the connection"),
        Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe | Kind::UnexpectedEof => {
            (Fault::Unreachable, CUT)
        }
        Kind::HostUnreachable
        | Kind::NetworkUnreachable
        | Kind::NetworkDown
        | Kind::AddrNotAvailable
        | Kind::NotConnected => (Fault::Unreachable, "there is no way to it: check the network or the VPN"),
        Kind::TimedOut | Kind::WouldBlock => (Fault::TimedOut, "it did not go on in time"),
        Kind::PermissionDenied => (Fault::Denied, "this system does not allow the connection"),
        _ => return None,
    };
    Some((fault, text.to_owned()))
}

const CUT: &str = "it cut the connection before its answer was complete";

#[cfg(feature = "hyper")]
fn of_hyper(error: &hyper::Error) -> Option<Reason> {
    // hyper has a predicate for that, but for servers alone.
    let (fault, text) = if error.to_string() == "message head is too large" {
        (Fault::TooLarge, "the headers of its answer are too long".to_owned())
    } else if error.is_parse() {
        (Fault::Other, format!("its answer is not proper HTTP: {error}"))
    } else if error.is_timeout() {
        (Fault::TimedOut, "it did not go on in time".to_owned())
    } else if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
        (Fault::Unreachable, CUT.to_owned())
    } else {
        return None;
    };
    Some((fault, text))
}

/// The standard library has no kind of its own for a name that was not found.
fn is_lookup(error: &io::Error) -> bool {
    /// Host not found, no data, try again: what Windows calls them.
    const WINSOCK: [i32; 3] = [11001, 11002, 11004];
    error.raw_os_error().is_some_and(|code| cfg!(windows) && WINSOCK.contains(&code))
        || error.to_string().starts_with("failed to lookup address")
}
