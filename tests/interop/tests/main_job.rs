//! The command's main job, among programs that others wrote: sign in, call, come back later, leave.
//!
//! `entrada` is found as [`entrada_interop::binary`] says. What it has to do stands in the command's own contract.
#![expect(clippy::unwrap_used, reason = "a proof ends where it fails")]

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    process::{Command, Output, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use entrada_interop::{Options, USER, User, World, binary, finish, skip};
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(60);

fn world(options: &Options) -> Option<World> {
    if binary().is_none() {
        skip(&"the command `entrada` is missing; run cargo build -p entrada-cli");
        return None;
    }
    World::start_or_skip(options)
}

fn run(mut command: Command) -> Output {
    finish(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap(), LIMIT)
}

/// Runs it, checks the exit code, and that nothing it wrote holds a token that the authority has issued.
fn entrada(world: &World, args: &[&str], code: i32) -> (String, String) {
    let output = run(world.command(args));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "entrada {args:?}\n--- stdout\n{out}\n--- stderr\n{err}");
    for token in world.issued_tokens() {
        assert!(!out.contains(&token) && !err.contains(&token), "entrada {args:?} shows a token");
    }
    (out, err)
}

fn login(world: &World) {
    entrada(world, &["login", world.app_url(), "--flow", "browser"], 0);
    assert!(!world.final_page().is_empty());
}

/// `entrada get`, which must succeed, and what the app says.
fn get(world: &World, path: &str) -> Value {
    let (out, _) = entrada(world, &["get", &format!("{}{path}", world.app_url()), "--no-input"], 0);
    let echo: Value = serde_json::from_str(&out).expect("standard output is the body alone");
    assert_eq!((&echo["app"], &echo["user"]), (&"published".into(), &USER.into()));
    echo
}

fn redirects(world: &World) -> Vec<Value> {
    world.authority_state()["authorizations"].as_array().unwrap().clone()
}

#[test]
fn sign_in_by_form_post_then_call_with_and_without_the_authority() {
    let Some(world) = world(&Options::default()) else { return };
    login(&world);
    let asked = &redirects(&world)[0];
    assert_eq!((&asked["response_type"], &asked["response_mode"]), (&"code".into(), &"form_post".into()));
    assert_eq!(asked["code_challenge_method"], "S256");
    assert!(asked["redirect_uri"].as_str().unwrap().starts_with("http://localhost:"), "{asked}");
    assert!(asked["scope"].as_str().unwrap().split(' ').any(|s| s == world.scope()), "the scope, verbatim: {asked}");
    assert_eq!(asked.get("resource"), None, "Entra refuses `resource`");
    assert!(asked["state"].as_str().unwrap().len() >= 16);

    assert_eq!(get(&world, "api/me?a=b%20c")["path"], "/api/me?a=b%20c");
    world.stop_authority();
    assert_eq!(get(&world, "api/again")["method"], "GET");
    world.start_authority();
    assert_eq!((world.granted("authorization_code"), world.granted("refresh_token")), (1, 0));

    let (out, _) = entrada(&world, &["post", &format!("{}notes", world.app_url()), "--json", r#"{"a":1}"#], 0);
    let echo: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&echo["method"], &echo["body"]), (&"POST".into(), &r#"{"a":1}"#.into()));
    assert_eq!(echo["headers"]["content-type"], "application/json");
    entrada(&world, &["get", &format!("{}status/404", world.app_url())], 4);
    entrada(&world, &["get", &format!("{}status/503", world.app_url())], 5);
}

#[test]
fn sign_in_by_query_where_the_authority_does_only_that() {
    let Some(world) = world(&Options { form_post: false, ..Options::default() }) else { return };
    login(&world);
    let asked = &redirects(&world)[0];
    assert!(matches!(asked["response_mode"].as_str(), None | Some("query")), "{asked}");
    get(&world, "api/me");
}

/// How long an access token lives where a test waits for its end, in seconds.
const SHORT: u32 = 3;

/// Waits until an access token that lives for [`SHORT`] and was issued before `since` has expired by any clock's rounding.
fn expire(since: Instant) {
    thread::sleep(Duration::from_secs(u64::from(SHORT) + 1).saturating_sub(since.elapsed()));
}

#[test]
fn an_expired_token_is_refreshed_exactly_once() {
    let Some(world) = world(&Options { access_token_lifetime: SHORT, ..Options::default() }) else { return };
    let granted = || (world.granted("authorization_code"), world.granted("refresh_token"));
    login(&world);
    expire(Instant::now());
    get(&world, "api/me");
    assert_eq!(granted(), (1, 1));

    // The rotated refresh token has been kept: it is good for another access token, which then serves many calls.
    expire(Instant::now());
    world.set_access_token_lifetime(3600);
    get(&world, "api/me");
    get(&world, "api/me");
    assert_eq!(granted(), (1, 2));
    let refused = world.authority_state()["tokenRequests"].as_array().unwrap().iter().any(|r| r["status"] != 200);
    assert!(!refused, "no token request was in vain");
}

#[test]
fn a_revoked_refresh_token_asks_for_a_sign_in() {
    let Some(world) = world(&Options { access_token_lifetime: SHORT, ..Options::default() }) else { return };
    login(&world);
    let since = Instant::now();
    world.revoke_refresh_tokens();
    expire(since);
    let (out, err) = entrada(&world, &["get", world.app_url(), "--no-input"], 10);
    assert_eq!(out, "");
    assert!(err.contains("entrada login"), "it names the command to run:\n{err}");
    let (_, err) = entrada(&world, &["get", world.app_url(), "--no-input", "--json-errors"], 10);
    let error: Value = serde_json::from_str(err.lines().last().unwrap()).expect("one line of JSON");
    assert_eq!(error["error"]["code"], 10);
    assert!(world.seen_by_app().is_empty(), "nothing was sent to the app");

    // And the sign-in helps.
    world.set_access_token_lifetime(3600);
    login(&world);
    get(&world, "api/me");
}

#[test]
fn sign_in_by_device_code_then_accounts_and_logout() {
    let Some(world) = world(&Options::default()) else { return };
    let mut command = world.command(["login", world.app_url(), "--flow", "device"]);
    let mut child = command.env("BROWSER", "true").stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let (said, hear) = mpsc::channel();
    let stderr = child.stderr.take().unwrap();
    thread::spawn(move || {
        BufReader::new(stderr).lines().map_while(Result::ok).for_each(|line| drop(said.send(line)));
    });
    let page = format!("{}/device", world.issuer());
    let (mut text, deadline) = (String::new(), Instant::now() + LIMIT);
    let code = loop {
        if let Some(code) = text.contains(&page).then(|| user_code(&text)).flatten() {
            break code;
        }
        match hear.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => text += &format!("{line}\n"),
            Err(_) => {
                let _ = child.kill();
                panic!("no code and page:\n{text}");
            }
        }
    };
    world.set_user(&User::EntersCode(code));
    let driver = world.browse(&page);
    assert!(finish(driver, LIMIT).status.success());
    assert_eq!(finish(child, LIMIT).status.code(), Some(0), "{text}\n{:?}", hear.try_iter().collect::<Vec<_>>());
    get(&world, "api/me");

    let (out, _) = entrada(&world, &["accounts"], 0);
    assert!(out.contains(USER), "accounts names the user:\n{out}");
    let tokens = world.issued_tokens();
    let mut kept = String::new();
    fs::File::open(world.cache_path()).unwrap().read_to_string(&mut kept).unwrap();
    assert!(tokens.iter().any(|token| kept.contains(token)), "the cache is where it was asked to be");

    entrada(&world, &["logout"], 0);
    let kept = fs::read_to_string(world.cache_path()).unwrap_or_default();
    assert!(!tokens.iter().any(|token| kept.contains(token)), "logout leaves no token");
    let (out, _) = entrada(&world, &["accounts"], 0);
    assert!(!out.contains(USER), "nobody is signed in any more:\n{out}");
    entrada(&world, &["get", world.app_url(), "--no-input"], 10);
}

/// The first `ABCD-EFGH` that is a word of its own.
fn user_code(text: &str) -> Option<String> {
    let half = |s: &str| s.len() == 4 && s.bytes().all(|b| b.is_ascii_uppercase());
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    words.find(|w| w.split_once('-').is_some_and(|(a, b)| half(a) && half(b))).map(str::to_owned)
}

#[test]
fn no_token_goes_to_another_origin() {
    let Some(world) = world(&Options::default()) else { return };
    login(&world);
    let away = format!("{}redirect?to={}stolen", world.app_url(), world.elsewhere_url());
    entrada(&world, &["get", &away], 3);
    assert!(world.seen_elsewhere().is_empty(), "redirects are not followed without -L");

    let (out, _) = entrada(&world, &["get", "-L", &away], 0);
    let echo: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&echo["app"], &echo["authorization"]), (&"elsewhere".into(), &false.into()));
    let home = format!("{}redirect?to={}api/me", world.app_url(), world.app_url());
    let (out, _) = entrada(&world, &["get", "-L", &home], 0);
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["user"], USER, "the same origin gets it again");

    let tokens = world.issued_tokens();
    for request in world.seen_elsewhere() {
        let text = request.to_string();
        assert!(request["authorization"] == false && !tokens.iter().any(|token| text.contains(token)), "{text}");
    }
}

#[test]
fn the_user_declines() {
    let Some(world) = world(&Options::default()) else { return };
    world.set_user(&User::Declines);
    let (out, _) = entrada(&world, &["login", world.app_url(), "--flow", "browser"], 11);
    assert_eq!(out, "");
    assert!(!world.final_page().is_empty(), "the user sees a page that says so");
    entrada(&world, &["get", world.app_url(), "--no-input"], 10);
}
