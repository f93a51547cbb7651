//! What every transport has to do, against a server that can be told to behave badly.

mod answers;
mod asynchronous;
mod certificates;
mod connections;
mod failures;
mod requests;
mod secure;
mod server;

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use entrada_core::ports::AdapterError;
use entrada_core::ports::blocking::{Body, Transport};
use http::{Method, Request, Response, header};
use rustls::ServerConfig;

pub use asynchronous::asynchronous;

use certificates::Authority;
use server::{Connection, Server};

/// How the suite wants a transport to be made.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// PEM certificates to trust besides the system's.
    pub ca_pem: Option<Vec<u8>>,
    /// The `User-Agent` of requests that bring none.
    pub user_agent: Option<String>,
}

/// Runs the suite; it panics where the transport fails it.
///
/// `make` makes a new transport, with a connection pool of its own and without a proxy for loopback. An
/// asynchronous transport comes in a wrapper that blocks on its runtime.
///
/// ```no_run
/// # struct MyTransport;
/// # impl entrada_core::ports::blocking::Transport for MyTransport {
/// #     fn send(&self, _: http::Request<entrada_core::ports::blocking::Body>, _: std::time::Duration)
/// #     -> Result<http::Response<entrada_core::ports::blocking::Body>, entrada_core::ports::AdapterError> { todo!() }
/// # }
/// entrada_conformance::transport::transport(|_options| Box::new(MyTransport));
/// ```
pub fn transport(make: impl Fn(Options) -> Box<dyn Transport>) {
    for ground in [Ground::plain(&make), Ground::secure(&make)] {
        requests::suite(&ground);
        answers::suite(&ground);
        connections::suite(&ground);
        failures::suite(&ground);
    }
    secure::suite(&make);
}

type Make<'a, T = dyn Transport> = &'a dyn Fn(Options) -> Box<T>;

/// What the suites stand on: servers with TLS or without, and transports that trust them.
struct Ground<'a, T: ?Sized = dyn Transport> {
    make: Make<'a, T>,
    tls: Option<(Arc<ServerConfig>, Vec<u8>)>,
}

impl<'a, T: ?Sized> Ground<'a, T> {
    fn plain(make: Make<'a, T>) -> Self {
        Self { make, tls: None }
    }

    fn secure(make: Make<'a, T>) -> Self {
        let authority = Authority::new();
        Self { make, tls: Some((authority.server("localhost"), authority.pem())) }
    }

    fn make(&self) -> Box<T> {
        (self.make)(self.options())
    }

    fn options(&self) -> Options {
        Options { ca_pem: self.tls.as_ref().map(|(_, pem)| pem.clone()), ..Options::default() }
    }

    fn serve(&self, serve: impl Fn(&mut Connection) -> io::Result<()> + Send + Sync + 'static) -> Server {
        match &self.tls {
            None => Server::plain(serve),
            Some((config, _)) => Server::secure(Arc::clone(config), serve),
        }
    }
}

/// What must be in no error's text: it is in each request's query, in a header, and in bodies.
const SECRET: &str = "S3CRET-9b1d";

/// Where no wait is expected to end by it.
const AMPLE: Duration = Duration::from_secs(20);

/// Where a wait is expected to end by it.
const SHORT: Duration = Duration::from_millis(250);

fn request(method: Method, url: &str, body: impl Into<Body>) -> Request<Body> {
    let authorization = format!("Bearer {SECRET}");
    let builder = Request::builder().method(method).uri(url).header(header::AUTHORIZATION, authorization);
    builder.body(body.into()).expect("a request")
}

fn get(url: &str) -> Request<Body> {
    request(Method::GET, url, Body::empty())
}

/// Sends, and expects an answer.
#[track_caller]
fn answer(transport: &dyn Transport, request: Request<Body>) -> Response<Body> {
    let what = format!("{} {}", request.method(), request.uri().path());
    transport.send(request, AMPLE).unwrap_or_else(|error| panic!("{what}: {:?}: {error}", error.fault()))
}

/// Sends, expects an answer, and reads all of its body.
#[track_caller]
fn page(transport: &dyn Transport, request: Request<Body>) -> (http::response::Parts, Vec<u8>) {
    let (parts, mut body) = answer(transport, request).into_parts();
    let bytes = body.read_to_limit(10_000_000).expect("the body").expect("no more than 10 MB");
    (parts, bytes)
}

/// Sends, and expects an error that holds no secret.
#[track_caller]
fn failure(transport: &dyn Transport, request: Request<Body>, timeout: Duration) -> AdapterError {
    match transport.send(request, timeout) {
        Ok(answer) => panic!("an answer where none could be: {}", answer.status()),
        Err(error) => checked(error),
    }
}

/// Reads the body, and expects an error that holds no secret.
#[track_caller]
fn broken_body(answer: Response<Body>) -> AdapterError {
    match answer.into_body().read_to_limit(10_000_000) {
        Ok(body) => panic!("a whole body where none could be: {:?} bytes", body.map(|bytes| bytes.len())),
        Err(error) => checked(AdapterError::io("reading the body", error)),
    }
}

#[track_caller]
fn checked(error: AdapterError) -> AdapterError {
    let mut texts = vec![format!("{error}"), format!("{error:?}")];
    let mut source = error.source();
    while let Some(inner) = source {
        texts.push(format!("{inner} {inner:?}"));
        source = inner.source();
    }
    for text in texts {
        assert!(!text.is_empty() && !text.contains(SECRET), "an error that holds a secret: {text}");
    }
    error
}
