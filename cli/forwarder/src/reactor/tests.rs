//! Sockets whose other end is the system's own, and threads that wake each other.

use std::future::{Future, poll_fn};
use std::io::Write as _;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::pin::pin;
use std::sync::atomic::AtomicU32;
use std::sync::mpsc;
use std::task::Waker;
use std::thread;
use std::time::Instant;

use futures::io::AsyncReadExt as _;

use super::*;
use crate::socket::Socket;

/// More than anything takes here, on a computer that others keep busy.
const PATIENCE: Duration = Duration::from_secs(10);

fn reactor() -> Arc<Reactor> {
    Arc::new(Reactor::new().unwrap())
}

/// Both ends of a connection.
fn pair() -> (mio::net::TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let other = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (one, _) = listener.accept().unwrap();
    one.set_nonblocking(true).unwrap();
    (mio::net::TcpStream::from_std(one), other)
}

/// Waits with this reactor until that is done.
fn run<T>(reactor: &Arc<Reactor>, work: impl Future<Output = T>) -> T {
    let (waker, mut work, since) = (Waker::from(reactor.bell()), pin!(work), Instant::now());
    let (done, is_done) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            if is_done.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
                reactor.bell.waker.wake().unwrap();
            }
        });
        reactor.enter(|| {
            let _done = done;
            loop {
                if let Poll::Ready(done) = work.as_mut().poll(&mut Context::from_waker(&waker)) {
                    return done;
                }
                reactor.wait(false).unwrap();
                assert!(since.elapsed() < PATIENCE, "nothing comes of it");
            }
        })
    })
}

/// It waits with this reactor until something comes, and reads that.
#[track_caller]
fn hears(reactor: &Arc<Reactor>, socket: &mut Socket<mio::net::TcpStream>, other: &mut TcpStream) {
    let mut buffer = [0; 4];
    let mut reading = Box::pin(socket.read(&mut buffer));
    let polled = reactor.enter(|| reading.as_mut().poll(&mut Context::from_waker(Waker::noop())));
    assert!(polled.is_pending());
    other.write_all(b"more").unwrap();
    assert_eq!(run(reactor, reading).unwrap(), 4);
}

#[test]
fn an_end_that_came_along_with_the_last_bytes_is_found() {
    let (reactor, (stream, mut other)) = (reactor(), pair());
    let mut socket = Socket::new(Watched::new(stream, &reactor).unwrap());
    let mut buffer = [0; 64];
    // It waits already, so that what comes is told once and together.
    let mut first = Box::pin(async {
        let count = socket.read(&mut buffer).await.unwrap();
        (count, socket.read(&mut buffer).await.unwrap())
    });
    assert!(first.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    other.write_all(b"the end").unwrap();
    other.shutdown(Shutdown::Both).unwrap();
    assert_eq!(run(&reactor, first), (7, 0));
}

#[test]
fn a_socket_follows_the_thread_that_reads_it() {
    let (before, after, (stream, mut other)) = (reactor(), reactor(), pair());
    let mut socket = Socket::new(Watched::new(stream, &before).unwrap());
    for (reactor, other_reactor) in [(&before, &after), (&after, &before), (&before, &after)] {
        hears(reactor, &mut socket, &mut other);
        assert_eq!((reactor.sockets().len(), other_reactor.sockets().len()), (1, 0));
    }
    drop(socket);
    assert_eq!((before.sockets().len(), after.sockets().len()), (0, 0));
}

#[test]
fn what_came_before_a_socket_followed_is_not_lost() {
    let (before, after, (stream, mut other)) = (reactor(), reactor(), pair());
    let mut socket = Socket::new(Watched::new(stream, &before).unwrap());
    let mut buffer = [0; 4];
    let mut reading = Box::pin(socket.read(&mut buffer));
    let polled = before.enter(|| reading.as_mut().poll(&mut Context::from_waker(Waker::noop())));
    assert!(polled.is_pending());
    // The reactor before never waits again.
    other.write_all(b"more").unwrap();
    assert_eq!(run(&after, reading).unwrap(), 4);
}

#[test]
fn an_end_that_was_anothers_does_not_keep_the_thread_busy() {
    let (reactor, (stream, mut other)) = (reactor(), pair());
    let mut socket = Socket::new(Watched::new(stream, &reactor).unwrap());
    // An event of another socket that had this one's key a moment ago.
    for (_, known) in reactor.sockets().iter() {
        known.has_ended.store(true, Ordering::Release);
        known.read.change();
    }
    hears(&reactor, &mut socket, &mut other);
}

#[test]
fn an_end_that_its_thread_has_not_heard_of_is_found_by_another() {
    let (before, after, (stream, other)) = (reactor(), reactor(), pair());
    let mut socket = Socket::new(Watched::new(stream, &before).unwrap());
    let mut buffer = [0; 4];
    let noop = &mut Context::from_waker(Waker::noop());
    assert!(before.enter(|| pin!(socket.read(&mut buffer)).poll(noop)).is_pending());
    drop(other);
    // Whoever takes a kept connection polls it once, to see whether it is open.
    assert!(matches!(after.enter(|| pin!(socket.read(&mut buffer)).poll(noop)), Poll::Ready(Ok(0))));
}

#[test]
fn a_key_is_given_back_once() {
    let (reactor, (first, _other), (second, mut other)) = (reactor(), pair(), pair());
    let mut forgotten = Watched::new(first, &reactor).unwrap();
    reactor.forget(&mut forgotten.io, forgotten.key, &forgotten.readiness).unwrap();
    let mut socket = Socket::new(Watched::new(second, &reactor).unwrap());
    drop(forgotten);
    assert_eq!(reactor.sockets().len(), 1);
    hears(&reactor, &mut socket, &mut other);
}

#[test]
fn no_ring_is_lost_however_it_meets_the_sleep() {
    const TIME: Duration = Duration::from_millis(300);
    let (reactor, told, seen) = (reactor(), AtomicU32::new(0), AtomicU32::new(0));
    let (bell, is_over) = (Waker::from(reactor.bell()), AtomicBool::new(false));
    let tell = || {
        let begun = Instant::now();
        for turn in 1.. {
            told.store(turn, Ordering::Release);
            bell.wake_by_ref();
            let since = Instant::now();
            while seen.load(Ordering::Acquire) != turn {
                if since.elapsed() > PATIENCE {
                    return Some(turn);
                }
                thread::yield_now();
            }
            // Now and then it comes right as the other falls asleep.
            (0..turn % 997).for_each(|_| std::hint::spin_loop());
            if begun.elapsed() > TIME {
                break;
            }
        }
        None
    };
    let lost = thread::scope(|scope| {
        let telling = scope.spawn(|| {
            let lost = tell();
            is_over.store(true, Ordering::Release);
            reactor.bell.waker.wake().unwrap();
            lost
        });
        while !is_over.load(Ordering::Acquire) {
            seen.store(told.load(Ordering::Acquire), Ordering::Release);
            reactor.wait(false).unwrap();
        }
        telling.join().unwrap()
    });
    assert_eq!(lost, None, "the ring of that turn");
}

#[test]
fn whoever_has_more_to_do_does_not_fall_asleep() {
    let (reactor, since) = (reactor(), Instant::now());
    reactor.wait(true).unwrap();
    reactor.bell().wake();
    reactor.wait(false).unwrap();
    assert!(since.elapsed() < PATIENCE);
}

#[test]
fn who_is_woken_may_wait_again_at_once() {
    let (reactor, (stream, _other)) = (reactor(), pair());
    let watched = Watched::new(stream, &reactor).unwrap();
    let mut looks = 0;
    // There is room for it from the beginning, and that is told once.
    run(&reactor, poll_fn(|context| watched.poll_writable(context)));
    let again = poll_fn(|context| {
        looks += 1;
        if looks == 3 {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        watched.poll_writable(context)
    });
    run(&reactor, again);
    assert_eq!(looks, 3);
}
