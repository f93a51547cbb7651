//! Finding what is there: an app by its id, its external URL or its name. Several that fit are refused.

use entrada::protocol::is_guid;
use serde_json::Value;

use super::graph::Graph;
use super::plan::{Version, items, text, texts};
use super::refusal::trap;
use crate::failure::Failure;

/// What is asked of an application. Only beta tells how it is published.
const APPLICATION: [(&str, &str); 1] = [(
    "$select",
    "id,appId,displayName,signInAudience,identifierUris,web,publicClient,isFallbackPublicClient,api,\
     requiredResourceAccess,onPremisesPublishing",
)];
/// What is asked of a service principal.
const PRINCIPAL: [(&str, &str); 1] = [(
    "$select",
    "id,appId,displayName,accountEnabled,appRoleAssignmentRequired,appRoles,oauth2PermissionScopes,\
     servicePrincipalNames,replyUrls,homepage,tags",
)];
/// The tag of every app that is published through application proxy.
pub(super) const ON_PREMISES: &str = "WindowsAzureActiveDirectoryOnPremApp";

/// How an app is named by the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Which {
    Id(String),
    Url(String),
    Name(String),
}

impl Which {
    pub(super) fn read(text: &str) -> Self {
        let text = text.trim().to_owned();
        if is_guid(&text) {
            Self::Id(text)
        } else if text.contains("://") {
            Self::Url(text)
        } else {
            Self::Name(text)
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Id(id) => format!("with the app id {id}"),
            Self::Url(url) => format!("published at {url}"),
            Self::Name(name) => format!("named {name:?}"),
        }
    }
}

/// The application, if there is exactly one; none where there is none.
pub(super) fn application(graph: &Graph<'_>, which: &Which) -> Result<Option<Value>, Failure> {
    let candidates = match which {
        Which::Id(id) => return by_app_id(graph, id),
        Which::Name(name) => named(graph, name)?,
        Which::Url(url) => return at_url(graph, which, url),
    };
    match candidates.as_slice() {
        [] => Ok(None),
        [one] => by_app_id(graph, one),
        several => Err(ambiguous(which, several)),
    }
}

fn ambiguous(which: &Which, app_ids: &[String]) -> Failure {
    trap(
        "ambiguous_app",
        format!("there are {} apps {}: {}", app_ids.len(), which.words(), app_ids.join(", ")),
        "name the one that is meant by its app id",
    )
}

/// Of those whose home or reply URL it is: the app that is published there, else one that is not published yet.
fn at_url(graph: &Graph<'_>, which: &Which, url: &str) -> Result<Option<Value>, Failure> {
    let mut found = Vec::new();
    for app_id in published_at(graph, url)? {
        found.extend(by_app_id(graph, &app_id)?);
    }
    let is_there = |app: &Value| same_url(text(&app["onPremisesPublishing"], "externalUrl"), url);
    let (there, elsewhere): (Vec<Value>, Vec<Value>) = found.into_iter().partition(is_there);
    let fitting: Vec<Value> = match there.is_empty() {
        true => elsewhere.into_iter().filter(|app| !is_published(app)).collect(),
        false => there,
    };
    match fitting.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one.clone())),
        several => {
            let app_ids: Vec<String> = several.iter().map(|app| text(app, "appId").to_owned()).collect();
            Err(ambiguous(which, &app_ids))
        }
    }
}

/// The same, of which there must be one.
pub(super) fn existing(graph: &Graph<'_>, which: &Which, remedy: &str) -> Result<Value, Failure> {
    application(graph, which)?
        .ok_or_else(|| trap("no_such_app", format!("there is no app {} in this tenant", which.words()), remedy))
}

fn by_app_id(graph: &Graph<'_>, app_id: &str) -> Result<Option<Value>, Failure> {
    if !is_guid(app_id) {
        return Err(trap(
            "not_an_app_id",
            format!("{app_id:?} is not an app id"),
            "it is the Application (client) ID, such as 8f4a7c1e-2d3b-4b5c-9d6e-7f8091a2b3c4",
        ));
    }
    graph.find(Version::Beta, &format!("applications(appId='{app_id}')"), &APPLICATION)
}

/// The application that was made a moment ago, by its object id.
pub(super) fn made(graph: &Graph<'_>, object_id: &str) -> Result<Value, Failure> {
    graph.await_new(Version::Beta, &format!("applications/{object_id}"), &APPLICATION)
}

/// The service principal of an app in this tenant.
pub(super) fn principal(graph: &Graph<'_>, app_id: &str) -> Result<Option<Value>, Failure> {
    graph.find(Version::V1, &format!("servicePrincipals(appId='{app_id}')"), &PRINCIPAL)
}

/// The service principal that was made a moment ago.
pub(super) fn made_principal(graph: &Graph<'_>, app_id: &str) -> Result<Value, Failure> {
    graph.await_new(Version::V1, &format!("servicePrincipals(appId='{app_id}')"), &PRINCIPAL)
}

fn named(graph: &Graph<'_>, name: &str) -> Result<Vec<String>, Failure> {
    let filter = format!("displayName eq {}", quoted(name));
    let found =
        graph.list(Version::V1, "applications", &[("$filter", &filter), ("$select", "id,appId,displayName")])?;
    Ok(found.iter().map(|app| text(app, "appId").to_owned()).collect())
}

/// How an app is published is told for one app at a time; the address of its home is in the list.
fn published_at(graph: &Graph<'_>, url: &str) -> Result<Vec<String>, Failure> {
    let filter = format!("tags/any(t:t eq '{ON_PREMISES}')");
    let select = "id,appId,displayName,homepage,replyUrls";
    let found = graph.list(Version::V1, "servicePrincipals", &[("$filter", &filter), ("$select", select)])?;
    let is_it = |text: &str| same_url(text, url);
    let fitting = found.iter().filter(|principal| {
        is_it(text(principal, "homepage")) || texts(&principal["replyUrls"]).into_iter().any(is_it)
    });
    Ok(fitting.map(|principal| text(principal, "appId").to_owned()).collect())
}

/// Whether two URLs are the same place, a slash at the end more or less.
pub(super) fn same_url(one: &str, other: &str) -> bool {
    let bare = |url: &str| url.trim_end_matches('/').to_ascii_lowercase();
    !one.is_empty() && bare(one) == bare(other)
}

/// A string of OData.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The delegated permission of the published app that a native client asks for.
pub(super) const SCOPE: &str = "user_impersonation";

/// Its id, where it is there and switched on.
pub(super) fn scope_id(scopes: &Value) -> Option<&str> {
    let scope = items(scopes).iter().find(|scope| text(scope, "value") == SCOPE && scope["isEnabled"] != false)?;
    scope["id"].as_str()
}

/// The scope that a client asks for, slash for slash: the audience is what stands before the last slash, and the proxy
/// wants its external URL with a slash, or the app's id.
pub(super) fn scope_to_ask_for(application: &Value) -> String {
    let external = text(&application["onPremisesPublishing"], "externalUrl");
    let has_url = texts(&application["identifierUris"]).into_iter().any(|uri| same_url(uri, external));
    // Tokens of version 2 are for the app id, whatever was asked for.
    if has_url && application["api"]["requestedAccessTokenVersion"] != 2 {
        format!("{}//{SCOPE}", external.trim_end_matches('/'))
    } else {
        format!("{}/{SCOPE}", text(application, "appId"))
    }
}

/// Whether this is published through application proxy: then it is no native client, and its switches are the proxy's.
pub(super) fn is_published(application: &Value) -> bool {
    !text(&application["onPremisesPublishing"], "externalUrl").is_empty()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_app_is_named_by_id_url_or_name() {
        assert_eq!(
            Which::read("8f4a7c1e-2d3b-4b5c-9d6e-7f8091a2b3c4 "),
            Which::Id("8f4a7c1e-2d3b-4b5c-9d6e-7f8091a2b3c4".into())
        );
        assert_eq!(Which::read("https://h/"), Which::Url("https://h/".into()));
        assert_eq!(Which::read("O'Neil's"), Which::Name("O'Neil's".into()));
        assert_eq!(quoted("O'Neil's"), "'O''Neil''s'");
        assert!(
            same_url("https://H/hr", "https://h/hr/") && !same_url("", "") && !same_url("https://h/hr", "https://h/")
        );
    }

    #[test]
    fn the_scope_follows_the_identifiers_of_the_app() {
        let app = |uris: Value, version: Value| {
            json!({"appId": "id", "identifierUris": uris, "api": {"requestedAccessTokenVersion": version},
                   "onPremisesPublishing": {"externalUrl": "https://h/"}})
        };
        assert_eq!(scope_to_ask_for(&app(json!(["api://id"]), json!(null))), "id/user_impersonation");
        assert_eq!(scope_to_ask_for(&app(json!(["https://h"]), json!(null))), "https://h//user_impersonation");
        assert_eq!(scope_to_ask_for(&app(json!(["https://h"]), json!(2))), "id/user_impersonation");
    }
}
