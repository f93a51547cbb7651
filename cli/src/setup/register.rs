//! Step 2: the native client gets a registration of its own.

use std::collections::BTreeSet;

use entrada::Cloud;
use serde_json::{Value, json};
use url::Url;

use super::args::{Audience, Register};
use super::find::{self, Which};
use super::graph::Graph;
use super::plan::{Difference, Made, Plan, Version, Write, has_uri, items, text, texts};
use super::refusal::{incomplete, trap};
use super::run::{Next, Step};
use crate::failure::Failure;

/// Microsoft's limits (reply-url).
const LONGEST_URI: usize = 256;
const MOST_URIS: usize = 256;
const MOST_URIS_PERSONAL: usize = 100;
const NOT_IN_URIS: &str = "!$'(),;";

/// What is asked for, and what is there.
pub(super) struct Registering<'a> {
    wanted: &'a Register,
    client_id: Option<&'a str>,
    uris: Vec<String>,
    made: Option<String>,
    made_principal: bool,
    application: Option<Value>,
    principal: Option<Value>,
}

impl<'a> Registering<'a> {
    pub(super) fn new(wanted: &'a Register, client_id: Option<&'a str>, login_host: &str) -> Result<Self, Failure> {
        if client_id.is_none() && wanted.name.is_none() {
            return Err(trap(
                "no_client",
                "neither a name nor a client id is given",
                "name the registration to create with --name, or the one that is there with --client-id",
            ));
        }
        let own = ["http://localhost", "http://127.0.0.1"].map(str::to_owned);
        let page = format!("https://{login_host}/common/oauth2/nativeclient");
        let uris: Vec<String> = own.into_iter().chain([page]).chain(wanted.redirect_uri.iter().cloned()).collect();
        for uri in &uris {
            check_redirect_uri(uri, wanted.accounts)?;
        }
        check_ports(&uris)?;
        let (made, made_principal, application, principal) = (None, false, None, None);
        Ok(Self { wanted, client_id, uris, made, made_principal, application, principal })
    }

    fn find(&self, graph: &Graph<'_>) -> Result<Option<Value>, Failure> {
        native(graph, self.client_id, self.wanted.name.as_deref(), "leave the client id out to create one")
    }

    /// Of the whole list, as it will be.
    fn check_count(&self, uris: &[String], audience: &str) -> Result<(), Failure> {
        let personal = audience == Audience::Personal.word();
        let most = if personal { MOST_URIS_PERSONAL } else { MOST_URIS };
        if uris.len() <= most {
            return Ok(());
        }
        let whose = if personal { " that is for personal accounts, too" } else { "" };
        Err(trap(
            "too_many_redirect_uris",
            format!("that would be {} redirect URIs: a registration{whose} has {most} at most", uris.len()),
            "take those away that nobody uses, or register another client",
        ))
    }
}

/// The native client by its client id, else by its name; given both they must be one.
pub(super) fn native(
    graph: &Graph<'_>,
    client_id: Option<&str>,
    name: Option<&str>,
    remedy: &str,
) -> Result<Option<Value>, Failure> {
    let application = match (client_id, name) {
        (Some(id), _) => Some(find::existing(graph, &Which::Id(id.to_owned()), remedy)?),
        (None, Some(name)) => find::application(graph, &Which::Name(name.to_owned()))?,
        (None, None) => None,
    };
    let Some(application) = application else { return Ok(None) };
    if let Some(name) = name.filter(|name| text(&application, "displayName") != *name) {
        return Err(trap(
            "other_client",
            format!(
                "the client {} is {:?}, and not {name:?}",
                text(&application, "appId"),
                text(&application, "displayName")
            ),
            "leave out one of --name and the client id (--client-id, ENTRADA_CLIENT_ID, client_id in the configuration)",
        ));
    }
    if find::is_published(&application) {
        return Err(trap(
            "client_is_proxy_app",
            format!(
                "{} is the published app {:?} itself: its switches and permissions are application proxy's own, and are \
                 left alone",
                text(&application, "appId"),
                text(&application, "displayName")
            ),
            "register a second app for the native client: entrada setup register --name NAME",
        ));
    }
    Ok(Some(application))
}

impl Step for Registering<'_> {
    fn read(&mut self, graph: &Graph<'_>) -> Result<(), Failure> {
        let application = match &self.made {
            Some(id) => Some(find::made(graph, id)?),
            None => self.find(graph)?,
        };
        self.principal = match &application {
            Some(application) if self.made_principal => Some(find::made_principal(graph, text(application, "appId"))?),
            Some(application) => find::principal(graph, text(application, "appId"))?,
            None => None,
        };
        self.application = application;
        Ok(())
    }

    fn plan(&self) -> Result<Plan, Failure> {
        let mut plan = Plan::default();
        let blank = json!({ "appId": "{app id}" });
        let application = match &self.application {
            Some(application) => {
                self.update(application, &mut plan)?;
                application
            }
            None => {
                self.create(&mut plan)?;
                &blank
            }
        };
        if self.principal.is_none() {
            let what = "create the client's service principal";
            let write =
                Write::post(Version::V1, "servicePrincipals", what).body(json!({ "appId": application["appId"] }));
            plan.writes.push(write.making(Made::Principal));
        } else {
            plan.stays("the client's service principal");
        }
        Ok(plan)
    }

    fn made(&mut self, made: Made, answer: &Value) -> Result<(), Failure> {
        match made {
            Made::Application => {
                let id = answer["id"].as_str().ok_or_else(|| incomplete("id", answer))?;
                self.made = Some(id.to_owned());
            }
            _ => self.made_principal = true,
        }
        Ok(())
    }

    fn outcome(&self) -> Value {
        let application = self.application.as_ref().unwrap_or(&Value::Null);
        json!({ "client_id": application["appId"], "display_name": application["displayName"] })
    }

    fn next(&self) -> Next {
        let id = self.application.as_ref().map_or("CLIENT-ID", |application| text(application, "appId"));
        Next::Commands(vec![format!("entrada setup grant --app APP --client-id {id}")])
    }
}

impl Registering<'_> {
    fn create(&self, plan: &mut Plan) -> Result<(), Failure> {
        let audience = self.wanted.accounts.unwrap_or(Audience::Tenant).word();
        self.check_count(&self.uris, audience)?;
        let name = self.wanted.name.as_deref().unwrap_or_default();
        let mut body = json!({
            "displayName": name,
            "signInAudience": audience,
            "publicClient": { "redirectUris": self.uris },
        });
        if self.wanted.device_code {
            body["isFallbackPublicClient"] = true.into();
        }
        if audience == Audience::Personal.word() {
            body["api"] = json!({ "requestedAccessTokenVersion": 2 });
        }
        let what = format!("register the native client {name:?}");
        plan.writes.push(Write::post(Version::V1, "applications", what).body(body).making(Made::Application));
        Ok(())
    }

    fn update(&self, application: &Value, plan: &mut Plan) -> Result<(), Failure> {
        plan.stays(format!("the client {:?} ({})", text(application, "displayName"), text(application, "appId")));
        let mut body = json!({});
        let mut differences = Vec::new();
        let mut what = Vec::new();
        let audience =
            self.wanted.accounts.map_or_else(|| text(application, "signInAudience"), |accounts| accounts.word());

        let known = texts(&application["publicClient"]["redirectUris"]);
        let all: Vec<String> = known
            .iter()
            .map(|uri| (*uri).to_owned())
            .chain(self.uris.iter().filter(|uri| !has_uri(&known, uri)).cloned())
            .collect();
        self.check_count(&all, audience)?;
        if all.len() > known.len() {
            what.push(format!("add {}", all[known.len()..].join(", ")));
            body["publicClient"] = json!({ "redirectUris": all });
        } else {
            plan.stays("the redirect URIs");
        }
        if audience != text(application, "signInAudience") {
            differences.extend(Difference::of("accounts", &application["signInAudience"], &audience.into()));
            what.push(format!("set the accounts to {audience}"));
            body["signInAudience"] = audience.into();
            if audience == Audience::Personal.word() && application["api"]["requestedAccessTokenVersion"] != 2 {
                body["api"] = json!({ "requestedAccessTokenVersion": 2 });
            }
        } else {
            plan.stays(format!("the accounts: {audience}"));
        }
        let allows = &application["isFallbackPublicClient"];
        if self.wanted.device_code && *allows != true {
            differences.extend(Difference::of("public client flows", allows, &true.into()));
            what.push("allow flows without a redirect URI".to_owned());
            body["isFallbackPublicClient"] = true.into();
        } else if *allows == true {
            plan.stays("flows without a redirect URI, such as the device code");
        }
        if !what.is_empty() {
            let path = format!("applications/{}", text(application, "id"));
            plan.writes.push(Write::patch(Version::V1, path, what.join("; ")).body(body).differing(differences));
        }
        Ok(())
    }
}

/// What the platform takes for a native client's redirect URI.
fn check_redirect_uri(uri: &str, accounts: Option<Audience>) -> Result<(), Failure> {
    let wrong = |why: &str, remedy: &str| Err(trap("redirect_uri", format!("the redirect URI {uri:?} {why}"), remedy));
    if uri.chars().count() > LONGEST_URI {
        return wrong("is longer than 256 characters", "take a shorter one");
    }
    if let Some(character) = uri.chars().find(|character| NOT_IN_URIS.contains(*character)) {
        return wrong(
            &format!("has a {character:?} in it, which the platform does not take"),
            "none of ! $ ' ( ) , ; may be in it",
        );
    }
    if uri.contains('*') && accounts == Some(Audience::Personal) {
        return wrong("has a wildcard, which goes for work and school accounts only", "write it out");
    }
    let Ok(url) = Url::parse(uri) else { return wrong("is not a URI", "write it whole, such as http://localhost") };
    if url.host_str() == Some("[::1]") {
        return wrong(
            "is IPv6 loopback, which the platform does not support",
            "use http://localhost or http://127.0.0.1",
        );
    }
    if url.scheme() == "http" && !matches!(url.host_str(), Some("localhost" | "127.0.0.1")) {
        return wrong("is http to another host than this one", "http is for localhost and 127.0.0.1 only");
    }
    Ok(())
}

/// On loopback the port does not count: two that differ by it alone are one too many.
fn check_ports(uris: &[String]) -> Result<(), Failure> {
    let mut seen = BTreeSet::new();
    for uri in uris {
        let Ok(mut url) = Url::parse(uri) else { continue };
        if url.scheme() != "http" {
            continue;
        }
        let _ = url.set_port(None);
        if !seen.insert(String::from(url)) {
            return Err(trap(
                "redirect_uri",
                format!("the redirect URI {uri:?} is there already: on loopback the port does not count"),
                "leave it out; any port will do at the sign-in",
            ));
        }
    }
    Ok(())
}

/// The page for native clients of a cloud.
pub(super) fn login_host(cloud: Cloud, environment: &str) -> &'static str {
    let clouds = [Cloud::UsGov, Cloud::China, Cloud::Bleu, Cloud::Delos, Cloud::GovSg];
    clouds.into_iter().find(|cloud| cloud.login_host() == environment).unwrap_or(cloud).login_host()
}

/// The permissions that a client says it will ask for, with one more where it is not among them
/// (`requiredResourceAccess`).
pub(super) fn with_permission(application: &Value, resource: &str, scope: &str) -> Option<Value> {
    let listed = items(&application["requiredResourceAccess"]);
    let is_scope = |access: &Value| access["id"] == scope && access["type"] == "Scope";
    let entry = json!({ "id": scope, "type": "Scope" });
    let at = listed.iter().position(|known| known["resourceAppId"] == resource);
    let mut all = listed.to_vec();
    match at {
        Some(at) if items(&listed[at]["resourceAccess"]).iter().any(is_scope) => return None,
        Some(at) => {
            let access: Value = items(&listed[at]["resourceAccess"]).iter().cloned().chain([entry]).collect();
            all[at]["resourceAccess"] = access;
        }
        None => all.push(json!({ "resourceAppId": resource, "resourceAccess": [entry] })),
    }
    Some(all.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_platforms_rules_for_redirect_uris_hold() {
        let long = format!("myapp://{}", "x".repeat(249));
        for (uri, word) in [
            ("http://localhost/a(b)", "! $ ' ( ) , ;"),
            ("http://localhost/a;b", "! $ ' ( ) , ;"),
            (&long, "shorter"),
            ("http://[::1]/", "127.0.0.1"),
            ("http://hr.example/", "only"),
            ("localhost", "whole"),
        ] {
            let failure = check_redirect_uri(uri, None).unwrap_err();
            assert!(failure.code == 15 && failure.remedy.as_ref().unwrap().contains(word), "{uri}: {failure:?}");
        }
        for uri in
            ["http://localhost/cb", "http://127.0.0.1:8080", "myapp://auth", "https://h.example/cb", &long[..256]]
        {
            check_redirect_uri(uri, None).unwrap();
        }
        assert!(check_redirect_uri("https://*.example/", Some(Audience::Personal)).is_err());
        check_redirect_uri("https://*.example/", Some(Audience::Tenant)).unwrap();
        assert!(check_ports(&["http://localhost".into(), "http://localhost:8080".into()]).is_err());
        check_ports(&["http://localhost".into(), "http://localhost/cb".into(), "http://127.0.0.1".into()]).unwrap();
    }

    #[test]
    fn a_permission_is_added_beside_those_that_are_there() {
        let graph = json!({"resourceAppId": "g", "resourceAccess": [{"id": "r", "type": "Scope"}]});
        let bare = json!({"requiredResourceAccess": [graph]});
        let with = with_permission(&bare, "app", "s").unwrap();
        assert_eq!(with, json!([graph, {"resourceAppId": "app", "resourceAccess": [{"id": "s", "type": "Scope"}]}]));
        let twice = with_permission(&json!({"requiredResourceAccess": with}), "app", "t").unwrap();
        assert_eq!(twice[1]["resourceAccess"].as_array().unwrap().len(), 2);
        assert_eq!(with_permission(&json!({"requiredResourceAccess": twice}), "app", "s"), None);
    }
}
