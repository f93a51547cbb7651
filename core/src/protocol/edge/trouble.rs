//! Why nothing, or nothing to be trusted, was learnt from a URL.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use super::GatewayPage;
use crate::words::clean;

/// A URL that did not tell whom to ask for tokens, or told something that is not to be trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DiscoveryError {
    /// The URL that was asked.
    pub url: String,
    /// What is wrong.
    pub trouble: DiscoveryTrouble,
    /// For how long it wants to be left alone, an hour at most, where it has said so (`Retry-After`).
    pub retry_after: Option<Duration>,
}

/// What is wrong with what a URL told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DiscoveryTrouble {
    /// It answered without a token: there is no proxy in front, or one that lets everybody through.
    NoSignIn {
        /// The HTTP status.
        status: u16,
    },
    /// It asks for Windows authentication: the name leads past the proxy.
    Bypassed,
    /// Something on the way has followed the redirect to sign-in.
    SignInPage,
    /// The proxy could not bring an answer.
    Gateway(Box<GatewayPage>),
    /// The redirect does not name app and external URL.
    Incomplete,
    /// The redirect leads to a host that is none of Microsoft's sign-in hosts.
    UnknownAuthority {
        /// Scheme, host and port.
        origin: String,
    },
    /// The redirect names no tenant by its id.
    NoTenant,
    /// The redirect leads to another authority or tenant than the one that was named.
    OtherAuthority {
        /// Where it leads.
        found: String,
        /// What was named, by the user or by an earlier answer.
        named: String,
    },
    /// The redirect speaks for another URL than the one that was asked.
    OtherOrigin {
        /// The external URL that it names.
        found: String,
    },
    /// The authority, or the proxy, took none of the scopes.
    NoScope {
        /// The scopes that were tried.
        tried: Vec<String>,
        /// A scope that was not tried, since the authority did not confirm that the app of that id is at this URL.
        withheld: Option<String>,
        /// Whether the proxy has seen a token and refused it; else it is the authority that gave none.
        refused_by_proxy: bool,
    },
    /// The proxy no longer accepts the scope that it accepted before. What it accepts now is noted, but the request could
    /// not be sent again by itself, as its body is gone.
    Outdated,
}

impl DiscoveryError {
    /// What is wrong with a URL.
    pub fn new(url: impl Into<String>, trouble: DiscoveryTrouble) -> Self {
        Self { url: url.into(), trouble, retry_after: None }
    }

    /// What to do about it.
    pub fn remedy(&self) -> String {
        use DiscoveryTrouble as T;
        let text = match &self.trouble {
            T::NoSignIn { status: 300.. } => {
                "check the URL; if the app is published with pre-authentication, name its tenant and scope"
            }
            T::NoSignIn { .. } => {
                "it needs no token, so that any client will do; if it should need one, let the administrator set its \
                 pre-authentication to Microsoft Entra ID"
            }
            T::Bypassed => {
                "look the name up as from outside: it should lead to application proxy, by a CNAME to msappproxy.net"
            }
            T::SignInPage => "take what follows redirects out of the way: a proxy, or a gateway",
            T::Gateway(page) => page.trouble.remedy(),
            T::Incomplete | T::NoTenant => "name the app's tenant and scope",
            T::UnknownAuthority { .. } => "if you know and trust that authority, name it yourself, with its tenant",
            T::OtherAuthority { .. } => "if the app has moved, name its tenant; if not, do not sign in",
            T::OtherOrigin { .. } => "call the app by its external URL; if this is that, do not sign in",
            T::NoScope { withheld: Some(scope), .. } => {
                return alloc::format!("if you know that this is the app's scope, name it: {}", clean(scope));
            }
            T::Outdated => "send it again",
            T::NoScope { withheld: None, .. } => {
                "name the scope as the app's registration shows it, and check that the client has its permission"
            }
        };
        String::from(text)
    }
}

impl fmt::Display for DiscoveryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use DiscoveryTrouble as T;
        let url = clean(&self.url);
        match &self.trouble {
            T::NoSignIn { status } => {
                write!(f, "{url} does not ask for a sign-in: it answered {status} without a token")
            }
            T::Bypassed => {
                write!(f, "{url} leads past application proxy, to an app that asks for Windows authentication")
            }
            T::SignInPage => write!(f, "{url} answered with a sign-in page: something on the way follows redirects"),
            T::Gateway(page) => write!(f, "{url} cannot be asked: {page}"),
            T::Incomplete => write!(f, "{url} redirects to sign-in without naming the app and its external URL"),
            T::UnknownAuthority { origin } => {
                write!(f, "{url} redirects to sign in at {}, which is no sign-in host of Microsoft's", clean(origin))
            }
            T::NoTenant => write!(f, "{url} redirects to sign-in without naming a tenant by its id"),
            T::OtherAuthority { found, named } => {
                write!(f, "{url} redirects to sign in at {}, and not at {}", clean(found), clean(named))
            }
            T::OtherOrigin { found } => {
                write!(f, "{url} redirects to sign in for another URL than it was asked by: {}", clean(found))
            }
            T::Outdated => write!(f, "{url} no longer accepts the scope that it accepted before, but another one"),
            T::NoScope { tried, .. } => {
                write!(f, "no scope was accepted for {url}; tried: {}", clean(&tried.join(" ")))
            }
        }?;
        write!(f, "; {}", self.remedy())
    }
}

impl core::error::Error for DiscoveryError {}
