//! What becomes of the heads of requests and answers.

use entrada_forwarder::PathSecret;

use crate::support::{App, Local, World};

#[test]
fn a_request_gets_the_bearer_and_the_apps_host() {
    let world = World::new();
    let local = world.forwarder();
    let answer =
        local.connect().ask("POST", "/echo?a=b%20c&d", "authorization: Basic eA==\r\nx-mine: 1\r\n", b"the body");
    let answer = answer.expect(200).says(r#""body":"the body""#).says(r#""x-mine":"1""#);
    assert!(
        answer.text().contains(r#""path":"/echo""#) && answer.text().contains(r#"["a","b c"]"#),
        "{}",
        answer.text()
    );
    let seen = world.stage.requests_at(entrada_authority::Endpoint::Proxy);
    assert_eq!(seen.len(), 1);
    let token = world.stage.issued().pop().unwrap().access_token;
    assert_eq!(seen[0].bearer(), Some(token.as_str()));
    let host = world.stage.external_url().trim_start_matches("http://").trim_end_matches('/').to_owned();
    assert_eq!(seen[0].header("host"), Some(host.as_str()));
    assert_eq!(world.stage.requests().len(), 2, "the proxy and the app, and no word to the authority");
    assert_eq!((local.counts.requests(), local.counts.bytes_up(), local.counts.errors()), (1, 8, 0));
    assert_eq!(local.counts.bytes_down(), answer.body.len() as u64);
}

#[test]
fn what_belongs_to_one_connection_stays_there() {
    let world = World::new();
    let app = App::saying(
        "connection: X-Gone\r\nx-gone: 1\r\nkeep-alive: timeout=9\r\nproxy-authenticate: Basic\r\nx-stays: 2\r\n",
    );
    let local = world.forwarder_to(&app);
    let headers = "connection: keep-alive, X-Hop\r\nx-hop: 1\r\nkeep-alive: timeout=5\r\nproxy-connection: keep-alive\r\n\
                   proxy-authorization: Basic eA==\r\nte: gzip\r\nx-entrada-secret: none\r\nhttp2-settings: AA\r\nx-end: 2\r\n";
    let answer = local.connect().ask("GET", "/", headers, b"").expect(200);
    for gone in ["x-gone", "keep-alive", "proxy-authenticate", "connection"] {
        assert_eq!(answer.header(gone), None, "{gone}");
    }
    assert_eq!(answer.header("x-stays"), Some("2"));
    let head = app.heads().pop().unwrap().to_lowercase();
    for gone in ["x-hop", "keep-alive", "proxy-", "te:", "secret", "http2", "connection"] {
        assert!(!head.contains(gone), "{gone} in {head}");
    }
    assert!(head.contains("x-end: 2") && head.starts_with("get / http/1.1\r\n"), "{head}");
    assert_eq!(head.matches("\r\nhost: ").count(), 1);
}

#[test]
fn what_names_the_app_in_an_answer_becomes_local() {
    let world = World::new();
    let app = App::doing(|mut visit| {
        let Some(head) = visit.head() else { return };
        let host = head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned();
        visit.say(format!(
            "HTTP/1.1 302 Found\r\ncontent-length: 0\r\nlocation: http://{host}/new?x=1\r\ncontent-location: /made/1\r\n\
             refresh: 3; url=http://{host}/r\r\nlink: <http://{host}/p?n=2>; rel=next, <https://else.example/>; rel=help\r\n\
             set-cookie: a=1; Domain=127.0.0.1; Secure; Path=/x; SameSite=None\r\nset-cookie: __Host-b=2; Secure; Path=/\r\n\
             set-cookie: c=3; Domain=else.example; Secure\r\nset-cookie: AzureAppProxyAccessCookie_1_1.0=secret; Secure\r\n\
             set-cookie: d=é; Secure\r\n\r\n"
        ));
    });
    let local = world.forwarder_to(&app);
    let answer = local.get("/").expect(302);
    let here = format!("http://{}", local.host());
    assert_eq!(answer.header("location").unwrap(), format!("{here}/new?x=1"));
    assert_eq!(answer.header("content-location"), Some("/made/1"));
    assert_eq!(answer.header("refresh").unwrap(), format!("3; url={here}/r"));
    assert_eq!(answer.header("link").unwrap(), format!("<{here}/p?n=2>; rel=next, <https://else.example/>; rel=help"));
    let cookies = ["a=1; Path=/x", "entrada-host-b=2; Path=/", "c=3; Domain=else.example; Secure", "d=é"];
    assert_eq!(answer.all("set-cookie"), cookies);

    let secret = PathSecret::random().unwrap();
    let local = Local::start(world.builder_to(&app).secret(secret.clone()));
    let answer = local.get(&format!("/{}/", secret.expose())).expect(302);
    let prefix = format!("/{}", secret.expose());
    assert_eq!(answer.header("location").unwrap(), format!("http://{}{prefix}/new?x=1", local.host()));
    assert_eq!(answer.header("content-location").unwrap(), format!("{prefix}/made/1"));
    assert_eq!(
        answer.all("set-cookie")[..2],
        [format!("a=1; Path={prefix}/x"), format!("entrada-host-b=2; Path={prefix}/")]
    );
}

#[test]
fn what_names_the_local_address_in_a_request_names_the_app() {
    let world = World::new();
    let app = App::saying("");
    let local = world.forwarder_to(&app);
    let here = format!("http://{}", local.host());
    let headers = format!(
        "origin: {here}\r\nreferer: {here}/page?q\r\ndestination: {here}/moved\r\ncookie: a=1; entrada-host-b=2\r\n\
         sec-fetch-site: same-origin\r\n"
    );
    local.connect().ask("GET", "/", &headers, b"").expect(200);
    let head = app.heads().pop().unwrap().to_lowercase();
    let there = app.url("");
    for line in [
        format!("origin: {there}\r\n"),
        format!("referer: {there}/page?q\r\n"),
        format!("destination: {there}/moved\r\n"),
        "cookie: a=1; __host-b=2\r\n".to_owned(),
    ] {
        assert!(head.contains(&line), "no {line} in {head}");
    }
}

#[test]
fn the_secret_is_wanted_and_does_not_reach_the_app() {
    let world = World::new();
    let app = App::saying("");
    let secret = PathSecret::random().unwrap();
    let local = Local::start(world.builder_to(&app).secret(secret.clone()));
    assert!(local.url.ends_with(secret.expose()));
    local.get("/").expect(403).says("secret");
    assert_eq!(app.connections(), 0);
    let by_header = format!("x-entrada-secret: {}\r\n", secret.expose());
    let (path, other_name) = (format!("/{}", secret.expose()), local.url.replace("127.0.0.1", "localhost"));
    // By whichever name and way a client has come, what it says of where it was may be of another one.
    for base in [local.url.as_str(), &other_name, &other_name.to_uppercase().replace(&path.to_uppercase(), &path)] {
        let locked = format!("if: <{base}/new> (<urn:uuid:1> [\"a\"]) (Not <DAV:no-lock>)");
        let headers = format!("referer: {base}/page?né\r\ndestination: {base}/new\r\n{locked}\r\n");
        local.connect().ask("GET", &format!("{path}/a?b"), &headers, b"").expect(200);
        local.connect().ask("GET", "/a?b", &(headers + &by_header), b"").expect(200);
    }
    let there = app.url("");
    for head in app.heads() {
        assert!(head.starts_with("GET /a?b HTTP/1.1\r\n") && !head.contains(secret.expose()), "{head}");
        assert!(head.contains(&format!("\r\nreferer: {there}/page?né\r\ndestination: {there}/new\r\n")), "{head}");
        assert!(
            head.contains(&format!("\r\nif: <{there}/new> (<urn:uuid:1> [\"a\"]) (Not <DAV:no-lock>)\r\n")),
            "{head}"
        );
    }
    assert_eq!(app.heads().len(), 6);
    local.connect().ask("GET", &format!("{path}/a?b"), &format!("destination: {path}/new\r\n"), b"").expect(200);
    assert!(app.heads()[6].contains("\r\ndestination: /new\r\n"), "{:?}", app.heads()[6]);
    let mut unreadable = format!("GET {path}/a HTTP/1.1\r\nhost: {}\r\nreferer: ", local.host()).into_bytes();
    unreadable.extend([local.url.as_bytes(), b"/\xe9\r\n\r\n"].concat());
    let mut client = local.connect();
    client.write(&unreadable);
    client.answer("GET").expect(200);
    assert!(!app.heads()[7].contains("referer"), "{:?}", app.heads()[7]);
}

#[test]
fn connections_are_kept_on_both_sides() {
    let world = World::new();
    let app = App::saying("");
    let local = world.forwarder_to(&app);
    let mut client = local.connect();
    for _ in 0..5 {
        client.get("/").expect(200);
    }
    local.get("/").expect(200);
    assert_eq!((app.connections(), app.heads().len()), (1, 6));
}
