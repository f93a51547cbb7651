//! Many clients of one user, each with connections of its own, that find the same token expired.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use entrada::ports::AdapterError;
use entrada::ports::blocking::{Browser, Clock, Listener};
use entrada::{Authority, Client, Listen, Prompt, UnixTime};
#[cfg(feature = "encryption")]
use entrada::{TokenSource, Warning};
use entrada_authority::{Endpoint, Fault, Stage};
use entrada_browser_system::SystemBrowser;
use entrada_cache_redis::RedisCache;

use crate::server::{Server, is_missing};

struct Visiting(Arc<Stage>, SystemBrowser);

impl Browser for Visiting {
    fn listen(&self, query: &Listen) -> Result<Box<dyn Listener>, AdapterError> {
        self.1.listen(query)
    }

    fn present(&self, prompt: &Prompt) -> Result<(), AdapterError> {
        if let Prompt::SignIn { url, .. } = prompt {
            let (stage, url) = (Arc::clone(&self.0), url.clone());
            std::thread::spawn(move || stage.visitor().visit(&url));
        }
        Ok(())
    }
}

struct StageClock(Arc<Stage>);

impl Clock for StageClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.0.now())
    }

    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}

fn client(stage: &Arc<Stage>, server: &Server) -> Client {
    client_over(stage, server.cache("ada"))
}

fn client_over(stage: &Arc<Stage>, cache: RedisCache) -> Client {
    let listener = SystemBrowser::builder().open_browser(false).writer(io::sink()).build().unwrap();
    Client::builder(stage.client_id())
        .authority(Authority::entra(&stage.authority_url()).unwrap())
        .cache(cache)
        .browser(Visiting(Arc::clone(stage), listener))
        .clock(StageClock(Arc::clone(stage)))
        .build()
        .unwrap()
}

#[test]
fn one_sign_in_and_one_refresh_serve_all() {
    if is_missing() {
        return;
    }
    let (stage, server) = (Arc::new(Stage::start().unwrap()), Server::start(&[]));
    let scope = stage.scope();
    let clients: Vec<Client> = (0..16).map(|_| client(&stage, &server)).collect();
    let all = |get: &(dyn Fn(&Client) -> String + Sync)| {
        let tokens: Vec<String> = std::thread::scope(|threads| {
            let threads: Vec<_> = clients.iter().map(|client| threads.spawn(move || get(client))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(tokens.windows(2).all(|pair| pair[0] == pair[1]));
        tokens[0].clone()
    };
    let first = all(&|client| client.token(&[&scope]).unwrap().secret.expose().to_owned());
    assert_eq!(stage.count(Endpoint::Token, "authorization_code"), 1);

    stage.advance(Duration::from_secs(2 * 3600));
    stage.faults().push(Endpoint::Token, Fault::Slow(Duration::from_millis(300)));
    let second = all(&|client| client.silent(&[&scope]).unwrap().secret.expose().to_owned());
    assert_ne!(first, second);
    assert_eq!(stage.count(Endpoint::Token, "refresh_token"), 1);
    assert_eq!(server.command::<Vec<String>>(&["KEYS", "*"]), ["entrada:{ada}"], "no lock is left");
}

/// One host of a fleet that was given a wrong key: it works for itself, and takes nothing from the others.
#[test]
#[cfg(feature = "encryption")]
fn a_host_with_another_key_leaves_the_fleet_s_tokens_where_they_are() {
    if is_missing() {
        return;
    }
    let (stage, server) = (Arc::new(Stage::start().unwrap()), Server::start(&[]));
    let scope = stage.scope();
    let host = |key: u8| {
        let server = server.builder().encryption_key(&[key; 32]).build().unwrap();
        client_over(&stage, server.cache("ada").unwrap())
    };
    host(1).token(&[&scope]).unwrap();
    let astray = host(2).token(&[&scope]).unwrap();
    assert!(astray.warnings.iter().any(|warning| matches!(warning, Warning::CacheUnsaved(_))), "{:?}", astray.warnings);
    assert_eq!(host(1).token(&[&scope]).unwrap().source, TokenSource::Cache);
}
