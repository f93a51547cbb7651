//! Many at once.

use std::sync::Barrier;

use entrada_authority::Endpoint;
use entrada_forwarder::raise_open_files;

use crate::support::World;

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
