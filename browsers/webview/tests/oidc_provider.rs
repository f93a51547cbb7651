//! A person signs in and consents at a certified OpenID provider that others wrote, over https.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

mod common;

use std::env;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use common::{LONG, is_inside, point_at, titles, until, with_a_screen, xdotool};
use entrada::{Authority, Client, SignIn, TokenSource};
use entrada_browser_webview::{NATIVE_CLIENT, WebviewBrowser};
use entrada_cache_memory::MemoryCache;
use entrada_interop::{CLIENT_ID, Options, PASSWORD, USER, World};

#[test]
fn a_person_signs_in_at_a_provider_that_others_wrote() {
    if is_inside() {
        return inside();
    }
    let Some(world) = World::start_or_skip(&Options::default()) else { return };
    let scope = world.scope();
    let variables = [("ISSUER", world.issuer()), ("ADMIN", world.authority_admin()), ("SCOPE", &scope)];
    with_a_screen("a_person_signs_in_at_a_provider_that_others_wrote", Some(&world.ca_path()), &variables);
    let state = world.authority_state();
    let authorization = &state["authorizations"][0];
    assert_eq!(authorization["redirect_uri"], NATIVE_CLIENT, "{authorization}");
    assert_eq!(authorization["response_mode"], "query", "{authorization}");
    assert_eq!(world.granted("authorization_code"), 1);
}

fn inside() {
    let [issuer, admin, scope] = ["ISSUER", "ADMIN", "SCOPE"].map(|name| env::var(name).unwrap());
    let client = Client::builder(CLIENT_ID)
        .authority(Authority::oidc(&issuer).unwrap())
        .cache(MemoryCache::new())
        .browser(WebviewBrowser::builder().build().unwrap())
        .sign_in(SignIn::new().timeout(LONG * 2))
        .build()
        .unwrap();
    let title = format!("{} - Sign-in", issuer.strip_prefix("https://").unwrap());
    let user = thread::spawn(move || sign_in_and_accept(&title, &admin));
    let token = client.token(&[&scope]).unwrap();
    assert_eq!(token.source, TokenSource::SignIn);
    user.join().unwrap();
    until("the window closes by itself", || titles().is_empty());
}

fn sign_in_and_accept(title: &str, admin: &str) {
    point_at(title);
    let accepting = [["key", "Return"]];
    let signing_in =
        [["key", "ctrl+a"], ["type", USER], ["key", "Tab"], ["key", "ctrl+a"], ["type", PASSWORD], ["key", "Return"]];
    for (keys, leads_to) in [(&signing_in[..], "Permissions requested"), (&accepting[..], "authorization_code")] {
        press(keys, || state(admin).contains(leads_to));
    }
}

/// Presses these keys in the page's first field or button, as often as the page was not ready for them.
fn press(keys: &[[&str; 2]], is_done: impl Fn() -> bool) {
    for _ in 0..10 {
        // From the top of the page the first Tab leads to what comes first. Nothing is down there.
        for top in [&["mousemove", "500", "680"][..], &["click", "1"], &["key", "Tab"]] {
            xdotool(top);
        }
        for key in keys {
            xdotool(key);
        }
        let since = Instant::now();
        while since.elapsed() < Duration::from_secs(3) {
            if is_done() {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
    panic!("the page does not answer to {keys:?}");
}

/// What the provider has seen, in its own words.
fn state(admin: &str) -> String {
    let address = admin.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET /state HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}
