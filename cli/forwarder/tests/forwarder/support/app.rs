//! An app that does as it is told, byte by byte.

use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// A server on loopback, up until the process ends.
pub(crate) struct App {
    port: u16,
    connections: Arc<AtomicUsize>,
    heads: Arc<Mutex<Vec<String>>>,
}

/// A connection that somebody has made.
pub(crate) struct Visit {
    pub(crate) wire: BufReader<TcpStream>,
    /// Which of all connections it is, from 0.
    pub(crate) number: usize,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Visit {
    /// The next request's head, in lower case; `None` at the end.
    pub(crate) fn head(&mut self) -> Option<String> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.wire.read_line(&mut head).ok()? == 0 {
                return None;
            }
        }
        self.heads.lock().unwrap().push(head.clone());
        Some(head.to_lowercase())
    }

    pub(crate) fn body(&mut self, length: usize) -> Vec<u8> {
        let mut body = vec![0; length];
        self.wire.read_exact(&mut body).unwrap();
        body
    }

    pub(crate) fn say(&mut self, bytes: impl AsRef<[u8]>) {
        use std::io::Write as _;
        let _ = self.wire.get_mut().write_all(bytes.as_ref());
    }
}

impl App {
    /// Does that with each connection, on a thread of its own.
    pub(crate) fn doing(act: impl Fn(Visit) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (connections, heads) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
        let (count, log, act) = (Arc::clone(&connections), Arc::clone(&heads), Arc::new(act));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (number, act) = (count.fetch_add(1, Ordering::SeqCst), Arc::clone(&act));
                stream.set_nodelay(true).unwrap();
                let visit = Visit { wire: BufReader::new(stream), number, heads: Arc::clone(&log) };
                thread::spawn(move || act(visit));
            }
        });
        Self { port, connections, heads }
    }

    /// The same answer to all requests without a body, with these headers, each with its line's end.
    pub(crate) fn saying(headers: impl Into<String>) -> Self {
        let headers = headers.into();
        Self::doing(move |mut visit| {
            while visit.head().is_some() {
                visit.say(format!("HTTP/1.1 200 Fine\r\ncontent-length: 2\r\n{headers}\r\nok"));
            }
        })
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// All heads so far, as they came.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}
