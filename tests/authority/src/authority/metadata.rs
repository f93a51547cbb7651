//! Documents that describe the authority (v2-protocols-oidc.md; OpenID Connect Discovery 1.0).

use super::tenancy::{Tenancy, tenancy};
use crate::aadsts::{Denial, Kind, Trace};
use crate::message::{Inquiry, Reply, json, value};
use crate::realm::Realm;
use http::StatusCode;
use serde_json::json as object;
use url::Url;

pub(super) fn configuration(realm: &Realm, segment: &str, trace: &Trace) -> Reply {
    let tenant = match tenancy(&realm.directory, segment) {
        Ok(Tenancy::One(tenant)) => tenant,
        Ok(Tenancy::Home) => "{tenantid}",
        Ok(Tenancy::Consumers) => crate::directory::CONSUMERS,
        Err(mut denial) => {
            denial.kind = Kind::InvalidTenant;
            return denial.reply(trace);
        }
    };
    let at = &realm.instance;
    // A domain name is answered with the GUID, which is where clients learn it.
    let base = if tenant.starts_with('{') { format!("{at}/{segment}") } else { format!("{at}/{tenant}") };
    json(
        StatusCode::OK,
        &object!({
            "token_endpoint": format!("{base}/oauth2/v2.0/token"),
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "jwks_uri": format!("{base}/discovery/v2.0/keys"),
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": realm.issuer(tenant),
            "request_uri_parameter_supported": false,
            "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
            "device_authorization_endpoint": format!("{base}/oauth2/v2.0/devicecode"),
            "http_logout_supported": true,
            "frontchannel_logout_supported": true,
            "end_session_endpoint": format!("{base}/oauth2/v2.0/logout"),
            "claims_supported": ["sub", "iss", "aud", "exp", "iat", "nonce", "preferred_username", "name", "tid", "ver", "oid", "email"],
            "code_challenge_methods_supported": ["S256"],
            "tenant_region_scope": "EU",
        }),
    )
}

pub(super) fn keys(realm: &Realm, segment: &str) -> Reply {
    json(StatusCode::OK, &realm.key.jwks(&realm.issuer(segment)))
}

/// Instance discovery: is the host of an authority one of ours, and what other names has it?
pub(super) fn instance(realm: &Realm, inquiry: &Inquiry, trace: &Trace) -> Reply {
    let asked = value(&inquiry.query, "authorization_endpoint").and_then(|u| Url::parse(u).ok());
    let ours = Url::parse(&realm.instance).ok();
    let authority =
        |u: &Url| u.host_str().map(|h| format!("{h}{}", u.port().map(|p| format!(":{p}")).unwrap_or_default()));
    let (Some(asked), Some(ours)) = (asked, ours) else {
        return Denial::new(
            Kind::InvalidRequest,
            900144,
            "The request must contain the following parameter: 'authorization_endpoint'.",
        )
        .reply(trace);
    };
    let aliases = aliases(&ours);
    if !authority(&asked).is_some_and(|a| aliases.contains(&a)) {
        return Denial::new(Kind::InvalidInstance, 50049, "Unknown or invalid instance.").reply(trace);
    }
    let tenant = asked.path_segments().and_then(|mut s| s.next()).unwrap_or("common").to_owned();
    let mut body = object!({
        "tenant_discovery_endpoint": format!("{}/{tenant}/v2.0/.well-known/openid-configuration", realm.instance),
        "api-version": value(&inquiry.query, "api-version").unwrap_or("1.0"),
    });
    if value(&inquiry.query, "api-version") == Some("1.1") {
        let host = authority(&ours);
        body["metadata"] = object!([{"preferred_network": host, "preferred_cache": host, "aliases": aliases}]);
    }
    json(StatusCode::OK, &body)
}

/// The names of one cloud (authentication-national-cloud.md; KnownMetadataProvider.cs), or both names of loopback.
fn aliases(ours: &Url) -> Vec<String> {
    const CLOUDS: [&[&str]; 3] = [
        &["login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"],
        &["login.microsoftonline.us", "login.usgovcloudapi.net"],
        &["login.partner.microsoftonline.cn", "login.chinacloudapi.cn"],
    ];
    let host = ours.host_str().unwrap_or_default();
    let names = CLOUDS.into_iter().find(|names| names.contains(&host)).unwrap_or(&["localhost", "127.0.0.1"]);
    let port = ours.port().map(|p| format!(":{p}")).unwrap_or_default();
    names.iter().map(|host| format!("{host}{port}")).collect()
}
