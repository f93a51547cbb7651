//! Puts the adapters together as the settings say.

use std::io::{IsTerminal, stderr};
use std::time::Duration;

use clap::ValueEnum as _;
use entrada::file_cache::abandon_locks;
use entrada::ureq::UreqTransport;
use entrada::{AccountSelector, Authority, Client, ClientBuilder, Error, ServerError, SignIn, TokenRequest};

use crate::args::Cloud;
use crate::failure::{Failure, SIGN_IN_NEEDED};
use crate::notice::Notice;
use crate::settings::{Settings, quoted};
use crate::sign_in::SignInChoice;
use crate::store;

/// Whether the user may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asking {
    /// As a terminal and `--no-input` say.
    Allowed,
    /// The user came to sign in.
    Wanted,
}

/// A client for what is in the store: where no authority is named, for all tenants of the cloud. Nothing is read,
/// opened or sent yet.
pub(crate) fn client_of_all(settings: &Settings, asking: Asking, notice: Notice) -> Result<Client, Failure> {
    let authority = match &settings.authority {
        Some(_) => settings.authority()?,
        None => all_tenants(settings)?,
    };
    Ok(builder(settings, asking, notice)?.authority(authority).build()?)
}

/// All tenants of the cloud that is named, or of all clouds: which one a URL has led to is nobody's to remember. Nothing is
/// ever sent to an alias.
fn all_tenants(settings: &Settings) -> Result<Authority, Failure> {
    let authority = Authority::tenant(settings.cloud.into(), "organizations")?;
    let clouds = Cloud::value_variants().iter().filter(|_| settings.named_cloud.is_none());
    Ok(authority.with_aliases(clouds.map(|cloud| entrada::Cloud::from(*cloud).login_host()))?)
}

/// The client, with its authority still to be named or discovered.
pub(crate) fn builder(settings: &Settings, asking: Asking, notice: Notice) -> Result<ClientBuilder, Failure> {
    let sign_in = SignIn::new().timeout(settings.sign_in_timeout).login_hint(settings.account.clone()).unasked(true);
    let choice = SignInChoice::new(settings, sign_in, notice);
    let may_ask = !settings.no_input && (asking == Asking::Wanted || stderr().is_terminal());
    let cache = store::cache(settings, may_ask, notice)?;
    let mut builder = Client::builder(settings.client_id()?).transport(transport(settings)?).cache(cache);
    if let Some(cloud) = settings.named_cloud {
        builder = builder.cloud(cloud.into());
    }
    Ok(builder
        .sign_in_with(move |client, request, error| if may_ask { choice.sign_in(client, request) } else { Err(error) }))
}

/// The way to authority and app.
pub(crate) fn transport(settings: &Settings) -> Result<UreqTransport, Failure> {
    let mut transport = UreqTransport::builder().user_agent(concat!("entrada/", env!("CARGO_PKG_VERSION")));
    if let Some(ca) = &settings.ca {
        transport = transport.ca_file(ca);
    }
    transport.build().map_err(|error| Failure::config(error.to_string()))
}

/// Lets a renewal in the background end, when all else is done: a process that ends takes its threads along, but
/// should leave no lockfile of theirs.
pub(crate) fn finish(client: &Client) {
    if !client.wait_for_renewals(Duration::from_secs(2)) {
        abandon_locks();
    }
}

/// The request for a token that the settings describe.
pub(crate) fn token_request(settings: &Settings) -> Result<TokenRequest, Failure> {
    Ok(TokenRequest::new(settings.scopes()?.iter().cloned())?.account(account(settings)))
}

/// The account that is meant.
pub(crate) fn account(settings: &Settings) -> AccountSelector {
    settings.account.clone().map_or(AccountSelector::Only, AccountSelector::Named)
}

/// A failure of the library, with the command to run where a sign-in is needed.
pub(crate) fn failure(error: Error, settings: &Settings) -> Failure {
    let is_about_scope = error.server().is_some_and(ServerError::is_about_scope);
    let mut failure = Failure::from(error);
    if is_about_scope && settings.scopes.is_empty() && settings.url.is_some() {
        // Nobody has named a scope that could be checked.
        let remedy = format!("if it has worked before, the app has changed: run: {}", login_command(settings));
        return failure.with_remedy(remedy);
    }
    if failure.code != SIGN_IN_NEEDED {
        return failure;
    }
    if let Some(remedy) = failure.remedy.take() {
        // What an administrator can do stays readable beside the command to run.
        failure.message = format!("{}; {remedy}", failure.message);
    }
    if let Some(hint) = store::out_of_reach(settings) {
        failure.message = format!("{}; {hint}", failure.message);
    }
    failure.with_remedy(format!("run: {}", login_command(settings)))
}

/// The command that signs in with these settings.
pub(crate) fn login_command(settings: &Settings) -> String {
    command("login", settings)
}

/// A command of ours for the same app and settings, as a shell takes it.
pub(crate) fn command(name: &str, settings: &Settings) -> String {
    let url = settings.url.as_deref().map(quoted);
    let words = ["entrada".to_owned(), name.to_owned()].into_iter().chain(url).chain(settings.flags.iter().cloned());
    words.collect::<Vec<_>>().join(" ")
}
