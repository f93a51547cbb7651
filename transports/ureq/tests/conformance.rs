//! The ureq transport against the suite of its port.

use entrada_ureq::UreqTransport;

#[test]
fn it_passes_the_suite_of_its_port() {
    entrada_conformance::transport::transport(|options| {
        let mut builder = UreqTransport::builder();
        if let Some(pem) = options.ca_pem {
            builder = builder.ca_pem(pem);
        }
        if let Some(name) = options.user_agent {
            builder = builder.user_agent(name);
        }
        Box::new(builder.build().unwrap())
    });
}
