//! `entrada git`: repositories behind the proxy, for git itself.

mod credential;
mod setup;

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueHint};
use entrada::protocol::AppCall;
use url::Url;

use crate::args::Common;
use crate::failure::Failure;
use crate::notice::Notice;
use crate::settings::Settings;

#[derive(Debug, Args)]
pub(crate) struct Git {
    #[command(subcommand)]
    pub(crate) command: GitCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum GitCommand {
    /// Let git ask entrada for the token of repositories below a URL (git 2.46 or newer)
    Setup(Setup),
    /// The credential helper, which git runs
    Credential(Credential),
}

#[derive(Debug, Args)]
pub(crate) struct Setup {
    /// URL of the published app, or of what is below it: https, or http on loopback
    #[arg(value_hint = ValueHint::Url)]
    pub(crate) url: String,
    /// In the user's configuration, which is where it goes if not said
    #[arg(long = "global", conflicts_with = "local")]
    pub(crate) globally: bool,
    /// In the configuration of the repository that this is run in
    #[arg(long)]
    pub(crate) local: bool,
    /// Take out what was set
    #[arg(long)]
    pub(crate) remove: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Credential {
    /// Answer for what is at this URL, or below it, and for nothing else
    #[arg(long = "for", value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) url: String,
    /// What git wants: get, store or erase; anything else is nothing to this helper
    pub(crate) operation: String,
}

pub(crate) fn run(git: &Git, common: &Common, notice: Notice) -> Result<ExitCode, Failure> {
    match &git.command {
        GitCommand::Setup(setup) => {
            let place = place(&setup.url)?;
            setup::run(setup, &place, &Settings::resolve(common, Some(place.as_str()))?, notice)
        }
        GitCommand::Credential(credential) => credential::run(credential, &place(&credential.url)?, common, notice),
    }
}

/// What is meant by a URL: itself and all that is below it.
fn place(url: &str) -> Result<Url, Failure> {
    let call = AppCall::new(url).map_err(|error| Failure::usage(error.to_string()))?;
    let place = Url::parse(call.url()).map_err(|error| Failure::usage(error.to_string()))?;
    match (place.query(), place.fragment()) {
        (None, None) => Ok(place),
        _ => Err(Failure::usage("a repository's URL has no query and no fragment".to_owned())),
    }
}
