//! Many tasks at once.

use std::time::Duration;

use entrada::file_cache::FileCache;
use entrada::ports::asynchronous::OnThread;
use entrada::{Token, TokenSource};
use entrada_authority::{Endpoint, Stage};
use entrada_cache_memory::MemoryCache;

use crate::house::{Ground, House};

pub(crate) async fn refresh(ground: Ground) {
    refresh_once(&ground, House::open(&ground), 1000).await;
}

pub(crate) async fn refresh_over_a_file(ground: Ground) {
    let folder = tempfile::tempdir().unwrap();
    let file = FileCache::new(folder.path().join("tokens.json"));
    let house = House::with(&ground, Stage::builder(), |builder| builder.cache(OnThread::looking_at_once(file)));
    refresh_once(&ground, house, 1000).await;
}

pub(crate) async fn refresh_over_a_cache_on_threads(ground: Ground) {
    let house = House::with(&ground, Stage::builder(), |builder| builder.blocking_cache(MemoryCache::new()));
    refresh_once(&ground, house, 1000).await;
}

async fn refresh_once(ground: &Ground, house: House, tasks: usize) {
    house.client.token_for(&house.request()).await.unwrap();
    house.stage.advance(Duration::from_secs(2 * 3600));
    let ask = |_| {
        let (client, request) = (house.client.clone(), house.request());
        Box::pin(async move { client.silent_for(&request).await.unwrap() }) as _
    };
    let tokens: Vec<Token> = ground.tasks((0..tasks).map(ask)).await;
    assert!(tokens.len() == tasks && tokens.windows(2).all(|pair| pair[0].secret == pair[1].secret));
    assert_eq!(tokens.iter().filter(|token| token.source == TokenSource::Refresh).count(), 1);
    assert_eq!(house.stage.count(Endpoint::Token, "refresh_token"), 1);
}

pub(crate) async fn sign_in(ground: Ground) {
    let house = House::open(&ground);
    let ask = |_| {
        let (client, request) = (house.client.clone(), house.request());
        Box::pin(async move { client.token_for(&request).await.unwrap().secret }) as _
    };
    let tokens = ground.tasks((0..8).map(ask)).await;
    assert!(tokens.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(house.stage.count(Endpoint::Token, "authorization_code"), 1);
}
