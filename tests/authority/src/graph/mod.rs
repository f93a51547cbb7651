//! A strict stand-in for Microsoft Graph: as much of it as publishes an app and registers a client for it.
//!
//! What it takes is what Microsoft documents (graph: application-proxy-configure-api, application-update and the pages
//! of each call); what it publishes, registers, grants and assigns becomes real at the authority and the proxy.

mod applications;
mod connectors;
mod error;
mod levers;
mod principals;
mod real;
mod shape;
mod state;

use crate::directory::{CONTOSO, Directory, GRAPH, User};
use crate::faults::{Fault, RetryAfter};
use crate::message::{Inquiry, Reply, json, reply, set, value};
use crate::realm::{Realm, locked, v1_issuer};
use error::Refused;
use http::StatusCode;
pub use levers::{GraphRequest, Role};
pub(crate) use real::{is_assigned, is_consented, is_open, is_reached, needs_admin};
use serde_json::{Value, json as object};
use state::State;
use std::sync::Mutex;

/// The stand-in of one stage.
pub(crate) struct Graph {
    /// `scheme://host:port`, with no slash at the end.
    pub(crate) url: String,
    state: Mutex<State>,
}

impl Graph {
    pub(crate) fn new(url: String, directory: &Directory) -> Self {
        Self { url, state: Mutex::new(State::new(directory)) }
    }
}

/// Status and body of what was done.
type Outcome = Result<(StatusCode, Value), Refused>;

/// One call, judged so far.
struct Asked<'c> {
    method: &'c str,
    beta: bool,
    /// What follows the version, in its segments.
    segments: Vec<&'c str>,
    inquiry: &'c Inquiry,
    body: Value,
    scopes: Vec<String>,
    role: Role,
}

impl Asked<'_> {
    /// The token has one of these permissions.
    fn needs(&self, permissions: &[&str]) -> Result<(), Refused> {
        if permissions.iter().any(|permission| self.scopes.iter().any(|scope| scope == permission)) {
            return Ok(());
        }
        Err(Refused::forbidden("Insufficient privileges to complete the operation."))
    }

    /// The user has a role that may do this to registrations.
    fn needs_an_administrator(&self) -> Result<(), Refused> {
        match self.role {
            Role::ApplicationAdministrator | Role::CloudApplicationAdministrator => Ok(()),
            Role::None => Err(Refused::forbidden("Insufficient privileges to complete the operation.")),
        }
    }

    /// Everything but application proxy is what the Cloud Application Administrator may do
    /// (permissions-reference.md).
    fn needs_the_proxys_administrator(&self) -> Result<(), Refused> {
        match self.role {
            Role::ApplicationAdministrator => Ok(()),
            _ => Err(Refused::new(StatusCode::FORBIDDEN, "Forbidden", "Forbidden")),
        }
    }

    fn query(&self, name: &str) -> Option<&str> {
        value(&self.inquiry.query, name)
    }
}

/// Answers one request.
pub(crate) fn answer(realm: &Realm, inquiry: &Inquiry, body: &[u8]) -> Reply {
    let Some(graph) = &realm.graph else { return reply(StatusCode::NOT_FOUND, "text/plain", "") };
    let outcome = authenticated(realm, graph, inquiry).and_then(|user| judged(realm, graph, inquiry, body, &user));
    match outcome {
        Ok((StatusCode::NO_CONTENT, _)) => reply(StatusCode::NO_CONTENT, "application/json", ""),
        Ok((status, body)) => json(status, &body),
        Err(refused) => refused.reply(realm),
    }
}

/// The answer that a fault puts in place of the right one.
pub(crate) fn faulty(realm: &Realm, fault: &Fault) -> Option<Reply> {
    let Fault::Status(status, retry_after) = fault else { return None };
    let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let code = if status == StatusCode::TOO_MANY_REQUESTS { "TooManyRequests" } else { "UnknownError" };
    let mut reply = Refused::new(status, code, "An error on order.").reply(realm);
    if let Some(RetryAfter::Seconds(seconds)) = retry_after {
        set(&mut reply, "retry-after", &seconds.to_string());
    }
    Some(reply)
}

/// The user and the scopes of a token that this authority issued for Graph.
fn authenticated(realm: &Realm, graph: &Graph, inquiry: &Inquiry) -> Result<(User, Vec<String>), Refused> {
    let wrong = |why: &str| Refused::new(StatusCode::UNAUTHORIZED, "InvalidAuthenticationToken", why);
    let header = inquiry.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let token = header.ok_or_else(|| wrong("Access token is empty."))?;
    let claims = realm.key.verify(token).map_err(|_| wrong("Access token validation failure. Invalid signature."))?;
    let text = |name: &str| claims[name].as_str().unwrap_or_default();
    if text("iss") != v1_issuer(CONTOSO) && text("iss") != realm.issuer(CONTOSO) {
        return Err(wrong("Access token validation failure. Invalid issuer."));
    }
    let audience = text("aud").trim_end_matches('/');
    if ![GRAPH, "https://graph.microsoft.com", &graph.url].contains(&audience) {
        return Err(wrong("Access token validation failure. Invalid audience."));
    }
    if claims["exp"].as_u64().is_none_or(|exp| realm.clock.now() >= exp) {
        return Err(wrong("Lifetime validation failed, the token is expired."));
    }
    let scopes: Vec<String> = text("scp").split_whitespace().map(str::to_owned).collect();
    let user = realm.directory.users.iter().find(|user| user.object_id == text("oid"));
    match user.filter(|_| !scopes.is_empty()) {
        Some(user) => Ok((user.clone(), scopes)),
        // Neither application proxy nor this stand-in knows app-only callers.
        None => Err(Refused::new(StatusCode::FORBIDDEN, "Forbidden", "Application-only access is not supported.")),
    }
}

fn judged(realm: &Realm, graph: &Graph, inquiry: &Inquiry, body: &[u8], who: &(User, Vec<String>)) -> Outcome {
    let (user, scopes) = who;
    let mut segments: Vec<&str> = inquiry.path.trim_start_matches('/').split('/').collect();
    let beta = match segments.remove(0) {
        "v1.0" => false,
        "beta" => true,
        _ => return Err(Refused::bad("Invalid version.")),
    };
    let writes = inquiry.method != http::Method::GET;
    let body: Value = if writes {
        let is_json = inquiry.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
        serde_json::from_slice(body)
            .ok()
            .filter(|body: &Value| body.is_object() && is_json)
            .ok_or_else(|| Refused::bad("Unable to read JSON request payload."))?
    } else {
        Value::Null
    };
    let mut state = locked(&graph.state);
    if writes {
        state.writes.push(GraphRequest {
            method: inquiry.method.to_string(),
            path: inquiry.path.clone(),
            body: body.clone(),
        });
    }
    let role = state.roles.get(&user.upn).copied().unwrap_or_default();
    let method = inquiry.method.as_str();
    let asked = Asked { method, beta, segments, inquiry, body, scopes: scopes.clone(), role };
    let outcome = routed(realm, graph, &mut state, &asked)?;
    if writes {
        real::publish(realm, &state);
    }
    Ok(outcome)
}

fn routed(realm: &Realm, graph: &Graph, state: &mut State, asked: &Asked<'_>) -> Outcome {
    match asked.segments[0] {
        "applicationTemplates" | "applications" => applications::answer(realm, state, asked),
        name if name.starts_with("applications(") => applications::answer(realm, state, asked),
        "servicePrincipals" | "oauth2PermissionGrants" | "users" | "groups" => {
            principals::answer(graph, realm, state, asked)
        }
        name if name.starts_with("servicePrincipals(") => principals::answer(graph, realm, state, asked),
        "onPremisesPublishingProfiles" if asked.beta => connectors::answer(graph, state, asked),
        name => Err(Refused::bad(&format!("Resource not found for the segment '{name}'."))),
    }
}

/// A page of a list. It is small, so that whoever does not follow pages is found out.
fn page(graph: &Graph, asked: &Asked<'_>, items: Vec<Value>) -> Outcome {
    const PAGE: usize = 2;
    let skip = asked.query("$skiptoken").and_then(|token| token.parse().ok()).unwrap_or(0);
    let is_last = skip + PAGE >= items.len();
    let shown: Vec<Value> = items.into_iter().skip(skip).take(PAGE).collect();
    let mut answer = object!({ "value": shown });
    if !is_last {
        let target = asked.inquiry.target.split("$skiptoken=").next().unwrap_or_default().trim_end_matches(['?', '&']);
        let joint = if target.contains('?') { '&' } else { '?' };
        answer["@odata.nextLink"] = format!("{}{target}{joint}$skiptoken={}", graph.url, skip + PAGE).into();
    }
    Ok((StatusCode::OK, answer))
}
