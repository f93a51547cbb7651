//! What is particular to this transport.
#![cfg(feature = "rustls")]
#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::Duration;

use entrada_conformance::answering;
use entrada_core::Fault;
use entrada_core::ports::AdapterError;
use entrada_core::ports::asynchronous::{Body, Transport};
use entrada_reqwest::ReqwestTransport;
use http::{Request, Response};
use reqwest::redirect::Policy;

const PATIENCE: Duration = Duration::from_secs(20);

fn transport() -> ReqwestTransport {
    ReqwestTransport::builder().proxy_from_env(false).build().unwrap()
}

async fn send(
    transport: &ReqwestTransport,
    request: http::request::Builder,
    body: Body,
) -> Result<Response<Body>, AdapterError> {
    transport.send(request.body(body).unwrap(), PATIENCE).await
}

fn server(answer: impl Fn(&str) -> String + Send + 'static) -> (String, Receiver<String>) {
    let (address, seen) = answering(Ipv4Addr::LOCALHOST, answer);
    (format!("http://{address}/"), seen)
}

fn ok(_: &str) -> String {
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok".to_owned()
}

fn redirect(status: u16, to: &str) -> impl Fn(&str) -> String + Send + 'static {
    let answer = format!("HTTP/1.1 {status} X\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    move |_| answer.clone()
}

fn followed(policy: Policy) -> ReqwestTransport {
    let _ = rustls::crypto::ring::default_provider().install_default();
    ReqwestTransport::from_client(reqwest::Client::builder().no_proxy().redirect(policy).build().unwrap())
}

#[test]
fn a_ca_file_that_cannot_be_used_is_an_error_of_build() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    };
    let cases = [
        (folder.path().join("missing.pem"), Fault::NotFound),
        (write("empty.pem", ""), Fault::Corrupt),
        (write("key.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), Fault::Corrupt),
        (write("half.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n"), Fault::Corrupt),
        (write("wrong.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), Fault::Corrupt),
    ];
    for (path, fault) in cases {
        let error = ReqwestTransport::builder().ca_file(&path).build().unwrap_err();
        assert_eq!(error.fault(), fault, "{error}");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    }
    assert_eq!(ReqwestTransport::builder().ca_pem("no PEM").build().unwrap_err().fault(), Fault::Corrupt);
    assert_eq!(ReqwestTransport::builder().user_agent("a\nb").build().unwrap_err().fault(), Fault::Other);
}

#[tokio::test]
async fn a_user_agent_is_sent_only_when_asked_for() {
    let (url, seen) = server(ok);
    send(&transport(), Request::get(&url), Body::empty()).await.unwrap();
    assert!(!seen.recv().unwrap().contains("user-agent"));
    let named = ReqwestTransport::builder().proxy_from_env(false).user_agent("reports/2.1").build().unwrap();
    send(&named, Request::get(&url), Body::empty()).await.unwrap();
    assert!(seen.recv().unwrap().contains("user-agent: reports/2.1\r\n"));
    assert!(named.client().get(&url).send().await.unwrap().status().is_success(), "the same client, by hand");
    assert!(seen.recv().unwrap().contains("user-agent: reports/2.1\r\n"));
}

#[tokio::test]
async fn a_client_that_follows_redirects_repeats_no_request_elsewhere() {
    let (elsewhere, seen) = server(ok);
    for status in [301, 302, 307, 308] {
        let (url, _) = server(redirect(status, &elsewhere));
        let answer = send(&followed(Policy::default()), Request::get(&url), Body::empty()).await.unwrap();
        assert_eq!(answer.status(), status);
        let (url, _) = server(redirect(status, &elsewhere));
        let put = Request::put(&url).header("authorization", "Bearer S3CRET");
        let answer =
            send(&followed(Policy::default()), put, Body::from("refresh_token=S3CRET".to_owned())).await.unwrap();
        assert_eq!(answer.status(), status);
    }
    assert!(seen.try_recv().is_err(), "somebody else was asked");
}

#[tokio::test]
async fn where_it_follows_all_the_same_that_is_an_error_and_the_bearer_stayed() {
    let (elsewhere, seen) = server(ok);
    for status in [301, 302, 303] {
        let (url, _) = server(redirect(status, &format!("{elsewhere}?code=S3CRET")));
        let post = Request::post(&url).header("authorization", "Bearer S3CRET");
        let error = send(&followed(Policy::default()), post, Body::from("S3CRET".to_owned())).await.unwrap_err();
        assert_eq!(error.fault(), Fault::Other);
        assert!(error.to_string().contains("redirect(Policy::none())"), "{error}");
        assert!(error.to_string().contains(elsewhere.trim_end_matches('/')), "{error}");
        assert!(!format!("{error} {error:?}").contains("S3CRET"), "{error:?}");
        let head = seen.recv().unwrap();
        assert!(head.starts_with("GET /?code") && !head.contains("authorization"), "{head}");

        let (url, _) = server(redirect(status, &elsewhere));
        let refusing = Policy::custom(|attempt| attempt.error("S3CRET"));
        let error = send(&followed(refusing), Request::post(&url), Body::empty()).await.unwrap_err();
        assert!(error.to_string().contains("redirect(Policy::none())"), "{error}");
        assert!(!format!("{error} {error:?}").contains("S3CRET"), "{error:?}");
    }
}

#[tokio::test]
async fn a_url_that_is_none_is_an_error_without_its_query() {
    for url in ["/only/a/path?code=S3CRET", "ftp://files.example/?code=S3CRET"] {
        let error = send(&transport(), Request::get(url), Body::empty()).await.unwrap_err();
        assert_eq!(error.fault(), Fault::Other, "{error}");
        assert!(error.to_string().contains("not a full http or https URL"), "{error}");
        assert!(!format!("{error} {error:?}").contains("S3CRET"), "{error:?}");
    }
}

#[tokio::test]
async fn a_limit_beyond_all_clocks_is_none() {
    let (url, _seen) = server(ok);
    let request = Request::get(&url).body(Body::empty()).unwrap();
    assert_eq!(transport().send(request, Duration::MAX).await.unwrap().status(), 200);
}

#[test]
fn debug_tells_nothing() {
    assert_eq!(format!("{:?}", transport()), "ReqwestTransport { .. }");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_safe_request_survives_the_end_of_a_kept_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let mut buffer = [0; 4096];
        // The first connection ends when the request is under way.
        let (mut first, _) = listener.accept().unwrap();
        assert_ne!(first.read(&mut buffer).unwrap(), 0);
        drop(first);
        let (mut second, _) = listener.accept().unwrap();
        assert_ne!(second.read(&mut buffer).unwrap(), 0);
        second.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo").unwrap();
    });
    let answer = send(&transport(), Request::get(&url), Body::empty()).await.unwrap();
    assert_eq!(answer.into_body().read_to_limit(100).await.unwrap().unwrap(), b"two");
    server.join().unwrap();
}
