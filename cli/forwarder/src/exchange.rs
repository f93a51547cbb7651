//! One request of a client, to its answer.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use entrada_core::Error;
use entrada_core::protocol::{Exchange, Next};
use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_LOCATION, COOKIE, EXPECT, HOST, HeaderMap, HeaderName,
    HeaderValue, LINK, LOCATION, ORIGIN, REFERER, REFRESH, SET_COOKIE, TE, TRANSFER_ENCODING, UPGRADE,
};
use http::{Request, Response, StatusCode, Version, request};
use hyper::body::Incoming;

use crate::address::Here;
use crate::body::{Reply, Source, Turn};
use crate::connection::Connection;
use crate::counts::Counts;
use crate::gate::{Admitted, take_off_secret};
use crate::refusal::Refusal;
use crate::site::Site;
use crate::tunnel::Tunnel;
use crate::watch::Watch;
use crate::{cookies, hop, upstream, worker};

/// Kinds of failure that are the token's, and not the app's.
const SIGN_IN_NEEDED: &str = "sign_in_needed";
const NO_TOKEN: &str = "no_token";

const IF: HeaderName = HeaderName::from_static("if");
const DESTINATION: HeaderName = HeaderName::from_static("destination");
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");

/// Answers a request.
pub(crate) async fn answer(
    site: Arc<Site>,
    watch: Arc<Watch>,
    request: Request<Incoming>,
) -> Result<Response<Reply>, Infallible> {
    let turn = Turn::new(&watch, &site.counts);
    Counts::add(&site.counts.requests, 1);
    let method = request.method().clone();
    let answered = exchange(&site, turn.watch(), request).await;
    let response = answered.unwrap_or_else(|refusal| {
        if refusal.status.is_client_error() {
            site.counts.errors.fetch_add(1, Ordering::Relaxed);
        } else if !matches!(refusal.kind, SIGN_IN_NEEDED | NO_TOKEN) {
            // That there is no token has been told already.
            site.fails(refusal.kind, &refusal.text);
        }
        refusal.into_response()
    });
    if response.status().is_server_error() {
        site.counts.errors.fetch_add(1, Ordering::Relaxed);
    }
    tracing::debug!(%method, status = response.status().as_u16(), app = site.origin.text, "answered");
    Ok(response.map(|body| body.in_turn(turn)))
}

async fn exchange(
    site: &Arc<Site>,
    watch: &Arc<Watch>,
    mut request: Request<Incoming>,
) -> Result<Response<Reply>, Refusal> {
    let upgrade = hyper::upgrade::on(&mut request);
    let (mut head, body) = request.into_parts();
    let Admitted { here, target } = site.gate.admit(&head)?;
    let expects_continue =
        head.headers.get(EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    let source = Source::of(body, expects_continue, watch, &site.counts);
    let is_upgrade = outward(site, &mut head);
    if source.is_some() && !head.headers.contains_key(CONTENT_LENGTH) {
        // Or hyper would leave out what methods such as GET seldom have.
        head.headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    head.uri = target.into();

    let lent = site.tokens.get().await.map_err(|error| no_token(site, &error))?;
    if lent.is_due {
        let renewing = Arc::clone(site);
        worker::spawn(async move { renewing.tokens.renew().await });
    }
    let mut bearer = lent.bearer;
    // Most answers need no more than a look at their status.
    let mut exchange = None;
    let mut has_replaced = false;
    let (response, connection) = loop {
        head.headers.insert(AUTHORIZATION, bearer.header.clone());
        let sent = upstream::send(site, &head, source.as_ref(), watch).await;
        let (response, connection) = sent.map_err(|failure| failure.into_refusal(site))?;
        let status = response.status();
        if status != StatusCode::UNAUTHORIZED && !status.is_redirection() {
            break (response, connection);
        }
        let can_replay = source.as_ref().is_none_or(Source::can_begin);
        let exchange = match &mut exchange {
            Some(exchange) => exchange,
            none => none.insert(begun(site, &head)?),
        };
        let next = match exchange.heard_http(&bearer.token, &head.method, status, response.headers()) {
            Ok(Next::Replay { claims }) => {
                site.tokens.with_claims(&bearer, claims).await.map_err(|error| no_token(site, &error))?
            }
            Ok(_) => None,
            Err(refused) => match site.tokens.instead_of(&bearer).await.filter(|_| can_replay && !has_replaced) {
                Some(other) => {
                    has_replaced = true;
                    Some(other)
                }
                None => return Err(proxy_refused(&refused)),
            },
        };
        match next.filter(|_| can_replay) {
            Some(other) => bearer = other,
            None => break (response, connection),
        }
    };
    site.works();
    Ok(homeward(site, here, response, connection, is_upgrade.then(|| (upgrade, Arc::clone(watch)))))
}

fn begun(site: &Site, head: &request::Parts) -> Result<Exchange, Refusal> {
    // What is asked of the server as a whole has a target without a path: `*`.
    let target = head.uri.to_string();
    let url = format!("{}{}", site.origin.text, if target.starts_with('/') { &target } else { "" });
    Exchange::new(&url).map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, "target", error.to_string()))
}

/// Makes a request's head one for the app; tells whether it asks to leave HTTP.
fn outward(site: &Site, head: &mut request::Parts) -> bool {
    let headers = &mut head.headers;
    head.version = Version::HTTP_11;
    let taken = hop::take_off(headers);
    take_off_secret(headers);
    headers.insert(HOST, site.origin.host.clone());
    let published = |value: &str| site.origin.published(value, &site.gate.bases, site.gate.here().prefix);
    for name in [ORIGIN, REFERER, DESTINATION] {
        // What cannot be read may have the secret in it.
        if hop::has(headers, &name) && headers.get_all(&name).iter().any(|value| text(value).is_none()) {
            headers.remove(&name);
        }
        change(headers, &name, published);
    }
    change(headers, &IF, |value| Some(in_brackets(value, published)));
    change(headers, &COOKIE, cookies::published);
    // HTTP/2 on that connection would be none of ours to put a Bearer on.
    let upgrade = taken.upgrade.filter(|protocol| !protocol.as_bytes().eq_ignore_ascii_case(b"h2c"));
    hop::take(headers, &HTTP2_SETTINGS);
    if let Some(protocol) = &upgrade {
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, protocol.clone());
    } else if taken.trailers {
        headers.insert(CONNECTION, HeaderValue::from_static("TE"));
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
    upgrade.is_some()
}

/// Makes the app's answer one for the client.
fn homeward(
    site: &Arc<Site>,
    here: Here<'_>,
    mut response: Response<Incoming>,
    connection: Connection,
    upgrade: Option<(hyper::upgrade::OnUpgrade, Arc<Watch>)>,
) -> Response<Reply> {
    let taken = hop::take_off(response.headers_mut());
    localise(site, here, response.headers_mut());
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        let site = Arc::clone(site);
        return response.map(|body| Reply::app(body, connection, site));
    }
    let Some((client, watch)) = upgrade else {
        let text = format!("{} changed the protocol, which nobody had asked for", site.origin.host_name());
        return Refusal::new(StatusCode::BAD_GATEWAY, "not_http", text).into_response();
    };
    if let Some(protocol) = taken.upgrade {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        response.headers_mut().insert(UPGRADE, protocol);
    }
    let app = hyper::upgrade::on(&mut response);
    let tunnel = Tunnel { client, app, link: connection.link, counts: Arc::clone(&site.counts), watch };
    worker::spawn(tunnel.run());
    response.map(|_| Reply::own(Bytes::new()))
}

/// What names the app in an answer's head names the local address.
fn localise(site: &Site, here: Here<'_>, headers: &mut HeaderMap) {
    let origin = &site.origin;
    for name in [LOCATION, CONTENT_LOCATION] {
        change(headers, &name, |value| origin.localised(value, here));
    }
    change(headers, &REFRESH, |value| {
        let at = value.to_ascii_lowercase().find("url=")? + "url=".len();
        let url = value[at..].trim_matches(['"', '\'', ' ']);
        Some(format!("{}{}", &value[..at], origin.localised(url, here)?))
    });
    change(headers, &LINK, |value| Some(in_brackets(value, |url| origin.localised(url, here))));
    if headers.contains_key(SET_COOKIE) {
        let all: Vec<HeaderValue> = headers.get_all(SET_COOKIE).iter().cloned().collect();
        headers.remove(SET_COOKIE);
        for cookie in all {
            // The proxy's own are as good as the token, which stays here.
            if cookie.as_bytes().trim_ascii_start().starts_with(b"AzureAppProxy") {
                continue;
            }
            let local = text(&cookie).and_then(|cookie| cookies::localised(cookie, origin.host_name(), here.prefix));
            headers.append(SET_COOKIE, local.and_then(|local| local.try_into().ok()).unwrap_or(cookie));
        }
    }
}

/// The value with other references for those in angle brackets, where there are others (RFC 8288, 3; RFC 4918, 10.4).
fn in_brackets(value: &str, other: impl Fn(&str) -> Option<String>) -> String {
    let parts = value.split('<').enumerate().map(|(number, part)| match part.split_once('>') {
        Some((url, rest)) if number > 0 => format!("{}>{rest}", other(url).unwrap_or_else(|| url.to_owned())),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("<")
}

/// Changes each value of that name, where it is text and there is another for it.
fn change(headers: &mut HeaderMap, name: &HeaderName, other: impl Fn(&str) -> Option<String>) {
    if !hop::has(headers, name) {
        return;
    }
    let http::header::Entry::Occupied(mut entry) = headers.entry(name) else { return };
    for value in entry.iter_mut() {
        if let Some(changed) = text(value).and_then(&other).and_then(|text| text.try_into().ok()) {
            *value = changed;
        }
    }
}

/// Names and paths of many a language come as they are.
fn text(value: &HeaderValue) -> Option<&str> {
    std::str::from_utf8(value.as_bytes()).ok()
}

fn no_token(site: &Site, error: &Error) -> Refusal {
    let kind = if error.needs_ui() { SIGN_IN_NEEDED } else { NO_TOKEN };
    let text = format!("no token for {}: {error}", site.origin.text);
    Refusal { help: site.tokens.help(error), ..Refusal::new(StatusCode::BAD_GATEWAY, kind, text) }
}

fn proxy_refused(error: &Error) -> Refusal {
    Refusal::new(StatusCode::BAD_GATEWAY, "proxy_refused", error.to_string())
}
