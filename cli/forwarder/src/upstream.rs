//! A request to the app, over a connection that is kept or a new one.

use std::error::Error as _;
use std::future::{Future as _, poll_fn};
use std::io;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use entrada_core::Fault;
use entrada_core::ports::AdapterError;
use futures::FutureExt as _;
use http::{Request, Response, StatusCode, request};
use hyper::body::Incoming;

use crate::body::{Source, Upload};
use crate::connection::Connection;
use crate::limits::LONGEST_HEAD;
use crate::refusal::Refusal;
use crate::site::Site;
use crate::watch::{Phase, Watch};

/// Not everybody who could say `100 Continue` does (RFC 9110, 10.1.1).
const PATIENCE: Duration = Duration::from_secs(1);

/// hyper's own limit of how many headers a head may have.
const MOST_LINES: usize = 100;

/// Why there is no answer of the app's.
#[derive(Debug)]
pub(crate) enum Failure {
    /// There is no connection.
    Unreachable(AdapterError),
    /// It went away without an answer.
    Cut,
    /// What came is not HTTP, for that reason.
    NotHttp(String),
    /// It came too late.
    Late,
}

/// Sends it, and brings the head of the answer with the connection on which its body follows.
///
/// A safe request without a body which the app cuts on a kept connection is sent once more, and so is any of which
/// nothing has been sent.
pub(crate) async fn send(
    site: &Site,
    head: &request::Parts,
    source: Option<&Source>,
    watch: &Watch,
) -> Result<(Response<Incoming>, Connection), Failure> {
    if let Some(connection) = site.pool.take() {
        match send_over(connection, request(head, source), source, watch).await {
            Ok(answered) => return Ok(answered),
            Err((_, true)) => {}
            Err((Failure::Cut, false)) if source.is_none() && head.method.is_safe() => {}
            Err((failure, false)) => return Err(failure),
        }
    }
    watch.enter(Phase::Free);
    let stream = site.dialer.stream(&site.uri, site.limits.connect).await.map_err(Failure::Unreachable)?;
    let connection = Connection::over(stream).await.map_err(|error| failure(&error))?;
    send_over(connection, request(head, source), source, watch).await.map_err(|(failure, _)| failure)
}

fn request(head: &request::Parts, source: Option<&Source>) -> Request<Upload> {
    let mut request = Request::new(Upload::of(source));
    *request.method_mut() = head.method.clone();
    *request.uri_mut() = head.uri.clone();
    *request.headers_mut() = head.headers.clone();
    if let Some(hold) = source.and_then(Source::hold).cloned() {
        hyper::ext::on_informational(&mut request, move |answer| {
            if answer.status() == StatusCode::CONTINUE {
                hold.release();
            }
        });
    }
    request
}

/// Fails with whether nothing at all has been sent.
async fn send_over(
    mut connection: Connection,
    request: Request<Upload>,
    source: Option<&Source>,
    watch: &Watch,
) -> Result<(Response<Incoming>, Connection), (Failure, bool)> {
    watch.enter(Phase::Answer);
    let Connection { requests, link } = &mut connection;
    let ready = poll_fn(|context| {
        link.drive(context);
        requests.poll_ready(context)
    });
    ready.await.map_err(|error| (failure(&error), true))?;
    let answer = {
        let mut answer = pin!(requests.try_send_request(request));
        let mut patience = source.and_then(Source::hold).map(|hold| (hold, smol::Timer::after(PATIENCE)));
        poll_fn(|context| {
            if watch.is_late() {
                return Poll::Ready(Err((Failure::Late, false)));
            }
            if let Some((hold, timer)) = &mut patience
                && timer.poll_unpin(context).is_ready()
            {
                hold.release();
                patience = None;
            }
            link.drive(context);
            answer.as_mut().poll(context).map_err(|mut error| (failure(error.error()), error.take_message().is_some()))
        })
        .await?
    };
    watch.enter(Phase::Free);
    Ok((answer, connection))
}

fn failure(error: &hyper::Error) -> Failure {
    if error.is_parse() {
        let reason = error.to_string();
        // hyper has no other way to say so to a client.
        let is_too_large = reason == "message head is too large";
        let too_large = || format!("its head has over {LONGEST_HEAD} bytes or {MOST_LINES} lines");
        return Failure::NotHttp(if is_too_large { too_large() } else { reason });
    }
    match error.source().and_then(|source| source.downcast_ref::<io::Error>()) {
        Some(error) if error.kind() == io::ErrorKind::InvalidData => Failure::NotHttp(error.to_string()),
        _ => Failure::Cut,
    }
}

impl Failure {
    pub(crate) fn into_refusal(self, site: &Site) -> Refusal {
        let host = site.origin.host_name();
        let bad_gateway = |kind, text| Refusal::new(StatusCode::BAD_GATEWAY, kind, text);
        match self {
            Self::Unreachable(error) if error.fault() == Fault::TimedOut => {
                Refusal::new(StatusCode::GATEWAY_TIMEOUT, "timed_out", error.to_string())
            }
            Self::Unreachable(error) => bad_gateway("unreachable", error.to_string()),
            Self::Cut => bad_gateway("cut", format!("{host} cut the connection before its answer")),
            Self::NotHttp(reason) => bad_gateway("not_http", format!("{host} did not answer in HTTP: {reason}")),
            Self::Late => {
                let seconds = site.limits.answer.as_secs_f32();
                let text = format!("{host} did not answer within {seconds} s");
                Refusal::new(StatusCode::GATEWAY_TIMEOUT, "timed_out", text)
            }
        }
    }
}
