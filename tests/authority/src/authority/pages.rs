//! What a person sees. Ids of elements are stable, everything that comes from outside is escaped. The button that goes
//! on is the first one, as the Enter key presses the first.

use crate::aadsts::{Denial, Trace};
pub(super) use crate::frame::plain;
use crate::frame::{escape, frame};
use crate::message::{Reply, html};
use crate::random;
use http::StatusCode;

/// The page for embedded browsers, which look at its address and never at it.
pub(crate) const NATIVE_CLIENT: &str = "/common/oauth2/nativeclient";
/// Where the script of that page goes.
pub(super) const WRONG_PLACE: &str = "/common/wrongplace";

fn form(step: &str, flow: &str, inner: &str) -> String {
    format!(
        r#"<form method="post" action="/signin/{step}"><input type="hidden" name="flow" value="{}">{inner}</form>"#,
        escape(flow)
    )
}

pub(super) fn password(flow: &str, hint: &str, app: &str, wrong: bool) -> String {
    let wrong = if wrong {
        r#"<p class="wrong" id="error">AADSTS50126: Your account or password is incorrect.</p>"#
    } else {
        ""
    };
    let inner = format!(
        r#"<p>to continue to {}</p>{wrong}<label for="username">Account</label>
<input id="username" name="login" autocomplete="username" autofocus value="{}"><label for="password">Password</label>
<input id="password" name="passwd" type="password" autocomplete="current-password">
<div class="row"><button id="signin" name="action" value="signin">Sign in</button><button class="quiet" id="cancel" name="action" value="cancel">Cancel</button></div>"#,
        escape(app),
        escape(hint)
    );
    frame("Sign in", &form("password", flow, &inner))
}

pub(super) fn accounts(flow: &str, upn: &str) -> String {
    let upn = escape(upn);
    let inner = format!(
        r#"<p><button id="account" name="account" value="{upn}">{upn}</button></p>
<p><button class="quiet" id="other" name="account" value="">Use another account</button></p>"#
    );
    frame("Pick an account", &form("account", flow, &inner))
}

pub(super) fn mfa(flow: &str, upn: &str) -> String {
    let inner = format!(
        r#"<p>{}</p><p>Approve the sign-in request on your phone. Here, the button is your phone.</p>
<div class="row"><button id="approve" name="action" value="approve">Approve</button><button class="quiet" id="cancel" name="action" value="cancel">Cancel</button></div>"#,
        escape(upn)
    );
    frame("Approve sign in request", &form("mfa", flow, &inner))
}

pub(super) fn consent(flow: &str, upn: &str, app: &str, scopes: &[String]) -> String {
    let items: String = scopes.iter().map(|s| format!("<li>{}</li>", escape(s))).collect();
    let inner = format!(
        r#"<p>{}</p><p><strong id="app">{}</strong> would like to:</p><ul id="scopes">{items}<li>Maintain access to data you have given it access to</li></ul>
<div class="row"><button id="accept" name="action" value="accept">Accept</button><button class="quiet" id="cancel" name="action" value="cancel">Cancel</button></div>"#,
        escape(upn),
        escape(app)
    );
    frame("Permissions requested", &form("consent", flow, &inner))
}

pub(super) fn confirm(flow: &str, app: &str) -> String {
    let inner = format!(
        r#"<p>Only continue if you started <strong id="app">{}</strong> yourself on another device.</p>
<div class="row"><button id="continue" name="action" value="continue">Continue</button><button class="quiet" id="cancel" name="action" value="cancel">Cancel</button></div>"#,
        escape(app)
    );
    frame("Are you trying to sign in?", &form("confirm", flow, &inner))
}

pub(super) fn enter_code(wrong: Option<&str>) -> String {
    let wrong = wrong.map(|w| format!(r#"<p class="wrong" id="error">{}</p>"#, escape(w))).unwrap_or_default();
    frame(
        "Enter code",
        &format!(
            r#"<form method="post" action="/devicelogin"><p>Enter the code displayed on your app or device.</p>{wrong}
<label for="otc">Code</label><input id="otc" name="otc" autocomplete="off" autofocus maxlength="9">
<div class="row"><button id="next">Next</button></div></form>"#
        ),
    )
}

/// OAuth 2.0 Form Post Response Mode, section 2; a button for browsers without scripts.
pub(super) fn form_post(to: &str, parameters: &[(&str, String)]) -> String {
    let inputs: String = parameters
        .iter()
        .map(|(k, v)| format!(r#"<input type="hidden" name="{}" value="{}">"#, escape(k), escape(v)))
        .collect();
    format!(
        r#"<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Working...</title></head><body>
<form method="post" name="hiddenform" action="{}">{inputs}<noscript><p>Script is disabled. Click Submit to continue.</p><button>Submit</button></noscript></form>
<script>document.forms[0].submit();</script></body></html>
"#,
        escape(to)
    )
}

/// The page on which an error stays.
pub(super) fn denial(denial: &Denial, trace: &Trace) -> Reply {
    let body = format!(
        r#"<p>Sorry, but we’re having trouble signing you in.</p><p class="wrong" id="aadsts" data-code="{}" data-error="{}">AADSTS{}: {}</p>
<small>Request Id: {}<br>Correlation Id: {}<br>Timestamp: {}</small>"#,
        denial.code,
        denial.kind.word(),
        denial.code,
        escape(&denial.text),
        trace.trace_id,
        trace.correlation_id,
        trace.timestamp
    );
    html(StatusCode::BAD_REQUEST, frame("Sign in", &body))
}

/// The page behind the proxy's redirect: what a client that follows it takes for an answer. The cookies are those of
/// microsoft-authentication-library-for-objc#736, which only the sign-in service sets.
pub(super) fn v1_sign_in() -> Reply {
    let mut reply = html(
        StatusCode::OK,
        plain(
            "Sign in to your account",
            "This is where a browser would sign in to the proxied app. A native client sends a token instead.",
        ),
    );
    for name in ["buid", "esctx", "fpc"] {
        let cookie = format!("{name}={}; Path=/; HttpOnly; Secure; SameSite=None", random::handle("0."));
        if let Ok(cookie) = cookie.parse() {
            reply.headers_mut().append("set-cookie", cookie);
        }
    }
    reply
}

/// The redirect URI for embedded browsers, as it is since December 2025 (onedrive#3564, davmail#434): a warning, and off
/// to another page after a second, so that the code is gone from the address.
pub(super) fn native_client() -> Reply {
    let script = format!("<script>setTimeout(function(){{location.replace('{WRONG_PLACE}')}},1000)</script>");
    let body =
        "<p>This page is not normally shown and could be a sign of a phishing attempt. Do not share its address.</p>";
    html(StatusCode::OK, frame("Sign in", &format!("{body}{script}")))
}
