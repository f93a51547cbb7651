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
        "129 ended by SIGHUP",
        "130 ended by Ctrl-C",
        "143 ended by SIGTERM",
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
        "proxy",
        "exec",
        "config",
        "setup",
        "demo",
        "completions",
        "curl",
        "git",
        "man",
        "help",
    ] {
        let help = Home::with(&[]).run(&[command, "--help"]).done().expect_code(0).text();
        assert!(help.contains(&format!("Usage: entrada {command}")), "{help}");
    }
}

#[test]
fn help_is_told_of_commands_and_of_topics() {
    let home = Home::with(&[]);
    let help = |args: &[&str]| home.run(&["help"]).args(args).done().expect_code(0).text();
    assert_eq!(help(&[]), home.run(&["--help"]).done().expect_code(0).text());
    assert!(help(&["exit-codes"]).contains("10 a sign-in is needed") && !help(&["exit-codes"]).contains("ENTRADA_"));
    assert!(help(&["environment"]).contains("ENTRADA_SIGN_IN_TIMEOUT"));
    assert!(help(&["files"]).contains("/etc/entrada/config.toml"));
    assert_eq!(help(&["get"]), home.run(&["get", "--help"]).done().expect_code(0).text());
    assert!(help(&["git", "setup"]).contains("Usage: entrada git setup"));
    home.run(&["help", "nowhere"]).done().fails(2, "nowhere", "--help");
    let whole = help(&[]);
    for topic in ["exit-codes", "environment", "files"] {
        assert!(whole.contains(help(&[topic]).trim_end()), "{topic}");
    }
}

#[test]
fn manual_pages_are_taken_by_those_who_show_them() {
    let home = Home::with(&[]);
    let main = home.run(&["man"]).done().expect_code(0).text();
    home.run(&["man", "pages/man1"]).done().expect_code(0);
    let folder = home.path().join("pages/man1");
    assert_eq!(std::fs::read_to_string(folder.join("entrada.1")).unwrap(), main);
    for words in [".SH \"EXIT CODES\"", "ENTRADA_CLIENT_ID", ".SH OPTIONS", "entrada\\-get(1)"] {
        assert!(main.contains(words), "no {words:?} in: {main}");
    }
    let pages: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let named = |name: &str| pages.iter().any(|page| page.ends_with(name));
    assert!(named("entrada-get.1") && named("entrada-git-setup.1") && named("entrada-curl.1"), "{pages:?}");
    for page in &pages {
        let page = page.clone();
        if !absent("mandoc") {
            let words = ["-Tlint", "-Werror"].map(Into::into);
            let linted = home.run(&[]).within("mandoc", |_| words.into_iter().chain([page.clone()]).collect()).done();
            assert_eq!((linted.code(), linted.text().as_str()), (0, ""), "{}", page.display());
        }
        if !absent("groff") {
            let words = ["-man", "-Tutf8", "-ww", "-z"].map(Into::into);
            let shown = home.run(&[]).within("groff", |_| words.into_iter().chain([page.clone()]).collect()).done();
            assert_eq!((shown.code(), shown.stderr.as_str()), (0, ""), "{}", page.display());
        }
    }
}

#[test]
fn completions_know_commands_topics_and_files() {
    if absent("bash") {
        return;
    }
    let home = Home::with(&[]);
    let script = home.run(&["completions", "bash"]).done().expect_code(0);
    let path = home.file("entrada.bash", &script.stdout);
    home.file("ca.pem", "");
    let completed = |words: &str| {
        let line = format!(
            "source '{}'; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}}-1)); \
             _entrada entrada \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\" 2>/dev/null; \
             printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            path.display()
        );
        let done = home.run(&[]).within("bash", |_| vec!["-c".into(), line.into()]).done().expect_code(0);
        done.text().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(completed("entrada cu"), ["curl"]);
    assert_eq!(completed("entrada help exit"), ["exit-codes"]);
    assert_eq!(completed("entrada token --output exec"), ["exec-credential"]);
    assert_eq!(completed("entrada git se"), ["setup"]);
    assert_eq!(completed("entrada config get sign"), ["sign_in_timeout"]);
    assert_eq!(completed("entrada get --ca c"), ["ca.pem"]);
    for shell in ["elvish", "powershell"] {
        assert!(home.run(&["completions", shell]).done().expect_code(0).text().contains("sign-in-timeout"), "{shell}");
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
