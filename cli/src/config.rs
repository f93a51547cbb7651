//! The configuration files: the user's, then the system's.

use std::collections::BTreeMap;
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
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => {
                return Err(Failure::config(format!("the configuration {} cannot be read: {error}", path.display())));
            }
        };
        let unusable =
            |reason: String| Failure::config(format!("the configuration {} cannot be used: {reason}", path.display()));
        let file: Self = toml::from_str(&text).map_err(|error| unusable(error.to_string().trim().to_owned()))?;
        let sections = [&file.all].into_iter().chain(file.profile.values()).chain(file.app.values());
        let unknown = sections.flat_map(|section| section.unknown.keys()).next().cloned();
        match unknown {
            Some(key) => Err(unusable(format!("there is no setting {key:?}"))),
            None => Ok(file),
        }
    }

    /// The sections that hold for a URL and a profile, the most specific first.
    pub(crate) fn sections(&self, url: Option<&str>, profile: Option<&str>) -> Vec<&Section> {
        let app = url.and_then(|url| {
            let url = canonical(url);
            let prefixes = self.app.iter().map(|(prefix, section)| (canonical(prefix), section));
            let fitting = prefixes.filter(|(prefix, _)| is_below(&url, prefix));
            fitting.max_by_key(|(prefix, _)| prefix.len()).map(|(_, section)| section)
        });
        let profile = profile.and_then(|name| self.profile.get(name));
        app.into_iter().chain(profile).chain([&self.all]).collect()
    }

    pub(crate) fn has_profile(&self, name: &str) -> bool {
        self.profile.contains_key(name)
    }
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
        let first = |url: &str, profile| file.sections(Some(url), profile)[0].client_id.clone().unwrap();
        assert_eq!(first("https://h/hr/x", None), "hr");
        assert_eq!(first("https://h/hrx", None), "host");
        assert_eq!(first("https://h", None), "host");
        assert_eq!(first("HTTPS://H:443/hr/x", None), "hr");
        assert_eq!(first("https://h/hr/../payroll", None), "host");
        assert_eq!(first("https://other/", Some("work")), "work");
        assert_eq!(first("https://other/", None), "top");
    }
}
