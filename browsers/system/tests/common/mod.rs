//! What the tests share: a screen that can be read, and a client that speaks raw bytes.
#![allow(dead_code, unreachable_pub)]

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use entrada_browser_system::{Builder, SystemBrowser};
use entrada_core::protocol::ResponseMode;
use entrada_core::{Listen, Listening, Receive};

pub const LONG: Duration = Duration::from_secs(30);

/// What the user reads.
#[derive(Clone, Default)]
pub struct Screen(Arc<Mutex<Vec<u8>>>);

impl Screen {
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A browser that opens nothing.
pub fn quiet() -> Builder {
    SystemBrowser::builder().open_browser(false).writer(io::sink())
}

pub fn form_post() -> Listen {
    Listen { response_modes: vec![ResponseMode::FormPost, ResponseMode::Query] }
}

pub fn receive(timeout: Duration) -> Receive {
    Receive { state: "s1".to_owned(), timeout }
}

/// Where a redirect URI of the form `http://localhost:PORT...` leads.
pub fn port(listening: &Listening) -> u16 {
    let (_, rest) = listening.redirect_uri.rsplit_once(':').unwrap();
    rest.split('/').next().unwrap().parse().unwrap()
}

pub fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream
}

/// Sends these bytes, says that nothing follows, and reads all that comes back.
pub fn exchange(port: u16, bytes: &[u8]) -> io::Result<String> {
    let mut stream = connect(port);
    stream.write_all(bytes)?;
    stream.shutdown(Shutdown::Write)?;
    read(&mut stream)
}

pub fn read(stream: &mut TcpStream) -> io::Result<String> {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// A form as a browser posts it.
pub fn form(port: u16, parameters: &str) -> Vec<u8> {
    format!(
        "POST / HTTP/1.1\r\nHost: localhost:{port}\r\nOrigin: https://login.microsoftonline.com\r\n\
         Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\nContent-Length: {}\r\n\r\n{parameters}",
        parameters.len()
    )
    .into_bytes()
}

pub fn get(port: u16, target: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nHost: localhost:{port}\r\nAccept: text/html\r\n\r\n").into_bytes()
}
