//! A service as a transport.

use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use entrada_core::Fault;
use entrada_core::ports::AdapterError;
use entrada_core::ports::asynchronous::{Body, Clock, Transport};
use http::{Method, Request, Response, StatusCode};
use http_body::Body as _;
use tower_service::Service;

use crate::BoxError;
use crate::body::RequestBody;
#[cfg(feature = "hyper")]
use crate::body::Upload;
use crate::incoming::Incoming;
use crate::limit::Limit;
use crate::reason::{Place, Reasons, is_cut};

/// Sends through a tower service: a clone of it for each request, called when it is ready.
///
/// Bodies are streamed both ways, with the length that was announced; a `timeout` limits the wait for the head of
/// the answer, which begins anew with each piece of the request that is taken, and each single wait for more of the
/// answer's body. A safe request (`GET`, `HEAD`) without a body whose connection is cut before the answer is sent once
/// more, as the other side may just have closed a connection that was kept. What else the port promises is for the service to keep: it follows no redirect, keeps no cookie,
/// adds no header, and takes a status of 4xx or 5xx for an answer.
///
/// ```
/// use entrada_core::Fault;
/// use entrada_tower::ServiceTransport;
/// # #[derive(Debug)]
/// # struct TlsError;
/// # impl std::fmt::Display for TlsError {
/// #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("bad certificate") }
/// # }
/// # impl std::error::Error for TlsError {}
/// # fn example<S>(service: S, clock: impl entrada_core::ports::asynchronous::Clock + 'static) {
///
/// let transport = ServiceTransport::new(service, clock)
///     .explain(|error| error.downcast_ref::<TlsError>().map(|tls| (Fault::Untrusted, format!("no TLS: {tls}"))));
/// # drop(transport);
/// # }
/// ```
#[derive(Clone)]
pub struct ServiceTransport<S> {
    service: S,
    clock: Arc<dyn Clock>,
    reasons: Reasons,
}

impl<S> ServiceTransport<S> {
    /// Over this service, with a clock of the runtime that it is called on.
    pub fn new(service: S, clock: impl Clock + 'static) -> Self {
        Self { service, clock: Arc::new(clock), reasons: Reasons::default() }
    }

    /// Tells what the service's errors mean: it is asked for the error and for each that is behind it (see
    /// [`links`](crate::links)), and the first answer counts. The reason goes on from "no answer from HOST:".
    ///
    /// What it does not know is judged by [`std::io::ErrorKind`], and by hyper's errors with the feature `hyper`. An
    /// [`AdapterError`] passes as it is.
    pub fn explain(
        mut self,
        explain: impl Fn(&(dyn Error + 'static)) -> Option<(Fault, String)> + Send + Sync + 'static,
    ) -> Self {
        self.reasons = Reasons(Some(Arc::new(explain)));
        self
    }

    /// The service that this sends through.
    pub fn service(&self) -> &S {
        &self.service
    }
}

#[async_trait]
impl<S, B> Transport for ServiceTransport<S>
where
    S: Service<Request<RequestBody>, Response = Response<B>> + Clone + Send + Sync,
    S::Error: Into<BoxError> + Send,
    S::Future: Send,
    B: http_body::Body + Send + 'static,
    B::Data: Send + Unpin,
    B::Error: Into<BoxError>,
{
    async fn send(&self, request: Request<Body>, timeout: Duration) -> Result<Response<Body>, AdapterError> {
        let place = Place::of(request.uri());
        let limit = Limit { clock: Arc::clone(&self.clock), timeout };
        let (mut parts, body) = request.into_parts();
        let method = parts.method.clone();
        let body = RequestBody::frame(&mut parts.headers, &method, body, &limit);
        let upload = body.upload();

        let request = Request::from_parts(parts, body);
        #[cfg(feature = "hyper")]
        let request = asking(request, &upload);

        let again = is_repeatable(&request).then(|| repeated(&request));
        let mut service = self.service.clone();
        let answer = async {
            let error = match once(&mut service, request).await {
                Err(error) => error.into(),
                Ok(answer) => return Ok(answer),
            };
            match again {
                Some(again) if is_cut(&*error) => once(&mut service, again).await.map_err(Into::into),
                _ => Err::<_, BoxError>(error),
            }
        };
        match limit.head(&upload, answer).await {
            Some(Ok(answer)) => {
                let (parts, body) = answer.into_parts();
                let length = if is_bodiless(&method, parts.status) { Some(0) } else { body.size_hint().exact() };
                let reader = Incoming::new(body, limit, upload, place, self.reasons.clone());
                Ok(Response::from_parts(parts, Body::stream(reader, length)))
            }
            Some(Err(error)) => Err(match upload.take_failure() {
                Some(failure) => AdapterError::new(
                    Fault::Other,
                    format!("the body of the request to {place} could not be read: {failure}"),
                ),
                None => self.reasons.tell(format_args!("no answer from {place}"), error),
            }),
            None => {
                let seconds = timeout.as_secs_f32();
                Err(AdapterError::new(Fault::TimedOut, format!("{place} did not answer within {seconds} s")))
            }
        }
    }
}

async fn once<S: Service<Request<RequestBody>>>(
    service: &mut S,
    request: Request<RequestBody>,
) -> Result<S::Response, S::Error> {
    poll_fn(|context| service.poll_ready(context)).await?;
    service.call(request).await
}

fn is_repeatable(request: &Request<RequestBody>) -> bool {
    request.method().is_safe() && request.body().is_end_stream()
}

fn repeated(request: &Request<RequestBody>) -> Request<RequestBody> {
    let mut again = Request::new(RequestBody::empty());
    *again.method_mut() = request.method().clone();
    *again.uri_mut() = request.uri().clone();
    *again.version_mut() = request.version();
    *again.headers_mut() = request.headers().clone();
    *again.extensions_mut() = request.extensions().clone();
    again
}

/// Lets hyper tell when the other side asks for the body.
#[cfg(feature = "hyper")]
fn asking(mut request: Request<RequestBody>, upload: &Upload) -> Request<RequestBody> {
    let upload = upload.clone();
    hyper::ext::on_informational(&mut request, move |answer| {
        if answer.status() == StatusCode::CONTINUE {
            upload.go_ahead();
        }
    });
    request
}

/// Whether such an answer ends with its head, whatever its headers say about a length.
fn is_bodiless(method: &Method, status: StatusCode) -> bool {
    method == Method::HEAD || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

impl<S> fmt::Debug for ServiceTransport<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceTransport").finish_non_exhaustive()
    }
}
