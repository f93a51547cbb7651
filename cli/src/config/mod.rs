//! `entrada config`: which settings hold and who makes them, and the user's file changed with care.
//!
//! What a file may say is known to the code that reads it alone: the names come from there, and each value is read by it
//! before it is written.

mod edit;
mod file;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand, ValueEnum, ValueHint};
use entrada::protocol::AppCall;
use entrada::words::clean;
use serde_json::{Value, json};
use url::Url;

pub(crate) use self::file::{File, Place, Scopes, Section, system_path, user_path, variable};

use crate::answer;
use crate::args::Common;
use crate::failure::{Failure, OTHER};
use crate::notice::Notice;
use crate::settings::{self, Held, Settings, Source};

#[derive(Debug, Args)]
pub(crate) struct Config {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print the value of a setting that holds; exit 1 where nothing is set
    Get(Get),
    /// Write a setting to the user's file
    Set(Set),
    /// Take a setting out of the user's file
    Unset(Unset),
    /// Print where the user's file is, or would be
    Path(Location),
    /// Print every setting that holds, and which flag, variable or file makes it
    List(List),
}

#[derive(Debug, Args)]
pub(crate) struct App {
    /// Section [app."URL"]: for a call to this URL, or to be changed
    #[arg(long = "app", value_name = "URL", value_hint = ValueHint::Url)]
    url: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Get {
    /// Its name, as in the file
    #[arg(value_parser = PossibleValuesParser::new(settings::keys()))]
    key: String,
    #[command(flatten)]
    app: App,
}

#[derive(Debug, Args)]
pub(crate) struct Set {
    /// Its name, as in the file
    #[arg(value_parser = PossibleValuesParser::new(settings::keys()))]
    key: String,
    /// What it shall be; scope takes several
    #[arg(required = true, value_name = "VALUE", allow_negative_numbers = true)]
    values: Vec<String>,
    #[command(flatten)]
    app: App,
}

#[derive(Debug, Args)]
pub(crate) struct Unset {
    /// Its name, as in the file
    #[arg(value_parser = PossibleValuesParser::new(settings::keys()))]
    key: String,
    #[command(flatten)]
    app: App,
}

#[derive(Debug, Args)]
pub(crate) struct Location {
    /// The system's file, which an administrator writes
    #[arg(long)]
    system: bool,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// How to print them
    #[arg(long, value_enum, default_value_t = ListOutput::Table)]
    output: ListOutput,
    #[command(flatten)]
    app: App,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListOutput {
    Table,
    Json,
}

pub(crate) fn run(config: &Config, common: &Common, notice: Notice) -> Result<ExitCode, Failure> {
    match &config.command {
        ConfigCommand::Get(get) => {
            let held = Settings::held(common, get.app.url()?.as_ref().map(Url::as_str))?;
            let found = held.iter().find(|one| one.key == get.key);
            let none = || Failure::new(OTHER, "not_set", format!("{} is not set", get.key));
            let found = found.ok_or_else(|| none().with_remedy("see what is: entrada config list"))?;
            answer::print_line(&shown(&found.value, "\n"))?;
        }
        ConfigCommand::Set(set) => {
            let path = users_file()?;
            let place = set.app.place(common)?;
            self::set(set, &path, place, common, notice)?;
        }
        ConfigCommand::Unset(unset) => {
            let path = users_file()?;
            let place = unset.app.place(common)?;
            // Where there is no file, nothing is made beside it.
            let _lock = if path.exists() { edit::locked(&path)? } else { None };
            let text = file::text(&path)?.unwrap_or_default();
            let (changed, place) = edit::unset(&path, &text, place, &unset.key)?;
            let at = format!("{} {place}", path.display());
            match changed {
                Some(text) => {
                    edit::save(&path, &text)?;
                    notice.say(&format!("Took {} out of {}.", unset.key, at.trim_end()));
                }
                None => notice.say(&format!("{} is not set in {}.", unset.key, at.trim_end())),
            }
        }
        ConfigCommand::Path(location) => {
            let path = if location.system { system_path(variable) } else { users_file()? };
            answer::print_line(&path.display().to_string())?;
        }
        ConfigCommand::List(list) => {
            let mut held = Settings::held(common, list.app.url()?.as_ref().map(Url::as_str))?;
            held.sort_by_key(|one| settings::keys().iter().position(|key| *key == one.key));
            self::list(&held, list.output, notice)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn set(set: &Set, path: &Path, place: Place, common: &Common, notice: Notice) -> Result<(), Failure> {
    let value = edit::value(&set.key, &set.values)?;
    let lock = edit::locked(path)?;
    let text = file::text(path)?.unwrap_or_default();
    // One that cannot be used is left as it is.
    File::from_text(path, &text)?;
    let (text, place) = edit::set(path, &text, place, &set.key, &value)?;
    let file = File::from_text(path, &text)?;
    edit::save(path, &text)?;
    drop(lock);
    let at = format!("{} {place}", path.display());
    notice.say(&format!("Set {} = {value} in {}.", set.key, at.trim_end()));

    let mut winner = None;
    match Settings::held(common, set.app.url()?.as_ref().map(Url::as_str)) {
        Ok(held) => {
            let found = held.into_iter().find(|one| settings::is_one_choice(one.key, &set.key));
            let is_other =
                |one: &Held| one.key != set.key || one.source != Source::File(path.to_owned(), place.clone());
            if let Some(one) = found.filter(is_other) {
                notice.warn(&format!("{} by {} wins over it", one.key, one.origin()));
                winner = Some(one.source);
            }
        }
        Err(failure) => notice.warn(&failure.message),
    }
    for (nearer, section) in file.nearer(&place) {
        if settings::says(section, &set.key)? && winner != Some(Source::File(path.to_owned(), nearer.clone())) {
            notice.warn(&format!("{nearer} has its own, which wins where that section holds"));
        }
    }
    Ok(())
}

impl App {
    /// The app as calls name it.
    fn url(&self) -> Result<Option<Url>, Failure> {
        let Some(url) = &self.url else { return Ok(None) };
        let call = AppCall::new(url).map_err(|error| Failure::usage(error.to_string()))?;
        Url::parse(call.url()).map(Some).map_err(|error| Failure::usage(error.to_string()))
    }

    /// The section that is to be changed. A profile that a variable names is for calls: it moves nothing that is written.
    fn place(&self, common: &Common) -> Result<Place, Failure> {
        match (self.url()?, &common.profile) {
            (Some(_), Some(_)) => Err(Failure::usage("a section is a profile's or an app's".to_owned())
                .with_remedy("give --profile or --app, not both")),
            (Some(url), None) if url.query().is_some() || url.fragment().is_some() => {
                Err(Failure::usage("the URL of a section has no query and no fragment".to_owned())
                    .with_remedy("give what all of the app's URLs begin with"))
            }
            (Some(url), None) => Ok(Place::App(url.into())),
            (None, Some(name)) => Ok(Place::Profile(name.clone())),
            (None, None) => Ok(Place::All),
        }
    }
}

fn users_file() -> Result<PathBuf, Failure> {
    user_path(variable).ok_or_else(|| {
        Failure::config("there is no home directory for the user's configuration".to_owned())
            .with_remedy("set HOME, or XDG_CONFIG_HOME, to a folder by its whole path")
    })
}

fn list(held: &[Held], output: ListOutput, notice: Notice) -> Result<(), Failure> {
    let files = [("user", user_path(variable)), ("system", Some(system_path(variable)))];
    let files: Vec<(&str, PathBuf)> = files.into_iter().filter_map(|(owner, path)| Some((owner, path?))).collect();
    if output == ListOutput::Json {
        let settings: Vec<Value> = held.iter().map(|one| as_json(one, &files)).collect();
        let files: Vec<Value> = files
            .iter()
            .map(|(owner, path)| json!({"owner": owner, "path": path.display().to_string(), "exists": path.exists()}))
            .collect();
        return answer::print_line(&json!({"settings": settings, "files": files}).to_string());
    }
    for (owner, path) in &files {
        let missing = if path.exists() { "" } else { " (there is none)" };
        notice.say(&format!("The {owner}'s file: {}{missing}", path.display()));
    }
    answer::print(table(held).as_bytes())
}

fn as_json(held: &Held, files: &[(&str, PathBuf)]) -> Value {
    let (source, origin, section) = match &held.source {
        Source::Flag => ("flag", held.origin(), None),
        Source::Variable => ("variable", held.origin(), None),
        Source::File(path, place) => {
            let owner = files.iter().find(|(_, known)| known == path).map_or("system", |(owner, _)| owner);
            (owner, path.display().to_string(), Some(place.to_string()).filter(|heading| !heading.is_empty()))
        }
    };
    json!({"key": held.key, "value": held.value, "source": source, "origin": origin, "section": section})
}

/// Columns as wide as their widest cell; nothing at all where nothing is set.
fn table(held: &[Held]) -> String {
    if held.is_empty() {
        return String::new();
    }
    let heading = ["KEY", "VALUE", "FROM"].map(String::from);
    let rows = held.iter().map(|one| [one.key.to_owned(), clean(&shown(&one.value, " ")), clean(&one.origin())]);
    let rows: Vec<[String; 3]> = [heading].into_iter().chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let [one, two] = [width(0), width(1)];
    rows.iter().fold(String::new(), |text, [key, value, from]| text + &format!("{key:one$}  {value:two$}  {from}\n"))
}

/// A value as it is typed; those of a list with this between them.
fn shown(value: &Value, between: &str) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(|value| shown(value, between)).collect::<Vec<_>>().join(between),
        other => other.to_string(),
    }
}
