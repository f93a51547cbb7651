//! The ports for programs that wait.

use std::boxed::Box;
use std::fmt;
use std::io::{self, Read};
use std::string::String;
use std::time::{Duration, Instant};
use std::vec;
use std::vec::Vec;

use super::AdapterError;
use crate::cache::Snapshot;
use crate::{Listen, Listening, Prompt, Receive, Redirect, UnixTime};

/// Sends HTTP requests: the flow's own, and the calls to the app.
///
/// An implementation never follows a redirect, keeps no cookies, and adds no header of its own besides
/// those that frame the message (`Host`, `Content-Length`, `Transfer-Encoding`, `Connection`), an
/// `Accept-Encoding` that it undoes itself, and `Accept: */*`, which says what no `Accept` says (RFC 9110 12.5.1).
/// A status of 4xx or 5xx is an answer, not an error.
pub trait Transport: Send + Sync {
    /// Sends, and returns as soon as the head of the answer is there.
    ///
    /// `timeout` limits the wait for that head, and any single wait for more of the body.
    fn send(&self, request: http::Request<Body>, timeout: Duration) -> Result<http::Response<Body>, AdapterError>;
}

/// A transport made of a closure; see [`transport_fn`].
#[derive(Clone, Copy)]
pub struct TransportFn<F>(F);

/// A transport made of a closure, for an HTTP stack that has no crate of its own here. The closure keeps the
/// promises of [`Transport`].
///
/// ```
/// use entrada_core::ports::blocking::{Body, Transport, transport_fn};
/// # struct Stack;
/// # impl Stack {
/// #     fn exchange(&self, _: http::Request<Body>, _: std::time::Duration) -> std::io::Result<http::Response<Body>> {
/// #         Ok(http::Response::new(Body::empty()))
/// #     }
/// # }
/// # let stack = Stack;
/// use entrada_core::ports::AdapterError;
///
/// let transport: &dyn Transport = &transport_fn(move |request, timeout| {
///     stack.exchange(request, timeout).map_err(|error| AdapterError::io("the request failed", error))
/// });
/// ```
pub fn transport_fn<F>(send: F) -> TransportFn<F>
where
    F: Fn(http::Request<Body>, Duration) -> Result<http::Response<Body>, AdapterError> + Send + Sync,
{
    TransportFn(send)
}

impl<F> Transport for TransportFn<F>
where
    F: Fn(http::Request<Body>, Duration) -> Result<http::Response<Body>, AdapterError> + Send + Sync,
{
    fn send(&self, request: http::Request<Body>, timeout: Duration) -> Result<http::Response<Body>, AdapterError> {
        (self.0)(request, timeout)
    }
}

impl<F> fmt::Debug for TransportFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TransportFn")
    }
}

/// Keeps the bytes of the token cache.
///
/// The core owns their meaning. An implementation keeps them for one user only, and replaces them all
/// or not at all.
pub trait Cache: Send + Sync {
    /// All bytes; `None` where there are none yet.
    fn load(&self) -> Result<Option<Vec<u8>>, AdapterError>;

    /// The same, read. An implementation that can tell cheaply that nothing has changed since gives the same
    /// snapshot again: then a token is found in it in about a microsecond, however many there are. It is asked
    /// without the lock; whoever holds that loads the bytes.
    fn snapshot(&self) -> Result<Snapshot, AdapterError> {
        Ok(Snapshot::of(self.load()?))
    }

    /// Replaces all bytes; where it fails, the old ones are still there.
    fn save(&self, bytes: &[u8]) -> Result<(), AdapterError>;

    /// Moves the present bytes away, so that a save can follow and nothing is lost.
    ///
    /// Returns where they are now, for the user to read.
    fn set_aside(&self) -> Result<String, AdapterError>;

    /// Tries to lock out all others who share this cache, threads and processes alike; never blocks.
    fn try_lock(&self) -> Result<TryLock, AdapterError>;

    /// The same for the sign-ins of a name (32 hexadecimal digits), which is held for as long as the user takes.
    ///
    /// Without it several windows may ask for the same sign-in at once, and nothing else.
    fn try_lock_sign_in(&self, name: &str) -> Result<TryLock, AdapterError> {
        let _ = name;
        Ok(TryLock::Unsupported)
    }

    /// Where the bytes are kept, for the user to read.
    fn location(&self) -> String;
}

/// How a try for the lock ended.
pub enum TryLock {
    /// Ours until the guard is dropped.
    Held(Box<dyn Send>),
    /// Somebody else's.
    Busy,
    /// This cache has no lock.
    Unsupported,
}

impl fmt::Debug for TryLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Held(_) => "Held",
            Self::Busy => "Busy",
            Self::Unsupported => "Unsupported",
        })
    }
}

/// Takes the user through a sign-in.
pub trait Browser: Send + Sync {
    /// Gets ready to receive a redirect, before any page is shown.
    ///
    /// A browser that only shows user codes answers with [`Fault::NotFound`](crate::Fault::NotFound).
    fn listen(&self, query: &Listen) -> Result<Box<dyn Listener>, AdapterError>;

    /// Shows the sign-in page's URL, or the user code, and opens a browser where it can.
    ///
    /// It returns at once. That no browser opened is no failure while the user can read the URL.
    fn present(&self, prompt: &Prompt) -> Result<(), AdapterError>;
}

/// The receiving end of one sign-in; dropping it closes it.
pub trait Listener: Send {
    /// Where and how the redirect is awaited.
    fn listening(&self) -> &Listening;

    /// Waits for the redirect that carries the asked-for state; all else passes without ending the wait.
    fn receive(&mut self, query: &Receive) -> Result<Redirect, AdapterError>;

    /// What ends this listener's wait from another thread, at once, with [`Fault::Cancelled`](crate::Fault::Cancelled);
    /// `None` where only time ends it.
    fn stopper(&self) -> Option<Box<dyn Fn() + Send + Sync>> {
        None
    }
}

/// Tells the time and lets it pass.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> UnixTime;

    /// Returns after that long.
    fn sleep(&self, duration: Duration);
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixTime {
        UnixTime::now()
    }

    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}

/// Brings unpredictable bytes.
pub trait Entropy: Send + Sync {
    /// Fills the whole buffer.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), AdapterError>;
}

/// A body on its way: nothing, bytes, or a stream.
#[derive(Default)]
pub struct Body {
    content: Content,
}

#[derive(Default)]
enum Content {
    #[default]
    Empty,
    Bytes(io::Cursor<Vec<u8>>),
    Stream(Box<dyn Read + Send>, Option<u64>),
}

impl Body {
    /// No body.
    pub fn empty() -> Self {
        Self::default()
    }

    /// A stream of that many bytes, or of a length not known beforehand.
    pub fn stream(reader: impl Read + Send + 'static, length: Option<u64>) -> Self {
        Self { content: Content::Stream(Box::new(reader), length) }
    }

    /// How many bytes are still to come, where that is known.
    pub fn length(&self) -> Option<u64> {
        match &self.content {
            Content::Empty => Some(0),
            Content::Bytes(bytes) => Some(bytes.get_ref().len() as u64 - bytes.position()),
            Content::Stream(_, length) => *length,
        }
    }

    /// The bytes that are still to come, where the body is held in memory, so that it can be sent a second time.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match &self.content {
            Content::Empty => Some(&[]),
            Content::Bytes(bytes) => bytes.get_ref().get(usize::try_from(bytes.position()).ok()?..),
            Content::Stream(..) => None,
        }
    }

    /// Reads all of it; `None` where it is longer than `limit` bytes.
    pub fn read_to_limit(&mut self, limit: usize) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        self.take((limit as u64).saturating_add(1)).read_to_end(&mut bytes)?;
        Ok((bytes.len() <= limit).then_some(bytes))
    }

    /// Reads the beginning: what comes before the end, an error, `limit` bytes or the end of that time. Looks at the time
    /// between pieces alone: how long to wait for one is the transport's.
    pub fn read_beginning(&mut self, limit: usize, within: Duration) -> Vec<u8> {
        let since = Instant::now();
        let mut bytes = vec![0; limit];
        let mut length = 0;
        while let Some(rest) = bytes.get_mut(length..).filter(|rest| !rest.is_empty()) {
            match self.read(rest) {
                Ok(0) => break,
                Ok(count) => length += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
            if since.elapsed() >= within {
                break;
            }
        }
        bytes.truncate(length);
        bytes
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.content {
            Content::Empty => Ok(0),
            Content::Bytes(bytes) => bytes.read(buffer),
            Content::Stream(reader, left) => {
                let count = reader.read(buffer)?;
                *left = left.map(|left| left.saturating_sub(count as u64));
                Ok(count)
            }
        }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        if bytes.is_empty() { Self::empty() } else { Self { content: Content::Bytes(io::Cursor::new(bytes)) } }
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        text.into_bytes().into()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.length() {
            Some(length) => write!(f, "Body({length} bytes)"),
            None => f.write_str("Body(a stream)"),
        }
    }
}
