//! The app behind the proxy.

use crate::frame;
use crate::jwt::decode_claims;
use crate::message::{Inquiry, Reply, html, json, redirect, reply, set, value};
use crate::proxy::table::BackEnd;
use crate::realm::Realm;
use crate::spoil::filler;
use crate::websocket;
use http::header::{HeaderValue, WWW_AUTHENTICATE};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::{Map, Value, json as object};
use std::time::Duration;

/// `/echo` gives back bodies up to this size.
const ECHOED: usize = 64 * 1024;

pub(crate) async fn answer(realm: &Realm, inquiry: &Inquiry, request: Request<Incoming>) -> Reply {
    let back_end = realm.policy().back_end;
    match back_end {
        BackEnd::Well | BackEnd::Away => {}
        BackEnd::Slow(delay) => {
            smol::Timer::after(delay).await;
        }
        BackEnd::WantsBasic => return unauthorized(&[r#"Basic realm="Contoso HR""#]),
        BackEnd::WantsWindows => return unauthorized(&["Negotiate", "NTLM"]),
    }
    let segments: Vec<&str> = inquiry.path.trim_start_matches('/').split('/').collect();
    match segments[..] {
        [""] => {
            let name = whoami(realm, inquiry)["name"].as_str().unwrap_or("nobody").to_owned();
            html(StatusCode::OK, frame::plain("Contoso HR", &format!("Hello, {name}.")))
        }
        ["api", "me"] => {
            let me = whoami(realm, inquiry);
            let status = if me["name"].is_null() { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
            json(status, &me)
        }
        ["echo"] => echo(inquiry, request).await,
        ["upload"] => match drain(request, 0).await {
            Ok((length, _)) => json(StatusCode::OK, &object!({"received": length})),
            Err(()) => json(StatusCode::BAD_REQUEST, &object!({"error": "the body broke off"})),
        },
        ["ws"] => websocket::accept(inquiry, request),
        ["bytes", size] => match size.parse::<u64>() {
            Ok(size) => {
                let mut reply = Response::new(filler(size));
                set(&mut reply, "content-type", "application/octet-stream");
                set(&mut reply, "content-length", &size.to_string());
                reply
            }
            Err(_) => not_found(),
        },
        ["status", status] => match status.parse().ok().and_then(|s| StatusCode::from_u16(s).ok()) {
            Some(status) if status.as_u16() >= 200 => json(status, &object!({"status": status.as_u16()})),
            _ => not_found(),
        },
        ["redirect"] => value(&inquiry.query, "to").map_or_else(not_found, redirect),
        ["slow", ms] => match ms.parse() {
            Ok(ms) => {
                smol::Timer::after(Duration::from_millis(ms)).await;
                json(StatusCode::OK, &object!({"slept_ms": ms}))
            }
            Err(_) => not_found(),
        },
        _ => not_found(),
    }
}

fn unauthorized(challenges: &[&'static str]) -> Reply {
    let mut reply = reply(StatusCode::UNAUTHORIZED, "text/plain", "401 Unauthorized");
    for challenge in challenges {
        reply.headers_mut().append(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    reply
}

fn not_found() -> Reply {
    reply(StatusCode::NOT_FOUND, "application/json", r#"{"error":"not found"}"#)
}

/// The user: from the header that the proxy sets, else from the token, which the proxy has verified.
fn whoami(realm: &Realm, inquiry: &Inquiry) -> Value {
    let header = realm.table().user_header.clone();
    if let Some(user) = header.and_then(|name| inquiry.header(&name)).and_then(|upn| realm.directory.user(upn)) {
        return object!({"name": user.display_name, "upn": user.upn, "from": "header"});
    }
    let token = inquiry.header("authorization").and_then(|v| v.get(7..)).and_then(decode_claims);
    match token {
        Some(claims) => object!({
            "name": claims["name"],
            "upn": claims.get("upn").or(claims.get("preferred_username")),
            "audience": claims["aud"],
            "expires": claims["exp"],
            "from": "token",
        }),
        None => object!({"name": null}),
    }
}

async fn echo(inquiry: &Inquiry, request: Request<Incoming>) -> Reply {
    let mut headers = Map::new();
    for (name, value) in &inquiry.headers {
        if name != "authorization" {
            headers.insert(name.to_string(), String::from_utf8_lossy(value.as_bytes()).into());
        }
    }
    let Ok((length, kept)) = drain(request, ECHOED).await else {
        return json(StatusCode::BAD_REQUEST, &object!({"error": "the body broke off"}));
    };
    let body = (length == kept.len() as u64).then(|| String::from_utf8_lossy(&kept).into_owned());
    json(
        StatusCode::OK,
        &object!({
            "method": inquiry.method.as_str(),
            "path": inquiry.path,
            "query": inquiry.query,
            "headers": headers,
            "authorization": {"present": inquiry.headers.contains_key("authorization")},
            "body_length": length,
            "body": body,
        }),
    )
}

/// Reads a body to its end: its length and its first bytes.
async fn drain(request: Request<Incoming>, keep: usize) -> Result<(u64, Vec<u8>), ()> {
    let mut body = request.into_body();
    let (mut length, mut kept) = (0, Vec::new());
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(drop)?.into_data() {
            length += data.len() as u64;
            kept.extend_from_slice(&data[..data.len().min(keep - kept.len().min(keep))]);
        }
    }
    Ok((length, kept))
}
