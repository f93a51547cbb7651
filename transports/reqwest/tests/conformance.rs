//! The reqwest transport against the suite of its port.
#![cfg(feature = "rustls")]
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use entrada_conformance::blocked::{BlockOn, Blocked, kept_running};
use entrada_conformance::transport::{self, Options};
use entrada_reqwest::ReqwestTransport;
use futures::future::BoxFuture;
use tokio::runtime::Builder;

fn made(options: Options) -> ReqwestTransport {
    let mut builder = ReqwestTransport::builder().proxy_from_env(false);
    if let Some(pem) = options.ca_pem {
        builder = builder.ca_pem(pem);
    }
    if let Some(name) = options.user_agent {
        builder = builder.user_agent(name);
    }
    builder.build().unwrap()
}

fn on(mut runtime: Builder) -> BlockOn {
    let runtime = runtime.enable_all().build().unwrap();
    Arc::new(move |future| runtime.block_on(future))
}

fn moment() -> BoxFuture<'static, ()> {
    Box::pin(async { tokio::time::sleep(Duration::from_millis(1)).await })
}

#[test]
fn it_passes_the_suite_of_its_port() {
    // On several threads, hyper's pool may still be taking a connection back when the next request wants one.
    let block_on = kept_running(on(Builder::new_current_thread()), moment);
    transport::transport(|options| Box::new(Blocked::new(made(options), Arc::clone(&block_on))));
}

#[test]
fn it_passes_the_suite_of_asynchronous_transports() {
    transport::asynchronous(made, &on(Builder::new_multi_thread()));
}
