//! Where the edge sends whoever has no token that it takes.

use super::table::Redirection;
use crate::directory::CONTOSO;
use crate::published::Published;
use crate::random;
use crate::realm::Realm;
use serde_json::Value;
use url::form_urlencoded::byte_serialize;

/// The URL of microsoft-authentication-library-for-objc#1187: the v1 endpoint, with the state of the proxy in it.
/// `raw` is the URL that was asked for.
pub(super) fn sign_in_url(
    realm: &Realm,
    redirection: &Redirection,
    app: &Published,
    raw: &str,
    invalid_token_retry: Option<bool>,
) -> String {
    let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20");
    let retry = invalid_token_retry.map_or("null".to_owned(), |retry| retry.to_string());
    let raw = Value::from(raw).to_string().replace('/', r"\/");
    let more: String =
        redirection.state.iter().map(|(key, value)| format!(",{}:{value}", Value::from(&**key))).collect();
    let state = format!(
        r#"AppProxyState:{{"InvalidTokenRetry":{retry},"IsMsofba":false,"OriginalRawUrl":{raw},"RequestProfileId":null{more}}}#EndOfStateParam#"#
    );
    let mut url = format!(
        "{}/{}/oauth2/authorize?response_type=code&client_id={}&scope=openid&nonce={}&redirect_uri={}&state={}&client-request-id={}",
        redirection.instance.as_ref().unwrap_or(&realm.instance),
        redirection.tenant.as_deref().unwrap_or(CONTOSO),
        redirection.app_id.as_deref().unwrap_or(app.app_id),
        random::guid(),
        encode(redirection.redirect_uri.as_ref().unwrap_or(&app.external_url)),
        encode(&state),
        random::guid()
    );
    for (name, value) in &redirection.parameters {
        url += &format!("&{}={}", encode(name), encode(value));
    }
    url
}
