//! A terminal that types on command.
#![allow(clippy::unwrap_used)]

use std::io::{self, Read, Write};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use entrada_browser_console::{ConsoleBrowser, NATIVE_CLIENT};
use entrada_conformance::browser::Harness;
use entrada_core::ports::blocking::Browser;
use entrada_core::protocol::ResponseMode;
use entrada_core::{Fault, Listen, Listening, Prompt, Receive, Redirect};

const LONG: Duration = Duration::from_secs(30);

/// What the user reads.
#[derive(Clone, Default)]
struct Screen(Arc<Mutex<Vec<u8>>>);

impl Screen {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A keyboard: reading blocks until a line is typed, and ends when the typist leaves.
struct Keyboard {
    lines: Receiver<String>,
    typed: io::Cursor<Vec<u8>>,
}

impl Read for Keyboard {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.typed.position() == self.typed.get_ref().len() as u64 {
            let Ok(line) = self.lines.recv() else { return Ok(0) };
            self.typed = io::Cursor::new(format!("{line}\n").into_bytes());
        }
        self.typed.read(buffer)
    }
}

fn terminal() -> (ConsoleBrowser, Sender<String>, Screen) {
    let (typist, lines) = mpsc::channel();
    let screen = Screen::default();
    let keyboard = Keyboard { lines, typed: io::Cursor::default() };
    let browser = ConsoleBrowser::builder().reader(keyboard).writer(screen.clone()).build().unwrap();
    (browser, typist, screen)
}

fn query_mode() -> Listen {
    Listen { response_modes: vec![ResponseMode::FormPost, ResponseMode::Query] }
}

fn receive(timeout: Duration) -> Receive {
    Receive { state: "s1".to_owned(), timeout }
}

#[test]
fn it_passes_the_suite() {
    entrada_conformance::browser::browser(|| {
        let (browser, typist, screen) = terminal();
        let canceller = browser.canceller();
        Harness {
            browser: Box::new(browser),
            bring: Arc::new(move |listening: &Listening, parameters: &str| {
                let line = format!("{}?{parameters}", listening.redirect_uri);
                typist.send(line).map_err(|_| io::ErrorKind::BrokenPipe.into())
            }),
            cancel: Some(Arc::new(move || canceller.cancel())),
            shown: Arc::new(move || screen.text()),
        }
    });
}

#[test]
fn without_a_keyboard_it_shows_user_codes() {
    entrada_conformance::browser::user_codes_only(|| {
        let screen = Screen::default();
        Harness {
            browser: Box::new(ConsoleBrowser::user_code_only_to(screen.clone())),
            bring: Arc::new(|_: &Listening, _: &str| Err(io::ErrorKind::Unsupported.into())),
            cancel: None,
            shown: Arc::new(move || screen.text()),
        }
    });
}

#[test]
fn it_asks_until_a_line_is_of_use() {
    let (browser, typist, screen) = terminal();
    let mut listener = browser.listen(&query_mode()).unwrap();
    assert_eq!(listener.listening().redirect_uri, NATIVE_CLIENT);
    assert_eq!(listener.listening().response_mode, ResponseMode::Query);
    for line in [
        "",
        "https://login.microsoftonline.com/common/wrongplace",
        &format!("{NATIVE_CLIENT}?code=SECRET1&state=other"),
        &format!("{NATIVE_CLIENT}?code=SECRET2"),
        "hm?",
        &format!("SECRET3{}", "x".repeat(70_000)),
        "0.AXoASECRET4",
        "the next one's line",
    ] {
        typist.send(line.to_owned()).unwrap();
    }
    let Redirect::BareCode(code) = listener.receive(&receive(LONG)).unwrap() else { panic!("not a bare code") };
    assert_eq!(code.expose(), "0.AXoASECRET4");
    let shown = screen.text();
    for expected in ["jumps after a second", "another sign-in", "`state`", "neither", "too long"] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    assert_eq!(shown.matches("Paste the address").count(), 5, "an empty line is no mistake: {shown}");
    assert!(!shown.contains("SECRET"), "{shown}");
}

#[test]
fn the_end_of_the_input_gives_up() {
    let (browser, typist, _) = terminal();
    let mut listener = browser.listen(&query_mode()).unwrap();
    drop(typist);
    for _ in 0..2 {
        assert_eq!(listener.receive(&receive(LONG)).unwrap_err().fault(), Fault::Cancelled);
    }
}

#[test]
fn a_line_typed_too_late_is_for_nobody_and_one_in_time_for_the_next() {
    let (browser, typist, _) = terminal();
    let mut listener = browser.listen(&query_mode()).unwrap();
    assert_eq!(listener.receive(&receive(Duration::from_millis(30))).unwrap_err().fault(), Fault::TimedOut);
    typist.send("0.late-code".to_owned()).unwrap();
    thread::sleep(Duration::from_millis(100));
    assert_eq!(listener.receive(&receive(Duration::from_millis(30))).unwrap_err().fault(), Fault::TimedOut);
    drop(listener);
    let mut listener = browser.listen(&query_mode()).unwrap();
    let typing = thread::spawn(move || {
        thread::sleep(Duration::from_millis(100));
        typist.send("0.next-code".to_owned()).unwrap();
    });
    let Redirect::BareCode(code) = listener.receive(&receive(LONG)).unwrap() else { panic!("not a bare code") };
    assert_eq!(code.expose(), "0.next-code");
    typing.join().unwrap();
}

#[test]
fn two_cannot_share_a_keyboard() {
    let (browser, typist, _) = terminal();
    let mut first = browser.listen(&query_mode()).unwrap();
    let mut second = browser.listen(&query_mode()).unwrap();
    let waiting = thread::spawn(move || first.receive(&receive(LONG)));
    thread::sleep(Duration::from_millis(100));
    let since = Instant::now();
    assert_eq!(second.receive(&receive(LONG)).unwrap_err().fault(), Fault::Denied);
    assert!(since.elapsed() < Duration::from_secs(1));
    typist.send("0.first-code".to_owned()).unwrap();
    assert!(waiting.join().unwrap().is_ok());
}

#[test]
fn an_authority_without_the_query_mode_is_refused() {
    let (browser, _typist, _) = terminal();
    let error = browser.listen(&Listen { response_modes: vec![ResponseMode::FormPost] }).err().unwrap();
    assert_eq!(error.fault(), Fault::NotFound);
    assert!(error.to_string().contains("device code"), "{error}");
}

#[test]
fn the_user_is_warned_of_the_page_that_jumps_away() {
    let show = |redirect_uri: &str| {
        let screen = Screen::default();
        let browser = ConsoleBrowser::builder().redirect_uri(redirect_uri).reader(io::empty()).writer(screen.clone());
        let prompt = Prompt::SignIn { url: "https://login.example/x".to_owned(), expires_in: Duration::from_secs(60) };
        browser.build().unwrap().present(&prompt).unwrap();
        screen.text()
    };
    for cloud in ["microsoftonline.com", "microsoftonline.us", "partner.microsoftonline.cn"] {
        let shown = show(&format!("https://login.{cloud}/common/oauth2/nativeclient"));
        assert!(shown.contains("AT ONCE") && shown.contains("wrongplace"), "{shown}");
        assert!(shown.contains("\nhttps://login.example/x\n"), "{shown}");
    }
    assert!(!show("https://app.example/signed-in").contains("AT ONCE"));
    let refused = ConsoleBrowser::builder().redirect_uri("nonsense").reader(io::empty()).build();
    assert!(refused.is_err());
}

#[test]
fn a_url_that_a_terminal_would_obey_is_not_shown() {
    let (browser, _typist, screen) = terminal();
    let prompt = Prompt::SignIn { url: "https://a/\u{1b}[2J".to_owned(), expires_in: Duration::from_secs(60) };
    assert!(browser.present(&prompt).is_err());
    assert_eq!(screen.text(), "");
}
