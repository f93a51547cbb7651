//! The examples of `docs/`, as they stand there.

use std::fs;
use std::path::Path;

use entrada_authority::Endpoint;

use crate::desk::{Desk, Ended, ended};
use crate::{git, kubectl};

/// The app's URL in the documents.
const APP: &str = "https://hr-contoso.msappproxy.net/";

/// The blocks of a language, in order.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(page);
    let text = fs::read_to_string(path).unwrap();
    let begin = format!("```{language}\n");
    let found: Vec<_> = text.split(&begin).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect();
    assert!(!found.is_empty());
    found
}

/// A block in a shell, with the stage in the app's place.
fn shell(desk: &Desk, block: &str) -> Ended {
    let mut command = desk.command("sh");
    command.args(["-e", "-c", &block.replace(APP, desk.stage.external_url())]).env("SSL_CERT_FILE", desk.ca());
    ended(command)
}

#[test]
fn the_examples_for_curl_run() {
    let Some(desk) = Desk::signed_in_with("curl") else { return };
    for block in blocks("curl.md", "sh") {
        let said = shell(&desk, &block).well();
        assert!(said.stdout.contains("Ada Lovelace"), "{block}: {said:?}");
    }
    assert!(fs::read_to_string(desk.home().join("me.json")).unwrap().contains("Ada Lovelace"));
    let seen = desk.stage.requests_at(Endpoint::Proxy);
    assert!(seen.len() >= 5 && seen.iter().all(|seen| seen.bearer().is_some()));
    desk.no_file_holds_a_token();
}

#[test]
fn the_examples_for_git_run() {
    let Some((desk, ..)) = git::with_repository() else { return };
    for block in blocks("git.md", "sh") {
        shell(&desk, &block).well();
    }
    assert!(desk.home().join("project/.git").exists());
    let left = desk.run("git", &["config", "--global", "--list"]).well();
    assert!(!left.stdout.contains("credential"), "the last example takes out what the first has set: {left:?}");
}

#[test]
fn the_example_for_kubectl_runs() {
    let Some(desk) = Desk::signed_in_with("kubectl") else { return };
    if !kubectl::versions(&desk).contains(&"v1") {
        return;
    }
    desk.publish(|stream| kubectl::serve(stream).unwrap_or_default());
    let config = blocks("kubectl.md", "yaml").remove(0);
    let server = format!("    server: {}", APP.trim_end_matches('/'));
    assert!(config.contains(&server));
    let trusted = format!("{server}\n    certificate-authority: {}", desk.ca().display());
    let config =
        config.replace(&server, &trusted).replace(APP.trim_end_matches('/'), desk.url("").trim_end_matches('/'));
    fs::create_dir(desk.home().join(".kube")).unwrap();
    fs::write(desk.home().join(".kube/config"), config).unwrap();
    for block in blocks("kubectl.md", "sh") {
        assert!(shell(&desk, &block).well().stdout.contains("payroll"), "{block}");
    }
}
