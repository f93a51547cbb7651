//! The edge: what the app's URL says to a stranger, and how that fits what is configured.

use entrada::Authority;
use entrada::protocol::{
    AppCall, DiscoveryTrouble, EdgeAnswer, EdgeHeaders, EdgeRedirect, GatewayPage, GatewayTrouble, PublishedApp,
    ReplyUrl,
};
use entrada::words::span;

use super::check::{Check, FAQ};
use super::observe::Answer;
use super::reply::Verdict;
use crate::failure::{CONFIGURATION, Failure, OTHER, page_code};
use crate::settings::quoted;

/// What the URL told without a token.
#[derive(Debug)]
pub(super) struct Stranger {
    pub(super) check: Check,
    /// Where it sends to sign in.
    pub(super) redirect: Option<EdgeRedirect>,
    /// Whether a token may be sent there: the edge asks for one, or has its page before it would.
    pub(super) takes_tokens: bool,
}

/// Reads what came back to a request without a token.
pub(super) fn stranger(asked: &AppCall, answer: &Answer) -> Stranger {
    const NAME: &str = "edge";
    let url = asked.url();
    let told = |check| Stranger { check, redirect: None, takes_tokens: false };
    match answer.edge() {
        EdgeAnswer::SignIn(redirect) => {
            let check = match (&redirect.app_id, &redirect.external_url) {
                (Some(app), Some(external)) => {
                    Check::ok(NAME, format!("without a token it asks for a sign-in, for the app {app} at {external}"))
                }
                _ => {
                    let finding = "its redirect to sign-in names neither the app nor its external URL";
                    Check::warn(NAME, finding, "name the app's tenant and scope: --tenant, --scope")
                }
            };
            Stranger { check, redirect: Some(redirect), takes_tokens: true }
        }
        EdgeAnswer::SignInPage => told(Check::fail(
            NAME,
            CONFIGURATION,
            format!("{url} answers with a sign-in page: something on the way follows the redirect to it"),
            "take what follows redirects out of the way: a proxy, a gateway, or a client's own setting (curl -L)",
        )),
        EdgeAnswer::Gateway(page) => {
            Stranger { check: gateway(NAME, &page, answer), redirect: None, takes_tokens: true }
        }
        EdgeAnswer::Bypassed { schemes } => told(
            Check::fail(
                NAME,
                CONFIGURATION,
                format!(
                    "{url} leads past application proxy, to an app that asks for Windows authentication ({})",
                    schemes.join(", ")
                ),
                "look the name up as from outside: it should lead to application proxy, by a CNAME to msappproxy.net \
                 (split-brain DNS)",
            )
            .documented("https://learn.microsoft.com/entra/identity/app-proxy/how-to-configure-custom-domain"),
        ),
        EdgeAnswer::Unauthorized { schemes } => {
            told(lets_through(answer, &format!("the app behind wants credentials of its own ({})", schemes.join(", "))))
        }
        EdgeAnswer::ClaimsDemanded { .. } => told(lets_through(answer, "it asks for a token with certain claims")),
        _ => told(lets_through(answer, &format!("it answers {}", answer.status))),
    }
}

/// No sign-in is asked for: an app published as passthrough, or none of application proxy's.
fn lets_through(answer: &Answer, what: &str) -> Check {
    const NAME: &str = "edge";
    match EdgeHeaders::read(&answer.headers()).is_present() {
        true => Check::warn(
            NAME,
            format!("without a token {what}: the app is published as passthrough, so that a token is of no use to it"),
            "any client will do; if the app should be protected, the administrator sets its pre-authentication to \
             Microsoft Entra ID",
        )
        .documented(FAQ),
        false => Check::warn(
            NAME,
            format!("without a token {what}, and nothing says that application proxy is in between"),
            "check the URL: it has to be the external URL of the published app",
        ),
    }
}

/// A page of the edge's, for the check of that name.
pub(super) fn gateway(name: &'static str, page: &GatewayPage, answer: &Answer) -> Check {
    let elapsed = answer.elapsed;
    let time = match page.trouble {
        GatewayTrouble::BackEndTimeout if GatewayPage::is_after_back_end_limit(elapsed) => {
            format!(", after {} s, which is one of the proxy's limits", elapsed.as_secs())
        }
        GatewayTrouble::NoConnector | GatewayTrouble::BackEndTimeout => format!(", after {}", span(elapsed)),
        _ => String::new(),
    };
    let (code, _) = page_code(page);
    let trouble = page.trouble;
    Check::fail(name, code, format!("{page} (HTTP {}{time})", page.status), trouble.remedy())
        .documented(trouble.documentation())
}

/// Whether the tenant and its cloud are the ones that are configured; brings the app where they are.
///
/// `known_tenant` is the id that the authority has for its tenant, where that was named by a domain.
pub(super) fn tenant(
    asked: &AppCall,
    redirect: &EdgeRedirect,
    named: Option<&Authority>,
    known_tenant: Option<&str>,
) -> (Check, Option<PublishedApp>) {
    const NAME: &str = "tenant";
    let found = format!("{}/{}", redirect.login_origin, redirect.tenant);
    let error = match PublishedApp::of_redirect(asked, redirect, named) {
        Ok(app) => return (fitting(redirect, named, known_tenant, &app), Some(app)),
        Err(error) => error,
    };
    let said = error.to_string();
    let remedy = error.remedy();
    let said = said.strip_suffix(&remedy).unwrap_or(&said).trim_end_matches([';', ' ']);
    let check = match &error.trouble {
        DiscoveryTrouble::OtherAuthority { named: configured, .. } => {
            let finding = format!("the app's tenant is {found}, and {configured} is configured");
            let command = format!(
                "name the app's own tenant, if you trust that URL: --authority {}; guests need it, too",
                quoted(&found)
            );
            // A site can name any host: none is handed on but Microsoft's, and the one that is configured.
            let (finding, remedy) = match PublishedApp::of_redirect(asked, redirect, None).map_err(|no| no.trouble) {
                Ok(_) => (finding, command),
                Err(_) if is_on_same_host(named, redirect, &found) => (finding, command),
                Err(DiscoveryTrouble::UnknownAuthority { .. }) => {
                    (format!("{finding}; {} is no sign-in host of Microsoft's", redirect.login_host), remedy)
                }
                Err(_) => (finding, remedy),
            };
            Check::fail(NAME, CONFIGURATION, finding, remedy)
                .documented("https://learn.microsoft.com/entra/identity-platform/msal-client-application-configuration")
        }
        _ => Check::fail(NAME, CONFIGURATION, said, remedy),
    };
    (check, None)
}

/// Whether a redirect leads to another tenant at the host that is configured.
fn is_on_same_host(named: Option<&Authority>, redirect: &EdgeRedirect, found: &str) -> bool {
    let own = named.and_then(|named| named.in_tenant(&redirect.tenant).ok());
    own.is_some_and(|own| own.url().eq_ignore_ascii_case(found))
}

fn fitting(redirect: &EdgeRedirect, named: Option<&Authority>, known: Option<&str>, app: &PublishedApp) -> Check {
    const NAME: &str = "tenant";
    let tenant = &redirect.tenant;
    let cloud = app.cloud().map(|cloud| format!(", in the cloud of {}", cloud.login_host())).unwrap_or_default();
    let Some(named) = named else {
        return Check::ok(NAME, format!("the app's tenant is {tenant}{cloud}; none is configured"));
    };
    let name = named.tenant_name().unwrap_or_default();
    if ["common", "organizations", "consumers"].contains(&name) {
        let finding = format!("the app's tenant is {tenant}, and {name} is configured: guests of it cannot sign in so");
        return Check::warn(NAME, finding, format!("name the tenant itself: --tenant {}", quoted(tenant)));
    }
    match known.filter(|known| !known.eq_ignore_ascii_case(tenant)) {
        Some(known) => Check::fail(
            NAME,
            CONFIGURATION,
            format!("the app's tenant is {tenant}, and {name}, which is {known}, is configured"),
            format!("name the app's own tenant, if you trust that URL: --tenant {}", quoted(tenant)),
        ),
        None => Check::ok(NAME, format!("the app's tenant is {tenant}{cloud}, as configured")),
    }
}

/// Whether the authority says, too, that the app is at that URL: its registration has the URL as reply URL.
pub(super) fn published_app(app: &PublishedApp, reply: Option<ReplyUrl>) -> Check {
    const NAME: &str = "published-app";
    let (id, url) = (app.app_id(), app.external_url());
    match reply.map(Verdict::of) {
        None => Check::skipped(NAME, "this authority cannot be asked whether the app is at that URL"),
        Some(Verdict::Registered) => {
            Check::ok(NAME, format!("the authority knows {url} as a reply URL of the app {id}"))
        }
        Some(Verdict::NotRegistered(number)) => Check::fail(
            NAME,
            CONFIGURATION,
            format!(
                "the authority does not know {url} as a reply URL of the app {id} (AADSTS{number}): its registration was edited, or another site speaks for it"
            ),
            "the administrator restores the published app's registration (reply URL, public client flows off, \
             permissions); until then, ask for tokens by the URL alone",
        ),
        Some(Verdict::Refused(number, known)) => Check::fail(
            NAME,
            CONFIGURATION,
            format!("the authority refuses the app {id} itself (AADSTS{number}, {})", known.kind),
            "the administrator restores the published app's registration, or publishes it anew",
        )
        .documented(super::check::ERROR_CODES),
        Some(Verdict::Unsaid) => Check::warn(
            NAME,
            format!("the authority did not say whether the app {id} is at {url}"),
            "name the scope yourself, as the app's registration shows it",
        ),
    }
}

/// A URL that cannot be called at all.
pub(super) fn no_url(failure: &Failure) -> Check {
    Check::fail("edge", failure.code.max(OTHER), &failure.message, "give the app's URL: https://host/path")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::check::Status;
    use super::*;

    const TENANT: &str = "3c1f0a52-8d34-4b0e-9a57-5b1e6f2d7c01";
    const OTHER_TENANT: &str = "b7e4d9c8-2f60-4d3a-8c15-90a1e3f4b502";
    const PAGE: &str = "This corporate app can't be accessed";

    fn asked() -> AppCall {
        AppCall::new("https://hr.example/api/me").unwrap()
    }

    fn redirect(login: &str, tenant: &str) -> EdgeRedirect {
        EdgeRedirect::read(&format!(
            "{login}/{tenant}/oauth2/authorize?client_id=a&redirect_uri=https://hr.example/&state=AppProxyState:{{}}"
        ))
        .unwrap()
    }

    #[test]
    fn what_a_stranger_gets_is_read() {
        let via = ("x-ms-proxy-transaction-id", "t");
        let connector = ("x-ms-proxy-connector-id", "c");
        for (status, headers, body, expected, code, words) in [
            (200, &[("content-type", "text/html"), ("x-ms-ests-server", "2")][..], "", Status::Fail, 15, "follows"),
            (401, &[("www-authenticate", "Negotiate, NTLM")], "", Status::Fail, 15, "past application proxy"),
            (200, &[via], "{}", Status::Warn, 0, "passthrough"),
            (401, &[via, ("www-authenticate", "Basic realm=x")], "", Status::Warn, 0, "credentials of its own (Basic)"),
            (200, &[], "{}", Status::Warn, 0, "nothing says"),
            (403, &[via], PAGE, Status::Fail, 13, "not assigned"),
            (403, &[connector], PAGE, Status::Fail, 4, "refused the user"),
            (504, &[via], PAGE, Status::Fail, 5, "no connector"),
            (504, &[connector], PAGE, Status::Fail, 5, "did not answer in time"),
            (502, &[connector], PAGE, Status::Fail, 5, "could not reach the app"),
            (404, &[via], PAGE, Status::Fail, 4, "outside the path"),
            (503, &[via], PAGE, Status::Fail, 5, "maintenance"),
            (
                500,
                &[via],
                "This corporate app can't be accessed ConnectorError:Unauthorized",
                Status::Fail,
                5,
                "prove itself",
            ),
        ] {
            let stranger = stranger(&asked(), &Answer::made(status, headers, body));
            let check = &stranger.check;
            assert_eq!((check.status, check.code), (expected, code), "{}", check.finding);
            assert!(check.finding.contains(words), "{}", check.finding);
            assert!(check.remedy.as_ref().is_some_and(|remedy| !remedy.is_empty()) && stranger.redirect.is_none());
            assert_eq!(stranger.takes_tokens, body.contains(PAGE), "{}", check.finding);
        }
    }

    #[test]
    fn the_time_tells_a_slow_app_from_a_missing_connector() {
        let at = |seconds, headers| {
            let mut answer = Answer::made(504, headers, PAGE);
            answer.elapsed = Duration::from_secs(seconds);
            stranger(&asked(), &answer).check.finding
        };
        let slow = at(86, &[("x-ms-proxy-connector-id", "c")]);
        assert!(slow.contains("after 86 s, which is one of the proxy's limits"), "{slow}");
        let gone = at(1, &[("x-ms-proxy-app-id", "a")]);
        assert!(gone.contains("after 1 second)"), "{gone}");
    }

    #[test]
    fn the_tenant_is_the_apps_own() {
        let public = "https://login.microsoftonline.com";
        let named = |name: &str| Authority::entra(&format!("{public}/{name}")).unwrap();
        let ours = redirect(public, TENANT);
        for (named, known, status, words) in [
            (None, None, Status::Ok, "none is configured"),
            (Some(named(TENANT)), None, Status::Ok, "as configured"),
            (Some(named("contoso.example")), Some(TENANT), Status::Ok, "as configured"),
            (Some(named("contoso.example")), Some(OTHER_TENANT), Status::Fail, OTHER_TENANT),
            (Some(named(OTHER_TENANT)), None, Status::Fail, "is configured"),
            (Some(named("organizations")), None, Status::Warn, "guests"),
            (
                Some(Authority::entra(&format!("https://login.microsoftonline.us/{TENANT}")).unwrap()),
                None,
                Status::Fail,
                "is configured",
            ),
        ] {
            let (check, app) = tenant(&asked(), &ours, named.as_ref(), known);
            assert_eq!(check.status, status, "{}", check.finding);
            assert!(check.finding.contains(words) && check.finding.contains(TENANT), "{}", check.finding);
            assert!(status == Status::Fail || app.is_some());
        }
        let (check, app) = tenant(&asked(), &redirect("https://login.evil.example", TENANT), None, None);
        assert!(app.is_none() && check.status == Status::Fail && check.finding.contains("no sign-in host"));
        assert!(!check.finding.contains(&check.remedy.unwrap()));
    }

    #[test]
    fn a_host_that_nobody_knows_is_not_handed_on() {
        let named = Authority::entra(&format!("https://login.microsoftonline.com/{TENANT}")).unwrap();
        let told = |login: &str, tenant: &str, named: &Authority| {
            let (check, app) = super::tenant(&asked(), &redirect(login, tenant), Some(named), None);
            assert!(app.is_none() && check.status == Status::Fail, "{}", check.finding);
            (check.finding, check.remedy.unwrap())
        };
        let evil = "https://login.microsoftonline.com.evil.example";
        let (finding, remedy) = told(evil, TENANT, &named);
        assert!(
            finding.contains("login.microsoftonline.com.evil.example is no sign-in host of Microsoft's"),
            "{finding}"
        );
        assert!(!remedy.contains("evil") && !remedy.contains("--authority"), "{remedy}");
        let (finding, remedy) = told("https://login.microsoftonline.com", "$(id)", &named);
        assert!(!finding.contains("no sign-in host") && !remedy.contains("--authority"), "{finding}: {remedy}");
        for (login, named) in [
            ("https://login.microsoftonline.us", named),
            ("https://login.example", Authority::entra(&format!("https://login.example/{TENANT}")).unwrap()),
        ] {
            let (_, remedy) = told(login, OTHER_TENANT, &named);
            assert!(remedy.contains(&format!("--authority {login}/{OTHER_TENANT};")), "{remedy}");
        }
        // Where a domain is configured, the tenant of the redirect is anything.
        let domain = Authority::entra("https://login.microsoftonline.com/contoso.example").unwrap();
        let odd = redirect("https://login.microsoftonline.com", "$(id)");
        let (check, _) = super::tenant(&asked(), &odd, Some(&domain), Some(TENANT));
        assert!(check.remedy.unwrap().ends_with("--tenant '$(id)'"));
    }

    #[test]
    fn the_apps_registration_is_looked_at_through_its_reply_url() {
        let app =
            PublishedApp::of_redirect(&asked(), &redirect("https://login.microsoftonline.com", TENANT), None).unwrap();
        for (reply, status) in [
            (None, Status::Skipped),
            (Some(ReplyUrl::Registered), Status::Ok),
            (Some(ReplyUrl::Refused { aadsts: Some(50011) }), Status::Fail),
            (Some(ReplyUrl::Refused { aadsts: Some(700_016) }), Status::Fail),
            (Some(ReplyUrl::Refused { aadsts: None }), Status::Warn),
            (Some(ReplyUrl::Refused { aadsts: Some(50058) }), Status::Warn),
            (Some(ReplyUrl::Refused { aadsts: Some(90033) }), Status::Warn),
            (Some(ReplyUrl::Refused { aadsts: Some(1) }), Status::Warn),
        ] {
            assert_eq!(published_app(&app, reply).status, status);
        }
    }
}
