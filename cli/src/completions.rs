//! `entrada completions`.

use std::process::ExitCode;

use clap::builder::PossibleValuesParser;
use clap::{Command, CommandFactory};

use crate::answer;
use crate::args::{Cli, Completions};
use crate::failure::Failure;
use crate::topics::TOPICS;

pub(crate) fn run(completions: &Completions) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(completions.shell, &mut with_subjects(Cli::command()), "entrada", &mut script);
    answer::print(&script)?;
    Ok(ExitCode::SUCCESS)
}

/// With all that help can be asked for.
fn with_subjects(command: Command) -> Command {
    // Without clap's feature for owned names they have to stay, which they may in a process that ends at once.
    let names = command.get_subcommands().map(|command| &*command.get_name().to_owned().leak());
    let names: Vec<&'static str> = names.chain(TOPICS.iter().map(|topic| topic.name)).collect();
    command.mut_subcommand("help", |help| {
        help.mut_arg("subject", |subject| subject.value_parser(PossibleValuesParser::new(names)))
    })
}
