//! `entrada git setup`: what git's configuration has to say so that it asks entrada, and asks in time.
//!
//! - `credential.URL.helper`: an empty one first, so that no other helper is asked or told, then entrada;
//! - `credential.URL.useHttpPath`: so that the helper sees for which repository it is asked;
//! - `http.URL.proactiveAuth=auto`: so that git sends the token at once, in the scheme that the helper names: the proxy
//!   answers a request without one with a redirect, and not with the 401 that git waits for otherwise;
//! - `http.URL.followRedirects=false`: that redirect leads to a page to sign in, which is no repository.
//!
//! No token is ever written there.

use std::process::{Command, ExitCode, Output};

use entrada::words::clean;
use url::Url;

use super::Setup;
use crate::answer;
use crate::failure::{CONFIGURATION, Failure, OTHER};
use crate::notice::Notice;
use crate::settings::{Settings, quoted};

pub(super) const TOO_OLD_REMEDY: &str =
    "install git 2.46 or newer, or let entrada exec URL -- git ... carry the token for any git";

/// The words by which our own helper is known again.
const OURS: &str = " git credential --for ";

pub(super) fn run(setup: &Setup, place: &Url, settings: &Settings, notice: Notice) -> Result<ExitCode, Failure> {
    let git = Git { scope: if setup.local { "--local" } else { "--global" } };
    let wanted = wanted(place, &helper(place, settings)?);
    if setup.remove {
        return git.remove(&wanted, notice).map(|()| ExitCode::SUCCESS);
    }
    git.is_new_enough()?;
    let mut changed = false;
    for (key, values) in &wanted {
        let present = git.values(key)?;
        if present != *values {
            git.set(key, values)?;
            for value in present.iter().filter(|value| !value.is_empty() && !values.contains(value)) {
                notice.say(&format!("{key} was {}", clean(value)));
            }
            changed = true;
        }
        for value in values {
            answer::print_line(&format!("{key}={value}"))?;
        }
    }
    notice.say(if changed {
        "git asks entrada for these repositories from now on."
    } else {
        "Nothing had to be changed."
    });
    Ok(ExitCode::SUCCESS)
}

/// What is to be set, by its key.
fn wanted(place: &Url, helper: &str) -> [(String, Vec<String>); 4] {
    let one = |value: &str| vec![value.to_owned()];
    [
        (format!("credential.{place}.helper"), vec![String::new(), helper.to_owned()]),
        (format!("credential.{place}.useHttpPath"), one("true")),
        (format!("http.{place}.proactiveAuth"), one("auto")),
        (format!("http.{place}.followRedirects"), one("false")),
    ]
}

/// The helper as git's shell runs it: this very program, with the identity that was given by flags.
fn helper(place: &Url, settings: &Settings) -> Result<String, Failure> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::new(OTHER, "other", format!("where entrada is installed is not known: {error}")))?;
    let program = program
        .to_str()
        .ok_or_else(|| Failure::new(OTHER, "other", "the path of entrada is not UTF-8, as git wants it".to_owned()))?;
    let flags = settings.flags.iter().map(|flag| format!(" {flag}")).collect::<String>();
    Ok(format!("!{}{OURS}{}{flags}", quoted(program), quoted(place.as_str())))
}

/// git's own `git config`.
struct Git {
    scope: &'static str,
}

impl Git {
    fn is_new_enough(&self) -> Result<(), Failure> {
        let said = output(Command::new("git").arg("version"))?;
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        let version = said.trim().strip_prefix("git version ").unwrap_or(said.trim());
        let mut numbers = version.split('.').map(|part| part.parse::<u32>().ok());
        match (numbers.next().flatten(), numbers.next().flatten()) {
            (Some(major), Some(minor)) if (major, minor) >= (2, 46) => Ok(()),
            _ => Err(Failure::config(format!(
                "git {version} cannot carry a Bearer from a helper: that came with git 2.46"
            ))
            .with_remedy(TOO_OLD_REMEDY)),
        }
    }

    fn values(&self, key: &str) -> Result<Vec<String>, Failure> {
        let found = self.config(&["--null", "--get-all", key], &[1])?;
        let text = String::from_utf8_lossy(&found.stdout).into_owned();
        Ok(text.strip_suffix('\0').map(|text| text.split('\0').map(str::to_owned).collect()).unwrap_or_default())
    }

    fn set(&self, key: &str, values: &[String]) -> Result<(), Failure> {
        self.config(&["--unset-all", key], &[5])?;
        for value in values {
            self.config(&["--add", key, value], &[])?;
        }
        Ok(())
    }

    /// Takes out what is ours; where the helper is another's, nothing is.
    fn remove(&self, wanted: &[(String, Vec<String>)], notice: Notice) -> Result<(), Failure> {
        let helpers = wanted.first().map(|(key, _)| self.values(key)).transpose()?.unwrap_or_default();
        if !helpers.iter().any(|value| value.contains(OURS)) {
            notice.say("git does not ask entrada there: nothing had to be changed.");
            return Ok(());
        }
        // The helper last: as long as it is there, what an interruption has left can be taken out by another run.
        for (key, _) in wanted.iter().rev() {
            self.config(&["--unset-all", key], &[5])?;
            answer::print_line(key)?;
        }
        notice.say("git asks entrada no longer for these repositories.");
        Ok(())
    }

    /// Runs it; exit codes other than 0 and these are failures.
    fn config(&self, args: &[&str], fine: &[i32]) -> Result<Output, Failure> {
        let output = output(Command::new("git").arg("config").arg(self.scope).args(args))?;
        if output.status.success() || output.status.code().is_some_and(|code| fine.contains(&code)) {
            return Ok(output);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.trim().trim_start_matches("fatal: ").trim_start_matches("error: ");
        Err(Failure::config(format!("git's configuration cannot be written: {said}")))
    }
}

fn output(command: &mut Command) -> Result<Output, Failure> {
    command.output().map_err(|error| {
        Failure::new(CONFIGURATION, "git", format!("git cannot be run: {error}"))
            .with_remedy("install git 2.46 or newer")
    })
}
