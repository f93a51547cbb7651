//! `c`, as it is built for others: a panic in the library ends at its boundary, and the program goes on.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, os::unix::process::ExitStatusExt};

use crate::c::{Linked, compile};

/// Builds the library with a profile, and with the function that panics; says where it is.
fn built(profile: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let output = Command::new(env::var_os("CARGO").unwrap())
        .args(["build", "--locked", "--package", "entrada-example-c", "--features", "bug", "--profile", profile])
        .arg("--target-dir")
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    target.join(profile)
}

#[test]
fn a_panic_is_a_bug_that_the_program_survives() {
    let (dir, libraries) = (tempfile::tempdir().unwrap(), built("release-unwind"));
    for linked in [Linked::Shared, Linked::Static] {
        let output = Command::new(compile(&dir, &["tests/run/panics.c"], linked, &libraries)).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{linked:?}: {:?} {told}", output.status);
        assert!(told.contains("on purpose"), "{linked:?}: {told}");
    }
}

/// The negative control: with `--release` the same program dies, and the library says beforehand that it would.
#[test]
fn without_unwinding_it_is_the_end_of_the_program() {
    let (dir, libraries) = (tempfile::tempdir().unwrap(), built("release"));
    let program = compile(&dir, &["tests/run/panics.c"], Linked::Shared, &libraries);
    let asked = Command::new(&program).arg("ask").output().unwrap();
    assert_eq!(asked.status.code(), Some(20), "{asked:?}");
    let output = Command::new(&program).output().unwrap();
    assert_eq!(output.status.signal(), Some(6), "{output:?}");
}
