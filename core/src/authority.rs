//! Whom to ask for tokens.

use alloc::format;
use alloc::string::{String, ToString};

use url::{Host, Url};

use crate::Error;

/// The authority that issues the tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    kind: Kind,
    /// Scheme, host and port, without a slash at the end.
    origin: String,
    /// Host, with the port where it is not 443: what the cache calls `environment`.
    environment: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// Endpoints from templates; nothing is fetched before the token call.
    Entra { tenant: String },
    /// Endpoints from the discovery document of this issuer.
    Oidc { issuer: String },
}

/// The clouds that Microsoft runs (identity-platform/authentication-national-cloud).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cloud {
    /// The public one.
    #[default]
    Public,
    /// Azure for US Government.
    UsGov,
    /// Azure China, operated by 21Vianet.
    China,
}

impl Cloud {
    /// The sign-in host.
    pub const fn login_host(self) -> &'static str {
        match self {
            Self::Public => "login.microsoftonline.com",
            Self::UsGov => "login.microsoftonline.us",
            Self::China => "login.partner.microsoftonline.cn",
        }
    }
}

/// Hosts that are one and the same authority, as in MSAL's built-in table (KnownMetadataProvider).
const ALIASES: [&[&str]; 3] = [
    &["login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"],
    &["login.microsoftonline.us", "login.usgovcloudapi.net"],
    &["login.partner.microsoftonline.cn", "login.chinacloudapi.cn"],
];

/// Where the requests go.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Endpoints {
    /// For the browser.
    pub authorize: String,
    /// For codes and refresh tokens.
    pub token: String,
    /// For user codes, where the authority has that flow.
    pub device_code: Option<String>,
    /// Whether the authority can post the answer of a sign-in.
    pub form_post: bool,
    /// The issuer, as the discovery document names it.
    pub issuer: Option<String>,
    /// Whether every authorization answer names its issuer (RFC 9207).
    pub names_issuer: bool,
}

impl Authority {
    /// A tenant in one of Microsoft's clouds: its id, one of its domains, `common`, `organizations` or `consumers`.
    pub fn tenant(cloud: Cloud, tenant: &str) -> Result<Self, Error> {
        if tenant.is_empty() || !tenant.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.') {
            return Err(Error::Config(format!(
                "{tenant:?} is not a tenant: give its id (a GUID), a domain such as contoso.onmicrosoft.com, \
                 or one of common, organizations, consumers"
            )));
        }
        Self::entra(&format!("https://{}/{tenant}", cloud.login_host()))
    }

    /// An Entra authority by its URL, `https://HOST/TENANT`. It is trusted as named.
    ///
    /// Must be https; http is taken on loopback only, for development. Nothing is fetched: Entra's
    /// endpoints follow from the URL.
    pub fn entra(url: &str) -> Result<Self, Error> {
        let parsed = trusted_url(url, "authority")?;
        let mut segments = parsed.path_segments().into_iter().flatten().filter(|segment| !segment.is_empty());
        let Some(tenant) = segments.next() else {
            return Err(Error::Config(format!(
                "the authority {url} names no tenant: it should read https://HOST/TENANT"
            )));
        };
        if segments.next().is_some_and(|segment| segment != "v2.0") {
            return Err(Error::Config(format!(
                "the authority {url} has more than a tenant in its path: it should read https://HOST/TENANT, \
                 or be given as an OpenID issuer"
            )));
        }
        let tenant = tenant.to_ascii_lowercase();
        Ok(Self::at(&parsed, Kind::Entra { tenant }))
    }

    /// Any OpenID provider by its issuer URL; its endpoints are read from the discovery document
    /// (OpenID Connect Discovery 4), whose issuer must be this one to the letter.
    pub fn oidc(issuer: &str) -> Result<Self, Error> {
        let parsed = trusted_url(issuer, "issuer")?;
        Ok(Self::at(&parsed, Kind::Oidc { issuer: issuer.to_string() }))
    }

    fn at(url: &Url, kind: Kind) -> Self {
        let origin = url.origin().ascii_serialization();
        let host = url.host_str().unwrap_or_default();
        let environment = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_string(),
        };
        Self { kind, origin, environment }
    }

    /// Host, with its port where that is not the scheme's own; lower case. The cache files tokens under it.
    pub fn environment(&self) -> &str {
        &self.environment
    }

    /// Whether a cache entry's environment is this authority, by its own name or by an alias.
    pub(crate) fn is_environment(&self, environment: &str) -> bool {
        environment.eq_ignore_ascii_case(&self.environment)
            || ALIASES.iter().any(|names| {
                names.contains(&self.environment.as_str())
                    && names.iter().any(|name| name.eq_ignore_ascii_case(environment))
            })
    }

    /// The tenant of an Entra authority, in lower case.
    pub fn tenant_name(&self) -> Option<&str> {
        match &self.kind {
            Kind::Entra { tenant } => Some(tenant),
            Kind::Oidc { .. } => None,
        }
    }

    /// The issuer of a generic authority.
    pub fn issuer(&self) -> Option<&str> {
        match &self.kind {
            Kind::Entra { .. } => None,
            Kind::Oidc { issuer } => Some(issuer),
        }
    }

    /// The authority's URL, as it was named.
    pub fn url(&self) -> String {
        match &self.kind {
            Kind::Entra { tenant } => format!("{}/{tenant}", self.origin),
            Kind::Oidc { issuer } => issuer.clone(),
        }
    }

    /// Under which realm tokens are filed where the answer names no tenant.
    pub(crate) fn fallback_realm(&self) -> String {
        match &self.kind {
            Kind::Entra { tenant } => tenant.clone(),
            // Two issuers on one host differ by their path alone; the origin may be spelled otherwise than ours.
            Kind::Oidc { issuer } => {
                let after_scheme = issuer.split_once("://").map_or("", |(_, rest)| rest);
                after_scheme.split_once('/').map_or("", |(_, path)| path).trim_matches('/').to_string()
            }
        }
    }

    /// The endpoints, where they follow from the URL; a generic authority has to be asked.
    pub(crate) fn template_endpoints(&self) -> Option<Endpoints> {
        let Kind::Entra { tenant } = &self.kind else { return None };
        let base = format!("{}/{tenant}/oauth2/v2.0", self.origin);
        Some(Endpoints {
            authorize: format!("{base}/authorize"),
            token: format!("{base}/token"),
            device_code: Some(format!("{base}/devicecode")),
            form_post: true,
            issuer: None,
            names_issuer: false,
        })
    }
}

/// Parses a URL that secrets will be sent to: https, or http on loopback.
pub(crate) fn trusted_url(text: &str, what: &str) -> Result<Url, Error> {
    let url = Url::parse(text).map_err(|error| {
        Error::Config(format!("the {what} {text:?} is not a URL ({error}): it should begin with https://"))
    })?;
    if !is_confidential(&url) {
        return Err(Error::Config(format!(
            "the {what} {text} is not https: tokens go over https only (http is taken on loopback)"
        )));
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(Error::Config(format!("the {what} must have no user, query or fragment in its URL")));
    }
    Ok(url)
}

/// Whether what is sent to a URL stays between us and its host.
pub(crate) fn is_confidential(url: &Url) -> bool {
    match url.scheme() {
        "https" => url.host().is_some(),
        "http" => is_loopback(url),
        _ => false,
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entra_authority_needs_no_discovery() {
        let authority = Authority::tenant(Cloud::UsGov, "Contoso.onmicrosoft.us").unwrap();
        assert_eq!(authority.url(), "https://login.microsoftonline.us/contoso.onmicrosoft.us");
        assert_eq!(
            authority.template_endpoints().unwrap().token,
            "https://login.microsoftonline.us/contoso.onmicrosoft.us/oauth2/v2.0/token"
        );
        assert_eq!(
            Authority::entra("https://login.microsoftonline.com/common/v2.0").unwrap().tenant_name(),
            Some("common")
        );
    }

    #[test]
    fn aliases_are_one_environment_and_ports_are_kept_apart() {
        let public = Authority::tenant(Cloud::Public, "common").unwrap();
        assert!(public.is_environment("login.windows.net"));
        assert!(public.is_environment("STS.windows.net"));
        assert!(!public.is_environment("login.microsoftonline.us"));

        let local = Authority::entra("http://localhost:8443/t").unwrap();
        assert!(local.is_environment("localhost:8443"));
        assert!(!local.is_environment("localhost"));
    }

    #[test]
    fn plain_http_is_taken_on_loopback_only() {
        for good in ["https://login.example/t", "http://127.0.0.1:8080/t", "http://localhost/t", "http://[::1]:1/t"] {
            assert!(Authority::entra(good).is_ok(), "{good}");
        }
        for bad in [
            "http://login.example/t",
            "http://127.0.0.1.example/t",
            "login.example/t",
            "ftp://localhost/t",
            "https://user:word@login.example/t",
            "https://login.example/",
            "https://login.example/t/u",
        ] {
            assert!(matches!(Authority::entra(bad), Err(Error::Config(_))), "{bad}");
        }
    }

    #[test]
    fn issuers_on_one_host_have_realms_of_their_own() {
        assert_eq!(Authority::oidc("https://id.example/realms/a/").unwrap().fallback_realm(), "realms/a");
        assert_eq!(Authority::oidc("https://id.example").unwrap().fallback_realm(), "");
    }
}
