//! The native registration: its client id, redirect URI and scope, before anybody signs in.

use entrada::Authority;
use entrada::protocol::{PublishedApp, ReplyUrl, aadsts, is_guid};
use entrada::words::clean;
use serde_json::Value;

use super::check::{Check, ERROR_CODES, NATIVE_CLIENT};
use super::observe::Answer;
use super::reply::Verdict;
use crate::args::Flow;
use crate::failure::{CONFIGURATION, NETWORK, PROXY_REFUSED};

/// The redirect URI of a sign-in in the system's browser.
pub(super) const LOOPBACK: &str = "http://localhost";

/// The application id of Microsoft Graph, which is meant where a scope names no app.
pub(super) const GRAPH: &str = "00000003-0000-0000-c000-000000000000";

/// Where the authority describes itself (OpenID Connect Discovery 4).
pub(super) fn metadata_url(authority: &Authority) -> String {
    let url = authority.url();
    let version = match authority.tenant_name() {
        None | Some("adfs") => "",
        Some(_) => "/v2.0",
    };
    format!("{}{version}/.well-known/openid-configuration", url.trim_end_matches('/'))
}

/// What the authority said of itself; brings the id of its tenant, where it tells.
pub(super) fn authority(authority: &Authority, answer: &Answer) -> (Check, Option<String>) {
    const NAME: &str = "authority";
    let url = authority.url();
    let document: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let text = |name: &str| document.as_ref().and_then(|document| document.get(name)?.as_str());
    if let (200, Some(issuer)) = (answer.status, text("issuer")) {
        let tenant = issuer.split('/').nth(3).filter(|tenant| is_guid(tenant)).map(String::from);
        return (Check::ok(NAME, format!("{url} answers; its issuer is {}", clean(issuer))), tenant);
    }
    let said = text("error_description").or(text("error")).unwrap_or_default();
    let known = aadsts::numbers_in(said).first().and_then(|number| aadsts::explain(*number));
    let check = match known {
        Some(known) => Check::fail(NAME, CONFIGURATION, format!("{url} refuses: {}", sentence(said)), known.remedy)
            .documented(ERROR_CODES),
        None if answer.status == 429 || answer.status >= 500 => {
            let finding = format!("{url} is not well: it answered {}", answer.status);
            Check::fail(NAME, NETWORK, finding, "try again in a while")
        }
        None => {
            let finding = format!("{url} does not answer as an authority does (HTTP {})", answer.status);
            let remedy = "check --authority; if a network's own sign-in page is in between, pass it in a browser first";
            Check::fail(NAME, CONFIGURATION, finding, remedy)
        }
    };
    (check, None)
}

/// An authority's sentence without the ids after it.
fn sentence(description: &str) -> &str {
    description.split("Trace ID:").next().unwrap_or_default().trim()
}

/// Which redirect URIs the authority knows for the client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) loopback: ReplyUrl,
    /// The page for native clients.
    pub(super) native: ReplyUrl,
}

/// The client id: another one than the published app's, and one that the tenant knows.
pub(super) fn client_id(client_id: &str, app: Option<&PublishedApp>, known: Option<Known>) -> Check {
    const NAME: &str = "client-id";
    if app.is_some_and(|app| app.app_id().eq_ignore_ascii_case(client_id)) {
        return Check::fail(
            NAME,
            CONFIGURATION,
            format!(
                "{client_id} is the published app itself: as a client of its own it is sent to sign in again and again"
            ),
            "register a native client of its own, with the published app's permission, and use its id",
        );
    }
    match known.map(|known| [known.loopback, known.native].map(Verdict::of)) {
        Some([Verdict::Refused(number, known), _] | [_, Verdict::Refused(number, known)]) => {
            let finding = format!("the authority refuses the client {client_id} (AADSTS{number}, {})", known.kind);
            Check::fail(NAME, CONFIGURATION, finding, known.remedy).documented(ERROR_CODES)
        }
        Some([Verdict::Unsaid, Verdict::Unsaid]) => {
            let finding = format!("the authority did not say whether it knows the client {client_id}");
            Check::warn(NAME, finding, "try again in a while; else a sign-in shows it: --sign-in")
        }
        _ => Check::ok(NAME, format!("{client_id} is a registration of its own")),
    }
}

/// The redirect URI that a sign-in will use.
pub(super) fn redirect_uri(flow: Flow, native: &str, known: Known) -> Check {
    const NAME: &str = "redirect-uri";
    let (loopback, page) = (Verdict::of(known.loopback), Verdict::of(known.native));
    let (wanted, verdict) = if flow == Flow::Paste { (native, page) } else { (LOOPBACK, loopback) };
    let is = |verdict| matches!(verdict, Verdict::Registered);
    let number = match verdict {
        _ if flow == Flow::Device => return Check::skipped(NAME, "a sign-in by user code needs none"),
        Verdict::Registered => return Check::ok(NAME, format!("{wanted} is registered")),
        Verdict::NotRegistered(number) => number,
        Verdict::Refused(..) | Verdict::Unsaid => {
            let finding = format!("the authority did not say whether {wanted} is registered");
            return Check::warn(NAME, finding, "try again in a while; else a sign-in shows it: --sign-in");
        }
    };
    match (flow, is(loopback), is(page)) {
        (Flow::Paste, true, _) => Check::fail(
            NAME,
            CONFIGURATION,
            format!("{native} is not registered, and {LOOPBACK} is"),
            "sign in with the browser: --flow browser",
        ),
        (_, _, true) => Check::fail(
            NAME,
            CONFIGURATION,
            format!("only {native} is registered: a sign-in in the browser ends in AADSTS{number}"),
            "the app's owner adds http://localhost to the native registration, under \"Mobile and desktop \
             applications\"; until then, --flow paste or --flow device",
        ),
        (_, _, false) => Check::fail(
            NAME,
            CONFIGURATION,
            format!("{wanted} is not registered: a sign-in ends in AADSTS{number}"),
            "the app's owner adds http://localhost to the native registration, under \"Mobile and desktop \
             applications\", and not under Web or Single-page application",
        ),
    }
}

/// The form of the scopes, against the app's id and external URL.
pub(super) fn scope(scopes: &[String], authority: Option<&Authority>, app: Option<&PublishedApp>) -> Check {
    const NAME: &str = "scope";
    let wanted: Vec<&str> = scopes.iter().map(String::as_str).filter(|scope| !is_reserved(scope)).collect();
    let suggested = app.map(PublishedApp::scopes).unwrap_or_default();
    let Some(first) = wanted.first() else { return unnamed(app, &suggested) };
    // Elsewhere a scope is a word, and which API it is of is the authority's to say.
    if authority.is_some_and(|authority| !is_entra(authority)) {
        return Check::ok(NAME, format!("{} is asked for", wanted.join(" ")));
    }
    let Some((resource, _)) = first.rsplit_once('/') else {
        return Check::fail(
            NAME,
            PROXY_REFUSED,
            format!("{first} names no app, so that the token is for Microsoft Graph, and the proxy refuses it"),
            suggestion(app, "put the app before it: https://HOST//user_impersonation, or APP-ID/.default"),
        );
    };
    if let Some(other) = wanted.iter().find(|scope| scope.rsplit_once('/').is_none_or(|(other, _)| other != resource)) {
        let finding = format!("{first} and {other} are of several apps: a token is for one (AADSTS700022)");
        return Check::fail(NAME, CONFIGURATION, finding, "name the scope of one app");
    }
    if resource == "https://graph.microsoft.com" || resource == GRAPH {
        let finding = format!("{first} is Microsoft Graph's, and the proxy refuses its token");
        return Check::fail(NAME, PROXY_REFUSED, finding, suggestion(app, "name the app's own scope"));
    }
    let Some(app) = app else {
        return Check::ok(NAME, format!("{first} asks for a token for {resource}"));
    };
    let (id, external) = (app.app_id(), app.external_url());
    let bare = external.strip_suffix('/').unwrap_or(external);
    if resource.eq_ignore_ascii_case(id) || resource == external || Some(id) == resource.strip_prefix("api://") {
        Check::ok(NAME, format!("{first} is a scope of the app {id}"))
    } else if resource == bare {
        Check::warn(
            NAME,
            format!("{first} asks for a token for {resource}, without the slash at the end, which most proxies refuse"),
            format!("ask for {external}/user_impersonation, with both slashes, or for {id}/.default"),
        )
    } else {
        Check::warn(
            NAME,
            format!("{first} asks for a token for {resource}, and the app is {id} at {external}"),
            suggestion(Some(app), "name the app's own scope"),
        )
    }
}

/// Whether the tokens are Entra's, of this tenant or of customers.
fn is_entra(authority: &Authority) -> bool {
    !matches!(authority.tenant_name(), None | Some("adfs"))
}

fn unnamed(app: Option<&PublishedApp>, suggested: &[String]) -> Check {
    const NAME: &str = "scope";
    match (app.and_then(PublishedApp::accepted_scope), suggested) {
        (Some(accepted), _) => Check::ok(NAME, format!("none is configured; {accepted} was accepted before")),
        (None, [first, ..]) => Check::warn(
            NAME,
            format!("none is configured; these are tried, in this order: {}", suggested.join(" ")),
            format!("name it, so that nothing has to be tried: --scope {first}"),
        )
        .documented(NATIVE_CLIENT),
        (None, []) => Check::warn(
            NAME,
            "none is configured",
            "name the app's scope, as its registration shows it: --scope https://HOST//user_impersonation",
        )
        .documented(NATIVE_CLIENT),
    }
}

fn suggestion(app: Option<&PublishedApp>, or: &str) -> String {
    match app {
        Some(app) => {
            format!("ask for {}/user_impersonation, or for {}/.default", app.external_url(), app.app_id())
        }
        None => or.to_owned(),
    }
}

fn is_reserved(scope: &str) -> bool {
    ["openid", "profile", "offline_access", "email"].contains(&scope)
}

#[cfg(test)]
mod tests {
    use entrada::protocol::{AppCall, EdgeRedirect};

    use super::super::check::Status;
    use super::*;

    const APP: &str = "e9b3f5a7-4c18-4d72-86f0-1a3c5e7b9d05";
    const CLIENT: &str = "5f0d6c3a-71b2-4e8f-a9d4-2c6b8e1f3a03";

    fn app() -> PublishedApp {
        let asked = AppCall::new("https://hr.example/x").unwrap();
        let location = format!(
            "https://login.microsoftonline.com/3c1f0a52-8d34-4b0e-9a57-5b1e6f2d7c01/oauth2/authorize?client_id={APP}\
             &redirect_uri=https://hr.example/&state=AppProxyState:{{}}"
        );
        PublishedApp::of_redirect(&asked, &EdgeRedirect::read(&location).unwrap(), None).unwrap()
    }

    #[test]
    fn each_form_of_a_scope_has_its_verdict() {
        for (scopes, status, code, words, remedy) in [
            (
                &[][..],
                Status::Warn,
                0,
                "tried, in this order: https://hr.example//user",
                "--scope https://hr.example//",
            ),
            (&["openid"], Status::Warn, 0, "none is configured", "--scope"),
            (&["user_impersonation"], Status::Fail, 14, "Microsoft Graph", "https://hr.example//user_impersonation"),
            (&["https://graph.microsoft.com/User.Read"], Status::Fail, 14, "Microsoft Graph", APP),
            (&["https://hr.example//user_impersonation", "offline_access"], Status::Ok, 0, APP, ""),
            (&["E9B3F5A7-4C18-4D72-86F0-1A3C5E7B9D05/.default"], Status::Ok, 0, APP, ""),
            (&["api://e9b3f5a7-4c18-4d72-86f0-1a3c5e7b9d05/user_impersonation"], Status::Ok, 0, APP, ""),
            (&["https://hr.example/user_impersonation"], Status::Warn, 0, "without the slash", "both slashes"),
            (&["api://hr/user_impersonation"], Status::Warn, 0, "api://hr", "/.default"),
            (&["https://a.example/x", "https://b.example/x"], Status::Fail, 15, "AADSTS700022", "one app"),
        ] {
            let scopes: Vec<String> = scopes.iter().map(ToString::to_string).collect();
            let check = scope(&scopes, Some(app().authority()), Some(&app()));
            assert_eq!((check.status, check.code), (status, code), "{}", check.finding);
            assert!(check.finding.contains(words), "{}", check.finding);
            assert!(check.remedy.unwrap_or_default().contains(remedy), "{scopes:?}");
        }
        assert_eq!(scope(&["https://h/x".to_owned()], None, None).status, Status::Ok);
        assert_eq!(scope(&[], None, Some(&app().accepting("s"))).status, Status::Ok);
    }

    #[test]
    fn a_scope_without_a_resource_is_microsoft_graphs_at_entra_alone() {
        let scopes = ["openid".to_owned(), "hr.read".to_owned()];
        for authority in [Authority::oidc("https://id.example"), Authority::entra("https://sts.example/adfs")] {
            let check = scope(&scopes, authority.ok().as_ref(), None);
            assert_eq!(check.status, Status::Ok, "{}", check.finding);
        }
        let entra = Authority::entra("https://login.example/contoso.example").unwrap();
        assert_eq!(scope(&scopes, Some(&entra), None).status, Status::Fail);
        assert_eq!(scope(&scopes, None, None).status, Status::Fail);
    }

    #[test]
    fn the_client_is_not_the_app_and_known_to_the_tenant() {
        let refused = |number| {
            let refused = ReplyUrl::Refused { aadsts: Some(number) };
            Some(Known { loopback: refused, native: refused })
        };
        for (id, known, status, words) in [
            (CLIENT, None, Status::Ok, "of its own"),
            (CLIENT, refused(50011), Status::Ok, "of its own"),
            (CLIENT, refused(700_016), Status::Fail, "AADSTS700016"),
            (CLIENT, refused(90033), Status::Warn, "did not say"),
            (CLIENT, refused(50058), Status::Warn, "did not say"),
            (CLIENT, refused(1), Status::Warn, "did not say"),
            ("E9B3F5A7-4C18-4D72-86F0-1A3C5E7B9D05", None, Status::Fail, "published app itself"),
        ] {
            let check = client_id(id, Some(&app()), known);
            assert_eq!(check.status, status, "{}", check.finding);
            assert!(check.finding.contains(words), "{}", check.finding);
        }
    }

    #[test]
    fn the_redirect_uri_is_that_of_the_flow() {
        let native = "https://login.microsoftonline.com/common/oauth2/nativeclient";
        let page = |aadsts| ReplyUrl::Refused { aadsts };
        let (yes, no) = (ReplyUrl::Registered, page(Some(50011)));
        for (flow, loopback, other, status, words) in [
            (Flow::Auto, yes, no, Status::Ok, LOOPBACK),
            (Flow::Browser, no, yes, Status::Fail, "only https://login"),
            (Flow::Auto, no, no, Status::Fail, "AADSTS50011"),
            (Flow::Paste, yes, no, Status::Fail, "http://localhost is"),
            (Flow::Paste, no, yes, Status::Ok, native),
            (Flow::Device, no, no, Status::Skipped, "user code"),
            (Flow::Auto, page(Some(50058)), no, Status::Warn, "did not say"),
            (Flow::Auto, page(Some(90055)), yes, Status::Warn, "did not say"),
            (Flow::Browser, page(None), page(None), Status::Warn, "did not say"),
            (Flow::Paste, yes, page(Some(50196)), Status::Warn, "did not say"),
            (Flow::Auto, yes, page(Some(50196)), Status::Ok, LOOPBACK),
            (Flow::Auto, no, page(None), Status::Fail, "AADSTS50011"),
        ] {
            let check = redirect_uri(flow, native, Known { loopback, native: other });
            assert_eq!(check.status, status, "{}", check.finding);
            assert!(check.finding.contains(words), "{}", check.finding);
        }
    }

    #[test]
    fn the_authority_says_who_it_is() {
        let named = Authority::entra("https://login.example/contoso.example").unwrap();
        assert_eq!(metadata_url(&named), "https://login.example/contoso.example/v2.0/.well-known/openid-configuration");
        let adfs = Authority::entra("https://sts.example/adfs").unwrap();
        assert_eq!(metadata_url(&adfs), "https://sts.example/adfs/.well-known/openid-configuration");
        let issuer = r#"{"issuer":"https://login.example/3c1f0a52-8d34-4b0e-9a57-5b1e6f2d7c01/v2.0"}"#;
        let (check, tenant) = authority(&named, &Answer::made(200, &[], issuer));
        assert_eq!((check.status, tenant.as_deref()), (Status::Ok, Some("3c1f0a52-8d34-4b0e-9a57-5b1e6f2d7c01")));
        let unknown =
            r#"{"error":"invalid_tenant","error_description":"AADSTS90002: Tenant 'x' not found. Trace ID: 7"}"#;
        for (status, body, code, words) in [
            (400, unknown, CONFIGURATION, "Tenant 'x' not found."),
            (503, "", NETWORK, "503"),
            (200, "<html>Guest network", CONFIGURATION, "as an authority does"),
        ] {
            let (check, tenant) = authority(&named, &Answer::made(status, &[], body));
            assert_eq!((check.status, check.code, tenant), (Status::Fail, code, None));
            assert!(check.finding.contains(words) && !check.finding.contains("Trace ID"), "{}", check.finding);
        }
    }
}
