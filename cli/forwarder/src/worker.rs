//! The forwarder's threads, each with its own connections.
//!
//! What belongs to one connection is done by one thread, from the client's first byte to the app's last one, so that no
//! request has to rouse another.

use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use smol::Executor;

use crate::reactor::Reactor;

/// What one thread does.
pub(crate) struct Worker {
    /// Its place among the workers.
    pub(crate) number: usize,
    pub(crate) reactor: Arc<Reactor>,
    executor: Executor<'static>,
    /// How many it serves.
    connections: Arc<AtomicUsize>,
}

thread_local! {
    /// The worker whose thread this is.
    static CURRENT: RefCell<Option<Arc<Worker>>> = const { RefCell::new(None) };
}

/// How many tasks have their turn before the sockets are looked at.
const TURNS: usize = 32;

impl Worker {
    pub(crate) fn new(number: usize) -> io::Result<Self> {
        let (reactor, executor) = (Arc::new(Reactor::new()?), Executor::new());
        Ok(Self { number, reactor, executor, connections: Arc::default() })
    }

    /// The worker on whose thread this is called.
    pub(crate) fn current() -> Option<Arc<Self>> {
        CURRENT.with_borrow(Clone::clone)
    }

    /// Has that done beside all else, for as long as it works.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.executor.spawn(work).detach();
    }

    /// Works on this thread until that is done.
    ///
    /// # Errors
    ///
    /// Where the system does not let it wait.
    pub(crate) fn run<T>(self: &Arc<Self>, until: impl Future<Output = T>) -> io::Result<T> {
        let before = CURRENT.replace(Some(Arc::clone(self)));
        let done = self.reactor.enter(|| self.work(until));
        CURRENT.set(before);
        done
    }

    fn work<T>(&self, until: impl Future<Output = T>) -> io::Result<T> {
        let bell = Waker::from(self.reactor.bell());
        let context = &mut Context::from_waker(&bell);
        // Polled where it was woken, and not at every turn.
        let mut until = FuturesUnordered::from_iter([until]);
        let mut turn = pin!(self.executor.tick());
        loop {
            if let Poll::Ready(Some(done)) = until.poll_next_unpin(context) {
                return Ok(done);
            }
            let mut turns = 0;
            while turns < TURNS && turn.as_mut().poll(context).is_ready() {
                turn.set(self.executor.tick());
                turns += 1;
            }
            self.reactor.wait(turns == TURNS)?;
        }
    }
}

/// Has that done by the worker on whose thread this is called; without one it is not done.
pub(crate) fn spawn(work: impl Future<Output = ()> + Send + 'static) {
    if let Some(worker) = Worker::current() {
        worker.spawn(work);
    }
}

/// The one that serves the fewest connections; none where they have ended.
pub(crate) fn least_busy(workers: &[Weak<Worker>]) -> Option<Arc<Worker>> {
    workers.iter().filter_map(Weak::upgrade).min_by_key(|worker| worker.connections.load(Ordering::Relaxed))
}

/// One more connection that a worker serves, until this is dropped.
pub(crate) struct Load(Arc<AtomicUsize>);

impl Load {
    pub(crate) fn on(worker: &Worker) -> Self {
        worker.connections.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(&worker.connections))
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use futures::channel::oneshot;

    use super::*;

    #[test]
    fn work_is_done_on_its_workers_thread() {
        let workers = [0, 1].map(|number| Arc::new(Worker::new(number).unwrap()));
        let (tell, told) = oneshot::channel();
        let (done, over) = oneshot::channel::<()>();
        thread::scope(|scope| {
            let second = Arc::clone(&workers[1]);
            let runs = scope.spawn(move || second.run(over).unwrap());
            workers[1].spawn(async move {
                let outer = (Worker::current().unwrap().number, thread::current().id());
                spawn(async move {
                    let inner = (Worker::current().unwrap().number, thread::current().id());
                    tell.send([outer, inner]).unwrap();
                });
            });
            let [outer, inner] = workers[0].run(told).unwrap().unwrap();
            assert_eq!((outer, outer), (inner, (1, runs.thread().id())));
            done.send(()).unwrap();
            runs.join().unwrap().unwrap();
        });
        assert!(Worker::current().is_none());
    }

    #[test]
    fn what_is_never_done_lets_others_have_their_turn() {
        let worker = Arc::new(Worker::new(0).unwrap());
        worker.spawn(async {
            loop {
                smol::future::yield_now().await;
            }
        });
        let (tell, told) = oneshot::channel();
        let tells = thread::spawn(move || tell.send(7).unwrap());
        assert_eq!(worker.run(told).unwrap(), Ok(7));
        tells.join().unwrap();
    }

    #[test]
    fn what_takes_many_turns_comes_to_its_end() {
        let worker = Arc::new(Worker::new(0).unwrap());
        let (tell, told) = oneshot::channel();
        worker.spawn(async {
            for _ in 0..10 * TURNS {
                smol::future::yield_now().await;
            }
            tell.send(7).unwrap();
        });
        assert_eq!(worker.run(told).unwrap(), Ok(7));
    }

    #[test]
    fn work_ends_with_its_worker() {
        let worker = Arc::new(Worker::new(0).unwrap());
        let kept = Arc::new(());
        let of_work = Arc::clone(&kept);
        worker.spawn(async move {
            let _kept = of_work;
            std::future::pending::<()>().await;
        });
        worker.run(smol::future::yield_now()).unwrap();
        assert_eq!(Arc::strong_count(&kept), 2);
        drop(worker);
        assert_eq!(Arc::strong_count(&kept), 1);
    }

    #[test]
    fn a_connection_comes_to_the_least_busy_one() {
        let workers = [0, 1, 2].map(|number| Arc::new(Worker::new(number).unwrap()));
        let weak: Vec<_> = workers.iter().map(Arc::downgrade).collect();
        let next = || {
            let worker = least_busy(&weak).unwrap();
            (worker.number, Load::on(&worker))
        };
        let (first, second, third, fourth) = (next(), next(), next(), next());
        assert_eq!([first.0, second.0, third.0, fourth.0], [0, 1, 2, 0]);
        drop(third);
        assert_eq!(next().0, 2);
        drop((first, fourth));
        assert_eq!(next().0, 0);
        drop(workers);
        assert!(least_busy(&weak).is_none());
    }
}
