//! The smol transport against the suite of its port.

use std::sync::Arc;

use entrada_conformance::blocked::{BlockOn, Blocked};
use entrada_conformance::transport::{self, Options};
use entrada_smol::SmolTransport;

fn made(options: Options) -> SmolTransport {
    let mut builder = SmolTransport::builder();
    if let Some(pem) = options.ca_pem {
        builder = builder.ca_pem(pem);
    }
    if let Some(name) = options.user_agent {
        builder = builder.user_agent(name);
    }
    builder.build().expect("a transport")
}

fn block_on() -> BlockOn {
    Arc::new(|future| smol::block_on(future))
}

#[test]
fn it_passes_the_suite_of_its_port() {
    transport::transport(|options| Box::new(Blocked::new(made(options), block_on())));
}

#[test]
fn it_passes_the_suite_of_asynchronous_transports() {
    transport::asynchronous(made, &block_on());
}

#[test]
fn it_needs_no_executor_of_smols() {
    let block_on: BlockOn = Arc::new(|future| futures::executor::block_on(future));
    transport::asynchronous(made, &block_on);
}
