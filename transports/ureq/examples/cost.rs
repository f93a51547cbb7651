//! What this transport costs: `cargo run --release -p entrada-ureq --example cost`.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::time::{Duration, Instant};

use entrada_core::ports::blocking::{Body, Transport};
use entrada_ureq::UreqTransport;

fn main() {
    let begin = Instant::now();
    let first = UreqTransport::builder().build().unwrap();
    println!("the first constructor: {:?}", begin.elapsed());
    let begin = Instant::now();
    for _ in 0..10_000 {
        drop(UreqTransport::builder().build().unwrap());
    }
    println!("each further one: {:?}", begin.elapsed() / 10_000);

    // Nobody listens there: what is measured is everything before the connection.
    let refused = |transport: &UreqTransport, url: &str| {
        let request = http::Request::get(url).body(Body::empty()).unwrap();
        let begin = Instant::now();
        assert!(transport.send(request, Duration::from_secs(5)).is_err());
        begin.elapsed()
    };
    println!("a refused http request, the first: {:?}", refused(&first, "http://127.0.0.1:1/"));
    println!("a refused http request, the next: {:?}", refused(&first, "http://127.0.0.1:1/"));
    println!("a refused https request, the first (loads the roots): {:?}", refused(&first, "https://127.0.0.1:1/"));
    println!("a refused https request, the next: {:?}", refused(&first, "https://127.0.0.1:1/"));

    // A TLS set-up that fails at the server's first byte: with the building of rustls' configuration.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        use std::io::Write;
        listener.incoming().flatten().for_each(|mut stream| drop(stream.write_all(b"HTTP/1.1 400 no\r\n\r\n")));
    });
    for _ in 0..3 {
        println!("a failed handshake: {:?}", refused(&first, &url));
    }
}
