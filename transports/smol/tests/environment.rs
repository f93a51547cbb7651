//! What the environment decides.

use std::sync::Arc;

use entrada_conformance::blocked::Blocked;
use entrada_conformance::environment::{self, Proxying};
use entrada_smol::SmolTransport;

#[test]
#[ignore = "a part of the other test, which starts it"]
fn the_process_under_test() {
    let transport = Blocked::new(SmolTransport::new(), Arc::new(|future| smol::block_on(future)));
    environment::in_a_process_of_its_own(&transport);
}

#[test]
fn it_heeds_the_environment() {
    environment::environment("the_process_under_test", Proxying::default());
}

#[test]
fn it_keeps_to_the_limits_of_socks() {
    environment::limits_of_socks("the_process_under_test");
}
