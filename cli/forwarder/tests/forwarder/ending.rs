//! Where it listens, and how it ends.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use entrada_forwarder::{Limits, Listen};

use crate::support::{App, Client, Local, World, until};

#[test]
fn what_is_under_way_is_finished_and_what_is_idle_is_closed() {
    let world = World::new();
    let mut local = world.forwarder();
    let mut idle = local.connect();
    idle.get("/api/me").expect(200);
    let mut busy = local.connect();
    busy.send_head("GET", "/slow/500", "", 0);
    until(|| local.counts.open() == 1);
    local.stop();
    assert_eq!(idle.rest(), b"");
    let answer = busy.answer("GET").expect(200);
    assert_eq!(answer.header("connection"), Some("close"));
    let port = local.port;
    local.ended();
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[test]
fn what_never_ends_is_not_waited_for_without_end() {
    let world = World::new();
    let app = App::doing(|mut visit| {
        visit.head();
        visit.say("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhe");
        visit.head();
    });
    let mut limits = Limits::default();
    limits.ending = Duration::from_millis(200);
    let local = Local::start(world.builder_to(&app).limits(limits));
    let mut client = local.connect();
    client.send_head("GET", "/", "", 0);
    client.head();
    let begun = Instant::now();
    local.ended();
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_eq!(client.rest(), b"he", "it is closed, though the process goes on");
}

#[test]
fn a_unix_socket_is_its_owners_alone_and_goes_with_the_forwarder() {
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    // A forwarder that was killed has left its socket.
    drop(UnixListener::bind(&path).unwrap());
    let listen = || world.builder().publish(world.published(), Listen::Unix(path.clone()));
    let local = Local::start(listen());
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    Client::connect_unix(&path).get("/api/me").expect(200);
    let in_use = listen().bind().unwrap_err();
    assert!(in_use.to_string().contains("app.sock cannot be listened at"), "{in_use}");
    local.ended();
    assert!(!path.exists());

    std::fs::write(&path, "a file").unwrap();
    assert!(listen().bind().is_err());
    assert_eq!(std::fs::read(&path).unwrap(), b"a file", "it is left alone");
}
