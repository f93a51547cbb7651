//! The same ports for programs that do not wait, on whatever runtime.

use std::boxed::Box;
use std::fmt;
use std::string::String;
use std::time::{Duration, Instant};
use std::vec;
use std::vec::Vec;

use async_trait::async_trait;
use futures::future::BoxFuture;
use futures::io::{AsyncRead, AsyncReadExt};

use super::AdapterError;
pub use super::blocking::{Entropy, TryLock};
pub use super::on_thread::OnThread;
use crate::cache::Snapshot;
use crate::{Error, Listen, Listening, Prompt, Receive, Redirect, Token, UnixTime};

/// Sends HTTP requests; see [`blocking::Transport`](super::blocking::Transport).
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends, and resolves as soon as the head of the answer is there.
    async fn send(&self, request: http::Request<Body>, timeout: Duration)
    -> Result<http::Response<Body>, AdapterError>;
}

/// A transport made of a closure; see [`transport_fn`].
#[derive(Clone, Copy)]
pub struct TransportFn<F>(F);

/// A transport made of a closure, for an HTTP stack that has no crate of its own here. The closure keeps the
/// promises of [`blocking::Transport`](super::blocking::Transport).
///
/// ```
/// use entrada_core::ports::asynchronous::{Body, Transport, transport_fn};
/// # struct Stack;
/// # impl Stack {
/// #     async fn exchange(&self, _: http::Request<Body>) -> std::io::Result<http::Response<Body>> {
/// #         Ok(http::Response::new(Body::empty()))
/// #     }
/// # }
/// # let stack = std::sync::Arc::new(Stack);
/// use entrada_core::ports::AdapterError;
///
/// let transport: &dyn Transport = &transport_fn(move |request, _timeout| {
///     let stack = stack.clone();
///     async move {
///         stack.exchange(request).await.map_err(|error| AdapterError::io("the request failed", error))
///     }
/// });
/// ```
pub fn transport_fn<F, A>(send: F) -> TransportFn<F>
where
    F: Fn(http::Request<Body>, Duration) -> A + Send + Sync,
    A: Future<Output = Result<http::Response<Body>, AdapterError>> + Send,
{
    TransportFn(send)
}

#[async_trait]
impl<F, A> Transport for TransportFn<F>
where
    F: Fn(http::Request<Body>, Duration) -> A + Send + Sync,
    A: Future<Output = Result<http::Response<Body>, AdapterError>> + Send,
{
    async fn send(
        &self,
        request: http::Request<Body>,
        timeout: Duration,
    ) -> Result<http::Response<Body>, AdapterError> {
        (self.0)(request, timeout).await
    }
}

impl<F> fmt::Debug for TransportFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TransportFn")
    }
}

/// Gives access tokens for one app to whatever calls it, such as middleware of an HTTP client.
///
/// A closure is one:
///
/// ```
/// use entrada_core::ports::asynchronous::TokenProvider;
/// use entrada_core::{Error, Token};
/// # async fn a_token(_claims: Option<String>) -> Result<Token, Error> { Err(Error::Cancelled) }
///
/// let provider: &dyn TokenProvider = &|claims: Option<String>| async move { a_token(claims).await };
/// ```
#[async_trait]
pub trait TokenProvider: Send + Sync {
    /// A token that is good now; one with these claims (JSON) where the app demands them.
    async fn token(&self, claims: Option<String>) -> Result<Token, Error>;
}

#[async_trait]
impl<F, A> TokenProvider for F
where
    F: Fn(Option<String>) -> A + Send + Sync,
    A: Future<Output = Result<Token, Error>> + Send,
{
    async fn token(&self, claims: Option<String>) -> Result<Token, Error> {
        self(claims).await
    }
}

/// Keeps the bytes of the token cache; see [`blocking::Cache`](super::blocking::Cache).
#[async_trait]
pub trait Cache: Send + Sync {
    /// All bytes; `None` where there are none yet.
    async fn load(&self) -> Result<Option<Vec<u8>>, AdapterError>;

    /// The same, read; the same snapshot again where nothing has changed.
    async fn snapshot(&self) -> Result<Snapshot, AdapterError> {
        Ok(Snapshot::of(self.load().await?))
    }

    /// Replaces all bytes; where it fails, the old ones are still there.
    async fn save(&self, bytes: &[u8]) -> Result<(), AdapterError>;

    /// Moves the present bytes away, and tells where.
    async fn set_aside(&self) -> Result<String, AdapterError>;

    /// Tries to lock out all others who share this cache; never waits for them.
    async fn try_lock(&self) -> Result<TryLock, AdapterError>;

    /// Gives a lock back that is held. Where its future is dropped, and with it the lock, it is given back all the same.
    async fn unlock(&self, lock: Box<dyn Send>) {
        drop(lock);
    }

    /// The same as `try_lock` for the sign-ins of a name.
    async fn try_lock_sign_in(&self, name: &str) -> Result<TryLock, AdapterError> {
        let _ = name;
        Ok(TryLock::Unsupported)
    }

    /// Where the bytes are kept, for the user to read.
    fn location(&self) -> String;
}

/// Takes the user through a sign-in; see [`blocking::Browser`](super::blocking::Browser).
#[async_trait]
pub trait Browser: Send + Sync {
    /// Gets ready to receive a redirect, before any page is shown.
    async fn listen(&self, query: &Listen) -> Result<Box<dyn Listener>, AdapterError>;

    /// Shows the sign-in page's URL, or the user code, and opens a browser where it can.
    async fn present(&self, prompt: &Prompt) -> Result<(), AdapterError>;
}

/// The receiving end of one sign-in; dropping it closes it.
#[async_trait]
pub trait Listener: Send {
    /// Where and how the redirect is awaited.
    fn listening(&self) -> &Listening;

    /// Waits for the redirect that carries the asked-for state; all else passes without ending the wait.
    async fn receive(&mut self, query: &Receive) -> Result<Redirect, AdapterError>;
}

/// Tells the time and lets it pass.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> UnixTime;

    /// Resolves after that long.
    async fn sleep(&self, duration: Duration);
}

/// A clock that also starts tasks: what a client needs of a runtime besides a transport.
pub trait Runtime: Clock {
    /// Runs the task to its end, in the background.
    fn spawn(&self, task: BoxFuture<'static, ()>);
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
    Bytes(Vec<u8>),
    Stream(core::pin::Pin<Box<dyn AsyncRead + Send>>, Option<u64>),
}

impl Body {
    /// No body.
    pub fn empty() -> Self {
        Self::default()
    }

    /// A stream of that many bytes, or of a length not known beforehand.
    pub fn stream(reader: impl AsyncRead + Send + 'static, length: Option<u64>) -> Self {
        Self { content: Content::Stream(Box::pin(reader), length) }
    }

    /// How many bytes there are, where that is known.
    pub fn length(&self) -> Option<u64> {
        match &self.content {
            Content::Empty => Some(0),
            Content::Bytes(bytes) => Some(bytes.len() as u64),
            Content::Stream(_, length) => *length,
        }
    }

    /// The bytes, where the body is held in memory, so that it can be sent a second time.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match &self.content {
            Content::Empty => Some(&[]),
            Content::Bytes(bytes) => Some(bytes),
            Content::Stream(..) => None,
        }
    }

    /// As a stream, whatever it is made of.
    pub fn into_reader(self) -> core::pin::Pin<Box<dyn AsyncRead + Send>> {
        match self.content {
            Content::Empty => Box::pin(futures::io::empty()),
            Content::Bytes(bytes) => Box::pin(futures::io::Cursor::new(bytes)),
            Content::Stream(reader, _) => reader,
        }
    }

    /// Reads all of it; `None` where it is longer than `limit` bytes.
    pub async fn read_to_limit(self, limit: usize) -> std::io::Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        self.into_reader().take((limit as u64).saturating_add(1)).read_to_end(&mut bytes).await?;
        Ok((bytes.len() <= limit).then_some(bytes))
    }

    /// Reads the beginning; see [`read_beginning`](super::blocking::Body::read_beginning) of the other kind of body.
    pub async fn read_beginning(self, limit: usize, within: Duration) -> Vec<u8> {
        let (mut reader, since) = (self.into_reader(), Instant::now());
        let mut bytes = vec![0; limit];
        let mut length = 0;
        while let Some(rest) = bytes.get_mut(length..).filter(|rest| !rest.is_empty()) {
            match reader.read(rest).await {
                Ok(0) => break,
                Ok(count) => length += count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
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

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        if bytes.is_empty() { Self::empty() } else { Self { content: Content::Bytes(bytes) } }
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
