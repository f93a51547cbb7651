//! HTTP/2, with hyper's server on the other side.
#![allow(clippy::unwrap_used)]

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use entrada_core::ports::asynchronous::{Body, Transport};
use entrada_reqwest::ReqwestTransport;
use http::{Request, Response, Version};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::PrivateKeyDer;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// Answers with the version, the announced length and the body that came.
async fn echo(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let length = request.headers().get("content-length").map(|value| value.to_str().unwrap().to_owned());
    let version = request.version();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    Ok(Response::new(Full::from(format!("{version:?} {length:?} {}", String::from_utf8_lossy(&body)))))
}

/// A server for localhost that speaks HTTP/2 alone, and its certificate.
async fn server() -> (String, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let mut config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let stream = TokioIo::new(acceptor.accept(stream).await.unwrap());
            tokio::spawn(http2::Builder::new(TokioExecutor::new()).serve_connection(stream, service_fn(echo)));
        }
    });
    (url, certificate.pem())
}

#[tokio::test]
async fn bodies_go_both_ways() {
    let (url, ca) = server().await;
    let transport = ReqwestTransport::builder().proxy_from_env(false).ca_pem(ca).build().unwrap();
    let stream = |length| Body::stream(futures::io::Cursor::new(b"stream".to_vec()), length);
    for (body, expected) in [
        (Body::empty(), r#"HTTP/2.0 Some("0") "#),
        (Body::from("bytes".to_owned()), r#"HTTP/2.0 Some("5") bytes"#),
        (stream(Some(6)), r#"HTTP/2.0 Some("6") stream"#),
        (stream(None), "HTTP/2.0 None stream"),
    ] {
        let request = Request::post(&url).body(body).unwrap();
        let answer = transport.send(request, Duration::from_secs(20)).await.unwrap();
        assert_eq!(answer.version(), Version::HTTP_2);
        let body = answer.into_body().read_to_limit(1000).await.unwrap().unwrap();
        assert_eq!(String::from_utf8(body).unwrap(), expected);
    }
}
