//! Whoever is not let in leaves no trace at the app.

use crate::support::World;

#[test]
fn a_foreign_host_or_origin_is_refused_before_anything_is_sent() {
    let world = World::new();
    let local = world.forwarder();
    let host = local.host();
    let ask = |head: String| {
        let mut client = local.connect();
        client.write(head.as_bytes());
        client.answer("GET")
    };
    let with = |lines: &str| ask(format!("GET /echo HTTP/1.1\r\n{lines}\r\n"));
    for rebound in
        ["host: evil.example\r\n", &format!("host: evil.example:{}\r\n", local.port), "host: localhost\r\n", ""]
    {
        // Without a Host hyper itself has nothing against it.
        with(rebound).expect(421);
    }
    let foreign = [
        "origin: https://evil.example",
        "origin: null",
        "origin: http://127.0.0.1:1",
        "sec-fetch-site: cross-site",
        "sec-fetch-site: same-site",
    ];
    for header in foreign {
        let refused = with(&format!("host: {host}\r\n{header}\r\n")).expect(403);
        assert!(refused.headers.iter().all(|(name, _)| !name.starts_with("access-control-")), "{header}");
    }
    let preflight = format!(
        "OPTIONS /echo HTTP/1.1\r\nhost: {host}\r\norigin: https://evil.example\r\naccess-control-request-method: PUT\r\n\
         access-control-request-private-network: true\r\n\r\n"
    );
    let refused = ask(preflight).expect(403);
    assert!(refused.headers.iter().all(|(name, _)| !name.starts_with("access-control-")));
    ask(format!("GET http://evil.example/ HTTP/1.1\r\nhost: {host}\r\n\r\n")).expect(421);
    ask("CONNECT evil.example:443 HTTP/1.1\r\nhost: evil.example:443\r\n\r\n".to_owned()).expect(421);
    ask(format!("CONNECT {host} HTTP/1.1\r\nhost: {host}\r\n\r\n")).expect(405);
    let socket = format!(
        "GET /ws HTTP/1.1\r\nhost: {host}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\norigin: https://evil.example\r\n\r\n"
    );
    ask(socket).expect(403);
    assert!(world.stage.requests().is_empty(), "{:?}", world.stage.requests());

    ask(format!("GET /echo HTTP/1.1\r\nhost: localhost:{}\r\nsec-fetch-site: none\r\n\r\n", local.port)).expect(200);
}
