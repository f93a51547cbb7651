//! What `entrada proxy` and `entrada exec` have in common: the apps, their tokens, and what is said meanwhile.

mod args;
pub(crate) mod live;

use std::collections::BTreeMap;

use async_trait::async_trait;
use entrada::ports::asynchronous::TokenProvider;
use entrada::protocol::AppCall;
use entrada::{Client, Error, Token, TokenRequest};
use entrada_forwarder::{Builder, Event, Forwarder, Listen, Published};

use crate::args::{Common, Store};
use crate::assemble::{self, Asking};
use crate::failure::Failure;
use crate::notice::Notice;
use crate::settings::Settings;
use crate::target;

pub(crate) use args::{Exec, Proxy};

/// A forwarder for these apps, each with a token already: here, and not later, the user may be asked to sign in.
pub(crate) fn builder(
    apps: impl IntoIterator<Item = (String, Listen)>,
    common: &Common,
    notice: Notice,
) -> Result<(Builder, Vec<Client>), Failure> {
    let (mut builder, mut clients, mut known) = (Forwarder::builder(), Vec::new(), BTreeMap::new());
    for (url, listen) in apps {
        let settings = Settings::resolve(common, Some(&url))?;
        AppCall::new(&url).map_err(|error| Failure::usage(error.to_string()))?;
        let (client, target) = target::client(&settings, Asking::Allowed, notice)?;
        let request = target.settle(&client, &settings)?.request(&settings)?;
        let lender = Lender { client: client.clone(), request: request.clone() };
        let app = Published::new(&url, lender).map_err(|error| Failure::usage(error.to_string()))?;
        if let Some(other) = known.insert(app.origin().to_owned(), url.clone()) {
            return Err(Failure::usage(format!("{other} and {url} have the same origin"))
                .with_remedy("name it once: all of it is forwarded to; with two scopes, start two forwarders"));
        }
        if let Some(ca) = &settings.ca {
            builder = builder.ca_file(ca).map_err(|error| Failure::config(error.to_string()))?;
        }
        let token = client.token_for(&request).map_err(|error| assemble::failure(error, &settings))?;
        notice.token(&token);
        clients.push(client);
        builder = builder.publish(app.sign_in_help(move |error| sign_in_help(error, &settings)), listen);
    }
    Ok((builder.on_event(move |event| tell(&event, notice)), clients))
}

/// Gives the forwarder tokens, and never asks the user.
struct Lender {
    client: Client,
    request: TokenRequest,
}

#[async_trait]
impl TokenProvider for Lender {
    async fn token(&self, claims: Option<String>) -> Result<Token, Error> {
        let (client, mut request) = (self.client.clone(), self.request.clone());
        if claims.is_some() {
            request = request.claims(claims);
        }
        smol::unblock(move || client.silent_for(&request)).await
    }
}

/// What clients are told to do where a sign-in is needed.
fn sign_in_help(error: &Error, settings: &Settings) -> String {
    if settings.store == Store::Memory {
        return "its tokens are in the forwarder's memory alone: stop it, and start it again".to_owned();
    }
    let demands_claims = matches!(error, Error::UiRequired(required) if required.claims.is_some());
    // Only a call to the app brings the claims that it wants into a sign-in.
    let name = if demands_claims { "get" } else { "login" };
    format!("run: {}", assemble::command(name, settings))
}

fn tell(event: &Event<'_>, notice: Notice) {
    match event {
        Event::NoToken { app, error, help } => {
            let help = help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
            notice.warn(&format!("no token for {app}, whose requests are answered with 502: {error}{help}"));
        }
        Event::Token { app } => notice.say(&format!("There is a token for {app} again.")),
        Event::Failing { app, text } => notice.warn(&format!("a request to {app} failed: {text}")),
        _ => {}
    }
}

/// Tells what went wrong with a listener or a thread.
pub(crate) fn failed(error: &std::io::Error) -> Failure {
    Failure::new(crate::failure::OTHER, "listen", error.to_string())
}
