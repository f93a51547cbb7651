//! `entrada curl`: the real curl with the token, which is seen by the app alone.

use std::fs;

use entrada_authority::{Endpoint, Stage};

use crate::support::*;

fn curl(world: &World, args: &[&str]) -> Run {
    world.run(&["curl", "-sS"]).args(args)
}

#[test]
fn curl_calls_the_app_as_the_user() {
    if absent("curl") {
        return;
    }
    let world = World::signed_in();
    let me = world.url("api/me");
    let done = curl(&world, &[&me]).done().expect_code(0);
    assert_eq!((done.json()["name"].as_str(), done.stderr.as_str()), (Some("Ada Lovelace"), ""));
    let done = curl(&world, &["-X", "PUT", "-H", "X-Mine: 1", "-dtext", "--url", &world.url("echo")]).done();
    let echo = done.expect_code(0).json();
    assert_eq!((&echo["method"], &echo["headers"]["x-mine"]), (&"PUT".into(), &"1".into()));
    assert_eq!((&echo["body"], &echo["headers"]["content-length"]), (&"text".into(), &"4".into()));

    // Several of one origin, and what curl makes several of.
    let done = curl(&world, &["-o", "a", &me, "-o", "b", &me, &format!("{me}?n=[1-2]")]).done().expect_code(0);
    assert_eq!(done.text().matches("Ada Lovelace").count(), 2);
    for file in ["a", "b"] {
        assert!(fs::read_to_string(world.home.path().join(file)).unwrap().contains("Ada Lovelace"));
    }
}

#[test]
fn its_options_are_curls_and_those_before_it_are_entradas() {
    if absent("curl") {
        return;
    }
    let world = World::signed_in();
    let me = world.url("api/me");
    world.run(&["--no-input", "curl", "-sS", "-q", "--max-time", "30", &me]).done().expect_code(0);
    let done = world.run(&["-v", "curl", "-sS", &me]).done().expect_code(0);
    assert!(done.stderr.contains("token: from the cache") && !done.stderr.contains("HTTP/1.1"), "{}", done.stderr);
    world.run(&["--scope", &world.stage.other_scope(), "curl", "-sS", "--fail", &me]).done();
    assert_eq!(world.refreshes(), 1, "another scope needs another token");

    let version = world.run(&["curl", "--version"]).done().expect_code(0).text();
    assert!(version.starts_with("curl "), "{version}");
    assert!(world.run(&["curl", "--help", "all"]).done().expect_code(0).text().contains("--oauth2-bearer"));
    assert!(world.run(&["curl", "--help"]).done().expect_code(0).text().contains("Usage: entrada curl"));
    world.run(&["curl"]).done().expect_code(2);
}

#[test]
fn the_exit_code_is_curls() {
    if absent("curl") {
        return;
    }
    let world = World::signed_in();
    curl(&world, &["--fail", &world.url("status/404")]).done().expect_code(22);
    curl(&world, &["--max-time", "0.2", &world.url("slow/5000")]).done().expect_code(28);
    curl(&world, &["-v", "--max-time", "0.2", &world.url("slow/5000")]).done().expect_code(28);
    curl(&world, &["http://127.0.0.1:1/"]).done().expect_code(7);
    let signed_out = World::new();
    curl(&signed_out, &[&signed_out.url("")]).done().fails(10, "nobody is signed in", "entrada login");
    assert_eq!(signed_out.stage.requests().len(), 0);
    let done = world.run(&["curl", &world.url("")]).var("PATH", world.home.path()).done();
    done.fails(1, "curl cannot be run", "install curl");
}

#[test]
fn no_process_shows_a_token_while_it_runs() {
    if absent("curl") {
        return;
    }
    let world = World::signed_in();
    let secrets = [world.last_token(), world.home.refresh_token()];
    for talk in ["-sS", "-sv"] {
        world.stage.forget_requests();
        let running = world.run(&["curl", talk, &world.url("slow/1500")]).start();
        until(|| !world.stage.requests_at(Endpoint::App).is_empty());
        let mut seen = 0;
        for process in fs::read_dir("/proc").unwrap().flatten() {
            for file in ["cmdline", "environ"] {
                let Ok(bytes) = fs::read(process.path().join(file)) else { continue };
                let text = String::from_utf8_lossy(&bytes);
                seen += usize::from(text.contains("/slow/1500"));
                for secret in &secrets {
                    assert!(!text.contains(&secret[..40]), "{} has it", process.path().join(file).display());
                }
            }
        }
        assert!(seen > 0, "it ran while this looked");
        running.done().expect_code(0);
        assert_eq!(world.stage.bearers_seen(Endpoint::Proxy), [world.last_token()]);
    }
}

#[test]
fn a_talkative_curl_does_not_say_the_token() {
    if absent("curl") {
        return;
    }
    let world = World::signed_in();
    for talk in ["-v", "--verbose"] {
        let done = curl(&world, &[talk, &world.url("api/me")]).done().expect_code(0);
        assert!(done.stderr.contains("> Authorization: Bearer [the token]\r\n"), "{}", done.stderr);
        assert!(done.stderr.contains("< HTTP/1.1 200") && !done.stderr.contains("eyJ"), "{}", done.stderr);
        assert_eq!(done.json()["name"], "Ada Lovelace");
    }
}

#[test]
fn the_pipe_that_the_token_comes_through_cannot_be_shown() {
    if absent("curl") {
        return;
    }
    let world = World::signed_in();
    let token = world.last_token();
    let link = world.home.path().join("link");
    for number in 3..12 {
        let path = format!("/dev/fd/{number}");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        for way in [&path, &format!("/proc/self/fd/{number}"), "link"] {
            for talk in ["-sS", "-v"] {
                let done = world.run(&["curl", talk, "-w", &format!("@{way}"), &world.url("api/me")]).done();
                assert!(!done.text().contains(&token[..40]), "-w @{way}: {}", done.text());
            }
            let sent = world.run(&["curl", "-sS", "-d", &format!("@{way}"), &world.url("echo")]).done();
            assert!(sent.stdout.is_empty() || !sent.json()["body"].to_string().contains(&token[..40]), "-d @{way}");
        }
        fs::remove_file(&link).unwrap();
    }
    // What the user's own shell opens is theirs.
    let script = format!("exec 3<\"$1\"; \"$0\" curl -sS -d @/dev/fd/3 {}", world.url("echo"));
    let mine = world.home.file("mine", "from a file");
    let done = world.run(&[]).within("sh", |own| vec!["-c".into(), script.into(), own[0].clone(), mine]).done();
    assert_eq!(done.expect_code(0).json()["body"], "from a file");
}

#[test]
fn a_redirect_takes_no_token_along() {
    if absent("curl") {
        return;
    }
    let world = World::signed_in();
    let elsewhere = Plain::saying("200", "", "elsewhere");
    let away = world.url(&format!("redirect?to={}", elsewhere.url("/")));
    assert_eq!(curl(&world, &["-L", &away]).done().expect_code(0).text(), "elsewhere");
    let seen = elsewhere.seen();
    assert_eq!((seen.len(), seen[0].header("authorization")), (1, None), "the same host on another port");
    let home = world.url(&format!("redirect?to={}", world.url("api/me")));
    assert_eq!(curl(&world, &["-L", &home]).done().expect_code(0).json()["name"], "Ada Lovelace");
    let mail = world.url("redirect?to=imap://127.0.0.1:1/");
    curl(&world, &["-L", &mail]).done().expect_code(1).says("imap");
}

#[test]
fn what_cannot_be_made_safe_is_refused_with_its_reason() {
    if absent("curl") {
        return;
    }
    let world = World::signed_in();
    let me = world.url("api/me");
    let elsewhere = Plain::saying("200", "", "");
    let other = elsewhere.url("/");
    for (args, why) in [
        (&[&me, "--next", &other][..], "--next"),
        (&[&me, "-:", &other], "--next"),
        (&[&me, &other], "different origins"),
        (&["-k", &me], "--insecure"),
        (&["--location-trusted", &me], "every host"),
        (&["-H", "Authorization: Bearer mine", &me], "Authorization is what entrada adds"),
        (&["-H", "host: other.example", &me], "Host is what the URL says"),
        (&["-H", "@headers", &me], "from a file"),
        (&["-H", "X: y\r\nHost: other.example", &me], "end of a line"),
        (&["--request-target", "https://other.example/", &me], "--request-target"),
        (&["--unix-socket", "x", &me], "--unix-socket"),
        (&["--abstract-unix-socket", "x", &me], "--abstract-unix-socket"),
        (&["-u", "a:b", &me], "--user"),
        (&["--trace-ascii", "-", &me], "writes the token"),
        (&["--libcurl", "-", &me], "writes the token"),
        (&["-v", "--stderr", "x", &me], "into a file"),
        (&["--frobnicate", &me], "--frobnicate"),
        (&["-K", "nowhere", &me], "nowhere cannot be read"),
        (&["http://contoso.example/"], "https"),
        (&["contoso.example"], "no URL that a token can be sent to"),
        (&["-s"], "no URL"),
        (&["--connect-to", "::127.0.0.1:1", &me], "--connect-to"),
    ] {
        let done = curl(&world, args).done();
        assert!(done.code() == 2 || done.code() == 15, "{args:?}: {} {}", done.code(), done.stderr);
        assert!(done.stderr.contains(why) && done.stdout.is_empty(), "{args:?}: {}", done.stderr);
    }
    // The same in a file.
    for line in [
        "next",
        "location-trusted",
        "--insecure",
        "url = https://contoso.example/",
        "header = \"authorization: x\"",
        "header = \"X: y\\nHost: z\"",
    ] {
        let path = world.home.file("curl.conf", format!("{line}\n"));
        curl(&world, &["-K", path.to_str().unwrap(), &me]).done().expect_code(2);
    }
    assert_eq!((world.stage.requests().len(), elsewhere.seen().len()), (0, 0));
}

#[test]
fn standard_input_stays_curls() {
    if absent("curl") {
        return;
    }
    let world = World::signed_in();
    let echo = world.url("echo");
    for args in [&["-d", "@-", &echo][..], &["-T", "-", &echo], &["-sST-", &echo]] {
        let done = curl(&world, args).input("from outside").done().expect_code(0);
        assert_eq!(done.json()["body"], "from outside", "{args:?}");
    }
    let config = format!("# mine\nurl = \"{echo}\"\n-X PATCH\ndata = \"said \\\"so\\\"\"\n");
    let echo = curl(&world, &["-K", "-"]).input(config.clone()).done().expect_code(0).json();
    assert_eq!((&echo["method"], &echo["body"]), (&"PATCH".into(), &"said \"so\"".into()));
    let path = world.home.file("curl.conf", &config);
    let echo = curl(&world, &["-K", path.to_str().unwrap(), "-X", "PUT"]).done().expect_code(0).json();
    assert_eq!((&echo["method"], &echo["body"]), (&"PUT".into(), &"said \"so\"".into()), "what comes later wins");
}

#[test]
fn neither_curlrc_nor_a_proxy_leads_it_elsewhere() {
    if absent("curl") {
        return;
    }
    let world = World::signed_in();
    let elsewhere = Plain::saying("200", "", "elsewhere");
    world.home.file(".curlrc", format!("location-trusted\nuser-agent = mine\nproxy = {}\n", elsewhere.address()));
    let run = curl(&world, &[&world.url("echo")]).var("http_proxy", elsewhere.url("/"));
    let echo = run.var("all_proxy", elsewhere.url("/")).done().expect_code(0).json();
    assert!(echo["headers"]["user-agent"].as_str().unwrap().starts_with("curl/"), "{echo}");
    let done = curl(&world, &["-x", elsewhere.address(), &world.url("api/me")]).done().expect_code(0);
    assert_eq!(done.json()["name"], "Ada Lovelace");
    assert_eq!(elsewhere.seen().len(), 0);
    // Nor where curl tells of itself alone: it would warn of what it does not know.
    world.home.file(".curlrc", "no-such-option\nstderr = said\n");
    let done = curl(&world, &["--version"]).done().expect_code(0);
    assert_eq!((done.stderr.as_str(), world.home.path().join("said").exists()), ("", false));
}

#[test]
fn over_https_curl_trusts_whom_entrada_trusts() {
    if absent("curl") {
        return;
    }
    let world = World::with(Stage::builder().https(true));
    let ca = world.home.file("ca.pem", world.stage.ca_pem().unwrap());
    let ca = ca.to_str().unwrap();
    world.sign_in_with(&["--ca", ca]);
    let me = world.url("api/me");
    let done = world.run(&["--ca", ca, "curl", "-sS", &me]).done().expect_code(0);
    assert_eq!(done.json()["name"], "Ada Lovelace");
    curl(&world, &[&me]).done().expect_code(60);
    assert_eq!(curl(&world, &["--cacert", ca, &me]).done().expect_code(0).json()["name"], "Ada Lovelace");
}

#[test]
fn url_and_client_id_are_enough() {
    if absent("curl") {
        return;
    }
    let world = World::signed_in();
    let unnamed = |args: &[&str]| world.run(args).without_var("ENTRADA_SCOPE");
    let me = world.url("api/me");
    let done = unnamed(&["curl", "-sS", &me]).done().expect_code(0);
    assert_eq!(done.json()["name"], "Ada Lovelace");
    // And what was learnt is remembered: curl's own request is the only one.
    world.stage.forget_requests();
    unnamed(&["curl", "-sS", &me]).done().expect_code(0);
    assert_eq!(world.stage.requests_at(Endpoint::Proxy).len(), 1);
}
