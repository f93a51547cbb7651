//! Where the answer goes: standard output, a file, or nowhere.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;

use crate::support::*;

#[test]
fn standard_output_is_the_body_alone() {
    let world = World::signed_in();
    let done = world.get("bytes/300000", &[]).expect_code(0);
    assert_eq!(done.stdout, vec![b'x'; 300_000]);
    assert_eq!(done.stderr, "", "and nothing is said");
    let me = world.get("api/me", &["-v"]).expect_code(0).says("token: from the cache");
    assert_eq!(me.json()["upn"], "ada@contoso.example");
}

#[test]
fn the_head_is_printed_on_request() {
    let world = World::signed_in();
    let text = world.get("api/me", &["-i"]).expect_code(0).text();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.contains("content-type: application/json"), "{head}");
    assert!(body.starts_with('{'));
}

#[test]
fn a_file_is_whole_or_not_at_all() {
    let world = World::signed_in();
    let file = world.home.file("out", "old");
    let name = file.display().to_string();
    let done = world.get("bytes/100000", &["-o", &name]).expect_code(0);
    assert!(done.stdout.is_empty());
    assert_eq!(fs::read(&file).unwrap(), vec![b'x'; 100_000]);

    // Cut in the middle: the old content stays, and no half of the new one is left lying about.
    let before = listing(&world);
    let app = Plain::answering(|_, _| b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_vec());
    world.run(&["get", &app.url("/"), "-o", &name]).done().expect_code(7).says("ended before it was whole");
    assert_eq!(fs::read(&file).unwrap(), vec![b'x'; 100_000]);
    assert_eq!(listing(&world), before);
    let printed = world.run(&["get", &app.url("/")]).done().expect_code(7);
    assert_eq!(printed.text(), "half", "standard output had it already");

    // A status that is no success leaves the file alone, too.
    world.get("status/404", &["-o", &name]).expect_code(4);
    assert_eq!(fs::read(&file).unwrap(), vec![b'x'; 100_000]);
    world.get("status/404", &["-o", &name, "--fail-with-body"]).expect_code(4);
    assert_eq!(fs::read_to_string(&file).unwrap(), "{\"status\":404}");
}

#[test]
fn a_relative_name_is_in_the_current_folder_and_has_the_usual_mode() {
    let world = World::signed_in();
    world.get("bytes/3", &["-o", "new"]).expect_code(0);
    let file = world.home.path().join("new");
    assert_eq!(fs::read(&file).unwrap(), b"xxx");
    let other = File::create(world.home.path().join("other")).unwrap();
    let mode = |file: &File| file.metadata().unwrap().permissions().mode();
    assert_eq!(mode(&File::open(&file).unwrap()), mode(&other), "as the umask has it");
}

#[test]
fn a_device_is_written_to_and_not_replaced() {
    let world = World::signed_in();
    world.get("bytes/100000", &["-o", "/dev/null"]).expect_code(0);
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
    world.get("bytes/100000", &["-o", "/dev/full"]).expect_code(1).says("/dev/full cannot be written");
    let out = world.get("bytes/5", &["-o", "/dev/stdout"]).expect_code(0);
    assert_eq!(out.text(), "xxxxx");
}

#[test]
fn a_file_that_cannot_be_made_is_told() {
    let world = World::signed_in();
    let folder = world.home.path().display().to_string();
    world.get("bytes/5", &["-o", "/nowhere/at/all"]).expect_code(1).says("/nowhere/at/all cannot be written");
    world.get("bytes/5", &["-o", &folder]).expect_code(1).says("cannot be written");
    assert!(world.home.path().is_dir());
}

#[test]
fn a_full_or_closed_output_is_a_failure_and_a_reader_that_left_is_none() {
    let world = World::signed_in();
    let url = world.url("bytes/5000000");
    for args in [vec!["get", &url], vec!["token"], vec!["accounts"], vec!["completions", "bash"]] {
        let (status, stderr) = world.run(&args).done_to(File::options().write(true).open("/dev/full").unwrap());
        assert_eq!(status.code(), Some(1), "{args:?}: {stderr}");
        assert!(stderr.contains("standard output cannot be written"), "{args:?}: {stderr}");
    }

    for args in [vec!["get", &url], vec!["completions", "bash"]] {
        let words = |own: &[std::path::PathBuf]| {
            let line: Vec<String> = own.iter().map(|word| format!("'{}'", word.display())).collect();
            ["-c".into(), format!("{} | head -c 3; exit ${{PIPESTATUS[0]}}", line.join(" ")).into()].to_vec()
        };
        let done = world.run(&args).within("bash", words).done();
        assert_eq!((done.code(), done.stdout.len(), done.stderr.as_str()), (0, 3, ""), "{args:?}");
    }
}

#[test]
fn standard_output_that_is_closed_is_survived() {
    let world = World::signed_in();
    let words = |own: &[std::path::PathBuf]| {
        let line: Vec<String> = own.iter().map(|word| format!("'{}'", word.display())).collect();
        ["-c".into(), format!("{} >&-", line.join(" ")).into()].to_vec()
    };
    let url = world.url("api/me");
    for args in [vec!["get", &url], vec!["token"]] {
        let done = world.run(&args).within("sh", words).done();
        assert!(matches!(done.code(), 0 | 1), "{args:?}: {}", done.stderr);
        assert!(!done.stderr.contains("panicked"), "{}", done.stderr);
    }
    // Neither the cache nor the lockfile was taken for standard output.
    assert!(world.home.cached()["AccessToken"].is_object());
}

fn listing(world: &World) -> Vec<String> {
    let entries = fs::read_dir(world.home.path()).unwrap().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn what_stands_in_its_place_keeps_its_mode_and_a_link_stays_a_link() {
    let world = World::signed_in();
    let file = world.home.file("private", "old");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let link = world.home.path().join("link");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    world.get("bytes/5", &["-o", &link.display().to_string()]).expect_code(0);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read(&file).unwrap(), b"xxxxx");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn what_is_said_may_be_lost_and_the_answer_is_not() {
    let world = World::signed_in();
    let url = world.url("api/me");
    for away in ["2>&-", "2>/dev/full", "<&-", "<&- 2>&-"] {
        world.home.tokens_end_in(200);
        world.stage.faults().push(entrada_authority::Endpoint::Token, entrada_authority::Fault::Status(503, None));
        let words = |own: &[std::path::PathBuf]| {
            let line: Vec<String> = own.iter().map(|word| format!("'{}'", word.display())).collect();
            ["-c".into(), format!("{} {away}", line.join(" ")).into()].to_vec()
        };
        let done = world.run(&["get", &url, "-vv"]).within("sh", words).done().expect_code(0);
        assert_eq!(done.json()["name"], "Ada Lovelace", "{away}");
        world.stage.faults().clear();
    }
}
