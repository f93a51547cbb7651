//! Puts the adapters together as the settings say.

use std::io::{IsTerminal, stderr};
use std::time::Duration;

use entrada::file_cache::{FileCache, abandon_locks};
use entrada::memory_cache::MemoryCache;
use entrada::ureq::UreqTransport;
use entrada::{AccountSelector, Client, ClientBuilder, Error, SignIn, TokenRequest};

use crate::args::Store;
use crate::failure::{Failure, SIGN_IN_NEEDED, STORE};
use crate::notice::Notice;
use crate::settings::{Settings, quoted};
use crate::sign_in::SignInChoice;

/// Whether the user may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asking {
    /// As a terminal and `--no-input` say.
    Allowed,
    /// The user came to sign in.
    Wanted,
}

/// A client for these settings; nothing is read, opened or sent yet.
pub(crate) fn client(settings: &Settings, asking: Asking, notice: Notice) -> Result<Client, Failure> {
    client_with(settings, asking, notice, |builder| builder)
}

/// The same, with a last word on its parts.
pub(crate) fn client_with(
    settings: &Settings,
    asking: Asking,
    notice: Notice,
    adapt: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> Result<Client, Failure> {
    let sign_in = SignIn::new().timeout(settings.sign_in_timeout).login_hint(settings.account.clone()).unasked(true);
    let choice = SignInChoice::new(settings, sign_in, notice);
    let may_ask = !settings.no_input && (asking == Asking::Wanted || stderr().is_terminal());
    let builder = parts(settings)?.sign_in_with(
        move |client, request, error| {
            if may_ask { choice.sign_in(client, request) } else { Err(error) }
        },
    );
    Ok(adapt(builder).build()?)
}

/// The adapters, without a say in sign-ins.
fn parts(settings: &Settings) -> Result<ClientBuilder, Failure> {
    let mut transport = UreqTransport::builder().user_agent(concat!("entrada/", env!("CARGO_PKG_VERSION")));
    if let Some(ca) = &settings.ca {
        transport = transport.ca_file(ca);
    }
    let transport = transport.build().map_err(|error| Failure::config(error.to_string()))?;
    let builder = Client::builder(settings.client_id()?).authority(settings.authority()?).transport(transport);
    Ok(match settings.store {
        Store::Memory => builder.cache(MemoryCache::new()),
        Store::Auto | Store::File => builder.cache(file_cache(settings)?),
    })
}

fn file_cache(settings: &Settings) -> Result<FileCache, Failure> {
    match settings.cache.clone().or_else(FileCache::default_path) {
        Some(path) => Ok(FileCache::new(path)),
        None => Err(Failure::new(STORE, "store", "there is no home directory to keep tokens in".to_owned())
            .with_remedy("name a file with --cache, or use --store memory")),
    }
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
    let mut failure = Failure::from(error);
    if failure.code != SIGN_IN_NEEDED {
        return failure;
    }
    if let Some(remedy) = failure.remedy.take() {
        // What an administrator can do stays readable beside the command to run.
        failure.message = format!("{}; {remedy}", failure.message);
    }
    failure.with_remedy(format!("run: {}", login_command(settings)))
}

fn login_command(settings: &Settings) -> String {
    let url = settings.url.as_deref().map(quoted);
    let words = ["entrada".to_owned(), "login".to_owned()].into_iter().chain(url).chain(settings.flags.iter().cloned());
    words.collect::<Vec<_>>().join(" ")
}
