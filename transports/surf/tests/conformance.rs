//! The surf transport against the suite of its port.

use std::sync::Arc;

use async_std::task;
use entrada_conformance::blocked::{BlockOn, Blocked};
use entrada_conformance::transport::{self, Options};
use entrada_surf::SurfTransport;

fn made(options: Options) -> SurfTransport {
    let mut builder = SurfTransport::builder();
    if let Some(pem) = options.ca_pem {
        builder = builder.ca_pem(pem);
    }
    if let Some(name) = options.user_agent {
        builder = builder.user_agent(name);
    }
    builder.build().expect("a transport")
}

fn block_on() -> BlockOn {
    Arc::new(|future| task::block_on(future))
}

#[test]
fn it_passes_the_suite_of_its_port() {
    transport::transport(|options| Box::new(Blocked::new(made(options), block_on())));
}

#[test]
fn it_passes_the_suite_of_asynchronous_transports() {
    transport::asynchronous(made, &block_on());
}
