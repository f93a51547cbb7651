//! `entrada completions`.

use std::process::ExitCode;

use clap::CommandFactory;

use crate::answer;
use crate::args::{Cli, Completions};
use crate::failure::Failure;

pub(crate) fn run(completions: &Completions) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(completions.shell, &mut Cli::command(), "entrada", &mut script);
    answer::print(&script)?;
    Ok(ExitCode::SUCCESS)
}
