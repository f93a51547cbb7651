//! Which command opens a browser here, and starting it without a shell and without waiting for it.

mod advice;
mod environment;
mod plan;
mod start;
mod variable;

pub(crate) use advice::advice;
pub use environment::{Environment, Platform};
use plan::Hindrance;
pub(crate) use plan::{Plan, plan};
pub(crate) use start::start;

/// One command that may open a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    /// The program, then its arguments, the URL already among them.
    pub(crate) words: Vec<String>,
}
