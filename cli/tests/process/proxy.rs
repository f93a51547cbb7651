//! `entrada proxy`: what it prints and returns, and what goes through it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;

use entrada_authority::{Endpoint, Revocation, Stage};
use serde_json::json;

use crate::support::*;

#[test]
fn the_local_url_stands_for_the_app() {
    let world = World::signed_in();
    let local = Local::start(&world, &[]);
    let (status, body) = local.get("api/me");
    assert_eq!((status, body.contains("Ada Lovelace")), (200, true), "{body}");
    assert_eq!(world.stage.bearers_seen(Endpoint::Proxy), [world.last_token()]);
    let url = local.url("");
    let done = local.end("TERM").expect_code(143);
    assert_eq!(done.text(), format!("{url}\n"));
    assert_eq!(world.stage.count(Endpoint::Token, ""), 0);
}

#[test]
fn an_interrupt_is_130_and_a_url_keeps_its_path() {
    let world = World::signed_in();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let running = world.run(&["proxy", &world.url("api/me?x"), "--listen", &format!("127.0.0.1:{port}")]).start();
    running.line_with("Forwarding with a token");
    running.signal("INT");
    assert_eq!(running.done().expect_code(130).text(), format!("http://127.0.0.1:{port}/api/me?x\n"));
}

#[test]
fn under_nohup_it_outlives_its_terminal_and_else_it_does_not() {
    let world = World::signed_in();
    let url = world.url("");
    let started = |trap: &str| {
        let words = |own: &[std::path::PathBuf]| {
            [vec!["-c".into(), format!("trap {trap} HUP; exec \"$0\" \"$@\"").into()], own.to_vec()].concat()
        };
        let running = world.run(&["proxy", &url]).within("sh", words).heeding_signals().start();
        running.line_with("Forwarding with a token");
        running
    };
    let catches = |running: &Running| {
        let status = std::fs::read_to_string(format!("/proc/{}/status", running.id())).unwrap();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim().to_owned();
        u64::from_str_radix(&mask, 16).unwrap() & 1 == 1
    };
    let running = started("''");
    assert!(!catches(&running));
    running.signal("HUP");
    running.signal("TERM");
    running.done().expect_code(143);
    let running = started("-");
    assert!(catches(&running));
    running.signal("HUP");
    running.done().expect_code(129);
}

#[test]
fn several_apps_have_an_address_each() {
    let (world, other) = (World::signed_in(), World::new());
    let file = world.home.path().join("ports");
    let urls = [world.url(""), other.url("")];
    let running = world.run(&["proxy", &urls[0], &urls[1], "--port-file", file.to_str().unwrap()]).start();
    running.line_with("Forwarding with a token");
    let ports: Vec<u16> = std::fs::read_to_string(&file).unwrap().lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(page(ports[0], "api/me").0, 200);
    // The second stage does not know the first one's tokens.
    let (status, text) = page(ports[1], "api/me");
    assert!(status == 502 && text.contains("refused"), "{text}");
    running.signal("TERM");
    let done = running.done().expect_code(143).says("failed");
    let printed: Vec<String> = ports.iter().map(|port| format!("http://127.0.0.1:{port}/")).collect();
    assert_eq!(done.text().lines().collect::<Vec<_>>(), printed);
}

#[test]
fn the_port_file_is_there_while_it_listens() {
    let world = World::signed_in();
    let url = world.url("");
    let file = world.home.file("ports", "1\n");
    let words = ["proxy", &url, "--port-file", file.to_str().unwrap()];
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    world.run(&words).args(&["--listen", &address]).done().expect_code(1);
    assert!(!file.exists(), "an earlier run's is gone before it listens");

    let start = || {
        let running = world.run(&words).start();
        running.line_with("Forwarding with a token");
        running
    };
    for (signal, code) in [("TERM", 143), ("INT", 130)] {
        let running = start();
        let port = std::fs::read_to_string(&file).unwrap().trim().parse().unwrap();
        assert_eq!(page(port, "api/me").0, 200);
        running.signal(signal);
        running.done().expect_code(code);
        assert!(!file.exists(), "{signal}");
    }
    let running = start();
    std::fs::write(&file, "of another\n").unwrap();
    running.signal("TERM");
    running.done().expect_code(143);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "of another\n");

    // Also where it is told to end at once.
    world.stage.forget_requests();
    let running = start();
    let port: u16 = std::fs::read_to_string(&file).unwrap().trim().parse().unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET /slow/60000 HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n\r\n").unwrap();
    until(|| !world.stage.requests_at(Endpoint::App).is_empty());
    running.signal("TERM");
    running.line_with("once more to end at once");
    running.signal("TERM");
    running.done().expect_code(143);
    assert!(!file.exists());
}

#[test]
fn arguments_that_do_not_fit_are_refused_before_anything_else() {
    let world = World::new();
    let url = world.url("");
    world.done(&["proxy"]).expect_code(2);
    world.done(&["proxy", &url, "--listen", "0.0.0.0:80"]).expect_code(2).says("not an address of loopback");
    world.done(&["proxy", &url, "--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0"]).fails(
        2,
        "2 addresses",
        "once for each URL",
    );
    world.done(&["proxy", &url, "--listen", "unix:x", "--port-file", "y"]).expect_code(2);
    world.done(&["proxy", "http://hr.example/"]).expect_code(2).says("not https");
    world.done(&["proxy", &url]).fails(10, "sign-in", &format!("entrada login {url}"));
    world.sign_in();
    world.done(&["proxy", &url, &world.url("api/me")]).fails(2, "same origin", "two forwarders");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    world.done(&["proxy", &url, "--listen", &address]).expect_code(1).says(&format!("{address} cannot be listened at"));
}

#[test]
fn the_way_to_the_app_is_tls_with_the_named_authority() {
    let world = World::with(Stage::builder().https(true));
    let ca = world.home.file("ca.pem", world.stage.ca_pem().unwrap());
    let ca = ["--ca", ca.to_str().unwrap()];
    world.sign_in_with(&ca);
    let local = Local::start(&world, &ca);
    assert_eq!(local.get("api/me").0, 200);
    local.end("TERM").expect_code(143);
}

#[test]
fn a_sign_in_that_is_needed_later_is_told_with_the_command_and_serves_at_once() {
    let world = World::signed_in();
    let local = Local::start(&world, &[]);
    assert_eq!(local.get("api/me").0, 200);
    world.stage.revoke_refresh_tokens(&world.stage.ada().upn, Revocation::PasswordChanged);
    world.stage.demand_claims(json!({"access_token": {"acrs": {"essential": true, "value": "c1"}}}));
    let (status, text) = local.get("api/me");
    assert_eq!(status, 502);
    assert!(text.contains("run: entrada"), "{text}");
    local.running.line_with("whose requests are answered with 502");
    world.stage.demand_no_claims();
    world.sign_in();
    until(|| local.get("api/me").0 == 200);
    local.end("TERM").expect_code(143);
}

#[test]
fn the_secret_is_in_the_printed_url_alone() {
    let world = World::signed_in();
    let local = Local::start(&world, &["--secret", "-vv"]);
    assert_eq!(local.get("api/me").0, 403);
    let arguments = std::fs::read_to_string(format!("/proc/{}/cmdline", local.running.id())).unwrap();
    let (port, done) = (local.port, local.end("TERM").expect_code(143));
    let url = done.text();
    let secret = url.trim().trim_end_matches('/').rsplit('/').next().unwrap().to_owned();
    assert_eq!(url, format!("http://127.0.0.1:{port}/{secret}/\n"));
    assert_eq!(secret.len(), 32);
    assert!(!done.stderr.contains(&secret) && !arguments.contains(&secret));
    assert!(!done.stderr.contains(&world.last_token()));
}

#[test]
fn a_unix_socket_is_for_its_owner_and_goes_at_the_end() {
    let world = World::signed_in();
    let path = world.home.path().join("app.sock");
    let running = world.run(&["proxy", &world.url(""), "--listen", &format!("unix:{}", path.display())]).start();
    running.line_with("Forwarding with a token");
    let there = std::fs::metadata(&path).unwrap();
    assert!(there.file_type().is_socket() && there.permissions().mode() & 0o777 == 0o600);
    let mut stream = UnixStream::connect(&path).unwrap();
    stream.write_all(b"GET /api/me HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    running.signal("TERM");
    assert_eq!(running.done().expect_code(143).text(), "http://localhost/\n");
    assert!(!path.exists());
}

#[test]
fn what_goes_through_is_never_held_in_memory() {
    const SIZE: usize = 256 << 20;
    /// For buffers of both sides, whatever goes through.
    const ROOM: usize = 4 << 20;
    let world = World::signed_in();
    let local = Local::start(&world, &[]);
    assert_eq!(local.get("api/me").0, 200);
    let before = local.peak_memory();

    let mut stream = TcpStream::connect(("127.0.0.1", local.port)).unwrap();
    let host = format!("host: 127.0.0.1:{}\r\nconnection: close\r\n", local.port);
    write!(stream, "GET /bytes/{SIZE} HTTP/1.1\r\n{host}\r\n").unwrap();
    let (mut came, mut buffer) = (0, vec![0; 1 << 20]);
    loop {
        match stream.read(&mut buffer).unwrap() {
            0 => break,
            count => came += count,
        }
    }
    assert!(came > SIZE && came < SIZE + 4096, "{came}");

    let mut stream = TcpStream::connect(("127.0.0.1", local.port)).unwrap();
    write!(stream, "POST /upload HTTP/1.1\r\n{host}content-length: {SIZE}\r\n\r\n").unwrap();
    for _ in 0..SIZE / buffer.len() {
        stream.write_all(&buffer).unwrap();
    }
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains(&format!(r#"{{"received":{SIZE}}}"#)), "{answer}");
    let grown = local.peak_memory() - before;
    assert!(grown < ROOM, "{grown} bytes more");
    local.end("TERM").expect_code(143);
}

#[test]
fn a_terminal_shows_what_goes_through_on_one_line() {
    if absent("script") {
        return;
    }
    let world = World::signed_in();
    let (shown, file) = (world.home.path().join("shown"), world.home.path().join("port"));
    let run = world.run(&["proxy", &world.url(""), "--port-file", file.to_str().unwrap()]);
    let words = |own: &[std::path::PathBuf]| {
        let line: Vec<String> = own.iter().map(|word| format!("'{}'", word.display())).collect();
        ["-q", "-e", "-f", "-c", &line.join(" "), shown.to_str().unwrap()].map(Into::into).to_vec()
    };
    let mut running = run.var("SHELL", "/bin/sh").within("script", words).heeding_signals().start_merged();
    running.line_with("Forwarding with a token");
    let port = std::fs::read_to_string(&file).unwrap().trim().parse().unwrap();
    for _ in 0..3 {
        page(port, "bytes/2000");
    }
    let text = || String::from_utf8_lossy(&std::fs::read(&shown).unwrap()).into_owned();
    until(|| text().contains("\r\x1b[K3 requests, 0 open  0 B up  6.0 kB down  0 errors  token good for "));
    running.types("\x03");
    let done = running.done();
    assert_eq!(done.code(), 130, "{}", done.stderr);
    let text = text();
    let rest = text.rsplit("\x1b[K").next().unwrap();
    assert!(!rest.contains("requests"), "the line is gone at the end: {text:?}");
}
