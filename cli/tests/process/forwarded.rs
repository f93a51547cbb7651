//! What goes through `entrada proxy`: by the environment's own proxy, very many at once, and while the token changes.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use entrada_authority::Endpoint;
use entrada_forwarder::raise_open_files;

use crate::discovery;
use crate::support::*;

/// A connection to a forwarder, kept from request to request.
pub(crate) struct Client {
    wire: BufReader<TcpStream>,
    port: u16,
}

impl Client {
    pub(crate) fn at(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Self { wire: BufReader::new(stream), port }
    }

    pub(crate) fn send(&mut self, first: &str, lines: &str) {
        let head = format!("{first} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\n{lines}\r\n", self.port);
        self.write(head.as_bytes());
    }

    fn write(&mut self, bytes: &[u8]) {
        self.wire.get_mut().write_all(bytes).unwrap();
    }

    /// The head of what is answered, with names in lower case.
    fn head(&mut self) -> String {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(self.wire.read_line(&mut head).unwrap() > 0, "cut after {head:?}");
        }
        head.to_ascii_lowercase()
    }

    /// An answer with its length in its head, which is a 200.
    pub(crate) fn answer(&mut self) -> Vec<u8> {
        self.answer_of("200")
    }

    /// One of another status.
    pub(crate) fn answer_of(&mut self, status: &str) -> Vec<u8> {
        let head = self.head();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let body = self.read(length.unwrap_or_else(|| panic!("no length in {head}")).parse().unwrap());
        assert!(head.starts_with(&format!("http/1.1 {status} ")), "{head}{}", String::from_utf8_lossy(&body));
        body
    }

    fn read(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.wire.read_exact(&mut bytes).unwrap();
        bytes
    }
}

#[test]
fn the_way_to_the_app_is_through_the_environments_proxy() {
    const LARGE: usize = 3 << 20;
    let world = discovery::world();
    let url = world.url("");
    discovery::login(&world, &url, &[]).expect_code(0);
    let before = world.stage.names_asked().len();
    let local = Local::start(&world, &[]);
    let mut client = Client::at(local.port);
    client.send("GET /api/me", "");
    assert!(String::from_utf8_lossy(&client.answer()).contains("Ada Lovelace"));
    client.send(&format!("GET /bytes/{LARGE}"), "");
    assert_eq!(client.answer().len(), LARGE);
    client.send("POST /upload", "transfer-encoding: chunked\r\n");
    let piece = [format!("{:x}\r\n", LARGE / 8).into_bytes(), vec![b'x'; LARGE / 8], b"\r\n".to_vec()].concat();
    (0..8).for_each(|_| client.write(&piece));
    client.write(b"0\r\n\r\n");
    assert_eq!(String::from_utf8_lossy(&client.answer()), format!(r#"{{"received":{LARGE}}}"#));
    client.send(
        "GET /ws",
        "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    );
    assert!(client.head().starts_with("http/1.1 101 "));
    // A mask of zeros leaves the text as it is.
    for _ in 0..2 {
        client.write(b"\x81\x85\0\0\0\0hello");
        assert_eq!(client.read(7), b"\x81\x05hello");
    }
    let names = world.stage.names_asked().split_off(before);
    let is_the_app = |name: &entrada_authority::NameAsked| name.target == "hr-contoso.msappproxy.net:443" && name.known;
    assert!(!names.is_empty() && names.iter().all(is_the_app), "{names:?}");
    assert_eq!(world.stage.bearers_seen(Endpoint::Proxy).last(), Some(&world.last_token()));
    local.end("TERM").expect_code(143);
}

#[test]
fn a_thousand_connections_at_once_are_all_answered() {
    const CROWD: usize = 1000;
    let world = World::signed_in();
    // With as few files as may be open at first, it sees to more itself.
    let (url, file) = (world.url(""), world.home.path().join("port"));
    let few =
        |own: &[PathBuf]| [vec!["-c".into(), "ulimit -S -n 200; exec \"$0\" \"$@\"".into()], own.to_vec()].concat();
    let running = world.run(&["proxy", &url, "--port-file", file.to_str().unwrap()]).within("sh", few).start();
    running.line_with("Forwarding with a token");
    let port = std::fs::read_to_string(file).unwrap().trim().parse().unwrap();
    // Of each, three ends are in this process: client, proxy and app, and the proxy's own to the app.
    assert!(raise_open_files() >= 6 * CROWD as u64, "this system does not allow that many open files");
    let all_connected = Barrier::new(20);
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                let mut clients: Vec<_> = (0..CROWD / 20).map(|_| Client::at(port)).collect();
                all_connected.wait();
                clients.iter_mut().for_each(|client| client.send("GET /slow/500", ""));
                for client in &mut clients {
                    assert_eq!(client.answer(), br#"{"slept_ms":500}"#);
                }
                clients.iter_mut().for_each(|client| client.send("GET /api/me", ""));
                clients.iter_mut().for_each(|client| drop(client.answer()));
            });
        }
    });
    assert_eq!(world.stage.requests_at(Endpoint::App).len(), 2 * CROWD);
    assert_eq!(world.stage.count(Endpoint::Token, ""), 0, "the one token did for all");
    running.signal("TERM");
    running.done().expect_code(143);
}

/// Says at its end that no more is to be asked for.
struct Until<'a>(&'a AtomicBool);

impl Drop for Until<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn a_renewal_in_the_middle_of_a_stream_of_requests_fails_none() {
    let world = World::signed_in();
    // Five minutes before its end a token is renewed.
    world.home.tokens_end_in(308);
    let local = Local::start(&world, &[]);
    let (port, stop, requests) = (local.port, AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut client = Client::at(port);
                while !stop.load(Ordering::SeqCst) {
                    client.send("GET /api/me", "");
                    client.answer();
                    requests.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        let _until = Until(&stop);
        let more = || {
            let before = requests.load(Ordering::SeqCst);
            until(|| requests.load(Ordering::SeqCst) > before + 100);
        };
        more();
        assert_eq!(world.refreshes(), 0);
        let is_used = || world.stage.bearers_seen(Endpoint::Proxy).last() == Some(&world.last_token());
        until(|| world.refreshes() > 0 && is_used());
        more();
    });
    let bearers = world.stage.bearers_seen(Endpoint::Proxy);
    assert_eq!(bearers.len(), requests.load(Ordering::SeqCst), "each went out once");
    let renewed = bearers.iter().filter(|bearer| **bearer == world.last_token()).count();
    assert!(renewed > 50 && bearers.len() - renewed > 100, "{renewed} of {} came after the renewal", bearers.len());
    assert_eq!(world.refreshes(), 1, "one for all of them");
    let done = local.end("TERM").expect_code(143);
    assert!(!done.stderr.contains("failed") && !done.stderr.contains("warning"), "{}", done.stderr);
}
