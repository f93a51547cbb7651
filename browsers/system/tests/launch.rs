//! A real command in `$BROWSER`, and what the user reads.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use common::Screen;
use entrada_browser_system::{Environment, Platform, SystemBrowser};
use entrada_core::Prompt;
use entrada_core::ports::blocking::Browser;

const URL: &str = "https://login.example/authorize?client_id=x&redirect_uri=http%3A%2F%2Flocalhost%3A40121&x=$(id)'*;";

fn with(change: impl FnOnce(&mut Environment)) -> (SystemBrowser, Screen) {
    let mut environment = Environment::default();
    environment.platform = Platform::Freedesktop;
    change(&mut environment);
    let screen = Screen::default();
    (SystemBrowser::builder().environment(environment).writer(screen.clone()).build().unwrap(), screen)
}

fn sign_in() -> Prompt {
    Prompt::SignIn { url: URL.to_owned(), expires_in: Duration::from_secs(300) }
}

/// A file that is being written cannot be started, and a process started meanwhile by another test
/// would still have it open: so one test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A script that writes what it was started with, then goes on with `rest`.
fn script(folder: &Path, name: &str, rest: &str) -> String {
    let path = folder.join(name);
    let record = folder.join(format!("{name}.record"));
    let text = format!(
        "#!/bin/sh\n{{ printf '%s\\n' \"$#\" \"$@\"; readlink /proc/$$/fd/0; readlink /proc/$$/fd/2; \
         cut -d' ' -f1,5 /proc/$$/stat; }} > '{0}.part'; mv '{0}.part' '{0}'\n{rest}\n",
        record.display()
    );
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

fn record(folder: &Path, name: &str) -> Vec<String> {
    let path = folder.join(format!("{name}.record"));
    let deadline = Instant::now() + Duration::from_secs(10);
    while !path.exists() {
        assert!(Instant::now() < deadline, "{name} was started");
        thread::sleep(Duration::from_millis(5));
    }
    fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn the_users_command_is_started_and_left_alone() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (name, rest) in [("returns", "exit 0"), ("stays", "exec sleep 3")] {
        let command = script(folder, name, rest);
        let (browser, screen) = with(|environment| environment.browser = Some(format!("{command} --new '%s' end")));
        assert!(browser.can_open());
        let since = Instant::now();
        browser.present(&sign_in()).unwrap();
        assert!(since.elapsed() < Duration::from_millis(1500), "it is not waited for");
        let recorded = record(folder, name);
        assert_eq!(recorded[..4], ["3", "--new", URL, "end"], "one word, as it is");
        if cfg!(target_os = "linux") {
            assert_eq!(recorded[4..6], ["/dev/null", "/dev/null"]);
            let (pid, group) = recorded[6].split_once(' ').unwrap();
            assert_eq!(pid, group, "a process group of its own");
            await_no_zombie(pid, name == "stays");
        }
        let shown = screen.text();
        assert_eq!(
            shown,
            format!("Waiting up to 5 minutes for you to sign in in the browser. If none opens, open this:\n{URL}\n")
        );
    }
}

/// Either alive, or gone altogether.
fn await_no_zombie(pid: &str, is_alive: bool) {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let state = fs::read_to_string(format!("/proc/{pid}/stat")).ok();
        let state = state.as_deref().and_then(|stat| stat.rsplit(')').next()).map(str::trim);
        match state {
            None if !is_alive => return,
            Some(state) if is_alive && !state.starts_with('Z') => return,
            other => assert!(Instant::now() < deadline, "{pid} is {other:?}"),
        }
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn the_next_command_is_tried_and_the_last_failure_told() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (fails, works) = (script(folder, "fails", "exit 3"), script(folder, "works", "exit 0"));
    let (browser, screen) = with(|environment| environment.browser = Some(format!("/not/there:{fails}:{works} -x")));
    browser.present(&sign_in()).unwrap();
    assert_eq!(record(folder, "works")[..3], ["2", "-x", URL]);
    assert!(!screen.text().contains("No browser"), "{}", screen.text());

    let (browser, screen) = with(|environment| environment.browser = Some(format!("/not/there:{fails}")));
    browser.present(&sign_in()).unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while !screen.text().contains("Open the URL yourself.") {
        assert!(Instant::now() < deadline, "{}", screen.text());
        thread::sleep(Duration::from_millis(5));
    }
    assert!(screen.text().contains("exit status: 3"), "{}", screen.text());
}

#[test]
fn where_no_browser_can_open_the_user_learns_why() {
    let (browser, screen) = with(|environment| {
        environment.ssh = true;
        environment.display = true;
    });
    assert!(!browser.can_open());
    browser.present(&sign_in()).unwrap();
    let shown = screen.text();
    assert!(shown.lines().any(|line| line == URL), "{shown}");
    assert!(shown.contains("SSH session") && shown.contains("ssh -L 40121:localhost:40121"), "{shown}");
    assert!(shown.contains("--flow device") && shown.contains("--flow paste"), "{shown}");

    let (browser, screen) = with(|environment| environment.container = true);
    assert!(!browser.can_open());
    browser.present(&sign_in()).unwrap();
    let shown = screen.text();
    assert!(shown.contains("inside a container") && shown.contains("port 40121 of this container"), "{shown}");

    let (browser, screen) = with(|_| {});
    browser.present(&sign_in()).unwrap();
    assert!(screen.text().contains("no screen") && screen.text().contains("--flow device"), "{}", screen.text());
}

#[test]
fn where_no_browser_is_wanted_none_is_started() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let command = script(folder.path(), "unwanted", "exit 0");
    let mut environment = Environment::default();
    environment.browser = Some(command);
    environment.ssh = true;
    let screen = Screen::default();
    let browser = SystemBrowser::builder().environment(environment).open_browser(false).writer(screen.clone());
    let browser = browser.build().unwrap();
    assert!(!browser.can_open());
    browser.present(&sign_in()).unwrap();
    let code = Prompt::UserCode {
        code: "ABCD".to_owned(),
        verification_uri: "https://login.example/device".to_owned(),
        verification_uri_complete: Some("https://login.example/device?code=ABCD".to_owned()),
        message: None,
        expires_in: Duration::from_secs(900),
    };
    browser.present(&code).unwrap();
    assert!(screen.text().contains(&format!("\n{URL}\n")), "{}", screen.text());
    assert!(screen.text().contains("ssh -L 40121:localhost:40121"), "{}", screen.text());
    assert!(screen.text().contains("\nhttps://login.example/device?code=ABCD\n"), "{}", screen.text());
    thread::sleep(Duration::from_millis(200));
    assert!(!folder.path().join("unwanted.record").exists());
}

#[test]
fn a_user_code_opens_no_page() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let command = script(folder.path(), "unasked", "exit 0");
    let (browser, screen) = with(|environment| environment.browser = Some(command));
    let code = Prompt::UserCode {
        code: "ABCD".to_owned(),
        verification_uri: "https://login.example/device".to_owned(),
        verification_uri_complete: Some("https://login.example/device?code=ABCD".to_owned()),
        message: None,
        expires_in: Duration::from_secs(900),
    };
    browser.present(&code).unwrap();
    assert!(screen.text().contains("ABCD"), "{}", screen.text());
    thread::sleep(Duration::from_millis(200));
    assert!(!folder.path().join("unasked.record").exists());
}

#[test]
fn what_is_no_web_page_is_given_to_nobody() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let command = script(folder.path(), "fooled", "exit 0");
    let (browser, screen) = with(|environment| environment.browser = Some(command));
    for url in ["file:///etc/passwd", "--help", "https://login.example/\u{1b}[2J", "https://a/ --flag"] {
        let prompt = Prompt::SignIn { url: url.to_owned(), expires_in: Duration::from_secs(300) };
        assert!(browser.present(&prompt).is_err(), "{url}");
    }
    assert_eq!(screen.text(), "");
    thread::sleep(Duration::from_millis(200));
    assert!(!folder.path().join("fooled.record").exists());
}
