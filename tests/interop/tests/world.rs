//! Proofs that the world works, with a client written out here: what `entrada` is tested against is itself tested.
#![expect(clippy::unwrap_used, reason = "a proof ends where it fails")]

use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use entrada_interop::{CLIENT_ID, Options, USER, User, World};
use serde_json::Value;
use url::{Url, form_urlencoded};

// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

type Pairs = Vec<(String, String)>;

fn value<'a>(pairs: &'a Pairs, name: &str) -> Option<&'a str> {
    pairs.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
}

fn discovery(world: &World) -> Value {
    let url = format!("{}/.well-known/openid-configuration", world.issuer());
    json(&mut world.http().get(&url).call().unwrap())
}

fn json(response: &mut ureq::http::Response<ureq::Body>) -> Value {
    serde_json::from_str(&response.body_mut().read_to_string().unwrap()).unwrap()
}

fn post(world: &World, url: &str, pairs: &[(&str, &str)]) -> (u16, Value) {
    let mut response = world.http().post(url).send_form(pairs.iter().copied()).unwrap();
    (response.status().as_u16(), json(&mut response))
}

fn token(world: &World, pairs: &[(&str, &str)]) -> (u16, Value) {
    let mut all = vec![("client_id", CLIENT_ID)];
    all.extend_from_slice(pairs);
    post(world, discovery(world)["token_endpoint"].as_str().unwrap(), &all)
}

/// One sign-in through the browser: the method of the redirect, what it carried, and the redirect URI.
fn authorize(world: &World, mode: Option<&str>, host: &str) -> (String, Pairs, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let redirect = format!("http://{host}:{}", listener.local_addr().unwrap().port());
    let endpoint = discovery(world)["authorization_endpoint"].as_str().unwrap().to_owned();
    let mut url = Url::parse(&endpoint).unwrap();
    url.query_pairs_mut()
        .append_pair("client_id", CLIENT_ID)
        .append_pair("response_type", "code")
        .append_pair("redirect_uri", &redirect)
        .append_pair("scope", &format!("openid profile offline_access {}", world.scope()))
        .append_pair("state", "a state & more")
        .append_pair("code_challenge", CHALLENGE)
        .append_pair("code_challenge_method", "S256");
    if let Some(mode) = mode {
        url.query_pairs_mut().append_pair("response_mode", mode);
    }
    let waiting = thread::spawn(move || receive(&listener));
    let output = entrada_interop::finish(world.browse(url.as_str()), Duration::from_secs(60));
    assert!(output.status.success(), "the browser's driver failed");
    let (method, pairs) = waiting.join().unwrap();
    assert!(world.final_page().contains("You may close this window"));
    assert_eq!(value(&pairs, "state"), Some("a state & more"));
    assert_eq!(value(&pairs, "iss"), Some(world.issuer()));
    (method, pairs, redirect)
}

/// Waits for the request that carries `state`; a browser may ask for other things, or connect and ask nothing.
fn receive(listener: &TcpListener) -> (String, Pairs) {
    loop {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let (mut bytes, mut chunk) = (Vec::new(), [0; 4096]);
        let request = loop {
            match stream.read(&mut chunk) {
                Ok(n) if n > 0 => bytes.extend_from_slice(&chunk[..n]),
                _ => break None,
            }
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|l| l.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                break Some((head.to_owned(), body.to_owned()));
            }
        };
        let Some((head, body)) = request else { continue };
        let mut words = head.split(' ');
        let (method, path) = (words.next().unwrap().to_owned(), words.next().unwrap());
        let carried = if method == "POST" { body.as_str() } else { path.split_once('?').map_or("", |(_, q)| q) };
        let pairs: Pairs = form_urlencoded::parse(carried.as_bytes()).into_owned().collect();
        let page = "<!DOCTYPE html><title>Done</title><h1>Signed in</h1><p>You may close this window.</p>";
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{page}",
            page.len()
        );
        stream.write_all(answer.as_bytes()).unwrap();
        if value(&pairs, "state").is_some() {
            return (method, pairs);
        }
    }
}

fn sign_in(world: &World, mode: Option<&str>, host: &str) -> (String, Value) {
    let (method, pairs, redirect) = authorize(world, mode, host);
    let code = value(&pairs, "code").expect("a code");
    let grant = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", &redirect)];
    let (status, refused) = token(world, &grant);
    assert_eq!((status, &refused["error"]), (400, &"invalid_grant".into()), "PKCE is required: {refused}");
    let (status, tokens) = token(world, &[&grant[..], &[("code_verifier", VERIFIER)]].concat());
    assert_eq!(status, 200, "{tokens}");
    (method, tokens)
}

fn call(world: &World, token: &Value) -> (u16, Value) {
    let url = format!("{}api/me?a=b", world.app_url());
    let header = format!("Bearer {}", token.as_str().unwrap());
    let mut response = world.http().get(&url).header("authorization", &header).call().unwrap();
    let status = response.status().as_u16();
    let text = response.body_mut().read_to_string().unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

#[test]
fn form_post_sign_in_call_refresh_rotation_and_expiry() {
    let Some(world) = World::start_or_skip(&Options::default()) else { return };
    let modes = &discovery(&world)["response_modes_supported"];
    assert_eq!(modes, &serde_json::json!(["form_post", "query"]));

    // No token, no app.
    let bare = world.http().get(world.app_url()).call().unwrap();
    assert_eq!(bare.status(), 401);
    assert!(bare.headers()["www-authenticate"].to_str().unwrap().starts_with("Bearer"));

    let (method, tokens) = sign_in(&world, Some("form_post"), "localhost");
    assert_eq!(method, "POST");
    assert_eq!(tokens["scope"], world.scope(), "the scope is taken as it stands");
    let (status, echo) = call(&world, &tokens["access_token"]);
    assert_eq!(status, 200, "{echo}");
    assert_eq!((&echo["user"], &echo["method"], &echo["path"]), (&USER.into(), &"GET".into(), &"/api/me?a=b".into()));

    // The authority's absence changes nothing for a token that is valid.
    world.stop_authority();
    assert!(world.http().get(world.issuer()).call().is_err());
    assert_eq!(call(&world, &tokens["access_token"]).0, 200);
    world.start_authority();

    // Rotation: each refresh token works once, and a second use ends the family.
    world.set_access_token_lifetime(1);
    let refresh = |token: &Value| {
        self::token(&world, &[("grant_type", "refresh_token"), ("refresh_token", token.as_str().unwrap())])
    };
    let (status, second) = refresh(&tokens["refresh_token"]);
    assert_eq!(status, 200, "{second}");
    assert_ne!(second["refresh_token"], tokens["refresh_token"]);
    assert_eq!(second["expires_in"], 1);
    let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    while SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() < started + 2 {
        thread::sleep(Duration::from_millis(50));
    }
    let (status, text) = call(&world, &second["access_token"]);
    assert_eq!(status, 401, "an expired token: {text}");

    // Audience: a token for another app is refused.
    world.set_access_token_lifetime(3600);
    world.set_audience(world.app_url().trim_end_matches('/'));
    let (_, third) = refresh(&second["refresh_token"]);
    let (status, text) = call(&world, &third["access_token"]);
    assert_eq!(status, 401, "an audience without its slash: {text}");
    world.set_audience(world.app_url());
    let (status, fourth) = refresh(&third["refresh_token"]);
    assert_eq!((status, call(&world, &fourth["access_token"]).0), (200, 200));
    assert_eq!(world.granted("refresh_token"), 3);

    let (status, again) = refresh(&third["refresh_token"]);
    assert_eq!((status, &again["error"]), (400, &"invalid_grant".into()));
    let (status, ended) = refresh(&fourth["refresh_token"]);
    assert_eq!((status, &ended["error"]), (400, &"invalid_grant".into()));
    assert!(world.issued_tokens().contains(&fourth["access_token"].as_str().unwrap().to_owned()));
}

#[test]
fn query_sign_in_revocation_and_redirects() {
    let Some(world) = World::start_or_skip(&Options { form_post: false, ..Options::default() }) else { return };
    assert_eq!(discovery(&world)["response_modes_supported"], serde_json::json!(["query"]));
    let (method, tokens) = sign_in(&world, None, "127.0.0.1");
    assert_eq!(method, "GET");
    assert_eq!(call(&world, &tokens["access_token"]).0, 200);

    world.revoke_refresh_tokens();
    let (status, answer) =
        token(&world, &[("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())]);
    assert_eq!((status, &answer["error"]), (400, &"invalid_grant".into()));

    let to = form_urlencoded::byte_serialize(world.elsewhere_url().as_bytes()).collect::<String>();
    let header = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    let url = format!("{}redirect?to={to}", world.app_url());
    let response = world.http().get(&url).header("authorization", &header).call().unwrap();
    assert_eq!(response.status(), 302);
    assert_eq!(response.headers()["location"], world.elsewhere_url());
    assert!(world.seen_elsewhere().is_empty());
    world.http().get(world.elsewhere_url()).header("authorization", &header).call().unwrap();
    assert_eq!(world.seen_elsewhere()[0]["authorization"], true, "a stray token would be noticed");
}

#[test]
fn the_user_declines_or_cancels() {
    let Some(world) = World::start_or_skip(&Options::default()) else { return };
    for user in [User::Declines, User::Cancels] {
        world.set_user(&user);
        let (method, pairs, _) = authorize(&world, Some("form_post"), "localhost");
        assert_eq!((method.as_str(), value(&pairs, "error")), ("POST", Some("access_denied")));
        assert_eq!(value(&pairs, "code"), None);
    }
}

#[test]
fn device_code() {
    let Some(world) = World::start_or_skip(&Options::default()) else { return };
    let endpoint = discovery(&world)["device_authorization_endpoint"].as_str().unwrap().to_owned();
    let scope = format!("openid offline_access {}", world.plain_scope());
    let (status, device) = post(&world, &endpoint, &[("client_id", CLIENT_ID), ("scope", &scope)]);
    assert_eq!(status, 200, "{device}");
    let code = device["device_code"].as_str().unwrap();
    let poll =
        || token(&world, &[("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", code)]);
    assert_eq!(poll().1["error"], "authorization_pending");

    world.set_user(&User::EntersCode(device["user_code"].as_str().unwrap().to_owned()));
    let child = world.browse(device["verification_uri"].as_str().unwrap());
    assert!(entrada_interop::finish(child, Duration::from_secs(60)).status.success());
    assert!(world.final_page().contains("Signed in"));
    let (status, tokens) = poll();
    assert_eq!(status, 200, "{tokens}");
    assert!(tokens["scope"].as_str().unwrap().split(' ').any(|scope| scope == world.plain_scope()), "{tokens}");
    assert_eq!(call(&world, &tokens["access_token"]).0, 200);
    assert!(tokens["refresh_token"].is_string());
}

#[test]
fn a_strict_authority_gives_a_refresh_token_only_with_consent() {
    let options = Options { strict_offline_access: true, ..Options::default() };
    let Some(world) = World::start_or_skip(&options) else { return };
    let (_, tokens) = sign_in(&world, Some("form_post"), "localhost");
    assert_eq!(tokens.get("refresh_token"), None, "OpenID Connect Core 11 without prompt=consent");
    assert_eq!(call(&world, &tokens["access_token"]).0, 200);
}
