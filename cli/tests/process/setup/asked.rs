//! On a terminal: the administrator is asked to sign in, and before what is there is changed.

use super::*;
use crate::terminal::on_terminal;

#[test]
fn a_change_is_made_after_a_yes_and_after_nothing_else() {
    let office = Office::new();
    let app = office.published();
    let (external, graph) = (office.external_url(), office.graph());
    let words = ["setup", "publish", "--name", "Payroll", "--internal-url", "http://payroll.corp.example/"];
    let more = ["--external-url", &external, "--graph", graph];
    let internal = || office.stage().application(&app)["onPremisesPublishing"]["internalUrl"].clone();
    let before = internal();
    for (answer, code) in [("n", 11), ("", 11), ("yes!", 11), ("y", 0)] {
        let Some(mut terminal) = on_terminal(office.world.run(&words).args(&more)) else { return };
        terminal.line_with("internalUrl: ");
        terminal.line_with("Change it? [y/N]");
        assert_eq!(internal(), before);
        terminal.types(answer);
        assert_eq!(terminal.done().code(), code, "{answer:?}");
    }
    assert_eq!(internal(), "http://payroll.corp.example/");
}

#[test]
fn the_administrator_signs_in_when_it_comes_to_it() {
    let office = Office::nobody();
    let words =
        ["setup", "register", "--name", "entrada", "--graph", office.graph(), "--flow", "browser", "--no-browser"];
    let Some(terminal) = on_terminal(office.world.run(&words)) else { return };
    let url = terminal.line_with("/oauth2/v2.0/authorize?");
    assert!(url.contains(&format!("client_id={COMMAND_LINE_TOOLS}")), "{url}");
    office.world.visit(&url);
    terminal.line_with("done: register the native client");
    assert_eq!(terminal.done().code(), 0);
    assert_eq!(shapes(&office.writes()), ["POST /v1.0/applications", "POST /v1.0/servicePrincipals"]);
}

#[test]
fn what_was_agreed_to_is_asked_once_however_often_all_is_read() {
    let office = Office::new();
    let (internal, external, graph) = (office.stage().internal_url(), office.external_url(), office.graph());
    let words = ["setup", "publish", "--name", "Payroll", "--internal-url", &internal, "--external-url", &external];
    let more = ["--connector-group", "New", "--connector", "connector2.contoso.example", "--graph", graph];
    let Some(mut terminal) = on_terminal(office.world.run(&words).args(&more)) else { return };
    terminal.line_with("connector connector2.contoso.example: ");
    terminal.line_with("Change it? [y/N]");
    terminal.types("y");
    let done = terminal.done();
    assert_eq!((done.code(), done.stderr.matches("Change it?").count()), (0, 1), "{}", done.stderr);
}
