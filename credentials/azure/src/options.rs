//! What a credential may do, and what one call may ask of it.

use azure_core::credentials::TokenRequestOptions;
use azure_core::http::headers::Header;
use azure_core::http::request::options::ClientRequestId;
use azure_core::{Uuid, http::Context};
use entrada::AccountSelector;

/// How an [`EntradaCredential`](crate::EntradaCredential) behaves; the default is interactive, for the only account.
#[derive(Clone, Debug, Default)]
pub struct EntradaCredentialOptions {
    /// What to do where a sign-in is needed.
    pub interaction: Interaction,
    /// Whose token it is to be, where several users are signed in.
    pub account: AccountSelector,
}

/// What to do where a sign-in is needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Interaction {
    /// The client's own way: its browser, or what its builder was told by `sign_in_with`.
    #[default]
    Interactive,
    /// A user code, shown by the client's browser, to be entered on any machine.
    ///
    /// The registration must *allow public client flows*.
    DeviceCode,
    /// Nothing: the call fails. For services, tests and whatever else has nobody to ask.
    Silent,
}

/// The JSON of a claims challenge, for one call: the cache is passed over, and a refresh or sign-in asks for them.
///
/// Azure SDK clients send none. A handler of challenges (`azure_core`'s `OnChallenge`) puts them into the
/// context of the [`TokenRequestOptions`]:
///
/// ```
/// use azure_core::credentials::TokenRequestOptions;
/// use azure_core::http::{ClientMethodOptions, Context};
/// use entrada_azure::Claims;
///
/// let claims = Claims(r#"{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}"#.to_owned());
/// let options =
///     TokenRequestOptions { method_options: ClientMethodOptions { context: Context::new().with_value(claims) } };
/// # assert!(options.method_options.context.value::<Claims>().is_some());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims(pub String);

/// What of the options of one call is for us.
#[derive(Default)]
pub(crate) struct Asked {
    pub(crate) claims: Option<String>,
    pub(crate) correlation_id: Option<String>,
}

impl Asked {
    pub(crate) fn of(options: Option<&TokenRequestOptions<'_>>) -> Self {
        let Some(context) = options.map(|options| &options.method_options.context) else { return Self::default() };
        Self {
            claims: context.value::<Claims>().map(|claims| claims.0.clone()),
            correlation_id: client_request_id(context),
        }
    }
}

/// The request id that the SDK's caller has given, where it is a GUID: Entra files requests under nothing else.
fn client_request_id(context: &Context<'_>) -> Option<String> {
    let id = context.value::<ClientRequestId>()?.value();
    Uuid::parse_str(id.as_str()).ok().map(|id| id.to_string())
}
