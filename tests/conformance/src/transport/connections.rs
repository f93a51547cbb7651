//! Connections are kept, given up when the server says so, and used side by side.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::{Ground, get, page};

pub(super) fn suite(ground: &Ground<'_>) {
    a_connection_is_used_again(ground);
    a_closing_server_is_connected_to_again(ground);
    many_requests_go_side_by_side(ground);
    a_safe_request_survives_the_end_of_a_kept_connection(ground);
}

fn a_connection_is_used_again(ground: &Ground<'_>) {
    let server = ground.serve(|connection| {
        loop {
            let head = connection.head()?;
            if head.target().starts_with("/chunked") {
                connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")?;
            } else {
                connection.answer("200 OK", "ok")?;
            }
        }
    });
    let transport = ground.make();
    for path in ["/one", "/two", "/chunked", "/four", "/five"] {
        assert_eq!(page(&*transport, get(&server.url(path))).1, b"ok");
    }
    assert_eq!(server.connections(), 1);
}

fn a_closing_server_is_connected_to_again(ground: &Ground<'_>) {
    let server = ground.serve(|connection| {
        connection.head()?;
        connection.write("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
    });
    let transport = ground.make();
    for _ in 0..3 {
        assert_eq!(page(&*transport, get(&server.url("/"))).1, b"ok");
    }
    assert_eq!(server.connections(), 3);
}

fn many_requests_go_side_by_side(ground: &Ground<'_>) {
    const THREADS: usize = 8;
    // No answer is given before all requests are there: whoever sends one by one waits for ever.
    let all = Barrier::new(THREADS);
    let server = ground.serve(move |connection| {
        loop {
            let head = connection.head()?;
            if head.target().starts_with("/together") {
                all.wait();
            }
            let target = head.target().split('?').next().unwrap_or_default().to_owned();
            connection.answer("200 OK", target)?;
        }
    });
    let transport = ground.make();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (transport, server) = (&*transport, &server);
            scope.spawn(move || {
                for path in [format!("/together/{thread}"), format!("/a/{thread}"), format!("/b/{thread}")] {
                    assert_eq!(page(transport, get(&server.url(&path))).1, path.as_bytes());
                }
            });
        }
    });
    // Some clients begin a connection while another is still on its way back.
    assert!(server.connections() < 3 * THREADS, "{} connections", server.connections());
}

fn a_safe_request_survives_the_end_of_a_kept_connection(ground: &Ground<'_>) {
    let connections = AtomicUsize::new(0);
    let server = ground.serve(move |connection| {
        let is_first = connections.fetch_add(1, Ordering::SeqCst) == 0;
        connection.head()?;
        connection.answer("200 OK", "kept")?;
        // The first connection ends when the second request is under way.
        connection.head()?;
        if is_first { Ok(()) } else { connection.answer("200 OK", "kept") }
    });
    let transport = ground.make();
    for _ in 0..3 {
        assert_eq!(page(&*transport, get(&server.url("/"))).1, b"kept");
    }
    assert_eq!(server.connections(), 2);
}
