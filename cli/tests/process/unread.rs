//! What nobody reads, at a pipe or a terminal that is stopped: it holds up neither a request nor the end.

#![cfg(target_os = "linux")]

use std::io::Read as _;
use std::sync::{Arc, Mutex};
use std::thread;

use crate::forwarded::Client;
use crate::support::*;
use crate::terminal::on_terminal;

/// Answers `/fails` with what is not HTTP, and anything else in peace: each failure after an answer is news.
fn failing_app() -> Plain {
    Plain::answering(|_, seen| match seen.line.as_str() {
        "GET /fails" => b"no HTTP\r\n\r\n".to_vec(),
        _ => reply("200", "", "well"),
    })
}

/// More clients than there are threads, each with a connection of its own, which sees failures and answers.
fn all_are_answered(port: u16) {
    let mut clients: Vec<_> = (0..12).map(|_| Client::at(port)).collect();
    for _ in 0..10 {
        for client in &mut clients {
            client.send("GET /fails", "");
            client.answer_of("502");
            client.send("GET /well", "");
            assert_eq!(client.answer(), b"well");
        }
    }
}

fn port_in(file: &std::path::Path) -> u16 {
    until(|| file.exists());
    std::fs::read_to_string(file).unwrap().trim().parse().unwrap()
}

#[test]
fn a_pipe_that_nobody_reads_holds_up_neither_a_request_nor_the_end() {
    for more in ["-v", "--color=always"] {
        let (world, app) = (World::signed_in(), failing_app());
        let file = world.home.path().join("port");
        let run = world.run(&["proxy", &app.url("/"), "--port-file", file.to_str().unwrap(), more]);
        let (running, mut unread) = run.start_unread();
        all_are_answered(port_in(&file));
        running.signal("TERM");
        running.done().expect_code(143);
        let mut said = String::new();
        unread.read_to_string(&mut said).unwrap();
        assert!(said.contains("failed") && said.len() <= 4096, "{more}: {said}");
    }
}

#[test]
fn whoever_reads_late_is_told_how_much_is_left_out() {
    let (world, app) = (World::signed_in(), failing_app());
    let file = world.home.path().join("port");
    let run = world.run(&["proxy", &app.url("/"), "--port-file", file.to_str().unwrap(), "-vv"]);
    let (running, mut unread) = run.start_unread();
    let port = port_in(&file);
    (0..3).for_each(|_| all_are_answered(port));
    let said = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&said);
    let reader = thread::spawn(move || {
        let mut buffer = [0; 1024];
        while let Ok(count @ 1..) = unread.read(&mut buffer) {
            heard.lock().unwrap().extend_from_slice(&buffer[..count]);
        }
    });
    let text = || String::from_utf8_lossy(&said.lock().unwrap()).into_owned();
    until(|| text().contains("lines left out here, as nobody read in time"));
    running.signal("TERM");
    running.done().expect_code(143);
    reader.join().unwrap();
    assert!(text().ends_with("once more to end at once.\n"), "the last is there: {}", text());
}

#[test]
fn a_terminal_that_is_stopped_holds_up_no_request() {
    let (world, app) = (World::signed_in(), failing_app());
    let file = world.home.path().join("port");
    let run = world.run(&["proxy", &app.url("/"), "--port-file", file.to_str().unwrap()]);
    let Some(mut running) = on_terminal(run) else { return };
    running.line_with("Forwarding with a token");
    let port = port_in(&file);
    running.types("\u{13}");
    all_are_answered(port);
    running.types("\u{3}");
    assert_eq!(running.done().code(), 130);
}
