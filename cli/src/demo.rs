//! `entrada demo`.
use std::process::ExitCode;

use crate::args::Demo;
use crate::failure::Failure;
use crate::notice::Notice;

pub(crate) fn run(_demo: &Demo, _notice: Notice) -> Result<ExitCode, Failure> {
    Ok(ExitCode::SUCCESS)
}
