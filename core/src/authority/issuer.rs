//! Which issuer an answer may name.
//!
//! Nothing is fetched for Microsoft's authorities, so that there is no document to hold an issuer against.
//! The token endpoint vouches for what it sends (OpenID Connect Core 3.1.3.7, item 6); this only refuses what
//! is known to be another's:
//!
//! | authority | issuers that are taken |
//! | --- | --- |
//! | Entra at a known host | `https://HOST/{tid}/v2.0` of the same cloud, and v1's `https://sts.windows.net/{tid}/` |
//! | Entra at another host | all but one of another tenant: private hosts name themselves as they like |
//! | B2C at `*.b2clogin.*`, External ID | hosts of that kind (External ID names the tenant's id as the host), and Entra's |
//! | B2C at a custom domain | all: the policy decides |
//! | AD FS | all: the administrator can set it (`Set-AdfsProperties -IdTokenIssuer`) |
//! | an OpenID provider | its own alone, to the letter |

use url::Url;

use super::clouds::names_of;
use super::{Authority, Kind, host_and_port, is_b2c_host, is_ciam_host};

/// Issuers of v1 tokens beside the public cloud's own hosts.
const V1_ISSUERS: [&str; 2] = ["sts.windows.net", "sts.chinacloudapi.cn"];

impl Authority {
    /// Whether an issuer that an answer names can be this authority; `tenant` is the answer's `tid`.
    pub(crate) fn can_be(&self, issuer: &str, tenant: Option<&str>) -> bool {
        match &self.kind {
            Kind::Oidc { issuer: own } => return issuer == own,
            Kind::Adfs => return true,
            Kind::Entra { .. } | Kind::B2c { .. } | Kind::Ciam { .. } => {}
        }
        let Ok(url) = Url::parse(issuer) else { return false };
        let host = host_and_port(&url);
        // A development authority on loopback may know itself by another name.
        if url.scheme() != "https" && !self.origin.starts_with("http://") {
            return false;
        }
        match &self.kind {
            Kind::B2c { .. } => {
                !is_b2c_host(&self.environment) || is_b2c_host(&host) || self.knows(&host) || names_of(&host).is_some()
            }
            Kind::Ciam { .. } => is_ciam_host(&host) || self.knows(&host) || names_of(&host).is_some(),
            _ => self.is_of_this_cloud(&host) && names_tenant(&url, tenant),
        }
    }

    fn knows(&self, host: &str) -> bool {
        self.is_environment(host)
    }

    fn is_of_this_cloud(&self, host: &str) -> bool {
        let Some(names) = names_of(&self.environment) else { return true };
        self.knows(host)
            || V1_ISSUERS.contains(&host)
            // A region's own host: REGION.HOST.
            || names.iter().any(|name| host.strip_suffix(name).is_some_and(|region| region.ends_with('.')))
    }
}

/// Whether the tenant's id in an issuer, where there is one, is the one that the answer tells.
fn names_tenant(issuer: &Url, tenant: Option<&str>) -> bool {
    let named = issuer.path_segments().and_then(|mut segments| segments.next()).unwrap_or_default();
    tenant.is_none_or(|tenant| named.eq_ignore_ascii_case(tenant) || !is_guid(named))
}

/// Whether a text has the form of a GUID, as the ids of tenants and apps in Entra have.
pub fn is_guid(text: &str) -> bool {
    let lengths = text.split('-').map(|part| part.bytes().all(|b| b.is_ascii_hexdigit()).then_some(part.len()));
    lengths.eq([8, 4, 4, 4, 12].map(Some))
}
