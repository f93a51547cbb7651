//! The promises of the port, with real windows on a virtual screen.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::{Screen, Server, on_a_screen, redirect, titles, until, without_a_screen};
use entrada_browser_webview::{NATIVE_CLIENT, WebviewBrowser};
use entrada_conformance::browser::Harness;
use entrada_core::ports::blocking::Browser;
use entrada_core::protocol::ResponseMode;
use entrada_core::{Fault, Listen, Listening, Prompt};

#[test]
fn it_passes_the_suite() {
    on_a_screen("it_passes_the_suite", || {
        entrada_conformance::browser::browser(harness);
        until("all windows are closed", || titles().is_empty());
    });
}

/// The authority is a server that redirects at once, to where and with what its own URL says.
fn harness() -> Harness {
    let screen = Screen::default();
    let browser = Arc::new(WebviewBrowser::builder().writer(screen.clone()).build().unwrap());
    let canceller = browser.canceller();
    let authority = Server::start(|target| {
        let (_, parameters) = target.split_once("&then=").unwrap_or_default();
        redirect(&format!("{NATIVE_CLIENT}?{parameters}"))
    });
    let (user, visits) = (Arc::clone(&browser), AtomicUsize::new(0));
    Harness {
        browser: Box::new(Shared(browser)),
        bring: Arc::new(move |listening: &Listening, parameters: &str| {
            assert_eq!(listening.redirect_uri, NATIVE_CLIENT);
            let visit = format!("/{}?state=st-8Zr1_x&then={parameters}", visits.fetch_add(1, Ordering::Relaxed));
            let url = format!("{}{visit}", authority.origin);
            let prompt = Prompt::SignIn { url, expires_in: Duration::from_secs(300) };
            // Where the wait has ended meanwhile, nothing opens any more.
            if user.present(&prompt).is_ok() {
                until("the window goes to the authority", || authority.asked().contains(&visit));
            }
            Ok(())
        }),
        cancel: Some(Arc::new(move || canceller.cancel())),
        // The URLs above would show what the suite looks for.
        shown: Arc::new(move || {
            let text = screen.text();
            text.lines().filter(|line| !line.starts_with("http://127.0.0.1:")).map(|line| format!("{line}\n")).collect()
        }),
    }
}

struct Shared(Arc<WebviewBrowser>);

impl Browser for Shared {
    fn listen(
        &self,
        query: &Listen,
    ) -> Result<Box<dyn entrada_core::ports::blocking::Listener>, entrada_core::ports::AdapterError> {
        self.0.listen(query)
    }

    fn present(&self, prompt: &Prompt) -> Result<(), entrada_core::ports::AdapterError> {
        self.0.present(prompt)
    }
}

#[test]
fn without_a_screen_it_says_so_and_shows_user_codes_all_the_same() {
    without_a_screen("without_a_screen_it_says_so_and_shows_user_codes_all_the_same", || {
        let query = Listen { response_modes: vec![ResponseMode::Query] };
        let browser = WebviewBrowser::builder().build().unwrap();
        for _ in 0..2 {
            let error = browser.listen(&query).err().unwrap();
            assert_eq!(error.fault(), Fault::NotFound);
            assert!(error.to_string().contains("no screen") && error.to_string().contains("user code"), "{error}");
        }
        entrada_conformance::browser::user_codes_only(harness);
    });
}

#[test]
fn a_program_with_gtk_on_a_thread_of_its_own_is_told_so() {
    on_a_screen("a_program_with_gtk_on_a_thread_of_its_own_is_told_so", || {
        gtk::init().unwrap();
        let browser = WebviewBrowser::builder().build().unwrap();
        let error = browser.listen(&Listen { response_modes: vec![ResponseMode::Query] }).err().unwrap();
        assert_eq!(error.fault(), Fault::NotFound);
        assert!(error.to_string().contains("GTK"), "{error}");
    });
}

#[test]
fn an_authority_without_the_query_mode_is_refused() {
    let browser = WebviewBrowser::builder().build().unwrap();
    let error = browser.listen(&Listen { response_modes: vec![ResponseMode::FormPost] }).err().unwrap();
    assert_eq!(error.fault(), Fault::NotFound);
    assert!(error.to_string().contains("user code"), "{error}");
}

#[test]
fn a_redirect_uri_that_cannot_be_one_is_refused() {
    for wrong in [
        "",
        "nativeclient",
        "https://login.example/?a=b",
        "https://login.example/#a",
        "https://maria@login.example/",
        "http://login.example/",
        "mailto:maria@contoso.example",
    ] {
        assert!(WebviewBrowser::builder().redirect_uri(wrong).build().is_err(), "{wrong}");
    }
    for right in [NATIVE_CLIENT, "msal0a7e8f52://auth", "http://localhost", "urn:ietf:wg:oauth:2.0:oob"] {
        let is_taken = WebviewBrowser::builder().redirect_uri(right).build().is_ok();
        assert_eq!(is_taken, !right.starts_with("urn:"), "{right}");
    }
}
