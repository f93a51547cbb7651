//! `entrada git credential`: the helper's side of git's credential protocol (git-credential, gitcredentials).
//!
//! The token is answered as `authtype=Bearer`, which git has understood since 2.46, as ephemeral and with its expiry, so
//! that no other helper keeps it. It is written to git's pipe and nowhere else.

use std::io::{Read, stdin};
use std::process::ExitCode;

use entrada::protocol::claims_challenge;
use entrada::{Client, Secret, TokenRequest};
use url::Url;
use zeroize::Zeroizing;

use super::Credential;
use super::setup::TOO_OLD_REMEDY;
use crate::answer;
use crate::args::Common;
use crate::assemble::{self, Asking};
use crate::failure::{Failure, USAGE};
use crate::notice::Notice;
use crate::settings::Settings;
use crate::target;

/// More than git ever says.
const MOST_INPUT: u64 = 1024 * 1024;

pub(super) fn run(credential: &Credential, place: &Url, common: &Common, notice: Notice) -> Result<ExitCode, Failure> {
    let mut text = Zeroizing::new(String::new());
    let read = stdin().take(MOST_INPUT).read_to_string(&mut text);
    read.map_err(|error| Failure::new(USAGE, "input", format!("what git says cannot be read: {error}")))?;
    let said = Said::read(&text);
    if let Some(page) = said.page().filter(|page| is_at(page, place)) {
        match credential.operation.as_str() {
            "get" => get(&said, &page, common, notice)?,
            "erase" => erase(&said, &page, common, notice)?,
            // Nothing is to be kept beside entrada's own cache.
            _ => {}
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn get(said: &Said<'_>, page: &Url, common: &Common, notice: Notice) -> Result<(), Failure> {
    let answer = if said.understands_bearer {
        answer_for(said, page, common, notice)
    } else {
        Err(Failure::config("this git cannot carry a Bearer from a helper: that came with git 2.46".to_owned())
            .with_remedy(TOO_OLD_REMEDY))
    };
    match answer {
        Ok(answer) => answer::print(answer.as_bytes()),
        Err(failure) => {
            // Or git would ask for a password, of which there is none.
            answer::print(b"quit=1\n")?;
            Err(failure)
        }
    }
}

fn answer_for(said: &Said<'_>, page: &Url, common: &Common, notice: Notice) -> Result<Zeroizing<String>, Failure> {
    let (client, request, settings) = assembled(page, common, notice)?;
    let token = client.token_for(&request.claims(said.claims()));
    assemble::finish(&client);
    let token = token.map_err(|error| assemble::failure(error, &settings))?;
    notice.token(&token);
    Ok(Zeroizing::new(format!(
        "capability[]=authtype\nauthtype=Bearer\ncredential={}\nephemeral=1\npassword_expiry_utc={}\n",
        token.secret.expose(),
        token.expires_on.as_secs()
    )))
}

/// A refused token is renewed, so that the next `get` does not repeat it; one that has been renewed meanwhile is left.
fn erase(said: &Said<'_>, page: &Url, common: &Common, notice: Notice) -> Result<(), Failure> {
    let Some(refused) = said.credential else { return Ok(()) };
    let (client, request, _) = assembled(page, common, notice)?;
    let is_refused = client.silent_for(&request).is_ok_and(|token| is_same(&token.secret, refused));
    if is_refused {
        let renewed = match said.claims() {
            // What the app demands may need the user, who is asked where that is possible.
            Some(claims) => client.token_for(&request.claims(Some(claims))),
            None => client.silent_for(&request.force_refresh(true)),
        };
        if let Err(error) = renewed {
            notice.warn(&format!("the token that was refused could not be renewed: {}", Failure::from(error).message));
        }
    }
    assemble::finish(&client);
    Ok(())
}

fn is_same(token: &Secret, text: &str) -> bool {
    token == &Secret::new(text.to_owned())
}

fn assembled(page: &Url, common: &Common, notice: Notice) -> Result<(Client, TokenRequest, Settings), Failure> {
    let mut settings = Settings::resolve(common, Some(page.as_str()))?;
    // With it git is told not to ask.
    settings.no_input |= std::env::var_os("GIT_TERMINAL_PROMPT").is_some_and(|value| value == "0");
    let (client, target) = target::client(&settings, Asking::Allowed, notice)?;
    let request = target.settle(&client, &settings)?.request(&settings)?;
    Ok((client, request, settings))
}

/// Whether a page is the place or below it: `https://h/git` holds for `/git/a`, not for `/gitea`.
fn is_at(page: &Url, place: &Url) -> bool {
    let below = page.path().strip_prefix(place.path());
    page.origin() == place.origin()
        && below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || place.path().ends_with('/'))
}

/// What git says: one attribute a line.
#[derive(Debug, Default)]
struct Said<'a> {
    protocol: Option<&'a str>,
    host: Option<&'a str>,
    path: Option<&'a str>,
    credential: Option<&'a str>,
    understands_bearer: bool,
    challenges: Vec<&'a str>,
}

impl<'a> Said<'a> {
    fn read(text: &'a str) -> Self {
        let mut said = Self::default();
        for line in text.lines().take_while(|line| !line.is_empty()) {
            let Some((name, value)) = line.split_once('=') else { continue };
            match name {
                "protocol" => said.protocol = Some(value),
                "host" => said.host = Some(value),
                "path" => said.path = Some(value),
                "credential" => said.credential = Some(value),
                "capability[]" => said.understands_bearer |= value == "authtype",
                "wwwauth[]" => said.challenges.push(value),
                _ => {}
            }
        }
        said
    }

    /// The page that is meant; `None` where it is no URL that a token may be sent to.
    fn page(&self) -> Option<Url> {
        let url = format!("{}://{}/{}", self.protocol?, self.host?, self.path.unwrap_or_default());
        super::place(&url).ok()
    }

    /// The claims that the app has demanded.
    fn claims(&self) -> Option<String> {
        claims_challenge(self.challenges.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_answered(place: &str, said: &str) -> bool {
        let said = said.replace(' ', "\n");
        Said::read(&said).page().is_some_and(|page| is_at(&page, &super::super::place(place).unwrap()))
    }

    #[test]
    fn only_what_is_at_the_place_or_below_it_is_answered_for() {
        let place = "https://h.example/git";
        assert!(is_answered(place, "protocol=https host=h.example path=git/team/a.git"));
        assert!(is_answered(place, "protocol=https host=h.example:443 path=git"));
        for said in [
            "protocol=http host=h.example path=git/a",
            "protocol=https host=h.example:8443 path=git/a",
            "protocol=https host=other.example path=git/a",
            "protocol=https host=h.example path=gitea/a",
            "protocol=https host=h.example path=git/../a",
            "protocol=https host=h.example",
            "protocol=https host=other.example/git@h.example path=git/a",
            "protocol=https host=me@h.example path=git/a",
            "protocol=ssh host=h.example path=git/a",
            "host=h.example path=git/a",
            "",
        ] {
            assert!(!is_answered(place, said), "{said}");
        }
        assert!(is_answered("https://h.example", "protocol=https host=h.example"));
        assert!(is_answered("http://127.0.0.1:8080/", "protocol=http host=127.0.0.1:8080 path=a"));
    }

    #[test]
    fn the_protocol_is_read_up_to_its_blank_line() {
        let said = Said::read("protocol=https\ncapability[]=authtype\nunknown=1\ncredential=a=b\n\nhost=h\n");
        assert_eq!((said.credential, said.host, said.understands_bearer), (Some("a=b"), None, true));
        assert!(!Said::read("capability[]=state\n").understands_bearer);
    }
}
