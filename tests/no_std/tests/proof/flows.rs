//! What the program does, at an authority that is as strict as Entra.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{fs, os::unix::fs::PermissionsExt};

use entrada_authority::{Endpoint, Stage};
use serde_json::Value;
use tempfile::TempDir;

use crate::built::built;

const A_DAY: Duration = Duration::from_secs(24 * 3600);

/// A device of Ada's.
struct Device {
    stage: Stage,
    dir: TempDir,
}

/// How a run of its program ended, and what it said.
struct Said {
    code: Option<i32>,
    lines: String,
    complaints: String,
}

impl Device {
    fn new() -> Self {
        let stage = Stage::builder().device_interval(Duration::from_secs(1)).start().unwrap();
        Self { stage, dir: TempDir::new().unwrap() }
    }

    /// One on which Ada has signed in.
    fn signed_in() -> Self {
        let device = Self::new();
        assert_eq!(device.run("sign-in").code, Some(0));
        device.stage.forget_requests();
        device
    }

    fn cache(&self) -> PathBuf {
        self.dir.path().join("cache.json")
    }

    /// Runs the program; where it shows a code, Ada enters it.
    fn run(&self, what: &str) -> Said {
        self.run_at(what, &self.stage.authority_url())
    }

    /// A sign-in for these claims.
    fn sign_in_for(&self, claims: &str) -> Said {
        self.run_with("sign-in", &self.stage.authority_url(), &[claims])
    }

    fn run_at(&self, what: &str, authority: &str) -> Said {
        self.run_with(what, authority, &[])
    }

    fn run_with(&self, what: &str, authority: &str, claims: &[&str]) -> Said {
        let ahead = self.stage.ahead().as_secs().to_string();
        let mut child = Command::new(&built().bare)
            .args([what, authority, self.stage.client_id(), &self.stage.scope()])
            .args([self.cache().as_path(), Path::new(&ahead)])
            .args(claims)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = String::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            if let Some((code, _)) = line.strip_prefix("enter ").and_then(|line| line.split_once(" at http://")) {
                assert_eq!(
                    self.stage.visitor().enter_user_code(code).unwrap().titles.last().unwrap(),
                    "You have signed in"
                );
            }
            lines = lines + &line + "\n";
        }
        let mut complaints = String::new();
        child.stderr.take().unwrap().read_to_string(&mut complaints).unwrap();
        for issued in self.stage.issued() {
            assert!(!lines.contains(&issued.access_token) && !complaints.contains(&issued.access_token));
        }
        Said { code: child.wait().unwrap().code(), lines, complaints }
    }

    fn refreshes(&self) -> usize {
        self.stage.count(Endpoint::Token, "refresh_token")
    }
}

#[test]
fn a_user_code_then_the_cache_then_one_refresh() {
    let device = Device::new();
    let nobody = device.run("silent");
    assert_eq!((nobody.code, device.stage.requests().len()), (Some(10), 0));
    assert_eq!(nobody.lines, "a sign-in is needed: nobody is signed in here yet; claims: none\n");

    let signed_in = device.run("sign-in");
    assert!(signed_in.lines.ends_with("a token of ada@contoso.example's from SignIn\n"), "{}", signed_in.lines);
    assert_eq!(device.stage.count(Endpoint::DeviceCode, ""), 1);
    assert_eq!(fs::metadata(device.cache()).unwrap().permissions().mode() & 0o777, 0o600);

    device.stage.forget_requests();
    let cached = device.run("silent");
    assert_eq!(cached.lines, "a token of ada@contoso.example's from Cache\n");
    assert_eq!(device.stage.requests().len(), 0);

    device.stage.advance(A_DAY);
    assert_eq!(device.run("silent").lines, "a token of ada@contoso.example's from Refresh\n");
    assert_eq!(device.run("silent").lines, "a token of ada@contoso.example's from Cache\n");
    assert_eq!((device.refreshes(), device.stage.requests().len()), (1, 1));
}

#[test]
fn claims_are_told_and_taken_into_the_sign_in() {
    let device = Device::signed_in();
    device.stage.advance(A_DAY);
    device.stage.require_mfa("ada@contoso.example", true);
    let said = device.run("silent");
    assert_eq!((said.code, device.refreshes()), (Some(10), 1));
    assert!(said.lines.starts_with("a sign-in is needed: the authority wants"), "{}", said.lines);
    assert!(said.lines.contains("AADSTS50076"), "{}", said.lines);
    let (_, claims) = said.lines.split_once("; claims: ").unwrap();
    let demanded: Value = serde_json::from_str(claims).unwrap();
    assert!(demanded["access_token"].is_object(), "{claims}");

    let signed_in = device.sign_in_for(claims.trim_end());
    assert!(signed_in.lines.ends_with("a token of ada@contoso.example's from SignIn\n"), "{}", signed_in.lines);
    let asked = &device.stage.requests_at(Endpoint::DeviceCode)[0];
    assert_eq!(serde_json::from_str::<Value>(asked.parameter("claims").unwrap()).unwrap(), demanded);
    assert_eq!(device.stage.issued().last().unwrap().claims_requested, Some(demanded));
    assert_eq!(device.run("silent").lines, "a token of ada@contoso.example's from Cache\n");

    let wrong = device.sign_in_for("[]");
    assert!(wrong.code == Some(1) && wrong.complaints.contains("claims"), "{}", wrong.complaints);
}

#[test]
fn an_unreadable_cache_is_set_aside_by_the_sign_in() {
    let device = Device::new();
    fs::write(device.cache(), "half a cach").unwrap();
    assert_eq!(device.run("silent").code, Some(10));
    assert_eq!(fs::read_to_string(device.cache()).unwrap(), "half a cach");
    let aside = device.cache().with_extension("json.corrupt");
    assert!(device.run("sign-in").lines.contains(&format!("it was set aside, untouched, to {}", aside.display())));
    assert_eq!(fs::read_to_string(aside).unwrap(), "half a cach");
    assert_eq!(device.run("silent").lines, "a token of ada@contoso.example's from Cache\n");
}

#[test]
fn an_authority_that_is_away_is_a_clear_error() {
    let device = Device::new();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let said = device.run_at("sign-in", &format!("http://127.0.0.1:{port}/contoso.example"));
    let told = (said.code, said.lines.as_str(), said.complaints.as_str());
    assert_eq!(told, (Some(1), "", "the authority cannot be asked: it cannot be reached\n"));
}

#[test]
fn what_lies_where_the_next_cache_grows_is_not_written_to() {
    let device = Device::new();
    let next = device.cache().with_extension("json.next");
    let other = device.dir.path().join("other");
    fs::write(&other, "other's").unwrap();
    std::os::unix::fs::symlink(&other, &next).unwrap();
    assert_eq!(device.run("sign-in").code, Some(0));
    assert_eq!(fs::read_to_string(other).unwrap(), "other's");
    assert_eq!(fs::symlink_metadata(device.cache()).unwrap().permissions().mode(), 0o100_600);

    fs::remove_file(device.cache()).unwrap();
    fs::write(&next, "left over").unwrap();
    fs::set_permissions(&next, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(device.run("sign-in").code, Some(0));
    assert_eq!(fs::metadata(device.cache()).unwrap().permissions().mode() & 0o777, 0o600);
}

/// A descriptor that whoever starts it has closed would be the next file's, which then gets the program's lines.
#[test]
fn a_file_never_takes_the_place_of_a_closed_stream() {
    let device = Device::new();
    let mut child = Command::new("/bin/sh")
        .args(["-c", r#"exec "$0" "$@" <&- 2>&-"#])
        .args([built().bare.as_os_str(), "sign-in".as_ref(), device.stage.authority_url().as_ref()])
        .args([device.stage.client_id(), &device.stage.scope()])
        .args([device.cache().as_os_str(), "0".as_ref()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next().unwrap().unwrap();
    let streams = [0, 2].map(|stream| fs::read_link(format!("/proc/{}/fd/{stream}", child.id())));
    let (code, _) = line.strip_prefix("enter ").unwrap().split_once(" at http://").unwrap();
    device.stage.visitor().enter_user_code(code).unwrap();
    assert_eq!(lines.next().unwrap().unwrap(), "a token of ada@contoso.example's from SignIn");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(streams.map(|stream| stream.ok()), [0, 2].map(|_| Some(PathBuf::from("/dev/null"))));
}
