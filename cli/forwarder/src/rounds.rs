//! A future of many parts that wake each other, polled until all have rested.
//!
//! hyper's two halves and the service between them are one task here, and each tells the next by waking that task while it
//! is at work: an executor would queue it again, and rouse another thread for it, only to find nothing left to do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use futures::task::AtomicWaker;

/// Wakes the task, or while it is at work has it go round once more.
pub(crate) struct Rounds {
    inner: Arc<Inner>,
    waker: Waker,
    longest: Duration,
}

struct Inner {
    state: AtomicU8,
    task: AtomicWaker,
}

const RESTING: u8 = 0;
const AT_WORK: u8 = 1;
const ONCE_MORE: u8 = 2;

/// Afterwards others have their turn, as with any task that is never done. What a request needs is half of it.
const MOST: usize = 8;

/// The same for rounds that are long: each may have as much to do as hyper does at once.
const LONGEST: Duration = Duration::from_micros(100);

impl Rounds {
    pub(crate) fn new() -> Self {
        let inner = Arc::new(Inner { state: AtomicU8::new(RESTING), task: AtomicWaker::new() });
        Self { waker: Waker::from(Arc::clone(&inner)), inner, longest: LONGEST }
    }

    /// Polls until it is ready, or has nothing more to do.
    pub(crate) fn poll<T>(
        &mut self,
        context: &Context<'_>,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.inner.task.register(context.waker());
        let mut begun = None;
        for _ in 0..MOST {
            // Not stored: whatever was done before a wake that this takes away must be seen by the poll.
            self.inner.state.swap(AT_WORK, Ordering::AcqRel);
            if let Poll::Ready(done) = poll(&mut Context::from_waker(&self.waker)) {
                return Poll::Ready(done);
            }
            let has_rested = self.inner.state.compare_exchange(AT_WORK, RESTING, Ordering::AcqRel, Ordering::Acquire);
            if has_rested.is_ok() {
                return Poll::Pending;
            }
            // From the end of the first: many rest after it, and need no clock.
            match begun {
                None => begun = Some(Instant::now()),
                Some(begun) if begun.elapsed() > self.longest => break,
                Some(_) => {}
            }
        }
        self.inner.state.swap(RESTING, Ordering::AcqRel);
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Wake for Inner {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.state.swap(ONCE_MORE, Ordering::AcqRel) == RESTING {
            self.task.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize};

    use super::*;

    /// Counts how often the task is woken.
    #[derive(Default)]
    struct Task(AtomicUsize);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn task() -> (Arc<Task>, Waker) {
        let task = Arc::new(Task::default());
        (Arc::clone(&task), Waker::from(task))
    }

    /// Rounds that end by their number alone, however slow this computer is.
    fn rounds() -> Rounds {
        Rounds { longest: Duration::MAX, ..Rounds::new() }
    }

    #[test]
    fn what_is_woken_at_work_is_polled_again_at_once() {
        let ((task, waker), mut rounds, mut polls) = (task(), rounds(), 0);
        let polled = rounds.poll(&Context::from_waker(&waker), |context| {
            polls += 1;
            if polls < 4 {
                context.waker().wake_by_ref();
            }
            Poll::<()>::Pending
        });
        assert!(polled.is_pending());
        assert_eq!((polls, task.0.load(Ordering::Relaxed)), (4, 0));
    }

    #[test]
    fn what_is_woken_at_rest_wakes_the_task_once() {
        let ((task, waker), mut rounds, mut kept) = (task(), Rounds::new(), None);
        for turn in 1..=3 {
            let polled = rounds.poll(&Context::from_waker(&waker), |context| {
                kept = Some(context.waker().clone());
                Poll::<()>::Pending
            });
            assert!(polled.is_pending());
            let kept = kept.as_ref().unwrap();
            kept.wake_by_ref();
            kept.wake_by_ref();
            assert_eq!(task.0.load(Ordering::Relaxed), turn);
        }
        assert_eq!(rounds.poll(&Context::from_waker(&waker), |_| Poll::Ready(7)), Poll::Ready(7));
    }

    #[test]
    fn what_never_rests_lets_others_have_their_turn() {
        let long = Rounds { longest: Duration::ZERO, ..Rounds::new() };
        for (mut rounds, wanted) in [(rounds(), MOST), (long, 2)] {
            let ((task, waker), mut polls) = (task(), 0);
            let polled = rounds.poll(&Context::from_waker(&waker), |context| {
                polls += 1;
                context.waker().wake_by_ref();
                // The clock has ticks of its own.
                let since = Instant::now();
                while since.elapsed().is_zero() {}
                Poll::<()>::Pending
            });
            assert!(polled.is_pending());
            assert_eq!((polls, task.0.load(Ordering::Relaxed)), (wanted, 1));
        }
    }

    /// An outer task that was woken is to be polled.
    struct Flag(AtomicBool);

    impl Wake for Flag {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    #[test]
    fn no_wake_is_lost_that_comes_while_another_is_taken_up() {
        const TIME: Duration = Duration::from_millis(300);
        /// More than two threads need on a processor that many others want.
        const LONGEST: Duration = Duration::from_secs(20);
        let flag = Arc::new(Flag(AtomicBool::new(true)));
        let (outer, mut rounds) = (Waker::from(Arc::clone(&flag)), Rounds::new());
        let (waker, told, seen) = (rounds.waker.clone(), AtomicU32::new(0), AtomicU32::new(0));
        let tell = || {
            let begun = Instant::now();
            for turn in 1.. {
                let since = Instant::now();
                // The first one has the task polled; the second one meets that poll at its beginning.
                waker.wake_by_ref();
                (0..turn % 97).for_each(|_| std::hint::spin_loop());
                told.store(turn, Ordering::Release);
                waker.wake_by_ref();
                let mut looks = 0_u32;
                while seen.load(Ordering::Acquire) != turn {
                    looks += 1;
                    if looks.is_multiple_of(1000) {
                        std::thread::yield_now();
                        if since.elapsed() > LONGEST {
                            return Some(turn);
                        }
                    }
                }
                if begun.elapsed() > TIME {
                    return None;
                }
            }
            None
        };
        let lost = std::thread::scope(|scope| {
            let telling = scope.spawn(tell);
            while !telling.is_finished() {
                if flag.0.swap(false, Ordering::SeqCst) {
                    let polled = rounds.poll(&Context::from_waker(&outer), |_| {
                        seen.store(told.load(Ordering::Acquire), Ordering::Release);
                        Poll::<()>::Pending
                    });
                    assert!(polled.is_pending());
                }
                std::hint::spin_loop();
            }
            telling.join().unwrap()
        });
        assert_eq!(lost, None, "the second wake of that turn");
    }
}
