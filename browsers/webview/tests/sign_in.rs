//! A person signs in at the strict authority, in a window on a virtual screen, with mouse and keyboard.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use common::{LONG, Screen, Server, close_by_key, on_a_screen, page, point_at, titles, until, xdotool};
use entrada::ports::blocking::Browser;
use entrada::protocol::ResponseMode;
use entrada::{Authority, Client, Error, Fault, Listen, SignIn, TokenSource};
use entrada_authority::{Endpoint, Stage, StageBuilder};
use entrada_browser_webview::{NATIVE_CLIENT, WebviewBrowser, windows_on_main_thread};
use entrada_cache_memory::MemoryCache;

/// The app is consented to, so that the password is all that is asked.
fn stage(builder: StageBuilder) -> Arc<Stage> {
    let stage = builder.start().unwrap();
    stage.grant_admin_consent();
    Arc::new(stage)
}

fn client(stage: &Stage, browser: WebviewBrowser) -> Client {
    Client::builder(stage.client_id())
        .authority(Authority::entra(&stage.authority_url()).unwrap())
        .cache(MemoryCache::new())
        .browser(browser)
        .sign_in(SignIn::new().timeout(LONG))
        .build()
        .unwrap()
}

fn title(stage: &Stage) -> String {
    format!("{} - Sign-in", stage.instance_url())
}

/// Types name and password, as often as the page was not ready for it.
fn sign_in(stage: &Stage) {
    point_at(&title(stage));
    let user = stage.ada();
    let has_signed_in = || stage.count(Endpoint::Token, "authorization_code") > 0;
    for _ in 0..20 {
        for keys in [
            ["key", "ctrl+a"],
            ["type", &user.upn],
            ["key", "Tab"],
            ["key", "ctrl+a"],
            ["type", &user.password],
            ["key", "Return"],
        ] {
            xdotool(&keys);
        }
        let since = Instant::now();
        while since.elapsed() < Duration::from_secs(3) {
            if has_signed_in() {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
    panic!("the person could not sign in: {:?}", stage.requests());
}

#[test]
fn a_person_signs_in_and_the_redirect_is_never_loaded() {
    on_a_screen("a_person_signs_in_and_the_redirect_is_never_loaded", || {
        let nobody = Server::start(|_| page("reached"));
        let redirect_uri = format!("{}/common/oauth2/nativeclient", nobody.origin);
        let screen = Screen::default();
        for redirect_uri in [NATIVE_CLIENT, &redirect_uri] {
            let stage = stage(Stage::builder().redirect_uris([redirect_uri]));
            let browser = WebviewBrowser::builder().redirect_uri(redirect_uri).writer(screen.clone());
            let client = client(&stage, browser.build().unwrap());
            let user = thread::spawn({
                let stage = Arc::clone(&stage);
                move || sign_in(&stage)
            });
            let token = client.token(&[&stage.scope()]).unwrap();
            assert_eq!((token.source, token.account.unwrap().username), (TokenSource::SignIn, stage.ada().upn.clone()));
            user.join().unwrap();
            until("the window closes by itself", || titles().is_empty());
            assert_eq!(client.silent(&[&stage.scope()]).unwrap().source, TokenSource::Cache);

            let authorize = stage.requests_at(Endpoint::Authorize);
            assert_eq!(authorize.len(), 1, "{authorize:?}");
            assert_eq!(authorize[0].parameter("redirect_uri"), Some(redirect_uri));
            assert_eq!(authorize[0].parameter("response_mode"), Some("query"));
        }
        assert_eq!(nobody.asked(), [""; 0], "the redirect URI is for the window alone");
        assert!(!screen.text().contains("code="), "{}", screen.text());
    });
}

#[test]
fn closing_the_window_gives_up() {
    on_a_screen("closing_the_window_gives_up", || {
        let stage = stage(Stage::builder());
        let client = client(&stage, WebviewBrowser::builder().writer(std::io::sink()).build().unwrap());
        for _ in 0..2 {
            let user = thread::spawn({
                let title = title(&stage);
                move || {
                    point_at(&title);
                    close_by_key();
                }
            });
            assert!(matches!(client.token(&[&stage.scope()]), Err(Error::Cancelled)));
            user.join().unwrap();
            until("the window is gone", || titles().is_empty());
        }
        assert_eq!(stage.requests_at(Endpoint::Token).len(), 0);
    });
}

#[test]
fn a_certificate_that_nobody_vouches_for_ends_it_before_anything_is_sent() {
    on_a_screen("a_certificate_that_nobody_vouches_for_ends_it_before_anything_is_sent", || {
        let stage = stage(Stage::builder().https(true));
        let browser = WebviewBrowser::builder().writer(std::io::sink()).build().unwrap();
        let client = client(&stage, browser);
        let title = format!("{} - Sign-in", stage.instance_url().strip_prefix("https://").unwrap());
        let user = thread::spawn(move || {
            // The page under this title is the web view's own, about the certificate.
            point_at(&title);
            close_by_key();
        });
        assert!(matches!(client.token(&[&stage.scope()]), Err(Error::Cancelled)));
        user.join().unwrap();
        assert_eq!(stage.requests().len(), 0);
    });
}

#[test]
fn the_main_thread_can_be_given_to_the_windows() {
    on_a_screen("the_main_thread_can_be_given_to_the_windows", || {
        let stage = stage(Stage::builder());
        let here = thread::current().id();
        let (token, there) = windows_on_main_thread({
            let stage = Arc::clone(&stage);
            move || {
                let client = client(&stage, WebviewBrowser::builder().writer(std::io::sink()).build().unwrap());
                let user = thread::spawn({
                    let stage = Arc::clone(&stage);
                    move || sign_in(&stage)
                });
                let token = client.token(&[&stage.scope()]).unwrap();
                user.join().unwrap();
                (token, thread::current().id())
            }
        })
        .unwrap();
        assert_eq!(token.source, TokenSource::SignIn);
        assert_ne!(here, there);
        // A second time the program runs where it is called, and is told that the windows are gone.
        let (there, error) = windows_on_main_thread(|| {
            let browser = WebviewBrowser::builder().build().unwrap();
            let query = Listen { response_modes: vec![ResponseMode::Query] };
            (thread::current().id(), browser.listen(&query).err().unwrap())
        })
        .unwrap();
        assert_eq!((there, error.fault()), (here, Fault::NotFound), "{error}");
    });
}
