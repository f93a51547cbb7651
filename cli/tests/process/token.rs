//! `entrada token`: the token and nothing else, in all its shapes.

use entrada_authority::{Stage, decode_claims};
use serde_json::{Value, json};

use crate::support::*;

#[test]
fn the_token_is_all_that_is_printed() {
    let world = World::signed_in();
    let token = world.last_token();
    let done = world.done(&["token"]).expect_code(0);
    assert_eq!((done.text(), done.stderr.as_str()), (format!("{token}\n"), ""));
    let done = world.done(&["token", "-vv"]).expect_code(0).says("from the cache");
    assert_eq!(done.text(), format!("{token}\n"));
}

#[test]
fn every_shape_carries_it() {
    let world = World::signed_in();
    let token = world.last_token();
    let shown = |output: &str| world.done(&["token", "--output", output]).expect_code(0);
    assert_eq!(shown("token").text(), format!("{token}\n"));
    assert_eq!(shown("header").text(), format!("Authorization: Bearer {token}\n"));
    assert_eq!(shown("curl").text(), format!("oauth2-bearer = \"{token}\"\n"));
    assert_eq!(shown("env").text(), format!("export ENTRADA_TOKEN={token}\n"));

    let json = shown("json").json();
    let expires = decode_claims(&token).unwrap()["exp"].as_u64().unwrap();
    assert_eq!(json["access_token"], token);
    assert_eq!(json["token_type"], "Bearer");
    assert!(json["expires_on"].as_u64().unwrap().abs_diff(expires) <= 2, "{json} {expires}");
    assert_eq!((&json["account"], &json["source"]), (&json!("ada@contoso.example"), &json!("cache")));
    assert_eq!(json["scopes"], json!([world.stage.scope()]));

    let credential = shown("exec-credential").json();
    assert_eq!(credential["apiVersion"], "client.authentication.k8s.io/v1");
    assert_eq!((&credential["kind"], &credential["status"]["token"]), (&json!("ExecCredential"), &json!(token)));
    let time = credential["status"]["expirationTimestamp"].as_str().unwrap();
    assert!(time.len() == 20 && time.ends_with('Z') && time.starts_with("20"), "{time}");
    world.done(&["token", "--output", "xml"]).expect_code(2).says("exec-credential");
}

#[test]
fn kubectl_gets_the_version_that_it_asks_for() {
    let world = World::signed_in();
    let asked =
        |info: &str| world.run(&["token", "--output", "exec-credential"]).var("KUBERNETES_EXEC_INFO", info).done();
    for version in ["v1", "v1beta1"] {
        let info = json!({
            "apiVersion": format!("client.authentication.k8s.io/{version}"),
            "kind": "ExecCredential",
            "spec": {"interactive": false},
        });
        assert_eq!(asked(&info.to_string()).expect_code(0).json()["apiVersion"], info["apiVersion"]);
    }
    assert_eq!(asked("").expect_code(0).json()["apiVersion"], "client.authentication.k8s.io/v1");
    for info in ["{", "{}", "{\"apiVersion\":\"client.authentication.k8s.io/v1alpha1\"}"] {
        asked(info).fails(15, "KUBERNETES_EXEC_INFO", "v1beta1");
    }
    let other = world.run(&["token", "--output", "header"]).var("KUBERNETES_EXEC_INFO", "{");
    other.done().expect_code(0);
}

#[test]
fn a_shell_and_curl_take_it() {
    let world = World::signed_in();
    let token = world.last_token();
    let script = |text: String| {
        world.run(&[]).within("sh", |own| vec!["-c".into(), text.replace("entrada", own[0].to_str().unwrap()).into()])
    };
    let eval = script("eval \"$(entrada token --output env)\" && printf %s \"$ENTRADA_TOKEN\"".to_owned()).done();
    assert_eq!(eval.expect_code(0).text(), token);
    if !absent("curl") {
        let url = world.url("api/me");
        let curl = script(format!("entrada token --output curl | curl -sS -K - {url}")).done().expect_code(0);
        assert_eq!(curl.json()["name"], "Ada Lovelace");
    }
}

#[test]
fn it_can_be_read() {
    let world = World::signed_in();
    let claims = world.done(&["token", "--decode"]).expect_code(0).json();
    assert_eq!(claims, decode_claims(&world.last_token()).unwrap());
    let signature = world.last_token().rsplit('.').next().unwrap().to_owned();
    assert!(!world.done(&["token", "--decode"]).text().contains(&signature));

    let mut cached = world.home.cached();
    for token in cached["AccessToken"].as_object_mut().unwrap().values_mut() {
        token["secret"] = "opaque-and-secret".into();
    }
    std::fs::write(world.home.cache(), cached.to_string()).unwrap();
    let done = world.done(&["token", "--decode"]).expect_code(1).says("opaque");
    assert!(!done.stderr.contains("opaque-and-secret") && done.stdout.is_empty(), "{}", done.stderr);
}

#[test]
fn a_lifetime_or_a_refresh_can_be_insisted_on() {
    let world = World::signed_in();
    let first = world.last_token();
    assert_eq!(world.done(&["token", "--min-ttl", "4000"]).text().trim(), first);
    assert_eq!(world.refreshes(), 0);
    world.home.tokens_end_in(1000);
    assert_eq!(world.done(&["token", "--min-ttl", "900"]).text().trim(), first);
    let second = world.done(&["token", "--min-ttl", "1100"]).expect_code(0).text();
    assert_eq!((world.refreshes(), second.trim()), (1, world.last_token().as_str()));
    let third = world.done(&["token", "--refresh"]).expect_code(0).text();
    assert_eq!((world.refreshes(), third.trim()), (2, world.last_token().as_str()));
    assert_ne!(second, third);
    assert_eq!(world.done(&["token"]).text(), third, "and it is the one that is kept");
    assert_eq!(world.done(&["token", "--output", "json"]).json()["source"], "cache");
    assert_eq!(world.done(&["token", "--refresh", "--output", "json"]).json()["source"], "refresh");
}

#[test]
fn an_expired_token_is_refreshed_silently() {
    let world = World::signed_in();
    for left in [-10, 299] {
        world.home.tokens_end_in(left);
        let before = world.refreshes();
        assert_eq!(world.done(&["token"]).expect_code(0).text().trim(), world.last_token());
        assert_eq!(world.refreshes(), before + 1);
    }
    let first = &world.stage.requests()[0];
    assert_eq!(first.parameter("scope").map(|scope| scope.contains(&world.stage.scope())), Some(true));
    assert!(first.header("client-request-id").or(first.parameter("client-request-id")).is_some());
    assert!(first.header("x-client-sku").or(first.parameter("x-client-SKU")) == Some("entrada"));
}

#[test]
fn a_cached_token_needs_no_network() {
    let World { stage, home } = World::signed_in();
    let token = stage.issued().pop().unwrap().access_token;
    drop(stage);
    assert_eq!(home.run(&["token"]).done().expect_code(0).text().trim(), token);
    home.run(&["accounts"]).done().expect_code(0);
    if !absent("strace") {
        let traced = |args: &[&str]| {
            let log = home.path().join("strace.log");
            let words = ["-f", "-e", "trace=network", "-o", log.to_str().unwrap()].map(Into::into);
            let run = home.run(args).within("strace", |own| words.into_iter().chain(own.iter().cloned()).collect());
            let code = run.done().code();
            let calls = std::fs::read_to_string(&log).unwrap();
            (code, calls.lines().filter(|line| line.contains('(')).count())
        };
        assert_eq!(traced(&["token"]), (0, 0));
        let (code, calls) = traced(&["token", "--refresh"]);
        assert!(code == 7 && calls > 0, "a refresh does need it: {code} {calls}");
    }
    home.tokens_end_in(-1);
    home.run(&["token"]).done().expect_code(7);
}

#[test]
fn nobody_signed_in_is_told_with_the_command_to_run() {
    let world = World::new();
    let scope = world.stage.scope();
    let done = world.done(&["token", "--scope", &scope, "--client-id", world.stage.client_id()]);
    let done = done.fails(10, "nobody is signed in here yet", "run: entrada login --client-id");
    let help = done.stderr.lines().find(|line| line.contains("run: ")).unwrap();
    assert!(
        help.ends_with(&format!("entrada login --client-id {} --scope {scope}", world.stage.client_id())),
        "{help}"
    );
    let url = world.url("api/me");
    world.done(&["get", &url]).fails(10, "nobody is signed in", &format!("run: entrada login {url}"));
    assert_eq!(world.stage.requests().len(), 0, "and nobody was asked");
}

#[test]
fn a_longer_lived_token_is_renewed_when_it_is_due() {
    let world = World::with(Stage::builder().refresh_in(std::time::Duration::from_secs(0)));
    world.sign_in();
    let entry: Value = world.home.cached()["AccessToken"].as_object().unwrap().values().next().unwrap().clone();
    assert!(entry["refresh_on"].is_string(), "{entry}");
    world.done(&["token"]).expect_code(0);
    assert_eq!(world.refreshes(), 1);
}

#[test]
fn a_renewal_that_does_not_end_leaves_no_lockfile() {
    let world = World::with(Stage::builder().refresh_in(std::time::Duration::from_secs(0)));
    world.sign_in();
    let slow = entrada_authority::Fault::Slow(std::time::Duration::from_secs(30));
    world.stage.faults().push(entrada_authority::Endpoint::Token, slow);
    let since = std::time::Instant::now();
    let done = world.done(&["token"]).expect_code(0);
    assert!(since.elapsed() < std::time::Duration::from_secs(10), "the answer is out, and nobody waits for more");
    assert!(!done.text().is_empty());
    let beside = || {
        let folder = std::fs::read_dir(world.home.cache().parent().unwrap()).unwrap().flatten();
        folder.map(|entry| entry.file_name()).collect::<Vec<_>>()
    };
    assert_eq!(beside(), ["tokens.json"]);

    // Nor where the call itself fails meanwhile.
    let slow = entrada_authority::Fault::Slow(std::time::Duration::from_secs(30));
    world.stage.faults().push(entrada_authority::Endpoint::Token, slow);
    world.get("slow/20000", &["--timeout", "1"]).expect_code(7);
    assert_eq!(beside(), ["tokens.json"]);
}
