//! The steps of the demo, each checked against what the servers saw.

use std::io::Read;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use entrada_authority::Endpoint;
use serde_json::{Value, json};

use super::{Get, Performance};
use crate::answer;
use crate::call;
use crate::columns::prose;
use crate::failure::{Failure, OTHER, PROXY_REFUSED};
use crate::notice::painted;
use crate::target::Target;
use crate::tries::Tries;

/// Goes through all steps; one that does not show what it should is a failure of the demo.
pub(super) fn all(demo: &Performance) -> Result<ExitCode, Failure> {
    let stage = &demo.stage;
    answer::print_line(&format!(
        "{}  {}\n{}        {} (through the application proxy)\n",
        painted(demo.is_coloured, "authority", "1"),
        stage.authority_url(),
        painted(demo.is_coloured, "app", "1"),
        stage.external_url()
    ))?;

    step(demo, "discover", || discover(demo))?;
    step(demo, "sign-in", || {
        let body = get(demo)?;
        expect(demo, "one sign-in", 1, 0)?;
        let body: Value = serde_json::from_str(&body).unwrap_or_default();
        Ok(format!(
            "no token yet: signed in with the browser; the app says hello to {}",
            body["name"].as_str().unwrap_or("nobody")
        ))
    })?;
    step(demo, "cached", || {
        get(demo)?;
        expect(demo, "no word to the authority", 1, 0)?;
        Ok("the same again: the token came from the cache, the authority was not asked".to_owned())
    })?;
    step(demo, "refreshed", || {
        stage.advance(Duration::from_secs(2 * 3600));
        get(demo)?;
        expect(demo, "one refresh", 1, 1)?;
        Ok("two hours later: the token had expired and was refreshed silently, once".to_owned())
    })?;
    step(demo, "refused", || match get_with(demo, Some(&stage.one_slash_scope())) {
        Err(failure) if failure.code == PROXY_REFUSED => {
            Ok(format!("the scope with one slash: {}; {}", failure.message, failure.remedy.unwrap_or_default()))
        }
        Err(failure) => Err(failure),
        Ok(_) => Err(unexpected("the proxy took a token for another audience")),
    })?;
    step(demo, "claims", || {
        stage.demand_claims(json!({"access_token": {"nbf": {"essential": true, "value": stage.now().to_string()}}}));
        get(demo)?;
        stage.demand_no_claims();
        Ok("the app demanded claims: a token with them was fetched, the request sent again".to_owned())
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Runs a step and prints what it showed, with its time.
fn step(demo: &Performance, name: &str, show: impl FnOnce() -> Result<String, Failure>) -> Result<(), Failure> {
    let begun = Instant::now();
    let shown = show()?;
    let name = painted(demo.is_coloured, &format!("{name:<10}"), "32");
    let time = painted(demo.is_coloured, &format!("{:>5} ms", begun.elapsed().as_millis()), "2");
    answer::print_line(&format!("{name} {time}  {}", prose(&shown, 21)))
}

/// From the URL alone: the proxy's redirect names the tenant and the app, and the authority confirms that.
fn discover(demo: &Performance) -> Result<String, Failure> {
    match demo.get("api/me", None)?.target {
        Target::Learnt(app) if app.is_confirmed() && app.authority().url() == demo.stage.authority_url() => {
            Ok(format!(
                "without a token the proxy redirects to sign-in: tenant {}, app {}; the authority confirms it",
                app.authority().tenant_name().unwrap_or_default(),
                app.app_id()
            ))
        }
        _ => Err(unexpected("the proxy did not redirect to its tenant's sign-in")),
    }
}

fn get(demo: &Performance) -> Result<String, Failure> {
    get_with(demo, None)
}

/// `entrada get`, with the body of the answer on one line.
fn get_with(demo: &Performance, scope: Option<&str>) -> Result<String, Failure> {
    let Get { call: arguments, settings, client, target } = demo.get("api/me", scope)?;
    let head = call::head("GET", &arguments)?;
    let mut tries = Tries::new(arguments.retry, demo.notice);
    let mut response = call::fetch(&head, &arguments, &settings, &client, target, &mut tries)?;
    let mut body = String::new();
    let read = response.body_mut().read_to_string(&mut body);
    read.map_err(|error| Failure::new(OTHER, "demo", format!("the app's answer was cut: {error}")))?;
    if !response.status().is_success() {
        return Err(unexpected(&format!("the app answered {}", response.status())));
    }
    Ok(body.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// What the authority has granted so far.
fn expect(demo: &Performance, what: &str, sign_ins: usize, refreshes: usize) -> Result<(), Failure> {
    let seen = |grant| demo.stage.count(Endpoint::Token, grant);
    if (seen("authorization_code"), seen("refresh_token")) == (sign_ins, refreshes) {
        return Ok(());
    }
    Err(unexpected(&format!("expected {what}, and the authority saw something else")))
}

fn unexpected(what: &str) -> Failure {
    Failure::new(OTHER, "demo", what.to_owned())
}
