//! The documented shapes: a property that is not in them is refused.

use super::error::Refused;
use serde_json::Value;

/// What a property takes.
pub(super) enum Kind {
    Text,
    OptionalText,
    Bool,
    Int,
    Texts,
    One(&'static [&'static str]),
    Object(&'static [(&'static str, Kind)]),
    Objects(&'static [(&'static str, Kind)]),
}
use Kind::*;

const SCOPE: &[(&str, Kind)] = &[
    ("id", Text),
    ("value", Text),
    ("type", One(&["User", "Admin"])),
    ("isEnabled", Bool),
    ("adminConsentDisplayName", Text),
    ("adminConsentDescription", Text),
    ("userConsentDisplayName", OptionalText),
    ("userConsentDescription", OptionalText),
];
const ACCESS: &[(&str, Kind)] = &[("id", Text), ("type", One(&["Scope", "Role"]))];
const RESOURCE_ACCESS: &[(&str, Kind)] = &[("resourceAppId", Text), ("resourceAccess", Objects(ACCESS))];
const IMPLICIT: &[(&str, Kind)] = &[("enableIdTokenIssuance", Bool), ("enableAccessTokenIssuance", Bool)];
const WEB: &[(&str, Kind)] = &[
    ("redirectUris", Texts),
    ("homePageUrl", OptionalText),
    ("logoutUrl", OptionalText),
    ("implicitGrantSettings", Object(IMPLICIT)),
];
/// graph: application, as far as setups of this kind go.
pub(super) const APPLICATION: &[(&str, Kind)] = &[
    ("displayName", Text),
    ("signInAudience", One(&["AzureADMyOrg", "AzureADMultipleOrgs", "AzureADandPersonalMicrosoftAccount"])),
    ("identifierUris", Texts),
    ("publicClient", Object(&[("redirectUris", Texts)])),
    ("isFallbackPublicClient", Bool),
    ("web", Object(WEB)),
    ("api", Object(&[("requestedAccessTokenVersion", Int), ("oauth2PermissionScopes", Objects(SCOPE))])),
    ("requiredResourceAccess", Objects(RESOURCE_ACCESS)),
];
const KERBEROS: &[(&str, Kind)] = &[
    ("kerberosServicePrincipalName", Text),
    (
        "kerberosSignOnMappingAttributeType",
        One(&[
            "userPrincipalName",
            "onPremisesUserPrincipalName",
            "userPrincipalUsername",
            "onPremisesUserPrincipalUsername",
            "onPremisesSAMAccountName",
        ]),
    ),
];
const SSO: &[(&str, Kind)] = &[
    (
        "singleSignOnMode",
        One(&["none", "onPremisesKerberos", "saml", "pingHeaderBased", "aadHeaderBased", "oAuthToken"]),
    ),
    ("kerberosSignOnSettings", Object(KERBEROS)),
];
/// graph: onPremisesPublishing.
pub(super) const PUBLISHING: &[(&str, Kind)] = &[
    ("externalUrl", Text),
    ("internalUrl", Text),
    ("externalAuthenticationType", One(&["aadPreAuthentication", "passthru"])),
    ("applicationServerTimeout", One(&["default", "long"])),
    ("isBackendCertificateValidationEnabled", Bool),
    ("isHttpOnlyCookieEnabled", Bool),
    ("isSecureCookieEnabled", Bool),
    ("isPersistentCookieEnabled", Bool),
    ("isTranslateHostHeaderEnabled", Bool),
    ("isTranslateLinksInBodyEnabled", Bool),
    ("singleSignOnSettings", Object(SSO)),
];
/// graph: oAuth2PermissionGrant.
pub(super) const GRANT: &[(&str, Kind)] = &[
    ("clientId", Text),
    ("consentType", One(&["AllPrincipals", "Principal"])),
    ("principalId", OptionalText),
    ("resourceId", Text),
    ("scope", Text),
];
/// graph: appRoleAssignment.
pub(super) const ASSIGNMENT: &[(&str, Kind)] = &[("principalId", Text), ("resourceId", Text), ("appRoleId", Text)];
/// graph: servicePrincipal.
pub(super) const PRINCIPAL: &[(&str, Kind)] = &[("appId", Text), ("tags", Texts)];
/// graph: connectorGroup.
pub(super) const CONNECTOR_GROUP: &[(&str, Kind)] =
    &[("name", Text), ("region", One(&["nam", "eur", "aus", "asia", "ind"]))];
/// A link.
pub(super) const REFERENCE: &[(&str, Kind)] = &[("@odata.id", Text)];

/// Refuses what the shape does not have.
pub(super) fn check(body: &Value, shape: &[(&str, Kind)]) -> Result<(), Refused> {
    let Some(body) = body.as_object() else { return Err(Refused::bad("An object was expected.")) };
    for (name, value) in body {
        let Some((_, kind)) = shape.iter().find(|(known, _)| known == name) else {
            return Err(Refused::invalid_property(name));
        };
        let wrong = || Refused::bad(&format!("Invalid value specified for property '{name}' of resource."));
        let is_right = match kind {
            Text => value.as_str().is_some_and(|text| !text.is_empty()),
            OptionalText => value.is_null() || value.is_string(),
            Bool => value.is_boolean(),
            Int => value.is_null() || value.as_u64().is_some_and(|version| (1..=2).contains(&version)),
            Texts => value.as_array().is_some_and(|all| all.iter().all(Value::is_string)),
            One(words) => value.as_str().is_some_and(|text| words.contains(&text)),
            Object(shape) => {
                check(value, shape)?;
                true
            }
            Objects(shape) => {
                let all = value.as_array().ok_or_else(wrong)?;
                all.iter().try_for_each(|one| check(one, shape))?;
                true
            }
        };
        if !is_right {
            return Err(wrong());
        }
    }
    Ok(())
}

/// Refuses a body that lacks what the call cannot do without.
pub(super) fn require(body: &Value, names: &[&str]) -> Result<(), Refused> {
    match names.iter().find(|name| body.get(**name).is_none()) {
        Some(name) => Err(Refused::bad(&format!("A value is required for property '{name}' of resource."))),
        None => Ok(()),
    }
}

/// The members that `$select` names; all of them without it. What beta alone has is unknown to v1.0.
pub(super) fn select(object: &Value, selected: Option<&str>, known: &[&str]) -> Result<Value, Refused> {
    let Some(selected) = selected else { return Ok(object.clone()) };
    let mut out = serde_json::Map::new();
    for name in selected.split(',') {
        if !known.contains(&name) {
            return Err(Refused::bad(&format!("Could not find a property named '{name}'.")));
        }
        out.insert(name.to_owned(), object[name].clone());
    }
    Ok(out.into())
}
