//! What is behind the edge: connectors and the app.

use super::{Breakage, SOUND};
use crate::proxy::table::{BackEnd, Condition};
use std::time::Duration;

pub(super) static ALL: &[Breakage] = &[
    Breakage {
        name: "back-end-forbids",
        rows: &[14],
        like: "The user is assigned, and the app or the single sign-on to it refuses: \"Forbidden\", by way of a connector.",
        apply: |stage| {
            stage.change_proxy_table(|table| table.hides_401 = true);
            stage.back_end(BackEnd::WantsWindows);
        },
        ..SOUND
    },
    Breakage {
        name: "slow-back-end",
        rows: &[16],
        like: "The app is slower than the proxy waits, which is 85 seconds (here less than one): \"Gateway timeout\".",
        apply: |stage| {
            stage.change_proxy_table(|table| table.back_end_timeout_ms = 300);
            stage.back_end(BackEnd::Slow(Duration::from_secs(3)));
        },
        ..SOUND
    },
    Breakage {
        name: "bad-gateway",
        rows: &[17],
        like: "A connector is there and does not reach the app: \"Bad gateway\".",
        apply: |stage| stage.back_end(BackEnd::Away),
        ..SOUND
    },
    Breakage {
        name: "own-authorization",
        rows: &[20],
        like: "The app wants its own credentials in the header in which the proxy wants the token: 401 Basic.",
        apply: |stage| stage.back_end(BackEnd::WantsBasic),
        ..SOUND
    },
    Breakage {
        name: "connector-tls",
        rows: &[],
        like: "TLS inspection has broken the connector's certificate: \"InternalServerError\", ConnectorError:Unauthorized.",
        apply: |stage| stage.incident(Some(Condition::ConnectorUnauthorized)),
        ..SOUND
    },
];
