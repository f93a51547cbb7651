//! What any browser must do, whether it listens on a port or asks at a terminal.
//!
//! The suite is driven through a [`Harness`], which plays the user: it brings redirects to a listener
//! that waits, gives up, and reads what was shown.

use std::io;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use entrada_core::ports::blocking::{Browser, Listener};
use entrada_core::protocol::ResponseMode;
use entrada_core::{Fault, Listen, Listening, Prompt, Receive, Redirect};

/// No sign-in of the suite takes this long; one that does hangs.
const LONG: Duration = Duration::from_secs(30);
/// "At once", on a machine that is busy.
const SOON: Duration = Duration::from_secs(3);
const STATE: &str = "st-8Zr1_x";
const SECRET: &str = "0.AXoA-this-is-the-secret-code";

/// Brings parameters to where the redirect is awaited.
type Bring = Arc<dyn Fn(&Listening, &str) -> io::Result<()> + Send + Sync>;

/// A browser, and the hands of its user.
pub struct Harness {
    /// The adapter; it should show its text to where `shown` reads it, and open nothing.
    pub browser: Box<dyn Browser>,
    /// Brings a redirect with these form-encoded parameters to a listener, in the way that its
    /// `response_mode` names; it may block until it was heard.
    pub bring: Bring,
    /// Gives up, from another thread; `None` where the adapter has nothing for that.
    pub cancel: Option<Arc<dyn Fn() + Send + Sync>>,
    /// All that the user has been shown so far.
    pub shown: Arc<dyn Fn() -> String + Send + Sync>,
}

/// Passes where the browser keeps all promises of its port; `make` is called for each of them.
///
/// # Panics
///
/// With the promise that is broken.
pub fn browser(make: impl Fn() -> Harness) {
    names_where_the_redirect_goes(&make());
    brings_the_right_redirect(&make());
    brings_a_refusal(&make());
    lets_foreign_redirects_pass(&make());
    ends_in_time_and_can_wait_again(&make());
    ends_when_cancelled(&make());
    forgets_a_dropped_listener(&make());
    shows_the_sign_in_page(&make());
    shows_a_user_code(&make());
}

/// Passes where a browser that only shows user codes keeps the promises that it can.
///
/// # Panics
///
/// With the promise that is broken.
pub fn user_codes_only(make: impl Fn() -> Harness) {
    let fault = make().browser.listen(&both_modes()).err().map(|error| error.fault());
    assert_eq!(fault, Some(Fault::NotFound), "a browser that only shows user codes cannot listen, and says so");
    shows_a_user_code(&make());
}

fn both_modes() -> Listen {
    Listen { response_modes: vec![ResponseMode::FormPost, ResponseMode::Query] }
}

fn listen(harness: &Harness) -> Box<dyn Listener> {
    harness.browser.listen(&both_modes()).expect("it listens")
}

fn receive(listener: &mut dyn Listener, timeout: Duration) -> Result<Redirect, Fault> {
    let query = Receive { state: STATE.to_owned(), timeout };
    listener.receive(&query).map_err(|error| {
        assert!(!error.to_string().contains(SECRET), "a secret in an error");
        assert!(!format!("{error:?}").contains(SECRET), "a secret in the Debug of an error");
        error.fault()
    })
}

/// Brings these while the listener waits, and says what came of it.
fn exchange(harness: &Harness, brought: &[String]) -> Result<Redirect, Fault> {
    let mut listener = listen(harness);
    let listening = listener.listening().clone();
    let (bring, brought) = (Arc::clone(&harness.bring), brought.to_vec());
    let user = thread::spawn(move || {
        for parameters in brought {
            bring(&listening, &parameters).expect("a redirect is heard while the listener waits");
        }
    });
    let received = receive(listener.as_mut(), LONG);
    user.join().expect("the redirects are brought");
    received
}

fn parameters(redirect: Redirect) -> String {
    assert!(!format!("{redirect:?}").contains(SECRET), "a secret in the Debug of a redirect");
    match redirect {
        Redirect::Parameters(parameters) => parameters.expose().to_owned(),
        Redirect::BareCode(_) => panic!("the redirect came with its state, and lost it"),
    }
}

fn names_where_the_redirect_goes(harness: &Harness) {
    for modes in [vec![ResponseMode::FormPost, ResponseMode::Query], vec![ResponseMode::Query]] {
        let listener = harness.browser.listen(&Listen { response_modes: modes.clone() }).expect("it listens");
        let listening = listener.listening();
        let scheme = listening.redirect_uri.split_once("://").map(|(scheme, _)| scheme);
        assert!(scheme.is_some_and(|scheme| !scheme.is_empty()), "an absolute redirect URI: {listening:?}");
        assert!(!listening.redirect_uri.contains(['?', '#']), "no query and no fragment: {listening:?}");
        assert!(modes.contains(&listening.response_mode), "a mode that was asked for: {listening:?}");
    }
}

fn brings_the_right_redirect(harness: &Harness) {
    let sent = format!("code={SECRET}&state={STATE}&session_state=a%20b%26c");
    let received = exchange(harness, std::slice::from_ref(&sent)).map(parameters);
    assert_eq!(received.as_deref(), Ok(sent.as_str()), "the right redirect comes as it was sent");
    assert!(!(harness.shown)().contains(SECRET), "a secret was shown");
}

fn brings_a_refusal(harness: &Harness) {
    let sent = format!("error=access_denied&error_description=AADSTS65004%3A+no%21&state={STATE}");
    let received = exchange(harness, std::slice::from_ref(&sent)).map(parameters);
    assert_eq!(received.as_deref(), Ok(sent.as_str()), "a refusal is for the flow to read");
}

fn lets_foreign_redirects_pass(harness: &Harness) {
    let right = format!("code=right-{SECRET}&state={STATE}");
    let brought = [
        format!("code={SECRET}&state=another"),
        format!("code={SECRET}"),
        format!("code={SECRET}&state="),
        format!("code={SECRET}&state={STATE}&state={STATE}"),
        format!("code={SECRET}&state={}", STATE.to_uppercase()),
        "error=access_denied&state=another".to_owned(),
        "error=access_denied".to_owned(),
        format!("state={STATE}"),
        right.clone(),
    ];
    let received = exchange(harness, &brought).map(parameters);
    assert_eq!(received.as_deref(), Ok(right.as_str()), "only the right state ends the wait");
    assert!(!(harness.shown)().contains(SECRET), "a foreign redirect's secret was shown");
}

fn ends_in_time_and_can_wait_again(harness: &Harness) {
    let mut listener = listen(harness);
    let wait = Duration::from_millis(150);
    for _ in 0..2 {
        let since = Instant::now();
        assert_eq!(receive(listener.as_mut(), wait).err(), Some(Fault::TimedOut), "a wait has an end");
        assert!(since.elapsed() >= wait, "it waits as long as it may");
        assert!(since.elapsed() < wait + SOON, "and no longer");
    }
    let listening = listener.listening().clone();
    let bring = Arc::clone(&harness.bring);
    let (heard, is_heard) = mpsc::channel::<()>();
    // One that comes before anybody waits again is for nobody, so it is brought until it is heard.
    let user = thread::spawn(move || {
        loop {
            bring(&listening, &format!("code={SECRET}&state={STATE}")).expect("the redirect is brought");
            if is_heard.recv_timeout(Duration::from_millis(100)) != Err(mpsc::RecvTimeoutError::Timeout) {
                return;
            }
        }
    });
    assert!(receive(listener.as_mut(), LONG).is_ok(), "a listener can wait again");
    drop(heard);
    user.join().expect("the redirect is heard");
}

fn ends_when_cancelled(harness: &Harness) {
    let Some(cancel) = harness.cancel.clone() else { return };
    // While it waits.
    let mut listener = listen(harness);
    let later = Arc::clone(&cancel);
    let user = thread::spawn(move || {
        thread::sleep(Duration::from_millis(100));
        later();
    });
    let since = Instant::now();
    assert_eq!(receive(listener.as_mut(), LONG).err(), Some(Fault::Cancelled), "a wait can be given up");
    assert!(since.elapsed() < SOON, "at once");
    user.join().expect("the user gave up");
    // Before it waits.
    drop(listener);
    let mut listener = listen(harness);
    cancel();
    assert_eq!(receive(listener.as_mut(), LONG).err(), Some(Fault::Cancelled), "also before it has begun");
    // A sign-in that begins later has nothing to do with it, whether somebody waited or not.
    for is_open in [true, false] {
        if is_open {
            cancel();
        }
        drop(listener);
        if !is_open {
            cancel();
        }
        listener = listen(harness);
        let fault = receive(listener.as_mut(), Duration::from_millis(50)).err();
        assert_eq!(fault, Some(Fault::TimedOut), "what begins later is not given up");
    }
}

fn forgets_a_dropped_listener(harness: &Harness) {
    let mut listener = listen(harness);
    let _ = receive(listener.as_mut(), Duration::from_millis(20));
    let since = Instant::now();
    drop(listener);
    drop(listen(harness));
    assert!(since.elapsed() < SOON, "a dropped listener is gone at once");
    let sent = format!("code={SECRET}&state={STATE}");
    let received = exchange(harness, std::slice::from_ref(&sent)).map(parameters);
    assert_eq!(received.as_deref(), Ok(sent.as_str()), "and the next one is not disturbed");
}

fn shows_the_sign_in_page(harness: &Harness) {
    let listener = listen(harness);
    let url = format!("https://login.example/authorize?client_id=x&state={STATE}&claims=%7B%22a%22%3A1%7D");
    let since = Instant::now();
    let prompt = Prompt::SignIn { url: url.clone(), expires_in: Duration::from_secs(300) };
    harness.browser.present(&prompt).expect("it shows the page");
    assert!(since.elapsed() < SOON, "it returns at once");
    let shown = (harness.shown)();
    assert!(shown.lines().any(|line| line == url), "the URL stands alone on its line: {shown}");
    assert!(shown.contains("5 minutes"), "it says how long: {shown}");
    drop(listener);
}

fn shows_a_user_code(harness: &Harness) {
    let prompt = |message: Option<&str>| Prompt::UserCode {
        code: "GBQF-JKRX".to_owned(),
        verification_uri: "https://login.example/device".to_owned(),
        verification_uri_complete: None,
        message: message.map(str::to_owned),
        expires_in: Duration::from_secs(900),
    };
    harness.browser.present(&prompt(None)).expect("it shows the code");
    let shown = (harness.shown)();
    for expected in ["GBQF-JKRX", "https://login.example/device", "15 minutes"] {
        assert!(shown.contains(expected), "{expected:?} is shown: {shown}");
    }
    harness.browser.present(&prompt(Some("Bitte \u{1b}[2JGBQF-JKRX\u{7} eingeben."))).expect("it shows the message");
    let shown = (harness.shown)();
    assert!(shown.contains("GBQF-JKRX eingeben."), "the authority's own sentence is shown: {shown}");
    assert!(!shown.contains(['\u{1b}', '\u{7}']), "and cannot move the cursor: {shown:?}");
}
