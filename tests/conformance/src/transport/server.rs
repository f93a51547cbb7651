//! A small server that can be told to behave badly: one thread for each connection, and no HTTP library.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A server on loopback, for as long as this lives.
pub(super) struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
    scheme: &'static str,
}

impl Server {
    /// Serves each connection with `serve`; what it returns is of no matter.
    pub(super) fn plain(serve: impl Fn(&mut Connection) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self::start("http", move |stream| {
            let mut connection = Connection { stream: Box::new(stream) };
            let _ = serve(&mut connection);
        })
    }

    /// The same over TLS.
    pub(super) fn secure(
        config: Arc<ServerConfig>,
        serve: impl Fn(&mut Connection) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self::start("https", move |stream| {
            let tls = ServerConnection::new(Arc::clone(&config)).expect("TLS configuration");
            let mut connection = Connection { stream: Box::new(StreamOwned::new(tls, stream)) };
            let _ = serve(&mut connection);
        })
    }

    fn start(scheme: &'static str, serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
        let address = listener.local_addr().expect("its address");
        let (connections, stop) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let serve = Arc::new(serve);
        let (count, stopped) = (Arc::clone(&connections), Arc::clone(&stop));
        let accepting = thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                count.fetch_add(1, Ordering::SeqCst);
                let _ = stream.set_nodelay(true);
                let serve = Arc::clone(&serve);
                thread::spawn(move || serve(stream));
            }
        });
        Self { address, connections, stop, accepting: Some(accepting), scheme }
    }

    /// The scheme, host and port.
    pub(super) fn origin(&self) -> String {
        format!("{}://localhost:{}", self.scheme, self.address.port())
    }

    /// A URL on this server, with a secret in its query.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}?code={}", self.origin(), super::SECRET)
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections there have been.
    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for a connection.
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

trait Stream: Read + Write {
    /// Says that this was all, where the protocol has a word for it.
    fn end(&mut self) -> io::Result<()>;
}

impl Stream for TcpStream {
    fn end(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream for StreamOwned<ServerConnection, TcpStream> {
    fn end(&mut self) -> io::Result<()> {
        self.conn.send_close_notify();
        self.flush()
    }
}

/// The server's end of one connection.
pub(super) struct Connection {
    stream: Box<dyn Stream>,
}

impl Connection {
    /// The head of the next request, as it came; an error where the client is gone.
    pub(super) fn head(&mut self) -> io::Result<Head> {
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\r\n\r\n") {
            bytes.push(self.byte()?);
        }
        Ok(Head { text: String::from_utf8_lossy(&bytes).into_owned() })
    }

    /// The body that the head announces, its chunks put together.
    pub(super) fn body(&mut self, head: &Head) -> io::Result<Vec<u8>> {
        if let Some(length) = head.value("content-length") {
            let mut body = vec![0; length.parse().map_err(io::Error::other)?];
            self.stream.read_exact(&mut body)?;
            return Ok(body);
        }
        let mut body = Vec::new();
        if head.value("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
            while let chunk @ 1.. = self.chunk_size()? {
                let start = body.len();
                body.resize(start + chunk, 0);
                self.stream.read_exact(&mut body[start..])?;
                self.line()?;
            }
            self.line()?;
        }
        Ok(body)
    }

    pub(super) fn write(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref())?;
        self.stream.flush()
    }

    /// A whole answer with a body of known length.
    pub(super) fn answer(&mut self, status: &str, body: impl AsRef<[u8]>) -> io::Result<()> {
        let body = body.as_ref();
        let mut answer = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
        answer.extend_from_slice(body);
        self.write(answer)
    }

    /// Ends the connection in good order; a mere drop cuts it.
    pub(super) fn end(&mut self) -> io::Result<()> {
        self.stream.end()
    }

    /// Waits until the client is gone, and tells how many bytes it sent until then.
    pub(super) fn wait_for_the_end(&mut self) -> usize {
        let (mut buffer, mut sent) = ([0; 4096], 0);
        while let Ok(count @ 1..) = self.stream.read(&mut buffer) {
            sent += count;
        }
        sent
    }

    fn chunk_size(&mut self) -> io::Result<usize> {
        usize::from_str_radix(self.line()?.trim(), 16).map_err(io::Error::other)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        while !line.ends_with(b"\n") {
            line.push(self.byte()?);
        }
        Ok(String::from_utf8_lossy(&line).into_owned())
    }

    pub(super) fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.stream.read_exact(&mut byte)?;
        Ok(byte[0])
    }
}

/// The head of a request, as it came over the wire.
pub(super) struct Head {
    pub(super) text: String,
}

impl Head {
    /// The request line's method.
    pub(super) fn method(&self) -> &str {
        self.text.split(' ').next().unwrap_or_default()
    }

    /// The request line's target.
    pub(super) fn target(&self) -> &str {
        self.text.split(' ').nth(1).unwrap_or_default()
    }

    /// The first header of that name, whatever its case.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.values(name).next()
    }

    /// All headers of that name, in their order.
    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let lines = self.text.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines.filter(move |(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}
