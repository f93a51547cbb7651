//! No thread outlives its listener. Alone in its process, as it counts the threads there.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use common::{connect, form_post, port, quiet, receive};
use entrada_core::Fault;
use entrada_core::ports::blocking::Browser;

fn threads() -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| fs::read_to_string(task.unwrap().path().join("comm")).ok());
    names.filter(|name| name.starts_with("entrada-")).count()
}

#[test]
fn threads_are_few_and_end_with_the_listener() {
    let browser = quiet().build().unwrap();
    let mut listener = browser.listen(&form_post()).unwrap();
    assert_eq!(threads(), 0, "nobody is let in before it is known what counts");
    let number = port(listener.listening());
    let mut guests: Vec<_> = (0..100).map(|_| connect(number)).collect();
    for guest in guests.iter_mut().skip(50) {
        guest.write_all(b"GET /").unwrap();
    }
    let canceller = browser.canceller();
    let user = thread::spawn(move || {
        thread::sleep(Duration::from_millis(500));
        let count = threads();
        let since = Instant::now();
        canceller.cancel();
        (count, since)
    });
    assert_eq!(listener.receive(&receive(common::LONG)).unwrap_err().fault(), Fault::Cancelled);
    let (count, since) = user.join().unwrap();
    assert!(since.elapsed() < Duration::from_millis(200), "cancelled at once: {:?}", since.elapsed());
    assert!((10..=33).contains(&count), "one that accepts, and no more than 32 that answer: {count}");

    let since = Instant::now();
    drop(listener);
    assert!(since.elapsed() < Duration::from_millis(500), "dropped at once: {:?}", since.elapsed());
    let deadline = Instant::now() + Duration::from_secs(1);
    while threads() > 0 && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(threads(), 0, "all threads are gone within a second");
    assert!(std::net::TcpStream::connect(("127.0.0.1", number)).is_err(), "the port is closed");
}
