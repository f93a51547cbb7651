//! `c`: the library from C, shared and static, and under valgrind.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{env, fs};

use entrada_authority::{Endpoint, Stage};
use tempfile::TempDir;

use crate::session::{Said, claims_came, run, stage, the_next_cache_is_new};

/// How the library is linked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Linked {
    Shared,
    Static,
}

/// Compiles a program in C with all warnings, each of them an error.
pub(crate) fn compile(dir: &TempDir, sources: &[&str], linked: Linked, libraries: &Path) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = dir.path().join("program");
    let mut cc = Command::new("cc");
    cc.args(["-std=c11", "-O1", "-g", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I"]).arg(root.join("c/include"));
    cc.args(sources.iter().map(|source| root.join(source))).arg("-o").arg(&program);
    match linked {
        Linked::Shared => {
            // The old kind of rpath: the new one comes after LD_LIBRARY_PATH, in which Cargo has another build's.
            let rpath = format!("-Wl,--disable-new-dtags,-rpath,{}", libraries.display());
            cc.arg("-L").arg(libraries).args(["-lentrada_c", &rpath]);
        }
        Linked::Static => {
            cc.arg(libraries.join("libentrada_c.a")).args(["-lgcc_s", "-lutil", "-lrt", "-lpthread", "-lm", "-ldl"]);
        }
    }
    let output = cc.output().expect("a C compiler");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    program
}

/// Where Cargo puts the libraries that a test depends on: beside the test.
pub(crate) fn beside() -> PathBuf {
    env::current_exe().unwrap().parent().unwrap().to_owned()
}

/// The program, watched by valgrind: 99 for a leak, or for an access that is not allowed.
fn watched(program: &Path) -> Option<Command> {
    if !Path::new("/usr/bin/valgrind").exists() {
        assert!(env::var_os("CI").is_none(), "valgrind is missing: tests/interop/prepare installs it");
        let _ = writeln!(io::stderr(), "SKIPPED: valgrind is missing");
        return None;
    }
    let mut valgrind = Command::new("/usr/bin/valgrind");
    valgrind.args(["--quiet", "--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=all"]);
    valgrind.args(["--show-leak-kinds=all", "--track-fds=no"]).arg(program);
    Some(valgrind)
}

fn signs_in(stage: &Stage, dir: &TempDir, mut program: Command) -> Said {
    run(stage, with_arguments(stage, dir, &mut program))
}

pub(crate) fn with_arguments<'c>(stage: &Stage, dir: &TempDir, program: &'c mut Command) -> &'c mut Command {
    program.args([&stage.authority_url(), stage.client_id(), &stage.scope()]);
    program.arg(dir.path().join("cache.json")).arg(stage.ahead().as_secs().to_string())
}

fn is_a_token(line: &str) -> bool {
    line.starts_with("a token of ") && line.ends_with(" characters for ada@contoso.example")
}

/// Signs in, finds the token, refreshes it, and signs in again where the authority wants that.
fn the_whole_way(dir: &TempDir, command: impl Fn() -> Command) {
    let stage = stage();
    let first = signs_in(&stage, dir, command());
    assert_eq!((first.code, first.complaints.as_str()), (Some(0), ""));
    assert_eq!(first.lines[0], "a sign-in is needed: nobody is signed in here yet");
    assert!(is_a_token(first.lines.last().unwrap()), "{:?}", first.lines);

    stage.forget_requests();
    let second = signs_in(&stage, dir, command());
    assert_eq!((second.code, second.complaints.as_str(), second.lines.len()), (Some(0), "", 1));
    assert!(is_a_token(&second.lines[0]) && stage.requests().is_empty());

    stage.advance(Duration::from_secs(24 * 3600));
    let third = signs_in(&stage, dir, command());
    assert_eq!((third.code, third.complaints.as_str(), third.lines.len()), (Some(0), "", 1));
    assert_eq!((stage.count(Endpoint::Token, "refresh_token"), stage.requests().len()), (1, 1));

    stage.advance(Duration::from_secs(24 * 3600));
    stage.require_mfa("ada@contoso.example", true);
    let last = signs_in(&stage, dir, command());
    assert_eq!((last.code, last.complaints.as_str()), (Some(0), ""));
    assert!(last.lines[0].contains("AADSTS50076") && last.lines[1].starts_with("claims: {"), "{:?}", last.lines);
    assert!(is_a_token(last.lines.last().unwrap()), "{:?}", last.lines);
    claims_came(&stage, last.lines[1].strip_prefix("claims: ").unwrap());
}

#[test]
fn a_program_in_c_gets_its_tokens() {
    let dir = tempfile::tempdir().unwrap();
    let program = compile(&dir, &["c/main.c"], Linked::Shared, &beside());
    the_whole_way(&dir, || Command::new(&program));
}

#[test]
fn it_leaks_nothing_and_stays_within_its_memory() {
    let dir = tempfile::tempdir().unwrap();
    let program = compile(&dir, &["c/main.c"], Linked::Static, &beside());
    if watched(&program).is_some() {
        the_whole_way(&dir, || watched(&program).unwrap());
    }
}

#[test]
fn an_unreadable_cache_is_set_aside() {
    let (stage, dir) = (stage(), tempfile::tempdir().unwrap());
    let program = compile(&dir, &["c/main.c"], Linked::Shared, &beside());
    fs::write(dir.path().join("cache.json"), "half a cach").unwrap();
    let said = signs_in(&stage, &dir, Command::new(program));
    assert_eq!(said.code, Some(0));
    assert!(said.complaints.starts_with("the token cache was unreadable; it was set aside"), "{}", said.complaints);
    assert_eq!(fs::read(dir.path().join("cache.json.corrupt")).unwrap(), b"half a cach");
}

#[test]
fn what_lies_where_the_next_cache_grows_is_not_written_to() {
    let (stage, dir) = (stage(), tempfile::tempdir().unwrap());
    let program = compile(&dir, &["c/main.c"], Linked::Shared, &beside());
    let (cache, next) = (dir.path().join("cache.json"), dir.path().join("cache.json.next"));
    the_next_cache_is_new(&cache, &next, || signs_in(&stage, &dir, Command::new(&program)));
}

#[test]
fn misuse_is_told_and_does_no_harm() {
    let (stage, dir) = (stage(), tempfile::tempdir().unwrap());
    let program = compile(&dir, &["tests/run/misuse.c"], Linked::Static, &beside());
    let said = run(&stage, &mut Command::new(&program));
    assert_eq!((said.code, said.complaints.as_str()), (Some(0), ""));
    if let Some(mut watched) = watched(&program) {
        let said = run(&stage, &mut watched);
        assert_eq!((said.code, said.complaints.as_str()), (Some(0), ""));
    }
}

/// The negative control of the two before.
#[test]
fn a_leak_is_found() {
    let (stage, dir) = (stage(), tempfile::tempdir().unwrap());
    let program = compile(&dir, &["tests/run/forgets.c"], Linked::Static, &beside());
    assert_eq!(run(&stage, &mut Command::new(&program)).code, Some(0));
    if let Some(mut watched) = watched(&program) {
        let said = run(&stage, &mut watched);
        assert_eq!(said.code, Some(99));
        assert!(said.complaints.contains("entrada_silent"), "{}", said.complaints);
    }
}
