//! async-std's clock and executor behind the ports.

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use entrada_core::UnixTime;
use entrada_core::ports::asynchronous::{Clock, Runtime};
use entrada_surf::{AsyncStd, SurfTransport};

#[test]
fn a_task_runs_though_nobody_awaits_it() {
    let (done, is_done) = channel();
    let runtime: &dyn Runtime = &AsyncStd;
    runtime.spawn(Box::pin(async move { done.send(()).unwrap() }));
    is_done.recv_timeout(Duration::from_secs(20)).unwrap();
}

#[test]
fn the_clock_is_the_systems_and_sleeps() {
    let before = UnixTime::now();
    assert!((before..=UnixTime::now()).contains(&AsyncStd.now()));
    let begin = Instant::now();
    async_std::task::block_on(AsyncStd.sleep(Duration::from_millis(20)));
    assert!(begin.elapsed() >= Duration::from_millis(20));
}

#[test]
fn debug_tells_nothing() {
    assert_eq!(format!("{:?}", SurfTransport::new()), "SurfTransport { .. }");
}
