//! The promises of the port, and those of a port of the other kind.
#![allow(clippy::unwrap_used)]

mod common;

use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use common::{LONG, Screen, exchange, form, form_post, get, port, quiet, receive};
use entrada_browser_system::SystemBrowser;
use entrada_conformance::browser::Harness;
use entrada_core::ports::blocking::Browser;
use entrada_core::protocol::ResponseMode;
use entrada_core::{Fault, Listen, Listening, Redirect};

fn harness() -> Harness {
    let screen = Screen::default();
    let browser = SystemBrowser::builder().open_browser(false).writer(screen.clone()).build().unwrap();
    let canceller = browser.canceller();
    Harness {
        browser: Box::new(browser),
        bring: Arc::new(|listening: &Listening, parameters: &str| {
            let port = port(listening);
            let request = match listening.response_mode {
                ResponseMode::FormPost => form(port, parameters),
                ResponseMode::Query => get(port, &format!("/?{parameters}")),
            };
            exchange(port, &request).map(|answer| assert!(answer.starts_with("HTTP/1.1 "), "{answer}"))
        }),
        cancel: Some(Arc::new(move || canceller.cancel())),
        shown: Arc::new(move || screen.text()),
    }
}

#[test]
fn it_passes_the_suite() {
    entrada_conformance::browser::browser(harness);
}

#[test]
fn the_authority_chooses_the_mode_and_either_is_taken() {
    let browser = quiet().build().unwrap();
    for modes in [[ResponseMode::FormPost, ResponseMode::Query], [ResponseMode::Query, ResponseMode::FormPost]] {
        for by_form in [true, false] {
            let mut listener = browser.listen(&Listen { response_modes: modes.to_vec() }).unwrap();
            let listening = listener.listening().clone();
            assert_eq!(listening.response_mode, modes[0]);
            assert_eq!(listening.redirect_uri, format!("http://localhost:{}", port(&listening)));
            let client = thread::spawn(move || {
                let port = port(&listening);
                let request = if by_form { form(port, "code=c&state=s1") } else { get(port, "/?code=c&state=s1") };
                exchange(port, &request).unwrap()
            });
            let Redirect::Parameters(parameters) = listener.receive(&receive(LONG)).unwrap() else { panic!() };
            assert_eq!(parameters.expose(), "code=c&state=s1");
            assert!(client.join().unwrap().contains("You are signed in"));
        }
    }
    assert_eq!(browser.listen(&Listen { response_modes: Vec::new() }).err().unwrap().fault(), Fault::NotFound);
}

#[test]
fn a_registered_port_host_and_path_are_kept() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let number = free.local_addr().unwrap().port();
    let uri = format!("http://127.0.0.1:{number}/auth/Callback");
    let browser = quiet().redirect_uri(&uri).build().unwrap();

    let error = browser.listen(&form_post()).err().unwrap();
    assert!(error.to_string().contains(&format!("port {number}")), "{error}");
    drop(free);

    let mut listener = browser.listen(&form_post()).unwrap();
    assert_eq!(listener.listening().redirect_uri, uri);
    let client = thread::spawn(move || {
        for target in ["/?code=c&state=s1", "/auth/callback?code=c&state=s1", "/auth/Callback/?code=c&state=s1"] {
            assert!(exchange(number, &get(number, target)).unwrap().starts_with("HTTP/1.1 404 "), "{target}");
        }
        exchange(number, &get(number, "/auth/Callback?code=c&state=s1")).unwrap()
    });
    listener.receive(&receive(LONG)).unwrap();
    assert!(client.join().unwrap().starts_with("HTTP/1.1 200 "));
    // Dropped, and free for the next one at once.
    drop(listener);
    drop(browser.listen(&form_post()).unwrap());
    TcpListener::bind(("127.0.0.1", number)).unwrap();
}

#[test]
fn a_container_may_bind_every_address() {
    let browser = quiet().bind_address([0, 0, 0, 0]).build().unwrap();
    let mut listener = browser.listen(&form_post()).unwrap();
    let number = port(listener.listening());
    let client = thread::spawn(move || exchange(number, &form(number, "code=c&state=s1")).unwrap());
    listener.receive(&receive(LONG)).unwrap();
    client.join().unwrap();
    let since = Instant::now();
    drop(listener);
    assert!(since.elapsed().as_millis() < 1000);
}

#[test]
fn two_sign_ins_at_a_time_do_not_mix() {
    let browser = Arc::new(quiet().build().unwrap());
    let sign_ins: Vec<_> = (0..8)
        .map(|number| {
            let browser = Arc::clone(&browser);
            thread::spawn(move || {
                let mut listener = browser.listen(&form_post()).unwrap();
                let at = port(listener.listening());
                let client = thread::spawn(move || {
                    exchange(at, &form(at, "code=x&state=other")).unwrap();
                    exchange(at, &form(at, &format!("code={number}&state=s1"))).unwrap()
                });
                let Redirect::Parameters(parameters) = listener.receive(&receive(LONG)).unwrap() else { panic!() };
                assert_eq!(parameters.expose(), format!("code={number}&state=s1"));
                client.join().unwrap();
            })
        })
        .collect();
    for sign_in in sign_ins {
        sign_in.join().unwrap();
    }
}

#[test]
fn nothing_secret_is_in_debug() {
    let browser = quiet().build().unwrap();
    assert!(format!("{browser:?}").starts_with("SystemBrowser { redirect_uri: "));
    assert_eq!(format!("{:?}", browser.canceller()), "Canceller(0 under way)");
    let listener = browser.listen(&form_post()).unwrap();
    assert_eq!(format!("{:?}", browser.canceller()), "Canceller(1 under way)");
    drop(listener);
    assert_eq!(format!("{:?}", browser.canceller()), "Canceller(0 under way)");
}
