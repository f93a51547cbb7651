//! The call with the token: one GET of the URL, as `entrada get` makes it.

use entrada::Error;
use entrada::protocol::{EdgeAnswer, EdgeHeaders};

use super::check::{Check, FAQ, NATIVE_CLIENT};
use super::edge;
use super::observe::Answer;
use crate::failure::{Failure, OTHER, PROXY_REFUSED};

const NAME: &str = "app";

/// Whether the edge refuses the token with a 401 of its own: nobody has seen it do so, and nothing says that it never does.
pub(super) fn is_refusal(answer: &Answer) -> bool {
    matches!(answer.edge(), EdgeAnswer::Unauthorized { schemes } if is_edges(answer, &schemes))
}

/// What the app answered, or the edge in its place; to another token, where it demanded claims of that.
pub(super) fn check(answer: &Answer, is_another_token: bool) -> Check {
    let status = answer.status;
    let code = Failure::status(status, String::new()).code;
    match answer.edge() {
        EdgeAnswer::Gateway(page) => edge::gateway(NAME, &page, answer),
        EdgeAnswer::SignIn(_) => Check::fail(
            NAME,
            PROXY_REFUSED,
            "the proxy sends to sign-in although a token was sent",
            "see the checks on the token above",
        ),
        EdgeAnswer::SignInPage => Check::fail(
            NAME,
            OTHER,
            "a sign-in page came in place of the app's answer: something on the way follows redirects",
            "take what follows redirects out of the way: a proxy, or a gateway",
        ),
        EdgeAnswer::ClaimsDemanded { .. } => Check::fail(
            NAME,
            code,
            "the app demands a token with claims that even a new one does not have",
            "sign in with the browser, where the claims can be met; else ask the administrator for the policy",
        ),
        EdgeAnswer::Unauthorized { .. } if is_refusal(answer) => Check::fail(
            NAME,
            PROXY_REFUSED,
            "the proxy itself answers 401: it does not take the token",
            "see the checks on the token above",
        ),
        EdgeAnswer::Bypassed { schemes } | EdgeAnswer::Unauthorized { schemes } => own_credentials(code, &schemes),
        _ => match status {
            200..400 if is_another_token => {
                Check::ok(NAME, format!("it demanded claims, and with a token that has them the app answers {status}"))
            }
            200..400 => Check::ok(NAME, format!("with the token the app answers {status}")),
            403 => Check::fail(
                NAME,
                code,
                "the proxy let the token through, and the app itself answers 403: it refuses this user",
                "the administrator looks at the app's own permissions; with integrated Windows authentication, at its SPN \
                 and at events 13016 to 13022 on the connector",
            ),
            500.. => Check::fail(
                NAME,
                code,
                format!("the proxy let the token through, and the app itself answers {status}"),
                "tell whoever runs the app",
            ),
            _ => Check::warn(
                NAME,
                format!("the proxy let the token through, and the app itself answers {status}"),
                "check the path of the URL, and that it is one for GET",
            ),
        },
    }
}

/// Whether it is the edge that asks for a Bearer: no connector has had the request.
fn is_edges(answer: &Answer, schemes: &[String]) -> bool {
    let edge = EdgeHeaders::read(&answer.headers());
    let asks = schemes.iter().any(|scheme| scheme.eq_ignore_ascii_case("bearer"));
    asks && edge.is_present() && edge.connector_id.is_none()
}

/// The one header for credentials is the proxy's: an app that wants its own there cannot get them.
fn own_credentials(code: u8, schemes: &[String]) -> Check {
    Check::fail(
        NAME,
        code,
        format!(
            "the proxy let the token through, and the app behind wants credentials of its own in Authorization ({})",
            schemes.join(", ")
        ),
        "let the app take them from another header (-H), or the administrator sets single sign-on up for it, or \
         publishes it as passthrough",
    )
    .documented(FAQ)
}

/// The app demanded claims that only a sign-in brings.
///
/// `command` makes the call with the same settings.
pub(super) fn wants_sign_in(error: Error, command: &str) -> Check {
    let failure = Failure::from(error);
    let remedy = format!("let a call sign in, which asks for the claims: run: {command}");
    Check::fail(NAME, failure.code, format!("the app demands claims, and {}", failure.message), remedy)
        .documented("https://learn.microsoft.com/entra/identity-platform/claims-challenge")
}

/// Why no answer came, or the proxy's refusal; of a token in which all is right, or not.
pub(super) fn failed(failure: &Failure, is_token_right: bool) -> Check {
    match failure.code {
        PROXY_REFUSED if is_token_right => Check::fail(
            NAME,
            PROXY_REFUSED,
            "the proxy refuses a token in which all is right",
            "the administrator looks whether the published app's own registration was edited (public client flows, \
             permissions, federated credentials), and restores it",
        )
        .documented(FAQ),
        PROXY_REFUSED => Check::failure(NAME, failure, "").documented(NATIVE_CLIENT),
        _ => Check::failure(NAME, failure, "check the network, or give the app more time: --timeout"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::Status;
    use super::*;

    #[test]
    fn the_apps_answer_is_told_from_the_edges() {
        let connector = ("x-ms-proxy-connector-id", "c");
        let page = "This corporate app can't be accessed";
        let claims = ("www-authenticate", r#"Bearer error="insufficient_claims", claims="e30=""#);
        let bearer = ("www-authenticate", r#"Bearer error="invalid_token""#);
        for (status, headers, body, expected, code, words) in [
            (200, &[connector][..], "{}", Status::Ok, 0, "answers 200"),
            (302, &[("location", "/next")], "", Status::Ok, 0, "answers 302"),
            (404, &[connector], "", Status::Warn, 0, "answers 404"),
            (403, &[connector], "no", Status::Fail, 4, "refuses this user"),
            (500, &[connector], "oh", Status::Fail, 5, "answers 500"),
            (
                401,
                &[connector, ("www-authenticate", "Basic realm=x")],
                "",
                Status::Fail,
                4,
                "of its own in Authorization (Basic)",
            ),
            (401, &[("x-ms-proxy-app-id", "a"), bearer], "", Status::Fail, 14, "does not take the token"),
            (401, &[connector, bearer], "", Status::Fail, 4, "of its own in Authorization (Bearer)"),
            (401, &[claims], "", Status::Fail, 4, "claims"),
            (403, &[], page, Status::Fail, 13, "not assigned"),
            (403, &[connector], page, Status::Fail, 4, "refused the user"),
            (502, &[connector], page, Status::Fail, 5, "could not reach the app"),
        ] {
            let check = check(&Answer::made(status, headers, body), false);
            assert_eq!((check.status, check.code), (expected, code), "{}", check.finding);
            assert!(check.finding.contains(words), "{}", check.finding);
        }
    }
}
