//! The connections that are kept.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Connection;
use super::connect::Route;
use super::outgoing::Writes;

/// Idle connections, by where they lead.
pub(super) struct Pool<C> {
    idle: Mutex<HashMap<Route, Vec<Idle<C>>>>,
}

struct Idle<C> {
    connection: C,
    writes: Writes,
    since: Instant,
}

/// How many are kept for each route.
const MOST: usize = 8;

/// How long one is kept: servers close theirs sooner or later, and the later it is, the likelier.
const LONGEST: Duration = Duration::from_secs(15);

impl<C: Connection> Pool<C> {
    pub(super) fn new() -> Self {
        Self { idle: Mutex::new(HashMap::new()) }
    }

    /// The connection on this route that was used last, of those that are still open.
    pub(super) fn take(&self, route: &Route, now: Instant) -> Option<(C, Writes)> {
        let mut idle = self.swept(now);
        let kept = idle.get_mut(route)?;
        while let Some(mut last) = kept.pop() {
            if last.connection.is_open() {
                return Some((last.connection, last.writes));
            }
        }
        idle.remove(route);
        None
    }

    /// Keeps a connection.
    pub(super) fn put(&self, route: &Route, connection: C, writes: Writes, now: Instant) {
        let mut idle = self.swept(now);
        let kept = idle.entry(route.clone()).or_default();
        if kept.len() == MOST {
            kept.remove(0);
        }
        kept.push(Idle { connection, writes, since: now });
    }

    /// Without those, on whatever route, that were kept too long: nobody else would close them.
    fn swept(&self, now: Instant) -> MutexGuard<'_, HashMap<Route, Vec<Idle<C>>>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|_, kept| {
            kept.retain(|one| now.duration_since(one.since) < LONGEST);
            !kept.is_empty()
        });
        idle
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::{Context, Poll};

    use http::{Request, Response};

    use super::super::outgoing::{Outgoing, Watched};
    use super::super::{Failure, Receive, Stream};
    use super::*;

    /// A connection that is open for as long as somebody has it.
    struct Open(#[allow(dead_code, reason = "its count tells")] Arc<()>);

    enum NoBody {}

    impl Connection for Open {
        type Body = NoBody;

        async fn over(_: Stream) -> Result<Self, Failure> {
            unreachable!("nothing is sent")
        }

        fn is_open(&mut self) -> bool {
            true
        }

        async fn send(self, _: Request<Outgoing>) -> Result<Response<NoBody>, Failure> {
            unreachable!("nothing is sent")
        }
    }

    impl Receive<Open> for NoBody {
        fn length(&self) -> Option<u64> {
            match *self {}
        }

        fn poll_read(&mut self, _: &mut Context<'_>, _: &mut [u8]) -> Poll<Result<usize, Failure>> {
            match *self {}
        }

        fn is_at_end(&self) -> bool {
            match *self {}
        }

        fn into_connection(self) -> Option<Open> {
            match self {}
        }
    }

    fn route(url: &str) -> Route {
        Route::of(&url.parse().unwrap(), None).unwrap()
    }

    #[test]
    fn any_request_closes_what_was_kept_too_long() {
        let (pool, begin) = (Pool::new(), Instant::now());
        let (old, new) = (Arc::new(()), Arc::new(()));
        let writes = || Watched::new(()).writes();
        let (one, two) = (route("http://one.example/"), route("http://two.example/"));
        pool.put(&one, Open(Arc::clone(&old)), writes(), begin);
        pool.put(&one, Open(Arc::clone(&new)), writes(), begin + LONGEST / 2);
        assert!(pool.take(&two, begin + LONGEST / 2).is_none());
        assert_eq!(Arc::strong_count(&old), 2, "it may still be used");
        assert!(pool.take(&two, begin + LONGEST).is_none());
        assert_eq!((Arc::strong_count(&old), Arc::strong_count(&new)), (1, 2), "the old one is closed");
        assert!(pool.take(&one, begin + LONGEST).is_some(), "the other one is used");
        assert!(pool.take(&one, begin + LONGEST).is_none());
    }
}
