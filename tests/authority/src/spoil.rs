//! Answers that are not right, on order.

use crate::aadsts::Trace;
use crate::clock::http_date;
use crate::faults::{Fault, RetryAfter};
use crate::message::{Body, Reply, full, html, json, reply, set};
use crate::realm::Realm;
use futures_lite::stream;
use http::{Response, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Bytes, Frame};
use serde_json::json as value;
use std::{io, time::Duration};

/// The answer that a fault puts in place of the right one.
pub(crate) fn instead(realm: &Realm, fault: &Fault) -> Reply {
    let trace = Trace::new(&realm.instance, None, realm.clock.now());
    match fault {
        Fault::Status(status, retry_after) => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let passing = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
            let (error, code) = if passing { ("temporarily_unavailable", 90033) } else { ("invalid_request", 9002313) };
            let mut reply = json(status, &error_body(&trace, error, None, code, None));
            match retry_after {
                Some(RetryAfter::Seconds(s)) => set(&mut reply, "retry-after", &s.to_string()),
                Some(RetryAfter::Date(s)) => set(&mut reply, "retry-after", &http_date(realm.clock.now() + s)),
                None => {}
            }
            reply
        }
        Fault::Html => {
            html(StatusCode::OK, crate::frame::plain("Guest network", "Accept the terms to use the network."))
        }
        Fault::WrongJson => json(StatusCode::OK, &value!({"unexpected": true})),
        Fault::Oversized(size) => {
            let mut reply = Response::new(filler(*size));
            set(&mut reply, "content-type", "application/json");
            reply
        }
        Fault::OAuthError { error, suberror, code, claims } => {
            json(StatusCode::BAD_REQUEST, &error_body(&trace, error, suberror.as_deref(), *code, claims.as_deref()))
        }
        Fault::Empty | Fault::Slow(_) | Fault::Cut | Fault::CutMidBody => reply(StatusCode::OK, "application/json", ""),
    }
}

fn error_body(
    trace: &Trace,
    error: &str,
    suberror: Option<&str>,
    code: u32,
    claims: Option<&str>,
) -> serde_json::Value {
    let mut body = value!({
        "error": error,
        "error_description": format!("AADSTS{code}: An error on order. Trace ID: {} Correlation ID: {} Timestamp: {}", trace.trace_id, trace.correlation_id, trace.timestamp),
        "error_codes": [code],
        "timestamp": trace.timestamp,
        "trace_id": trace.trace_id,
        "correlation_id": trace.correlation_id,
        "error_uri": format!("{}/error?code={code}", trace.instance),
    });
    if let Some(suberror) = suberror {
        body["suberror"] = suberror.into();
    }
    if let Some(claims) = claims {
        body["claims"] = claims.into();
    }
    body
}

/// The right answer, of which only the first half arrives.
pub(crate) async fn halved(reply: Reply) -> io::Result<Reply> {
    let (parts, body) = reply.into_parts();
    let bytes = body.collect().await?.to_bytes();
    let half = bytes.slice(..bytes.len() / 2);
    let frames = stream::unfold(Some(half), |left| async move {
        match left {
            Some(half) if !half.is_empty() => Some((Ok(Frame::data(half)), Some(Bytes::new()))),
            _ => {
                // Time for the first half to leave.
                smol::Timer::after(Duration::from_millis(20)).await;
                Some((Err(io::ErrorKind::ConnectionAborted.into()), None))
            }
        }
    });
    let mut reply = Response::from_parts(parts, BodyExt::boxed(StreamBody::new(Box::pin(frames))));
    set(&mut reply, "content-length", &bytes.len().to_string());
    Ok(reply)
}

/// So many bytes in pieces of 64 KiB.
pub(crate) fn filler(size: u64) -> Body {
    const PIECE: usize = 64 * 1024;
    if size == 0 {
        return full("");
    }
    let piece = Bytes::from(vec![b'x'; PIECE]);
    let frames = stream::unfold(size, move |left| {
        let piece = piece.slice(..PIECE.min(left as usize));
        async move { (left > 0).then(|| (Ok::<_, io::Error>(Frame::data(piece.clone())), left - piece.len() as u64)) }
    });
    BodyExt::boxed(StreamBody::new(Box::pin(frames)))
}
