//! Each of the programs that were built signs in, prints the page, and finds its token again.
//!
//! A window and a Redis server are tried elsewhere: with the browser and the cache themselves, and in `tests/interop`.
#![cfg(any(
    feature = "waiting",
    feature = "terminal",
    feature = "with_a_keyring",
    feature = "on_smol",
    feature = "on_tokio",
    feature = "on_async_std"
))]
#![expect(clippy::unwrap_used, reason = "a proof ends where it fails")]

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use entrada_authority::{Endpoint, Stage};

/// The programs; which of them there are is up to the features.
const PROGRAMS: &[&str] = &[
    #[cfg(feature = "waiting")]
    env!("CARGO_BIN_EXE_waiting"),
    #[cfg(feature = "terminal")]
    env!("CARGO_BIN_EXE_terminal"),
    #[cfg(feature = "with_a_keyring")]
    env!("CARGO_BIN_EXE_with_a_keyring"),
    #[cfg(feature = "on_smol")]
    env!("CARGO_BIN_EXE_on_smol"),
    #[cfg(feature = "on_tokio")]
    env!("CARGO_BIN_EXE_on_tokio"),
    #[cfg(feature = "on_async_std")]
    env!("CARGO_BIN_EXE_on_async_std"),
];

#[test]
fn each_signs_in_once_and_prints_the_page() {
    for program in PROGRAMS {
        let stage = Stage::start().unwrap();
        let home = tempfile::tempdir().unwrap();
        #[cfg(feature = "with_a_keyring")]
        let Some(session) = entrada_conformance::session::Session::start() else { return };
        for _ in 0..2 {
            let mut command = Command::new(program);
            command.env_clear().env("HOME", home.path());
            #[cfg(feature = "with_a_keyring")]
            command.envs(session.variables());
            let page = run(command, &stage);
            assert!(page.contains(&stage.ada().display_name), "{program}: {page}");
        }
        let sign_ins =
            stage.count(Endpoint::Token, "authorization_code") + stage.requests_at(Endpoint::DeviceCode).len();
        assert_eq!(sign_ins, 1, "{program}");
    }
}

/// What it prints, with a user who does as they are told.
fn run(mut command: Command, stage: &Stage) -> String {
    let mut child = command
        .args([format!("{}api/me", stage.external_url()), stage.scope()])
        .args([stage.client_id(), &stage.authority_url()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    for line in BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok) {
        if line.starts_with("http") {
            stage.visitor().visit(&line).unwrap();
        } else if let Some((_, code)) = line.split_once("enter the code ") {
            stage.visitor().enter_user_code(code.split(' ').next().unwrap()).unwrap();
        }
        said += &line;
        said.push('\n');
    }
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{command:?}: {}\n{said}", output.status);
    String::from_utf8(output.stdout).unwrap()
}
