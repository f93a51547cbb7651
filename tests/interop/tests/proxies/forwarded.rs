//! The forwarder behind these proxies: a request, a body that goes and comes back piece by piece, and a tunnel.

#![allow(clippy::unwrap_used, reason = "a test that unwraps nothing says so by failing")]

use std::env;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use entrada_authority::Stage;
use entrada_conformance::environment::fetch;
use entrada_forwarder::{Forwarder, Listen, Published};
use tempfile::TempDir;

use crate::support::lender;

/// All of it, as [`over_the_forwarder`] tells it.
const ALL: &str = "answer: reached by a Bearer, in pieces and through a tunnel";

/// The URL of an app in the network, and what trusts its certificate.
pub(crate) struct App {
    url: String,
    folder: TempDir,
}

impl App {
    pub(crate) fn at(address: IpAddr) -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new([address.to_string()]).unwrap().self_signed(&key).unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("ca.pem"), certificate.pem()).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let (config, listener) = (Arc::new(config), TcpListener::bind((address, 0)).unwrap());
        let url = format!("https://{}/", listener.local_addr().unwrap());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let config = Arc::clone(&config);
                // A connection that ends in an error has ended.
                thread::spawn(move || drop(answer(stream, config)));
            }
        });
        Self { url, folder }
    }

    fn through(&self, proxy: &str) -> String {
        let roots = self.folder.path().join("ca.pem").display().to_string();
        let environment = [("all_proxy", proxy), ("SSL_CERT_FILE", &roots)];
        fetch("forwarded::over_the_forwarder", &self.url, &environment)
    }

    pub(crate) fn is_reached(&self, proxy: &str) {
        let found = self.through(proxy);
        assert!(found.contains(ALL), "through {proxy}: {found}");
    }

    pub(crate) fn is_refused(&self, proxy: &str) {
        let found = self.through(proxy);
        assert!(found.contains("answer: HTTP/1.1 502 ") && found.contains("(through the proxy 127.0.0.1:"), "{found}");
        assert!(!found.contains("reached") && !found.contains("S3CRET"), "{found}");
    }
}

/// Says whether there is a Bearer, gives back the pieces of a body as they come, and all bytes after an upgrade.
fn answer(stream: TcpStream, config: Arc<rustls::ServerConfig>) -> io::Result<()> {
    let connection = rustls::ServerConnection::new(config).map_err(io::Error::other)?;
    let mut wire = BufReader::new(rustls::StreamOwned::new(connection, stream));
    while let Some(head) = head(&mut wire)? {
        if head.starts_with("GET /tunnel ") {
            wire.get_mut().write_all(b"HTTP/1.1 101 Other\r\nconnection: Upgrade\r\nupgrade: echo\r\n\r\n")?;
            let mut bytes = [0; 4096];
            loop {
                let count = wire.read(&mut bytes)?;
                wire.get_mut().write_all(&bytes[..count])?;
                if count == 0 {
                    return Ok(());
                }
            }
        }
        if head.starts_with("POST /pieces ") {
            wire.get_mut().write_all(b"HTTP/1.1 200 Fine\r\ntransfer-encoding: chunked\r\n\r\n")?;
            while piece(&mut wire)? {}
            continue;
        }
        let text = if head.contains("authorization: Bearer ") { "reached by a Bearer" } else { "without a Bearer" };
        let length = text.len();
        wire.get_mut().write_all(format!("HTTP/1.1 200 Fine\r\ncontent-length: {length}\r\n\r\n{text}").as_bytes())?;
    }
    Ok(())
}

/// Gives a chunk back; `false` after the last one.
fn piece(wire: &mut BufReader<rustls::StreamOwned<rustls::ServerConnection, TcpStream>>) -> io::Result<bool> {
    let mut line = String::new();
    wire.read_line(&mut line)?;
    let size = usize::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
    let mut data = vec![0; size + 2];
    wire.read_exact(&mut data)?;
    wire.get_mut().write_all(&[line.as_bytes(), &data].concat())?;
    Ok(size > 0)
}

/// The next head; `None` at the end.
fn head(wire: &mut impl io::BufRead) -> io::Result<Option<String>> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if wire.read_line(&mut head)? == 0 {
            return Ok(None);
        }
    }
    Ok(Some(head))
}

#[test]
#[ignore = "a part of the other tests, which start it"]
#[allow(clippy::print_stdout, reason = "the others read it")]
fn over_the_forwarder() {
    let stage = Arc::new(Stage::start().unwrap());
    let app = Published::new(&env::var("TEST_URL").unwrap(), lender(&stage)).unwrap();
    let forwarder = Forwarder::builder().publish(app, Listen::default()).bind().unwrap();
    let port = forwarder.ports()[0].unwrap();
    let (stop, stopped) = smol::channel::bounded::<()>(1);
    let running = thread::spawn(move || {
        forwarder.run(async move {
            let _ = stopped.recv().await;
        })
    });
    println!("answer: {}", said(port));
    drop(stop);
    running.join().unwrap().unwrap();
}

/// What there is to tell of it; the answer to the first request where that is not the app's.
fn said(port: u16) -> String {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut client = Client { wire: BufReader::new(stream), port };
    let answer = client.ask("GET /", "");
    let length = answer.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
    let mut text = String::from_utf8(client.read(length)).unwrap();
    if !answer.starts_with("HTTP/1.1 200 ") {
        return answer + &text;
    }
    client.ask("POST /pieces", "transfer-encoding: chunked\r\n");
    for piece in ["5\r\nfirst\r\n", "6\r\nsecond\r\n", "0\r\n\r\n"] {
        client.gives_back(piece.as_bytes());
    }
    text += ", in pieces";
    let answer = client.ask("GET /tunnel", "connection: Upgrade\r\nupgrade: echo\r\n");
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
    for length in [5, 50_000, 5] {
        client.gives_back(&vec![b'x'; length]);
    }
    text + " and through a tunnel"
}

struct Client {
    wire: BufReader<TcpStream>,
    port: u16,
}

impl Client {
    /// Sends a head, and has the answer's.
    fn ask(&mut self, first: &str, lines: &str) -> String {
        let head = format!("{first} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\n{lines}\r\n", self.port);
        self.wire.get_mut().write_all(head.as_bytes()).unwrap();
        self::head(&mut self.wire).unwrap().unwrap()
    }

    fn read(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.wire.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// The other side says the same before it hears more.
    fn gives_back(&mut self, bytes: &[u8]) {
        self.wire.get_mut().write_all(bytes).unwrap();
        assert_eq!(self.read(bytes.len()), bytes);
    }
}
