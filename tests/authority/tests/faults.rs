//! Faults on order, and what the stage keeps and lets go.

mod plain;

use entrada_authority::{Endpoint, Fault, RetryAfter, Stage};
use plain::{exchange, get, refresh, text, tokens};
use std::net::TcpListener;
use std::time::Duration;
use url::Url;

#[test]
fn each_fault_spoils_one_answer() {
    let stage = Stage::start().unwrap();
    let token = text(&tokens(&stage), "refresh_token").to_owned();
    let order = |fault| {
        stage.faults().push(Endpoint::Token, fault);
        refresh(&stage, &token, &stage.scope(), &[])
    };
    let throttled = order(Fault::Status(429, Some(RetryAfter::Seconds(7))));
    assert_eq!((throttled.status, throttled.header("retry-after")), (429, Some("7")));
    assert_eq!(throttled.json()["error"], "temporarily_unavailable");
    let dated = order(Fault::Status(503, Some(RetryAfter::Date(60))));
    assert!(dated.header("retry-after").unwrap().ends_with(" GMT"));
    assert!(order(Fault::Html).text().starts_with("<!DOCTYPE html>"));
    assert_eq!(order(Fault::WrongJson).json()["unexpected"], true);
    assert!(order(Fault::Empty).body.is_empty());
    assert_eq!(order(Fault::Oversized(3_000_000)).body.len(), 3_000_000);
    assert_eq!(order(Fault::Slow(Duration::from_millis(1))).status, 200);
    let error = order(Fault::OAuthError {
        error: "invalid_grant".into(),
        suberror: Some("bad_token".into()),
        code: 70000,
        claims: None,
    });
    assert_eq!((error.aadsts(), &error.json()["suberror"]), (70000, &"bad_token".into()));

    let issued = stage.issued().len();
    let url = plain::token_url(&stage);
    let form = format!("grant_type=refresh_token&client_id={}&refresh_token={token}&scope=openid", stage.client_id());
    let send = || exchange("POST", &url, &[("content-type", "application/x-www-form-urlencoded")], form.as_bytes());
    stage.faults().push(Endpoint::Token, Fault::Cut);
    stage.faults().push(Endpoint::Token, Fault::CutMidBody);
    assert!(send().is_none());
    assert_eq!(stage.issued().len(), issued);
    assert!(send().is_none());
    assert_eq!(stage.issued().len(), issued + 1, "acted upon, but the answer is lost");
    assert_eq!(send().unwrap().status, 200);
    assert_eq!(stage.faults().pending(), 0);
    stage.faults().push(Endpoint::Proxy, Fault::Status(500, None));
    assert_eq!(get(stage.external_url()).status, 500);
    let year = |url: &str| get(url).header("date").unwrap()[12..16].parse::<u64>().unwrap();
    let before = year(stage.instance_url());
    stage.advance(Duration::from_secs(400 * 86_400));
    assert!(year(stage.instance_url()) > before && year(stage.external_url()) > before, "the stage's time");
    stage.faults().push(Endpoint::App, Fault::Cut);
    let access = text(&tokens(&stage), "access_token").to_owned();
    assert_eq!(plain::get_with(stage.external_url(), &access).status, 502);
}

#[test]
fn a_visit_ends_at_the_clients_listener() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let redirect = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    let stage = Stage::builder().https(true).localhost(true).start().unwrap();
    assert!(stage.ca_pem().unwrap().contains("BEGIN CERTIFICATE"));
    let url = plain::authorize_url(&stage, &[("redirect_uri", &redirect), ("response_mode", "form_post")]);
    let client = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = listener.accept().unwrap();
        let mut seen = String::new();
        let mut piece = [0; 4096];
        while !seen.contains("session_state=") {
            let n = stream.read(&mut piece).unwrap();
            seen += &String::from_utf8_lossy(&piece[..n]);
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone").unwrap();
        seen
    });
    let visit = stage.visitor().visit(&url).unwrap();
    assert_eq!((visit.status, visit.page.as_str()), (200, "done"));
    let seen = client.join().unwrap();
    assert!(seen.starts_with("POST / HTTP/1.1\r\n") && seen.contains("code=1.AQ"), "{seen}");
    assert_eq!(visit.delivered.unwrap().method, "POST");
}

#[test]
fn a_dropped_stage_is_gone() {
    let stage = Stage::start().unwrap();
    let port = Url::parse(stage.external_url()).unwrap().port().unwrap();
    drop(stage);
    assert!(TcpListener::bind(("127.0.0.1", port)).is_ok());
}
