//! The decision: what to start, or why nothing.

use std::fmt;

use super::{Command, Environment, Platform, variable};

/// What to do with a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Try these in turn until one works; never empty.
    Start(Vec<Command>),
    /// Start nothing.
    Nothing(Hindrance),
}

/// Why no browser is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hindrance {
    /// The user sits elsewhere: a browser would open where nobody sees it.
    Ssh,
    /// Graphical browsers refuse to run as root, or would run with a foreign profile.
    Sudo,
    /// There is no screen in here, and what is outside cannot be started.
    Container,
    /// There is no screen.
    NoDisplay,
}

impl fmt::Display for Hindrance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ssh => "No browser is started in an SSH session",
            Self::Sudo => "No browser is started under sudo",
            Self::Container => "No browser is started from inside a container",
            Self::NoDisplay => {
                "No browser is started where there is no screen (no $DISPLAY, $WAYLAND_DISPLAY or $BROWSER)"
            }
        })
    }
}

/// Decides how to open the URL. What the user put in `$BROWSER` counts before all else.
pub(crate) fn plan(environment: &Environment, url: &str) -> Plan {
    let separator = if environment.platform == Platform::Windows { ';' } else { ':' };
    let chosen = environment.browser.as_deref().map(|value| variable::commands(value, separator, url));
    if let Some(commands) = chosen.filter(|commands| !commands.is_empty()) {
        return Plan::Start(commands);
    }
    if environment.ssh {
        return Plan::Nothing(Hindrance::Ssh);
    }
    let command = |words: &[&str]| Command { words: words.iter().copied().chain([url]).map(str::to_owned).collect() };
    Plan::Start(match environment.platform {
        Platform::Mac => vec![command(&["/usr/bin/open"])],
        Platform::Windows => vec![command(&["rundll32", "url.dll,FileProtocolHandler"])],
        // Not `explorer.exe`: it opens a folder in place of a URL with a `=` (microsoft/WSL#3832). The path is for those
        // who have no Windows folders in `$PATH`, such as services.
        Platform::Wsl => vec![
            command(&["wslview"]),
            command(&["rundll32.exe", "url.dll,FileProtocolHandler"]),
            command(&["/mnt/c/Windows/System32/rundll32.exe", "url.dll,FileProtocolHandler"]),
            command(&["xdg-open"]),
        ],
        Platform::Freedesktop if environment.container && !environment.display => {
            return Plan::Nothing(Hindrance::Container);
        }
        Platform::Freedesktop if environment.sudo => return Plan::Nothing(Hindrance::Sudo),
        Platform::Freedesktop if !environment.display => return Plan::Nothing(Hindrance::NoDisplay),
        Platform::Freedesktop => vec![command(&["xdg-open"]), command(&["gnome-open"])],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://login.example/authorize?a=b&c=d";

    fn on(platform: Platform) -> Environment {
        Environment { platform, ..Environment::default() }
    }

    fn programs(environment: &Environment) -> Result<Vec<String>, Hindrance> {
        match plan(environment, URL) {
            Plan::Start(commands) => {
                for command in &commands {
                    assert_eq!(command.words.last().map(String::as_str), Some(URL));
                }
                Ok(commands.into_iter().map(|command| command.words[..command.words.len() - 1].join(" ")).collect())
            }
            Plan::Nothing(hindrance) => Err(hindrance),
        }
    }

    #[test]
    fn each_surrounding_has_its_commands() {
        let screen = Environment { display: true, ..Environment::default() };
        let chosen = |value: &str| Some(value.to_owned());
        let wsl = [
            "wslview",
            "rundll32.exe url.dll,FileProtocolHandler",
            "/mnt/c/Windows/System32/rundll32.exe url.dll,FileProtocolHandler",
            "xdg-open",
        ];
        type Expected<'a> = Result<&'a [&'a str], Hindrance>;
        let table: Vec<(Environment, Expected<'_>)> = vec![
            (screen.clone(), Ok(&["xdg-open", "gnome-open"])),
            (Environment::default(), Err(Hindrance::NoDisplay)),
            (Environment { ssh: true, ..screen.clone() }, Err(Hindrance::Ssh)),
            (Environment { ssh: true, ..Environment::default() }, Err(Hindrance::Ssh)),
            (Environment { sudo: true, ..screen.clone() }, Err(Hindrance::Sudo)),
            (Environment { container: true, ..Environment::default() }, Err(Hindrance::Container)),
            (Environment { container: true, sudo: true, ..Environment::default() }, Err(Hindrance::Container)),
            (Environment { container: true, ssh: true, ..Environment::default() }, Err(Hindrance::Ssh)),
            (Environment { container: true, ..screen.clone() }, Ok(&["xdg-open", "gnome-open"])),
            (Environment { container: true, browser: chosen("a"), ..Environment::default() }, Ok(&["a"])),
            (Environment { browser: chosen("lynx"), ..Environment::default() }, Ok(&["lynx"])),
            (Environment { browser: chosen("a:b c"), ssh: true, ..screen.clone() }, Ok(&["a", "b c"])),
            (Environment { browser: chosen("a"), sudo: true, ..screen.clone() }, Ok(&["a"])),
            (Environment { browser: chosen(""), ..screen.clone() }, Ok(&["xdg-open", "gnome-open"])),
            (Environment { browser: chosen(" : "), ..Environment::default() }, Err(Hindrance::NoDisplay)),
            (on(Platform::Wsl), Ok(&wsl)),
            (Environment { sudo: true, ..on(Platform::Wsl) }, Ok(&wsl)),
            (Environment { ssh: true, ..on(Platform::Wsl) }, Err(Hindrance::Ssh)),
            (on(Platform::Mac), Ok(&["/usr/bin/open"])),
            (Environment { ssh: true, ..on(Platform::Mac) }, Err(Hindrance::Ssh)),
            (on(Platform::Windows), Ok(&["rundll32 url.dll,FileProtocolHandler"])),
            (Environment { browser: chosen("C:/b.exe;edge"), ..on(Platform::Windows) }, Ok(&["C:/b.exe", "edge"])),
        ];
        for (environment, expected) in table {
            let expected = expected.map(|words| words.iter().map(|word| (*word).to_owned()).collect());
            assert_eq!(programs(&environment), expected, "{environment:?}");
        }
    }
}
