//! An answer on its way in.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use entrada_dial::asynchronous::{Failure, LONGEST_HEAD, Stream};
use futures::io::AsyncRead;
use http::header::{CONNECTION, CONTENT_LENGTH, HeaderValue};
use http::{Method, Request, Response, request};
use ureq_proto::BodyMode;
use ureq_proto::client::state::{Cleanup, RecvBody, RecvResponse};
use ureq_proto::client::{Call, RecvBodyResult, RecvResponseResult, SendRequestResult};

use super::{failure, head_size, unwritable};

/// What has come and is not understood yet.
#[derive(Default)]
pub(super) struct Received {
    bytes: Vec<u8>,
    /// How much of it has been understood.
    used: usize,
}

impl Received {
    pub(super) fn is_empty(&self) -> bool {
        self.used == self.bytes.len()
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[self.used..]
    }

    fn take(&mut self, count: usize) {
        self.used += count;
        if self.is_empty() {
            self.bytes.clear();
            self.used = 0;
        }
    }

    /// Gets more; not where that would be more than anybody has to say before a body.
    fn poll_more(&mut self, context: &mut Context<'_>, stream: &mut Stream) -> Poll<Result<usize, Failure>> {
        const PIECE: usize = 16 * 1024;
        self.bytes.drain(..self.used);
        self.used = 0;
        let length = self.bytes.len();
        if length >= LONGEST_HEAD {
            return Poll::Ready(Err(Failure::HeadTooLarge(LONGEST_HEAD)));
        }
        self.bytes.resize(length + PIECE, 0);
        let read = Pin::new(stream).poll_read(context, &mut self.bytes[length..]);
        self.bytes.truncate(length + if let Poll::Ready(Ok(count)) = read { count } else { 0 });
        read.map_err(Failure::Io)
    }
}

/// The head of an answer.
pub(super) struct Answer {
    /// Not after the head.
    call: Option<Call<RecvResponse>>,
}

impl Answer {
    /// What matters of the request for reading its answer: its method, and whether it closes the connection.
    pub(super) fn to(parts: &request::Parts) -> Result<Self, Failure> {
        let mut asked = Request::new(());
        *asked.method_mut() = parts.method.clone();
        for value in parts.headers.get_all(CONNECTION) {
            asked.headers_mut().append(CONNECTION, value.clone());
        }
        if matches!(parts.method, Method::POST | Method::PUT | Method::PATCH) {
            asked.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let mut call = Call::new(asked).map_err(unwritable)?;
        call.allow_non_standard_methods(true);
        let mut call = call.proceed();
        let mut nowhere = vec![0; head_size(parts)];
        while !call.can_proceed() {
            call.write(&mut nowhere).map_err(unwritable)?;
        }
        match call.proceed().map_err(unwritable)? {
            Some(SendRequestResult::RecvResponse(call)) => Ok(Self { call: Some(call) }),
            _ => Err(Failure::Io(io::ErrorKind::InvalidInput.into())),
        }
    }

    /// Ready with the head, and with what comes after it.
    pub(super) fn poll_head(
        &mut self,
        context: &mut Context<'_>,
        stream: &mut Stream,
        received: &mut Received,
        go_ahead: &impl Fn(),
    ) -> Poll<Result<(Response<()>, Rest), Failure>> {
        let Some(mut call) = self.call.take() else { return Poll::Pending };
        loop {
            // ureq-proto takes none that has headers, which are allowed there (RFC 9110, 15.2.1).
            let says_continue = says_continue(received.bytes());
            let (used, head) = match says_continue {
                true => (length_of_head(received.bytes()), None),
                false => call.try_response(received.bytes(), false).map_err(failure)?,
            };
            received.take(used);
            if let Some(head) = head {
                let rest = call.proceed().map(Rest::after);
                let rest = rest.ok_or_else(|| Failure::NotHttp("its head does not end".to_owned()))?;
                return Poll::Ready(Ok((head, rest)));
            }
            if used > 0 {
                if says_continue {
                    go_ahead();
                }
            } else {
                match received.poll_more(context, stream) {
                    Poll::Ready(Ok(0)) => return Poll::Ready(Err(cut())),
                    Poll::Ready(Ok(_)) => {}
                    Poll::Ready(Err(failure)) => return Poll::Ready(Err(failure)),
                    Poll::Pending => {
                        self.call = Some(call);
                        return Poll::Pending;
                    }
                }
            }
        }
    }
}

fn says_continue(bytes: &[u8]) -> bool {
    bytes.starts_with(b"HTTP/1.1 100") && bytes.get(12).is_some_and(|next| matches!(next, b' ' | b'\r'))
}

/// With the empty line at its end; 0 where that has not come yet.
fn length_of_head(bytes: &[u8]) -> usize {
    bytes.windows(4).position(|end| end == b"\r\n\r\n").map_or(0, |at| at + 4)
}

/// What comes after the head.
pub(super) enum Rest {
    Body(Box<Call<RecvBody>>),
    /// Nothing, any more; and whether the connection can be used again.
    End(bool),
}

impl Rest {
    fn after(head: RecvResponseResult) -> Self {
        match head {
            RecvResponseResult::RecvBody(call) => Self::Body(Box::new(call)),
            RecvResponseResult::Redirect(call) => Self::end(&call.proceed()),
            RecvResponseResult::Cleanup(call) => Self::end(&call),
        }
    }

    fn end(call: &Call<Cleanup>) -> Self {
        Self::End(!call.must_close_connection())
    }

    pub(super) fn length(&self) -> Option<u64> {
        match self {
            Self::End(_) => Some(0),
            Self::Body(call) => match call.body_mode() {
                BodyMode::NoBody => Some(0),
                BodyMode::LengthDelimited(length) => Some(length),
                BodyMode::Chunked | BodyMode::CloseDelimited => None,
            },
        }
    }

    pub(super) fn is_at_end(&self) -> bool {
        matches!(self, Self::End(_))
    }

    pub(super) fn leaves_the_connection(&self) -> bool {
        matches!(self, Self::End(true))
    }

    pub(super) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        stream: &mut Stream,
        received: &mut Received,
        buffer: &mut [u8],
    ) -> Poll<Result<usize, Failure>> {
        while let Self::Body(call) = self {
            let until_closed = call.body_mode() == BodyMode::CloseDelimited;
            let (used, count) = call.read(received.bytes(), buffer).map_err(failure)?;
            received.take(used);
            if count > 0 {
                // What ends a chunked body may be here already.
                let (used, _) = call.read(received.bytes(), &mut []).map_err(failure)?;
                received.take(used);
            }
            if !until_closed && call.can_proceed() {
                self.finish();
            }
            if count > 0 {
                return Poll::Ready(Ok(count));
            }
            if used == 0 && !self.is_at_end() && ready!(received.poll_more(context, stream))? == 0 {
                if !until_closed {
                    return Poll::Ready(Err(cut()));
                }
                self.finish();
            }
        }
        Poll::Ready(Ok(0))
    }

    fn finish(&mut self) {
        if let Self::Body(call) = std::mem::replace(self, Self::End(false)) {
            *self = match call.proceed() {
                Some(RecvBodyResult::Redirect(call)) => Self::end(&call.proceed()),
                Some(RecvBodyResult::Cleanup(call)) => Self::end(&call),
                None => Self::End(false),
            };
        }
    }
}

fn cut() -> Failure {
    Failure::Io(io::ErrorKind::UnexpectedEof.into())
}
