//! Sign-ins and refreshes that the tenant does not let through.

use super::{Breakage, SOUND};
use crate::ledger::Revocation;
use serde_json::json;
use std::time::Duration;

pub(super) static ALL: &[Breakage] = &[
    Breakage {
        name: "device-code-blocked",
        rows: &[9],
        like: "Conditional Access blocks the device code flow: AADSTS53003.",
        apply: |stage| stage.block_device_code(true),
        suggest: |_, to| to.flow = Some("device"),
        ..SOUND
    },
    Breakage {
        name: "managed-device",
        rows: &[10],
        like: "Conditional Access asks for a managed device, which no browser sign-in of this client can prove: AADSTS53000.",
        apply: |stage| stage.require_managed_device(true),
        ..SOUND
    },
    Breakage {
        name: "no-permission",
        rows: &[11],
        like: "The native client's registration lacks the permission for the app: AADSTS650057.",
        apply: |stage| stage.withhold_permission(true),
        ..SOUND
    },
    Breakage {
        name: "no-consent",
        rows: &[11],
        like: "Nobody's consent to the permission holds: AADSTS65001.",
        apply: |stage| stage.withhold_consent(true),
        ..SOUND
    },
    Breakage {
        name: "admin-consent",
        rows: &[12],
        like: "Assignment is required, so that only an administrator may consent: AADSTS90094, \"Need admin approval\".",
        apply: |stage| stage.require_admin_consent(true),
        ..SOUND
    },
    Breakage {
        name: "not-assigned",
        rows: &[13],
        like: "The user is not assigned to the app: AADSTS50105 on a page in the browser, and \"Forbidden\" at the proxy.",
        apply: |stage| stage.users().iter().for_each(|user| stage.unassign(&user.upn)),
        ..SOUND
    },
    Breakage {
        name: "password-changed",
        rows: &[23],
        like: "A changed password has revoked the refresh token, so that silent calls end: AADSTS50173.",
        apply: |stage| stage.refuse_refresh(Some(Revocation::PasswordChanged)),
        suggest: |_, to| {
            to.commands = vec!["entrada login".to_owned(), "entrada token --refresh --no-input".to_owned()]
        },
        ..SOUND
    },
    Breakage {
        name: "expired-token",
        rows: &[21],
        like: "The token has ended although its answer promised more time: the proxy asks to sign in in the middle of work.",
        prepare: |builder| builder.token_ends_after(Duration::ZERO),
        ..SOUND
    },
    Breakage {
        name: "clock-skew",
        rows: &[28],
        like: "This computer's clock is ten minutes behind the service's.",
        apply: |stage| stage.advance(Duration::from_secs(600)),
        ..SOUND
    },
    Breakage {
        name: "claims-demanded",
        rows: &[],
        like: "The proxy answers 401 and demands claims that only a new sign-in brings.",
        apply: |stage| {
            stage.demand_claims_by_sign_in(json!({"access_token": {"acrs": {"essential": true, "value": "c1"}}}));
        },
        ..SOUND
    },
];
