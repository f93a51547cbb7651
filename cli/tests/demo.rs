//! `entrada demo` as a process. It runs by itself, as it is also about time.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that unwraps nothing says so by failing")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn entrada(home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_entrada"));
    command.args(args).env_clear().env("HOME", home).env("TMPDIR", home).current_dir(home);
    command
}

#[test]
fn the_demo_shows_the_main_job_in_two_seconds_and_leaves_nothing() {
    let home = tempfile::tempdir().unwrap();
    let since = Instant::now();
    let output = entrada(home.path(), &["demo"]).stdin(Stdio::null()).output().unwrap();
    let took = since.elapsed();
    let text = String::from_utf8(output.stdout).unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), said.as_str()), (Some(0), ""), "{text}");
    assert!(took < Duration::from_secs(2), "{took:?}");
    for step in ["discover", "sign-in", "cached", "refreshed", "refused", "claims"] {
        let line = text.lines().find(|line| line.starts_with(step)).unwrap_or_else(|| panic!("no {step} in: {text}"));
        assert!(line.contains(" ms "), "{line}");
    }
    assert!(text.contains("Ada Lovelace"));
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0, "neither a temporary folder nor a cache");
}

#[test]
fn it_is_not_moved_by_what_the_user_has_set() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join(".config/entrada/config.toml");
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    fs::write(&config, "client_id = \"mine\"\ntenant = \"mine.example\"\nno_input = true\n").unwrap();
    let mut command = entrada(home.path(), &["demo"]);
    command.env("ENTRADA_CLIENT_ID", "other").env("ENTRADA_ACCOUNT", "bob@contoso.example");
    command.env("ENTRADA_NO_INPUT", "1").env("ENTRADA_STORE", "memory").env("ALL_PROXY", "http://127.0.0.1:1");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn where_there_is_no_temporary_folder_it_says_so() {
    let home = tempfile::tempdir().unwrap();
    let output = entrada(home.path(), &["demo"]).env("TMPDIR", "/nowhere/at/all").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("error: ") && said.contains("temporary folder"), "{said}");
}

#[test]
fn it_stays_up_for_a_second_shell() {
    let home = tempfile::tempdir().unwrap();
    let mut serving = entrada(home.path(), &["demo", "serve"]).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(serving.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut command = None;
    let mut exports = Vec::new();
    for line in lines {
        if let Some((name, value)) = line.strip_prefix("export ").and_then(|pair| pair.split_once('=')) {
            exports.push((name.to_owned(), value.to_owned()));
        }
        if let Some(url) = line.strip_prefix("#   entrada get ") {
            command = Some(url.to_owned());
            break;
        }
    }
    let output = entrada(home.path(), &["get", &command.unwrap()]).envs(exports).output().unwrap();
    serving.kill().unwrap();
    serving.wait().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(10), "it is reached, and nobody has signed in: {said}");
    assert!(said.contains("entrada login"), "{said}");
}
