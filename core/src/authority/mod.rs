//! Whom to ask for tokens.

mod clouds;
mod issuer;
#[cfg(test)]
mod tests;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use url::{Host, Url};

use self::clouds::names_of;
use crate::Error;

pub use self::clouds::Cloud;

pub use self::issuer::is_guid;

/// The authority that issues the tokens.
///
/// # Trusted as named
///
/// Whoever names an authority trusts it: nothing is asked about it beforehand. Microsoft's libraries send
/// the host to `login.microsoftonline.com/common/discovery/instance` first, to have it confirmed and to learn
/// its other names. Here the endpoints follow from the URL, so that a first sign-in needs no further request and
/// works where that host cannot be reached; a mistyped host fails at its TLS certificate. OpenID providers alone
/// are asked for their discovery document.
///
/// # What tokens are filed under
///
/// The cache is shared with Microsoft's libraries, which agree on the fields and not on what stands in them:
///
/// - `environment` is the host as it was named, with a port where that is not the usual one, as MSAL for Python
///   and Go write it. MSAL.NET and MSAL for JavaScript write the host that Microsoft prefers for caches
///   (`login.windows.net` in the public cloud). So names of one cloud count as one when the cache is read, there
///   and here; the names are built in. For a host that is not Microsoft's they can be told:
///   [`with_aliases`](Authority::with_aliases).
/// - `realm` is the tenant's id as the id token tells it (`tid`), as MSAL for JavaScript writes it and, but for
///   tenants named by a domain, all others. Where none is told it is the tenant as it was named: B2C's
///   `contoso.onmicrosoft.com`. AD FS knows no tenants, and its realm is `adfs`, as in MSAL for Python.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    kind: Kind,
    /// Scheme, host and port, without a slash at the end.
    origin: String,
    /// Host, with the port where it is not 443: what the cache calls `environment`.
    environment: String,
    /// What else it goes by.
    aliases: Vec<String>,
}

/// What the endpoints, and the names in the cache, follow from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// A tenant of Entra ID.
    Entra { tenant: String },
    /// A user flow or custom policy of Azure AD B2C; the path is what the URL said.
    B2c { tenant: String, policy: String, path: String },
    /// A tenant of Entra External ID.
    Ciam { tenant: String },
    /// An AD FS farm.
    Adfs,
    /// Endpoints from the discovery document of this issuer.
    Oidc { issuer: String },
}

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
        let tenant = tenant_name(tenant)?;
        let host = cloud.login_host();
        Ok(Self {
            kind: Kind::Entra { tenant },
            origin: format!("https://{host}"),
            environment: host.to_string(),
            aliases: Vec::new(),
        })
    }

    /// An authority of Microsoft's by its URL. It is trusted as named, and nothing is fetched.
    ///
    /// | URL | what it is |
    /// | --- | --- |
    /// | `https://HOST/TENANT` | a tenant of Entra ID, in any cloud |
    /// | `https://HOST/adfs` | AD FS 2019 or later |
    /// | `https://NAME.b2clogin.com/TENANT/POLICY`, `https://HOST/tfp/TENANT/POLICY`, `https://HOST/TENANT/B2C_1_NAME` | Azure AD B2C |
    /// | `https://NAME.ciamlogin.com`, `https://NAME.ciamlogin.com/TENANT` | Entra External ID; without a path, `NAME.onmicrosoft.com` |
    ///
    /// Case, slashes at the end and a last `v2.0` are of no weight, a port is kept. Must be https; http is taken on
    /// loopback only, for development. Fails with [`Error::Config`] on anything else, and on dSTS, which
    /// Microsoft's own services use among themselves.
    pub fn entra(url: &str) -> Result<Self, Error> {
        let parsed = trusted_url(url, "authority")?;
        Ok(Self::at(&parsed, Kind::of(url, &parsed)?))
    }

    /// Any OpenID provider by its issuer URL; its endpoints are read from the discovery document
    /// (OpenID Connect Discovery 4), whose issuer must be this one to the letter.
    pub fn oidc(issuer: &str) -> Result<Self, Error> {
        let parsed = trusted_url(issuer, "issuer")?;
        Ok(Self::at(&parsed, Kind::Oidc { issuer: issuer.to_string() }))
    }

    /// With further hosts under which a shared cache may have this authority's tokens, each as `HOST` or `HOST:PORT`.
    ///
    /// Microsoft's own are known already. This is for a private cloud, or a host behind another name: tokens are
    /// found under all of them, and written under the one of the URL. Nothing is ever sent to an alias.
    pub fn with_aliases<S: AsRef<str>>(mut self, hosts: impl IntoIterator<Item = S>) -> Result<Self, Error> {
        for host in hosts {
            let host = host.as_ref();
            let is_host = |url: &Url| url.path() == "/" && !host.contains(['/', '?', '#', '@', '\\']);
            match Url::parse(&format!("https://{host}")).ok().filter(is_host) {
                Some(url) => self.aliases.push(host_and_port(&url)),
                None => {
                    return Err(Error::Config(format!(
                        "the alias {host:?} is not a host: give it as HOST or HOST:PORT"
                    )));
                }
            }
        }
        Ok(self)
    }

    /// The same authority for another tenant of it: its id, or one of its domains.
    ///
    /// A refresh token of Entra's is bound to the user and the client, not to a tenant: a guest's serves there, too.
    /// Fails where the authority knows no tenants (AD FS, an OpenID provider), or this is none.
    pub fn in_tenant(&self, tenant: &str) -> Result<Self, Error> {
        let mut other = self.clone();
        match &mut other.kind {
            Kind::Entra { tenant: named } | Kind::Ciam { tenant: named } => *named = tenant_name(tenant)?,
            Kind::B2c { .. } | Kind::Adfs | Kind::Oidc { .. } => {
                return Err(Error::Config(format!("the authority {} has no other tenants", self.url())));
            }
        }
        Ok(other)
    }

    fn at(url: &Url, kind: Kind) -> Self {
        let origin = url.origin().ascii_serialization();
        Self { kind, origin, environment: host_and_port(url), aliases: Vec::new() }
    }

    /// Host, with its port where that is not the scheme's own; lower case. The cache files tokens under it.
    pub fn environment(&self) -> &str {
        &self.environment
    }

    /// Whether a cache entry's environment is this authority, by its own name or by an alias.
    pub(crate) fn is_environment(&self, environment: &str) -> bool {
        let is_named = |name: &str| {
            environment.eq_ignore_ascii_case(name)
                || names_of(name).is_some_and(|names| names.iter().any(|name| name.eq_ignore_ascii_case(environment)))
        };
        is_named(&self.environment) || self.aliases.iter().any(|alias| is_named(alias))
    }

    /// Scheme, host and port, without a slash at the end.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether an origin (scheme, host and port) is this authority's, by its own name or by an alias.
    pub(crate) fn is_origin(&self, origin: &str) -> bool {
        self.origin == origin
            || Url::parse(origin).is_ok_and(|url| url.scheme() == "https" && self.is_environment(&host_and_port(&url)))
    }

    /// The tenant of an authority of Microsoft's, in lower case. AD FS has none: there it is `adfs`.
    pub fn tenant_name(&self) -> Option<&str> {
        match &self.kind {
            Kind::Entra { tenant } | Kind::B2c { tenant, .. } | Kind::Ciam { tenant } => Some(tenant),
            Kind::Adfs => Some(ADFS),
            Kind::Oidc { .. } => None,
        }
    }

    /// The issuer of a generic authority.
    pub fn issuer(&self) -> Option<&str> {
        match &self.kind {
            Kind::Oidc { issuer } => Some(issuer),
            _ => None,
        }
    }

    /// The authority's URL, as it was named, in lower case where that is of no weight.
    pub fn url(&self) -> String {
        match &self.kind {
            Kind::Entra { tenant } | Kind::Ciam { tenant } => format!("{}/{tenant}", self.origin),
            Kind::B2c { path, .. } => format!("{}/{path}", self.origin),
            Kind::Adfs => format!("{}/{ADFS}", self.origin),
            Kind::Oidc { issuer } => issuer.clone(),
        }
    }

    /// Under which realm tokens are filed where the answer names no tenant.
    pub(crate) fn fallback_realm(&self) -> String {
        match &self.kind {
            // Two issuers on one host differ by their path alone; the origin may be spelled otherwise than ours.
            Kind::Oidc { issuer } => {
                let after_scheme = issuer.split_once("://").map_or("", |(_, rest)| rest);
                after_scheme.split_once('/').map_or("", |(_, path)| path).trim_matches('/').to_string()
            }
            _ => self.tenant_name().unwrap_or_default().to_string(),
        }
    }

    /// What the cache calls the kind of an account.
    pub(crate) fn account_type(&self) -> &'static str {
        match &self.kind {
            Kind::Entra { .. } | Kind::B2c { .. } | Kind::Ciam { .. } => "MSSTS",
            Kind::Adfs => "ADFS",
            Kind::Oidc { .. } => "Generic",
        }
    }

    /// Whether an account's tokens can be this authority's, as far as its id tells: at B2C that ends with the policy
    /// that signed the user in (`{oid}-{policy}.{utid}`), and another policy takes no token of it.
    pub(crate) fn can_know(&self, home_account_id: &str) -> bool {
        let Kind::B2c { policy, .. } = &self.kind else { return true };
        let user = home_account_id.rsplit_once('.').map_or(home_account_id, |(user, _)| user).to_ascii_lowercase();
        !user.contains("-b2c_1") || user.strip_suffix(policy.as_str()).is_some_and(|id| id.ends_with('-'))
    }

    /// Whether it tells who the user is in `client_info`. AD FS does not: there it is the id token's subject.
    pub(crate) fn has_client_info(&self) -> bool {
        !matches!(self.kind, Kind::Adfs | Kind::Oidc { .. })
    }

    /// Whether requests are routed by the user that they are about: where a home account id is `{uid}.{utid}`.
    pub(crate) fn routes_by_user(&self) -> bool {
        matches!(self.kind, Kind::Entra { .. } | Kind::Ciam { .. })
    }

    /// The endpoints, where they follow from the URL; a generic authority has to be asked.
    pub(crate) fn template_endpoints(&self) -> Option<Endpoints> {
        let base = match &self.kind {
            Kind::Entra { .. } | Kind::B2c { .. } | Kind::Ciam { .. } => format!("{}/oauth2/v2.0", self.url()),
            Kind::Adfs => format!("{}/oauth2", self.url()),
            Kind::Oidc { .. } => return None,
        };
        // B2C has no sign-in by user code (Microsoft's wiki of MSAL.NET, Device Code Flow).
        let has_user_codes = !matches!(self.kind, Kind::B2c { .. });
        Some(Endpoints {
            authorize: format!("{base}/authorize"),
            token: format!("{base}/token"),
            device_code: has_user_codes.then(|| format!("{base}/devicecode")),
            form_post: true,
            issuer: None,
            names_issuer: false,
        })
    }
}

const ADFS: &str = "adfs";

impl Kind {
    /// What a URL names, told by its host and the segments of its path, as Microsoft's libraries tell it.
    fn of(named: &str, url: &Url) -> Result<Self, Error> {
        let refused = |why: &str| Err(Error::Config(format!("the authority {named} {why}")));
        let host = url.host_str().unwrap_or_default();
        let path = url.path().to_ascii_lowercase();
        let mut segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        if segments.len() > 1 && segments.last() == Some(&"v2.0") {
            segments.pop();
        }
        match segments[..] {
            [ADFS] => Ok(Self::Adfs),
            [ADFS, ..] => refused("is AD FS with more in its path: it should read https://HOST/adfs"),
            ["dstsv2", ..] => refused(
                "is dSTS, which Microsoft's own services use among themselves and entrada does not speak: \
                 name the app's Entra tenant, https://HOST/TENANT",
            ),
            ["tfp", tenant, policy] => Ok(Self::b2c(tenant, policy, &segments)),
            ["tfp", ..] => refused("names no policy: it should read https://HOST/tfp/TENANT/POLICY"),
            [tenant, policy] if is_b2c_host(host) || policy.starts_with("b2c_") => {
                Ok(Self::b2c(tenant, policy, &segments))
            }
            _ if is_b2c_host(host) => {
                refused("is Azure AD B2C without a policy: it should read https://HOST/TENANT/POLICY")
            }
            [] if is_ciam_host(host) => {
                let name = host.split('.').next().unwrap_or_default();
                Ok(Self::Ciam { tenant: format!("{name}.onmicrosoft.com") })
            }
            [tenant] if is_ciam_host(host) => Ok(Self::Ciam { tenant: tenant.to_string() }),
            [] => refused("names no tenant: it should read https://HOST/TENANT"),
            [tenant] => Ok(Self::Entra { tenant: tenant.to_string() }),
            _ => refused(
                "has more than a tenant in its path: it should read https://HOST/TENANT, \
                 or be given as an OpenID issuer",
            ),
        }
    }

    fn b2c(tenant: &str, policy: &str, segments: &[&str]) -> Self {
        Self::B2c { tenant: tenant.to_string(), policy: policy.to_string(), path: segments.join("/") }
    }
}

/// A tenant's id, domain or common name, in lower case.
fn tenant_name(tenant: &str) -> Result<String, Error> {
    if tenant.is_empty() || !tenant.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.') {
        return Err(Error::Config(format!(
            "{tenant:?} is not a tenant: give its id (a GUID), a domain such as contoso.onmicrosoft.com, \
             or one of common, organizations, consumers"
        )));
    }
    Ok(tenant.to_ascii_lowercase())
}

fn is_b2c_host(host: &str) -> bool {
    [".b2clogin.com", ".b2clogin.cn", ".b2clogin.us", ".b2clogin.de"].iter().any(|suffix| host.ends_with(suffix))
}

fn is_ciam_host(host: &str) -> bool {
    host.ends_with(".ciamlogin.com")
}

/// What the cache calls `environment`.
fn host_and_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_string(),
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
