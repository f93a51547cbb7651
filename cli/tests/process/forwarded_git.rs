//! Real git, through the forwarder, to a real repository behind the application proxy.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use entrada_authority::{ProxyTable, Stage, StageBuilder};
use tempfile::TempDir;

use crate::support::*;

/// `git http-backend` as a CGI program, for the repositories in that folder.
fn backend(folder: &Path) -> Plain {
    let folder = folder.to_owned();
    Plain::answering(move |_, seen| {
        let (method, target) = seen.line.split_once(' ').unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let header = |name: &str| seen.header(name).unwrap_or_default().to_owned();
        let mut child = Command::new("git")
            .arg("http-backend")
            .env("GIT_PROJECT_ROOT", &folder)
            .env("GIT_HTTP_EXPORT_ALL", "1")
            .env("REMOTE_USER", "ada")
            .env("REQUEST_METHOD", method)
            .env("PATH_INFO", path)
            .env("QUERY_STRING", query)
            .env("CONTENT_TYPE", header("content-type"))
            .env("CONTENT_LENGTH", seen.body.len().to_string())
            .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
            .env("GIT_PROTOCOL", header("git-protocol"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut input, body) = (child.stdin.take().unwrap(), seen.body.clone());
        let feeding = std::thread::spawn(move || input.write_all(&body));
        let said = child.wait_with_output().unwrap().stdout;
        let _ = feeding.join();
        let at = said.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
        let head = String::from_utf8_lossy(&said[..at]).into_owned();
        let status = head.lines().find_map(|line| line.strip_prefix("Status: ")).unwrap_or("200 OK").to_owned();
        let body = &said[at + 4..];
        let head =
            format!("HTTP/1.1 {status}\r\n{head}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        [head.as_bytes(), body].concat()
    })
}

/// A stage whose app is that one.
fn behind(backend: &Plain) -> StageBuilder {
    let table = ProxyTable { back_end: Some(backend.address().parse().unwrap()), ..ProxyTable::default() };
    Stage::builder().proxy_table(table)
}

fn git(home: &Path, folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=Ada", "-c", "user.email=ada@contoso.example", "-c", "init.defaultBranch=main"])
        .args(arguments)
        .current_dir(folder)
        .env("HOME", home)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// The name of the repository that is published.
const BARE: &str = "tools.git";

/// A folder with an empty repository, what serves it, and a user of the app that it is behind.
fn published() -> (TempDir, Plain, World) {
    let served = tempfile::tempdir().unwrap();
    git(served.path(), served.path(), &["init", "-q", "--bare", BARE]);
    let backend = backend(served.path());
    let world = World::with(behind(&backend));
    world.sign_in();
    (served, backend, world)
}

/// Bytes that do not compress, the same each time.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    })
    .take(length)
    .collect()
}

#[test]
fn a_git_that_exec_runs_has_the_secret_in_its_url() {
    if absent("git") {
        return;
    }
    let (served, backend, world) = published();
    let bare = served.path().join(BARE);
    let script = format!(
        r#"set -e
        export GIT_CONFIG_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0
        git clone -q "${{ENTRADA_URL}}tools.git" one
        git -C one -c user.name=Ada -c user.email=a@contoso.example commit -q --allow-empty -m First
        git -C one push -q origin HEAD:main
        git -c url."$ENTRADA_URL".insteadOf={url} clone -q --branch main {url}tools.git two
        git -C two rev-parse HEAD"#,
        url = world.url("")
    );
    let done = world.run(&["exec", &world.url(""), "--", "sh", "-c", &script]).done().expect_code(0);
    assert_eq!(done.text().trim(), git(served.path(), &bare, &["rev-parse", "main"]), "{}", done.stderr);
    assert!(backend.seen().iter().all(|seen| seen.line.contains(" /tools.git/")), "the app sees no secret");
}

#[test]
fn a_repository_is_cloned_and_pushed_to() {
    if absent("git") {
        return;
    }
    let (served, backend, world) = published();
    let bare = served.path().join(BARE);
    let (home, local) = (world.home.path(), Local::start(&world, &[]));

    let url = local.url("tools.git");
    git(home, home, &["clone", "-q", &url, "first"]);
    let first = home.join("first");
    // More than git sends in one piece with its length: it goes in chunks.
    let content = noise(3 << 20);
    std::fs::write(first.join("large"), &content).unwrap();
    git(home, &first, &["add", "large"]);
    git(home, &first, &["commit", "-q", "-m", "A large file"]);
    git(home, &first, &["push", "-q", "origin", "HEAD:main"]);
    let pushed = git(home, &first, &["rev-parse", "HEAD"]);
    assert_eq!(git(home, &bare, &["rev-parse", "main"]), pushed);

    git(home, home, &["clone", "-q", "--branch", "main", &url, "second"]);
    assert_eq!(std::fs::read(home.join("second/large")).unwrap(), content);
    assert!(backend.seen().iter().any(|seen| seen.header("transfer-encoding").is_some()), "nothing went in chunks");
    assert!(backend.seen().iter().all(|seen| seen.header("x-ms-proxy").is_some()), "all went through the proxy");
    local.end("TERM").expect_code(143);
}
