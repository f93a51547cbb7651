//! A body that comes in chunks (RFC 9112 7.1).

use zeroize::Zeroizing;

use super::Refusal;

/// Takes chunks apart, as far as they have come.
pub(super) struct Chunked {
    body: Zeroizing<Vec<u8>>,
    limit: usize,
    /// How much of the raw bytes is done with.
    done: usize,
    /// What is still to come of the present chunk, where its size is known.
    chunk: Option<usize>,
}

impl Chunked {
    pub(super) fn new(limit: usize) -> Self {
        Self { body: Zeroizing::default(), limit, done: 0, chunk: None }
    }

    /// Goes on with what has come so far; true at the end. Trailers are not awaited, as nobody reads them.
    pub(super) fn advance(&mut self, raw: &[u8]) -> Result<bool, Refusal> {
        loop {
            let rest = &raw[self.done..];
            match self.chunk {
                None => match httparse::parse_chunk_size(rest) {
                    Ok(httparse::Status::Partial) => return Ok(false),
                    Ok(httparse::Status::Complete((_, 0))) => return Ok(true),
                    Ok(httparse::Status::Complete((used, size))) => {
                        let size = usize::try_from(size).unwrap_or(usize::MAX);
                        if size > self.limit - self.body.len() {
                            return Err(Refusal::BodyTooLarge);
                        }
                        if self.body.is_empty() {
                            // All at once: what grows leaves copies behind, which are not wiped.
                            self.body.reserve_exact(self.limit);
                        }
                        self.done += used;
                        self.chunk = Some(size);
                    }
                    Err(_) => return Err(Refusal::Malformed),
                },
                Some(size) => {
                    let Some(end) = rest.get(size..size + 2) else { return Ok(false) };
                    if end != b"\r\n" {
                        return Err(Refusal::Malformed);
                    }
                    self.body.extend_from_slice(&rest[..size]);
                    self.done += size + 2;
                    self.chunk = None;
                }
            }
        }
    }

    pub(super) fn into_body(self) -> Zeroizing<Vec<u8>> {
        self.body
    }
}
