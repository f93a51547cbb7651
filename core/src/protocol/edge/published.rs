//! A published app, as its own URL tells of it.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use url::Url;

use super::{DiscoveryError, DiscoveryTrouble, EdgeAnswer, EdgeRedirect};
use crate::authority::is_guid;
use crate::protocol::answer::pause;
use crate::protocol::{AppCall, ReplyUrl};
use crate::{Authority, Cloud};

/// What a published app's URL tells a stranger: whom to ask for tokens, and for which app.
///
/// A redirect is the word of whoever answers at that URL, and no more. So it is held against what is known
/// otherwise, before anything is built upon it:
///
/// - It must lead to a sign-in host of Microsoft's or, where an authority was named, to that one; a tenant that was
///   named is never replaced.
/// - It must speak for the URL that was asked: its external URL is of the same origin, and the asked URL lies below it.
/// - A token that is asked for by the app's id is good for that app, wherever it goes. So that nobody gets one for
///   another's app by naming its id, the authority is asked whether that app is at this URL
///   ([`confirmation_url`](Self::confirmation_url)): to an app's registered reply URL it sends the browser back, to others not.
///   Without its word, only scopes are tried that name the URL themselves, and whose tokens are of use nowhere else.
///
/// ```
/// use entrada_core::protocol::{AppCall, PublishedApp};
///
/// let asked = AppCall::new("https://hr-contoso.msappproxy.net/api/me")?;
/// let location = "https://login.microsoftonline.com/3c1f0a52-8d34-4b0e-9a57-5b1e6f2d7c01/oauth2/authorize\
///     ?client_id=e9b3f5a7-4c18-4d72-86f0-1a3c5e7b9d05&redirect_uri=https%3A%2F%2Fhr-contoso.msappproxy.net%2F\
///     &state=AppProxyState%3A%7B%7D";
/// let app = PublishedApp::read(&asked, 302, &[("location", location)], b"", None)?;
/// assert_eq!(app.authority().tenant_name(), Some("3c1f0a52-8d34-4b0e-9a57-5b1e6f2d7c01"));
/// assert_eq!(app.scopes()[0], "https://hr-contoso.msappproxy.net//user_impersonation");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedApp {
    authority: Authority,
    cloud: Option<Cloud>,
    app_id: String,
    external_url: Url,
    /// Whether the authority was named, and not learnt.
    is_named: bool,
    is_confirmed: bool,
    /// The one scope that may be tried, where it was named.
    named_scope: Option<String>,
    accepted_scope: Option<String>,
}

impl PublishedApp {
    /// Reads what came back to a request without a token: status, headers as names and values, the beginning of the body.
    ///
    /// With an authority that was named, that one is kept, and the redirect has to lead to it.
    pub fn read(
        asked: &AppCall,
        status: u16,
        headers: &[(&str, &str)],
        body: &[u8],
        named: Option<&Authority>,
    ) -> Result<Self, DiscoveryError> {
        let trouble = match EdgeAnswer::read(status, headers, body) {
            EdgeAnswer::SignIn(redirect) => return Self::of_redirect(asked, &redirect, named),
            EdgeAnswer::Gateway(page) => DiscoveryTrouble::Gateway(Box::new(page)),
            EdgeAnswer::SignInPage => DiscoveryTrouble::SignInPage,
            EdgeAnswer::Bypassed { .. } => DiscoveryTrouble::Bypassed,
            _ => DiscoveryTrouble::NoSignIn { status },
        };
        let header =
            |name: &str| headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| *value);
        Err(DiscoveryError { retry_after: pause(header), ..DiscoveryError::new(asked.url(), trouble) })
    }

    /// The same from the redirect.
    pub fn of_redirect(
        asked: &AppCall,
        redirect: &EdgeRedirect,
        named: Option<&Authority>,
    ) -> Result<Self, DiscoveryError> {
        let refuse = |trouble| DiscoveryError::new(asked.url(), trouble);
        let (Some(app_id), Some(external_url)) = (&redirect.app_id, &redirect.external_url) else {
            return Err(refuse(DiscoveryTrouble::Incomplete));
        };
        let is_id = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !is_id(app_id) || app_id.is_empty() {
            return Err(refuse(DiscoveryTrouble::Incomplete));
        }
        let external_url = match Url::parse(external_url) {
            Ok(url) if is_root(&url) && covers(&url, asked.parsed()) => url,
            _ => return Err(refuse(DiscoveryTrouble::OtherOrigin { found: external_url.clone() })),
        };
        let authority = authority(redirect, named).map_err(refuse)?;
        Ok(Self {
            cloud: Cloud::of_origin(&redirect.login_origin),
            authority,
            app_id: app_id.to_ascii_lowercase(),
            external_url,
            is_named: named.is_some(),
            is_confirmed: false,
            named_scope: None,
            accepted_scope: None,
        })
    }

    /// What was learnt earlier; `None` where it does not fit the authority that is named now or, where none is, where the
    /// authority is none of Microsoft's: what one user named for one call holds for no other.
    pub(crate) fn remembered(
        external_url: &str,
        authority: &str,
        app_id: &str,
        scope: &str,
        named: Option<&Authority>,
    ) -> Option<Self> {
        let authority = match named {
            Some(named) => (named.url() == authority).then(|| named.clone())?,
            None => Authority::entra(authority).ok()?,
        };
        let cloud = Cloud::of_origin(authority.origin());
        let is_learnable = cloud.is_some() && authority.tenant_name().is_some_and(is_guid);
        (named.is_some() || is_learnable).then_some(())?;
        Some(Self {
            authority,
            cloud,
            app_id: app_id.to_owned(),
            external_url: Url::parse(external_url).ok()?,
            is_named: named.is_some(),
            is_confirmed: false,
            named_scope: None,
            accepted_scope: Some(scope.to_owned()),
        })
    }

    /// The authority: the one that was named, or the one that the redirect leads to.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The cloud that the sign-in host is of, where it is Microsoft's.
    pub fn cloud(&self) -> Option<Cloud> {
        self.cloud
    }

    /// The application id of the published app's own registration.
    pub fn app_id(&self) -> &str {
        &self.app_id
    }

    /// The external URL under which the app is published; what is learnt holds for all that is below it.
    pub fn external_url(&self) -> &str {
        self.external_url.as_str()
    }

    /// Whether a URL is the app's.
    pub fn covers(&self, url: &str) -> bool {
        Url::parse(url).is_ok_and(|url| covers(&self.external_url, &url))
    }

    /// Where the authority is asked, with a GET and without cookies, whether the app of that id is at the external URL;
    /// `None` where the authority's kind knows no such question.
    ///
    /// It is the authorization endpoint with `prompt=none` (OpenID Connect Core 3.1.2.1): with nobody signed in, it
    /// redirects to the reply URL with an error if that URL is registered, and shows a page of its own if not
    /// (AADSTS50011).
    pub fn confirmation_url(&self) -> Option<String> {
        ReplyUrl::question(&self.authority, &self.app_id, self.external_url.as_str())
    }

    /// With what the authority answered to that: its status, and its `Location` if it has one.
    pub fn confirmed_by(self, status: u16, location: Option<&str>) -> Self {
        let reply = ReplyUrl::read(self.external_url.as_str(), status, location, b"");
        self.with_reply(reply)
    }

    /// The same with the answer read already.
    ///
    /// A reply URL on loopback is whoever's that is there, and its port is of no weight to Entra: for one, the word of an
    /// authority counts only where that was named.
    pub fn with_reply(mut self, reply: ReplyUrl) -> Self {
        self.is_confirmed = reply == ReplyUrl::Registered && (self.is_named || self.external_url.scheme() == "https");
        self
    }

    /// Whether the authority has confirmed that the app of that id is at the external URL.
    pub fn is_confirmed(&self) -> bool {
        self.is_confirmed
    }

    /// With this scope, which was named, as the only one to try.
    ///
    /// `None` for a scope that would not be tried of itself, and is not the plain permission by the confirmed app's id
    /// either: that the proxy accepts it is of no weight for those who do not name it.
    pub fn trying_only(self, scope: &str) -> Option<Self> {
        let by_id = || format!("{}/user_impersonation", self.app_id);
        let is_own = self.scopes().iter().any(|own| own == scope) || (self.is_confirmed && scope == by_id());
        is_own.then(|| Self { named_scope: Some(scope.to_owned()), ..self })
    }

    /// Whether the scope to try was named.
    pub(super) fn has_named_scope(&self) -> bool {
        self.named_scope.is_some()
    }

    /// With the scope whose token the proxy has accepted.
    pub fn accepting(mut self, scope: impl Into<String>) -> Self {
        self.accepted_scope = Some(scope.into());
        self
    }

    /// The scope whose token the proxy has accepted, once it is known.
    pub fn accepted_scope(&self) -> Option<&str> {
        self.accepted_scope.as_deref()
    }

    /// The scopes to try, in order: the accepted one alone, once it is known, or the one that was named; else by the app's id, by the external URL
    /// with two slashes and with one, and by `api://` and the app's id. Those by the id only where the authority has
    /// confirmed it.
    pub fn scopes(&self) -> Vec<String> {
        if let Some(scope) = self.accepted_scope.as_ref().or(self.named_scope.as_ref()) {
            return [scope.clone()].into();
        }
        let external = self.external_url.as_str();
        let mut scopes = Vec::new();
        if self.is_confirmed {
            scopes.push(format!("{}/.default", self.app_id));
        }
        scopes.push(format!("{external}/user_impersonation"));
        if let Some(bare) = external.strip_suffix('/') {
            scopes.push(format!("{bare}/user_impersonation"));
        }
        if self.is_confirmed {
            scopes.push(format!("api://{}/user_impersonation", self.app_id));
        }
        scopes
    }
}

/// Whether a URL can be what an app is published at.
fn is_root(url: &Url) -> bool {
    url.query().is_none() && url.fragment().is_none() && url.username().is_empty() && url.password().is_none()
}

/// Whether a URL lies below another: same origin, and its path begins with all the segments of the other's.
fn covers(root: &Url, url: &Url) -> bool {
    let path = root.path();
    root.origin() == url.origin()
        && match url.path().strip_prefix(path) {
            Some(rest) => path.ends_with('/') || rest.is_empty() || rest.starts_with('/'),
            None => path.strip_suffix('/') == Some(url.path()),
        }
}

/// The authority to ask. A named one stays, and must be where the redirect leads; else it must be Microsoft's.
fn authority(redirect: &EdgeRedirect, named: Option<&Authority>) -> Result<Authority, DiscoveryTrouble> {
    let found = || format!("{}/{}", redirect.login_origin, redirect.tenant);
    if let Some(named) = named {
        let other = || DiscoveryTrouble::OtherAuthority { found: found(), named: named.url() };
        let same_tenant = match named.tenant_name() {
            // A domain, or a word for several tenants, may be the tenant that the redirect names by its id.
            Some(tenant) => !is_guid(tenant) || tenant.eq_ignore_ascii_case(&redirect.tenant),
            None => true,
        };
        return match named.is_origin(&redirect.login_origin) && same_tenant {
            true => Ok(named.clone()),
            false => Err(other()),
        };
    }
    let unknown = || DiscoveryTrouble::UnknownAuthority { origin: redirect.login_origin.to_string() };
    let cloud = Cloud::of_origin(&redirect.login_origin).ok_or_else(unknown)?;
    if !is_guid(&redirect.tenant) {
        return Err(DiscoveryTrouble::NoTenant);
    }
    Authority::tenant(cloud, &redirect.tenant).map_err(|_| DiscoveryTrouble::NoTenant)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: &str = "3c1f0a52-8d34-4b0e-9a57-5b1e6f2d7c01";
    const APP: &str = "e9b3f5a7-4c18-4d72-86f0-1a3c5e7b9d05";

    fn location(login: &str, tenant: &str, external: &str) -> String {
        format!("{login}/{tenant}/oauth2/authorize?client_id={APP}&redirect_uri={external}&state=AppProxyState:{{}}")
    }

    fn read(asked: &str, location: &str, named: Option<&Authority>) -> Result<PublishedApp, DiscoveryTrouble> {
        let asked = AppCall::new(asked).unwrap();
        PublishedApp::read(&asked, 302, &[("Location", location)], b"", named).map_err(|error| error.trouble)
    }

    #[test]
    fn a_redirect_is_trusted_to_microsofts_hosts_only() {
        let at = |login: &str| read("https://hr.example/x", &location(login, TENANT, "https://hr.example/"), None);
        for (login, cloud) in [
            ("https://login.microsoftonline.com", Cloud::Public),
            ("https://login.windows.net:443", Cloud::Public),
            ("https://LOGIN.microsoftonline.us", Cloud::UsGov),
            ("https://login.chinacloudapi.cn", Cloud::China),
            ("https://login.sovcloud-identity.fr", Cloud::Bleu),
        ] {
            let app = at(login).unwrap();
            assert_eq!(app.authority().url(), format!("https://{}/{TENANT}", cloud.login_host()), "{login}");
            assert_eq!(app.cloud(), Some(cloud));
        }
        for login in [
            "http://login.microsoftonline.com",
            "https://login.microsoftonline.com:8443",
            "https://login.microsoftonline.com.evil.example",
            "https://login.microsoftonline.com@evil.example",
            "https://evil.example",
            "http://127.0.0.1:8080",
            "https://login.windows-ppe.net",
        ] {
            assert!(matches!(at(login), Err(DiscoveryTrouble::UnknownAuthority { .. })), "{login}");
        }
        let common = location("https://login.microsoftonline.com", "common", "https://hr.example/");
        assert_eq!(read("https://hr.example/", &common, None), Err(DiscoveryTrouble::NoTenant));
    }

    #[test]
    fn what_was_named_is_never_replaced() {
        let here = location("https://login.microsoftonline.com", TENANT, "https://hr.example/");
        let named = |url: &str| read("https://hr.example/", &here, Some(&Authority::entra(url).unwrap()));
        for url in [
            &format!("https://login.microsoftonline.com/{}", TENANT.to_uppercase()),
            "https://login.windows.net/contoso.example",
            "https://login.microsoftonline.com/organizations",
        ] {
            assert_eq!(named(url).unwrap().authority(), &Authority::entra(url).unwrap());
        }
        for url in [
            "https://login.microsoftonline.com/b7e4d9c8-2f60-4d3a-8c15-90a1e3f4b502",
            "https://login.microsoftonline.us/contoso.example",
            "https://fs.contoso.example/adfs",
            "http://127.0.0.1:8080/contoso.example",
        ] {
            assert!(matches!(named(url), Err(DiscoveryTrouble::OtherAuthority { .. })), "{url}");
        }
        let loopback = location("http://127.0.0.1:8080", TENANT, "https://hr.example/");
        let authority = Authority::entra(&format!("http://127.0.0.1:8080/{TENANT}")).unwrap();
        assert_eq!(read("https://hr.example/", &loopback, Some(&authority)).unwrap().authority(), &authority);
    }

    #[test]
    fn a_redirect_speaks_for_its_own_url_alone() {
        let login = "https://login.microsoftonline.com";
        for (asked, external, covers) in [
            ("https://hr.example/api/me?x=1", "https://hr.example/", true),
            ("https://hr.example/app/x", "https://hr.example/app/", true),
            ("https://hr.example/app", "https://hr.example/app/", true),
            ("https://hr.example/app/x", "https://hr.example/app", true),
            ("https://hr.example/apple", "https://hr.example/app", false),
            ("https://hr.example/other", "https://hr.example/app/", false),
            ("https://hr.example/", "https://payroll.example/", false),
            ("https://hr.example/", "http://hr.example/", false),
            ("https://hr.example/", "https://hr.example:8443/", false),
            ("https://hr.example/", "https://hr.example@evil.example/", false),
            ("https://hr.example/", "not a URL", false),
        ] {
            let found = read(asked, &location(login, TENANT, external), None);
            match covers {
                true => assert!(found.unwrap().covers(asked), "{asked} {external}"),
                false => assert!(matches!(found, Err(DiscoveryTrouble::OtherOrigin { .. })), "{asked} {external}"),
            }
        }
        let nameless = format!("{login}/{TENANT}/oauth2/authorize?state=AppProxyState:{{}}");
        assert_eq!(read("https://hr.example/", &nameless, None), Err(DiscoveryTrouble::Incomplete));
    }

    #[test]
    fn the_apps_id_is_used_only_where_the_authority_confirms_it() {
        let login = "https://login.microsoftonline.com";
        let app = read("https://hr.example/app/x", &location(login, TENANT, "https://hr.example/app/"), None).unwrap();
        let by_url = ["https://hr.example/app//user_impersonation", "https://hr.example/app/user_impersonation"];
        assert_eq!(app.scopes(), by_url);
        let url = app.confirmation_url().unwrap();
        assert!(url.starts_with(&format!("{login}/{TENANT}/oauth2/v2.0/authorize?client_id={APP}&")), "{url}");
        for (status, location) in [
            (200, None),
            (302, None),
            (302, Some("https://hr.example/app/")),
            (302, Some("https://hr.example/?error=login_required")),
            (302, Some("https://evil.example/app/?error=login_required")),
            (302, Some("https://login.microsoftonline.com/error?code=50011&error=x")),
            (200, Some("https://hr.example/app/?error=login_required")),
        ] {
            assert_eq!(app.clone().confirmed_by(status, location).scopes(), by_url, "{status} {location:?}");
        }
        let local = location(login, TENANT, "http://localhost:9999/");
        let reply = Some("http://localhost:9999/?error=login_required");
        let local_app = |named: Option<&Authority>| read("http://localhost:9999/x", &local, named).unwrap();
        assert!(!local_app(None).confirmed_by(302, reply).is_confirmed(), "anybody may be at that port");
        let named = Authority::tenant(Cloud::Public, TENANT).unwrap();
        assert!(local_app(Some(&named)).confirmed_by(302, reply).is_confirmed());
        let confirmed = app.confirmed_by(302, Some("https://hr.example/app/?error=login_required&state=x"));
        let by_id = format!("{APP}/.default");
        assert_eq!(
            confirmed.scopes(),
            [&by_id, by_url[0], by_url[1], &format!("api://{APP}/user_impersonation")].map(String::from)
        );
        assert_eq!(confirmed.clone().accepting(by_url[1]).scopes(), [by_url[1]]);
        assert_eq!(confirmed.clone().trying_only(by_url[0]).unwrap().scopes(), [by_url[0]]);
        assert!(confirmed.trying_only(&format!("{APP}/user_impersonation")).is_some());
    }

    #[test]
    fn a_scope_that_was_named_is_the_apps_own_or_of_no_weight_for_others() {
        let login = "https://login.microsoftonline.com";
        let app = read("https://hr.example/", &location(login, TENANT, "https://hr.example/"), None).unwrap();
        for scope in [
            &format!("{APP}/.default"),
            &format!("{APP}/user_impersonation"),
            "api://another/user_impersonation",
            "https://hr.example//Files.Read",
            "https://hr.example/app//user_impersonation",
        ] {
            assert_eq!(app.clone().trying_only(scope), None, "{scope}");
        }
        let one_slash = "https://hr.example/user_impersonation";
        assert_eq!(app.trying_only(one_slash).unwrap().scopes(), [one_slash]);
    }

    #[test]
    fn what_is_no_redirect_to_sign_in_is_told_as_what_it_is() {
        let asked = AppCall::new("https://hr.example/").unwrap();
        let read = |status, headers: &[(&str, &str)], body: &str| {
            PublishedApp::read(&asked, status, headers, body.as_bytes(), None).unwrap_err()
        };
        for (error, words) in [
            (read(200, &[], "hello"), "needs no token"),
            (read(404, &[], ""), "check the URL"),
            (read(401, &[("www-authenticate", "NTLM")], ""), "past application proxy"),
            (read(200, &[("content-type", "text/html"), ("x-ms-ests-server", "1")], ""), "follows redirects"),
            (read(504, &[], "This corporate app can't be accessed"), "connector group"),
        ] {
            let text = format!("{error}");
            assert!(text.contains(words), "{text}");
        }
    }

    #[test]
    fn how_long_it_wants_to_be_left_alone_is_told() {
        let asked = AppCall::new("https://hr.example/").unwrap();
        let pause = |headers: &[(&str, &str)]| {
            let error: crate::Error = PublishedApp::read(&asked, 503, headers, b"", None).unwrap_err().into();
            error.retry_after().map(|pause| pause.as_secs())
        };
        assert_eq!(pause(&[("Retry-After", " 7 ")]), Some(7));
        let until = ("retry-after", "Fri, 01 Mar 2024 00:00:07 GMT");
        assert_eq!(pause(&[until, ("Date", "Thu, 29 Feb 2024 23:59:57 GMT")]), Some(10));
        assert_eq!((pause(&[until]), pause(&[])), (None, None));
    }
}
