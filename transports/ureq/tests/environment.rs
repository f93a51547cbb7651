//! What the environment decides.

use entrada_conformance::environment::{self, Proxying};
use entrada_ureq::UreqTransport;

#[test]
#[ignore = "a part of the other test, which starts it"]
fn the_process_under_test() {
    environment::in_a_process_of_its_own(&UreqTransport::new());
}

#[test]
fn it_heeds_the_environment() {
    environment::environment("the_process_under_test", Proxying::default());
}
