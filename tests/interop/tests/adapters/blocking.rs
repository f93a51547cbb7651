//! The main job of a client that waits.

use std::io::Read as _;
use std::time::Duration;

use entrada::ports::blocking::Cache;
use entrada::ureq::UreqTransport;
use entrada::{Client, TokenSource};
use entrada_interop::{CLIENT_ID, Options, USER, World};
use serde_json::Value;

use crate::house::{Later, browser};

pub(crate) fn main_job<C: Cache + 'static>(cache: impl FnOnce(&World) -> C) {
    let Some(world) = World::start_or_skip(&Options::default()) else { return };
    let later = Later::default();
    let client = Client::builder(CLIENT_ID)
        .oidc(world.issuer())
        .transport(UreqTransport::builder().ca_file(world.ca_path()).build().unwrap())
        .cache(cache(&world))
        .browser(browser(&world))
        .clock(later.clone())
        .build()
        .unwrap();
    let (scope, page) = (world.scope(), format!("{}api/me", world.app_url()));
    let granted = || (world.granted("authorization_code"), world.granted("refresh_token"));
    let get = || {
        let mut text = String::new();
        client.get(&page, &[&scope]).unwrap().into_body().read_to_string(&mut text).unwrap();
        let echo: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(echo["user"], USER);
    };

    assert!(client.silent(&[&scope]).unwrap_err().needs_ui());
    get();
    get();
    assert_eq!(granted(), (1, 0), "one sign-in, and the cache");
    later.put_forward(Duration::from_secs(2 * 3600));
    get();
    assert_eq!(granted(), (1, 1), "one refresh, without the user");

    world.revoke_refresh_tokens();
    later.put_forward(Duration::from_secs(2 * 3600));
    assert!(client.silent(&[&scope]).unwrap_err().needs_ui(), "the authority says that the user must be seen");
    assert_eq!(client.token(&[&scope]).unwrap().source, TokenSource::SignIn);
    client.sign_out(None).unwrap();
    assert!(client.accounts().unwrap().is_empty());
    for token in world.issued_tokens() {
        assert!(!String::from_utf8(client.export().unwrap()).unwrap().contains(&token), "no token stays");
    }
}
