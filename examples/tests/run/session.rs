//! A program, an authority, and a user who enters the codes that the program shows.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use entrada_authority::{Endpoint, Stage};
use serde_json::Value;

/// What a program said, and how it ended.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) lines: Vec<String>,
    pub(crate) complaints: String,
}

/// An authority that wants to be asked every second.
pub(crate) fn stage() -> Stage {
    Stage::builder().device_interval(Duration::from_secs(1)).start().unwrap()
}

pub(crate) const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Runs it to its end. Where it shows a code, Ada enters it. No token may be among what it says.
pub(crate) fn run(stage: &Stage, command: &mut Command) -> Said {
    run_for_a_slow_user(stage, command, 0)
}

/// The same with an Ada who does not enter the code before it was asked for so often.
pub(crate) fn run_for_a_slow_user(stage: &Stage, command: &mut Command, polls: usize) -> Said {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        if let Some((code, _)) = line.strip_prefix("enter ").and_then(|line| line.split_once(" at http://")) {
            let since = Instant::now();
            while stage.count(Endpoint::Token, DEVICE_CODE) < polls {
                assert!(since.elapsed() < Duration::from_secs(60), "nobody asks whether the code was entered");
                thread::sleep(Duration::from_millis(5));
            }
            let visit = stage.visitor().enter_user_code(code).unwrap();
            assert_eq!(visit.titles.last().unwrap(), "You have signed in");
        }
        lines.push(line);
    }
    let mut complaints = String::new();
    child.stderr.take().unwrap().read_to_string(&mut complaints).unwrap();
    for issued in stage.issued() {
        let token = issued.access_token.as_str();
        assert!(!complaints.contains(token) && !lines.iter().any(|line| line.contains(token)), "it shows a token");
    }
    Said { code: child.wait().unwrap().code(), lines, complaints }
}

/// The sign-in that has just succeeded asked for these claims, and for no others.
pub(crate) fn claims_came(stage: &Stage, claims: &str) {
    let claims: Value = serde_json::from_str(claims).unwrap();
    assert!(claims["access_token"].is_object(), "{claims}");
    let requests = stage.requests_at(Endpoint::DeviceCode);
    let asked: Vec<Value> = requests
        .iter()
        .filter_map(|request| request.parameter("claims"))
        .map(|text| serde_json::from_str(text).unwrap())
        .collect();
    assert_eq!(asked, std::slice::from_ref(&claims));
    assert_eq!(stage.issued().last().unwrap().claims_requested, Some(claims));
}

/// Signs in with another's file linked, and with one that everybody may read, where the next cache grows: neither is
/// written to.
pub(crate) fn the_next_cache_is_new(cache: &Path, next: &Path, sign_in: impl Fn() -> Said) {
    let other = cache.with_file_name("other");
    fs::write(&other, "other's").unwrap();
    symlink(&other, next).unwrap();
    assert_eq!(sign_in().code, Some(0));
    assert_eq!(fs::read_to_string(other).unwrap(), "other's");
    assert_eq!(fs::symlink_metadata(cache).unwrap().permissions().mode(), 0o100_600);

    fs::remove_file(cache).unwrap();
    fs::write(next, "left over").unwrap();
    fs::set_permissions(next, Permissions::from_mode(0o644)).unwrap();
    assert_eq!(sign_in().code, Some(0));
    assert_eq!(fs::metadata(cache).unwrap().permissions().mode(), 0o100_600);
}
