//! The device authorization grant (RFC 8628; v2-oauth2-device-code.md).

use super::tenancy::tenancy;
use super::token::{Form, client};
use super::{interaction, pages};
use crate::aadsts::{Denial, Kind, Trace};
use crate::claims_request;
use crate::directory::Client;
use crate::ledger::{Approval, DeviceGrant, DeviceState, Purpose, SignIn};
use crate::message::{Inquiry, Reply, html, json, value};
use crate::random;
use crate::realm::Realm;
use crate::scope::Scopes;
use http::{Method, StatusCode};
use serde_json::{Value, json as object};

/// A poll that comes a little early by rounding is not too fast.
const TOLERANCE_MS: u64 = 150;

pub(super) fn start(realm: &Realm, segment: &str, inquiry: &Inquiry, trace: &Trace) -> Reply {
    match grant(realm, segment, inquiry) {
        Ok(answer) => json(StatusCode::OK, &answer),
        Err(denial) => denial.reply(trace),
    }
}

fn grant(realm: &Realm, segment: &str, inquiry: &Inquiry) -> Result<Value, Denial> {
    let tenancy = tenancy(&realm.directory, segment)?;
    let form = Form(inquiry);
    let client = client(realm, segment, tenancy, &form)?;
    if !client.fallback_public {
        return Err(Denial::new(
            Kind::InvalidClient,
            7000218,
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        ));
    }
    let scopes = Scopes::parse(form.get("scope")?, 28000)?;
    if let super::tenancy::Tenancy::One(tenant) = tenancy {
        scopes.resolve(&realm.directory, tenant)?;
    }
    let claims = claims_request::parse(form.optional("claims"))?;
    let device_code = random::handle("EAQ");
    let user_code = random::user_code();
    let lifetime = realm.settings.device_lifetime.as_secs();
    let interval = realm.settings.device_interval;
    let page = format!("{}/devicelogin", realm.instance);
    realm.ledger().device_codes.insert(
        device_code.clone(),
        DeviceGrant {
            client_id: client.id,
            tenant: segment.to_owned(),
            scopes,
            claims,
            user_code: user_code.clone(),
            expires_at: realm.clock.now() + lifetime,
            interval_ms: interval.as_millis() as u64,
            last_poll_ms: None,
            state: DeviceState::Pending,
        },
    );
    Ok(object!({
        "user_code": user_code,
        "device_code": device_code,
        "verification_uri": page,
        "expires_in": lifetime,
        "interval": interval.as_secs(),
        "message": format!("To sign in, use a web browser to open the page {page} and enter the code {user_code} to authenticate."),
    }))
}

/// A poll at the token endpoint.
pub(super) fn poll(realm: &Realm, client: &Client, form: &Form<'_>) -> Result<(Approval, Scopes), Denial> {
    let code = form.get("device_code")?;
    let (now, now_ms) = (realm.clock.now(), realm.clock.millis());
    let mut ledger = realm.ledger();
    let Some(grant) = ledger.device_codes.get_mut(code).filter(|g| g.client_id == client.id) else {
        return Err(Denial::new(
            Kind::BadVerificationCode,
            7000014,
            "The provided value for the input parameter 'device_code' is not valid.",
        ));
    };
    if now >= grant.expires_at {
        return Err(Denial::new(Kind::ExpiredToken, 70019, "The verification code has expired."));
    }
    let too_fast = grant.last_poll_ms.is_some_and(|last| now_ms + TOLERANCE_MS < last + grant.interval_ms);
    grant.last_poll_ms = Some(now_ms);
    if too_fast {
        // RFC 8628 section 3.5: five more seconds from now on.
        grant.interval_ms += 5000;
        return Err(Denial::new(
            Kind::SlowDown,
            70016,
            "OAuth 2.0 device flow error. The client polls faster than the interval allows.",
        ));
    }
    match &grant.state {
        DeviceState::Pending => Err(Denial::new(
            Kind::AuthorizationPending,
            70016,
            "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
        )),
        DeviceState::Declined => {
            Err(Denial::new(Kind::AuthorizationDeclined, 65004, "User declined to consent to access the app."))
        }
        DeviceState::Refused(denial) => Err((**denial).clone()),
        DeviceState::Redeemed => Err(Denial::new(Kind::InvalidGrant, 54005, "The device code was already redeemed.")),
        DeviceState::Approved(approval) => {
            let approval = (**approval).clone();
            grant.state = DeviceState::Redeemed;
            let scopes = approval.scopes.clone();
            Ok((approval, scopes))
        }
    }
}

/// Where the user types the code.
pub(super) fn page(realm: &Realm, inquiry: &Inquiry, trace: &Trace) -> Reply {
    if inquiry.method == Method::GET {
        return html(StatusCode::OK, pages::enter_code(None));
    }
    let typed = value(&inquiry.form, "otc").unwrap_or_default().trim().to_ascii_uppercase();
    let now = realm.clock.now();
    let found = {
        let ledger = realm.ledger();
        ledger
            .device_codes
            .iter()
            .find(|(_, g)| g.user_code == typed)
            .map(|(code, grant)| (code.clone(), grant.clone()))
    };
    let wrong = match &found {
        _ if typed.is_empty() => Some("AADSTS90119: The user code is null or empty."),
        None => {
            Some("AADSTS70018: Invalid verification code due to user typing in wrong user code for device code flow.")
        }
        Some((_, grant)) if now >= grant.expires_at => {
            Some("AADSTS70019: Verification code expired. Have the user retry the sign-in.")
        }
        Some((_, grant)) if !matches!(grant.state, DeviceState::Pending) => {
            Some("AADSTS90120: The user code has already been used.")
        }
        _ => None,
    };
    match found {
        Some((device_code, grant)) if wrong.is_none() => {
            let sign_in = SignIn {
                purpose: Purpose::Device { device_code },
                tenant: grant.tenant,
                client_id: grant.client_id,
                scopes: grant.scopes,
                prompt: None,
                login_hint: None,
                claims: grant.claims,
                nonce: None,
                who: None,
                consented: false,
                confirmed: false,
            };
            interaction::begin(realm, sign_in, inquiry, trace)
        }
        _ => html(StatusCode::OK, pages::enter_code(wrong)),
    }
}

pub(super) fn approve(realm: &Realm, device_code: &str, approval: Approval) -> Reply {
    settle(realm, device_code, DeviceState::Approved(Box::new(approval)));
    html(
        StatusCode::OK,
        pages::plain(
            "You have signed in",
            "You have signed in to the application on your device. You may now close this window.",
        ),
    )
}

pub(super) fn decline(realm: &Realm, device_code: &str) -> Reply {
    settle(realm, device_code, DeviceState::Declined);
    html(
        StatusCode::OK,
        pages::plain("You have not signed in", "The request was declined. You may now close this window."),
    )
}

pub(super) fn refuse(realm: &Realm, device_code: &str, denial: Denial) {
    settle(realm, device_code, DeviceState::Refused(Box::new(denial)));
}

fn settle(realm: &Realm, device_code: &str, state: DeviceState) {
    if let Some(grant) = realm.ledger().device_codes.get_mut(device_code) {
        grant.state = state;
    }
}
