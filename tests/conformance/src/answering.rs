//! A server with one answer, for what an adapter's tests want to know beside the suites.

use std::io::{self, Read, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

/// Listens at this address until the process ends, and answers the first request of each connection as `answer` makes it
/// of the head; then it closes the connection. Tells where, and the heads as they come.
pub fn answering<A: Into<Vec<u8>>>(
    at: impl Into<IpAddr>,
    answer: impl Fn(&str) -> A + Send + 'static,
) -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind((at.into(), 0)).expect("a free port");
    let address = listener.local_addr().expect("its address");
    let (tell, told) = channel();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let Ok(head) = head(&mut stream) else { continue };
            let _ = stream.write_all(&answer(&head).into());
            // Not everybody wants to know.
            let _ = tell.send(head);
        }
    });
    (address, told)
}

/// The head of a request, as it came.
pub(crate) fn head(stream: &mut impl Read) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}
