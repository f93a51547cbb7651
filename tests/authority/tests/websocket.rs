//! A WebSocket through the proxy, token and all.

mod plain;

use entrada_authority::Stage;
use std::io::{Read, Write};
use std::net::TcpStream;
use url::Url;

#[test]
fn frames_go_through_the_proxy_and_come_back() {
    let stage = Stage::start().unwrap();
    let tokens = plain::tokens(&stage);
    let port = Url::parse(stage.external_url()).unwrap().port().unwrap();
    let open = |bearer: &str| {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        // The key and the proof are those of RFC 6455 section 1.3.
        write!(stream, "GET /ws HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nauthorization: Bearer {bearer}\r\n\r\n").unwrap();
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        (stream, String::from_utf8(head).unwrap())
    };
    assert!(open("nonsense").1.starts_with("HTTP/1.1 302 "));
    let (mut stream, head) = open(plain::text(&tokens, "access_token"));
    assert!(head.starts_with("HTTP/1.1 101 ") && head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
    for text in ["hello", "again"] {
        let mask = [1, 2, 3, 4];
        let mut frame = vec![0x81, 0x80 | text.len() as u8];
        frame.extend(mask);
        frame.extend(text.bytes().enumerate().map(|(i, b)| b ^ mask[i % 4]));
        stream.write_all(&frame).unwrap();
        let mut back = vec![0; 2 + text.len()];
        stream.read_exact(&mut back).unwrap();
        assert_eq!(back, [&[0x81, text.len() as u8], text.as_bytes()].concat());
    }
    stream.write_all(&[0x88, 0x80, 0, 0, 0, 0]).unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, [0x88, 0]);
}
