//! Tokens: from the cache, by a refresh, by a sign-in.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use entrada::ports::asynchronous::OnThread;
use entrada::{AccountSelector, Error, SignIn, TokenSource};
use entrada_authority::{Endpoint, Fault, Stage};
use entrada_cache_memory::MemoryCache;

use crate::house::{Ground, House};

pub(crate) async fn sign_in_cache_refresh(ground: Ground) {
    let House { stage, client } = House::open(&ground);
    let scope = stage.scope();
    assert!(client.silent(&[&scope]).await.unwrap_err().needs_ui());

    let first = client.token(&[&scope]).await.unwrap();
    assert_eq!(first.source, TokenSource::SignIn);
    assert_eq!(first.account.unwrap().username, stage.ada().upn);
    assert_eq!(client.token(&[&scope]).await.unwrap().source, TokenSource::Cache);

    stage.advance(Duration::from_secs(2 * 3600));
    let refreshed = client.silent(&[&scope]).await.unwrap();
    assert_eq!(refreshed.source, TokenSource::Refresh);
    assert_ne!(refreshed.secret, first.secret);
    let redeemed = |grant| stage.count(Endpoint::Token, grant);
    assert_eq!((redeemed("authorization_code"), redeemed("refresh_token")), (1, 1));
}

pub(crate) async fn user_code(ground: Ground) {
    let stage = Stage::builder().device_interval(Duration::from_secs(1));
    let house = House::with(&ground, stage, |builder| builder);
    let token = house.client.sign_in_by_code(&house.request(), &SignIn::new()).await.unwrap();
    assert_eq!(token.account.unwrap().username, house.stage.ada().upn);
    assert_eq!(house.client.silent_for(&house.request()).await.unwrap().source, TokenSource::Cache);
    assert!(house.stage.requests_at(Endpoint::Authorize).is_empty());
}

pub(crate) async fn accounts(ground: Ground) {
    let house = House::open(&ground);
    let client = &house.client;
    client.token_for(&house.request()).await.unwrap();
    let accounts = client.accounts().await.unwrap();
    assert_eq!((accounts.len(), accounts[0].realm.as_str()), (1, house.stage.tenant_id()));
    let exported = client.export().await.unwrap();

    let ada = AccountSelector::Named(house.stage.ada().upn.clone());
    let (gone, warnings) = client.sign_out(Some(ada)).await.unwrap();
    assert_eq!((gone, warnings.len()), (accounts.clone(), 0));
    assert!(client.accounts().await.unwrap().is_empty());

    let (entries, warnings) = client.import(&exported).await.unwrap();
    assert!(entries > 0 && warnings.is_empty());
    assert_eq!(client.accounts().await.unwrap(), accounts);
    assert_eq!(client.silent_for(&house.request()).await.unwrap().source, TokenSource::Cache);
    assert!(matches!(client.import(b"no cache").await, Err(Error::Config(_))));
}

pub(crate) async fn chosen_sign_in(ground: Ground) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let house = House::with(&ground, Stage::builder(), |builder| {
        builder.sign_in_with(move |client, request, error| {
            assert!(error.needs_ui());
            let number = count.fetch_add(1, Ordering::SeqCst);
            async move {
                match number {
                    0 => Err(error),
                    _ => client.sign_in(&request, &SignIn::new()).await,
                }
            }
        })
    });
    assert!(house.client.token_for(&house.request()).await.unwrap_err().needs_ui());
    assert_eq!(house.client.token_for(&house.request()).await.unwrap().source, TokenSource::SignIn);
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

/// A client whose token is due for renewal by now, though it is good for longer.
async fn due(ground: &Ground, in_background: bool) -> House {
    let stage = Stage::builder().refresh_in(Duration::from_secs(600));
    let house = House::with(ground, stage, |builder| {
        let cache = OnThread::new(MemoryCache::new());
        builder.renew_in_background(in_background).cache(cache)
    });
    house.client.token_for(&house.request()).await.unwrap();
    house.stage.advance(Duration::from_secs(601));
    house
}

pub(crate) async fn renewal(ground: Ground) {
    let house = due(&ground, true).await;
    house.stage.faults().push(Endpoint::Token, Fault::Slow(Duration::from_millis(300)));
    let tasks = (0..16).map(|_| {
        let (client, request) = (house.client.clone(), house.request());
        Box::pin(async move { client.silent_for(&request).await.unwrap().source }) as _
    });
    assert_eq!(ground.tasks(tasks).await, [TokenSource::Cache; 16]);
    assert!(!house.client.wait_for_renewals(Duration::ZERO).await, "it is under way");
    assert!(house.client.wait_for_renewals(Duration::from_secs(10)).await);
    assert_eq!(house.stage.count(Endpoint::Token, "refresh_token"), 1);
    let renewed = house.client.silent_for(&house.request()).await.unwrap();
    assert_eq!((renewed.source, renewed.renewal_due), (TokenSource::Cache, false));
    assert_eq!(renewed.secret.expose(), house.stage.issued().last().unwrap().access_token);
}

pub(crate) async fn renewal_in_the_call(ground: Ground) {
    let house = due(&ground, false).await;
    assert_eq!(house.client.silent_for(&house.request()).await.unwrap().source, TokenSource::Refresh);
}
