//! git itself, before `git http-backend` behind the application proxy.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use entrada_authority::{Condition, Endpoint};
use entrada_interop::skip;

use crate::desk::{Desk, ended};

/// git's major and minor version.
fn version(program: &Path) -> Option<(u32, u32)> {
    let said = Command::new(program).arg("version").output().ok()?.stdout;
    let said = String::from_utf8_lossy(&said).into_owned();
    let mut numbers = said.strip_prefix("git version ")?.split('.').map(|part| part.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

/// A desk where git is new enough, with a repository behind the proxy: its folder, and its URL.
pub(crate) fn with_repository() -> Option<(Desk, PathBuf, String)> {
    let desk = Desk::signed_in_with("git")?;
    if version(Path::new("git")) < Some((2, 46)) {
        skip(&"this git is older than 2.46");
        return None;
    }
    let bare = desk.home().join("served/git/team/project.git");
    desk.run("git", &["init", "-q", "--bare", "-b", "main", bare.to_str().unwrap()]).well();
    let root = desk.home().join("served");
    desk.stage.change_proxy_table(|table| table.user_header = Some("x-user".to_owned()));
    desk.publish(move |stream| serve(stream, &root).unwrap_or_default());
    fs::write(desk.home().join(".gitconfig"), "[user]\n\tname = Ada\n\temail = ada@contoso.example\n").unwrap();
    let url = desk.url("git/team/project.git");
    Some((desk, bare, url))
}

/// One request by CGI (RFC 3875), as git-http-backend wants it.
fn serve(mut stream: &TcpStream, root: &Path) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let header = |name: &str| headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let mut body = Vec::new();
    if header("transfer-encoding").is_some() {
        loop {
            let mut size = String::new();
            reader.read_line(&mut size).ok()?;
            let size = u64::from_str_radix(size.trim(), 16).ok()?;
            reader.by_ref().take(size).read_to_end(&mut body).ok()?;
            reader.read_line(&mut String::new()).ok()?;
            if size == 0 {
                break;
            }
        }
    } else if let Some(length) = header("content-length") {
        reader.by_ref().take(length.parse().ok()?).read_to_end(&mut body).ok()?;
    }
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let mut command = Command::new("git");
    command
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", method)
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("CONTENT_LENGTH", body.len().to_string())
        // Whoever the proxy has let in may push.
        .env("REMOTE_USER", header("x-user")?);
    for (name, variable) in [
        ("content-type", "CONTENT_TYPE"),
        ("content-encoding", "HTTP_CONTENT_ENCODING"),
        ("git-protocol", "GIT_PROTOCOL"),
    ] {
        command.env(variable, header(name).unwrap_or_default());
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
    let mut input = child.stdin.take()?;
    let feeding = std::thread::spawn(move || input.write_all(&body));
    let mut said = Vec::new();
    child.stdout.take()?.read_to_end(&mut said).ok()?;
    feeding.join().ok()?.ok()?;
    child.wait().ok()?;
    let end = said.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&said[..end]).into_owned();
    let status = head.lines().find_map(|line| line.strip_prefix("Status: ")).unwrap_or("200 OK");
    let head: Vec<&str> = head.lines().filter(|line| !line.starts_with("Status: ")).collect();
    let body = &said[end + 4..];
    let head = format!(
        "HTTP/1.1 {status}\r\n{}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        head.join("\r\n"),
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body).ok()
}

fn git(desk: &Desk, args: &[&str]) -> crate::desk::Ended {
    desk.run("git", args)
}

#[test]
fn git_clones_fetches_and_pushes_as_the_user() {
    let Some((desk, bare, url)) = with_repository() else { return };
    let set = desk.run("entrada", &["git", "setup", &desk.url("git/")]).well();
    assert!(set.stdout.contains("proactiveAuth=auto"), "{}", set.stdout);

    git(&desk, &["clone", "-q", &url, "one"]).well();
    fs::write(desk.home().join("one/readme"), "first\n").unwrap();
    git(&desk, &["-C", "one", "add", "readme"]).well();
    git(&desk, &["-C", "one", "commit", "-qm", "First"]).well();
    git(&desk, &["-C", "one", "push", "-q", "origin", "HEAD:main"]).well();
    let pushed = git(&desk, &["-C", bare.to_str().unwrap(), "log", "--format=%s %an", "main"]).well();
    assert_eq!(pushed.stdout, "First Ada\n");

    // A second clone, a large push in chunks, and a fetch of it.
    git(&desk, &["clone", "-q", &url, "two"]).well();
    let noise: Vec<u8> = (0..3_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    fs::write(desk.home().join("two/noise"), &noise).unwrap();
    git(&desk, &["-C", "two", "add", "noise"]).well();
    git(&desk, &["-C", "two", "commit", "-qm", "Noise"]).well();
    git(&desk, &["-C", "two", "push", "-q"]).well();
    git(&desk, &["-C", "one", "pull", "-q", "--ff-only", "origin", "main"]).well();
    assert_eq!(fs::read(desk.home().join("one/noise")).unwrap(), noise);

    let at_proxy = desk.stage.requests_at(Endpoint::Proxy);
    assert!(at_proxy.len() > 8 && at_proxy.iter().all(|seen| seen.bearer().is_some()), "never a request in vain");
    assert_eq!(desk.stage.count(Endpoint::Token, ""), 0, "the cached token served all");
    desk.no_file_holds_a_token();

    // And no more when it is taken out.
    desk.run("entrada", &["git", "setup", &desk.url("git/"), "--remove"]).well();
    let refused = git(&desk, &["-C", "one", "fetch"]);
    assert_ne!(refused.code, 0, "{refused:?}");
}

#[test]
fn an_expired_token_is_renewed_and_a_refused_one_is_not_repeated() {
    let Some((desk, _, url)) = with_repository() else { return };
    desk.run("entrada", &["git", "setup", &desk.url("git/")]).well();
    desk.tokens_have_ended();
    git(&desk, &["clone", "-q", &url, "one"]).well();
    assert_eq!(desk.stage.count(Endpoint::Token, "refresh_token"), 1);

    // The app demands claims: the 401 reaches git, which tells the helper, and the next command has what was demanded.
    desk.stage.demand_claims(serde_json::json!({"access_token": {"nbf": {"essential": true, "value": "1"}}}));
    let refused = git(&desk, &["-C", "one", "fetch"]);
    assert!(refused.code != 0 && refused.stderr.contains("Authentication failed"), "{refused:?}");
    assert_eq!(desk.stage.count(Endpoint::Token, "refresh_token"), 2);
    git(&desk, &["-C", "one", "fetch"]).well();
    assert_eq!(desk.stage.count(Endpoint::Token, "refresh_token"), 2);

    // The same for a 401 that says nothing but that the token is not valid.
    desk.stage.demand_no_claims();
    desk.stage.change_proxy_table(|table| {
        table.answers.insert(Condition::WrongAudience, entrada_authority::Answer::InvalidToken);
        table.audiences.clear();
    });
    assert_ne!(git(&desk, &["-C", "one", "fetch"]).code, 0);
    desk.stage.change_proxy_table(|table| table.audiences = vec![entrada_authority::Audience::ExternalUrl]);
    git(&desk, &["-C", "one", "fetch"]).well();
    assert_eq!(desk.stage.count(Endpoint::Token, "refresh_token"), 3);
}

#[test]
fn the_redirect_to_sign_in_is_an_error_and_not_a_repository() {
    let Some((desk, _, url)) = with_repository() else { return };
    desk.run("entrada", &["git", "setup", &desk.url("git/")]).well();
    desk.stage.change_proxy_table(|table| table.audiences.clear());
    let refused = git(&desk, &["clone", "-q", &url, "one"]);
    assert!(refused.code != 0 && refused.stderr.contains("302"), "{refused:?}");
    assert_eq!(desk.stage.requests_at(Endpoint::Authorize).len(), 0, "nobody went there");
}

#[test]
fn where_a_sign_in_is_needed_git_ends_with_the_command_to_run() {
    let Some((desk, _, url)) = with_repository() else { return };
    desk.run("entrada", &["git", "setup", &desk.url("git/")]).well();
    desk.run("entrada", &["logout", "--all"]).well();
    let refused = git(&desk, &["clone", "-q", &url, "one"]);
    assert!(refused.code != 0 && refused.stderr.contains("run: entrada login"), "{refused:?}");
    assert!(!refused.stderr.contains("Username"), "{refused:?}");
    assert_eq!(desk.stage.requests_at(Endpoint::Proxy).len(), 0);
}

#[test]
fn a_git_without_bearer_is_told_what_to_do() {
    let old = Path::new("/usr/bin/git");
    let Some((desk, _, url)) = with_repository() else { return };
    if version(old).is_none_or(|version| version >= (2, 46)) {
        // The distribution's git is a new one: there is no old one to try.
        return;
    }
    desk.run("entrada", &["git", "setup", &desk.url("git/")]).well();
    // It asks the helper only after a 401.
    desk.stage.change_proxy_table(|table| {
        table.answers.insert(Condition::NoToken, entrada_authority::Answer::InvalidToken);
    });
    let mut command = desk.command("/usr/bin/git");
    command.args(["clone", "-q", &url, "one"]);
    let refused = ended(command);
    assert!(refused.code != 0 && refused.stderr.contains("git 2.46"), "{refused:?}");
    let mut setup = desk.command("entrada");
    setup.args(["git", "setup", &desk.url("git/")]).env("PATH", "/usr/bin:/bin");
    let refused = ended(setup);
    assert!(refused.code == 15 && refused.stderr.contains("entrada exec"), "{refused:?}");
}
