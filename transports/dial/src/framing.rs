//! The headers that frame a body, and a body that keeps to them.

use std::io;

use http::header::{CONTENT_LENGTH, HeaderMap, HeaderValue, TRANSFER_ENCODING};
use http::{Method, StatusCode};

/// Sets the headers that frame a request's body of this length, in place of any that are there.
///
/// ```
/// use http::{HeaderMap, Method};
///
/// let mut headers = HeaderMap::new();
/// entrada_dial::announce(&mut headers, &Method::PUT, None);
/// assert_eq!(headers["transfer-encoding"], "chunked");
/// ```
pub fn announce(headers: &mut HeaderMap, method: &Method, length: Option<u64>) {
    headers.remove(CONTENT_LENGTH);
    headers.remove(TRANSFER_ENCODING);
    match length {
        // Only where a body is expected must its absence be told (RFC 9110, 8.6).
        Some(0) if !matches!(*method, Method::POST | Method::PUT | Method::PATCH) => {}
        Some(length) => drop(headers.insert(CONTENT_LENGTH, HeaderValue::from(length))),
        None => drop(headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"))),
    }
}

/// Whether such an answer ends with its head, whatever its headers say about a length.
pub fn is_bodiless(method: &Method, status: StatusCode) -> bool {
    method == Method::HEAD || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

/// What the announced length leaves to send.
///
/// A stream that ends early would otherwise be asked for more for ever, and one that is longer would
/// spoil the connection for the next request.
#[derive(Clone, Copy, Debug)]
pub struct Left(Option<u64>);

impl Left {
    /// All of this length; nothing was announced for a chunked body.
    pub fn of(length: Option<u64>) -> Self {
        Self(length)
    }

    /// How much that is, where it was announced.
    pub fn length(self) -> Option<u64> {
        self.0
    }

    /// Whether all has been sent that was announced.
    pub fn is_nothing(self) -> bool {
        self.0 == Some(0)
    }

    /// How much of a buffer may be filled.
    pub fn room(self, buffer: usize) -> usize {
        self.0.map_or(buffer, |left| usize::try_from(left).map_or(buffer, |left| left.min(buffer)))
    }

    /// This much was read where there was room for more; an error where it is the end, and too early.
    pub fn take(&mut self, count: usize) -> io::Result<()> {
        let Some(left) = self.0 else { return Ok(()) };
        if count == 0 && left > 0 {
            let text = format!("it ended {left} bytes before the length that was announced");
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
        }
        self.0 = Some(left.saturating_sub(count as u64));
        Ok(())
    }
}
