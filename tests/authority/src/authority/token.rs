//! `/token` (v2-oauth2-auth-code-flow.md, v2-oauth2-device-code.md, refresh-tokens.md).

use super::tenancy::{Tenancy, admit_client, seat, tenancy, unknown_client};
use super::{access, device_code, issue};
use crate::aadsts::{Denial, Kind, Trace};
use crate::claims_request;
use crate::directory::Client;
use crate::jwt::sha256_base64url;
use crate::ledger::{Approval, RefreshGrant, Revocation};
use crate::message::{Inquiry, Reply, json, value};
use crate::realm::Realm;
use crate::scope::Scopes;
use http::StatusCode;
use serde_json::Value;

const CODE_LIFETIME: u64 = 600;
/// Fixed, whatever use is made of it (refresh-tokens.md).
const SPA_REFRESH_LIFETIME: u64 = 86_400;
const REFRESH_INACTIVITY: u64 = 90 * 86_400;

pub(super) fn answer(realm: &Realm, segment: &str, inquiry: &Inquiry, trace: &Trace) -> Reply {
    match redeem(realm, segment, inquiry) {
        Ok(tokens) => json(StatusCode::OK, &tokens),
        Err(denial) => denial.reply(trace),
    }
}

fn redeem(realm: &Realm, segment: &str, inquiry: &Inquiry) -> Result<Value, Denial> {
    if !inquiry.is_form() {
        return Err(Denial::new(
            Kind::InvalidRequest,
            900144,
            "The request body must contain the following parameter: 'grant_type'. The Content-Type must be application/x-www-form-urlencoded.",
        ));
    }
    let tenancy = tenancy(&realm.directory, segment)?;
    let form = Form(inquiry);
    form.no_repeats()?;
    let grant = form.get("grant_type")?;
    let client = client(realm, segment, tenancy, &form)?;
    if form.optional("resource").is_some() {
        return Err(Denial::new(Kind::InvalidRequest, 901002, "The 'resource' request parameter is not supported."));
    }
    if client.spa && inquiry.header("origin").is_none() {
        return Err(Denial::new(
            Kind::InvalidRequest,
            9002327,
            "Tokens issued for the 'Single-Page Application' client-type may only be redeemed via cross-origin requests.",
        ));
    }
    let claims = claims_request::parse(form.optional("claims"))?;
    let (approval, scopes) = match grant {
        "authorization_code" => by_code(realm, tenancy, client, &form)?,
        "refresh_token" => by_refresh_token(realm, tenancy, client, &form, claims.as_ref())?,
        // The short form is not documented, yet MSAL Node lives by it.
        "urn:ietf:params:oauth:grant-type:device_code" | "device_code" => device_code::poll(realm, client, &form)?,
        other => {
            return Err(Denial::new(
                Kind::UnsupportedGrantType,
                70003,
                format!("The app requested an unsupported grant type '{other}'."),
            ));
        }
    };
    issue::tokens(
        realm,
        issue::Order {
            grant,
            approval: &approval,
            scopes: &scopes,
            claims: claims
                .as_ref()
                .or(approval.claims.as_ref())
                .filter(|_| grant != "refresh_token" || claims.is_some()),
            client_info: form.optional("client_info") == Some("1"),
            begun: form
                .optional("refresh_token")
                .and_then(|token| Some(realm.ledger().refresh_tokens.get(token)?.begun)),
        },
    )
}

/// The form of a token request.
pub(super) struct Form<'i>(pub(super) &'i Inquiry);

impl<'i> Form<'i> {
    pub(super) fn get(&self, name: &str) -> Result<&'i str, Denial> {
        self.optional(name).ok_or_else(|| Denial::missing(name))
    }

    pub(super) fn optional(&self, name: &str) -> Option<&'i str> {
        value(&self.0.form, name).filter(|v| !v.is_empty())
    }

    /// RFC 6749 section 3.2: no parameter more than once.
    fn no_repeats(&self) -> Result<(), Denial> {
        let form = &self.0.form;
        match form.iter().enumerate().find(|(i, (k, _))| form[..*i].iter().any(|(n, _)| n == k)) {
            Some((_, (name, _))) => Err(Denial::new(
                Kind::InvalidRequest,
                9002313,
                format!("Invalid request. Request is malformed or invalid: parameter '{name}' is repeated."),
            )),
            None => Ok(()),
        }
    }
}

/// The client, judged by how it presents itself.
pub(super) fn client<'r>(
    realm: &'r Realm,
    segment: &str,
    tenancy: Tenancy,
    form: &Form<'_>,
) -> Result<&'r Client, Denial> {
    let id = form.get("client_id")?;
    let client = realm.directory.client(id).ok_or_else(|| unknown_client(id, segment))?;
    admit_client(client, tenancy)?;
    let credential = form.optional("client_secret").is_some()
        || form.optional("client_assertion").is_some()
        || form.0.header("authorization").is_some();
    match (client.public, credential) {
        (true, true) => Err(Denial::new(
            Kind::InvalidClient,
            700025,
            "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
        )),
        (false, _) => Err(Denial::new(
            Kind::InvalidClient,
            7000218,
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        )),
        (true, false) => Ok(client),
    }
}

fn by_code(realm: &Realm, tenancy: Tenancy, client: &Client, form: &Form<'_>) -> Result<(Approval, Scopes), Denial> {
    let code = form.get("code")?;
    let redirect_uri = form.get("redirect_uri")?;
    let now = realm.clock.now();
    let mut ledger = realm.ledger();
    let Some(grant) = ledger.codes.get_mut(code).filter(|g| g.approval.client_id == client.id) else {
        return Err(Denial::new(
            Kind::InvalidGrant,
            70000,
            "The provided value for the 'code' parameter is not valid.",
        ));
    };
    if grant.used {
        return Err(Denial::new(
            Kind::InvalidGrant,
            54005,
            "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.",
        ));
    }
    if now >= grant.issued_at + CODE_LIFETIME {
        return Err(Denial::new(
            Kind::InvalidGrant,
            70008,
            "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.",
        ));
    }
    if let Tenancy::One(tenant) = tenancy
        && tenant != grant.approval.tenant
    {
        return Err(Denial::new(
            Kind::InvalidGrant,
            700005,
            "Provided Authorization Code is intended to use against other tenant, thus rejected.",
        ));
    }
    if grant.redirect_uri != redirect_uri {
        return Err(Denial::new(
            Kind::InvalidGrant,
            500112,
            format!(
                "The reply address '{redirect_uri}' does not match the reply address '{}' provided when requesting Authorization code.",
                grant.redirect_uri
            ),
        ));
    }
    if let Some(challenge) = &grant.challenge {
        let verifier = form.get("code_verifier")?;
        let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
        if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(unreserved) {
            return Err(Denial::new(
                Kind::InvalidGrant,
                501481,
                "The Code_Verifier has an invalid size or contains invalid characters (RFC 7636 section 4.1).",
            ));
        }
        if sha256_base64url(verifier) != *challenge {
            return Err(Denial::new(
                Kind::InvalidGrant,
                501481,
                "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
            ));
        }
    }
    let mut approval = grant.approval.clone();
    let scopes = match form.optional("scope") {
        Some(text) => {
            let mut scopes = Scopes::parse(text, 28000)?;
            // openid, profile and the rest were settled at /authorize; what is left out here is not lost.
            for reserved in &approval.scopes.reserved {
                if !scopes.has(reserved) {
                    scopes.reserved.push(reserved.clone());
                }
            }
            scopes
        }
        None => approval.scopes.clone(),
    };
    approval.scopes = scopes.clone();
    grant.used = true;
    Ok((approval, scopes))
}

fn by_refresh_token(
    realm: &Realm,
    tenancy: Tenancy,
    client: &Client,
    form: &Form<'_>,
    claims: Option<&Value>,
) -> Result<(Approval, Scopes), Denial> {
    let token = form.get("refresh_token")?;
    let now = realm.clock.now();
    let refused = realm.policy().refresh_refused;
    let grant = {
        let mut ledger = realm.ledger();
        let Some(grant) = ledger.refresh_tokens.get_mut(token).filter(|g| g.client_id == client.id) else {
            return Err(
                Denial::new(Kind::InvalidGrant, 70000, "Provided grant is invalid or malformed.").suberror("bad_token")
            );
        };
        judge_refresh_token(grant, client, refused, now)?;
        grant.last_used = now;
        grant.clone()
    };
    let scopes = Scopes::parse(form.get("scope")?, 28000)?;
    let directory = &realm.directory;
    let user = directory
        .user(&grant.who.upn)
        .ok_or_else(|| Denial::new(Kind::InvalidGrant, 50034, "The user account does not exist in the directory."))?;
    let (tenant, _) = seat(directory, tenancy, user)?;
    access::claims_by_refresh(realm, claims, grant.claims.as_ref())?;
    let approval = Approval {
        who: grant.who,
        tenant,
        client_id: client.id,
        scopes: scopes.clone(),
        claims: grant.claims,
        nonce: None,
        by_device_code: grant.by_device_code,
    };
    Ok((approval, scopes))
}

fn judge_refresh_token(
    grant: &RefreshGrant,
    client: &Client,
    refused: Option<Revocation>,
    now: u64,
) -> Result<(), Denial> {
    match grant.revoked.or(refused) {
        Some(Revocation::PasswordChanged) => Err(Denial::new(
            Kind::InvalidGrant,
            50173,
            "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password.",
        )),
        Some(Revocation::BadToken) => {
            Err(Denial::new(Kind::InvalidGrant, 70000, "Provided grant is invalid or malformed.").suberror("bad_token"))
        }
        Some(Revocation::SignInFrequency) => Err(Denial::new(
            Kind::InvalidGrant,
            70043,
            "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access.",
        )
        .suberror("token_expired")),
        None if client.spa && now >= grant.begun + SPA_REFRESH_LIFETIME => Err(Denial::new(
            Kind::InvalidGrant,
            700084,
            "The refresh token was issued to a single page app (SPA), and therefore has a fixed, limited lifetime of 1.00:00:00, which can't be extended. It is now expired and a new sign in request must be sent by the SPA to the sign in page.",
        )),
        None if now >= grant.last_used + REFRESH_INACTIVITY => Err(Denial::new(
            Kind::InvalidGrant,
            700082,
            "The refresh token has expired due to inactivity. The token was inactive for 90.00:00:00.",
        )),
        None => Ok(()),
    }
}
