//! What is in the program, and that the same check finds std where it is.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::built::{built, cargo, text};

/// What may be asked of the C library: memory, files, sockets, time, randomness, and an end.
const FROM_C: &str = "__cxa_finalize __errno_location __libc_start_main abort bcmp clock_gettime close connect dlsym free \
                      fsync getrandom memcmp memcpy memmove memset nanosleep open open64 posix_memalign read rename \
                      renameat setsockopt socket strlen syscall unlink write";

/// The symbols of a program as `nm` of the C compiler's tools tells them, in Rust's own spelling.
fn symbols(program: &Path, options: &[&str]) -> BTreeSet<String> {
    let output = Command::new("nm").args(["--demangle", "--format=posix"]).args(options).arg(program).output();
    let output = output.expect("nm comes with the C compiler");
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout).lines().map(str::to_owned).collect()
}

/// Whether a symbol is of std, be it a function, a method or an implementation of a trait.
fn is_of_std(symbol: &str) -> bool {
    symbol.match_indices("std::").any(|(at, _)| {
        let before = symbol[..at].chars().next_back();
        before.is_none_or(|before| !before.is_alphanumeric() && before != '_' && before != ':')
    })
}

fn of_std(program: &Path) -> usize {
    symbols(program, &[]).iter().filter(|symbol| is_of_std(symbol)).count()
}

/// The crates in the program with their features, as Cargo resolves them.
fn features(with: &str) -> Vec<String> {
    let edges = ["tree", "--features", with, "--edges", "normal,no-proc-macro", "--prefix", "none"];
    let output = cargo(&[&edges[..], &["--format", "{p} [{f}]"]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout).lines().map(str::to_owned).collect()
}

fn has_std(line: &str) -> bool {
    line.rsplit_once('[').is_some_and(|(_, features)| features.split([',', ']']).any(|feature| feature == "std"))
}

#[test]
fn nothing_of_std_is_linked() {
    let program = &built().bare;
    let ours = symbols(program, &[]).iter().filter(|symbol| symbol.contains("entrada_core::flow::")).count();
    assert!(ours > 10, "the check sees {ours} symbols of the flow: it looks at the wrong program");
    assert_eq!(of_std(program), 0);
    let size = Command::new("size").arg(program).output().expect("size comes with the C compiler");
    let bytes = fs::metadata(program).unwrap().len();
    println!("{}: {bytes} bytes with all symbols\n{}", program.display(), text(&size.stdout));
    assert!(bytes < 1 << 20, "{bytes} bytes are more than the README says");
}

#[test]
fn all_that_it_asks_for_is_in_the_c_library() {
    let allowed: BTreeSet<&str> = FROM_C.split_whitespace().collect();
    let wanted = symbols(&built().bare, &["--dynamic", "--undefined-only"]);
    // A weak symbol (w) is one of the linker's own, which may be missing.
    let strong = wanted.iter().filter(|line| !line.contains(" w"));
    let names: BTreeSet<&str> = strong.filter_map(|line| line.split([' ', '@']).next()).collect();
    assert!(names.contains("__libc_start_main"), "{names:?}");
    let others: Vec<_> = names.difference(&allowed).collect();
    assert!(others.is_empty(), "{others:?}");
}

#[test]
fn no_crate_in_it_has_its_feature_std() {
    let crates = features("");
    assert!(crates.iter().any(|line| line.starts_with("entrada-core v") && line.ends_with(" []")), "{crates:#?}");
    let with_std: Vec<_> = crates.iter().filter(|line| has_std(line)).collect();
    assert!(with_std.is_empty(), "{with_std:#?}");
}

/// The negative control: a check that cannot fail proves nothing.
#[test]
fn the_same_program_with_std_is_found_out() {
    assert!(of_std(&built().control) > 100, "the symbols of std are not seen");
    assert!(features("std").iter().any(|line| line.starts_with("entrada-core v") && has_std(line)));
    let wanted = symbols(&built().control, &["--dynamic", "--undefined-only"]);
    assert!(wanted.iter().any(|line| line.starts_with("_Unwind_") || line.starts_with("pthread_")), "{wanted:#?}");
}

/// And the compiler sees it on its own: two cannot both say what a panic does.
#[test]
fn std_from_below_does_not_compile() {
    let refusal = &built().refusal;
    assert!(refusal.contains("found duplicate lang item `panic_impl`"), "{refusal}");
}

#[test]
fn only_std_is_taken_for_std() {
    assert!(is_of_std("std::io::Write::write_all t 1000"));
    assert!(is_of_std("<std::io::Error as core::fmt::Debug>::fmt t 1000"));
    assert!(is_of_std("core::ptr::drop_in_place<std::io::Error> t 1000"));
    assert!(!is_of_std("no_std::drive t 1000"));
    assert!(!is_of_std("no_std::bare::without_std::abort t 1000"));
}
