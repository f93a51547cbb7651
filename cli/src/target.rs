//! The app that a command is for: named by authority and scope, or learnt from its URL.

use entrada::protocol::PublishedApp;
use entrada::{Account, Call, Client, ClientBuilder, Error, Port, TokenRequest};

use crate::assemble::{self, Asking};
use crate::failure::Failure;
use crate::notice::Notice;
use crate::settings::{Named, Settings};

/// How to reach the app.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// By the scopes that were named, verbatim; and by what its URL told, where that can be noted once the scope is
    /// accepted.
    Named(TokenRequest, Option<PublishedApp>),
    /// By what its URL told.
    Learnt(PublishedApp),
}

/// A client for these settings, and the app at their URL. With authority and scope named nothing is asked.
pub(crate) fn client(settings: &Settings, asking: Asking, notice: Notice) -> Result<(Client, Target), Failure> {
    from_builder(assemble::builder(settings, asking, notice)?, settings, notice)
}

/// The same for a sign-in: what is not named is learnt anew, whatever was known.
pub(crate) fn client_anew(settings: &Settings, notice: Notice) -> Result<(Client, Target), Failure> {
    let builder = assemble::builder(settings, Asking::Wanted, notice)?;
    with_discovery(builder, settings, notice, ClientBuilder::discover_anew)
}

/// The same with parts that were put together already.
pub(crate) fn from_builder(
    builder: ClientBuilder,
    settings: &Settings,
    notice: Notice,
) -> Result<(Client, Target), Failure> {
    with_discovery(builder, settings, notice, ClientBuilder::discover)
}

/// From what is known, or from the URL itself.
type Discover = fn(ClientBuilder, &str) -> Result<(Client, PublishedApp), Error>;

fn with_discovery(
    builder: ClientBuilder,
    settings: &Settings,
    notice: Notice,
    discover: Discover,
) -> Result<(Client, Target), Failure> {
    let is_entra = !matches!(settings.authority, Some(Named::Oidc(_)));
    let named = settings.authority.is_some() && !settings.scopes.is_empty();
    let builder = match settings.authority {
        Some(_) => builder.authority(settings.authority()?),
        None => builder,
    };
    match settings.url.as_deref().filter(|_| is_entra && !named) {
        None => {
            // Whichever of the two is missing is asked for.
            let (_, request) = (settings.authority()?, assemble::token_request(settings)?);
            Ok((builder.build()?, Target::Named(request, None)))
        }
        Some(url) => {
            let (client, app) = discover(builder, url).map_err(|error| assemble::failure(error, settings))?;
            notice.detail(&format!("app: {} of tenant {}", app.app_id(), client.app().authority().url()));
            let target = match settings.scopes.is_empty() {
                true => Target::Learnt(app),
                false => {
                    let only = settings.scopes.first().filter(|_| settings.scopes.len() == 1);
                    Target::Named(assemble::token_request(settings)?, only.and_then(|scope| app.trying_only(scope)))
                }
            };
            Ok((client, target))
        }
    }
}

impl Target {
    /// With its scope: where that is still to be learnt, the proxy is asked, with a token for each that it may be. One that
    /// was named is that; with it accepted, what was learnt of the app is noted.
    pub(crate) fn settle(self, client: &Client, settings: &Settings) -> Result<Self, Failure> {
        let failed = |error| assemble::failure(error, settings);
        match self {
            Self::Learnt(app) => {
                let request = request_for(&app, settings)?;
                Ok(Self::Learnt(client.settle(app, &request).map_err(failed)?))
            }
            Self::Named(request, Some(app)) => {
                match client.settle(app, &request.clone().account(assemble::account(settings))) {
                    // The call itself has the same to tell, and there may be none; and another page of the app may work.
                    Ok(_) | Err(Error::ProxyRefused(_)) => Ok(Self::Named(request, None)),
                    Err(Error::Adapter(adapter)) if adapter.port == Port::App => Ok(Self::Named(request, None)),
                    Err(error) => Err(failed(error)),
                }
            }
            Self::Named(_, None) => Ok(self),
        }
    }

    /// The same for who has just signed in.
    pub(crate) fn settle_for(self, account: &Account, client: &Client, settings: &Settings) -> Result<Self, Failure> {
        let name = Some(account.home_account_id.clone());
        self.settle(client, &Settings { account: name, ..settings.clone() })
    }

    /// The request for a token; before the scope is settled, for the first that it may be.
    pub(crate) fn request(&self, settings: &Settings) -> Result<TokenRequest, Failure> {
        match self {
            Self::Named(request, _) => Ok(request.clone()),
            Self::Learnt(app) => request_for(app, settings),
        }
    }

    /// A call to the app.
    pub(crate) fn call<'a>(&self, client: &'a Client, settings: &Settings) -> Result<Call<'a>, Failure> {
        match self {
            Self::Named(request, _) => Ok(client.call(request)),
            Self::Learnt(app) => Ok(client.reach(app)?.account(assemble::account(settings))),
        }
    }

    /// The requests for a token that it may take, in the order in which they are tried.
    pub(crate) fn requests(&self, settings: &Settings) -> Result<Vec<TokenRequest>, Failure> {
        match self {
            Self::Named(request, _) => Ok(vec![request.clone()]),
            Self::Learnt(app) => {
                let request = request_for(app, settings)?;
                let each = app.scopes().into_iter().map(|scope| request.clone().for_scopes([scope]));
                Ok(each.collect::<Result<_, _>>()?)
            }
        }
    }
}

fn request_for(app: &PublishedApp, settings: &Settings) -> Result<TokenRequest, Failure> {
    Ok(TokenRequest::new(app.scopes().first())?.account(assemble::account(settings)))
}
