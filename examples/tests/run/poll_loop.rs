//! `poll_loop`: several flows in one thread.

use std::process::Command;

use entrada_authority::Endpoint;

use crate::session::{run, stage};

#[test]
fn flows_and_a_ticker_go_on_side_by_side() {
    let stage = stage();
    stage.grant_admin_consent();
    let scopes = [stage.scope(), stage.other_scope(), stage.app_id_scope()];
    let mut program = Command::new(env!("CARGO_BIN_EXE_poll_loop"));
    let said = run(&stage, program.args([&stage.authority_url(), stage.client_id()]).args(&scopes));
    assert_eq!((said.code, said.complaints.as_str()), (Some(0), ""), "{:?}", said.lines);
    let at = |line: &str| {
        said.lines.iter().position(|said| said == line).unwrap_or_else(|| panic!("{line}: {:?}", said.lines))
    };

    // While the user code waits, the ticker goes on.
    let waits = at("sign-in waits 1s: UserCode");
    let signed_in = at("sign-in: a token from SignIn");
    let ticks = said.lines[waits..signed_in].iter().filter(|line| *line == "tick").count();
    assert!(ticks >= 9, "{ticks} ticks in a second: {:?}", said.lines);

    // Then all at once: the first is in the cache, one of the others refreshes, and the other waits for the lock.
    at(&format!("{}: a token from Cache", scopes[0]));
    at(&format!("{}: a token from Refresh", scopes[1]));
    at(&format!("{}: a token from Refresh", scopes[2]));
    let waited = said.lines[signed_in..].iter().filter(|line| line.ends_with(": Lock")).count();
    assert!(waited > 0, "nobody waited for the lock: {:?}", said.lines);
    assert_eq!(stage.count(Endpoint::Token, "refresh_token"), 2);
}
