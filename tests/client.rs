//! The facade's client against the strict authority, the proxy and the app: what an embedding program sees.
#![expect(clippy::unwrap_used, reason = "a proof ends where it fails")]

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use entrada::ports::AdapterError;
use entrada::ports::blocking::{Body, Browser, Clock, Listener, transport_fn};
use entrada::protocol::{AppCall, PublishedApp};
use entrada::ureq::UreqTransport;
use entrada::{
    AccountSelector, Authority, Client, ClientBuilder, Error, Listen, Prompt, TokenRequest, TokenSource, UnixTime,
};
use entrada_authority::{Audience, Endpoint, Fault, Revocation, Stage};
use entrada_browser_system::SystemBrowser;
use entrada_cache_memory::MemoryCache;
use serde_json::{Value, json};

/// The system browser's listener, with the stage's own visitor for a user.
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

fn house() -> (Arc<Stage>, Client) {
    let stage = Arc::new(Stage::start().unwrap());
    let client = client_of(&stage).build().unwrap();
    (stage, client)
}

fn client_of(stage: &Arc<Stage>) -> ClientBuilder {
    let listener = SystemBrowser::builder().open_browser(false).writer(io::sink()).build().unwrap();
    Client::builder(stage.client_id())
        .authority(Authority::entra(&stage.authority_url()).unwrap())
        .cache(MemoryCache::new())
        .browser(Visiting(Arc::clone(stage), listener))
        .clock(StageClock(Arc::clone(stage)))
}

fn text(response: http::Response<Body>) -> String {
    let mut text = String::new();
    response.into_body().read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_token_comes_from_a_sign_in_then_the_cache_then_a_refresh() {
    let (stage, client) = house();
    let scope = stage.scope();
    assert!(client.silent(&[&scope]).unwrap_err().needs_ui());

    let first = client.token(&[&scope]).unwrap();
    assert_eq!(first.source, TokenSource::SignIn);
    assert_eq!(first.account.unwrap().username, stage.ada().upn);
    assert_eq!(client.token(&[&scope]).unwrap().source, TokenSource::Cache);

    stage.advance(Duration::from_secs(2 * 3600));
    let refreshed = client.silent(&[&scope]).unwrap();
    assert_eq!(refreshed.source, TokenSource::Refresh);
    assert_ne!(refreshed.secret, first.secret);
    assert_eq!(
        (stage.count(Endpoint::Token, "authorization_code"), stage.count(Endpoint::Token, "refresh_token")),
        (1, 1)
    );
}

#[test]
fn one_refresh_token_serves_another_app() {
    let (stage, client) = house();
    client.token(&[&stage.scope()]).unwrap();
    stage.grant_admin_consent();
    let other = client.silent(&[&stage.other_scope()]).unwrap();
    assert_eq!(other.source, TokenSource::Refresh);
    assert_eq!(client.silent(&[&stage.scope()]).unwrap().source, TokenSource::Cache, "the first app's token stays");
}

#[test]
fn a_sign_in_as_a_guest_serves_in_the_tenant_that_the_app_is_in() {
    let stage = Arc::new(Stage::builder().multi_tenant(true).start().unwrap());
    let abroad = Authority::entra(&stage.authority_of(stage.guest_tenant_id())).unwrap();
    let client = client_of(&stage).authority(abroad).build().unwrap();
    client.token(&["openid", "profile"]).unwrap();
    stage.grant_admin_consent();
    let home = client.in_tenant(stage.tenant_id()).unwrap();
    let token = home.silent(&[&stage.scope()]).unwrap();
    assert_eq!((token.source, stage.count(Endpoint::Token, "authorization_code")), (TokenSource::Refresh, 1));
    assert_eq!(home.silent(&[&stage.scope()]).unwrap().source, TokenSource::Cache);
    assert_eq!(client.silent(&["openid", "profile"]).unwrap().source, TokenSource::Cache, "each tenant has its own");
}

#[test]
fn a_revoked_sign_in_asks_for_the_user_once_more() {
    let (stage, client) = house();
    let scope = stage.scope();
    client.token(&[&scope]).unwrap();
    stage.revoke_refresh_tokens(&stage.ada().upn, Revocation::PasswordChanged);
    stage.advance(Duration::from_secs(2 * 3600));
    let error = client.silent(&[&scope]).unwrap_err();
    assert!(error.needs_ui());
    assert_eq!(error.server().unwrap().aadsts(), Some(50173));
    assert!(error.correlation_id().is_some());
    assert_eq!(client.token(&[&scope]).unwrap().source, TokenSource::SignIn);
}

#[test]
fn a_page_of_the_app_and_a_claims_challenge_on_the_way() {
    let (stage, client) = house();
    let (page, scope) = (format!("{}api/me", stage.external_url()), stage.scope());
    assert!(text(client.get(&page, &[&scope]).unwrap()).contains(&stage.ada().display_name));

    stage.demand_claims(json!({"access_token": {"nbf": {"essential": true, "value": "1"}}}));
    let echo = http::Request::post(format!("{}echo", stage.external_url())).body(Body::from("sent twice".to_owned()));
    let echoed: Value = serde_json::from_str(&text(client.send(echo.unwrap(), &[&scope]).unwrap())).unwrap();
    assert_eq!((&echoed["method"], &echoed["body"]), (&"POST".into(), &"sent twice".into()));
    assert_eq!(stage.count(Endpoint::Token, "refresh_token"), 1, "with the claims");
}

#[test]
fn the_same_over_tls_where_the_ca_is_known_and_not_where_it_is_not() {
    let stage = Arc::new(Stage::builder().https(true).start().unwrap());
    let (page, scope) = (format!("{}api/me", stage.external_url()), stage.scope());
    let stranger = client_of(&stage).build().unwrap();
    let error = stranger.token(&[&scope]).unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");

    let transport = UreqTransport::builder().ca_pem(stage.ca_pem().unwrap()).build().unwrap();
    let client = client_of(&stage).transport(transport).build().unwrap();
    assert!(text(client.get(&page, &[&scope]).unwrap()).contains(&stage.ada().display_name));
    stage.advance(Duration::from_secs(2 * 3600));
    assert_eq!(client.silent(&[&scope]).unwrap().source, TokenSource::Refresh);
}

#[test]
fn a_refused_token_is_an_error_that_explains_itself() {
    let (stage, client) = house();
    let error = client.get(stage.external_url(), &[&stage.one_slash_scope()]).unwrap_err();
    let Error::ProxyRefused(refused) = &error else { panic!("{error}") };
    assert_eq!(refused.edge.tenant, stage.tenant_id());
    assert!(refused.edge.token_refused);
    assert!(error.to_string().contains(&stage.scope()), "{error}");
}

#[test]
fn a_stream_cannot_be_sent_twice_so_the_challenge_is_the_answer() {
    let (stage, client) = house();
    let scope = stage.scope();
    client.token(&[&scope]).unwrap();
    stage.demand_claims(json!({"access_token": {"nbf": {"essential": true, "value": "1"}}}));
    let send = || {
        let request = http::Request::post(format!("{}echo", stage.external_url()));
        let request = request.body(Body::stream(io::repeat(b'x').take(9), Some(9))).unwrap();
        client.send(request, &[&scope]).unwrap().status().as_u16()
    };
    assert_eq!(send(), 401);
    assert_eq!(stage.count(Endpoint::Token, "refresh_token"), 1, "for the next call");
    assert_eq!(send(), 200);
}

#[test]
fn an_upload_that_cannot_be_sent_twice_is_followed_where_a_redirect_asks_for_a_page() {
    let (stage, client) = house();
    let request = TokenRequest::new([stage.scope()]).unwrap();
    let upload = http::Request::post(format!("{}redirect?to=/api/me", stage.external_url()));
    let upload = upload.body(Body::stream(io::repeat(b'x').take(9), Some(9))).unwrap();
    let answer = client.call(&request).follow(3).send(upload).unwrap();
    assert!(text(answer).contains(&stage.ada().display_name));
}

#[test]
fn threads_that_find_the_same_expired_token_refresh_it_once() {
    let (stage, client) = house();
    let scope = stage.scope();
    client.token(&[&scope]).unwrap();
    stage.advance(Duration::from_secs(2 * 3600));
    let tokens: Vec<_> = std::thread::scope(|threads| {
        let threads: Vec<_> = (0..16).map(|_| threads.spawn(|| client.silent(&[&scope]).unwrap().secret)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(tokens.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(stage.count(Endpoint::Token, "refresh_token"), 1);
}

#[test]
fn accounts_are_told_and_leave() {
    let (stage, client) = house();
    let request = TokenRequest::new([stage.scope()]).unwrap();
    client.token_for(&request).unwrap();
    let accounts = client.accounts().unwrap();
    assert_eq!(accounts.len(), 1);
    assert_eq!(accounts[0].realm, stage.tenant_id());

    let (gone, warnings) = client.sign_out(Some(AccountSelector::Named(stage.ada().upn.clone()))).unwrap();
    assert_eq!((gone.len(), warnings.len()), (1, 0));
    assert!(client.accounts().unwrap().is_empty());
    assert!(client.silent_for(&request).unwrap_err().needs_ui());
}

/// A client whose token is due for renewal by now, though it is good for longer.
fn due(in_background: bool) -> (Arc<Stage>, Client) {
    let stage = Arc::new(Stage::builder().refresh_in(Duration::from_secs(600)).start().unwrap());
    let client = client_of(&stage).renew_in_background(in_background).build().unwrap();
    client.token(&[&stage.scope()]).unwrap();
    stage.advance(Duration::from_secs(601));
    (stage, client)
}

#[test]
fn a_token_that_is_due_is_given_at_once_and_renewed_once_in_the_background() {
    let (stage, client) = due(true);
    stage.faults().push(Endpoint::Token, Fault::Slow(Duration::from_millis(300)));
    let scope = stage.scope();
    std::thread::scope(|threads| {
        for _ in 0..16 {
            threads.spawn(|| assert_eq!(client.silent(&[&scope]).unwrap().source, TokenSource::Cache));
        }
    });
    client.wait_for_renewals(Duration::from_secs(10));
    assert_eq!(stage.count(Endpoint::Token, "refresh_token"), 1);
    let renewed = client.silent(&[&scope]).unwrap();
    assert_eq!((renewed.source, renewed.renewal_due), (TokenSource::Cache, false));
    assert_eq!(renewed.secret.expose(), stage.issued().last().unwrap().access_token);
}

#[test]
fn a_renewal_that_fails_is_in_nobodys_way() {
    let (stage, client) = due(true);
    for _ in 0..3 {
        stage.faults().push(Endpoint::Token, Fault::Cut);
    }
    for _ in 0..3 {
        let token = client.silent(&[&stage.scope()]).unwrap();
        assert_eq!((token.source, token.renewal_due, token.warnings), (TokenSource::Cache, true, vec![]));
        client.wait_for_renewals(Duration::from_secs(10));
    }
    assert_eq!(stage.count(Endpoint::Token, "refresh_token"), 1, "and it is not tried again at once");
}

#[test]
fn without_a_background_the_call_itself_renews() {
    let (stage, client) = due(false);
    assert_eq!(client.silent(&[&stage.scope()]).unwrap().source, TokenSource::Refresh);
}

#[test]
fn threads_that_need_a_sign_in_at_once_show_one() {
    let (stage, client) = house();
    let scope = stage.scope();
    let tokens: Vec<_> = std::thread::scope(|threads| {
        let threads: Vec<_> = (0..8).map(|_| threads.spawn(|| client.token(&[&scope]).unwrap().secret)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(tokens.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(stage.count(Endpoint::Token, "authorization_code"), 1);
}

#[test]
fn what_has_just_failed_does_not_begin_again_behind_the_call() {
    let (stage, client) = due(true);
    // Good for two minutes yet, so that the call itself has to renew it.
    stage.advance(Duration::from_secs(75 * 60 - 601 - 120));
    let scope = stage.scope();
    for _ in 0..9 {
        stage.faults().push(Endpoint::Token, Fault::Cut);
    }
    for number in 1..=2 {
        let token = client.silent(&[&scope]).unwrap();
        assert!(token.renewal_due && !token.warnings.is_empty(), "{token:?}");
        assert!(client.wait_for_renewals(Duration::from_secs(10)));
        assert_eq!(stage.count(Endpoint::Token, "refresh_token"), number);
    }
}

#[test]
fn an_app_is_reached_by_its_url_alone() {
    let stage = Arc::new(Stage::start().unwrap());
    stage.change_proxy_table(|table| table.audiences = vec![Audience::ExternalUrl]);
    let page = format!("{}api/me", stage.external_url());
    let cache = MemoryCache::new();
    let (client, app) = client_of(&stage).cache(cache.clone()).discover(&page).unwrap();
    assert_eq!((app.app_id(), app.accepted_scope()), (stage.proxy_app_id(), None));
    assert!(text(client.reach(&app).unwrap().get(&page).unwrap()).contains(&stage.ada().display_name));

    stage.forget_requests();
    let (client, app) = client_of(&stage).cache(cache).discover(&page).unwrap();
    assert_eq!(app.accepted_scope(), Some(&*stage.scope()));
    let answer = client.reach(&app).unwrap().account(AccountSelector::Named(stage.ada().upn.clone())).get(&page);
    assert!(text(answer.unwrap()).contains(&stage.ada().display_name));
    assert_eq!(stage.requests().iter().filter(|request| request.endpoint != Endpoint::App).count(), 1, "all was known");
    let error = client.reach(&app).unwrap().account(AccountSelector::Named("nobody@x".into())).get(&page).unwrap_err();
    assert!(error.needs_ui() || matches!(error, Error::OtherAccount { .. }), "{error}");

    let other = client.reach(&app).unwrap().get(&stage.internal_url()).unwrap_err();
    assert!(matches!(other, Error::Config(_)), "a token for one app goes to no other: {other}");
    assert!(stage.bearers_seen(Endpoint::App).len() <= stage.bearers_seen(Endpoint::Proxy).len());

    let elsewhere = Authority::entra("https://login.microsoftonline.com/contoso.example").unwrap();
    let error = client_of(&stage).authority(elsewhere).discover(&page).unwrap_err();
    assert!(matches!(error, Error::Discovery(_)), "what was named stays: {error}");
}

/// A page without end, byte by byte; counts them.
struct Dripping(Arc<AtomicUsize>);

impl Read for Dripping {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        bytes[0] = b'x';
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(1)
    }
}

#[test]
fn a_page_in_place_of_a_redirect_is_left_when_its_time_is_over() {
    let read = Arc::new(AtomicUsize::new(0));
    let page = Arc::clone(&read);
    let transport = transport_fn(move |_, _| {
        let page = Body::stream(Dripping(Arc::clone(&page)), None);
        Ok(http::Response::builder().status(503).header("retry-after", "7").body(page).unwrap())
    });
    let client = Client::builder("c").transport(transport).cache(MemoryCache::new()).timeout(Duration::ZERO);
    let error = client.discover("https://hr.example/").unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)), "{error}");
    assert_eq!(read.load(Ordering::SeqCst), 1, "no time was given");
}

#[test]
fn one_sign_in_does_for_all_of_an_apps_scopes_and_another_is_made_only_where_nothing_else_remains() {
    // So many of the scopes that are tried silently need a consent of their own: the one with two slashes, or all three.
    for (accepted, unconsented, windows) in [(Audience::ExternalUrlWithoutSlash, 1, 1), (Audience::ExternalUrl, 3, 2)] {
        let stage = Arc::new(Stage::start().unwrap());
        stage.change_proxy_table(|table| table.audiences = vec![accepted.clone()]);
        let page = format!("{}api/me", stage.external_url());
        let shown = Arc::new(AtomicUsize::new(0));
        let (counted, house) = (Arc::clone(&shown), Arc::clone(&stage));
        let builder = client_of(&stage).sign_in_with(move |client, request, _| {
            let token = client.sign_in(request, client.sign_in_options())?;
            for _ in 0..if counted.fetch_add(1, Ordering::SeqCst) == 0 { unconsented } else { 0 } {
                let (error, suberror) = ("invalid_grant".into(), Some("consent_required".into()));
                let refusal = Fault::OAuthError { error, suberror, code: 65001, claims: None };
                house.faults().push(Endpoint::Token, refusal);
            }
            Ok(token)
        });
        let (client, app) = builder.discover(&page).unwrap();
        assert_eq!(client.reach(&app).unwrap().get(&page).unwrap().status(), 200);
        assert_eq!((shown.load(Ordering::SeqCst), stage.faults().pending()), (windows, 0), "{accepted:?}");
    }
}

#[test]
fn where_the_authority_does_not_know_the_first_scope_the_user_is_asked_for_one_more_and_no_third_time() {
    let stage = Arc::new(Stage::builder().identifiers(["api://{id}"]).start().unwrap());
    let client = client_of(&stage).build().unwrap();
    let named = Authority::entra(&stage.authority_url()).unwrap();
    let redirect = client.probe(stage.external_url()).unwrap();
    let asked = AppCall::new(stage.external_url()).unwrap();
    let app = PublishedApp::read_http(&asked, redirect.status(), redirect.headers(), b"", Some(&named)).unwrap();
    assert_eq!((app.scopes().len(), app.is_confirmed()), (2, false));
    let error = client.settle(app, &TokenRequest::new(["x"]).unwrap()).unwrap_err();
    assert!(matches!(error, Error::Discovery(_)), "{error}");
    assert_eq!(stage.requests_at(Endpoint::Authorize).len(), 2);
}
