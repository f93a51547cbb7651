//! Which command opens a browser here, and starting it without a shell and without waiting for it.

mod environment;
mod plan;
mod start;
mod variable;

pub use environment::{Environment, Platform};
pub(crate) use plan::{Hindrance, Plan, plan};
pub(crate) use start::start;

/// One command that may open a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    /// The program, then its arguments, the URL already among them.
    pub(crate) words: Vec<String>,
    /// Whether its exit code means something; that of `explorer.exe` is 1 when all went well.
    pub(crate) tells_success: bool,
}
