//! A user at the pages: who are you, second factor, consent, and off to where the sign-in came from.

use super::tenancy::{seat, tenancy};
use super::{access, authorize, device_code, pages};
use crate::aadsts::{Denial, Kind, Trace};
use crate::directory::{Client, User};
use crate::graph;
use crate::jwt::base64url;
use crate::ledger::{Approval, Authentication, CodeGrant, Prompt, Purpose, SignIn};
use crate::message::{Inquiry, Reply, html, value};
use crate::random;
use crate::realm::{Realm, SignInMode};
use http::StatusCode;
use serde_json::json;

const COOKIE: &str = "ESTSAUTHPERSISTENT";

/// A new sign-in, from `/authorize` or from the device page.
pub(super) fn begin(realm: &Realm, mut sign_in: SignIn, inquiry: &Inquiry, trace: &Trace) -> Reply {
    if realm.settings.sign_in == SignInMode::Automatic && sign_in.prompt != Some(Prompt::None) {
        let hint = sign_in.login_hint.as_deref().and_then(|hint| realm.directory.user(hint));
        let user = hint.unwrap_or(&realm.directory.users[0]);
        sign_in.who = Some(Authentication { upn: user.upn.clone(), at: realm.clock.now(), mfa: true });
        sign_in.consented = true;
        sign_in.confirmed = true;
    }
    let session = session(realm, inquiry);
    if sign_in.who.is_none()
        && !matches!(sign_in.prompt, Some(Prompt::Login | Prompt::SelectAccount))
        && session.as_ref().is_some_and(|s| sign_in.login_hint.as_ref().is_none_or(|h| h.eq_ignore_ascii_case(&s.upn)))
    {
        sign_in.who = session.clone();
    }
    let flow = random::handle("");
    if sign_in.prompt == Some(Prompt::SelectAccount)
        && sign_in.who.is_none()
        && let Some(session) = session
    {
        realm.ledger().sign_ins.insert(flow.clone(), sign_in);
        return html(StatusCode::OK, pages::accounts(&flow, &session.upn));
    }
    proceed(realm, &flow, sign_in, trace)
}

/// A form of one of the pages.
pub(super) fn answer(realm: &Realm, step: &str, inquiry: &Inquiry, trace: &Trace) -> Reply {
    let field = |name: &str| value(&inquiry.form, name);
    let flow = field("flow").unwrap_or_default();
    let Some(mut sign_in) = realm.ledger().sign_ins.remove(flow) else {
        return html(
            StatusCode::BAD_REQUEST,
            pages::plain("Sign in", "This sign-in is over or unknown. Start again from the app."),
        );
    };
    if field("action") == Some("cancel") {
        let denial = if step == "consent" || step == "confirm" {
            Denial::new(Kind::AccessDenied, 65004, "User declined to consent to access the app.")
        } else {
            Denial::new(Kind::AccessDenied, 65004, "The user has canceled the authentication.").suberror("cancel")
        };
        return decline(realm, &sign_in, &denial, trace);
    }
    let mut cookie = None;
    match step {
        "password" => {
            let user = field("login").and_then(|name| realm.directory.user(name));
            match user.filter(|u| Some(u.password.as_str()) == field("passwd")) {
                Some(user) => {
                    let who = Authentication { upn: user.upn.clone(), at: realm.clock.now(), mfa: false };
                    cookie = Some(open_session(realm, &who));
                    sign_in.who = Some(who);
                }
                None => {
                    let page =
                        pages::password(flow, field("login").unwrap_or_default(), app_name(realm, &sign_in), true);
                    realm.ledger().sign_ins.insert(flow.to_owned(), sign_in);
                    return html(StatusCode::OK, page);
                }
            }
        }
        "account" => {
            let session = session(realm, inquiry);
            sign_in.who = session.filter(|s| field("account") == Some(s.upn.as_str()));
            sign_in.prompt = None;
        }
        "mfa" => {
            if let Some(who) = &mut sign_in.who {
                who.mfa = true;
                cookie = Some(open_session(realm, who));
            }
        }
        "consent" => sign_in.consented = true,
        "confirm" => sign_in.confirmed = true,
        _ => return html(StatusCode::NOT_FOUND, pages::plain("Not found", "There is no such step.")),
    }
    let mut reply = proceed(realm, flow, sign_in, trace);
    if let Some(id) = cookie {
        let secure = if realm.tls.is_some() { "; Secure" } else { "" };
        let text = format!("{COOKIE}={id}; Path=/; HttpOnly; SameSite=Lax{secure}");
        crate::message::set(&mut reply, "set-cookie", &text);
    }
    reply
}

/// The next page, or the end.
fn proceed(realm: &Realm, flow: &str, sign_in: SignIn, trace: &Trace) -> Reply {
    let silent = sign_in.prompt == Some(Prompt::None);
    let Some(who) = sign_in.who.clone() else {
        if silent {
            let denial =
                Denial::new(Kind::LoginRequired, 50058, "A silent sign-in request was sent but no user is signed in.");
            return decline(realm, &sign_in, &denial, trace);
        }
        let hint = sign_in.login_hint.clone().unwrap_or_default();
        let page = pages::password(flow, &hint, app_name(realm, &sign_in), false);
        realm.ledger().sign_ins.insert(flow.to_owned(), sign_in);
        return html(StatusCode::OK, page);
    };
    match next(realm, &sign_in, &who) {
        Ok(Next::Page(page)) if silent => {
            let denial = match page {
                Page::Mfa(denial) => *denial,
                Page::Consent(denial, _) => *denial,
                Page::Confirm => Denial::new(
                    Kind::InteractionRequired,
                    50199,
                    "For security reasons, user confirmation is required for this request.",
                ),
            };
            decline(realm, &sign_in, &denial, trace)
        }
        Ok(Next::Page(page)) => {
            let name = app_name(realm, &sign_in);
            let text = match page {
                Page::Mfa(_) => pages::mfa(flow, &who.upn),
                Page::Consent(_, wanted) => pages::consent(flow, &who.upn, name, &wanted),
                Page::Confirm => pages::confirm(flow, name),
            };
            realm.ledger().sign_ins.insert(flow.to_owned(), sign_in);
            html(StatusCode::OK, text)
        }
        Ok(Next::Done(approval)) => finish(realm, &sign_in, *approval),
        // What the user cannot mend here stays on a page, and the client hears nothing (reference-breaking-changes.md).
        Err(denial) => {
            if let Purpose::Device { device_code } = &sign_in.purpose {
                device_code::refuse(realm, device_code, denial.clone());
            }
            // A registration that lacks something is told to the app all the same.
            let told = silent || denial.kind == Kind::InvalidClient;
            if told && let Purpose::Code { redirect_uri, mode, state, .. } = &sign_in.purpose {
                return authorize::refuse(&denial, redirect_uri, *mode, state.as_deref(), trace);
            }
            pages::denial(&denial, trace)
        }
    }
}

enum Page {
    Mfa(Box<Denial>),
    Consent(Box<Denial>, Vec<String>),
    Confirm,
}

enum Next {
    Page(Page),
    Done(Box<Approval>),
}

fn next(realm: &Realm, sign_in: &SignIn, who: &Authentication) -> Result<Next, Denial> {
    let directory = &realm.directory;
    let (user, client) = parties(realm, sign_in, who)?;
    let (tenant, _) = seat(directory, tenancy(directory, &sign_in.tenant)?, user)?;
    let (resource, names) = sign_in.scopes.resolve(directory, tenant)?;
    access::permitted(realm, client, resource, &sign_in.scopes.resource)?;
    let by_device_code = matches!(sign_in.purpose, Purpose::Device { .. });
    match access::evaluate(realm, user, who, resource, by_device_code) {
        Err(denial) if denial.code == 50076 => return Ok(Next::Page(Page::Mfa(Box::new(denial)))),
        other => other?,
    }
    let consented = access::consented(realm, user, client, resource, &names);
    if !sign_in.consented && (!consented || sign_in.prompt == Some(Prompt::Consent)) {
        if realm.policy().admin_consent_required || graph::needs_admin(realm, resource) {
            return Err(Denial::new(
                Kind::AccessDenied,
                90094,
                format!(
                    "Need admin approval. {} needs permission to access resources in your organization that only an admin can grant.",
                    client.name
                ),
            ));
        }
        let wanted = names.iter().map(|name| format!("{}: {name}", resource.name)).collect();
        return Ok(Next::Page(Page::Consent(Box::new(access::no_consent(Kind::ConsentRequired, client)), wanted)));
    }
    if sign_in.consented {
        access::consent(realm, user, client, resource, &names);
    }
    if by_device_code && !sign_in.confirmed {
        return Ok(Next::Page(Page::Confirm));
    }
    Ok(Next::Done(Box::new(Approval {
        who: who.clone(),
        tenant,
        client_id: client.id,
        scopes: sign_in.scopes.clone(),
        claims: sign_in.claims.clone(),
        nonce: sign_in.nonce.clone(),
        by_device_code,
    })))
}

fn parties<'r>(realm: &'r Realm, sign_in: &SignIn, who: &Authentication) -> Result<(&'r User, &'r Client), Denial> {
    let user = realm.directory.user(&who.upn).ok_or_else(|| {
        Denial::new(Kind::InvalidGrant, 50034, format!("The user account {} does not exist in the directory.", who.upn))
    })?;
    let client = realm.directory.client(sign_in.client_id);
    Ok((user, client.ok_or_else(|| super::tenancy::unknown_client(sign_in.client_id, &sign_in.tenant))?))
}

fn finish(realm: &Realm, sign_in: &SignIn, approval: Approval) -> Reply {
    match &sign_in.purpose {
        Purpose::Device { device_code } => device_code::approve(realm, device_code, approval),
        Purpose::Code { redirect_uri, mode, state, challenge, client_info } => {
            let code = random::handle("1.AQ");
            let mut parameters = vec![("code", code.clone())];
            if *client_info && let Some(user) = realm.directory.user(&approval.who.upn) {
                parameters.push(("client_info", encode_client_info(user)));
            }
            if let Some(state) = state {
                parameters.push(("state", state.clone()));
            }
            parameters.push(("session_state", random::guid()));
            let grant = CodeGrant {
                approval,
                redirect_uri: redirect_uri.clone(),
                challenge: challenge.clone(),
                issued_at: realm.clock.now(),
                used: false,
            };
            realm.ledger().codes.insert(code, grant);
            authorize::respond(redirect_uri, *mode, &parameters)
        }
    }
}

/// A refusal that the client hears of.
fn decline(realm: &Realm, sign_in: &SignIn, denial: &Denial, trace: &Trace) -> Reply {
    match &sign_in.purpose {
        Purpose::Code { redirect_uri, mode, state, .. } => {
            authorize::refuse(denial, redirect_uri, *mode, state.as_deref(), trace)
        }
        Purpose::Device { device_code } => device_code::decline(realm, device_code),
    }
}

/// `client_info`: base64url of `{"uid","utid"}`, the account in its home tenant.
pub(super) fn encode_client_info(user: &User) -> String {
    base64url(json!({"uid": user.object_id, "utid": user.tenant_id}).to_string().as_bytes())
}

fn app_name<'r>(realm: &'r Realm, sign_in: &SignIn) -> &'r str {
    realm.directory.client(sign_in.client_id).map_or("", |client| client.name)
}

fn session(realm: &Realm, inquiry: &Inquiry) -> Option<Authentication> {
    realm.ledger().sessions.get(inquiry.cookie(COOKIE)?).cloned()
}

fn open_session(realm: &Realm, who: &Authentication) -> String {
    let id = random::handle("0.A");
    realm.ledger().sessions.insert(id.clone(), who.clone());
    id
}

/// Ends the browser's session; refresh tokens live on.
pub(super) fn logout(realm: &Realm, inquiry: &Inquiry) -> Reply {
    if let Some(id) = inquiry.cookie(COOKIE) {
        realm.ledger().sessions.remove(id);
    }
    let mut reply = html(
        StatusCode::OK,
        pages::plain("Signed out", "You signed out of your account. It's a good idea to close all browser windows."),
    );
    crate::message::set(&mut reply, "set-cookie", &format!("{COOKIE}=; Path=/; Max-Age=0"));
    reply
}
