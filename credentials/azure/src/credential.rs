//! The credential itself.

use std::fmt;
use std::sync::Arc;
use std::thread;

use azure_core::credentials::{AccessToken, TokenCredential, TokenRequestOptions};
use azure_core::time::OffsetDateTime;
use entrada::{Client, Error, Token, TokenRequest, UnixTime};

use crate::flights::Flights;
use crate::options::{Asked, EntradaCredentialOptions, Interaction};
use crate::refusal::{lost, no_thread, refused};

/// The last second that [`OffsetDateTime`] knows, at the end of the year 9999.
const LATEST: i64 = 253_402_300_799;

/// Tokens for the Azure SDK from an [`entrada::Client`]: from its cache, by a silent refresh, or by a sign-in.
///
/// Shared as the SDK's own credentials are, in an [`Arc`]. Calls wait on no thread of the executor: the client
/// works on a thread of its own, which lives until the answer is there.
///
/// - Calls for the same scopes at the same time share one answer, and one thread.
/// - Calls for different scopes that both need the user wait for each other, and the second then mostly needs
///   no sign-in any more.
/// - A call that is dropped loses nothing: the work goes on, and its token is in the cache.
pub struct EntradaCredential {
    work: Arc<Work>,
    flights: Arc<Flights<Question, Answer>>,
}

/// The scopes, verbatim and in their order, and the claims.
type Question = (Vec<String>, Option<String>);
type Answer = Result<AccessToken, Arc<Error>>;

/// What goes to the thread.
struct Work {
    client: Client,
    options: EntradaCredentialOptions,
}

impl EntradaCredential {
    /// A credential over this client: interactive and for the only account, unless the options say otherwise.
    ///
    /// Nothing is sent, read or opened before the first call for a token.
    pub fn new(client: Client, options: Option<EntradaCredentialOptions>) -> Arc<Self> {
        let work = Work { client, options: options.unwrap_or_default() };
        Arc::new(Self { work: Arc::new(work), flights: Arc::default() })
    }
}

#[async_trait::async_trait]
impl TokenCredential for EntradaCredential {
    /// A token for these scopes, which are passed on verbatim.
    ///
    /// Of the options, the context counts: [`Claims`](crate::Claims) ask for a token with them, and a
    /// `ClientRequestId` that is a GUID becomes the correlation id at the authority.
    ///
    /// # Errors
    ///
    /// Always [`ErrorKind::Credential`](azure_core::error::ErrorKind::Credential), with a sentence that says what
    /// to do; `error.downcast_ref::<Arc<entrada::Error>>()` is the reason in detail.
    async fn get_token(
        &self,
        scopes: &[&str],
        options: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AccessToken> {
        let interaction = self.work.options.interaction;
        let asked = Asked::of(options.as_ref());
        let request =
            TokenRequest::new(scopes.iter().copied()).map_err(|error| refused(Arc::new(error), interaction))?;
        let question = (request.scopes().to_vec(), asked.claims.clone());
        let (answer, flight) = self.flights.join(&question);
        if let Some(flight) = flight {
            let work = Arc::clone(&self.work);
            let request = request
                .account(self.work.options.account.clone())
                .claims(asked.claims)
                .correlation_id(asked.correlation_id);
            let thread = thread::Builder::new().name("entrada-azure".into());
            thread.spawn(move || flight.land(&work.token(&request).map_err(Arc::new))).map_err(no_thread)?;
        }
        match answer.await {
            Ok(answer) => answer.map_err(|error| refused(error, interaction)),
            Err(_) => Err(lost()),
        }
    }
}

impl Work {
    fn token(&self, request: &TokenRequest) -> Result<AccessToken, Error> {
        let token = match self.options.interaction {
            Interaction::Silent => self.client.silent_for(request),
            Interaction::DeviceCode => match self.client.silent_for(request) {
                Err(Error::UiRequired(required)) => {
                    let request = request.clone().claims(required.claims);
                    self.client.sign_in_by_code(&request, &self.client.sign_in_options().clone().unasked(true))
                }
                other => other,
            },
            _ => self.client.token_for(request),
        }?;
        for warning in &token.warnings {
            tracing::warn!(%warning, "a token for the Azure SDK");
        }
        Ok(access_token(&token))
    }
}

fn access_token(token: &Token) -> AccessToken {
    AccessToken::new(token.secret.expose().to_owned(), date(token.expires_on))
}

fn date(time: UnixTime) -> OffsetDateTime {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(LATEST).min(LATEST);
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

impl fmt::Debug for EntradaCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntradaCredential")
            .field("client", &self.work.client)
            .field("options", &self.work.options)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_without_end_is_a_date_all_the_same() {
        assert_eq!(date(UnixTime::from_secs(1_700_000_000)).unix_timestamp(), 1_700_000_000);
        assert_eq!(date(UnixTime::from_secs(u64::MAX)).year(), 9999);
    }
}
