//! A service that others wrote, hyper's client, against the suite of the transport's port.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use entrada_conformance::blocked::{BlockOn, Blocked, kept_running};
use entrada_conformance::transport::{Options, asynchronous, transport};
use entrada_core::ports::asynchronous::{Clock, Transport, transport_fn};
use entrada_core::{Fault, UnixTime};
use entrada_tower::{RequestBody, ServiceTransport};
use http::header::USER_AGENT;
use http::{HeaderValue, Request};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::runtime::Builder;
use tower::{ServiceBuilder, ServiceExt as _};

struct Tokio;

#[async_trait]
impl Clock for Tokio {
    fn now(&self) -> UnixTime {
        UnixTime::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

fn tls(options: &Options) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(pem) = &options.ca_pem {
        roots.add_parsable_certificates(CertificateDer::pem_slice_iter(pem).map(Result::unwrap));
    }
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

fn over_hyper(options: &Options) -> impl Transport + use<> {
    let connector = HttpsConnectorBuilder::new().with_tls_config(tls(options)).https_or_http().enable_http1().build();
    let client =
        Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).pool_max_idle_per_host(8).build(connector);
    let user_agent = options.user_agent.as_ref().map(|name| HeaderValue::from_str(name).unwrap());
    let named = ServiceBuilder::new().service(client).map_request(move |mut request: Request<RequestBody>| {
        if let Some(name) = &user_agent {
            request.headers_mut().entry(USER_AGENT).or_insert(name.clone());
        }
        request
    });
    ServiceTransport::new(named, Tokio).explain(|error| {
        let tls = error.downcast_ref::<rustls::Error>()?;
        Some((Fault::Untrusted, format!("no TLS with it: {tls}")))
    })
}

/// On several threads, hyper's pool may still be taking a connection back when the next request wants one.
fn on_one_thread() -> BlockOn {
    kept_running(on(Builder::new_current_thread()), || Box::pin(async { Tokio.sleep(Duration::from_millis(1)).await }))
}

fn on(mut runtime: Builder) -> BlockOn {
    let runtime = runtime.enable_all().build().unwrap();
    Arc::new(move |future| runtime.block_on(future))
}

#[test]
fn a_service_passes_the_suite() {
    let block_on = on_one_thread();
    transport(|options| Box::new(Blocked::new(over_hyper(&options), Arc::clone(&block_on))));
}

#[test]
fn a_closure_passes_the_suite() {
    let block_on = on_one_thread();
    transport(|options| {
        let stack = Arc::new(over_hyper(&options));
        let closure = transport_fn(move |request, timeout| {
            let stack = Arc::clone(&stack);
            async move { stack.send(request, timeout).await }
        });
        Box::new(Blocked::new(closure, Arc::clone(&block_on)))
    });
}

#[test]
fn a_service_passes_the_suite_of_asynchronous_transports() {
    asynchronous(|options| over_hyper(&options), &on(Builder::new_multi_thread()));
}
