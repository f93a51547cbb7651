//! `entrada proxy` while it runs, and a client of it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::{Done, Running, World};

/// A forwarder that listens.
pub(crate) struct Local {
    pub(crate) running: Running,
    pub(crate) port: u16,
}

impl Local {
    /// In front of the world's app.
    pub(crate) fn start(world: &World, more: &[&str]) -> Self {
        let file = world.home.path().join("port");
        let url = world.url("");
        let running = world.run(&["proxy", &url, "--port-file", file.to_str().unwrap()]).args(more).start();
        running.line_with("Forwarding with a token");
        let port = std::fs::read_to_string(file).unwrap().trim().parse().unwrap();
        Self { running, port }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }

    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        page(self.port, path)
    }

    /// Sends it a signal, and waits for its end.
    pub(crate) fn end(self, signal: &str) -> Done {
        self.running.signal(signal);
        self.running.done()
    }

    /// The most memory that it has had, in bytes.
    pub(crate) fn peak_memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.running.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
    }
}

/// A page of the forwarder on that port: the answer's status and body.
pub(crate) fn page(port: u16, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    write!(stream, "GET /{path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}
