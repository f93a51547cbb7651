//! One exchange over TLS through the stage's HTTP proxy, by public names.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use crate::plain::{Answer, read, request};
use entrada_authority::Stage;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use url::Url;

pub struct Tunnel {
    proxy: String,
    config: Arc<ClientConfig>,
}

impl Tunnel {
    /// Trusts what [`Stage::ca_pem`] signs and nothing else.
    pub fn new(stage: &Stage) -> Self {
        Self::trusting(stage, stage.ca_pem().unwrap())
    }

    /// Trusts one certificate authority, in PEM.
    pub fn trusting(stage: &Stage, ca_pem: &str) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = Arc::new(config.with_root_certificates(roots).with_no_client_auth());
        let proxy = stage.internet_proxy_url().unwrap().strip_prefix("http://").unwrap().to_owned();
        Self { proxy, config }
    }

    pub fn get(&self, url: &str, headers: &[(&str, &str)]) -> Answer {
        self.exchange("GET", url, headers, b"").expect("an answer")
    }

    pub fn exchange(&self, method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Option<Answer> {
        let url = Url::parse(url).unwrap();
        let mut stream = self.open(&url);
        stream.write_all(&request(method, &url, headers, body)).unwrap();
        read(method, stream)
    }

    /// Why no request can be made: what TLS says.
    pub fn distrust(&self, url: &str) -> String {
        self.open(&Url::parse(url).unwrap()).write_all(b"x").unwrap_err().to_string()
    }

    fn open(&self, url: &Url) -> StreamOwned<ClientConnection, TcpStream> {
        let host = url.host_str().unwrap().to_owned();
        let (status, stream) = self.connect(&format!("{host}:443"));
        assert_eq!(status, 200, "{host}");
        let name = ServerName::try_from(host).unwrap();
        StreamOwned::new(ClientConnection::new(self.config.clone(), name).unwrap(), stream)
    }

    /// The status of a `CONNECT` that is refused.
    pub fn refusal(&self, target: &str) -> u16 {
        let (status, mut stream) = self.connect(target);
        assert_eq!(stream.read(&mut [0; 8]).unwrap(), 0, "the connection ends");
        status
    }

    fn connect(&self, target: &str) -> (u16, TcpStream) {
        let mut stream = TcpStream::connect(&self.proxy).unwrap();
        stream.write_all(format!("CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n\r\n").as_bytes()).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), stream)
    }
}
