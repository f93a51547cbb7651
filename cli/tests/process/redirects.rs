//! Redirects: followed on request, with the token for the app's own origin only.

use crate::support::*;

#[test]
fn without_a_wish_none_is_followed() {
    let world = World::signed_in();
    let done = world.get("redirect?to=https://other.example/x", &[]);
    done.fails(3, "the app redirects to https://other.example/x", "-L");
    let head = world.get("redirect?to=/x", &["-i"]).expect_code(3).text();
    assert!(head.contains("\r\nlocation: /x\r\n"), "{head}");
}

#[test]
fn the_token_stays_with_the_apps_origin() {
    let world = World::signed_in();
    let same = world.get("redirect?to=/api/me", &["-L"]).expect_code(0);
    assert_eq!(same.json()["name"], "Ada Lovelace");
    assert_eq!(world.stage.bearers_seen(entrada_authority::Endpoint::Proxy).len(), 2);

    let other = Plain::saying("200", "", "other");
    let to = format!("redirect?to={}", other.url("/x"));
    let cookie = "Cookie: session=secret";
    let done = world.get(&to, &["-L", "-H", cookie, "-H", "X-Kept: 1"]).expect_code(0);
    assert_eq!(done.text(), "other");
    let seen = &other.seen()[0];
    assert_eq!((seen.line.as_str(), seen.header("x-kept")), ("GET /x", Some("1")));
    assert_eq!((seen.header("authorization"), seen.header("cookie")), (None, None));
}

#[test]
fn another_port_host_or_scheme_is_another_origin() {
    let world = World::signed_in();
    let elsewhere = Plain::saying("200", "", "");
    let port = elsewhere.address().rsplit_once(':').unwrap().1.to_owned();
    let app = Plain::redirecting(302, format!("http://localhost:{port}/"));
    world.run(&["get", &app.url("/"), "-L"]).done().expect_code(0);
    assert!(app.seen()[0].header("authorization").is_some());
    assert_eq!(elsewhere.seen()[0].header("authorization"), None);
}

#[test]
fn a_relative_redirect_starts_from_where_it_was_met() {
    let world = World::signed_in();
    let other = Plain::answering(|count, _| match count {
        0 => empty("302", "location: two\r\n"),
        1 => empty("302", "location: /three\r\n"),
        _ => empty("200", ""),
    });
    let app = Plain::redirecting(302, other.url("/deep/one"));
    world.run(&["get", &app.url("/deeper/still/"), "-L"]).done().expect_code(0);
    let lines: Vec<String> = other.seen().into_iter().map(|seen| seen.line).collect();
    assert_eq!(lines, ["GET /deep/one", "GET /deep/two", "GET /three"]);
    assert_eq!(app.seen().len(), 1);
    assert!(other.seen().iter().all(|seen| seen.header("authorization").is_none()));
}

#[test]
fn methods_change_as_browsers_have_it() {
    let world = World::signed_in();
    for (status, command, method, body) in [
        (301, "post", "GET", ""),
        (302, "post", "GET", ""),
        (303, "post", "GET", ""),
        (307, "post", "POST", "data"),
        (308, "post", "POST", "data"),
        (302, "put", "PUT", "data"),
        (303, "put", "GET", ""),
    ] {
        let app = Plain::answering(move |count, _| match count {
            0 => empty(&status.to_string(), "location: /next\r\n"),
            _ => empty("200", ""),
        });
        world.run(&[command, &app.url("/"), "-L", "-d", "data"]).done().expect_code(0);
        let seen = &app.seen()[1];
        assert_eq!(
            (seen.line.as_str(), seen.body.as_slice()),
            (&*format!("{method} /next"), body.as_bytes()),
            "{status}"
        );
        assert_eq!(seen.header("content-type").is_some(), !body.is_empty());
        assert!(seen.header("authorization").is_some());
    }
}

#[test]
fn a_large_upload_is_redirected_to_a_page_and_not_sent_twice() {
    let world = World::signed_in();
    let large = format!("@{}", world.home.file("large", vec![b'l'; 2 << 20]).display());
    for (status, code, requests) in [("303", 0, 2), ("307", 3, 1)] {
        let app = Plain::answering(move |count, _| match count {
            0 => empty(status, "location: /done\r\n"),
            _ => empty("200", ""),
        });
        world.done(&["post", &app.url("/"), "-L", "-d", &large]).expect_code(code);
        assert_eq!(app.seen().len(), requests, "{status}");
    }
}

#[test]
fn fifty_are_followed_and_no_more() {
    let world = World::signed_in();
    let app = Plain::redirecting(302, "/again");
    let done = world.run(&["get", &app.url("/"), "-L"]).done().expect_code(6);
    assert!(done.stderr.contains("more than 50 times") && done.stdout.is_empty(), "{}", done.stderr);
    assert_eq!(app.seen().len(), 51);

    let app = Plain::answering(|count, _| match count {
        0..50 => empty("302", "location: /again\r\n"),
        _ => empty("200", ""),
    });
    world.run(&["get", &app.url("/"), "-L"]).done().expect_code(0);
}

#[test]
fn where_a_redirect_leads_nowhere_the_answer_is_delivered() {
    let world = World::signed_in();
    for location in ["", "location: ftp://h/x\r\n", "location: http://h.example/plain\r\n", "location: http://[\r\n"] {
        let app = Plain::saying("302", location, "body");
        let done = world.run(&["get", &app.url("/"), "-L"]).done().expect_code(3);
        assert!(done.stdout.is_empty());
        assert_eq!(app.seen().len(), 1, "{location}");
    }
}

#[test]
fn a_stranger_cannot_ask_for_claims() {
    let world = World::signed_in();
    let challenge = "www-authenticate: Bearer error=\"insufficient_claims\", claims=\"e30=\"\r\n";
    let other = Plain::saying("401", challenge, "");
    let app = Plain::redirecting(302, other.url("/"));
    world.run(&["get", &app.url("/"), "-L"]).done().expect_code(4);
    assert_eq!((other.seen().len(), world.refreshes()), (1, 0));
}

fn empty(status: &str, headers: &str) -> Vec<u8> {
    reply(status, headers, "")
}
