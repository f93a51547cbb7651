//! The authority: v2.0 endpoints of a Microsoft Entra tenant, and the v1 one that the application proxy redirects to.

mod access;
mod authorize;
mod authorize_v1;
mod device_code;
mod interaction;
mod issue;
mod metadata;
mod pages;
mod tenancy;
mod token;

pub(crate) use pages::NATIVE_CLIENT;

use crate::aadsts::Trace;
use crate::faults::Endpoint;
use crate::message::{Inquiry, Reply, html, set, value};
use crate::realm::Realm;
use http::{Method, StatusCode};

/// The endpoint that a path names.
pub(crate) fn endpoint(path: &str) -> Endpoint {
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match segments[..] {
        [_, "oauth2", "v2.0", "authorize"] => Endpoint::Authorize,
        [_, "oauth2", "authorize"] => Endpoint::AuthorizeV1,
        [_, "oauth2", "v2.0", "token"] => Endpoint::Token,
        [_, "oauth2", "v2.0", "devicecode"] => Endpoint::DeviceCode,
        [_, "oauth2", "v2.0", "logout"] => Endpoint::Logout,
        [_, "v2.0", ".well-known", "openid-configuration"] => Endpoint::Configuration,
        [_, "discovery", "v2.0", "keys"] => Endpoint::Keys,
        [_, "discovery", "instance"] => Endpoint::InstanceDiscovery,
        ["devicelogin"] => Endpoint::DeviceLogin,
        ["signin", _] => Endpoint::SignIn,
        _ => Endpoint::Other,
    }
}

/// The page behind the proxy's redirect, as it looks to whoever had the redirect followed for them.
pub(crate) fn sign_in_page(realm: &Realm) -> Reply {
    signed(pages::v1_sign_in(), &Trace::new(&realm.instance, None, realm.clock.now()))
}

/// The headers by which the sign-in service is known.
fn signed(mut reply: Reply, trace: &Trace) -> Reply {
    set(&mut reply, "x-ms-request-id", &trace.trace_id);
    set(&mut reply, "x-ms-ests-server", "2.1.0 - entrada");
    reply
}

/// Answers one request.
pub(crate) fn answer(realm: &Realm, inquiry: &Inquiry) -> Reply {
    let asked_id = inquiry.header("client-request-id").or_else(|| value(&inquiry.query, "client-request-id"));
    let trace = Trace::new(&realm.instance, asked_id, realm.clock.now());
    let segments: Vec<&str> = inquiry.path.trim_start_matches('/').split('/').collect();
    let tenant = segments[0];
    let get = inquiry.method == Method::GET;
    let post = inquiry.method == Method::POST;
    let mut reply = match endpoint(&inquiry.path) {
        Endpoint::Authorize if get || post => authorize::answer(realm, tenant, inquiry, &trace),
        Endpoint::AuthorizeV1 if get || post => authorize_v1::answer(realm, tenant, inquiry, &trace),
        Endpoint::Token if post => token::answer(realm, tenant, inquiry, &trace),
        Endpoint::DeviceCode if post => device_code::start(realm, tenant, inquiry, &trace),
        Endpoint::DeviceLogin if get || post => device_code::page(realm, inquiry, &trace),
        Endpoint::SignIn if post => interaction::answer(realm, segments[1], inquiry, &trace),
        Endpoint::Configuration if get => metadata::configuration(realm, tenant, &trace),
        Endpoint::Keys if get => metadata::keys(realm, tenant),
        Endpoint::InstanceDiscovery if get => metadata::instance(realm, inquiry, &trace),
        Endpoint::Logout if get || post => interaction::logout(realm, inquiry),
        Endpoint::Other if inquiry.path == pages::NATIVE_CLIENT => pages::native_client(),
        Endpoint::Other if inquiry.path == pages::WRONG_PLACE => {
            html(StatusCode::OK, pages::plain("Wrong place", "You can close this page and go back to the app."))
        }
        Endpoint::Other => html(StatusCode::NOT_FOUND, pages::plain("Not found", "There is nothing here.")),
        _ => html(
            StatusCode::METHOD_NOT_ALLOWED,
            pages::plain("Method not allowed", "AADSTS900561: The endpoint does not accept this method."),
        ),
    };
    if inquiry.header("return-client-request-id").is_some_and(|v| v.eq_ignore_ascii_case("true")) {
        set(&mut reply, "client-request-id", &trace.correlation_id);
    }
    signed(reply, &trace)
}
