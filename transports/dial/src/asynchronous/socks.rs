//! A way through a SOCKS proxy (RFC 1928 and 1929, and what SOCKS 4 and 4a are by custom).

use std::net::SocketAddr;

use entrada_core::Fault;
use entrada_core::ports::AdapterError;
use tokio_socks::io::Compat;
use tokio_socks::tcp::{Socks4Stream, Socks5Stream};
use tokio_socks::{Error, TargetAddr};

use super::network::Stream;
use super::proxy::{Kind, Proxy};
use crate::Place;

/// What the proxy is told: an address, or a name that it looks up itself.
pub(super) enum Target<'a> {
    Address(SocketAddr),
    Name(&'a str, u16),
}

/// Asks the proxy at the other end of the stream for a way to the target.
pub(super) async fn connect(
    stream: Stream,
    proxy: &Proxy,
    target: Target<'_>,
    place: &Place,
) -> Result<Stream, AdapterError> {
    let target = match target {
        Target::Address(address) => TargetAddr::Ip(address),
        Target::Name(host, port) => TargetAddr::Domain(host.into(), port),
    };
    let stream = Compat::new(stream);
    let connected = match (proxy.kind, &proxy.user) {
        (Kind::Socks4 | Kind::Socks4a, None) => {
            Socks4Stream::connect_with_socket(stream, target).await.map(Socks4Stream::into_inner)
        }
        (Kind::Socks4 | Kind::Socks4a, Some(user)) => {
            let connected = Socks4Stream::connect_with_userid_and_socket(stream, target, &user.name).await;
            connected.map(Socks4Stream::into_inner)
        }
        (_, None) => Socks5Stream::connect_with_socket(stream, target).await.map(Socks5Stream::into_inner),
        (_, Some(user)) => {
            let (name, password) = (&*user.name, &*user.password);
            let connected = Socks5Stream::connect_with_password_and_socket(stream, target, name, password).await;
            connected.map(Socks5Stream::into_inner)
        }
    };
    connected.map(Compat::into_inner).map_err(|error| refused(place, &error))
}

fn refused(place: &Place, error: &Error) -> AdapterError {
    match error {
        Error::Io(_) => place.refused_by_proxy(None),
        Error::NoAcceptableAuthMethods
        | Error::PasswordAuthFailure(_)
        | Error::AuthorizationRequired
        | Error::IdentdAuthFailure
        | Error::InvalidUserIdAuthFailure => place.proxy_wants_a_user(),
        Error::ConnectionNotAllowedByRuleset => {
            AdapterError::new(Fault::Denied, format!("no way to {place}: the proxy does not allow it"))
        }
        other => AdapterError::new(Fault::Unreachable, format!("no way to {place}: the proxy failed ({other})")),
    }
}
