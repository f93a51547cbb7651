//! The program, as Cargo builds it for a device: `panic = "abort"`, optimised, with all its symbols.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::{env, fs};

/// The program without std, and the same with it.
pub(crate) struct Built {
    pub(crate) bare: PathBuf,
    pub(crate) control: PathBuf,
    /// What the compiler says where std comes in from below, unasked.
    pub(crate) refusal: String,
}

/// Builds all three, once.
pub(crate) fn built() -> &'static Built {
    static BUILT: OnceLock<Built> = OnceLock::new();
    BUILT.get_or_init(|| {
        let refused = build("entrada-core/std");
        assert!(!refused.status.success(), "std came in unasked, and was taken");
        Built { control: program("std"), bare: program(""), refusal: text(&refused.stderr) }
    })
}

fn program(features: &str) -> PathBuf {
    let output = build(features);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let name = if features.is_empty() { "bare" } else { features };
    let copy = target().join(name).with_extension("program");
    fs::copy(target().join("bare/no_std"), &copy).unwrap();
    copy
}

fn build(features: &str) -> Output {
    let target = target();
    cargo(&["build", "--profile", "bare", "--features", features, "--target-dir", target.to_str().unwrap()])
}

/// Cargo, on this package.
pub(crate) fn cargo(arguments: &[&str]) -> Output {
    let (command, options) = arguments.split_first().unwrap();
    Command::new(env::var_os("CARGO").unwrap())
        .args([command, "--package", env!("CARGO_PKG_NAME"), "--locked"])
        .args(options)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn target() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}
