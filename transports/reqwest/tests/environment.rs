//! What the environment decides.
#![cfg(feature = "rustls")]
#![allow(clippy::unwrap_used)]

use std::net::Ipv4Addr;
use std::sync::Arc;

use entrada_conformance::answering;
use entrada_conformance::blocked::{BlockOn, Blocked};
use entrada_conformance::environment::{self, Proxying};
use entrada_reqwest::ReqwestTransport;
use tokio::runtime::Builder;

#[test]
#[ignore = "a part of the other test, which starts it"]
fn the_process_under_test() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let block_on: BlockOn = Arc::new(move |future| runtime.block_on(future));
    environment::in_a_process_of_its_own(&Blocked::new(ReqwestTransport::new(), block_on));
}

#[test]
fn it_heeds_the_environment() {
    environment::environment("the_process_under_test", Proxying { in_absolute_form: true, without_status: true });
}

/// Sends with the client itself, beside the port.
#[test]
#[ignore = "a part of the other test, which starts it"]
#[allow(clippy::print_stdout)]
fn a_request_of_the_programs_own() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let sent = ReqwestTransport::new().client().get(std::env::var("TEST_URL").unwrap()).send();
    println!("{}", if runtime.block_on(sent).is_ok() { "answered" } else { "failed" });
}

#[test]
fn the_client_itself_heeds_it_too() {
    let ok = |_: &str| *b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let port = answering(Ipv4Addr::UNSPECIFIED, ok).0.port();
    let get =
        |url: &str, proxy: &str| environment::fetch("a_request_of_the_programs_own", url, &[("http_proxy", proxy)]);
    let found = get(&format!("http://127.0.0.1:{port}/"), "ftp://proxy.example");
    assert!(found.contains("answered"), "this computer needs no proxy: {found}");
    let found = get("http://app.example/", &format!("127.0.0.1:{port}"));
    assert!(found.contains("answered"), "{found}");
    let found = get(&format!("http://0.0.0.0:{port}/"), "ftp://proxy.example");
    assert!(found.contains("failed"), "{found}");
}
