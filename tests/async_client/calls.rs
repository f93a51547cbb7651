//! Calls to the app: the Bearer on, challenges answered, redirects followed.

use std::sync::Arc;

use entrada::ports::asynchronous::Body;
use entrada::protocol::{AppCall, PublishedApp};
use entrada::{Authority, Error, TokenRequest};
use entrada_authority::{Audience, Endpoint, ProxyTable, Stage};
use entrada_cache_memory::MemoryCache;
use futures::io::{AsyncReadExt as _, repeat};
use serde_json::{Value, json};

use crate::house::{Ground, House, builder, text};

pub(crate) async fn page_and_challenge(ground: Ground) {
    challenged(House::open(&ground)).await;
}

pub(crate) async fn over_tls(ground: Ground) {
    let house = House::with(&ground, Stage::builder().https(true), |builder| builder);
    assert!(house.stage.external_url().starts_with("https://"));
    challenged(house).await;
}

async fn challenged(House { stage, client }: House) {
    let (page, scope) = (format!("{}api/me", stage.external_url()), stage.scope());
    let answer = client.get(&page, &[&scope]).await.unwrap();
    assert!(text(answer).await.contains(&stage.ada().display_name));

    stage.demand_claims(json!({"access_token": {"nbf": {"essential": true, "value": "1"}}}));
    let echo = http::Request::post(format!("{}echo", stage.external_url())).body(Body::from("sent twice".to_owned()));
    let answer = client.send(echo.unwrap(), &[&scope]).await.unwrap();
    let echoed: Value = serde_json::from_str(&text(answer).await).unwrap();
    assert_eq!((&echoed["method"], &echoed["body"]), (&"POST".into(), &"sent twice".into()));
    assert_eq!(stage.count(Endpoint::Token, "refresh_token"), 1, "with the claims");
}

pub(crate) async fn discovered(ground: Ground) {
    let table = ProxyTable { audiences: vec![Audience::ExternalUrl], ..ProxyTable::default() };
    let stage = Arc::new(Stage::builder().proxy_table(table).start().unwrap());
    let page = format!("{}api/me", stage.external_url());
    let cache = MemoryCache::new();
    let (client, app) = builder(&ground, &stage).blocking_cache(cache.clone()).discover(&page).await.unwrap();
    assert!(app.is_confirmed() && app.app_id() == stage.proxy_app_id());
    let answer = client.reach(&app).unwrap().get(&page).await.unwrap();
    assert!(text(answer).await.contains(&stage.ada().display_name));

    stage.forget_requests();
    let (client, app) = builder(&ground, &stage).blocking_cache(cache).discover(&page).await.unwrap();
    assert_eq!(app.accepted_scope(), Some(&*stage.scope()), "the second form of four was accepted");
    client.reach(&app).unwrap().get(&page).await.unwrap();
    assert_eq!(stage.requests_at(Endpoint::Proxy).len(), 1, "all was known");

    stage.change_proxy_table(|table| table.audiences = vec![Audience::AppId]);
    client.reach(&app).unwrap().get(&page).await.unwrap();
    stage.change_proxy_table(|table| table.audiences.clear());
    let error = client.reach(&app).unwrap().get(&page).await.unwrap_err();
    assert!(matches!(error, Error::ProxyRefused(_)), "{error}");
    let elsewhere = client.reach(&app).unwrap().get("https://elsewhere.example/").await.unwrap_err();
    assert!(matches!(elsewhere, Error::Config(_)), "{elsewhere}");
}

pub(crate) async fn unknown_scope(ground: Ground) {
    let House { stage, client } = House::with(&ground, Stage::builder().identifiers(["api://{id}"]), |builder| builder);
    let named = Authority::entra(&stage.authority_url()).unwrap();
    let redirect = client.probe(stage.external_url()).await.unwrap();
    let asked = AppCall::new(stage.external_url()).unwrap();
    let app = PublishedApp::read_http(&asked, redirect.status(), redirect.headers(), b"", Some(&named)).unwrap();
    assert_eq!(app.scopes().len(), 2);
    let error = client.settle(app, &TokenRequest::new(["x"]).unwrap()).await.unwrap_err();
    assert!(matches!(error, Error::Discovery(_)), "{error}");
    assert_eq!(stage.requests_at(Endpoint::Authorize).len(), 2);
}

pub(crate) async fn refused(ground: Ground) {
    let House { stage, client } = House::open(&ground);
    let probed = client.probe(stage.external_url()).await.unwrap();
    assert!(probed.status().is_redirection(), "a stranger is sent to the sign-in page");
    let error = client.get(stage.external_url(), &[&stage.one_slash_scope()]).await.unwrap_err();
    let Error::ProxyRefused(refused) = &error else { panic!("{error}") };
    assert!(refused.edge.token_refused && refused.edge.tenant == stage.tenant_id());
    assert!(error.to_string().contains(&stage.scope()), "{error}");
}

pub(crate) async fn stream(ground: Ground) {
    let House { stage, client } = House::open(&ground);
    let scope = stage.scope();
    client.token(&[&scope]).await.unwrap();
    stage.demand_claims(json!({"access_token": {"nbf": {"essential": true, "value": "1"}}}));
    for expected in [401, 200] {
        let request = http::Request::post(format!("{}echo", stage.external_url()));
        let request = request.body(Body::stream(repeat(b'x').take(9), Some(9))).unwrap();
        assert_eq!(client.send(request, &[&scope]).await.unwrap().status().as_u16(), expected);
        assert_eq!(stage.count(Endpoint::Token, "refresh_token"), 1, "for the next call");
    }
}

pub(crate) async fn redirect(ground: Ground) {
    let house = House::open(&ground);
    let upload = || {
        let upload = http::Request::post(format!("{}redirect?to=/api/me", house.stage.external_url()));
        upload.body(Body::stream(repeat(b'x').take(9), Some(9))).unwrap()
    };
    let call = || house.client.call(&house.request());
    assert_eq!(call().send(upload()).await.unwrap().status().as_u16(), 302);
    let answer = call().follow(3).send(upload()).await.unwrap();
    assert!(text(answer).await.contains(&house.stage.ada().display_name));
}
