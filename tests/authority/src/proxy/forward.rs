//! The connector: the request goes on to the app, bodies as streams.

use super::table::{BackEnd, Condition, ProxyTable};
use crate::connection;
use crate::graph;
use crate::message::{Inquiry, Reply, full};
use crate::published::Published;
use crate::realm::Realm;
use crate::websocket;
use futures_lite::FutureExt;
use http::header::{AUTHORIZATION, CONNECTION, HeaderName, PROXY_AUTHORIZATION, TE, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// Headers of one connection, which no intermediary passes on (RFC 9110 section 7.6.1).
const HOP_BY_HOP: [HeaderName; 5] = [CONNECTION, PROXY_AUTHORIZATION, TE, TRANSFER_ENCODING, UPGRADE];

pub(super) async fn forward(
    realm: &Arc<Realm>,
    table: &ProxyTable,
    app: &Published,
    inquiry: &Inquiry,
    mut request: Request<Incoming>,
    upn: Option<&str>,
) -> Result<Reply, Condition> {
    if realm.policy().back_end == BackEnd::Away || !graph::is_reached(realm, app.app_id) {
        return Err(Condition::BackEndAway);
    }
    let upgrading = websocket::asked(inquiry).then(|| hyper::upgrade::on(&mut request));
    let (mut parts, body) = request.into_parts();
    let origin_form = parts.uri.path_and_query().map_or("/", |p| p.as_str());
    // The internal URL is a root: what the app sees begins after the published path.
    let inner = origin_form.strip_prefix(app.path.as_str()).map_or(origin_form.to_owned(), |rest| format!("/{rest}"));
    parts.uri = inner.parse::<Uri>().map_err(|_| Condition::BackEndAway)?;
    parts.headers = headers(realm, table, &inquiry.headers, upn);
    if upgrading.is_some() {
        parts.headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        parts.headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    }
    let request = Request::from_parts(parts, body);

    let answered = async {
        let stream = smol::net::TcpStream::connect(table.back_end.unwrap_or(realm.app_address)).await?;
        connection::send(Box::new(stream), request).await
    };
    let late = async {
        smol::Timer::after(Duration::from_millis(table.back_end_timeout_ms)).await;
        Err(io::ErrorKind::TimedOut.into())
    };
    match answered.or(late).await {
        Ok(mut answer) if answer.status() == StatusCode::SWITCHING_PROTOCOLS => {
            let back_end = hyper::upgrade::on(&mut answer);
            smol::spawn(async move {
                if let (Some(client), Ok(back_end)) = (upgrading, back_end.await)
                    && let Ok(client) = client.await
                {
                    // Whichever side goes first, the tunnel ends.
                    let _ = connection::tunnel(client, back_end).await;
                }
            })
            .detach();
            Ok(answer.map(|_| full("")))
        }
        Ok(answer) => {
            let mut reply: Reply = answer.map(|body| body.map_err(io::Error::other).boxed());
            for name in HOP_BY_HOP {
                reply.headers_mut().remove(name);
            }
            match table.hides_401 && reply.status() == StatusCode::UNAUTHORIZED {
                true => Err(Condition::BackEndUnauthorized),
                false => Ok(reply),
            }
        }
        Err(e) if e.kind() == io::ErrorKind::TimedOut => Err(Condition::BackEndTimeout),
        Err(_) => Err(Condition::BackEndAway),
    }
}

/// What the app sees (application-proxy-high-availability-load-balancing.md).
fn headers(realm: &Realm, table: &ProxyTable, came: &HeaderMap, upn: Option<&str>) -> HeaderMap {
    let mut headers = came.clone();
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
    if !table.forwards_bearer {
        headers.remove(AUTHORIZATION);
    }
    let mut put = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    put("host", &table.back_end.unwrap_or(realm.app_address).to_string());
    put("x-forwarded-for", "127.0.0.1");
    put("x-ms-proxy", "AzureAD-Application-Proxy");
    put("client-ip", "127.0.0.1:443");
    if let (Some(name), Some(upn)) = (&table.user_header, upn)
        && let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(upn))
    {
        headers.insert(name, value);
    }
    headers
}
