//! `by_hand`: a blocking socket.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use entrada_authority::{Endpoint, Revocation, Stage};

use crate::session::{Said, claims_came, run, stage, the_next_cache_is_new};

fn by_hand(stage: &Stage, cache: &Path) -> Said {
    let mut program = Command::new(env!("CARGO_BIN_EXE_by_hand"));
    program.args([&stage.authority_url(), stage.client_id(), &stage.scope()]).arg(cache);
    run(stage, &mut program)
}

#[test]
fn it_signs_in_finds_refreshes_and_signs_in_again() {
    let stage = stage();
    let dir = tempfile::tempdir().unwrap();
    let cache = dir.path().join("cache.json");

    let first = by_hand(&stage, &cache);
    assert_eq!((first.code, first.complaints.as_str()), (Some(0), ""));
    assert_eq!(first.lines[0], "a sign-in is needed: nobody is signed in here yet");
    assert!(first.lines[1].starts_with("enter "));
    assert!(
        first.lines[2].starts_with("a token of ada@contoso.example's from SignIn, good until 1"),
        "{:?}",
        first.lines
    );
    assert_eq!(fs::metadata(&cache).unwrap().permissions().mode() & 0o777, 0o600);

    stage.forget_requests();
    let second = by_hand(&stage, &cache);
    assert!(second.lines[0].starts_with("a token of ada@contoso.example's from Cache"), "{:?}", second.lines);
    assert_eq!(stage.requests().len(), 0);

    make_old(&cache);
    let third = by_hand(&stage, &cache);
    assert!(third.lines[0].starts_with("a token of ada@contoso.example's from Refresh"), "{:?}", third.lines);
    assert_eq!(stage.count(Endpoint::Token, "refresh_token"), 1);

    make_old(&cache);
    stage.revoke_refresh_tokens("ada@contoso.example", Revocation::PasswordChanged);
    let last = by_hand(&stage, &cache);
    assert!(last.lines[0].starts_with("a sign-in is needed: "), "{:?}", last.lines);
    assert!(last.lines.last().unwrap().starts_with("a token of ada@contoso.example's from SignIn"), "{:?}", last.lines);
}

#[test]
fn the_claims_that_the_authority_demands_go_into_the_sign_in() {
    let stage = stage();
    let dir = tempfile::tempdir().unwrap();
    let cache = dir.path().join("cache.json");
    assert_eq!(by_hand(&stage, &cache).code, Some(0));
    make_old(&cache);
    stage.require_mfa("ada@contoso.example", true);
    let said = by_hand(&stage, &cache);
    assert!(said.lines[0].contains("AADSTS50076"), "{:?}", said.lines);
    assert!(said.lines.last().unwrap().starts_with("a token of ada@contoso.example's from SignIn"), "{:?}", said.lines);
    claims_came(&stage, said.lines[1].strip_prefix("claims: ").unwrap());
}

/// The program has the system's clock: so the token is made to look old to it.
fn make_old(cache: &Path) {
    let text = fs::read_to_string(cache).unwrap();
    let old: Vec<&str> = text.split('"').map(|word| if is_time(word) { "1700000000" } else { word }).collect();
    fs::write(cache, old.join("\"")).unwrap();
}

/// Whether it is a moment of these years, in seconds.
fn is_time(word: &str) -> bool {
    word.len() == 10 && word.starts_with('1') && word.bytes().all(|byte| byte.is_ascii_digit())
}

#[test]
fn what_lies_where_the_next_cache_grows_is_not_written_to() {
    let (stage, dir) = (stage(), tempfile::tempdir().unwrap());
    let cache = dir.path().join("cache.json");
    the_next_cache_is_new(&cache, &dir.path().join("cache.next"), || by_hand(&stage, &cache));
}

#[test]
fn an_authority_that_is_away_is_a_clear_error() {
    let stage = stage();
    let dir = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut program = Command::new(env!("CARGO_BIN_EXE_by_hand"));
    program.args([&format!("http://127.0.0.1:{port}/contoso"), stage.client_id(), "some.scope"]);
    let said = run(&stage, program.arg(dir.path().join("cache.json")));
    assert_eq!(
        (said.code, said.complaints.as_str()),
        (Some(1), "the authority cannot be asked: it cannot be reached\n")
    );
}
