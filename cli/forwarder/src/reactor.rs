//! What the sockets of one thread wait for.
//!
//! smol's reactor serves all threads from one place, and has to be asked anew for every wait. This one is a thread's own and
//! is told once for each socket: the system says when something has changed, and a request costs no calls but those for its
//! bytes and for the wait.

use std::cell::RefCell;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake};
use std::time::Duration;

use futures::task::AtomicWaker;
use mio::event::{Event, Source};
use mio::{Events, Interest, Registry, Token};
use slab::Slab;

/// How many events are taken from the system at once.
const EVENTS: usize = 256;

/// Stands for no socket, but for the wish to be woken.
const WOKEN: Token = Token(usize::MAX);

/// One thread's sockets.
pub(crate) struct Reactor {
    poll: Mutex<(mio::Poll, Events)>,
    registry: Registry,
    sockets: Mutex<Slab<Arc<Readiness>>>,
    bell: Arc<Bell>,
}

/// Wakes the thread of a reactor, with a call to the system only where it sleeps.
pub(crate) struct Bell {
    state: AtomicU8,
    waker: mio::Waker,
}

thread_local! {
    /// The reactor that this thread waits with.
    static HERE: RefCell<Option<Arc<Reactor>>> = const { RefCell::new(None) };
}

const AT_WORK: u8 = 0;
const ASLEEP: u8 = 1;
const RUNG: u8 = 2;

/// What has become of one socket since that was looked at last.
#[derive(Default)]
struct Readiness {
    read: Side,
    write: Side,
    /// Nothing more will come: told once, along with the last bytes, and to be found after them.
    has_ended: AtomicBool,
}

#[derive(Default)]
struct Side {
    has_changed: AtomicBool,
    waker: AtomicWaker,
}

impl Reactor {
    pub(crate) fn new() -> io::Result<Self> {
        let poll = mio::Poll::new()?;
        let (registry, waker) = (poll.registry().try_clone()?, mio::Waker::new(poll.registry(), WOKEN)?);
        Ok(Self {
            poll: Mutex::new((poll, Events::with_capacity(EVENTS))),
            registry,
            sockets: Mutex::default(),
            bell: Arc::new(Bell { state: AtomicU8::new(AT_WORK), waker }),
        })
    }

    /// The one of this thread, where there is one.
    pub(crate) fn here() -> Option<Arc<Self>> {
        HERE.with_borrow(Clone::clone)
    }

    /// Makes it the one of this thread while it does that.
    pub(crate) fn enter<T>(self: &Arc<Self>, work: impl FnOnce() -> T) -> T {
        let before = HERE.replace(Some(Arc::clone(self)));
        let done = work();
        HERE.set(before);
        done
    }

    /// What wakes its thread.
    pub(crate) fn bell(&self) -> Arc<Bell> {
        Arc::clone(&self.bell)
    }

    /// Sleeps until something has changed or the bell was rung, and wakes who waits for what has changed. Afterwards all
    /// that may have been woken must be seen to.
    ///
    /// Where there is more to do, it only looks.
    pub(crate) fn wait(&self, has_more: bool) -> io::Result<()> {
        let mut poll = self.poll.lock().unwrap_or_else(PoisonError::into_inner);
        let (poll, events) = &mut *poll;
        let falls_asleep =
            !has_more && self.bell.state.compare_exchange(AT_WORK, ASLEEP, Ordering::AcqRel, Ordering::Acquire).is_ok();
        let polled = poll.poll(events, (!falls_asleep).then_some(Duration::ZERO));
        // Not stored, here and below: whatever was done before a ring that this takes away must be seen by what follows.
        self.bell.state.swap(AT_WORK, Ordering::AcqRel);
        match polled {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            polled => polled?,
        }
        for event in events.iter().filter(|event| event.token() != WOKEN) {
            let socket = self.sockets().get(event.token().0).cloned();
            if let Some(socket) = socket {
                socket.take_in(event);
            }
        }
        // Whoever was woken is seen to next, and needs no second look at what may have changed.
        self.bell.state.swap(AT_WORK, Ordering::AcqRel);
        Ok(())
    }

    fn watch(&self, io: &mut impl Source, readiness: &Arc<Readiness>) -> io::Result<usize> {
        let key = self.sockets().insert(Arc::clone(readiness));
        let registered = self.registry.register(io, Token(key), Interest::READABLE | Interest::WRITABLE);
        if registered.is_err() {
            self.sockets().remove(key);
        }
        registered.map(|()| key)
    }

    fn forget(&self, io: &mut impl Source, key: usize, readiness: &Arc<Readiness>) -> io::Result<()> {
        let forgotten = self.registry.deregister(io);
        let mut sockets = self.sockets();
        // It may be forgotten already, and the key another's.
        if sockets.get(key).is_some_and(|known| Arc::ptr_eq(known, readiness)) {
            sockets.remove(key);
        }
        forgotten
    }

    fn sockets(&self) -> MutexGuard<'_, Slab<Arc<Readiness>>> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.state.swap(RUNG, Ordering::AcqRel) == ASLEEP
            && let Err(error) = self.waker.wake()
        {
            tracing::error!(%error, "a thread cannot be woken");
        }
    }
}

impl Readiness {
    fn take_in(&self, event: &Event) {
        let (is_broken, is_over) = (event.is_error(), event.is_read_closed());
        if is_broken || is_over {
            self.has_ended.store(true, Ordering::Release);
        }
        if event.is_readable() || is_over || is_broken {
            self.read.change();
        }
        if event.is_writable() || event.is_write_closed() || is_broken {
            self.write.change();
        }
    }
}

impl Side {
    fn change(&self) {
        self.has_changed.store(true, Ordering::Release);
        self.waker.wake();
    }

    /// Whether another look is worth its while; there may be nothing all the same.
    fn poll(&self, context: &Context<'_>) -> Poll<()> {
        let has_changed = || self.has_changed.swap(false, Ordering::AcqRel);
        if has_changed() {
            return Poll::Ready(());
        }
        self.waker.register(context.waker());
        if has_changed() { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// A socket that is known to a reactor, for as long as it lives.
pub(crate) struct Watched<S: Source> {
    io: S,
    readiness: Arc<Readiness>,
    reactor: Arc<Reactor>,
    key: usize,
}

impl<S: Source> Watched<S> {
    pub(crate) fn new(mut io: S, reactor: &Arc<Reactor>) -> io::Result<Self> {
        let readiness = Arc::default();
        let key = reactor.watch(&mut io, &readiness)?;
        Ok(Self { io, readiness, reactor: Arc::clone(reactor), key })
    }

    pub(crate) fn get(&self) -> &S {
        &self.io
    }

    /// Whether a read may find something that the last one, which must have left nothing, did not.
    pub(crate) fn poll_readable(&self, context: &Context<'_>) -> Poll<()> {
        self.readiness.read.poll(context)
    }

    /// Whether there may be room where the last write found none.
    pub(crate) fn poll_writable(&self, context: &Context<'_>) -> Poll<()> {
        self.readiness.write.poll(context)
    }

    /// Whether nothing more comes after what can be read now.
    pub(crate) fn has_ended(&self) -> bool {
        self.readiness.has_ended.load(Ordering::Acquire)
    }

    /// Moves it to this thread's reactor, so that no other thread has to rouse this one for it; tells whether it did, and
    /// then there may be more than is known.
    pub(crate) fn follow(&mut self) -> io::Result<bool> {
        let is_elsewhere = |here: &Arc<Reactor>| !Arc::ptr_eq(here, &self.reactor);
        let Some(here) = HERE.with_borrow(|here| here.as_ref().filter(|here| is_elsewhere(here)).cloned()) else {
            return Ok(false);
        };
        self.reactor.forget(&mut self.io, self.key, &self.readiness)?;
        self.key = here.watch(&mut self.io, &self.readiness)?;
        self.reactor = here;
        Ok(true)
    }
}

impl<S: Source> Drop for Watched<S> {
    fn drop(&mut self) {
        let _ = self.reactor.forget(&mut self.io, self.key, &self.readiness);
    }
}

#[cfg(test)]
mod tests;
