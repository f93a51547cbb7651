//! One connection: one request, one answer, and the end.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use super::{Shared, Signal, lock};
use crate::http::{Answer, Refusal, Request, Verdict, judge};

/// How long a client may take to say what it wants.
const READ: Duration = Duration::from_secs(5);
/// How long it may take to hear the answer.
pub(super) const WRITE: Duration = Duration::from_secs(5);
/// How long it may go on talking after the answer, and how much. A connection that is closed on unread
/// bytes is reset, and the answer may be lost with it.
const LINGER: Duration = Duration::from_millis(500);
const LINGER_BYTES: usize = 1024 * 1024;

/// Serves it to its end.
pub(super) fn serve(stream: &TcpStream, number: u64, shared: &Shared) {
    let mut client = Client { stream, until: Instant::now() + READ, first: Some(|| shared.seats.has_spoken(number)) };
    let request = Request::read(&mut client);
    shared.seats.is_answered(number);

    let (answer, redirect) = match &request {
        Ok(request) => answer(request, shared),
        Err(Refusal::Gone) => return,
        Err(refusal) => (refused(*refusal), None),
    };
    let _ = stream.set_write_timeout(Some(WRITE));
    // A client that does not stay for the answer may still have brought the redirect.
    let _ = answer.write(&mut &*stream);
    let _ = stream.shutdown(Shutdown::Write);
    // Told after the page is on its way: the program may end as soon as it knows. Where nobody is there to
    // be told, the listener is being dropped.
    if let Some(signal) = redirect {
        let _ = shared.signals.send(signal);
    }
    linger(stream);
}

fn answer(request: &Request, shared: &Shared) -> (Answer, Option<Signal>) {
    // Held while it is judged, so that nobody reads of a success when the wait has just ended.
    let mut awaited = lock(&shared.awaited);
    match judge(request, &shared.address, awaited.state.as_deref()) {
        Verdict::Ours { parameters, failure } => {
            let is_first = !std::mem::replace(&mut awaited.is_here, true);
            let signal = is_first.then_some(Signal::Redirect(awaited.wait, parameters));
            drop(awaited);
            let page = match failure {
                None => shared.pages.success(),
                Some((error, description)) => shared.pages.failure(&error, &description),
            };
            (Answer::page(page), signal)
        }
        Verdict::Preflight => (Answer::preflight(), None),
        Verdict::Head => (Answer::head(), None),
        Verdict::Odd(status, sentence) => (Answer::text(status, sentence), None),
    }
}

fn refused(refusal: Refusal) -> Answer {
    match refusal {
        Refusal::TooSlow => Answer::text(408, "The request did not come in time."),
        Refusal::HeadTooLarge => Answer::text(431, "The head of the request is too large."),
        Refusal::BodyTooLarge => Answer::text(413, "The body of the request is too large."),
        Refusal::Malformed | Refusal::Gone => Answer::text(400, "This is not a request that can be read."),
    }
}

fn linger(stream: &TcpStream) {
    let mut client = Client { stream, until: Instant::now() + LINGER, first: None::<fn()> };
    let mut bytes = [0; 4096];
    let mut total = 0;
    while let Ok(count @ 1..) = client.read(&mut bytes) {
        total += count;
        if total > LINGER_BYTES {
            return;
        }
    }
}

/// A stream with one deadline for everything, so that a byte now and then does not keep a thread.
struct Client<'a, F> {
    stream: &'a TcpStream,
    until: Instant,
    /// What to do at the first bytes.
    first: Option<F>,
}

impl<F: FnOnce()> Read for Client<'_, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.stream.set_read_timeout(Some(left))?;
        let count = (&mut &*self.stream).read(buffer)?;
        if count > 0
            && let Some(first) = self.first.take()
        {
            first();
        }
        Ok(count)
    }
}

impl<F> Write for Client<'_, F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&mut &*self.stream).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
