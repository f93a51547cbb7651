//! The waiting side.

use std::fmt;
use std::net::{IpAddr, TcpListener};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use entrada_core::ports::AdapterError;
use entrada_core::ports::blocking::Listener;
use entrada_core::protocol::ResponseMode;
use entrada_core::words::span;
use entrada_core::{Fault, Listening, Receive, Redirect, Secret};

use super::acceptor::Acceptor;
use super::cancel::Entered;
use super::connection::WRITE;
use super::{Awaited, Canceller, RedirectUri, Shared, Signal, lock};
use crate::page::Pages;

/// A bound port, and the wait for what comes to it.
pub(crate) struct Loopback {
    listening: Listening,
    shared: Arc<Shared>,
    signals: Receiver<Signal>,
    door: Door,
    _entered: Entered,
}

/// The port: bound at once, so that no browser comes too early, but nobody is let in before it is
/// known which state counts. Until then the system keeps connections in its queue.
enum Door {
    Bound(TcpListener),
    Open(Acceptor),
    Closed,
}

impl Loopback {
    /// Binds the port.
    pub(crate) fn bind(
        ip: IpAddr,
        uri: &RedirectUri,
        response_mode: ResponseMode,
        pages: Pages,
        canceller: &Canceller,
    ) -> Result<Self, AdapterError> {
        let doing = || match uri.port {
            0 => format!("binding a free port on {ip}"),
            port => format!("binding port {port} on {ip} (another program, or another sign-in, may have it)"),
        };
        let bound = TcpListener::bind((ip, uri.port)).map_err(|error| AdapterError::io(doing(), error))?;
        let port = bound.local_addr().map_err(|error| AdapterError::io(doing(), error))?.port();
        let (sender, signals) = mpsc::channel();
        let entered = canceller.enter(sender.clone());
        let shared = Shared {
            address: uri.address(port),
            pages,
            seats: super::seats::Seats::default(),
            awaited: Mutex::default(),
            signals: sender,
        };
        Ok(Self {
            listening: Listening { redirect_uri: uri.with_port(port), response_mode },
            shared: Arc::new(shared),
            signals,
            door: Door::Bound(bound),
            _entered: entered,
        })
    }

    /// Waits for what that wait is for; what an earlier one was for comes too late.
    fn take(&self, wait: u64, timeout: Duration) -> Result<Secret, Fault> {
        let since = Instant::now();
        loop {
            match self.signals.recv_timeout(timeout.saturating_sub(since.elapsed())) {
                Ok(Signal::Redirect(of, parameters)) if of == wait => return Ok(parameters),
                Ok(Signal::Redirect(..)) => {}
                Ok(Signal::Cancelled) => return Err(Fault::Cancelled),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Err(Fault::TimedOut),
            }
        }
    }

    fn open(&mut self) -> Result<(), AdapterError> {
        self.door = match std::mem::replace(&mut self.door, Door::Closed) {
            Door::Bound(bound) => {
                let acceptor = Acceptor::start(bound, Arc::clone(&self.shared));
                Door::Open(acceptor.map_err(|error| AdapterError::io("starting to listen for the redirect", error))?)
            }
            Door::Open(acceptor) => Door::Open(acceptor),
            Door::Closed => return Err(AdapterError::new(Fault::Other, "the port could not be opened before")),
        };
        Ok(())
    }
}

impl Listener for Loopback {
    fn listening(&self) -> &Listening {
        &self.listening
    }

    fn receive(&mut self, query: &Receive) -> Result<Redirect, AdapterError> {
        let wait = {
            let mut awaited = lock(&self.shared.awaited);
            let wait = awaited.wait + 1;
            *awaited = Awaited { wait, state: Some(query.state.clone()), is_here: false };
            wait
        };
        self.open()?;
        let taken = self.take(wait, query.timeout).or_else(|fault| {
            // From here on nobody is told that the sign-in worked; but who has been told in this very
            // moment was told the truth, and what they brought is on its way.
            let mut awaited = lock(&self.shared.awaited);
            awaited.state = None;
            let is_here = awaited.is_here;
            drop(awaited);
            if fault == Fault::TimedOut && is_here { self.take(wait, WRITE) } else { Err(fault) }
        });
        taken.map(Redirect::Parameters).map_err(|fault| match fault {
            Fault::Cancelled => {
                // Whoever gave up twice gave up this sign-in.
                while self.signals.try_recv().is_ok() {}
                AdapterError::new(fault, "the sign-in was cancelled")
            }
            _ => {
                let sentence = format!("nobody has signed in in the browser within {}", span(query.timeout));
                AdapterError::new(fault, sentence)
            }
        })
    }

    fn stopper(&self) -> Option<Box<dyn Fn() + Send + Sync>> {
        let signals = self.shared.signals.clone();
        // A listener that has just gone needs no telling.
        Some(Box::new(move || drop(signals.send(Signal::Cancelled))))
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        self.shared.seats.close();
        if let Door::Open(acceptor) = std::mem::replace(&mut self.door, Door::Closed) {
            acceptor.stop();
        }
    }
}

impl fmt::Debug for Loopback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loopback").field("listening", &self.listening).finish_non_exhaustive()
    }
}
