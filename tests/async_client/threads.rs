//! No runtime at all: threads that wait, and ureq.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use entrada::UnixTime;
use entrada::ports::AdapterError;
use entrada::ports::asynchronous::{Body, Clock, Runtime, Transport};
use entrada::ports::blocking::{self, Transport as _};
use entrada::ureq::UreqTransport;
use futures::channel::oneshot;
use futures::executor::block_on;
use futures::future::BoxFuture;

use crate::house::Ground;

pub(crate) fn ground() -> Ground {
    Ground {
        block_on: |scene| block_on(scene),
        transport: |ca| {
            let builder = UreqTransport::builder();
            let builder = match ca {
                Some(pem) => builder.ca_pem(pem),
                None => builder,
            };
            Arc::new(Threads(builder.build().unwrap()))
        },
        runtime: Arc::new(Threads(UreqTransport::new())),
    }
}

struct Threads(UreqTransport);

async fn on_thread<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> R {
    let (done, awaited) = oneshot::channel();
    thread::spawn(move || drop(done.send(work())));
    awaited.await.unwrap()
}

#[async_trait::async_trait]
impl Transport for Threads {
    async fn send(
        &self,
        request: http::Request<Body>,
        timeout: Duration,
    ) -> Result<http::Response<Body>, AdapterError> {
        let (head, body) = request.into_parts();
        let body = body.read_to_limit(1 << 20).await.unwrap().unwrap();
        let transport = self.0.clone();
        on_thread(move || {
            let request = http::Request::from_parts(head, blocking::Body::from(body));
            let answer = transport.send(request, timeout)?;
            Ok(answer.map(|mut body| Body::from(body.read_to_limit(1 << 20).unwrap().unwrap())))
        })
        .await
    }
}

#[async_trait::async_trait]
impl Clock for Threads {
    fn now(&self) -> UnixTime {
        UnixTime::now()
    }

    async fn sleep(&self, duration: Duration) {
        on_thread(move || thread::sleep(duration)).await;
    }
}

impl Runtime for Threads {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        thread::spawn(move || block_on(task));
    }
}
