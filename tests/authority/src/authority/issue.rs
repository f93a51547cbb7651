//! The tokens of one answer (access-token-claims-reference.md, id-token-claims-reference.md).

use super::access;
use super::interaction::encode_client_info;
use super::tenancy::{Tenancy, seat, unknown_client};
use crate::aadsts::{Denial, Kind};
use crate::claims_request::declares_cp1;
use crate::directory::{Membership, Resource, User};
use crate::jwt::sha256_base64url;
use crate::ledger::{Approval, RefreshGrant};
use crate::observed::TokensIssued;
use crate::random;
use crate::realm::{Realm, locked, v1_issuer};
use crate::scope::Scopes;
use serde_json::{Value, json};

/// What to make tokens from.
pub(super) struct Order<'o> {
    pub(super) grant: &'o str,
    pub(super) approval: &'o Approval,
    pub(super) scopes: &'o Scopes,
    pub(super) claims: Option<&'o Value>,
    pub(super) client_info: bool,
    /// When the line of refresh tokens that this goes on with began.
    pub(super) begun: Option<u64>,
}

/// The token response, after the last checks.
pub(super) fn tokens(realm: &Realm, order: Order<'_>) -> Result<Value, Denial> {
    let approval = order.approval;
    let directory = &realm.directory;
    let user = directory
        .user(&approval.who.upn)
        .ok_or_else(|| Denial::new(Kind::InvalidGrant, 50034, "The user account does not exist in the directory."))?;
    let client =
        directory.client(approval.client_id).ok_or_else(|| unknown_client(approval.client_id, approval.tenant))?;
    let (_, seen) = seat(directory, Tenancy::One(approval.tenant), user)?;
    let (resource, names) = order.scopes.resolve(directory, approval.tenant)?;
    access::permitted(realm, client, resource, &order.scopes.resource)?;
    access::evaluate(realm, user, &approval.who, resource, approval.by_device_code)?;
    if !access::consented(realm, user, client, resource, &names) {
        return Err(access::no_consent(Kind::InvalidGrant, client));
    }

    let now = realm.clock.now();
    let lifetime = realm.settings.access_token_lifetime.as_secs();
    let claims = access_claims(realm, &order, user, &seen, resource, &names, now);
    let access_token = realm.key.sign(&claims);
    let scope = granted(realm, order.scopes, resource, &names);
    let mut answer = json!({
        "token_type": "Bearer",
        "scope": scope,
        "expires_in": lifetime,
        "ext_expires_in": lifetime,
        "access_token": access_token,
    });
    let refresh_in = realm.settings.refresh_in.map(|d| d.as_secs()).or((lifetime > 7200).then_some(lifetime / 2));
    if let Some(refresh_in) = refresh_in {
        answer["refresh_in"] = refresh_in.into();
    }
    let mut refresh_token = None;
    if order.scopes.has("offline_access") {
        let token = random::handle("1.AR");
        realm.ledger().refresh_tokens.insert(
            token.clone(),
            RefreshGrant {
                who: approval.who.clone(),
                client_id: approval.client_id,
                claims: approval.claims.clone(),
                by_device_code: approval.by_device_code,
                last_used: now,
                begun: order.begun.unwrap_or(now),
                revoked: None,
            },
        );
        answer["refresh_token"] = token.as_str().into();
        refresh_token = Some(token);
    }
    let mut id_token = None;
    if order.scopes.has("openid") {
        let token = realm.key.sign(&id_claims(realm, &order, user, &seen, now));
        answer["id_token"] = token.as_str().into();
        id_token = Some(token);
    }
    if order.client_info {
        answer["client_info"] = encode_client_info(user).into();
    }
    locked(&realm.issued).push(TokensIssued {
        grant: order.grant.to_owned(),
        upn: user.upn.clone(),
        client_id: approval.client_id.to_owned(),
        tenant_id: approval.tenant.to_owned(),
        audience: claims["aud"].as_str().unwrap_or_default().to_owned(),
        scope,
        access_token,
        access_claims: claims,
        refresh_token,
        id_token,
        claims_requested: order.claims.or(approval.claims.as_ref()).cloned(),
    });
    Ok(answer)
}

/// The `scope` of the answer: the resource as it was asked for before each name; Graph adds the reserved scopes.
fn granted(realm: &Realm, scopes: &Scopes, resource: &Resource, names: &[&str]) -> String {
    let mut words: Vec<String> = Vec::new();
    if resource.app_id == crate::directory::GRAPH {
        words.extend(scopes.reserved.iter().filter(|r| *r != "offline_access").cloned());
    }
    let default = scopes.names.iter().any(|n| n == ".default").then_some(".default");
    for name in names.iter().copied().chain(default) {
        let asked = &scopes.resource;
        let prefix = if realm.settings.scope_normalised { asked.trim_end_matches('/') } else { asked };
        words.push(format!("{prefix}/{name}"));
    }
    words.join(" ")
}

fn access_claims(
    realm: &Realm,
    order: &Order<'_>,
    user: &User,
    seen: &Membership,
    resource: &Resource,
    names: &[&str],
    now: u64,
) -> Value {
    let approval = order.approval;
    let tenant = approval.tenant;
    let lasts = realm.settings.token_ends_after.unwrap_or(realm.settings.access_token_lifetime);
    let expires = now + lasts.as_secs();
    let amr: &[&str] = if approval.who.mfa { &["pwd", "mfa"] } else { &["pwd"] };
    let mut claims = json!({
        "iat": now, "nbf": now, "exp": expires,
        "aio": random::handle("A"),
        "name": user.display_name,
        "oid": seen.object_id,
        "rh": random::handle("1.A"),
        "scp": names.join(" "),
        "sub": sha256_base64url(&format!("{} {}", seen.object_id, resource.app_id)),
        "tid": tenant,
        "uti": random::handle(""),
    });
    let extra = if resource.token_version == 2 {
        json!({
            "ver": "2.0",
            "iss": realm.issuer(tenant),
            "aud": resource.app_id,
            "azp": approval.client_id,
            "azpacr": "0",
            "preferred_username": seen.upn,
        })
    } else {
        let (given, family) = user.display_name.split_once(' ').unwrap_or((&user.display_name, ""));
        json!({
            "ver": "1.0",
            "iss": v1_issuer(tenant),
            "aud": order.scopes.resource,
            "acr": "1",
            "amr": amr,
            "appid": approval.client_id,
            "appidacr": "0",
            "given_name": given,
            "family_name": family,
            "ipaddr": "127.0.0.1",
            "unique_name": seen.upn,
            "upn": seen.upn,
        })
    };
    merge(&mut claims, extra);
    if seen.guest {
        claims["idp"] = v1_issuer(&user.tenant_id).into();
    }
    if declares_cp1(order.claims) {
        claims["xms_cc"] = json!(["cp1"]);
    }
    claims
}

/// An id token is v2 whenever the endpoint is.
fn id_claims(realm: &Realm, order: &Order<'_>, user: &User, seen: &Membership, now: u64) -> Value {
    let approval = order.approval;
    let mut claims = json!({
        "ver": "2.0",
        "iss": realm.issuer(approval.tenant),
        "auth_time": approval.who.at,
        "aud": approval.client_id,
        "iat": now, "nbf": now, "exp": now + 3600,
        "oid": seen.object_id,
        "rh": random::handle("1.A"),
        "sub": sha256_base64url(&format!("{} {}", seen.object_id, approval.client_id)),
        "tid": approval.tenant,
        "uti": random::handle(""),
    });
    if order.scopes.has("profile") {
        // A guest signs in by the name of the home tenant, and so does preferred_username say.
        merge(&mut claims, json!({"name": user.display_name, "preferred_username": user.upn}));
    }
    if order.scopes.has("email") {
        claims["email"] = user.upn.as_str().into();
    }
    if let Some(nonce) = &approval.nonce {
        claims["nonce"] = nonce.as_str().into();
    }
    if seen.guest {
        claims["idp"] = v1_issuer(&user.tenant_id).into();
    }
    claims
}

fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}
