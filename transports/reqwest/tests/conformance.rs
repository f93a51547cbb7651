//! The reqwest transport against the suite of its port.
#![cfg(feature = "rustls")]
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use entrada_conformance::blocked::{BlockOn, Blocked};
use entrada_conformance::transport::transport;
use entrada_reqwest::ReqwestTransport;
use tokio::runtime::Builder;

#[test]
fn it_passes_the_suite_of_its_port() {
    // On several threads, hyper's pool may still be taking a connection back when the next request wants one.
    let runtime = Arc::new(Builder::new_current_thread().enable_all().build().unwrap());
    let block_on: BlockOn = Arc::new(move |future| runtime.block_on(future));
    transport(|options| {
        let mut builder = ReqwestTransport::builder().proxy_from_env(false);
        if let Some(pem) = options.ca_pem {
            builder = builder.ca_pem(pem);
        }
        Box::new(Blocked::new(builder.build().unwrap(), Arc::clone(&block_on)))
    });
}
