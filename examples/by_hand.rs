//! A `Flow` driven by hand: one match over all that it can ask, a blocking socket, and a file.
//!
//! `by_hand AUTHORITY CLIENT_ID SCOPE CACHE` looks into the cache, refreshes silently, and signs in with a user code where
//! that is needed. It takes no feature of `entrada-core`: no ports, no driver, no runtime. There is no TLS in it, so that it
//! talks to an authority on loopback alone; `cargo run -p entrada-authority --example serve -- --answer` is one.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to whoever runs it")]

use std::error::Error as StdError;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, fs, thread};

use entrada_core::cache::Snapshot;
use entrada_core::protocol::HttpQuery;
use entrada_core::{Action, App, Authority, Error, Fault, Flow, Lock, Outcome, Prompt, SignIn, TokenRequest, UnixTime};
use entrada_example_http1 as http1;

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
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [authority, client_id, scope, cache] = &arguments[..] else {
        return Err("usage: by_hand AUTHORITY CLIENT_ID SCOPE CACHE".into());
    };
    let app = App::new(client_id, Authority::entra(authority)?)?;
    let request = TokenRequest::new([scope])?;
    let outcome = match drive(Flow::silent(&app, &request), Path::new(cache)) {
        // What the authority demands of the sign-in, such as a second factor, comes with the refusal.
        Err(Error::UiRequired(required)) => {
            println!("{required}");
            required.claims.iter().for_each(|claims| println!("claims: {claims}"));
            let request = request.claims(required.claims);
            drive(Flow::device_code(&app, &request, &SignIn::new()), Path::new(cache))
        }
        other => other,
    };
    if let Outcome::Token(token) = outcome? {
        let who = token.account.map_or("nobody".into(), |account| account.username);
        println!("a token of {who}'s from {:?}, good until {}", token.source, token.expires_on);
        token.warnings.iter().for_each(|warning| println!("warning: {warning}"));
    }
    Ok(())
}

/// Does what the flow asks for, answers, and hands the answer back together with the time, until it is done.
fn drive((mut flow, mut action): (Flow, Action), cache: &Path) -> Result<Outcome, Error> {
    loop {
        let event = match action {
            // The authority: send this, follow no redirect, bring the answer whatever its status.
            Action::Http(ask) => {
                let bytes = send(&ask.query).map_err(|error| fault(&error));
                let answer = bytes.and_then(|bytes| http1::answer(bytes, ask.query.body_limit));
                ask.reply(answer)
            }
            // The cache: bytes that the core alone understands.
            Action::Load(ask) => ask.reply(load(cache).map(Snapshot::of).map_err(|error| fault(&error))),
            Action::Save(ask) => {
                let saved = save(cache, &ask.query.bytes).map_err(|error| fault(&error));
                ask.reply(saved)
            }
            Action::SetAside(ask) => {
                let aside = cache.with_extension("corrupt");
                let moved = fs::rename(cache, &aside).map(|()| aside.display().to_string());
                ask.reply(moved.map_err(|error| fault(&error)))
            }
            // Nobody else uses this cache. Whoever shares one locks it, or says `Busy` and is asked again later.
            Action::TryLock(ask) => ask.answer(Lock::Unsupported),
            Action::Unlock(ask) => ask.answer(()),
            // The user, and patience.
            Action::Present(ask) => {
                match &ask.query {
                    Prompt::UserCode { code, verification_uri, .. } => println!("enter {code} at {verification_uri}"),
                    other => println!("{other:?}"),
                }
                ask.answer(())
            }
            Action::Wait(ask) => {
                thread::sleep(ask.query.duration);
                ask.answer(())
            }
            // A sign-in in a browser asks for these, and this program starts none: `Flow::interactive`.
            Action::Entropy(ask) => ask.fail(Fault::NotFound),
            Action::Listen(ask) => ask.fail(Fault::NotFound),
            Action::Receive(ask) => ask.fail(Fault::NotFound),
            // The end: a token, or why there is none.
            Action::Done(result) => return result,
            _ => return Err(Error::Misuse("an action that this program does not know")),
        };
        action = flow.resume(now(), event);
    }
}

fn now() -> UnixTime {
    UnixTime::from_secs(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
}

fn send(query: &HttpQuery) -> io::Result<Vec<u8>> {
    let (address, request) = http1::request(query).ok_or(ErrorKind::Unsupported)?;
    let address: SocketAddr = address.parse().map_err(|_| ErrorKind::HostUnreachable)?;
    let mut stream = TcpStream::connect_timeout(&address, query.timeout)?;
    stream.set_read_timeout(Some(query.timeout))?;
    stream.set_write_timeout(Some(query.timeout))?;
    stream.write_all(request.expose().as_bytes())?;
    let mut bytes = Vec::new();
    stream.take(http1::limit(query.body_limit) as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn load(cache: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(cache) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whole or not at all, and for its owner's eyes alone.
fn save(cache: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let next = cache.with_extension("next");
    // What may lie there has a mode of its own, or is a link to elsewhere.
    match fs::remove_file(&next) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => (),
    }
    let mut file = fs::File::options().write(true).create_new(true).mode(0o600).open(&next)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(next, cache)
}

/// The little that the core must know of an error to decide.
fn fault(error: &io::Error) -> Fault {
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => Fault::TimedOut,
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Fault::Denied,
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset | ErrorKind::HostUnreachable => Fault::Unreachable,
        ErrorKind::NetworkUnreachable => Fault::Unreachable,
        _ => Fault::Other,
    }
}
