//! The questions a flow asks, and the only way to answer them.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use zeroize::Zeroize;

use crate::cache::Snapshot;
use crate::protocol::{HttpAnswer, HttpQuery, ResponseMode};
use crate::{Error, Fault, Outcome, Secret};

/// One question of a flow, with the pen to answer it.
///
/// Read `query`, do what it says, then hand the event made by [`answer`](Ask::answer) or
/// [`fail`](Ask::fail) to [`Flow::resume`](crate::Flow::resume). Nothing else makes an [`Event`], so
/// an answer of the wrong type does not compile, and an answer to an older question is refused with
/// [`Error::Misuse`].
#[must_use = "a flow goes on only when its question is answered"]
pub struct Ask<Q, A> {
    /// What is asked.
    pub query: Q,
    number: u32,
    wrap: fn(A) -> Answer,
}

impl<Q, A> Ask<Q, A> {
    pub(crate) fn new(number: u32, query: Q, wrap: fn(A) -> Answer) -> Self {
        Self { query, number, wrap }
    }

    /// It worked, and this is the answer.
    pub fn answer(self, answer: A) -> Event {
        Event { number: self.number, answer: Ok((self.wrap)(answer)) }
    }

    /// It did not work.
    pub fn fail(self, fault: Fault) -> Event {
        Event { number: self.number, answer: Err(fault) }
    }

    /// The same, from a result.
    pub fn reply(self, result: Result<A, Fault>) -> Event {
        match result {
            Ok(answer) => self.answer(answer),
            Err(fault) => self.fail(fault),
        }
    }
}

impl<Q: fmt::Debug, A> fmt::Debug for Ask<Q, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask").field("query", &self.query).finish_non_exhaustive()
    }
}

/// What happened, made by an [`Ask`].
#[derive(Debug)]
pub struct Event {
    pub(crate) number: u32,
    pub(crate) answer: Result<Answer, Fault>,
}

/// The answers by kind, seen by the flow alone.
pub(crate) enum Answer {
    Http(HttpAnswer),
    Loaded(Snapshot),
    Saved,
    SetAside(String),
    Lock(Lock),
    Unlocked,
    Entropy(Vec<u8>),
    Listening(Listening),
    Presented,
    Redirect(Redirect),
    Waited,
}

/// Sizes instead of bytes: those of the cache are secret, and so are those that a verifier is cut from.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(answer) => answer.fmt(f),
            Self::Loaded(snapshot) => write!(f, "Loaded({snapshot:?})"),
            Self::Saved => f.write_str("Saved"),
            Self::SetAside(place) => write!(f, "SetAside({place:?})"),
            Self::Lock(lock) => lock.fmt(f),
            Self::Unlocked => f.write_str("Unlocked"),
            Self::Entropy(bytes) => write!(f, "Entropy({} bytes)", bytes.len()),
            Self::Listening(listening) => listening.fmt(f),
            Self::Presented => f.write_str("Presented"),
            Self::Redirect(redirect) => redirect.fmt(f),
            Self::Waited => f.write_str("Waited"),
        }
    }
}

/// What a flow wants next. The driver knows no states: it does what it is told and answers.
#[derive(Debug)]
#[non_exhaustive]
pub enum Action {
    /// Send this request and bring back the answer, without following redirects.
    Http(Ask<HttpQuery, HttpAnswer>),
    /// Bring the cache as it is now.
    Load(Ask<Load, Snapshot>),
    /// Replace the cache's bytes, all or nothing.
    Save(Ask<Save, ()>),
    /// Move unreadable bytes out of the way, losing nothing; answer where they are now.
    SetAside(Ask<SetAside, String>),
    /// Try to become the one who changes the cache, or who signs in; never block.
    TryLock(Ask<TryLock, Lock>),
    /// Let others do so.
    Unlock(Ask<Unlock, ()>),
    /// Bring that many unpredictable bytes.
    Entropy(Ask<Entropy, Vec<u8>>),
    /// Be ready to receive the redirect of a sign-in; answer under which URI.
    Listen(Ask<Listen, Listening>),
    /// Show the user where to sign in.
    Present(Ask<Prompt, ()>),
    /// Wait for the redirect.
    Receive(Ask<Receive, Redirect>),
    /// Let this much time pass.
    Wait(Ask<Wait, ()>),
    /// The end: a token, or why there is none.
    Done(Result<Outcome, Error>),
}

/// Asks for the cache as it is now: its bytes, read by [`Snapshot::of`].
#[derive(Clone, Copy, Debug)]
pub struct Load;

/// Asks to replace the cache's bytes: UTF-8 JSON that holds secrets. They are wiped when the question is answered.
pub struct Save {
    /// The whole new content.
    pub bytes: Vec<u8>,
}

impl Drop for Save {
    fn drop(&mut self) {
        // As a slice: six times as fast for a large cache, and the room beyond was never written to.
        self.bytes.as_mut_slice().zeroize();
    }
}

impl fmt::Debug for Save {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Save({} bytes)", self.bytes.len())
    }
}

/// Asks to move what the cache holds out of the way.
#[derive(Clone, Copy, Debug)]
pub struct SetAside;

/// Asks for a lock.
#[derive(Clone, Debug)]
pub struct TryLock {
    /// What it guards.
    pub of: Guarded,
}

/// Asks to give a lock back.
#[derive(Clone, Debug)]
pub struct Unlock {
    /// What it guards.
    pub of: Guarded,
}

/// What a lock guards, against all who share the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guarded {
    /// The cache, for as long as it takes to refresh and save.
    Cache,
    /// The sign-ins of this name (32 hexadecimal digits), for as long as the user takes.
    SignIn(String),
}

/// How it stands with the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// It is ours until we unlock.
    Held,
    /// Somebody else has it.
    Busy,
    /// This cache has no lock.
    Unsupported,
}

/// Asks for randomness.
#[derive(Clone, Copy, Debug)]
pub struct Entropy {
    /// How many bytes.
    pub bytes: usize,
}

/// Asks to be ready for a redirect.
#[derive(Clone, Debug)]
pub struct Listen {
    /// How the authority can deliver the answer, best first; never empty.
    pub response_modes: Vec<ResponseMode>,
}

/// Ready: this is where the redirect is awaited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listening {
    /// The redirect URI, sent to the authority as it stands here.
    pub redirect_uri: String,
    /// How the answer is to come; one of those that were asked for.
    pub response_mode: ResponseMode,
}

/// What to show the user.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Prompt {
    /// Open this URL in a browser.
    SignIn {
        /// The authorization request. It holds no secret, but it is the user's alone.
        url: String,
        /// How long the answer is awaited.
        expires_in: Duration,
    },
    /// Enter this code at that address.
    UserCode {
        /// The code, as the user types it.
        code: String,
        /// Where to enter it.
        verification_uri: String,
        /// The same with the code already in it, where the authority offers that (RFC 8628 3.3.1).
        verification_uri_complete: Option<String>,
        /// The authority's own sentence for the user, where it sent one.
        message: Option<String>,
        /// How long the code is good for.
        expires_in: Duration,
    },
    /// Another thread or process is signing in already; that is awaited instead of showing a second page.
    OtherSignIn {
        /// How long it is awaited.
        expires_in: Duration,
    },
}

/// Asks for the redirect.
#[derive(Clone, Debug)]
pub struct Receive {
    /// The `state` that the right redirect carries. Anything else is not ours: let it pass and wait on.
    pub state: String,
    /// How long to wait.
    pub timeout: Duration,
}

/// What came back from a sign-in.
#[derive(Clone, Debug)]
pub enum Redirect {
    /// The parameters of the redirect, form-encoded: the query of a GET, or the body of a POST.
    Parameters(Secret),
    /// A code that the user copied by hand, without its `state`.
    BareCode(Secret),
}

/// Asks to let time pass.
#[derive(Clone, Copy, Debug)]
pub struct Wait {
    /// How long.
    pub duration: Duration,
    /// What for, to be told to the user.
    pub reason: WaitReason,
}

/// What a flow waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WaitReason {
    /// Another thread or process holds the lock of the cache.
    Lock,
    /// The user is signing in with a user code; the authority named this interval.
    UserCode,
    /// Another thread or process is signing in.
    OtherSignIn,
    /// The authority stumbled, or is busy, and is asked once more. A lock stays with the flow meanwhile.
    Retry,
}
