//! Flags, then `ENTRADA_*`, then the user's configuration, then the system's: the first that says something wins.

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use entrada::Authority;
use serde_json::Value;

use crate::args::{Cloud, Common, Flow, Store};
use crate::config::{self, File, Place, Scopes, Section};
use crate::failure::Failure;

const SIGN_IN_TIMEOUT: Duration = Duration::from_secs(300);

/// What holds for this run.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) client_id: Option<String>,
    pub(crate) authority: Option<Named>,
    pub(crate) cloud: Cloud,
    /// The same where somebody has named it.
    pub(crate) named_cloud: Option<Cloud>,
    pub(crate) scopes: Vec<String>,
    pub(crate) account: Option<String>,
    pub(crate) flow: Flow,
    pub(crate) no_input: bool,
    pub(crate) no_browser: bool,
    pub(crate) sign_in_timeout: Duration,
    pub(crate) store: Store,
    pub(crate) cache: Option<PathBuf>,
    pub(crate) ca: Option<PathBuf>,
    pub(crate) url: Option<String>,
    /// The flags by which to come back to these settings, for the command that is shown to the user.
    pub(crate) flags: Vec<String>,
}

/// How the authority was named.
#[derive(Clone, Debug)]
pub(crate) enum Named {
    Tenant(String),
    Authority(String),
    Oidc(String),
}

/// Who says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Flag,
    Variable,
    File(PathBuf, Place),
}

/// A setting that holds.
#[derive(Debug)]
pub(crate) struct Held {
    /// Its name in a file.
    pub(crate) key: &'static str,
    pub(crate) value: Value,
    pub(crate) source: Source,
}

impl Held {
    /// Where it is made: the flag, the variable, the file and its section.
    pub(crate) fn origin(&self) -> String {
        match &self.source {
            Source::Flag => format!("--{}", self.key.replace('_', "-")),
            Source::Variable => format!("ENTRADA_{}", self.key.to_ascii_uppercase()),
            Source::File(path, place) => format!("{} {place}", path.display()).trim_end().to_owned(),
        }
    }
}

/// What one source says; nothing where it is silent.
#[derive(Debug, Default)]
struct Layer {
    client_id: Option<String>,
    authority: Option<Named>,
    cloud: Option<Cloud>,
    scopes: Option<Vec<String>>,
    account: Option<String>,
    flow: Option<Flow>,
    no_input: Option<bool>,
    no_browser: Option<bool>,
    sign_in_timeout: Option<u64>,
    store: Option<Store>,
    cache: Option<PathBuf>,
    ca: Option<PathBuf>,
}

impl Settings {
    /// From the flags, the environment and the configuration, for a call to this URL.
    pub(crate) fn resolve(common: &Common, url: Option<&str>) -> Result<Self, Failure> {
        Self::from_sources(common, url, config::variable)
    }

    fn from_sources(common: &Common, url: Option<&str>, var: impl Fn(&str) -> Option<String>) -> Result<Self, Failure> {
        let layers = layers(common, url, var)?;
        let merged = layers.into_iter().map(|(_, layer)| layer).reduce(Layer::or).unwrap_or_default();
        Ok(Self::from_layer(merged, common, url))
    }

    /// Which settings are made, and where: a flag, a variable, a file.
    pub(crate) fn held(common: &Common, url: Option<&str>) -> Result<Vec<Held>, Failure> {
        let mut held: Vec<Held> = Vec::new();
        for (source, layer) in layers(common, url, config::variable)? {
            for (key, value) in layer.said() {
                if held.iter().all(|known| !is_one_choice(known.key, key))
                    && let Some(value) = value
                {
                    held.push(Held { key, value, source: source.clone() });
                }
            }
        }
        Ok(held)
    }

    /// From the flags alone.
    pub(crate) fn from_flags(common: &Common, url: Option<&str>) -> Self {
        Self::from_layer(Layer::from_flags(common), common, url)
    }

    fn from_layer(merged: Layer, common: &Common, url: Option<&str>) -> Self {
        Self {
            client_id: merged.client_id,
            authority: merged.authority,
            cloud: merged.cloud.unwrap_or(Cloud::Public),
            named_cloud: merged.cloud,
            scopes: merged.scopes.unwrap_or_default(),
            account: merged.account,
            flow: merged.flow.unwrap_or(Flow::Auto),
            no_input: merged.no_input.unwrap_or(false),
            no_browser: merged.no_browser.unwrap_or(false),
            sign_in_timeout: merged.sign_in_timeout.map_or(SIGN_IN_TIMEOUT, Duration::from_secs),
            store: merged.store.unwrap_or(Store::Auto),
            cache: merged.cache,
            ca: merged.ca,
            url: url.map(String::from),
            flags: flags(common),
        }
    }

    /// Whether these lead to the same token.
    pub(crate) fn means_the_same_token(&self, other: &Self) -> bool {
        let who = |one: &Self| {
            let authority = format!("{:?} {:?}", one.authority, one.cloud);
            (one.client_id.clone(), authority, one.scopes.clone(), one.account.clone(), one.cache.clone())
        };
        who(self) == who(other)
    }

    /// The client id, which has to be known by now.
    pub(crate) fn client_id(&self) -> Result<&str, Failure> {
        self.client_id.as_deref().ok_or_else(|| {
            Failure::config("no client id is given".to_owned()).with_remedy(
                "name the native registration with --client-id, ENTRADA_CLIENT_ID or client_id in the configuration",
            )
        })
    }

    /// The authority, which has to be known by now.
    pub(crate) fn authority(&self) -> Result<Authority, Failure> {
        let authority = match &self.authority {
            Some(Named::Tenant(tenant)) => Authority::tenant(self.cloud.into(), tenant),
            Some(Named::Authority(url)) => Authority::entra(url),
            Some(Named::Oidc(issuer)) => Authority::oidc(issuer),
            None => {
                return Err(Failure::config("no tenant is given".to_owned()).with_remedy(
                    "give the app's URL, which tells it, or name it with --tenant, ENTRADA_TENANT or tenant in the \
                     configuration",
                ));
            }
        };
        Ok(authority?)
    }

    /// The scopes, of which there has to be one by now.
    pub(crate) fn scopes(&self) -> Result<&[String], Failure> {
        if self.scopes.is_empty() {
            return Err(Failure::config("no scope is given".to_owned()).with_remedy(
                "give the app's URL, from which it is learnt, or name it with --scope, as its registration shows it, \
                 such as https://APP.msappproxy.net//user_impersonation",
            ));
        }
        Ok(&self.scopes)
    }
}

/// The names of all settings, as in a file.
pub(crate) fn keys() -> [&'static str; 14] {
    Layer::default().said().map(|(key, _)| key)
}

/// Whether a section says this.
pub(crate) fn says(section: &Section, key: &str) -> Result<bool, Failure> {
    Ok(Layer::from_section(section)?.said().iter().any(|(known, value)| is_one_choice(known, key) && value.is_some()))
}

/// Whether of two settings one holds: of the three ways to name the authority, too.
pub(crate) fn is_one_choice(one: &str, other: &str) -> bool {
    let names_authority = |key: &str| ["tenant", "authority", "oidc"].contains(&key);
    one == other || (names_authority(one) && names_authority(other))
}

/// All sources, the one that wins first.
fn layers(
    common: &Common,
    url: Option<&str>,
    var: impl Fn(&str) -> Option<String>,
) -> Result<Vec<(Source, Layer)>, Failure> {
    let profile = common.profile.clone().or_else(|| var("ENTRADA_PROFILE"));
    let files = [config::user_path(&var), Some(config::system_path(&var))];
    let files = files.into_iter().flatten().map(|path| Ok((File::read(&path)?, path)));
    let files = files.collect::<Result<Vec<_>, Failure>>()?;
    if let Some(name) = profile.as_deref().filter(|name| files.iter().all(|(file, _)| !file.has_profile(name))) {
        return Err(Failure::config(format!("there is no [profile.{name}] in the configuration")));
    }
    let mut layers =
        vec![(Source::Flag, Layer::from_flags(common)), (Source::Variable, Layer::from_environment(&var)?)];
    for (file, path) in &files {
        for (place, section) in file.sections(url, profile.as_deref()) {
            layers.push((Source::File(path.clone(), place), Layer::from_section(section)?));
        }
    }
    Ok(layers)
}

impl From<Cloud> for entrada::Cloud {
    fn from(cloud: Cloud) -> Self {
        match cloud {
            Cloud::Public => Self::Public,
            Cloud::Usgov => Self::UsGov,
            Cloud::China => Self::China,
            Cloud::Bleu => Self::Bleu,
            Cloud::Delos => Self::Delos,
            Cloud::Govsg => Self::GovSg,
        }
    }
}

impl Layer {
    fn from_flags(common: &Common) -> Self {
        let flag = |set: bool| set.then_some(true);
        Self {
            client_id: common.client_id.clone(),
            authority: named(common.tenant.clone(), common.authority.clone(), common.oidc.clone()),
            cloud: common.cloud,
            scopes: Some(common.scope.clone()).filter(|scopes| !scopes.is_empty()),
            account: common.account.clone(),
            flow: common.flow,
            no_input: flag(common.no_input),
            no_browser: flag(common.no_browser),
            sign_in_timeout: common.sign_in_timeout,
            store: common.store,
            cache: common.cache.clone(),
            ca: common.ca.clone(),
        }
    }

    fn from_environment(var: &impl Fn(&str) -> Option<String>) -> Result<Self, Failure> {
        let timeout = var("ENTRADA_SIGN_IN_TIMEOUT").map(|text| {
            text.parse()
                .map_err(|_| Failure::config(format!("ENTRADA_SIGN_IN_TIMEOUT is {text:?}, not a number of seconds")))
        });
        Ok(Self {
            client_id: var("ENTRADA_CLIENT_ID"),
            authority: named(var("ENTRADA_TENANT"), var("ENTRADA_AUTHORITY"), var("ENTRADA_OIDC")),
            cloud: choice("ENTRADA_CLOUD", var("ENTRADA_CLOUD").as_deref())?,
            scopes: var("ENTRADA_SCOPE").map(|text| text.split_whitespace().map(String::from).collect()),
            account: var("ENTRADA_ACCOUNT"),
            flow: choice("ENTRADA_FLOW", var("ENTRADA_FLOW").as_deref())?,
            no_input: switch("ENTRADA_NO_INPUT", var("ENTRADA_NO_INPUT").as_deref())?,
            no_browser: switch("ENTRADA_NO_BROWSER", var("ENTRADA_NO_BROWSER").as_deref())?,
            sign_in_timeout: timeout.transpose()?,
            store: choice("ENTRADA_STORE", var("ENTRADA_STORE").as_deref())?,
            cache: var("ENTRADA_CACHE").map(PathBuf::from),
            ca: var("ENTRADA_CA").map(PathBuf::from),
        })
    }

    fn from_section(section: &Section) -> Result<Self, Failure> {
        let section = section.clone();
        Ok(Self {
            client_id: section.client_id,
            authority: named(section.tenant, section.authority, section.oidc),
            cloud: choice("cloud", section.cloud.as_deref())?,
            scopes: section.scope.map(|scopes| match scopes {
                Scopes::One(scope) => vec![scope],
                Scopes::Several(scopes) => scopes,
            }),
            account: section.account,
            flow: choice("flow", section.flow.as_deref())?,
            no_input: section.no_input,
            no_browser: section.no_browser,
            sign_in_timeout: section.sign_in_timeout,
            store: choice("store", section.store.as_deref())?,
            cache: section.cache,
            ca: section.ca,
        })
    }

    /// What it says, and of what it is silent, by the names in a file.
    fn said(&self) -> [(&'static str, Option<Value>); 14] {
        let [mut tenant, mut authority, mut oidc] = [None, None, None];
        match &self.authority {
            Some(Named::Tenant(name)) => tenant = Some(name.as_str().into()),
            Some(Named::Authority(url)) => authority = Some(url.as_str().into()),
            Some(Named::Oidc(issuer)) => oidc = Some(issuer.as_str().into()),
            None => {}
        }
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.to_string_lossy().into());
        [
            ("client_id", self.client_id.clone().map(Value::from)),
            ("tenant", tenant),
            ("authority", authority),
            ("oidc", oidc),
            ("cloud", chosen(self.cloud).map(Value::from)),
            ("scope", self.scopes.clone().map(Value::from)),
            ("account", self.account.clone().map(Value::from)),
            ("flow", chosen(self.flow).map(Value::from)),
            ("no_input", self.no_input.map(Value::from)),
            ("no_browser", self.no_browser.map(Value::from)),
            ("sign_in_timeout", self.sign_in_timeout.map(Value::from)),
            ("store", chosen(self.store).map(Value::from)),
            ("cache", path(&self.cache)),
            ("ca", path(&self.ca)),
        ]
    }

    fn or(self, less: Self) -> Self {
        Self {
            client_id: self.client_id.or(less.client_id),
            authority: self.authority.or(less.authority),
            cloud: self.cloud.or(less.cloud),
            scopes: self.scopes.or(less.scopes),
            account: self.account.or(less.account),
            flow: self.flow.or(less.flow),
            no_input: self.no_input.or(less.no_input),
            no_browser: self.no_browser.or(less.no_browser),
            sign_in_timeout: self.sign_in_timeout.or(less.sign_in_timeout),
            store: self.store.or(less.store),
            cache: self.cache.or(less.cache),
            ca: self.ca.or(less.ca),
        }
    }
}

/// Within one source, the most particular way to name the authority counts.
fn named(tenant: Option<String>, authority: Option<String>, oidc: Option<String>) -> Option<Named> {
    oidc.map(Named::Oidc).or(authority.map(Named::Authority)).or(tenant.map(Named::Tenant))
}

fn choice<T: ValueEnum>(name: &str, text: Option<&str>) -> Result<Option<T>, Failure> {
    let Some(text) = text else { return Ok(None) };
    T::from_str(text, true).map(Some).map_err(|_| {
        let values: Vec<String> = T::value_variants()
            .iter()
            .filter_map(|variant| Some(variant.to_possible_value()?.get_name().to_owned()))
            .collect();
        Failure::config(format!("{name} is {text:?}; it can be {}", values.join(", ")))
    })
}

fn switch(name: &str, text: Option<&str>) -> Result<Option<bool>, Failure> {
    match text {
        None => Ok(None),
        Some("1" | "true" | "yes" | "on") => Ok(Some(true)),
        Some("0" | "false" | "no" | "off") => Ok(Some(false)),
        Some(other) => Err(Failure::config(format!("{name} is {other:?}; it can be 1 or 0"))),
    }
}

/// The identity as it was given by flags, to be shown in a command that the user can run.
fn flags(common: &Common) -> Vec<String> {
    let mut flags = Vec::new();
    let mut push = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            flags.extend([name.to_owned(), quoted(value)]);
        }
    };
    push("--client-id", common.client_id.as_deref());
    push("--tenant", common.tenant.as_deref());
    push("--authority", common.authority.as_deref());
    push("--oidc", common.oidc.as_deref());
    for scope in &common.scope {
        push("--scope", Some(scope));
    }
    push("--account", common.account.as_deref());
    push("--cloud", chosen(common.cloud).as_deref());
    push("--flow", chosen(common.flow).as_deref());
    push("--store", chosen(common.store).as_deref());
    push("--profile", common.profile.as_deref());
    push("--cache", common.cache.as_deref().and_then(|path| path.to_str()));
    push("--ca", common.ca.as_deref().and_then(|path| path.to_str()));
    flags
}

/// A choice as it is typed.
fn chosen(value: Option<impl ValueEnum>) -> Option<String> {
    Some(value?.to_possible_value()?.get_name().to_owned())
}

/// As a POSIX shell takes it.
pub(crate) fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@=,+%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::Cli;

    fn resolve(flags: &[&str], variables: &[(&str, &str)]) -> Result<Settings, Failure> {
        let cli = Cli::parse_from(["entrada", "accounts"].iter().chain(flags));
        Settings::from_sources(&cli.common, Some("https://h/x"), |name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn flag_then_variable_then_user_file() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("entrada");
        std::fs::create_dir(&folder).unwrap();
        let config = "client_id = \"file\"\ntenant = \"file.example\"\nscope = \"https://h//x\"\n[app.\"https://h/\"]\naccount = \"ada\"";
        std::fs::write(folder.join("config.toml"), config).unwrap();
        let base = ("XDG_CONFIG_HOME", home.path().to_str().unwrap());

        let from_file = resolve(&[], &[base]).unwrap();
        assert_eq!(from_file.client_id().unwrap(), "file");
        assert_eq!((from_file.scopes[0].as_str(), from_file.account.as_deref()), ("https://h//x", Some("ada")));
        let from_variable = resolve(&[], &[base, ("ENTRADA_CLIENT_ID", "variable")]).unwrap();
        assert_eq!(from_variable.client_id().unwrap(), "variable");
        let from_flag =
            resolve(&["--client-id", "flag", "--oidc", "https://id"], &[base, ("ENTRADA_CLIENT_ID", "variable")]);
        let from_flag = from_flag.unwrap();
        assert_eq!(from_flag.client_id().unwrap(), "flag");
        assert!(matches!(from_flag.authority, Some(Named::Oidc(_))), "a flag's authority hides a file's tenant");
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("entrada");
        std::fs::create_dir(&folder).unwrap();
        let base = ("XDG_CONFIG_HOME", home.path().to_str().unwrap());
        for (config, word) in [
            ("clientid = \"x\"", "clientid"),
            ("tenant = 5", "tenant"),
            ("[", "config.toml"),
            ("flow = \"fax\"", "fax"),
        ] {
            std::fs::write(folder.join("config.toml"), config).unwrap();
            let failure = resolve(&[], &[base]).unwrap_err();
            assert_eq!(failure.code, 15);
            assert!(failure.message.contains(word), "{}", failure.message);
        }
        assert_eq!(resolve(&["--profile", "nowhere"], &[]).unwrap_err().code, 15);
        assert_eq!(resolve(&[], &[("ENTRADA_NO_INPUT", "perhaps")]).unwrap_err().code, 15);
    }

    #[test]
    fn a_command_is_shown_as_a_shell_takes_it() {
        assert_eq!(quoted("https://h//user_impersonation"), "https://h//user_impersonation");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
