//! Help and completions.

use crate::support::*;

#[test]
fn help_names_every_exit_code() {
    let help = Home::with(&[]).run(&["--help"]).done().expect_code(0).text();
    for words in [
        "0 done",
        "1 other failure",
        "2 usage",
        "3 HTTP 3xx",
        "4 HTTP 4xx",
        "5 HTTP 5xx",
        "6 too many redirects",
        "7 network",
        "10 a sign-in is needed",
        "11 refused or cancelled",
        "12 the sign-in timed out",
        "13 tenant policy",
        "14 the proxy refused",
        "15 configuration",
        "16 the token store",
    ] {
        assert!(help.contains(words), "no {words:?} in: {help}");
    }
    for command in [
        "get",
        "post",
        "put",
        "patch",
        "delete",
        "head",
        "token",
        "login",
        "logout",
        "accounts",
        "setup",
        "demo",
        "completions",
    ] {
        let help = Home::with(&[]).run(&[command, "--help"]).done().expect_code(0).text();
        assert!(help.contains(&format!("Usage: entrada {command}")), "{help}");
    }
}

#[test]
fn completions_are_scripts_that_shells_take() {
    let home = Home::with(&[]);
    for shell in ["bash", "zsh", "fish"] {
        let script = home.run(&["completions", shell]).done().expect_code(0);
        assert!(script.text().contains("entrada") && script.text().contains("sign-in-timeout"), "{shell}");
        let path = home.file(shell, &script.stdout);
        if shell != "bash" && !std::path::Path::new("/usr/bin").join(shell).exists() {
            continue;
        }
        let checked = home.run(&[]).within(shell, |_| vec!["-n".into(), path]).done();
        assert_eq!((checked.code(), checked.stderr.as_str()), (0, ""));
    }
    home.run(&["completions", "tcsh"]).done().expect_code(2);
}

#[test]
fn colours_are_for_terminals() {
    let home = Home::with(&[]);
    let colourless = |args: &[&str]| home.run(&["token"]).args(args).done().expect_code(15).stderr;
    assert!(!colourless(&[]).contains('\u{1b}') && !colourless(&["--color", "never"]).contains('\u{1b}'));
    assert!(colourless(&["--color", "always"]).starts_with("\u{1b}[1;31merror:\u{1b}[0m "));
    assert!(colourless(&["-q"]).starts_with("error: "), "errors are said all the same");
}
