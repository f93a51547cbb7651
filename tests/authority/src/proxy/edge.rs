//! The edge: is there a token, and is it for this app?

use super::sign_in_url::sign_in_url;
use super::table::{Answer, Audience, Condition, ProxyTable};
use super::{forward, page};
use crate::authority;
use crate::claims_request::covers;
use crate::directory::CONTOSO;
use crate::graph;
use crate::jwt::Refusal;
use crate::message::{Inquiry, Reply, redirect, reply, set};
use crate::published::Published;
use crate::random;
use crate::realm::{Realm, locked, v1_issuer};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Method, Request, StatusCode};
use hyper::body::Incoming;
use serde_json::Value;
use std::sync::Arc;

/// Answers one request, whose head is `inquiry` and whose body may still be on its way.
pub(crate) async fn answer(realm: &Arc<Realm>, inquiry: &Inquiry, request: Request<Incoming>) -> Reply {
    let transaction = random::guid();
    let table = realm.table().clone();
    if table.bypassed {
        let away = |_| reply(StatusCode::SERVICE_UNAVAILABLE, "text/plain", "");
        return forward::forward(realm, &table, realm.app(), inquiry, request, None).await.unwrap_or_else(away);
    }
    let wanted = realm.wanted(inquiry);
    let app = wanted.unwrap_or_else(|| realm.app());
    let condition = judge(realm, &table, wanted, inquiry);
    let mut reached = false;
    let mut reply = match condition {
        Some((condition, _)) if *table.answer(condition) == Answer::SignInPage => {
            return authority::sign_in_page(realm);
        }
        Some((condition, _)) if *table.answer(condition) != Answer::Forward => {
            say(realm, app, table.answer(condition), inquiry, &transaction)
        }
        judged => {
            let upn = judged.and_then(|(_, upn)| upn).or_else(|| user_of(realm, inquiry));
            match forward::forward(realm, &table, app, inquiry, request, upn.as_deref()).await {
                Ok(reply) => {
                    reached = true;
                    reply
                }
                Err(condition) => {
                    // The connector is reached even where the app is not.
                    reached = true;
                    say(realm, app, table.answer(condition), inquiry, &transaction)
                }
            }
        }
    };
    set(&mut reply, "x-ms-proxy-app-id", app.app_id);
    set(&mut reply, "x-ms-proxy-group-id", "d4c1a7e9-6b35-4f82-90c8-3e5a7b9d1f07");
    set(&mut reply, "x-ms-proxy-subscription-id", CONTOSO);
    set(&mut reply, "x-ms-proxy-service-name", "proxy-appproxy-weur-ams-1");
    set(&mut reply, "x-ms-proxy-data-center", "WEUR");
    set(&mut reply, "x-ms-proxy-transaction-id", &transaction);
    if reached {
        set(&mut reply, "x-ms-proxy-connector-id", "8b6d4f20-1c3e-4a59-b7d8-5f9e2c4a6b08");
    }
    reply
}

type Found = Option<(Condition, Option<String>)>;

/// A site that is not the proxy's and answers as the proxy does, so that a client sends it the app's token.
pub(crate) fn stranger(realm: &Realm, site: &str, inquiry: &Inquiry) -> Reply {
    let mut redirection = realm.table().stranger.clone();
    redirection.redirect_uri.get_or_insert_with(|| site.to_owned());
    let seen = bearer(inquiry).map(|_| true);
    let raw = format!("{}{}", site.trim_end_matches('/'), inquiry.target);
    redirect(&sign_in_url(realm, &redirection, realm.app(), &raw, seen))
}

/// The first condition that holds, if any.
fn judge(realm: &Realm, table: &ProxyTable, wanted: Option<&Published>, inquiry: &Inquiry) -> Found {
    let found = |condition| Some((condition, None));
    if realm.policy().maintenance {
        return found(Condition::Maintenance);
    }
    if inquiry.headers.len() > table.header_limit {
        return found(Condition::TooManyHeaders);
    }
    if inquiry.path == "/robots.txt" {
        return found(Condition::Robots);
    }
    let Some(app) = wanted else { return found(Condition::NotPublished) };
    let incident = realm.policy().incident;
    if table.passthrough || graph::is_open(realm, app.app_id) {
        return incident.and_then(found);
    }
    if inquiry.method == Method::OPTIONS {
        return found(Condition::Preflight);
    }
    let Some(token) = bearer(inquiry) else { return found(Condition::NoToken) };
    let claims = match realm.key.verify(token) {
        Ok(claims) => claims,
        Err(Refusal::Malformed) => return found(Condition::MalformedToken),
        Err(Refusal::BadSignature) => return found(Condition::BadSignature),
    };
    judge_claims(realm, table, app, token, &claims).or(incident).map(|condition| (condition, upn(realm, &claims)))
}

fn judge_claims(realm: &Realm, table: &ProxyTable, app: &Published, token: &str, claims: &Value) -> Option<Condition> {
    let text = |name: &str| claims[name].as_str().unwrap_or_default();
    let now = realm.clock.now();
    let v2 = text("ver") == "2.0";
    if text("iss") != if v2 { realm.issuer(CONTOSO) } else { v1_issuer(CONTOSO) } {
        return Some(Condition::WrongIssuer);
    }
    if text("tid") != CONTOSO {
        return Some(Condition::WrongTenant);
    }
    if [text("appid"), text("azp")].contains(&app.app_id) {
        return Some(Condition::OwnClient);
    }
    if !table.audiences.iter().any(|audience| allows(app, audience, text("aud"))) {
        return Some(Condition::WrongAudience);
    }
    if v2 && !table.accepts_v2_tokens {
        return Some(Condition::WrongVersion);
    }
    if claims["exp"].as_u64().is_none_or(|exp| now >= exp) {
        return Some(Condition::Expired);
    }
    if claims["nbf"].as_u64().is_some_and(|nbf| now < nbf) {
        return Some(Condition::NotYetValid);
    }
    if !text("scp").split(' ').any(|scope| scope == "user_impersonation") {
        return Some(Condition::MissingScope);
    }
    let user = upn(realm, claims).and_then(|upn| realm.directory.user(&upn));
    let policy = realm.policy();
    if user.is_none_or(|user| policy.unassigned.contains(&user.upn) || !graph::is_assigned(realm, user, app.app_id)) {
        return Some(Condition::NotAssigned);
    }
    if let Some(demand) = &policy.demanded {
        let issued = locked(&realm.issued);
        let asked = issued.iter().find(|i| i.access_token == token).and_then(|i| i.claims_requested.as_ref());
        if !asked.is_some_and(|asked| covers(asked, &demand.claims)) {
            return Some(Condition::ClaimsDemanded);
        }
    }
    None
}

fn bearer(inquiry: &Inquiry) -> Option<&str> {
    let (scheme, token) = inquiry.header("authorization")?.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty()).then(|| token.trim())
}

/// The home principal name of a token's user.
fn upn(realm: &Realm, claims: &Value) -> Option<String> {
    let oid = claims["oid"].as_str()?;
    realm.directory.users.iter().find(|user| user.object_id == oid).map(|user| user.upn.clone())
}

fn user_of(realm: &Realm, inquiry: &Inquiry) -> Option<String> {
    upn(realm, &realm.key.verify(bearer(inquiry)?).ok()?)
}

fn allows(app: &Published, audience: &Audience, aud: &str) -> bool {
    match audience {
        Audience::ExternalUrl => aud == app.external_url,
        Audience::ExternalUrlWithoutSlash => Some(aud) == app.external_url.strip_suffix('/'),
        Audience::AppId => aud == app.app_id,
        Audience::ApiUri => aud.strip_prefix("api://") == Some(app.app_id),
        Audience::Exactly(text) => aud == text,
    }
}

fn say(realm: &Realm, app: &Published, answer: &Answer, inquiry: &Inquiry, transaction: &str) -> Reply {
    match answer {
        Answer::SignInRedirect { invalid_token_retry } => redirect(&sign_in_url(
            realm,
            &realm.table().redirection,
            app,
            &app.url_of(&inquiry.target),
            *invalid_token_retry,
        )),
        Answer::ClaimsChallenge => {
            let claims = realm.policy().demanded.as_ref().map(|d| d.claims.to_string()).unwrap_or_default();
            unauthorized(realm, &format!(r#"error="insufficient_claims", claims="{}""#, STANDARD.encode(claims)))
        }
        Answer::InvalidToken => {
            unauthorized(realm, r#"error="invalid_token", error_description="The token is not valid""#)
        }
        Answer::Page { status, word, details } => {
            page::cannot_be_accessed(*status, word, transaction, details.as_deref())
        }
        Answer::SignInPage => authority::sign_in_page(realm),
        Answer::Robots => reply(StatusCode::OK, "text/plain", "User-agent: *\nDisallow: /\n"),
        Answer::Forward => page::cannot_be_accessed(502, "Bad gateway", transaction, None),
    }
}

/// The challenge of claims-challenge.md.
fn unauthorized(realm: &Realm, rest: &str) -> Reply {
    let mut reply = reply(StatusCode::UNAUTHORIZED, "text/plain", "");
    let value = format!(r#"Bearer realm="", authorization_uri="{}/common/oauth2/authorize", {rest}"#, realm.instance);
    set(&mut reply, "www-authenticate", &value);
    reply
}
