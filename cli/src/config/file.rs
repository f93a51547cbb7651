//! The configuration files: the user's, then the system's.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use url::Url;

use crate::failure::Failure;

/// One file.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct File {
    #[serde(flatten)]
    pub(crate) all: Section,
    #[serde(default)]
    profile: BTreeMap<String, Section>,
    #[serde(default)]
    app: BTreeMap<String, Section>,
}

/// What stands at the top of a file, in `[profile.NAME]` and in `[app."https://host/path/"]`.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Section {
    pub(crate) client_id: Option<String>,
    pub(crate) tenant: Option<String>,
    pub(crate) authority: Option<String>,
    pub(crate) oidc: Option<String>,
    pub(crate) cloud: Option<String>,
    pub(crate) scope: Option<Scopes>,
    pub(crate) account: Option<String>,
    pub(crate) flow: Option<String>,
    pub(crate) no_input: Option<bool>,
    pub(crate) no_browser: Option<bool>,
    pub(crate) sign_in_timeout: Option<u64>,
    pub(crate) store: Option<String>,
    pub(crate) cache: Option<PathBuf>,
    pub(crate) ca: Option<PathBuf>,
    #[serde(flatten)]
    unknown: BTreeMap<String, toml::Value>,
}

/// Where in a file a section stands. The later goes first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// At the top.
    All,
    Profile(String),
    App(String),
}

impl Display for Place {
    /// As its heading in the file; nothing for the top.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => Ok(()),
            Self::Profile(name) => write!(f, "[profile.{name}]"),
            Self::App(prefix) => write!(f, "[app.{prefix:?}]"),
        }
    }
}

/// One scope, or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Scopes {
    One(String),
    Several(Vec<String>),
}

impl File {
    /// Reads a file; one that is not there is empty.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        text(path)?.map_or_else(|| Ok(Self::default()), |text| Self::from_text(path, &text))
    }

    /// A file by its text.
    pub(crate) fn from_text(path: &Path, text: &str) -> Result<Self, Failure> {
        let unusable = |reason: String| unusable(path, &reason);
        let file: Self = toml::from_str(text).map_err(|error| unusable(error.to_string().trim().to_owned()))?;
        let sections = [&file.all].into_iter().chain(file.profile.values()).chain(file.app.values());
        let unknown = sections.flat_map(|section| section.unknown.keys()).next().cloned();
        match unknown {
            Some(key) => Err(unusable(format!("there is no setting {key:?}"))),
            None => Ok(file),
        }
    }

    /// The sections that hold for a URL and a profile, the most specific first.
    pub(crate) fn sections(&self, url: Option<&str>, profile: Option<&str>) -> Vec<(Place, &Section)> {
        let app = url.and_then(|url| {
            let url = canonical(url);
            let prefixes =
                self.app.iter().map(|(prefix, section)| (canonical(prefix), Place::App(prefix.clone()), section));
            let fitting = prefixes.filter(|(prefix, ..)| is_below(&url, prefix));
            fitting.max_by_key(|(prefix, ..)| prefix.len()).map(|(_, place, section)| (place, section))
        });
        let profile = profile.and_then(|name| Some((Place::Profile(name.to_owned()), self.profile.get(name)?)));
        app.into_iter().chain(profile).chain([(Place::All, &self.all)]).collect()
    }

    /// The sections that can win over this place's, for some URL or profile.
    pub(crate) fn nearer(&self, than: &Place) -> Vec<(Place, &Section)> {
        let profiles = self.profile.iter().map(|(name, section)| (Place::Profile(name.clone()), section));
        let apps = self.app.iter().map(|(prefix, section)| (Place::App(prefix.clone()), section));
        let wins = |place: &Place| match (place, than) {
            (Place::App(one), Place::App(other)) => one != other && is_below(&canonical(one), &canonical(other)),
            (Place::Profile(_), Place::Profile(_)) => false,
            (place, than) => place > than,
        };
        profiles.chain(apps).filter(|(place, _)| wins(place)).collect()
    }

    pub(crate) fn has_profile(&self, name: &str) -> bool {
        self.profile.contains_key(name)
    }
}

/// A place as one of these prefixes spells it: one URL can be spelt in several ways.
pub(super) fn spelt<'a>(mut known: impl Iterator<Item = &'a str>, place: Place) -> Place {
    let Place::App(prefix) = &place else { return place };
    let found = known.find(|known| canonical(known) == canonical(prefix)).map(|known| Place::App(known.to_owned()));
    found.unwrap_or(place)
}

/// What is in a file, where there is one.
pub(super) fn text(path: &Path) -> Result<Option<String>, Failure> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::config(format!("the configuration {} cannot be read: {error}", path.display()))),
    }
}

pub(super) fn unusable(path: &Path, reason: &str) -> Failure {
    Failure::config(format!("the configuration {} cannot be used: {reason}", path.display()))
}

/// The one spelling of a URL: its host in lower case, without the scheme's own port and without `..`.
fn canonical(url: &str) -> String {
    Url::parse(url).map_or_else(|_| url.to_owned(), String::from)
}

/// Whether a URL is the prefix, or stands below it: `https://h/hr` holds for `/hr` and `/hr/x`, not for `/hrx`.
fn is_below(url: &str, prefix: &str) -> bool {
    match url.strip_prefix(prefix) {
        Some(rest) => prefix.ends_with('/') || rest.is_empty() || rest.starts_with(['/', '?', '#']),
        None => prefix.strip_suffix('/') == Some(url),
    }
}

/// A variable of the environment; an empty one says nothing.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The user's file, where there is a home for it.
pub(crate) fn user_path(var: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let absolute = |path: String| Some(PathBuf::from(path)).filter(|path| path.is_absolute());
    let home = if cfg!(windows) {
        var("APPDATA").and_then(absolute)
    } else {
        var("XDG_CONFIG_HOME").and_then(absolute).or_else(|| Some(var("HOME").and_then(absolute)?.join(".config")))
    };
    Some(home?.join("entrada").join("config.toml"))
}

/// The system's file, with which an administrator ships the client id.
pub(crate) fn system_path(var: impl Fn(&str) -> Option<String>) -> PathBuf {
    match var("PROGRAMDATA").filter(|_| cfg!(windows)) {
        Some(data) => Path::new(&data).join("entrada").join("config.toml"),
        None => PathBuf::from("/etc/entrada/config.toml"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_wins() {
        let file: File = toml::from_str(
            r#"
            client_id = "top"
            [profile.work]
            client_id = "work"
            [app."https://h/"]
            client_id = "host"
            [app."https://h/hr"]
            client_id = "hr"
            "#,
        )
        .unwrap();
        let first = |url: &str, profile| file.sections(Some(url), profile)[0].1.client_id.clone().unwrap();
        assert_eq!(first("https://h/hr/x", None), "hr");
        assert_eq!(first("https://h/hrx", None), "host");
        assert_eq!(first("https://h", None), "host");
        assert_eq!(first("HTTPS://H:443/hr/x", None), "hr");
        assert_eq!(first("https://h/hr/../payroll", None), "host");
        assert_eq!(first("https://other/", Some("work")), "work");
        assert_eq!(first("https://other/", None), "top");
    }
}
