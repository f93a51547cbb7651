//! What is particular to a service: readiness, waits by the clock, bodies of many kinds.
#![allow(clippy::unwrap_used)]

use std::convert::Infallible;
use std::future::{Ready, pending, poll_fn, ready};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use entrada_core::ports::asynchronous::{Body, Clock, Transport};
use entrada_core::{Fault, UnixTime};
use entrada_tower::{RequestBody, ServiceTransport};
use futures::executor::block_on;
use futures::io::{AsyncRead, AsyncReadExt as _};
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, Empty, Full, StreamBody};
use tower::{Service, service_fn};

/// No wait takes any time.
struct Impatient;

#[async_trait]
impl Clock for Impatient {
    fn now(&self) -> UnixTime {
        UnixTime::default()
    }

    async fn sleep(&self, _: Duration) {}
}

/// Every wait takes all time.
struct Patient;

#[async_trait]
impl Clock for Patient {
    fn now(&self) -> UnixTime {
        UnixTime::default()
    }

    async fn sleep(&self, _: Duration) {
        pending().await
    }
}

const LIMIT: Duration = Duration::from_secs(3600);

fn post(body: Body) -> Request<Body> {
    Request::post("https://app.example/upload?code=S3CRET").body(body).unwrap()
}

#[test]
fn a_service_is_called_when_it_is_ready() {
    /// Ready when asked for the second time, and never called before.
    struct Shy(u32);

    impl Clone for Shy {
        fn clone(&self) -> Self {
            Self(0)
        }
    }

    impl Service<Request<RequestBody>> for Shy {
        type Response = Response<Empty<Bytes>>;
        type Error = Infallible;
        type Future = Ready<Result<Self::Response, Infallible>>;

        fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            self.0 += 1;
            context.waker().wake_by_ref();
            if self.0 > 1 { Poll::Ready(Ok(())) } else { Poll::Pending }
        }

        fn call(&mut self, _: Request<RequestBody>) -> Self::Future {
            assert!(self.0 > 1, "called before it was ready");
            ready(Ok(Response::new(Empty::new())))
        }
    }

    let transport = ServiceTransport::new(Shy(0), Patient);
    for _ in 0..2 {
        assert_eq!(block_on(transport.send(post(Body::empty()), LIMIT)).unwrap().status(), 200);
    }
}

#[test]
fn who_does_nothing_is_too_slow() {
    let silent = service_fn(|_: Request<RequestBody>| pending::<Result<Response<Empty<Bytes>>, Infallible>>());
    let error = block_on(ServiceTransport::new(silent, Impatient).send(post(Body::empty()), LIMIT)).unwrap_err();
    assert_eq!(error.fault(), Fault::TimedOut);
    assert_eq!(error.to_string(), "app.example did not answer within 3600 s");
}

/// A stream that has nothing for the first hundred times that it is asked.
struct Starved(u32);

impl AsyncRead for Starved {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, _: &mut [u8]) -> Poll<io::Result<usize>> {
        self.0 += 1;
        context.waker().wake_by_ref();
        if self.0 > 100 { Poll::Ready(Ok(0)) } else { Poll::Pending }
    }
}

#[test]
fn a_body_that_is_waited_for_is_not_the_servers_fault() {
    let reading = service_fn(|request: Request<RequestBody>| async {
        let length = request.into_body().collect().await.unwrap().to_bytes().len();
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(length.to_string())))
    });
    let upload = post(Body::stream(Starved(0), None));
    assert_eq!(block_on(ServiceTransport::new(reading, Impatient).send(upload, LIMIT)).unwrap().status(), 200);
}

#[test]
fn who_takes_piece_after_piece_is_not_too_slow() {
    let taking = service_fn(|request: Request<RequestBody>| async {
        let mut body = request.into_body();
        let mut length = 0;
        while let Some(frame) = body.frame().await {
            length += frame.unwrap().into_data().unwrap().len();
            // To be asked again later, as a socket that is full for a while.
            let mut is_full = true;
            poll_fn(|context| {
                context.waker().wake_by_ref();
                if std::mem::take(&mut is_full) { Poll::Pending } else { Poll::Ready(()) }
            })
            .await;
        }
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(length.to_string())))
    });
    let upload = post(Body::from(vec![b'x'; 1 << 20]));
    let answer = block_on(ServiceTransport::new(taking, Impatient).send(upload, LIMIT)).unwrap();
    assert_eq!(block_on(answer.into_body().read_to_limit(100)).unwrap().unwrap(), b"1048576");
}

#[test]
fn an_answer_that_does_not_go_on_stays_an_error() {
    let endless = service_fn(|_: Request<RequestBody>| {
        let pieces = futures::stream::iter([Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"first")))]);
        let body = StreamBody::new(futures::StreamExt::chain(pieces, futures::stream::pending()));
        ready(Ok::<_, Infallible>(Response::new(body)))
    });
    let answer = block_on(ServiceTransport::new(endless, Impatient).send(post(Body::empty()), LIMIT)).unwrap();
    let mut reader = answer.into_body().into_reader();
    let mut buffer = [0; 3];
    assert_eq!(block_on(reader.read(&mut buffer)).unwrap(), 3);
    assert_eq!(block_on(reader.read(&mut buffer)).unwrap(), 2);
    for _ in 0..2 {
        let error = block_on(reader.read(&mut buffer)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(error.to_string().contains("app.example") && !error.to_string().contains("S3CRET"), "{error}");
    }
}

#[test]
fn empty_pieces_and_trailers_are_no_end() {
    let frames = || {
        let pieces = ["", "a", "", "b"].map(|piece| Frame::data(Bytes::from_static(piece.as_bytes())));
        pieces.into_iter().chain([Frame::trailers(HeaderMap::new())]).map(Ok::<_, Infallible>)
    };
    let service = service_fn(|_: Request<RequestBody>| {
        ready(Ok::<_, Infallible>(Response::new(StreamBody::new(futures::stream::iter(frames())))))
    });
    let answer = block_on(ServiceTransport::new(service, Patient).send(post(Body::empty()), LIMIT)).unwrap();
    assert_eq!(answer.body().length(), None);
    assert_eq!(block_on(answer.into_body().read_to_limit(9)).unwrap().unwrap(), b"ab");
}

#[test]
fn an_error_is_told_by_whoever_knows_it_and_without_the_url() {
    #[derive(Debug)]
    struct Odd(io::Error);
    impl std::fmt::Display for Odd {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("failed: https://app.example/upload?code=S3CRET")
        }
    }
    impl std::error::Error for Odd {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }
    let failing = |kind: io::ErrorKind| {
        service_fn(move |_: Request<RequestBody>| ready(Err::<Response<Empty<Bytes>>, _>(Odd(kind.into()))))
    };
    let refused = ServiceTransport::new(failing(io::ErrorKind::ConnectionRefused), Patient);
    let error = block_on(refused.send(post(Body::empty()), LIMIT)).unwrap_err();
    assert_eq!(error.fault(), Fault::Unreachable);
    assert_eq!(error.to_string(), "no answer from app.example: it refuses the connection");

    let odd = ServiceTransport::new(failing(io::ErrorKind::InvalidData), Patient);
    let error = block_on(odd.clone().send(post(Body::empty()), LIMIT)).unwrap_err();
    assert!(error.fault() == Fault::Other && !error.to_string().contains("S3CRET"), "{error}");

    let known = odd.explain(|link| link.is::<io::Error>().then(|| (Fault::Denied, "the gate is shut".into())));
    let error = block_on(known.send(post(Body::empty()), LIMIT)).unwrap_err();
    assert_eq!(
        (error.fault(), error.to_string().as_str()),
        (Fault::Denied, "no answer from app.example: the gate is shut")
    );
}
