//! What a flow ends with.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use crate::words::span;
use crate::{Account, Fault, Secret, UnixTime};

/// An access token, and where it came from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Token {
    /// The token itself, opaque to its bearer.
    pub secret: Secret,
    /// The scopes that it is good for.
    pub scopes: Vec<String>,
    /// When it stops being good.
    pub expires_on: UnixTime,
    /// Where it came from.
    pub source: TokenSource,
    /// Whether the authority wants it to be renewed by now (`refresh_in`), though it is good for longer.
    pub renewal_due: bool,
    /// Whose it is, where that is known.
    pub account: Option<Account>,
    /// What did not go as it should on the way, though the token is good.
    pub warnings: Vec<Warning>,
}

/// Where a token came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenSource {
    /// From the cache, with no word to the authority.
    Cache,
    /// From a silent refresh.
    Refresh,
    /// From a sign-in.
    SignIn,
}

/// How a flow ended well.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// With a token.
    Token(alloc::boxed::Box<Token>),
    /// Without one: another's sign-in was awaited, and is over. Ask silently again.
    Joined,
    /// With the accounts in the cache, by user name.
    Accounts(Vec<Account>),
    /// With accounts signed out.
    SignedOut {
        /// The accounts whose tokens are gone from the cache.
        accounts: Vec<Account>,
        /// What did not go as it should.
        warnings: Vec<Warning>,
    },
    /// With something noted that can only help, if it could be.
    Noted,
    /// With another cache's entries taken over.
    Imported {
        /// How many entries are new or changed by it.
        entries: usize,
        /// What did not go as it should.
        warnings: Vec<Warning>,
    },
}

/// Something that went wrong beside the way.
///
/// The cache can only help: where it fails, the token is still given, with one of these.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// The cache could not be read, and is left as it is.
    CacheUnread(Fault),
    /// The cache held something unreadable. It is untouched, and will be set aside by the next save.
    CacheCorrupt,
    /// The unreadable cache is now kept here.
    CacheSetAside(String),
    /// The token could not be stored: the next call needs a refresh or a sign-in again.
    CacheUnsaved(Fault),
    /// The lock of the cache could not be had: others may have done the same work at the same time.
    Unlocked,
    /// The token is good but due for renewal, which failed for a passing reason, or for want of a refresh token.
    RefreshPostponed,
    /// The same token was refreshed so often of late, by force or because the authority gives less than is asked for,
    /// that the last one is given again.
    RefreshedTooOften,
    /// The authority's tokens do not live as long as was asked for, but only this long.
    ShorterLived(Duration),
    /// The authority granted less than was asked for; these scopes are missing.
    ScopesDeclined(Vec<String>),
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CacheUnread(fault) => write!(f, "the token cache could not be read and is left as it is: {fault}"),
            Self::CacheCorrupt => {
                f.write_str("the token cache is unreadable; it is left as it is until a sign-in sets it aside")
            }
            Self::CacheSetAside(place) => {
                write!(f, "the token cache was unreadable; it was set aside, untouched, to {place}")
            }
            Self::CacheUnsaved(fault) => {
                write!(f, "the token could not be stored, so the next call has to ask the authority again: {fault}")
            }
            Self::Unlocked => f.write_str("the lock of the token cache could not be had; went on without it"),
            Self::RefreshPostponed => {
                f.write_str("the token is still good, but due for renewal, which cannot be had now")
            }
            Self::RefreshedTooOften => f.write_str(
                "the same token was refreshed ten times within five minutes, which an authority takes for a loop; the \
                 last one is given again",
            ),
            Self::ShorterLived(lifetime) => {
                write!(f, "the authority's tokens live for {} only, which is less than was asked for", span(*lifetime))
            }
            Self::ScopesDeclined(scopes) => write!(f, "the authority did not grant {}", scopes.join(" ")),
        }
    }
}
