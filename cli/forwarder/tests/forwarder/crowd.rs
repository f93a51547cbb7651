//! Many at once, and some that want more than their share.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use entrada_authority::Endpoint;
use entrada_forwarder::{Limits, raise_open_files};

use crate::support::{App, Local, World, until};

#[test]
fn a_thousand_parallel_connections_are_all_answered() {
    const CROWD: usize = 1000;
    // Each has six ends in this process: client, forwarder, proxy and app.
    assert!(raise_open_files() >= 8 * CROWD as u64, "this system does not allow that many open files");
    let world = World::new();
    let local = world.forwarder();
    let all_connected = Barrier::new(20);
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                let mut clients: Vec<_> = (0..CROWD / 20).map(|_| local.connect()).collect();
                all_connected.wait();
                for client in &mut clients {
                    client.send_head("GET", "/slow/200", "", 0);
                }
                for client in &mut clients {
                    client.answer("GET").expect(200).says("200");
                }
                for client in &mut clients {
                    client.get("/api/me").expect(200);
                }
            });
        }
    });
    assert_eq!((local.counts.requests(), local.counts.errors()), (2 * CROWD as u64, 0));
    assert_eq!(world.stage.count(Endpoint::Token, ""), 0, "the one token did for all");
}

#[test]
fn whoever_asks_without_a_pause_keeps_neither_others_waiting_nor_the_end() {
    let world = World::new();
    let app = App::doing(|mut visit| {
        let endless = vec![b'x'; 1 << 20];
        while let Some(head) = visit.head() {
            if head.starts_with("get /small ") {
                visit.say("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
                continue;
            }
            visit.say("HTTP/1.1 200 OK\r\ncontent-length: 999999999999\r\n\r\n");
            while visit.wire.get_mut().write_all(&endless).is_ok() {}
        }
    });
    let mut limits = Limits::default();
    limits.ending = Duration::from_millis(200);
    let local = Local::start(world.builder_to(&app).limits(limits).threads(1));
    let taken = AtomicU64::new(0);
    let take = |mut stream: TcpStream| {
        let mut bytes = vec![0; 1 << 20];
        while let Ok(count @ 1..) = stream.read(&mut bytes) {
            taken.fetch_add(count as u64, Ordering::Relaxed);
        }
    };
    std::thread::scope(|scope| {
        for first in ["GET /endless", "GET /endless", "POST /refused"] {
            let stream = TcpStream::connect(("127.0.0.1", local.port)).unwrap();
            let mut asking = stream.try_clone().unwrap();
            let host = if first.starts_with("GET") { local.host() } else { "foreign".to_owned() };
            scope.spawn(move || take(stream));
            // The first is answered without end; the last is refused each time, as often as it asks.
            scope.spawn(move || {
                let requests = format!("{first} HTTP/1.1\r\nhost: {host}\r\n\r\n").repeat(1000);
                while asking.write_all(requests.as_bytes()).is_ok() {}
            });
        }
        until(|| taken.load(Ordering::Relaxed) > 64 << 20 && local.counts.requests() > 1000);
        let (mut client, begun) = (local.connect(), Instant::now());
        for _ in 0..5 {
            client.get("/small").expect(200);
        }
        local.ended();
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    });
}
