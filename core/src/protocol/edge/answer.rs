//! What came back from a published app's URL, read: the edge's own word, or the app's.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::{EdgeHeaders, EdgeRedirect};
use crate::protocol::{challenges, claims_challenge};

/// What an answer is: pure reading of status, headers and the beginning of the body.
///
/// ```
/// use entrada_core::protocol::{EdgeAnswer, GatewayTrouble};
///
/// let headers = [("content-type", "text/html"), ("x-ms-proxy-error-details", "BackendTimeOut")];
/// let page = b"<h1>This corporate app can't be accessed</h1> Status Code: Gateway timeout";
/// let EdgeAnswer::Gateway(page) = EdgeAnswer::read(504, &headers, page) else { panic!("it is a page of the edge's") };
/// assert_eq!(page.trouble, GatewayTrouble::BackEndTimeout);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EdgeAnswer {
    /// The edge wants a sign-in: there was no token, or it was refused.
    SignIn(EdgeRedirect),
    /// A 401 that demands a token with claims (JSON).
    ClaimsDemanded {
        /// The claims, decoded.
        claims: String,
    },
    /// A page of the edge's: something is wrong between it and the app, or with the user's assignment.
    Gateway(GatewayPage),
    /// A sign-in page of Entra's, with status 200: something on the way has followed the redirect to sign-in.
    SignInPage,
    /// A 401 that asks for Windows authentication, and nothing that says that it came through the proxy: this name leads
    /// past the proxy to the app itself, as inside the company's network it may.
    Bypassed {
        /// The schemes that the app offers, such as `Negotiate` and `NTLM`.
        schemes: Vec<String>,
    },
    /// Another 401: the app behind wants credentials of its own.
    Unauthorized {
        /// The schemes that it offers.
        schemes: Vec<String>,
    },
    /// Anything else: the app's own answer.
    App,
}

/// One of the edge's pages, "This corporate app can't be accessed".
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GatewayPage {
    /// The HTTP status.
    pub status: u16,
    /// What is wrong.
    pub trouble: GatewayTrouble,
    /// The edge's own word for it, where there is one.
    pub details: Option<String>,
    /// The request, for support.
    pub transaction_id: Option<String>,
    /// Whether a connector has had the request: if not, it never came to the company's network.
    pub reached_connector: bool,
}

/// What is wrong behind the edge (application-proxy-troubleshoot, application-proxy-sign-in-bad-gateway-timeout-error).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GatewayTrouble {
    /// No connector took the request.
    NoConnector,
    /// The app did not answer in the proxy's time.
    BackEndTimeout,
    /// A connector took the request and could not reach the app.
    BadGateway,
    /// The user is not assigned to the app, or has no licence.
    NotAssigned,
    /// The app, or the sign-on to it, has refused the user; with integrated Windows authentication its 401 comes as 403.
    ForbiddenBehind,
    /// The connector's own certificate is not accepted: TLS is being inspected on its way out.
    ConnectorUnauthorized,
    /// The URL lies outside what is published.
    NotPublished,
    /// The app is in maintenance mode, or the service is.
    Unavailable,
    /// Something else.
    Other,
}

/// As much of a body as is worth looking at, in bytes.
const ENOUGH: usize = 64 * 1024;

impl EdgeAnswer {
    /// Reads an answer: its status, its headers as names and values, and the beginning of its body (64 KiB are enough;
    /// nothing will do, where none is at hand).
    pub fn read(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Self {
        let named = |name: &'static str| {
            headers.iter().filter(move |(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
        };
        let edge = EdgeHeaders::read(headers);
        match status {
            301 | 302 | 303 | 307 | 308 => {
                if let Some(redirect) = named("location").next().and_then(EdgeRedirect::read) {
                    return Self::SignIn(redirect);
                }
            }
            401 => {
                if let Some(claims) = claims_challenge(named("www-authenticate")) {
                    return Self::ClaimsDemanded { claims };
                }
                let mut schemes: Vec<String> = Vec::new();
                for challenge in named("www-authenticate").flat_map(challenges) {
                    if !schemes.iter().any(|known| challenge.is(known)) {
                        schemes.push(challenge.scheme);
                    }
                }
                let is_windows = |scheme: &String| ["negotiate", "ntlm"].contains(&&*scheme.to_ascii_lowercase());
                return match schemes.iter().any(is_windows) && !edge.is_present() {
                    true => Self::Bypassed { schemes },
                    false => Self::Unauthorized { schemes },
                };
            }
            200 if is_html(named("content-type")) && is_sign_in_service(headers) => return Self::SignInPage,
            _ => {}
        }
        let text = Page::of(body);
        match status >= 400 && (edge.error_details.is_some() || text.says("this corporate app can't be accessed")) {
            true => Self::Gateway(GatewayPage {
                status,
                trouble: trouble(status, &edge, &text),
                transaction_id: edge.transaction_id.clone(),
                reached_connector: edge.connector_id.is_some(),
                details: edge.error_details,
            }),
            false => Self::App,
        }
    }
}

fn is_html<'a>(mut content_type: impl Iterator<Item = &'a str>) -> bool {
    content_type.next().is_some_and(|value| value.trim_start().to_ascii_lowercase().starts_with("text/html"))
}

/// Entra's sign-in service names its servers in headers, and has cookies of its own.
fn is_sign_in_service(headers: &[(&str, &str)]) -> bool {
    headers.iter().any(|(name, value)| {
        name.eq_ignore_ascii_case("x-ms-ests-server")
            || (name.eq_ignore_ascii_case("set-cookie")
                && ["buid=", "fpc=", "esctx"].iter().any(|cookie| value.trim_start().starts_with(cookie)))
    })
}

/// A page's words: lower case, with one kind of apostrophe, since pages and mails have several.
struct Page(String);

impl Page {
    fn of(body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(&body[..body.len().min(ENOUGH)]).to_lowercase();
        Self(text.replace(['\u{2019}', '\u{2bc}'], "'").replace("&#39;", "'").replace("&rsquo;", "'"))
    }

    fn says(&self, words: &str) -> bool {
        self.0.contains(words)
    }
}

/// By the edge's word first, then by the page's, then by the status: the codes are in no public document.
fn trouble(status: u16, edge: &EdgeHeaders, page: &Page) -> GatewayTrouble {
    let details = edge.error_details.as_deref().unwrap_or_default().to_ascii_lowercase();
    let is = |word: &str, words: &str| details.contains(word) || page.says(words);
    if is("connectorerror:unauthorized", "connectorerror:unauthorized") {
        return GatewayTrouble::ConnectorUnauthorized;
    }
    if details.contains("emptyconnectorgroup") {
        return GatewayTrouble::NoConnector;
    }
    if is("maintenance", "maintenance") {
        return GatewayTrouble::Unavailable;
    }
    let reached = edge.connector_id.is_some();
    if status == 504 || is("backendtimeout", "gateway timeout") {
        // The cloud service says "Gateway timeout" as well where it finds no connector.
        return match reached || is("backendtimeout", "connector timed out") {
            true => GatewayTrouble::BackEndTimeout,
            false => GatewayTrouble::NoConnector,
        };
    }
    if status == 502 || is("backendserviceunavailable", "bad gateway") {
        return GatewayTrouble::BadGateway;
    }
    match status {
        403 if reached => GatewayTrouble::ForbiddenBehind,
        403 => GatewayTrouble::NotAssigned,
        404 => GatewayTrouble::NotPublished,
        503 => GatewayTrouble::Unavailable,
        _ => GatewayTrouble::Other,
    }
}

impl GatewayTrouble {
    /// What is wrong, in a sentence.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::NoConnector => "application proxy found no connector for the app: the request never left the cloud",
            Self::BackEndTimeout => "the app behind the proxy did not answer in time",
            Self::BadGateway => "a connector took the request and could not reach the app behind it",
            Self::NotAssigned => "the user is not assigned to the published app, or has no licence for it",
            Self::ForbiddenBehind => "the app, or the single sign-on to it, refused the user",
            Self::ConnectorUnauthorized => "the connector cannot prove itself to the service",
            Self::NotPublished => "the URL lies outside the path under which the app is published",
            Self::Unavailable => "the published app is in maintenance mode, or the service is not available",
            Self::Other => "application proxy could not bring the app's answer",
        }
    }

    /// What to do about it, and who can.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::NoConnector => {
                "the administrator looks at the app's connector group: one active connector at least, and ports 80 and \
                 443 open outwards"
            }
            Self::BackEndTimeout => {
                "make the app answer within 85 seconds, or let the administrator set its back-end timeout to Long (180 \
                 seconds)"
            }
            Self::BadGateway => {
                "the administrator checks the internal URL, that this path is published, and that the connector's \
                 machine reaches the app and trusts its certificate"
            }
            Self::NotAssigned => "the administrator assigns the user, or a group of theirs, to the published app",
            Self::ForbiddenBehind => {
                "the administrator looks at the app's own permissions, and with integrated Windows authentication at \
                 its SPN and at events 13016 to 13022 on the connector"
            }
            Self::ConnectorUnauthorized => "the administrator takes the connector out of TLS inspection",
            Self::NotPublished => "call a URL below the published one, or let the administrator publish a higher path",
            Self::Unavailable => "wait, or ask the administrator whether the app is in maintenance mode",
            Self::Other => "tell the administrator the transaction id",
        }
    }

    /// The page of Microsoft's documentation that says more.
    pub const fn documentation(self) -> &'static str {
        match self {
            Self::NoConnector | Self::BackEndTimeout | Self::BadGateway => {
                "https://learn.microsoft.com/entra/identity/app-proxy/application-proxy-sign-in-bad-gateway-timeout-error"
            }
            _ => "https://learn.microsoft.com/entra/identity/app-proxy/application-proxy-troubleshoot",
        }
    }
}

impl GatewayPage {
    /// Whether the time that it took fits one of the proxy's own limits for an app, 85 and 180 seconds
    /// (application-proxy-faq): then it is the app that is slow.
    pub fn is_after_back_end_limit(elapsed: Duration) -> bool {
        [85, 180].iter().any(|limit: &u64| elapsed.as_secs().abs_diff(*limit) <= 3)
    }
}

impl core::fmt::Display for GatewayPage {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.trouble.meaning())?;
        if let Some(details) = &self.details {
            write!(f, " ({})", crate::words::clean(details))?;
        }
        if let Some(id) = &self.transaction_id {
            write!(f, "; transaction {}", crate::words::clean(id))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "<h1>This corporate app can’t be accessed</h1>";
    const CONNECTOR: (&str, &str) = ("x-ms-proxy-connector-id", "c");

    fn page(status: u16, headers: &[(&str, &str)], words: &str) -> GatewayTrouble {
        match EdgeAnswer::read(status, headers, alloc::format!("{PAGE}<p>{words}</p>").as_bytes()) {
            EdgeAnswer::Gateway(page) => page.trouble,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn pages_are_told_by_the_edges_word_the_pages_words_and_the_status() {
        use GatewayTrouble::*;
        let details = |word| ("x-ms-proxy-error-details", word);
        for (status, headers, words, expected) in [
            (504, &[][..], "Gateway timeout", NoConnector),
            (504, &[details("EmptyConnectorGroup")], "", NoConnector),
            (504, &[CONNECTOR], "", BackEndTimeout),
            (500, &[details("BackendTimeOut")], "", BackEndTimeout),
            (504, &[], "The connector timed out", BackEndTimeout),
            (502, &[CONNECTOR], "", BadGateway),
            (500, &[], "Status Code: Bad Gateway", BadGateway),
            (403, &[], "Forbidden", NotAssigned),
            (403, &[CONNECTOR], "Forbidden", ForbiddenBehind),
            (500, &[], "InternalServerError: ConnectorError:Unauthorized", ConnectorUnauthorized),
            (404, &[], "", NotPublished),
            (503, &[], "", Unavailable),
            (418, &[], "", Other),
        ] {
            assert_eq!(page(status, headers, words), expected, "{status} {headers:?} {words}");
        }
    }

    #[test]
    fn the_apps_own_errors_are_the_apps() {
        for status in [403, 404, 500, 502, 504] {
            assert_eq!(EdgeAnswer::read(status, &[CONNECTOR], b"<h1>Sorry</h1>"), EdgeAnswer::App, "{status}");
        }
        assert_eq!(EdgeAnswer::read(200, &[("content-type", "text/html")], PAGE.as_bytes()), EdgeAnswer::App);
        assert_eq!(EdgeAnswer::read(302, &[("location", "/login")], b""), EdgeAnswer::App);
    }

    #[test]
    fn a_401_without_claims_tells_who_asks_for_what() {
        let windows = [("WWW-Authenticate", "Negotiate"), ("www-authenticate", "NTLM, negotiate")];
        let schemes = alloc::vec![String::from("Negotiate"), String::from("NTLM")];
        assert_eq!(EdgeAnswer::read(401, &windows, b""), EdgeAnswer::Bypassed { schemes: schemes.clone() });
        let through = [&windows[..], &[CONNECTOR]].concat();
        assert_eq!(EdgeAnswer::read(401, &through, b""), EdgeAnswer::Unauthorized { schemes });
        let claims = [("www-authenticate", r#"Bearer error="insufficient_claims", claims="e30=""#)];
        assert_eq!(EdgeAnswer::read(401, &claims, b""), EdgeAnswer::ClaimsDemanded { claims: "{}".into() });
    }

    #[test]
    fn a_sign_in_page_is_told_from_a_page_of_the_app() {
        let html = ("Content-Type", "text/html; charset=utf-8");
        for mark in [("x-ms-ests-server", "2.1"), ("set-cookie", "esctx-abc=1; path=/"), ("Set-Cookie", "fpc=x")] {
            assert_eq!(EdgeAnswer::read(200, &[html, mark], b""), EdgeAnswer::SignInPage, "{mark:?}");
        }
        for other in [("set-cookie", "session=1"), ("server", "IIS")] {
            assert_eq!(EdgeAnswer::read(200, &[html, other], b""), EdgeAnswer::App);
        }
        assert_eq!(
            EdgeAnswer::read(200, &[("content-type", "application/json"), ("x-ms-ests-server", "2")], b""),
            EdgeAnswer::App
        );
    }

    #[test]
    fn the_time_tells_a_slow_app() {
        for (seconds, is_limit) in [(2, false), (85, true), (87, true), (120, false), (180, true), (200, false)] {
            assert_eq!(GatewayPage::is_after_back_end_limit(Duration::from_secs(seconds)), is_limit, "{seconds}");
        }
    }
}
