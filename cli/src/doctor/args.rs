//! The arguments of `entrada doctor`.

use clap::{Args, ValueEnum, ValueHint};

#[derive(Debug, Args)]
#[command(long_about = LONG_ABOUT)]
pub(crate) struct Doctor {
    /// URL of the app; without one, this computer and the authority are looked at
    #[arg(value_hint = ValueHint::Url)]
    pub(crate) url: Option<String>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = DoctorOutput::Text)]
    pub(crate) output: DoctorOutput,
    /// Sign in where that is needed, to see what only a sign-in shows
    #[arg(long, conflicts_with = "code")]
    pub(crate) sign_in: bool,
    /// Explain an error of the authority's: its number, its text, or - for a text on standard input
    #[arg(long, value_name = "AADSTS", conflicts_with = "url")]
    pub(crate) code: Option<String>,
    /// How long to wait for any answer, in seconds
    #[arg(long, value_name = "S", default_value_t = 200)]
    pub(crate) timeout: u64,
}

const LONG_ABOUT: &str = "\
Find out why an app cannot be reached, and what to do about it.

It looks at the configuration, the token store, the browser and the proxies here, then asks the app's URL and its \
authority, first without a token and then with one. Each check is ok, warn or fail, with what to do about it and where \
that is documented.

Nothing is changed: a good token from the cache is used as it is. Where it has ended it is refreshed, as `entrada get` \
would, and the new one is kept; nobody is signed in without --sign-in. The app gets one GET of the URL with the token, \
and only where it asks for a sign-in; where no scope is named and the proxy refuses the token, one more for each other \
scope that the app may have. No token is printed: one is told by the beginning of its SHA-256 and by its uti.

The exit code is 0 where no check failed, else the one that `entrada get` has for the first failure.";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DoctorOutput {
    Text,
    Json,
}
