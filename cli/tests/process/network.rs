//! Networks: late answers, nobody there, TLS, proxies of the environment.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use entrada_authority::Stage;

use crate::support::*;

#[test]
fn an_app_that_is_late_is_given_up() {
    let world = World::signed_in();
    let since = Instant::now();
    world.get("slow/20000", &["--timeout", "1"]).expect_code(7).says("did not answer within 1 s");
    assert!(since.elapsed() < Duration::from_secs(10));
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", nobody.local_addr().unwrap());
    world.done(&["get", &url, "--timeout", "1"]).expect_code(7);
    world.get("slow/10", &["--timeout", "30"]).expect_code(0);
    // The same for the request by which an app is found out about, and which is the first one of all.
    let unknown = Home::with(&[("ENTRADA_CLIENT_ID", world.stage.client_id())]);
    unknown.run(&["get", &url, "--timeout", "1"]).done().expect_code(7).says("did not answer within 1 s");
}

#[test]
fn nobody_there_is_told() {
    let world = World::signed_in();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let app = world.done(&["get", &format!("http://{free}/")]).expect_code(7);
    assert!(app.stderr.contains(&format!("{free}")) && app.stderr.contains("the app"), "{}", app.stderr);
    let gone = Plain::answering(|_, _| Vec::new());
    world.done(&["get", &gone.url("/")]).expect_code(7);

    let authority = format!("http://{free}/t");
    let login = world.done(&["login", "--flow", "device", "--authority", &authority]).expect_code(7);
    assert!(login.stderr.contains("the authority"), "{}", login.stderr);
    world.done(&["get", "https://nowhere.invalid/"]).expect_code(7).says("nowhere.invalid");
}

#[test]
fn a_certificate_must_be_trusted_and_can_be() {
    let world = World::with(Stage::builder().https(true));
    let ca = world.home.file("ca.pem", world.stage.ca_pem().unwrap()).display().to_string();
    world.done(&["login", "--flow", "device"]).expect_code(7).says("certificate");
    world.sign_in_with(&["--ca", &ca]);
    let url = world.url("api/me");
    let untrusted = world.done(&["get", &url, "--json-errors"]).expect_code(7);
    assert_eq!(untrusted.json_error()["kind"], "tls");
    assert_eq!(world.done(&["get", &url, "--ca", &ca]).expect_code(0).json()["name"], "Ada Lovelace");
    let by_variable = |name: &str| world.run(&["get", &url]).var(name, &ca).done();
    by_variable("ENTRADA_CA").expect_code(0);
    by_variable("SSL_CERT_FILE").expect_code(0);
    assert_eq!(world.done(&["get", &url, "--retry", "3"]).expect_code(7).stderr.lines().count(), 1, "it does not pass");

    for (content, word) in
        [("", "no certificate"), ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "cannot be used")]
    {
        let bad = world.home.file("bad.pem", content).display().to_string();
        world.done(&["get", &url, "--ca", &bad]).expect_code(15).says(word).says("bad.pem");
    }
    world.done(&["get", &url, "--ca", "/nowhere/at/all"]).expect_code(15).says("/nowhere/at/all");
}

#[test]
fn a_name_that_the_certificate_has_not_is_refused() {
    let world = World::with(Stage::builder().https(true));
    let ca = world.home.file("ca.pem", world.stage.ca_pem().unwrap()).display().to_string();
    world.sign_in_with(&["--ca", &ca]);
    let url = world.url("api/me").replace("127.0.0.1", "127.0.0.2");
    world.done(&["get", &url, "--ca", &ca]).expect_code(7);
    let url = world.url("api/me").replace("127.0.0.1", "localhost");
    world.done(&["get", &url, "--ca", &ca]).expect_code(0);
}

#[test]
fn the_environments_proxy_is_taken_and_its_exceptions_too() {
    let world = World::signed_in();
    let proxy = Plain::saying("403", "", "");
    let run = |name: &str| world.run(&["get", "https://hr.example/x"]).var(name, proxy.url(""));
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        run(name).done().expect_code(7).says("the proxy does not allow it (status 403)");
    }
    let seen = proxy.seen();
    assert_eq!(seen.len(), 3);
    for request in &seen {
        assert_eq!(request.line, "CONNECT hr.example:443");
        assert_eq!(request.header("authorization"), None);
    }
    run("HTTPS_PROXY").var("NO_PROXY", "hr.example").done().expect_code(7);
    // Loopback is reached without one.
    world.run(&["get", &world.url("api/me")]).var("HTTP_PROXY", proxy.url("")).done().expect_code(0);
    assert_eq!(proxy.seen().len(), 3);

    let bad = world.run(&["get", "https://hr.example/"]).var("HTTPS_PROXY", "gopher://me:S3CRET@p").done();
    assert!(bad.stderr.contains("HTTPS_PROXY") && !bad.stderr.contains("S3CRET"), "{}", bad.stderr);
}
