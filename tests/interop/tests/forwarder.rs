//! A stranger's page in real Chromium cannot use a forwarder that runs on the same computer.

#![allow(clippy::unwrap_used, reason = "a test that unwraps nothing says so by failing")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::thread;

use entrada_authority::{Endpoint, Stage};
use entrada_forwarder::{Forwarder, Listen, Published};
use entrada_interop::skip;
use serde_json::Value;

mod support;

/// A server with an empty page, whoever asks and by whatever name.
fn stranger() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let head = BufReader::new(stream.try_clone().unwrap());
                let _ = head.lines().map_while(Result::ok).take_while(|line| !line.is_empty()).count();
                let page = "<!DOCTYPE html><title>Stranger</title><body>";
                let length = page.len();
                let _ = write!(
                    stream,
                    "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{page}"
                );
            });
        }
    });
    port
}

#[test]
fn a_page_of_another_origin_cannot_use_the_forwarder() {
    let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("node_modules/playwright-core/package.json");
    if !Path::new("/usr/bin/chromium").exists() || !driver.exists() {
        return skip(&"Chromium or its driver is missing; run tests/interop/prepare");
    }
    let stage = Arc::new(Stage::start().unwrap());
    let app = Published::new(stage.external_url(), support::lender(&stage)).unwrap();
    let forwarder = Forwarder::builder().publish(app, Listen::default()).bind().unwrap();
    let (url, counts) = (forwarder.local_urls().remove(0), forwarder.counts());
    let (stop, stopped) = smol::channel::bounded::<()>(1);
    let running = thread::spawn(move || {
        forwarder.run(async move {
            let _ = stopped.recv().await;
        })
    });
    stage.forget_requests();

    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("stranger.mjs");
    let output =
        Command::new("node").arg(script).env("LOCAL", &url).env("STRANGER", stranger().to_string()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let said = |pointer: &str| report.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();

    // Its own page works, sockets and all: so what fails below fails for where it comes from.
    assert!(said("/opened").starts_with("200 ") && said("/opened").contains("Hello, Ada"), "{report:#}");
    assert!(said("/own/cors").starts_with("basic 200 ") && said("/own/cors").contains("Ada Lovelace"), "{report:#}");
    assert_eq!(said("/own/socket"), "echo hello");
    assert!(said("/own/preflighted").starts_with("basic 200 "), "{report:#}");

    for place in ["site", "port", "localhost", "site_by_name", "port_by_name", "localhost_by_name"] {
        for attempt in ["cors", "credentials", "preflighted", "script", "style", "socket"] {
            let got = said(&format!("/{place}/{attempt}"));
            assert!(got.starts_with("nothing: "), "{place} {attempt}: {got}");
        }
        // These tell the page nothing, whatever became of them; what did is seen at the app.
        for attempt in ["blind", "post"] {
            let got = said(&format!("/{place}/{attempt}"));
            assert!(got.trim() == "opaque 0" || got.starts_with("nothing: "), "{place} {attempt}: {got}");
        }
    }
    for place in ["site", "port", "localhost"] {
        for attempt in ["form", "link"] {
            let got = said(&format!("/{place}_{attempt}"));
            assert!(got.contains("a page of another origin may not"), "{place} {attempt}: {got}");
        }
    }
    assert!(said("/rebound").starts_with("421 "), "{report:#}");

    // Nothing of all that has reached the app, which saw the forwarder's own page alone.
    let sites = |name: &str| {
        let requests = stage.requests_at(Endpoint::Proxy);
        requests.iter().map(|seen| seen.header(name).unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    let own = sites("sec-fetch-site");
    assert!(!own.is_empty() && own.iter().all(|site| matches!(site.as_str(), "none" | "same-origin" | "")), "{own:?}");
    let origin = stage.external_url().trim_end_matches('/').to_owned();
    assert!(sites("origin").iter().all(|from| from.is_empty() || *from == origin), "{:?}", sites("origin"));
    assert!(sites("referer").iter().all(|from| from.is_empty() || from.starts_with(&origin)), "{:?}", sites("referer"));
    assert!(counts.errors() >= 30, "{} were turned away", counts.errors());
    drop(stop);
    running.join().unwrap().unwrap();
}
