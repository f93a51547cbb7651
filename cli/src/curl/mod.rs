//! `entrada curl`: curl's own arguments, and the token through a pipe.
//!
//! The token goes to curl as `oauth2-bearer` in a configuration that curl reads from a pipe: never in an argument, in
//! the environment or in a file. curl sends it to the host, port and scheme of the URL alone, also with `-L`.

mod config_file;
mod guard;
mod hand_over;
mod options;
mod redacted;

use std::ffi::{OsStr, OsString};
use std::io::{Read, stdin};
use std::process::{Command, ExitCode};

use clap::{Args, Parser, ValueHint};
use entrada::Token;
use entrada::protocol::AppCall;
use zeroize::Zeroizing;

use crate::args::{Cli, Command as Verb, Common};
use crate::assemble::{self, Asking};
use crate::failure::{CONFIGURATION, Failure};
use crate::notice::Notice;
use crate::settings::Settings;
use crate::target;

use guard::Asked;
use options::{Given, Known};

/// What follows `curl`, all of it curl's: entrada's own options stand before it.
#[derive(Debug, Args)]
pub(crate) struct Curl {
    /// What curl takes; entrada's own options stand before the word curl
    #[arg(
        value_name = "CURL ARGUMENTS",
        trailing_var_arg = true,
        allow_hyphen_values = true,
        required = true,
        value_hint = ValueHint::Url
    )]
    pub(crate) arguments: Vec<OsString>,
}

/// The command line with `--` after the word `curl`, where that is the verb: what follows is not entrada's, even where it
/// looks so.
pub(crate) fn set_apart(words: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut words: Vec<OsString> = words.into_iter().collect();
    let is_verb = |at: &usize| {
        let upto = words[..=*at].iter().map(OsString::as_os_str).chain([OsStr::new("x")]);
        words[*at] == "curl" && Cli::try_parse_from(upto).is_ok_and(|cli| matches!(cli.command, Verb::Curl(_)))
    };
    let Some(at) = (1..words.len()).find(is_verb) else { return words };
    let asks_for_help = words.len() == at + 2 && ["-h", "--help"].iter().any(|help| words[at + 1] == *help);
    if at + 1 < words.len() && !asks_for_help {
        words.insert(at + 1, "--".into());
    }
    words
}

pub(crate) fn run(curl: &Curl, common: &Common, notice: Notice) -> Result<ExitCode, Failure> {
    let known = Known::of_installed()?;
    let mut words = Vec::new();
    for argument in &curl.arguments {
        let word = argument.to_str().ok_or_else(|| Failure::usage("an argument for curl is not UTF-8".to_owned()))?;
        words.push(word.to_owned());
    }
    let (given, files) = with_files(&known, &words)?;
    if guard::tells_of_itself(&given) {
        return hand_over::plainly(&words);
    }
    let Asked { urls, verbose, has_roots } = guard::checked(&given, known.version)?;
    let settings = settings(common, &urls)?;
    let token = token(&settings, notice)?;

    let is_http = urls.iter().any(|url| url.url().starts_with("http:"));
    let token_text = Zeroizing::new(format!("oauth2-bearer = {}\n", config_file::quoted(token.secret.expose())));
    let mut own = Zeroizing::new("proto-redir = \"=http,https\"\n".to_owned());
    if is_http {
        // What is loopback is reached directly, whatever the environment says.
        own.push_str("noproxy = \"*\"\n");
    }
    if let Some(ca) = settings.ca.as_ref().filter(|_| !has_roots) {
        own.push_str(&format!("cacert = {}\n", config_file::quoted(&ca.display().to_string())));
    }
    let mut command = Command::new("curl");
    command.arg("--disable");
    hand_over::run(command, &given_words(&given), files, (token_text, own), verbose.then_some(&token.secret))
}

/// What was given, with what stands in the files that it names; and their texts, checked, by the place of each.
fn with_files(known: &Known, words: &[String]) -> Result<(Vec<Given>, Vec<Zeroizing<String>>), Failure> {
    let (mut all, mut files) = (Vec::new(), Vec::new());
    for given in known.read(words)? {
        if given.name != "config" {
            all.push(given);
            continue;
        }
        let path = given.value.clone().unwrap_or_default();
        let unreadable = |error| Failure::usage(format!("curl's configuration {path} cannot be read: {error}"));
        let mut text = Zeroizing::new(String::new());
        if path == "-" {
            stdin().read_to_string(&mut text).map_err(unreadable)?;
        } else {
            *text = std::fs::read_to_string(&path).map_err(unreadable)?;
        }
        let within = config_file::read(known, &text, &path)?;
        files.push(Zeroizing::new(config_file::written(&within)));
        all.extend(within);
        all.push(given);
    }
    Ok((all, files))
}

/// The arguments for curl; what came out of files is handed over as such.
fn given_words(given: &[Given]) -> Vec<&Given> {
    given.iter().filter(|given| !given.from_file).collect()
}

/// The settings for these pages, which have to be the same for all of them.
fn settings(common: &Common, urls: &[AppCall]) -> Result<Settings, Failure> {
    let mut all = urls.iter().map(|url| Settings::resolve(common, Some(url.url())));
    let first = all.next().unwrap_or_else(|| Settings::resolve(common, None))?;
    for other in all {
        if !first.means_the_same_token(&other?) {
            return Err(Failure::new(
                CONFIGURATION,
                "configuration",
                "the configuration wants different tokens for these URLs".to_owned(),
            )
            .with_remedy("call curl once for each of them"));
        }
    }
    Ok(first)
}

fn token(settings: &Settings, notice: Notice) -> Result<Token, Failure> {
    let (client, target) = target::client(settings, Asking::Allowed, notice)?;
    let request = target.settle(&client, settings).and_then(|target| target.request(settings));
    let token =
        request.and_then(|request| client.token_for(&request).map_err(|error| assemble::failure(error, settings)));
    assemble::finish(&client);
    let token = token?;
    notice.token(&token);
    Ok(token)
}
