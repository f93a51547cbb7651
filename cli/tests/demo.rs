//! `entrada demo` as a process.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that unwraps nothing says so by failing")]

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use entrada_authority::Breakage;

fn entrada(home: &Path, args: &[&str]) -> Command {
    let program = env::var_os("ENTRADA_BIN").unwrap_or(env!("CARGO_BIN_EXE_entrada").into());
    let mut command = Command::new(program);
    command.args(args).env_clear().env("HOME", home).env("TMPDIR", home).current_dir(home);
    command
}

#[test]
fn the_demo_shows_the_main_job_in_two_seconds_and_leaves_nothing() {
    let home = tempfile::tempdir().unwrap();
    let timed = || {
        let since = Instant::now();
        (entrada(home.path(), &["demo"]).stdin(Stdio::null()).output().unwrap(), since.elapsed())
    };
    // Others are at work as well: the quickest of three tells.
    let (output, took) = (0..3).map(|_| timed()).min_by_key(|(_, took)| *took).unwrap();
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

/// Text without tags, line breaks and what is another number each time.
fn words(text: &str) -> String {
    let text: String = text.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text)).collect();
    let text = text.replace("&#160;", " ").replace("&quot;", "\"");
    let alike: String = text.chars().map(|c| if c.is_ascii_digit() { ' ' } else { c }).collect();
    alike.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn its_picture_shows_what_it_prints() {
    let home = tempfile::tempdir().unwrap();
    let output = entrada(home.path(), &["demo"]).output().unwrap();
    let printed = words(&String::from_utf8(output.stdout).unwrap());
    let shown = words(include_str!("../../docs/pictures/demo.svg"));
    assert!(printed.contains("Ada Lovelace"), "{printed}");
    assert!(shown.ends_with(&format!("$ entrada demo {printed}")), "run docs/pictures/make: {shown}\nis not {printed}");
}

#[test]
fn each_picture_is_shown_and_fetches_nothing() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let pages = ["README.md", "docs/doctor.md"].map(|page| fs::read_to_string(root.join(page)).unwrap());
    let named = pages.iter().flat_map(|page| page.split("pictures/").skip(1));
    let mut named: Vec<&str> = named.filter_map(|rest| rest.split([')', '"', '`']).next()).collect();
    let files = fs::read_dir(root.join("docs/pictures")).unwrap().map(|file| file.unwrap().file_name());
    let mut files: Vec<String> = files.map(|name| name.into_string().unwrap()).collect();
    named.sort_unstable();
    files.sort_unstable();
    named.dedup();
    assert_eq!(named, files);
    for svg in files.iter().filter(|name| name.ends_with(".svg")) {
        let text = fs::read_to_string(root.join("docs/pictures").join(svg)).unwrap();
        for outside in ["@font-face", "@import", "url(http", "href", "<script", "/home/", "/root/", "/tmp/"] {
            assert!(!text.contains(outside), "{svg}: {outside}");
        }
    }
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

/// `entrada demo serve`, with what it says to a second shell.
struct Serving {
    process: Child,
    exports: BTreeMap<String, String>,
    /// The lines that are to be typed.
    commands: Vec<String>,
    text: String,
}

impl Serving {
    /// `last` is how the last line begins.
    fn start(home: &Path, args: &[&str], last: &str) -> Self {
        let mut process = entrada(home, &[&["demo", "serve"], args].concat()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut serving = Self { process, exports: BTreeMap::new(), commands: Vec::new(), text: String::new() };
        for line in lines {
            serving.text += &format!("{line}\n");
            if let Some((name, value)) = line.strip_prefix("export ").and_then(|pair| pair.split_once('=')) {
                serving.exports.insert(name.to_owned(), value.trim_matches('\'').to_owned());
            }
            serving.commands.extend(line.strip_prefix("#   ").map(str::to_owned));
            if serving.commands.last().is_some_and(|command| command.starts_with(last)) {
                return serving;
            }
        }
        panic!("it ended: {}", serving.text)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn it_stays_up_for_a_second_shell() {
    let home = tempfile::tempdir().unwrap();
    let serving = Serving::start(home.path(), &[], "entrada get ");
    let url = serving.commands[0].strip_prefix("entrada get ").unwrap();
    let output = entrada(home.path(), &["get", url]).envs(&serving.exports).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(10), "it is reached, and nobody has signed in: {said}");
    assert!(said.contains("entrada login"), "{said}");
}

#[test]
fn a_signal_ends_it_and_leaves_nothing() {
    let home = tempfile::tempdir().unwrap();
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        // With a certificate in the folder.
        let mut serving = Serving::start(home.path(), &["--break", "private-ca"], "entrada doctor ");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1, "its folder");
        let sent = Command::new("kill").args(["-s", signal, &serving.process.id().to_string()]).status().unwrap();
        assert!(sent.success());
        assert_eq!(serving.process.wait().unwrap().code(), Some(code), "{signal}");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0, "{signal}");
    }
}

#[test]
fn what_can_be_broken_is_listed_one_a_line() {
    let home = tempfile::tempdir().unwrap();
    let output = entrada(home.path(), &["demo", "serve", "--break", "list"]).output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
    let text = String::from_utf8(output.stdout).unwrap();
    let listed: Vec<(&str, &str)> =
        text.lines().map(|line| line.split_once(' ').unwrap()).map(|(name, like)| (name, like.trim())).collect();
    let known: Vec<(&str, &str)> = Breakage::all().iter().map(|breakage| (breakage.name(), breakage.like())).collect();
    assert_eq!(listed, known);
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
}

#[test]
fn a_name_that_is_not_in_the_list_is_a_wrong_usage() {
    let home = tempfile::tempdir().unwrap();
    let said = |args: &[&str]| {
        let output = entrada(home.path(), args).stdin(Stdio::null()).output().unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{args:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let unknown = said(&["demo", "serve", "--break", "everything"]);
    assert!(unknown.contains("everything") && unknown.contains("--break list"), "{unknown}");
    assert!(said(&["demo", "--break", "missing-slash"]).contains("entrada demo serve"));
    assert!(said(&["demo", "run", "--break", "list"]).contains("entrada demo serve"));
}

#[test]
fn what_is_broken_is_shown_with_what_it_takes_to_see_it() {
    let home = tempfile::tempdir().unwrap();
    let serve = |name: &str| Serving::start(home.path(), &["--break", name], "entrada doctor ");
    let broken = serve("graph-audience");
    let breakage = Breakage::named("graph-audience").unwrap();
    assert!(broken.text.contains(&format!("# Broken: graph-audience. {}\n", breakage.like())), "{}", broken.text);
    assert_eq!(broken.exports["ENTRADA_SCOPE"], "User.Read");
    assert_eq!(broken.commands.len(), 2, "{:?}", broken.commands);
    assert!(broken.commands[0].starts_with("entrada get http") && broken.commands[0].ends_with("/api/me"));

    assert!(!serve("which-scope").exports.contains_key("ENTRADA_SCOPE"));
    assert_eq!(serve("device-code-blocked").exports["ENTRADA_FLOW"], "device");
    assert_eq!(serve("password-changed").commands[1], "entrada token --refresh --no-input");
    assert!(serve("other-account").text.contains("signing in as eve@fabrikam.example"));
    let outside = serve("outside-path");
    assert!(outside.exports["ENTRADA_SCOPE"].contains("/hr/") && !outside.commands[0].contains("/hr/"));

    let private = serve("private-ca");
    let pem = fs::read_to_string(&private.exports["ENTRADA_CA"]).unwrap();
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----"));
    assert!(private.exports["ENTRADA_AUTHORITY"].starts_with("https://127.0.0.1:"));
    let mut login = entrada(home.path(), &["login", "--flow", "device", "--sign-in-timeout", "1"]);
    let output = login.envs(&private.exports).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(12), "the authority itself is trusted: {said}");
}
