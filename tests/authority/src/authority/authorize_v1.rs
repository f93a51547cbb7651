//! The v1 endpoint, `/{tenant}/oauth2/authorize`, as far as a proxied app goes: whom the application proxy sends here, and
//! what a silent request tells.

use super::{authorize, interaction, pages, tenancy};
use crate::aadsts::{Denial, Kind, Trace};
use crate::ledger::{Prompt, Purpose, ResponseMode, SignIn};
use crate::message::{Inquiry, Reply, value};
use crate::realm::Realm;
use crate::scope::Scopes;
use http::Method;

pub(super) fn answer(realm: &Realm, segment: &str, inquiry: &Inquiry, trace: &Trace) -> Reply {
    let parameters = if inquiry.method == Method::POST { &inquiry.form } else { &inquiry.query };
    let get = |name: &str| value(parameters, name).filter(|v| !v.is_empty());
    let named = tenancy::tenancy(&realm.directory, segment).and_then(|tenancy| {
        let client = authorize::client(realm, segment, tenancy, get("client_id"))?;
        // Without one, the v1 endpoint takes the registration's first.
        let first = client.redirect_uris.first().map(String::as_str);
        let to = get("redirect_uri").or(first).ok_or_else(authorize::no_reply_address)?;
        authorize::admit_redirect_uri(client, to)?;
        Ok((client, to))
    });
    let (client, to) = match named {
        Ok(named) => named,
        Err(denial) => return pages::denial(&denial, trace),
    };
    let (mode, state) = (ResponseMode::Query, value(parameters, "state"));
    if get("response_type") != Some("code") {
        let denial = Denial::new(
            Kind::UnsupportedResponseType,
            70005,
            "The provided value for the input parameter 'response_type' is not allowed for this client. Expected value is 'code'.",
        );
        return authorize::refuse(&denial, to, mode, state, trace);
    }
    if get("prompt") != Some("none") {
        return pages::v1_sign_in();
    }
    let scopes = match Scopes::parse("openid", 700022) {
        Ok(scopes) => scopes,
        Err(denial) => return authorize::refuse(&denial, to, mode, state, trace),
    };
    let sign_in = SignIn {
        purpose: Purpose::Code {
            redirect_uri: to.to_owned(),
            mode,
            state: state.map(str::to_owned),
            challenge: None,
            client_info: false,
        },
        tenant: segment.to_owned(),
        client_id: client.id,
        scopes,
        prompt: Some(Prompt::None),
        login_hint: get("login_hint").map(str::to_owned),
        claims: None,
        nonce: get("nonce").map(str::to_owned),
        who: None,
        // A published app belongs to the tenant, whose administrator has consented for all.
        consented: true,
        confirmed: false,
    };
    interaction::begin(realm, sign_in, inquiry, trace)
}
