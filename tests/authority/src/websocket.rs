//! The app's WebSocket: it gives back every frame (RFC 6455), unfragmented and under 64 KiB.

use crate::connection::{Wire, taken_back};
use crate::message::{Inquiry, Reply, reply, set};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_lite::{AsyncReadExt, AsyncWriteExt, io as stream};
use http::{Request, StatusCode};
use hyper::body::Incoming;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use std::io;

const CLOSE: u8 = 0x88;

pub(crate) fn accept(inquiry: &Inquiry, mut request: Request<Incoming>) -> Reply {
    let Some(key) = inquiry.header("sec-websocket-key").map(str::to_owned).filter(|_| asked(inquiry)) else {
        return reply(StatusCode::UPGRADE_REQUIRED, "text/plain", "This is a WebSocket.");
    };
    let upgrade = hyper::upgrade::on(&mut request);
    smol::spawn(async move {
        if let Ok(upgraded) = upgrade.await
            && let Ok((wire, read)) = taken_back(upgraded)
        {
            // The other side has gone: nobody is left to tell.
            let _ = echo(wire, read).await;
        }
    })
    .detach();
    // RFC 6455 section 4.2.2.
    let proof = digest(&SHA1_FOR_LEGACY_USE_ONLY, format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11").as_bytes());
    let mut reply = reply(StatusCode::SWITCHING_PROTOCOLS, "text/plain", "");
    reply.headers_mut().clear();
    set(&mut reply, "connection", "Upgrade");
    set(&mut reply, "upgrade", "websocket");
    set(&mut reply, "sec-websocket-accept", &STANDARD.encode(proof));
    reply
}

/// True for a request that wants to leave HTTP for WebSocket.
pub(crate) fn asked(inquiry: &Inquiry) -> bool {
    inquiry.header("upgrade").is_some_and(|v| v.eq_ignore_ascii_case("websocket"))
}

async fn echo(wire: Wire, read: Vec<u8>) -> io::Result<()> {
    let (reader, mut writer) = stream::split(wire);
    let mut reader = stream::Cursor::new(read).chain(reader);
    loop {
        let mut head = [0; 2];
        reader.read_exact(&mut head).await?;
        let mut length = usize::from(head[1] & 0x7f);
        if length == 126 {
            let mut long = [0; 2];
            reader.read_exact(&mut long).await?;
            length = usize::from(u16::from_be_bytes(long));
        }
        // A client masks every frame (section 5.1).
        if length == 127 || head[1] & 0x80 == 0 {
            return writer.write_all(&[CLOSE, 2, 0x03, 0xea]).await;
        }
        let mut mask = [0; 4];
        reader.read_exact(&mut mask).await?;
        let mut payload = vec![0; length];
        reader.read_exact(&mut payload).await?;
        for (i, byte) in payload.iter_mut().enumerate() {
            *byte ^= mask[i % 4];
        }
        // A ping is answered by a pong.
        let first = if head[0] == 0x89 { 0x8a } else { head[0] };
        let mut frame = vec![first];
        match u8::try_from(length) {
            Ok(short) if short < 126 => frame.push(short),
            _ => {
                frame.push(126);
                frame.extend_from_slice(&(length as u16).to_be_bytes());
            }
        }
        frame.extend_from_slice(&payload);
        writer.write_all(&frame).await?;
        writer.flush().await?;
        if head[0] == CLOSE {
            return writer.close().await;
        }
    }
}
