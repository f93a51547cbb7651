//! Bodies on their way out and in.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use entrada_core::ports::blocking::Body;
use entrada_dial::{Broken, Left, Place};
use ureq::BodyReader;

use crate::error::explain;

/// The body of a request, which keeps to the length that it announced.
pub(crate) struct Outgoing {
    body: Body,
    left: Left,
    failure: Failure,
}

/// Why a body could not be read, kept apart from the network's own errors.
#[derive(Clone, Default)]
pub(crate) struct Failure {
    error: Arc<Mutex<Option<io::Error>>>,
}

impl Failure {
    pub(crate) fn take(&self) -> Option<io::Error> {
        self.error.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn put(&self, error: io::Error) {
        *self.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }
}

impl Outgoing {
    pub(crate) fn new(body: Body) -> Self {
        Self { left: Left::of(body.length()), body, failure: Failure::default() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.left.is_nothing()
    }

    /// Where to look, after the request has failed, whether it was this body that failed.
    pub(crate) fn failure(&self) -> Failure {
        self.failure.clone()
    }

    fn read_some(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = self.left.room(buffer.len());
        if room == 0 {
            return Ok(0);
        }
        let count = self.body.read(&mut buffer[..room])?;
        self.left.take(count)?;
        Ok(count)
    }
}

impl Read for Outgoing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.read_some(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let kind = error.kind();
                    self.failure.put(error);
                    return Err(kind.into());
                }
                done => return done,
            }
        }
    }
}

/// The body of an answer, whose errors say what happened in the port's words.
pub(crate) struct Incoming {
    reader: BodyReader<'static>,
    place: Place,
    broken: Option<Broken>,
}

impl Incoming {
    pub(crate) fn new(body: ureq::Body, place: Place) -> Self {
        Self { reader: body.into_reader(), place, broken: None }
    }
}

impl Read for Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.broken.is_none() {
            match self.reader.read(buffer) {
                Ok(count) => return Ok(count),
                Err(error) => self.broken = Some(explain(&self.place, error.into()).into()),
            }
        }
        self.broken.as_ref().map_or(Ok(0), |broken| Err(broken.into()))
    }
}
