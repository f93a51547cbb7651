//! What the edge does, and what stands before it.

use super::{Breakage, SOUND};
use crate::proxy::table::{Answer, BackEnd, Condition};

pub(super) static ALL: &[Breakage] = &[
    Breakage {
        name: "sign-in-page",
        rows: &[1],
        like: "The token is refused, and something on the way follows the redirect: a sign-in page comes with status 200.",
        apply: |stage| {
            stage.change_proxy_table(|table| {
                for answer in table.answers.values_mut() {
                    if matches!(answer, Answer::SignInRedirect { .. }) {
                        *answer = Answer::SignInPage;
                    }
                }
            });
        },
        suggest: |stage, to| to.scope = Some(stage.one_slash_scope()),
        ..SOUND
    },
    Breakage {
        name: "not-licensed",
        rows: &[13],
        like: "The user has a token and no licence for the application proxy: its page says \"Forbidden\".",
        apply: |stage| stage.incident(Some(Condition::NotLicensed)),
        ..SOUND
    },
    Breakage {
        name: "no-connector",
        rows: &[15],
        like: "No connector of the group is there: \"Gateway timeout\" at once, and nothing got to the company's network.",
        apply: |stage| stage.incident(Some(Condition::NoConnector)),
        ..SOUND
    },
    Breakage {
        name: "outside-path",
        rows: &[18],
        like: "The app is published at a path, and the URL is outside it: 404.",
        prepare: |builder| builder.external_path("/hr/"),
        suggest: |stage, to| {
            let outside = stage.external_url().strip_suffix("hr/").unwrap_or_default();
            to.commands = vec![format!("entrada get {outside}api/me")];
        },
        ..SOUND
    },
    Breakage {
        name: "bypassed",
        rows: &[25],
        like: "The name leads past the proxy, as in the company's network it may: the app itself asks for Windows authentication.",
        apply: |stage| {
            stage.change_proxy_table(|table| table.bypassed = true);
            stage.back_end(BackEnd::WantsWindows);
        },
        ..SOUND
    },
    Breakage {
        name: "private-ca",
        rows: &[25],
        like: "The custom domain's certificate comes from a private authority that this computer does not know.",
        prepare: |builder| builder.https(true).private_ca(true),
        ..SOUND
    },
    Breakage {
        name: "passthrough",
        rows: &[26],
        like: "The app is published without pre-authentication: no token is asked for, and none protects it.",
        apply: |stage| stage.change_proxy_table(|table| table.passthrough = true),
        ..SOUND
    },
    Breakage {
        name: "edited-registration",
        rows: &[27],
        like: "The proxy app's own registration was changed by hand: right tokens are refused, everybody's.",
        apply: |stage| stage.incident(Some(Condition::RegistrationEdited)),
        ..SOUND
    },
    Breakage {
        name: "maintenance",
        rows: &[],
        like: "The app is in maintenance mode.",
        apply: |stage| stage.maintenance(true),
        ..SOUND
    },
];
