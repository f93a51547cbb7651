//! `entrada man`: the manual pages, from the one definition of the arguments.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::Resettable;
use clap::{Args, Command, CommandFactory, ValueHint};
use clap_mangen::Man as Page;

use crate::answer;
use crate::args::Cli;
use crate::failure::{Failure, OTHER};
use crate::topics::TOPICS;

#[derive(Debug, Args)]
pub(crate) struct Man {
    /// Folder to write all pages to; without it the main one is printed
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) dir: Option<PathBuf>,
}

pub(crate) fn run(man: &Man) -> Result<ExitCode, Failure> {
    let mut command = Cli::command().after_help(Resettable::Reset);
    command.build();
    let main = main_page(&page(&command)).map_err(|error| not_made(&error))?;
    let Some(dir) = &man.dir else {
        answer::print(&main)?;
        return Ok(ExitCode::SUCCESS);
    };
    let mut pages = vec![("entrada.1".to_owned(), main)];
    below(&command, &mut pages).map_err(|error| not_made(&error))?;
    let failed = |error: io::Error| Failure::output(&dir.display().to_string(), &error);
    fs::create_dir_all(dir).map_err(failed)?;
    for (name, text) in pages {
        fs::write(dir.join(name), text).map_err(failed)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The pages of the commands of a command, and of those below them.
fn below(command: &Command, pages: &mut Vec<(String, Vec<u8>)>) -> io::Result<()> {
    for command in command.get_subcommands().filter(|command| !command.is_hide_set()) {
        let page = page(command);
        pages.push((page.get_filename(), rendered(&page)?));
        below(command, pages)?;
    }
    Ok(())
}

fn page(command: &Command) -> Page {
    Page::new(command.clone()).manual("entrada").source(concat!("entrada ", env!("CARGO_PKG_VERSION")))
}

fn rendered(page: &Page) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    page.render(&mut text)?;
    Ok(text)
}

/// With what holds for all commands, each topic as a section of its own.
fn main_page(page: &Page) -> io::Result<Vec<u8>> {
    let mut text = String::from_utf8(rendered(page)?).map_err(io::Error::other)?;
    for topic in &TOPICS {
        text.push_str(&format!(".SH \"{}\"\n", topic.title.to_uppercase()));
        for (name, what) in topic.entries {
            text.push_str(&format!(".TP\n\\fB{}\\fR\n{}\n", plain(name), plain(what)));
        }
        text.push_str(&format!(".PP\n{}\n", plain(&topic.text.replace('\n', " "))));
    }
    Ok(text.into_bytes())
}

/// Text that roff takes as it stands.
fn plain(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

fn not_made(error: &io::Error) -> Failure {
    Failure::new(OTHER, "output", format!("a manual page cannot be made: {error}"))
}
