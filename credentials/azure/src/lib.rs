//! The sign-ins of entrada as a credential for the Azure SDK for Rust.
//!
//! `azure_identity` brings credentials for services and for what the Azure CLI has signed in. This one signs
//! the user in itself, with the browser or with a user code, and keeps the tokens in a cache that outlives
//! the process and that Microsoft's libraries can share.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use azure_core::credentials::TokenCredential;
//! use entrada_azure::{EntradaCredential, EntradaCredentialOptions, Interaction};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = entrada::Client::builder("8f4a7c1e-2d3b-4b5c-9d6e-7f8091a2b3c4")
//!     .tenant("contoso.onmicrosoft.com")
//!     .build()?; // ureq, the file cache and the system browser, by the features of `entrada`
//! let credential: Arc<dyn TokenCredential> = EntradaCredential::new(client.clone(), None);
//! // ... and now to any client of the SDK, such as `BlobServiceClient::new(url, Some(credential), None)`.
//! let token = credential.get_token(&["https://storage.azure.com/.default"], None).await?;
//!
//! // On a machine without a browser:
//! let options = EntradaCredentialOptions { interaction: Interaction::DeviceCode, ..Default::default() };
//! let credential = EntradaCredential::new(client, Some(options));
//! # let _ = (token, credential);
//! # Ok(())
//! # }
//! ```
//!
//! # Any executor, or none
//!
//! `azure_core` is used without its features, so that neither tokio nor an HTTP client comes with this crate;
//! the SDK's clients bring theirs. The blocking client works on a thread of its own, and the answer comes
//! through a channel: it makes no difference who polls.
//!
//! # Whose client id, and which scope
//!
//! The client id is that of your own native registration, with `http://localhost` among the redirect URIs of
//! *Mobile and desktop applications*. The Azure SDK has none of its own to lend.
//!
//! | to reach | the scope | given by | what the registration needs |
//! | --- | --- | --- | --- |
//! | an Azure service | `https://storage.azure.com/.default`, `https://vault.azure.net/.default`, ... | the SDK's client itself | the service's delegated permission, with consent; the user, a role at the resource |
//! | an app behind application proxy | `https://hr-contoso.msappproxy.net//user_impersonation`, slash for slash | you, in `BearerTokenAuthorizationPolicy::new(credential, [scope])` | the app's `user_impersonation`, with consent; the user, an assignment |
//!
//! One credential serves both: tokens are kept by scope, and one sign-in mostly brings them all.
//!
//! # The cache
//!
//! It is the client's. With the feature `file-cache` it is the command's as well: `entrada login`, with the same
//! client id and tenant, signs a [`Silent`](Interaction::Silent) credential in. See `entrada::file_cache` for
//! where it is, who may read it, and who may share it.

mod credential;
mod flights;
mod options;
mod refusal;

pub use credential::EntradaCredential;
pub use options::{Claims, EntradaCredentialOptions, Interaction};
