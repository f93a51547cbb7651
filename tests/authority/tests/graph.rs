//! The stand-in for Microsoft Graph: what it refuses, and what it makes real.

#![allow(clippy::unwrap_used, reason = "a test that unwraps nothing says so by failing")]

mod plain;

use entrada_authority::{DirectoryRole, Endpoint, Stage};
use plain::{Answer, exchange};
use serde_json::{Value, json};

const ADA: &str = "ada@contoso.example";

fn stage() -> Stage {
    Stage::builder().graph(true).start().unwrap()
}

/// A token as the authority issues it for Graph, with changes.
fn token(stage: &Stage, upn: &str, scopes: &str, changes: &Value) -> String {
    let user = stage.users().iter().find(|user| user.upn == upn).unwrap();
    let mut claims = json!({
        "ver": "1.0", "iss": format!("https://sts.windows.net/{}/", stage.tenant_id()), "aud": stage.graph_url(),
        "exp": stage.now() + 3600, "oid": user.object_id, "tid": stage.tenant_id(), "scp": scopes,
    });
    claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    stage.sign(&claims)
}

const ALL: &str = "Application.ReadWrite.All Directory.ReadWrite.All DelegatedPermissionGrant.ReadWrite.All \
                   AppRoleAssignment.ReadWrite.All Directory.Read.All";

fn call(stage: &Stage, method: &str, path: &str, body: &Value) -> Answer {
    call_as(stage, &token(stage, ADA, ALL, &json!({})), method, path, body)
}

fn call_as(stage: &Stage, token: &str, method: &str, path: &str, body: &Value) -> Answer {
    let url = format!("{}/{path}", stage.graph_url().unwrap());
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let body = if body.is_null() { String::new() } else { body.to_string() };
    exchange(method, &url, &headers, body.as_bytes()).unwrap()
}

#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str, words: &str) {
    let error = answer.json()["error"].clone();
    assert_eq!((answer.status, error["code"].as_str()), (status, Some(code)), "{}", answer.text());
    assert!(error["message"].as_str().unwrap().contains(words), "{error}");
    assert!(error["innerError"]["request-id"].is_string() && error["innerError"]["date"].is_string(), "{error}");
}

/// A new app of the template: object id and app id.
fn instantiated(stage: &Stage) -> (String, String) {
    let path = "v1.0/applicationTemplates/8adf8e6e-67b2-4cf2-a259-e3dc5476c621/instantiate";
    let made = call(stage, "POST", path, &json!({"displayName": "HR"}));
    assert_eq!(made.status, 201);
    let text = |name: &str| made.json()["application"][name].as_str().unwrap().to_owned();
    (text("id"), text("appId"))
}

#[test]
fn a_stage_has_no_graph_unless_it_was_asked_for() {
    assert_eq!(Stage::start().unwrap().graph_url(), None);
}

#[test]
fn only_a_users_token_for_graph_with_the_permission_passes() {
    let stage = stage();
    let get =
        |token: &str| call_as(&stage, token, "GET", "v1.0/applications?$filter=displayName%20eq%20'x'", &Value::Null);
    let with = |scopes: &str, changes: Value| get(&token(&stage, ADA, scopes, &changes));
    assert_eq!(with("Application.Read.All", json!({})).status, 200);
    refused(&get("x"), 401, "InvalidAuthenticationToken", "signature");
    let forged = token(&stage, ADA, ALL, &json!({}));
    refused(&get(&forged[..forged.len() - 4]), 401, "InvalidAuthenticationToken", "signature");
    for (changes, words) in [
        (json!({"aud": stage.external_url()}), "audience"),
        (json!({"iss": "https://sts.windows.net/other/"}), "issuer"),
        (json!({"exp": stage.now()}), "expired"),
    ] {
        refused(&with(ALL, changes), 401, "InvalidAuthenticationToken", words);
    }
    refused(&with("User.Read", json!({})), 403, "Authorization_RequestDenied", "Insufficient");
    refused(&with("", json!({"roles": ["Application.ReadWrite.All"]})), 403, "Forbidden", "Application-only");
    assert_eq!(stage.requests_at(Endpoint::Graph).len(), 8);
}

#[test]
fn what_is_not_in_the_documented_shapes_is_refused() {
    let stage = stage();
    let (id, app_id) = instantiated(&stage);
    let v1 = format!("v1.0/applications/{id}");
    let beta = format!("beta/applications/{id}");
    let publishing = json!({"externalUrl": "https://hr-contoso.msappproxy.net/", "internalUrl": "http://hr/"});
    let web = json!({"redirectUris": ["https://hr-contoso.msappproxy.net/"]});
    let uris = json!([format!("api://{app_id}")]);
    for (path, body, code, words) in [
        (&v1, json!({"displayNam": "x"}), "Request_BadRequest", "Invalid property 'displayNam'"),
        (&v1, json!({"web": {"redirectUri": []}}), "Request_BadRequest", "redirectUri"),
        (&v1, json!({"signInAudience": "Everybody"}), "Request_BadRequest", "signInAudience"),
        (&v1, json!({"isFallbackPublicClient": "true"}), "Request_BadRequest", "isFallbackPublicClient"),
        (
            &v1,
            json!({"onPremisesPublishing": publishing}),
            "Request_BadRequest",
            "Invalid property 'onPremisesPublishing'",
        ),
        (&beta, json!({"onPremisesPublishing": publishing, "web": web}), "Request_BadRequest", "same request"),
        (&beta, json!({"onPremisesPublishing": publishing}), "Request_BadRequest", "must be set before"),
        (
            &beta,
            json!({"identifierUris": ["https://hr-contoso.msappproxy.net"]}),
            "HostNameNotOnVerifiedDomain",
            "verified domain",
        ),
        (&beta, json!({"identifierUris": ["https://hr.contoso.example/"]}), "Request_BadRequest", "slash"),
        (
            &beta,
            json!({"web": {"redirectUris": ["https://a/", "https://A/"]}}),
            "DuplicateValueInDifferentCase",
            "duplicate",
        ),
        (
            &v1,
            json!({"publicClient": {"redirectUris": ["http://localhost/a;b"]}}),
            "Request_BadRequest",
            "redirect URI",
        ),
        (
            &v1,
            json!({"signInAudience": "AzureADandPersonalMicrosoftAccount", "api": {"requestedAccessTokenVersion": 1}}),
            "InvalidAccessTokenVersion",
            "must be 2",
        ),
        (
            &v1,
            json!({"api": {"oauth2PermissionScopes": [{"id": "x", "value": "y"}]}}),
            "Request_BadRequest",
            "required",
        ),
    ] {
        refused(&call(&stage, "PATCH", path, &body), 400, code, words);
    }
    assert_eq!(call(&stage, "PATCH", &beta, &json!({"identifierUris": uris, "web": web})).status, 204);
    assert_eq!(call(&stage, "PATCH", &beta, &json!({"onPremisesPublishing": publishing})).status, 204);
    for (changes, code) in [
        (json!({"externalUrl": "https://hr-fabrikam.msappproxy.net/"}), "ExternalUrl_InvalidAsciiRules"),
        (json!({"internalUrl": "http://hr"}), "Request_BadRequest"),
        (json!({"externalAuthenticationType": "none"}), "Request_BadRequest"),
        (json!({"isOnPremPublishingEnabled": true}), "Request_BadRequest"),
        (json!({"singleSignOnSettings": {"singleSignOnMode": "ntlm"}}), "Request_BadRequest"),
    ] {
        let answer = call(&stage, "PATCH", &beta, &json!({"onPremisesPublishing": changes}));
        assert_eq!(answer.json()["error"]["code"], code, "{changes}");
    }
    refused(
        &call(&stage, "PATCH", &v1, &json!({"isFallbackPublicClient": true})),
        400,
        "Request_BadRequest",
        "proxy app",
    );
    refused(
        &call(&stage, "POST", "v1.0/applications", &json!({"signInAudience": "AzureADMyOrg"})),
        400,
        "Request_BadRequest",
        "displayName",
    );
    assert_eq!(call(&stage, "DELETE", &v1, &Value::Null).status, 400, "nothing is ever deleted");
    let selected = call(&stage, "GET", &format!("{v1}?$select=onPremisesPublishing"), &Value::Null);
    refused(&selected, 400, "Request_BadRequest", "Could not find a property");
    let shown = call(&stage, "GET", &format!("{beta}?$select=onPremisesPublishing"), &Value::Null).json();
    assert_eq!(shown["onPremisesPublishing"]["externalUrl"], "https://hr-contoso.msappproxy.net/");
    assert_eq!(
        call(&stage, "GET", &beta, &Value::Null).json().get("onPremisesPublishing"),
        None,
        "only when it is named"
    );
}

#[test]
fn roles_and_licences_decide_who_publishes() {
    let stage = stage();
    let (id, app_id) = instantiated(&stage);
    let beta = format!("beta/applications/{id}");
    let first = json!({"identifierUris": [format!("api://{app_id}")], "web": {"redirectUris": ["https://hr-contoso.msappproxy.net/"]}});
    assert_eq!(call(&stage, "PATCH", &beta, &first).status, 204);
    let publish = json!({"onPremisesPublishing": {"externalUrl": "https://hr-contoso.msappproxy.net/", "internalUrl": "http://hr/"}});
    let bob = token(&stage, "bob@contoso.example", ALL, &json!({}));
    refused(&call_as(&stage, &bob, "PATCH", &beta, &publish), 403, "Forbidden", "Forbidden");
    refused(
        &call_as(&stage, &bob, "GET", "beta/onPremisesPublishingProfiles/applicationProxy/connectors", &Value::Null),
        403,
        "Forbidden",
        "",
    );
    assert_eq!(call_as(&stage, &bob, "PATCH", &beta, &json!({"displayName": "HR"})).status, 204);
    stage.set_licensed(false);
    refused(&call(&stage, "PATCH", &beta, &publish), 403, "Forbidden", "license");
    stage.set_licensed(true);
    stage.set_role(ADA, DirectoryRole::None);
    refused(&call(&stage, "PATCH", &beta, &publish), 403, "Authorization_RequestDenied", "Insufficient");
}

#[test]
fn links_between_things_are_checked() {
    let stage = stage();
    let (_, app_id) = instantiated(&stage);
    let principal = call(&stage, "GET", &format!("v1.0/servicePrincipals(appId='{app_id}')"), &Value::Null).json();
    let id = principal["id"].as_str().unwrap();
    assert_eq!(principal["appRoleAssignmentRequired"], true);
    let twice = call(&stage, "POST", "v1.0/servicePrincipals", &json!({"appId": app_id}));
    refused(&twice, 409, "Request_MultipleObjectsWithSameKeyValue", "already in use");

    let path = format!("v1.0/servicePrincipals/{id}/appRoleAssignedTo");
    let ada = &stage.ada().object_id;
    let assign = |resource: &str, role: &str| {
        call(&stage, "POST", &path, &json!({"principalId": ada, "resourceId": resource, "appRoleId": role}))
    };
    refused(&assign(id, "00000000-0000-0000-0000-000000000000"), 400, "Request_BadRequest", "not found on application");
    refused(&assign("x", "18d14569-c3bd-439b-9a66-3a2aee01d14f"), 400, "Request_BadRequest", "resourceId");
    assert_eq!(assign(id, "18d14569-c3bd-439b-9a66-3a2aee01d14f").status, 201);
    refused(&assign(id, "18d14569-c3bd-439b-9a66-3a2aee01d14f"), 400, "Request_BadRequest", "already exists");

    let grant = |body: Value| call(&stage, "POST", "v1.0/oauth2PermissionGrants", &body);
    let body = json!({"clientId": id, "consentType": "AllPrincipals", "principalId": null, "resourceId": id, "scope": "user_impersonation"});
    let mut wrong = body.clone();
    wrong["principalId"] = ada.as_str().into();
    refused(&grant(wrong), 400, "Request_BadRequest", "principalId");
    assert_eq!(grant(body.clone()).status, 201);
    refused(&grant(body), 409, "Request_MultipleObjectsWithSameKeyValue", "already exists");
}

#[test]
fn lists_come_in_pages_and_new_things_may_hide() {
    let stage = stage();
    let connectors =
        call(&stage, "GET", "beta/onPremisesPublishingProfiles/applicationProxy/connectors", &Value::Null).json();
    assert_eq!(connectors["value"].as_array().unwrap().len(), 2);
    let next =
        connectors["@odata.nextLink"].as_str().unwrap().strip_prefix(&format!("{}/", stage.graph_url().unwrap()));
    let rest = call(&stage, "GET", next.unwrap(), &Value::Null).json();
    assert_eq!((rest["value"].as_array().unwrap().len(), rest.get("@odata.nextLink")), (1, None));

    stage.hide_new(1);
    let (id, _) = instantiated(&stage);
    let get = || call(&stage, "GET", &format!("beta/applications/{id}"), &Value::Null).status;
    assert_eq!((get(), get()), (404, 200));
}
