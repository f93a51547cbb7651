//! Only those servers are trusted that prove who they are.

use entrada_core::Fault;
use entrada_core::ports::blocking::Transport;

use super::certificates::Authority;
use super::server::{Connection, Server};
use super::{AMPLE, Options, failure, get, page};

pub(super) fn suite(make: &dyn Fn(Options) -> Box<dyn Transport>) {
    let authority = Authority::new();
    let told = || make(Options { ca_pem: Some(authority.pem()), ..Options::default() });

    let good = Server::secure(authority.server("localhost"), serve);
    let transport = told();
    for _ in 0..2 {
        assert_eq!(page(&*transport, get(&good.url("/"))).1, b"secure");
    }
    assert_eq!(good.connections(), 1, "a TLS connection is used again");

    let error = failure(&*make(Options::default()), get(&good.url("/")), AMPLE);
    assert_eq!(error.fault(), Fault::Untrusted, "a CA that nobody was told of: {error}");
    assert!(error.to_string().contains("localhost"), "it says who: {error}");

    let stranger = Server::secure(Authority::new().server("localhost"), serve);
    let error = failure(&*transport, get(&stranger.url("/")), AMPLE);
    assert_eq!(error.fault(), Fault::Untrusted, "another CA than the one told: {error}");

    let other_name = Server::secure(authority.server("other.example"), serve);
    let error = failure(&*transport, get(&other_name.url("/")), AMPLE);
    assert_eq!(error.fault(), Fault::Untrusted, "a certificate for another name: {error}");

    let not_tls = Server::plain(|connection| connection.answer("400 Bad Request", "this is http"));
    let error = failure(&*transport, get(&not_tls.url("/").replace("http:", "https:")), AMPLE);
    assert!(matches!(error.fault(), Fault::Untrusted | Fault::Unreachable | Fault::Other), "{error}");

    // A failed handshake does not spoil the transport.
    assert_eq!(page(&*transport, get(&good.url("/"))).1, b"secure");
}

fn serve(connection: &mut Connection) -> std::io::Result<()> {
    loop {
        connection.head()?;
        connection.answer("200 OK", "secure")?;
    }
}
