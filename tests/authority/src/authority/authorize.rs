//! `/authorize` (v2-oauth2-auth-code-flow.md, "Request an authorization code").

use super::{interaction, pages, tenancy};
use crate::aadsts::{Denial, Kind, Trace};
use crate::claims_request;
use crate::directory::Client;
use crate::ledger::{Prompt, Purpose, ResponseMode, SignIn};
use crate::message::{Inquiry, Pairs, Reply, html, redirect, value};
use crate::realm::Realm;
use crate::redirect_uri;
use crate::scope::Scopes;
use http::{Method, StatusCode};
use url::form_urlencoded::Serializer;

/// An error is shown on a page as long as the redirect URI is not known to be the client's, and sent there afterwards.
enum Wrong {
    Page(Denial),
    Redirect(Denial, String, ResponseMode),
}

pub(super) fn answer(realm: &Realm, tenant: &str, inquiry: &Inquiry, trace: &Trace) -> Reply {
    let parameters = if inquiry.method == Method::POST { &inquiry.form } else { &inquiry.query };
    match judge(realm, tenant, parameters) {
        Ok(sign_in) => interaction::begin(realm, sign_in, inquiry, trace),
        Err(Wrong::Page(denial)) => pages::denial(&denial, trace),
        Err(Wrong::Redirect(denial, to, mode)) => refuse(&denial, &to, mode, value(parameters, "state"), trace),
    }
}

fn judge(realm: &Realm, segment: &str, parameters: &Pairs) -> Result<SignIn, Wrong> {
    use Wrong::Page;
    let directory = &realm.directory;
    let tenancy = tenancy::tenancy(directory, segment).map_err(Page)?;
    if let Some((name, _)) =
        parameters.iter().enumerate().find(|(i, (k, _))| parameters[..*i].iter().any(|(n, _)| n == k)).map(|(_, p)| p)
    {
        // RFC 6749 section 3.1: no parameter more than once.
        return Err(Page(Denial::new(
            Kind::InvalidRequest,
            9002313,
            format!("Invalid request. Parameter '{name}' is repeated."),
        )));
    }
    let get = |name: &str| value(parameters, name).filter(|v| !v.is_empty());
    let client = client(realm, segment, tenancy, get("client_id")).map_err(Page)?;
    let to = get("redirect_uri").ok_or_else(|| Page(no_reply_address()))?;
    admit_redirect_uri(client, to).map_err(Page)?;

    let mode = match get("response_mode") {
        None | Some("query") => ResponseMode::Query,
        Some("fragment") => ResponseMode::Fragment,
        Some("form_post") => ResponseMode::FormPost,
        Some(other) => {
            let denial = Denial::new(
                Kind::InvalidRequest,
                70007,
                format!("'{other}' is not a supported value of 'response_mode'."),
            );
            return Err(Wrong::Redirect(denial, to.to_owned(), ResponseMode::Query));
        }
    };
    let wrong = |denial: Denial| Wrong::Redirect(denial, to.to_owned(), mode);

    match get("response_type") {
        None => return Err(wrong(Denial::missing("response_type"))),
        Some("code") => {}
        Some(other) => {
            return Err(wrong(Denial::new(
                Kind::UnsupportedResponseType,
                70005,
                format!(
                    "The provided value for the input parameter 'response_type' is not allowed for this client. Expected value is 'code', got '{other}'."
                ),
            )));
        }
    }
    if get("resource").is_some() {
        return Err(wrong(Denial::new(
            Kind::InvalidRequest,
            901002,
            "The 'resource' request parameter is not supported.",
        )));
    }
    let scopes =
        get("scope").ok_or_else(|| Denial::missing("scope")).and_then(|s| Scopes::parse(s, 700022)).map_err(wrong)?;
    if let tenancy::Tenancy::One(tenant) = tenancy {
        scopes.resolve(directory, tenant).map_err(wrong)?;
    }
    let challenge = challenge(client.public, get("code_challenge"), get("code_challenge_method")).map_err(wrong)?;
    let prompt = match get("prompt") {
        None => None,
        Some("none") => Some(Prompt::None),
        Some("login") => Some(Prompt::Login),
        Some("consent") => Some(Prompt::Consent),
        Some("select_account") => Some(Prompt::SelectAccount),
        Some(other) => {
            return Err(wrong(Denial::new(
                Kind::InvalidRequest,
                90023,
                format!("Unsupported 'prompt' value: '{other}'."),
            )));
        }
    };
    let claims = claims_request::parse(get("claims")).map_err(wrong)?;
    Ok(SignIn {
        purpose: Purpose::Code {
            redirect_uri: to.to_owned(),
            mode,
            state: value(parameters, "state").map(str::to_owned),
            challenge,
            client_info: get("client_info") == Some("1"),
        },
        tenant: segment.to_owned(),
        client_id: client.id,
        scopes,
        prompt,
        login_hint: get("login_hint").map(str::to_owned),
        claims,
        nonce: get("nonce").map(str::to_owned),
        who: None,
        consented: false,
        confirmed: false,
    })
}

/// The client that an authorize request names.
pub(super) fn client<'r>(
    realm: &'r Realm,
    segment: &str,
    tenancy: tenancy::Tenancy,
    id: Option<&str>,
) -> Result<&'r Client, Denial> {
    let id = id.ok_or_else(|| Denial::missing("client_id"))?;
    let client = realm.directory.client(id).ok_or_else(|| tenancy::unknown_client(id, segment))?;
    tenancy::admit_client(client, tenancy)?;
    Ok(client)
}

/// Neither the request nor the registration says where to.
pub(super) fn no_reply_address() -> Denial {
    Denial::new(Kind::InvalidRequest, 500113, "No reply address is provided for the application.")
}

/// Refuses a redirect URI that is not the client's.
pub(super) fn admit_redirect_uri(client: &Client, to: &str) -> Result<(), Denial> {
    if client.redirect_uris.iter().any(|registered| redirect_uri::matches(registered, to)) {
        return Ok(());
    }
    Err(Denial::new(
        Kind::InvalidRequest,
        50011,
        format!(
            "The redirect URI '{to}' specified in the request does not match the redirect URIs configured for the application '{}'. Make sure the redirect URI sent in the request matches one added to your application in the Azure portal. Navigate to https://aka.ms/redirectUriMismatchError to learn more about how to troubleshoot this error.",
            client.id
        ),
    ))
}

/// RFC 7636, without `plain`: a public client has to prove possession by S256.
fn challenge(public: bool, challenge: Option<&str>, method: Option<&str>) -> Result<Option<String>, Denial> {
    let Some(challenge) = challenge else {
        return if public {
            Err(Denial::new(
                Kind::InvalidRequest,
                50147,
                "Missing code challenge: this public client must send code_challenge with code_challenge_method S256.",
            ))
        } else {
            Ok(None)
        };
    };
    if method != Some("S256") {
        return Err(Denial::new(Kind::InvalidRequest, 501491, "The code_challenge_method must be S256."));
    }
    let base64url = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if challenge.len() != 43 || !challenge.bytes().all(base64url) {
        return Err(Denial::new(
            Kind::InvalidRequest,
            501491,
            "The size of the code_challenge parameter is not valid: an S256 challenge has 43 characters of base64url.",
        ));
    }
    Ok(Some(challenge.to_owned()))
}

/// Sends an error to the client.
pub(super) fn refuse(denial: &Denial, to: &str, mode: ResponseMode, state: Option<&str>, trace: &Trace) -> Reply {
    let mut parameters =
        vec![("error", denial.kind.word().to_owned()), ("error_description", denial.description(trace))];
    if let Some(suberror) = denial.suberror {
        // `error_subcode=cancel` is what a browser sign-in says; other suberrors stay with the token endpoint.
        let name = if suberror == "cancel" { "error_subcode" } else { "suberror" };
        parameters.push((name, suberror.to_owned()));
    }
    if let Some(claims) = &denial.claims {
        parameters.push(("claims", claims.clone()));
    }
    parameters.push(("error_uri", format!("{}/error?code={}", trace.instance, denial.code)));
    if let Some(state) = state {
        parameters.push(("state", state.to_owned()));
    }
    respond(to, mode, &parameters)
}

/// Delivers parameters to the redirect URI in the asked response mode.
pub(super) fn respond(to: &str, mode: ResponseMode, parameters: &[(&str, String)]) -> Reply {
    let encoded = || Serializer::new(String::new()).extend_pairs(parameters).finish();
    match mode {
        ResponseMode::FormPost => html(StatusCode::OK, pages::form_post(to, parameters)),
        ResponseMode::Query => {
            let to = with_path(to);
            let separator = if to.contains('?') { '&' } else { '?' };
            redirect(&format!("{to}{separator}{}", encoded()))
        }
        ResponseMode::Fragment => redirect(&format!("{}#{}", with_path(to), encoded())),
    }
}

/// A redirect URI without a path gets a slash in the query and fragment modes (reply-url.md).
fn with_path(to: &str) -> String {
    match to.split_once("://") {
        Some((_, rest)) if !rest.contains(['/', '?']) => format!("{to}/"),
        _ => to.to_owned(),
    }
}
