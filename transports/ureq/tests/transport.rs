//! What is particular to this transport.

#![allow(clippy::unwrap_used)]

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use entrada_conformance::answering;
use entrada_core::Fault;
use entrada_core::ports::blocking::{Body, Transport};
use entrada_ureq::UreqTransport;

#[test]
fn a_ca_file_that_cannot_be_used_is_an_error_of_build() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    };
    let wrong_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let cases = [
        (folder.path().join("missing.pem"), Fault::NotFound),
        (write("empty.pem", ""), Fault::Corrupt),
        (write("der.pem", "\u{30}\u{2}binary"), Fault::Corrupt),
        (write("key.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), Fault::Corrupt),
        (write("half.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n"), Fault::Corrupt),
        (write("wrong.pem", wrong_certificate), Fault::Corrupt),
    ];
    for (path, fault) in cases {
        let error = UreqTransport::builder().ca_file(&path).build().unwrap_err();
        assert_eq!(error.fault(), fault, "{error}");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    }
    let error = UreqTransport::builder().ca_pem("no PEM").build().unwrap_err();
    assert_eq!(error.fault(), Fault::Corrupt);
    let error = UreqTransport::builder().user_agent("a\nb").build().unwrap_err();
    assert_eq!(error.fault(), Fault::Other);
}

#[test]
fn to_make_one_costs_next_to_nothing() {
    let begin = Instant::now();
    for _ in 0..100 {
        drop(UreqTransport::builder().build().unwrap());
    }
    // 50 microseconds each; a root store alone takes some milliseconds.
    assert!(begin.elapsed() < Duration::from_millis(5), "{:?} for 100", begin.elapsed());
}

/// Answers every connection's first request with its own head, and redirects elsewhere.
fn mirror() -> String {
    let (address, _) = answering(Ipv4Addr::LOCALHOST, |head| {
        format!("HTTP/1.1 302 X\r\nLocation: http://x.invalid/\r\nContent-Length: {}\r\n\r\n{head}", head.len())
    });
    format!("http://{address}/")
}

fn head_of(transport: &UreqTransport) -> String {
    let request = http::Request::get(mirror()).body(Body::empty()).unwrap();
    let answer = transport.send(request, Duration::from_secs(5)).unwrap();
    assert_eq!(answer.status(), 302);
    String::from_utf8(answer.into_body().read_to_limit(10_000).unwrap().unwrap()).unwrap()
}

#[test]
fn an_agent_of_the_program_keeps_the_ports_promises() {
    let agent = ureq::Agent::config_builder().user_agent("theirs/1").proxy(None).timeout_global(None).build();
    let head = head_of(&UreqTransport::from_agent(agent.into())).to_ascii_lowercase();
    assert!(head.contains("user-agent: theirs/1\r\n"), "{head}");
    assert!(!head.contains("accept"), "{head}");
}

#[test]
fn a_limit_beyond_all_clocks_is_none() {
    let request = http::Request::get(mirror()).body(Body::empty()).unwrap();
    assert_eq!(UreqTransport::new().send(request, Duration::MAX).unwrap().status(), 302);
}

#[test]
fn debug_tells_nothing() {
    assert_eq!(format!("{:?}", UreqTransport::new()), "UreqTransport { .. }");
}
