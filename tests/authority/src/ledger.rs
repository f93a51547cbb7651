//! What the authority has given out and not yet forgotten.

use crate::aadsts::Denial;
use crate::proxy::table::{BackEnd, Condition};
use crate::scope::Scopes;
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// Who has signed in, when and how strongly.
#[derive(Debug, Clone)]
pub(crate) struct Authentication {
    pub(crate) upn: String,
    /// Seconds since 1970.
    pub(crate) at: u64,
    pub(crate) mfa: bool,
}

/// A finished sign-in: what a code or a device code can be redeemed for.
#[derive(Debug, Clone)]
pub(crate) struct Approval {
    pub(crate) who: Authentication,
    pub(crate) tenant: &'static str,
    pub(crate) client_id: &'static str,
    pub(crate) scopes: Scopes,
    pub(crate) claims: Option<Value>,
    pub(crate) nonce: Option<String>,
    pub(crate) by_device_code: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct CodeGrant {
    pub(crate) approval: Approval,
    pub(crate) redirect_uri: String,
    /// The S256 challenge of RFC 7636.
    pub(crate) challenge: Option<String>,
    pub(crate) issued_at: u64,
    pub(crate) used: bool,
}

/// Bound to user and client, and to neither a resource nor a tenant (refresh-tokens.md).
#[derive(Debug, Clone)]
pub(crate) struct RefreshGrant {
    pub(crate) who: Authentication,
    pub(crate) client_id: &'static str,
    pub(crate) claims: Option<Value>,
    pub(crate) by_device_code: bool,
    pub(crate) last_used: u64,
    /// When the first of its line was issued.
    pub(crate) begun: u64,
    pub(crate) revoked: Option<Revocation>,
}

/// Why refresh tokens stop working.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revocation {
    /// The password was changed or an administrator revoked: `invalid_grant`, AADSTS50173.
    PasswordChanged,
    /// The token itself is of no use: `invalid_grant`, AADSTS70000, suberror `bad_token`.
    BadToken,
    /// Sign-in frequency: `invalid_grant`, AADSTS70043.
    SignInFrequency,
}

#[derive(Debug, Clone)]
pub(crate) enum DeviceState {
    Pending,
    Approved(Box<Approval>),
    Declined,
    /// The user was refused on the page, for this reason.
    Refused(Box<Denial>),
    Redeemed,
}

#[derive(Debug, Clone)]
pub(crate) struct DeviceGrant {
    pub(crate) client_id: &'static str,
    pub(crate) tenant: String,
    pub(crate) scopes: Scopes,
    pub(crate) claims: Option<Value>,
    pub(crate) user_code: String,
    pub(crate) expires_at: u64,
    pub(crate) interval_ms: u64,
    pub(crate) last_poll_ms: Option<u64>,
    pub(crate) state: DeviceState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prompt {
    None,
    Login,
    Consent,
    SelectAccount,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResponseMode {
    Query,
    Fragment,
    FormPost,
}

/// What a sign-in is for.
#[derive(Debug, Clone)]
pub(crate) enum Purpose {
    Code {
        redirect_uri: String,
        mode: ResponseMode,
        state: Option<String>,
        challenge: Option<String>,
        client_info: bool,
    },
    Device {
        device_code: String,
    },
}

/// A sign-in under way in a browser.
#[derive(Debug, Clone)]
pub(crate) struct SignIn {
    pub(crate) purpose: Purpose,
    /// The tenant as in the path of the request.
    pub(crate) tenant: String,
    pub(crate) client_id: &'static str,
    pub(crate) scopes: Scopes,
    pub(crate) prompt: Option<Prompt>,
    pub(crate) login_hint: Option<String>,
    pub(crate) claims: Option<Value>,
    pub(crate) nonce: Option<String>,
    /// Who has signed in, or has been picked, in this very sign-in.
    pub(crate) who: Option<Authentication>,
    pub(crate) consented: bool,
    pub(crate) confirmed: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) codes: HashMap<String, CodeGrant>,
    pub(crate) refresh_tokens: HashMap<String, RefreshGrant>,
    pub(crate) device_codes: HashMap<String, DeviceGrant>,
    /// By session cookie.
    pub(crate) sessions: HashMap<String, Authentication>,
    /// By the hidden field `flow` of the pages.
    pub(crate) sign_ins: HashMap<String, SignIn>,
    /// User, client, resource, scope.
    pub(crate) consents: HashSet<(String, String, String, String)>,
}

/// What an administrator has decided, for now.
#[derive(Debug, Default)]
pub(crate) struct Policy {
    pub(crate) mfa: HashSet<String>,
    pub(crate) unassigned: HashSet<String>,
    pub(crate) blocked: HashSet<String>,
    pub(crate) device_code_blocked: bool,
    pub(crate) admin_consented: bool,
    pub(crate) admin_consent_required: bool,
    pub(crate) maintenance: bool,
    pub(crate) back_end: BackEnd,
    /// What the edge finds although the token is right.
    pub(crate) incident: Option<Condition>,
    pub(crate) managed_device_required: bool,
    pub(crate) permission_missing: bool,
    pub(crate) consent_withheld: bool,
    /// Why no refresh token is taken, of those to come neither.
    pub(crate) refresh_refused: Option<Revocation>,
    pub(crate) demanded: Option<Demand>,
}

/// Claims without which the proxy takes no token.
#[derive(Debug, Clone)]
pub(crate) struct Demand {
    pub(crate) claims: Value,
    pub(crate) needs_sign_in: bool,
}
