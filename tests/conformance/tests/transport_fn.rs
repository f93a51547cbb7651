//! A closure as a blocking transport, against the suite of its port; it sends through ureq.
#![allow(clippy::unwrap_used)]

use entrada_conformance::transport::transport;
use entrada_core::ports::blocking::{Transport as _, transport_fn};
use entrada_ureq::UreqTransport;

#[test]
fn a_closure_passes_the_suite() {
    transport(|options| {
        let mut builder = UreqTransport::builder();
        if let Some(pem) = options.ca_pem {
            builder = builder.ca_pem(pem);
        }
        if let Some(name) = options.user_agent {
            builder = builder.user_agent(name);
        }
        let stack = builder.build().unwrap();
        Box::new(transport_fn(move |request, timeout| stack.send(request, timeout)))
    });
}
