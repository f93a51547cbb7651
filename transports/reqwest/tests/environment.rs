//! What the environment decides: proxies and root certificates. Each case runs in a process of its own.
#![cfg(feature = "rustls")]
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use entrada_core::ports::asynchronous::{Body, Transport};
use entrada_reqwest::ReqwestTransport;

/// The request that the process makes whose environment is tested; it says what came of it.
#[tokio::test]
#[ignore = "a part of the other tests, which start it"]
async fn the_process_under_test() {
    let transport = ReqwestTransport::new();
    let request = http::Request::get(std::env::var("TEST_URL").unwrap()).body(Body::empty()).unwrap();
    match transport.send(request, Duration::from_secs(10)).await {
        Ok(answer) => {
            let body = answer.into_body().read_to_limit(1000).await.unwrap().unwrap();
            println!("answer: {}", String::from_utf8(body).unwrap());
        }
        Err(error) => println!("{:?}: {error}", error.fault()),
    }
}

/// What a process with this environment gets from this URL.
fn fetch(url: &str, environment: &[(&str, &str)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["the_process_under_test", "--exact", "--ignored", "--nocapture"]).env_clear();
    let output = command.env("TEST_URL", url).envs(environment.iter().copied()).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn serve(serve: impl Fn(TcpStream) -> io::Result<()> + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || listener.incoming().flatten().for_each(|stream| drop(serve(stream))));
    port
}

fn head(stream: &mut impl Read) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// A proxy that tells what it was asked for, and answers so.
fn proxy(answer: &'static str) -> (u16, Receiver<String>) {
    let (told, asked) = channel();
    let port = serve(move |mut stream| {
        told.send(head(&mut stream)?).map_err(io::Error::other)?;
        stream.write_all(answer.as_bytes())
    });
    (port, asked)
}

#[test]
fn requests_go_through_the_proxy_with_its_user_and_password() {
    let (port, asked) = proxy("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nproxied");
    let value = format!("http://ana:p%40ss@127.0.0.1:{port}");
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        let found = fetch("http://app.example/page", &[(name, &value)]);
        assert!(found.contains("answer: proxied"), "{name}: {found}");
        let asked = asked.recv_timeout(Duration::from_secs(5)).unwrap().to_ascii_lowercase();
        assert!(asked.starts_with("get http://app.example/page http/1.1\r\n"), "{asked}");
        assert!(asked.contains(&"proxy-authorization: Basic YW5hOnBAc3M=\r\n".to_ascii_lowercase()), "{asked}");
    }
    let excepted = [("all_proxy", value.as_str()), ("no_proxy", "other.example, .invalid")];
    let found = fetch("http://nobody.invalid/?code=S3CRET", &excepted);
    assert!(found.contains("Unreachable: no address was found for nobody.invalid"), "{found}");
    assert!(asked.try_recv().is_err(), "the proxy was asked");
}

#[test]
fn a_proxy_that_refuses_is_explained() {
    let cases = [
        ("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", "Denied: ", "user and password"),
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "Unreachable: ", "does not allow it, or failed"),
        ("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", "Unreachable: ", "does not allow it, or failed"),
        ("", "Unreachable: ", "the proxy did not answer"),
    ];
    for (answer, fault, reason) in cases {
        let (port, asked) = proxy(answer);
        let value = format!("http://ana:S3CRET@127.0.0.1:{port}");
        let found = fetch("https://app.example/?code=S3CRET", &[("HTTPS_PROXY", &value)]);
        assert!(found.contains(fault) && found.contains(reason) && found.contains("app.example"), "{found}");
        assert!(!found.contains("S3CRET"), "{found}");
        assert!(asked.try_recv().unwrap().starts_with("CONNECT app.example:443 HTTP/1.1\r\n"));
    }
}

/// A CA's certificate in a file, and TLS for localhost by that CA.
fn ca() -> (tempfile::NamedTempFile, Arc<rustls::ServerConfig>) {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let file = tempfile::Builder::new().suffix(".pem").tempfile().unwrap();
    std::fs::write(file.path(), certificate.pem()).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    (file, Arc::new(config))
}

#[test]
fn ssl_cert_file_replaces_the_systems_roots() {
    let (file, config) = ca();
    let port = serve(move |stream| {
        let connection = rustls::ServerConnection::new(Arc::clone(&config)).map_err(io::Error::other)?;
        let mut stream = rustls::StreamOwned::new(connection, stream);
        head(&mut stream)?;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecure")
    });
    let url = format!("https://localhost:{port}/");
    let found = fetch(&url, &[("SSL_CERT_FILE", file.path().to_str().unwrap())]);
    assert!(found.contains("answer: secure"), "{found}");
    let found = fetch(&url, &[]);
    let expected = format!("Untrusted: the certificate of localhost:{port} was issued by nobody");
    assert!(found.contains(&expected), "{found}");
}

#[test]
fn no_root_is_loaded_before_the_first_handshake() {
    let direct = serve(|mut stream| {
        head(&mut stream)?;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\ndirect")
    });
    let (_, config) = ca();
    let secure = serve(move |mut stream| {
        let mut connection = rustls::ServerConnection::new(Arc::clone(&config)).map_err(io::Error::other)?;
        connection.complete_io(&mut stream).map(drop)
    });
    let missing = [("SSL_CERT_FILE", "/no/such/file.pem")];
    let found = fetch(&format!("http://localhost:{direct}/"), &missing);
    assert!(found.contains("answer: direct"), "{found}");
    let found = fetch(&format!("https://localhost:{secure}/"), &missing);
    assert!(found.contains("Untrusted: ") && found.contains("this system has no root certificates"), "{found}");
    assert!(found.contains("/no/such/file.pem") && found.contains("--ca"), "{found}");
}
