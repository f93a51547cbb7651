//! A client of which every byte is known.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

pub(crate) trait Wire: Read + Write + Send {}
impl<T: Read + Write + Send> Wire for T {}

/// A connection to the forwarder.
pub(crate) struct Client {
    wire: Box<dyn Wire>,
    host: String,
}

/// An answer that has come whole.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case, in their order.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Vec<(String, String)>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}\n{:?}", self.text(), self.headers);
        self
    }

    /// The stage's `/echo`, as JSON text without spaces.
    #[track_caller]
    pub(crate) fn says(self, wanted: &str) -> Self {
        assert!(self.text().contains(wanted), "no {wanted:?} in: {}", self.text());
        self
    }
}

impl Client {
    pub(crate) fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { wire: Box::new(stream), host: format!("127.0.0.1:{port}") }
    }

    pub(crate) fn connect_unix(path: &Path) -> Self {
        Self { wire: Box::new(UnixStream::connect(path).unwrap()), host: "localhost".to_owned() }
    }

    /// A whole request without a body.
    pub(crate) fn get(&mut self, target: &str) -> Answer {
        self.ask("GET", target, "", b"")
    }

    /// Headers each with their line's end; the length is added where there is a body.
    pub(crate) fn ask(&mut self, method: &str, target: &str, headers: &str, body: &[u8]) -> Answer {
        self.send_head(method, target, headers, body.len());
        self.write(body);
        self.answer(method)
    }

    pub(crate) fn send_head(&mut self, method: &str, target: &str, headers: &str, length: usize) {
        let length = if length > 0 { format!("content-length: {length}\r\n") } else { String::new() };
        let head = format!("{method} {target} HTTP/1.1\r\nhost: {}\r\n{length}{headers}\r\n", self.host);
        self.write(head.as_bytes());
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.wire.write_all(bytes).unwrap();
        self.wire.flush().unwrap();
    }

    /// Writes what can be written; `false` where the other side has hung up.
    pub(crate) fn try_write(&mut self, bytes: &[u8]) -> bool {
        self.wire.write_all(bytes).is_ok()
    }

    pub(crate) fn read_exact(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.wire.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// What comes up to the end of the connection.
    pub(crate) fn rest(mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.wire.read_to_end(&mut bytes).unwrap();
        bytes
    }

    /// The first line and the headers of what comes next.
    pub(crate) fn head(&mut self) -> (u16, Vec<(String, String)>) {
        let first = self.line();
        let status = first.split(' ').nth(1).and_then(|word| word.parse().ok());
        (status.unwrap_or_else(|| panic!("no status in {first:?}")), self.fields())
    }

    pub(crate) fn answer(&mut self, method: &str) -> Answer {
        let (status, headers) = self.head();
        let mut answer = Answer { status, headers, body: Vec::new(), trailers: Vec::new() };
        let is_bodiless = method == "HEAD" || matches!(status, 100..200 | 204 | 304);
        if is_bodiless {
            return answer;
        }
        if let Some(length) = answer.header("content-length") {
            let length = length.parse().unwrap();
            answer.body = self.read_exact(length);
        } else if answer.header("transfer-encoding").is_some() {
            loop {
                let size = usize::from_str_radix(self.line().trim(), 16).unwrap();
                if size == 0 {
                    break;
                }
                answer.body.extend(self.read_exact(size));
                self.line();
            }
            answer.trailers = self.fields();
        } else {
            self.wire.read_to_end(&mut answer.body).unwrap();
        }
        answer
    }

    pub(crate) fn line(&mut self) -> String {
        let mut line = Vec::new();
        while !line.ends_with(b"\n") {
            let mut byte = [0];
            self.wire.read_exact(&mut byte).unwrap();
            line.push(byte[0]);
        }
        String::from_utf8_lossy(&line).trim_end().to_owned()
    }

    fn fields(&mut self) -> Vec<(String, String)> {
        let mut fields = Vec::new();
        loop {
            let line = self.line();
            let Some((name, value)) = line.split_once(':') else { return fields };
            fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
}
