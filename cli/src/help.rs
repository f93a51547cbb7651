//! `entrada help`, of a command or of a topic.

use std::process::ExitCode;

use clap::{Args, CommandFactory};

use crate::answer;
use crate::args::Cli;
use crate::failure::Failure;
use crate::topics::TOPICS;

#[derive(Debug, Args)]
pub(crate) struct Help {
    /// A command, or a topic: exit-codes, environment or files
    #[arg(value_name = "COMMAND OR TOPIC")]
    pub(crate) subject: Vec<String>,
}

pub(crate) fn run(help: &Help) -> Result<ExitCode, Failure> {
    if let [name] = help.subject.as_slice()
        && let Some(topic) = TOPICS.iter().find(|topic| topic.name == name)
    {
        answer::print(topic.shown().as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut command = Cli::command();
    command.build();
    let mut found = &mut command;
    for name in &help.subject {
        found = found.find_subcommand_mut(name).ok_or_else(|| {
            Failure::usage(format!("there is no command and no topic {name:?}")).with_remedy("see entrada --help")
        })?;
    }
    answer::print_line(found.render_long_help().to_string().trim_end())?;
    Ok(ExitCode::SUCCESS)
}
