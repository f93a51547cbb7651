//! Scope, client and app that do not fit one another.

use super::{Breakage, SOUND};
use crate::directory::Platform;
use crate::proxy::table::Audience;

const NATIVE_CLIENT: &str = "https://login.microsoftonline.com/common/oauth2/nativeclient";

pub(super) static ALL: &[Breakage] = &[
    Breakage {
        name: "missing-slash",
        rows: &[2],
        like: "The scope has one slash where the audience needs two: a token comes, and the proxy asks to sign in all the same.",
        suggest: |stage, to| to.scope = Some(stage.one_slash_scope()),
        ..SOUND
    },
    Breakage {
        name: "graph-audience",
        rows: &[3],
        like: "The scope names no app, so that the token is for Microsoft Graph and the proxy refuses it.",
        suggest: |_, to| to.scope = Some("User.Read".to_owned()),
        ..SOUND
    },
    Breakage {
        name: "wrong-scope-form",
        rows: &[4],
        like: "The scope is written with api:// for an app that is registered by its URL: AADSTS500011.",
        prepare: |builder| builder.identifiers(["{url}/"]),
        suggest: |stage, to| to.scope = Some(format!("api://{}/user_impersonation", stage.proxy_app_id())),
        ..SOUND
    },
    Breakage {
        name: "which-scope",
        rows: &[5],
        like: "Nobody knows which scope the app wants, and the proxy takes the external URL alone for an audience.",
        apply: |stage| stage.change_proxy_table(|table| table.audiences = vec![Audience::ExternalUrl]),
        suggest: |_, to| to.scope = None,
        ..SOUND
    },
    Breakage {
        name: "nativeclient-only",
        rows: &[6],
        like: "The registration has the nativeclient redirect URI alone: the system browser ends in AADSTS50011.",
        prepare: |builder| builder.redirect_uris([NATIVE_CLIENT]),
        ..SOUND
    },
    Breakage {
        name: "wrong-place",
        rows: &[7],
        like: "The nativeclient page warns of phishing and jumps to /common/wrongplace before its address can be copied.",
        suggest: |_, to| to.flow = Some("paste"),
        ..SOUND
    },
    Breakage {
        name: "web-platform",
        rows: &[8],
        like: "The redirect URI stands under Web, so that a secret is asked for: AADSTS7000218.",
        prepare: |builder| builder.platform(Platform::Web),
        ..SOUND
    },
    Breakage {
        name: "single-registration",
        rows: &[19],
        like: "The proxy app itself serves as the native client: a right-looking token is refused for ever.",
        prepare: |builder| builder.single_registration(true),
        suggest: |stage, to| to.client_id = stage.proxy_app_id().to_owned(),
        ..SOUND
    },
    Breakage {
        name: "spa-platform",
        rows: &[22],
        like: "The redirect URI stands under Single-page application: no token outside a browser, AADSTS9002327.",
        prepare: |builder| builder.platform(Platform::Spa),
        ..SOUND
    },
    Breakage {
        name: "wrong-tenant",
        rows: &[24],
        like: "The authority is another tenant's, which does not know the app: AADSTS500011.",
        prepare: |builder| builder.multi_tenant(true),
        suggest: |stage, to| to.authority = stage.authority_of(stage.guest_tenant_id()),
        ..SOUND
    },
    Breakage {
        name: "other-account",
        rows: &[24],
        like: "The user belongs to another tenant and was never invited to this one: AADSTS50020, on a page in the browser.",
        suggest: |stage, to| {
            if let Some(stranger) = stage.users().iter().find(|user| user.tenant_id != stage.tenant_id()) {
                to.user = stranger.clone();
            }
        },
        ..SOUND
    },
];
