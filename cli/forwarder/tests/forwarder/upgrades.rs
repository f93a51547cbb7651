//! Connections that leave HTTP.

use entrada_forwarder::{Limits, Listen};

use crate::support::{App, Client, Local, World};

const WEBSOCKET: &str = "connection: keep-alive, Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
                         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

#[test]
fn a_websocket_goes_through_with_the_bearer() {
    let world = World::new();
    let local = world.forwarder();
    let mut client = local.connect();
    client.send_head("GET", "/ws", WEBSOCKET, 0);
    let (status, headers) = client.head();
    assert_eq!(status, 101, "{headers:?}");
    let header = |name: &str| headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    assert_eq!(header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert_eq!(header("upgrade"), Some("websocket"));
    for text in ["hello", "again"] {
        assert_eq!(echoed(&mut client, text.as_bytes()), text.as_bytes());
    }
    let long = vec![b'x'; 60_000];
    assert_eq!(echoed(&mut client, &long), long);
    assert!(local.counts.bytes_up() > 60_000 && local.counts.bytes_down() > 60_000);
    assert_eq!(local.counts.open(), 1);
    client.write(&[0x88, 0x80, 0, 0, 0, 0]);
    assert_eq!(client.rest(), [0x88, 0]);
}

#[test]
fn a_tunnel_is_a_connection_until_it_ends() {
    let world = World::new();
    let mut limits = Limits::default();
    limits.connections = 1;
    let local = Local::start(world.builder().publish(world.published(), Listen::default()).limits(limits));
    let mut tunnel = local.connect();
    tunnel.send_head("GET", "/ws", WEBSOCKET, 0);
    assert_eq!(tunnel.head().0, 101);
    let mut waiting = local.connect();
    waiting.send_head("GET", "/api/me", "", 0);
    for _ in 0..50 {
        echoed(&mut tunnel, b"more");
    }
    assert_eq!(local.counts.requests(), 1);
    drop(tunnel);
    waiting.answer("GET").expect(200);
}

fn echoed(client: &mut Client, payload: &[u8]) -> Vec<u8> {
    let mask = [1, 2, 3, 4];
    let mut frame = vec![0x82];
    match u8::try_from(payload.len()) {
        Ok(short) if short < 126 => frame.push(0x80 | short),
        _ => {
            frame.push(0x80 | 126);
            frame.extend((payload.len() as u16).to_be_bytes());
        }
    }
    frame.extend(mask);
    frame.extend(payload.iter().enumerate().map(|(at, byte)| byte ^ mask[at % 4]));
    client.write(&frame);
    let head = client.read_exact(if payload.len() < 126 { 2 } else { 4 });
    assert_eq!(head[0], 0x82);
    client.read_exact(payload.len())
}

#[test]
fn an_upgrade_that_is_declined_is_an_answer_like_any_other() {
    let world = World::new();
    let app = App::saying("");
    let local = world.forwarder_to(&app);
    let mut client = local.connect();
    assert_eq!(client.ask("GET", "/", WEBSOCKET, b"").expect(200).text(), "ok");
    client.get("/").expect(200);
    let heads = app.heads();
    assert!(heads[0].contains("upgrade: websocket") && !heads[1].contains("pgrade"), "{heads:?}");
}

#[test]
fn http_2_is_not_offered_to_the_app() {
    let world = World::new();
    let app = App::saying("");
    let local = world.forwarder_to(&app);
    let headers = "connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n";
    local.connect().ask("GET", "/", headers, b"").expect(200);
    let head = app.heads().pop().unwrap().to_lowercase();
    assert!(!head.contains("upgrade") && !head.contains("http2"), "{head}");
}

#[test]
fn a_change_of_protocol_that_nobody_asked_for_is_not_handed_on() {
    let world = World::new();
    let app = App::doing(|mut visit| {
        visit.head();
        visit.say("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n");
        visit.head();
    });
    let local = world.forwarder_to(&app);
    local.get("/").expect(502);
}
