//! Flows inside an event loop that is not entrada's: one thread, `poll`, sockets that never block, and a ticker that goes
//! on all the while.
//!
//! `poll_loop AUTHORITY CLIENT_ID SCOPE...` signs in with a user code for the first scope, then gets a token for each of
//! them, all at once over one cache in memory. A flow keeps the loop waiting for nothing: where it wants an answer of the
//! network the loop watches a socket, and where it wants to wait the loop has one timer more.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to whoever runs it")]

use std::error::Error as StdError;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::ControlFlow::{self, Break, Continue};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use std::{env, mem};

use entrada_core::cache::Snapshot;
use entrada_core::protocol::{HttpAnswer, HttpQuery};
use entrada_core::{
    Action, App, Ask, Authority, Error, Event, Fault, Flow, Guarded, Lock, Outcome, Prompt, Secret, SignIn,
    TokenRequest, UnixTime, Wait,
};
use entrada_example_http1 as http1;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with};

/// How often the loop's other work is due.
const TICK: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn start() -> Result<(), Box<dyn StdError>> {
    let mut arguments = env::args().skip(1);
    let (Some(authority), Some(client_id)) = (arguments.next(), arguments.next()) else {
        return Err("usage: poll_loop AUTHORITY CLIENT_ID SCOPE...".into());
    };
    let app = App::new(client_id, Authority::entra(&authority)?)?;
    let requests = arguments.map(|scope| TokenRequest::new([scope])).collect::<Result<Vec<_>, _>>()?;
    let first = requests.first().ok_or("name a scope")?;

    let mut cache = Cache::default();
    run(vec![Task::new("sign-in", Flow::device_code(&app, first, &SignIn::new()))], &mut cache)?;
    let silent = |request: &TokenRequest| Task::new(&request.scopes()[0], Flow::silent(&app, request));
    Ok(run(requests.iter().map(silent).collect(), &mut cache)?)
}

/// The event loop: sleeps until a socket is ready or a timer is over, and lets everybody go on.
fn run(mut tasks: Vec<Task>, cache: &mut Cache) -> Result<(), Error> {
    let mut next_tick = Instant::now();
    loop {
        if Instant::now() >= next_tick {
            println!("tick");
            next_tick += TICK;
        }
        for task in &mut tasks {
            task.go_on(cache);
        }
        while let Some(done) = tasks.iter().position(|task| matches!(task.state, State::Done(_))) {
            tasks.swap_remove(done).report()?;
        }
        if tasks.is_empty() {
            return Ok(());
        }
        sleep_until(&tasks, next_tick);
    }
}

fn sleep_until(tasks: &[Task], next_tick: Instant) {
    let first = tasks.iter().filter_map(Task::deadline).fold(next_tick, Instant::min);
    let left = first.saturating_duration_since(Instant::now());
    let timeout = Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() };
    let mut sockets: Vec<PollFd<'_>> = tasks.iter().filter_map(Task::socket).collect();
    // Interrupted or not: whoever is not ready says so.
    let _ = poll(&mut sockets, Some(&timeout));
}

/// One flow in the loop.
struct Task {
    name: String,
    flow: Flow,
    state: State,
}

/// What a flow is at.
enum State {
    /// It says what it wants next.
    Wants(Action),
    /// The authority is asked.
    Talks(Exchange),
    /// Time has to pass.
    Waits {
        ask: Ask<Wait, ()>,
        until: Instant,
    },
    Done(Result<Outcome, Error>),
}

impl Task {
    fn new(name: &str, (flow, action): (Flow, Action)) -> Self {
        Self { name: name.into(), flow, state: State::Wants(action) }
    }

    /// Goes on as far as it can without waiting.
    fn go_on(&mut self, cache: &mut Cache) {
        loop {
            let step = match mem::replace(&mut self.state, State::Done(Err(Error::Cancelled))) {
                State::Wants(action) => self.does(action, cache),
                State::Talks(exchange) => exchange.go_on(),
                State::Waits { ask, until } if Instant::now() >= until => Continue(ask.answer(())),
                state => Break(state),
            };
            match step {
                Continue(event) => self.state = State::Wants(self.flow.resume(now(), event)),
                Break(state) => return self.state = state,
            }
        }
    }

    /// Does what can be done at once, and begins what cannot.
    fn does(&self, action: Action, cache: &mut Cache) -> ControlFlow<State, Event> {
        Continue(match action {
            Action::Http(ask) => match Exchange::begin(&ask.query) {
                Ok((stream, request)) => {
                    let until = Instant::now() + ask.query.timeout;
                    return Break(State::Talks(Exchange { ask, stream, request, sent: 0, answer: Vec::new(), until }));
                }
                Err(_) => ask.fail(Fault::Unreachable),
            },
            Action::Wait(ask) => {
                println!("{} waits {:?}: {:?}", self.name, ask.query.duration, ask.query.reason);
                let until = Instant::now() + ask.query.duration;
                return Break(State::Waits { ask, until });
            }
            Action::Done(result) => return Break(State::Done(result)),
            Action::Load(ask) => ask.answer(Snapshot::of(cache.bytes.clone())),
            Action::Save(mut ask) => {
                cache.bytes = Some(mem::take(&mut ask.query.bytes));
                ask.answer(())
            }
            Action::SetAside(ask) => {
                cache.bytes = None;
                ask.answer("nowhere: it was in memory".into())
            }
            Action::TryLock(ask) => {
                let busy = cache.locked.contains(&ask.query.of);
                if !busy {
                    cache.locked.push(ask.query.of.clone());
                }
                ask.answer(if busy { Lock::Busy } else { Lock::Held })
            }
            Action::Unlock(ask) => {
                cache.locked.retain(|locked| *locked != ask.query.of);
                ask.answer(())
            }
            Action::Present(ask) => {
                match &ask.query {
                    Prompt::UserCode { code, verification_uri, .. } => println!("enter {code} at {verification_uri}"),
                    other => println!("{other:?}"),
                }
                ask.answer(())
            }
            Action::Entropy(ask) => ask.fail(Fault::NotFound),
            Action::Listen(ask) => ask.fail(Fault::NotFound),
            Action::Receive(ask) => ask.fail(Fault::NotFound),
            _ => return Break(State::Done(Err(Error::Misuse("an action that this loop does not know")))),
        })
    }

    /// When it wants to go on, whatever happens.
    fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Waits { until, .. } | State::Talks(Exchange { until, .. }) => Some(*until),
            _ => None,
        }
    }

    /// Which socket it wants to be ready, and for what.
    fn socket(&self) -> Option<PollFd<'_>> {
        let State::Talks(exchange) = &self.state else { return None };
        let is_sent = exchange.sent == exchange.request.expose().len();
        Some(PollFd::new(&exchange.stream, if is_sent { PollFlags::IN } else { PollFlags::OUT }))
    }

    fn report(self) -> Result<(), Error> {
        if let State::Done(Ok(Outcome::Token(token))) = &self.state {
            println!("{}: a token from {:?}", self.name, token.source);
        }
        match self.state {
            State::Done(Err(error)) => Err(error),
            _ => Ok(()),
        }
    }
}

/// A question to the authority that is under way.
struct Exchange {
    ask: Ask<HttpQuery, HttpAnswer>,
    stream: TcpStream,
    request: Secret,
    sent: usize,
    answer: Vec<u8>,
    until: Instant,
}

impl Exchange {
    /// Begins to connect.
    fn begin(query: &HttpQuery) -> io::Result<(TcpStream, Secret)> {
        let (address, request) = http1::request(query).ok_or(ErrorKind::Unsupported)?;
        let address: SocketAddr = address.parse().map_err(|_| ErrorKind::HostUnreachable)?;
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let socket = socket_with(family, SocketType::STREAM, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC, None)?;
        match connect(&socket, &address) {
            Ok(()) | Err(Errno::INPROGRESS) => Ok((socket.into(), request)),
            Err(error) => Err(error.into()),
        }
    }

    /// The answer, where it is here; else it goes on later.
    fn go_on(mut self) -> ControlFlow<State, Event> {
        let answer = match self.transfer() {
            Ok(()) => http1::answer(self.answer, self.ask.query.body_limit),
            Err(_) if Instant::now() >= self.until => Err(Fault::TimedOut),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Break(State::Talks(self)),
            Err(_) => Err(Fault::Unreachable),
        };
        Continue(self.ask.reply(answer))
    }

    fn transfer(&mut self) -> io::Result<()> {
        while let rest @ [_, ..] = &self.request.expose().as_bytes()[self.sent..] {
            match self.stream.write(rest) {
                // Not connected yet is the same as not ready.
                Err(error) if error.kind() == ErrorKind::NotConnected => return Err(ErrorKind::WouldBlock.into()),
                written => self.sent += written?,
            }
        }
        let room = http1::limit(self.ask.query.body_limit).saturating_sub(self.answer.len());
        (&self.stream).take(room as u64).read_to_end(&mut self.answer).map(drop)
    }
}

/// The cache that all flows share, and what of it is locked.
#[derive(Default)]
struct Cache {
    bytes: Option<Vec<u8>>,
    locked: Vec<Guarded>,
}

fn now() -> UnixTime {
    UnixTime::from_secs(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
}
