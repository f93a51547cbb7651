//! Middleware, and clients whose backend is not ours.

#![allow(clippy::unwrap_used)]

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use async_std::task;
use entrada_conformance::answering;
use entrada_core::Fault;
use entrada_core::ports::AdapterError;
use entrada_core::ports::asynchronous::{Body, Transport};
use entrada_surf::SurfTransport;
use futures::io::Cursor;
use http::{HeaderValue, Method, Request, Response};
use surf::http as types;
use surf::middleware::{Middleware, Next};

const AMPLE: Duration = Duration::from_secs(20);

/// Answers each connection's first request with its head, a status and a header that surf's types do not know.
fn mirror() -> String {
    let (address, _) = answering(Ipv4Addr::LOCALHOST, |head| {
        let length = head.len();
        let answer = format!(
            "HTTP/1.1 299 Odd\r\nConnection: close\r\nX-Plain: a\r\nX-Plain: b\r\nContent-Length: {length}\r\n"
        );
        [answer.as_bytes(), b"X-Name: J\xf6rg\r\n\r\n", head.as_bytes()].concat()
    });
    format!("http://{address}")
}

fn send(transport: &SurfTransport, request: Request<Body>, limit: Duration) -> Result<Response<String>, AdapterError> {
    task::block_on(async {
        let (parts, body) = transport.send(request, limit).await?.into_parts();
        let body = body.read_to_limit(10_000).await.map_err(|error| AdapterError::io("the body", error))?;
        Ok(Response::from_parts(parts, String::from_utf8_lossy(&body.unwrap()).into_owned()))
    })
}

fn odd(url: &str) -> Request<Body> {
    let name = HeaderValue::from_bytes(b"J\xf6rg").unwrap();
    let request = Request::builder().method("odd").uri(url).header("x-name", name).header("x-plain", "a");
    request.header("x-plain", "b").body(Body::empty()).unwrap()
}

#[test]
fn nothing_is_lost_in_surfs_types() {
    let answer = send(&SurfTransport::new(), odd(&format!("{}/a|b?c={{d}}", mirror())), AMPLE).unwrap();
    assert_eq!(answer.status().as_u16(), 299);
    assert_eq!(answer.headers()["x-name"].as_bytes(), b"J\xf6rg");
    assert_eq!(answer.headers().get_all("x-plain").iter().collect::<Vec<_>>(), ["a", "b"]);
    assert!(!answer.headers().contains_key("content-type"));
    let head = answer.body();
    assert!(head.starts_with("odd /a|b?c={d} HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("x-name: J\u{fffd}rg\r\n") && head.contains("x-plain: a\r\nx-plain: b\r\n"), "{head}");
}

/// Sends everything elsewhere, and changes a header of each kind.
struct Elsewhere(String);

#[async_trait::async_trait]
impl Middleware for Elsewhere {
    async fn handle(&self, request: surf::Request, client: surf::Client, next: Next<'_>) -> surf::Result {
        let mut request: types::Request = request.into();
        *request.url_mut() = format!("{}{}/changed", self.0, request.url().path()).parse()?;
        request.set_method(types::Method::Delete);
        request.insert_header("x-added", "yes");
        request.remove_header("x-plain");
        let mut answer = next.run(request.into(), client).await?;
        answer.insert_header("x-plain", "changed");
        Ok(answer)
    }
}

#[test]
fn what_middleware_changes_counts_and_nothing_else_is_touched() {
    let transport = SurfTransport::new().with(Elsewhere(mirror()));
    let request = Request::get("http://nobody.invalid/page").header("x-plain", "a").header("x-kept", "k");
    let answer = send(&transport, request.body(Body::empty()).unwrap(), AMPLE).unwrap();
    let head = answer.body();
    assert!(head.starts_with("DELETE /page/changed HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("x-added: yes\r\n") && head.contains("x-kept: k\r\n") && !head.contains("x-plain"), "{head}");
    assert_eq!(answer.status().as_u16(), 299);
    assert_eq!(answer.headers().get_all("x-plain").iter().collect::<Vec<_>>(), ["changed"]);
    assert_eq!(answer.headers()["x-name"].as_bytes(), b"J\xf6rg");
}

#[test]
fn a_program_may_send_its_own_through_our_backend() {
    let transport = SurfTransport::new();
    let text = task::block_on(transport.client().get(format!("{}/own", mirror())).recv_string()).unwrap();
    assert!(text.starts_with("GET /own HTTP/1.1\r\n"), "{text}");
}

/// A backend of somebody else's, which answers without any network.
#[derive(Clone, Debug, Default)]
struct Theirs {
    asked: Arc<Mutex<Vec<String>>>,
}

#[async_trait::async_trait]
impl surf::HttpClient for Theirs {
    async fn send(&self, mut request: types::Request) -> Result<types::Response, types::Error> {
        let mut asked = format!("{} {}", request.method(), request.url());
        request.header_names().for_each(|name| asked += &format!(" {name}"));
        asked += &format!(" {}", request.body_string().await?);
        self.asked.lock().unwrap().push(asked);
        match request.url().path() {
            "/slow" => futures::future::pending().await,
            "/broken" => Err(types::Error::from_str(500, "code=S3CRET is in this text")),
            "/cut" => Err(types::Error::new(500, io::Error::from(io::ErrorKind::ConnectionReset))),
            "/slow-body" => {
                let never = futures::stream::pending::<io::Result<Vec<u8>>>();
                let reader = futures::stream::TryStreamExt::into_async_read(never);
                Ok(answer(200, types::Body::from_reader(reader, None)))
            }
            _ => {
                let mut answer = answer(201, types::Body::from_reader(Cursor::new("hello"), Some(5)));
                answer.insert_header("x-theirs", "1");
                Ok(answer)
            }
        }
    }
}

fn answer(status: u16, body: types::Body) -> types::Response {
    let mut answer = types::Response::new(status);
    answer.set_body(body);
    answer
}

fn theirs() -> (SurfTransport, Theirs) {
    let backend = Theirs::default();
    (SurfTransport::from_client(surf::Client::with_http_client(backend.clone())), backend)
}

#[test]
fn a_client_of_the_programs_is_used_as_it_is() {
    let (transport, backend) = theirs();
    let request = Request::put("http://app.example/page?x=1").header("x-ours", "1").body("text".to_owned().into());
    let answer = send(&transport, request.unwrap(), AMPLE).unwrap();
    assert_eq!((answer.status().as_u16(), answer.body().as_str()), (201, "hello"));
    assert_eq!(answer.headers()["x-theirs"], "1");
    assert_eq!(*backend.asked.lock().unwrap(), ["PUT http://app.example/page?x=1 x-ours text"]);
}

#[test]
fn what_another_backend_cannot_be_told_is_an_error() {
    let (transport, backend) = theirs();
    let name = HeaderValue::from_bytes(b"J\xf6rg").unwrap();
    let cases = [
        (Request::builder().method(Method::from_bytes(b"ODD").unwrap()), "its method"),
        (Request::get("http://app.example/").header("x-name", name), "one of its headers"),
    ];
    for (request, what) in cases {
        let request = request.uri("http://app.example/?code=S3CRET").body(Body::empty()).unwrap();
        let error = send(&transport, request, AMPLE).unwrap_err();
        assert_eq!(error.fault(), Fault::Other);
        assert!(error.to_string().contains(what) && !error.to_string().contains("S3CRET"), "{error}");
    }
    assert!(backend.asked.lock().unwrap().is_empty(), "nothing was sent");
}

#[test]
fn another_backends_failures_are_explained_without_its_words() {
    let (transport, _) = theirs();
    let short = Duration::from_millis(50);
    for (path, fault, limit) in [
        ("/slow", Fault::TimedOut, short),
        ("/slow-body", Fault::TimedOut, short),
        ("/broken", Fault::Other, AMPLE),
        ("/cut", Fault::Unreachable, AMPLE),
    ] {
        let request = Request::get(format!("http://app.example{path}?code=S3CRET")).body(Body::empty()).unwrap();
        let error = send(&transport, request, limit).unwrap_err();
        assert_eq!(error.fault(), fault, "{error}");
        let text = format!("{error} {error:?}");
        assert!(text.contains("app.example") && !text.contains("S3CRET"), "{text}");
    }
}

#[test]
fn a_continue_may_have_headers() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut read_until = |end: &[u8]| {
            let mut seen = Vec::new();
            while !seen.ends_with(end) {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                seen.push(byte[0]);
            }
            stream.try_clone().unwrap()
        };
        read_until(b"\r\n\r\n").write_all(b"HTTP/1.1 100 Continue\r\nDate: now\r\n\r\n").unwrap();
        read_until(b"the body").write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
    });
    let request = Request::post(url).header("expect", "100-continue").body(Body::from("the body".to_owned())).unwrap();
    let answer = task::block_on(SurfTransport::new().send(request, AMPLE)).unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    server.join().unwrap();
}
