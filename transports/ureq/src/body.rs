//! Bodies on their way out and in.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use entrada_core::ports::blocking::Body;
use http::Method;
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderValue, TRANSFER_ENCODING};
use ureq::BodyReader;

use crate::error::Place;

/// The body of a request, which keeps to the length that it announced.
///
/// A stream that ends early would otherwise be asked for more for ever, and one that is longer would
/// spoil the connection for the next request.
pub(crate) struct Outgoing {
    body: Body,
    /// What the announced length leaves to send; nothing was announced for a chunked body.
    left: Option<u64>,
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
    /// Sets the headers that frame this body, in place of any that are there.
    pub(crate) fn frame(headers: &mut HeaderMap, method: &Method, body: Body) -> Self {
        headers.remove(CONTENT_LENGTH);
        headers.remove(TRANSFER_ENCODING);
        let left = body.length();
        match left {
            // Only where a body is expected must its absence be told (RFC 9110, 8.6).
            Some(0) if !matches!(*method, Method::POST | Method::PUT | Method::PATCH) => {}
            Some(length) => drop(headers.insert(CONTENT_LENGTH, HeaderValue::from(length))),
            None => drop(headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"))),
        }
        Self { body, left, failure: Failure::default() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.left == Some(0)
    }

    /// Where to look, after the request has failed, whether it was this body that failed.
    pub(crate) fn failure(&self) -> Failure {
        self.failure.clone()
    }

    fn read_some(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(left) = self.left else { return self.body.read(buffer) };
        let most = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        if most == 0 {
            return Ok(0);
        }
        let count = self.body.read(&mut buffer[..most])?;
        if count == 0 {
            let text = format!("it ended {left} bytes before the length that was announced");
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
        }
        self.left = Some(left - count as u64);
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
    /// An error stays: a reader that goes on after it must not take the rest for a proper end.
    failed: Option<(io::ErrorKind, String)>,
}

impl Incoming {
    pub(crate) fn new(body: ureq::Body, place: Place) -> Self {
        Self { reader: body.into_reader(), place, failed: None }
    }
}

impl Read for Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.failed.is_none() {
            match self.reader.read(buffer) {
                Ok(count) => return Ok(count),
                Err(error) => self.failed = Some(self.place.explain_body(ureq::Error::from(error))),
            }
        }
        match &self.failed {
            Some((kind, text)) => Err(io::Error::new(*kind, text.clone())),
            None => Ok(0),
        }
    }
}
