//! The report: a line per check as it is made, or all of it as JSON.

use std::io::stdout;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::args::DoctorOutput;
use super::check::{Check, Status};
use crate::answer;
use crate::args::Color;
use crate::columns::prose;
use crate::failure::Failure;
use crate::notice::{is_coloured, painted};

/// The column in which the text begins, after the mark.
const MARGIN: usize = 6;

/// The checks so far.
pub(super) struct Report {
    output: DoctorOutput,
    is_coloured: bool,
    url: Option<String>,
    checks: Vec<Check>,
}

impl Report {
    pub(super) fn new(output: DoctorOutput, color: Color, url: Option<&str>) -> Self {
        let is_coloured = is_coloured(color, &stdout());
        Self { output, is_coloured, url: url.map(String::from), checks: Vec::new() }
    }

    /// Adds a check, and prints it where that is not done at the end.
    pub(super) fn add(&mut self, check: Check) -> Result<(), Failure> {
        if self.output == DoctorOutput::Text {
            answer::print(self.lines(&check).as_bytes())?;
        }
        self.checks.push(check);
        Ok(())
    }

    /// Adds several.
    pub(super) fn add_all(&mut self, checks: impl IntoIterator<Item = Check>) -> Result<(), Failure> {
        checks.into_iter().try_for_each(|check| self.add(check))
    }

    /// Adds several that cannot be made, for one reason, which is printed once.
    pub(super) fn skip(&mut self, names: &[&'static str], why: &str) -> Result<(), Failure> {
        if self.output == DoctorOutput::Text {
            let text = prose(&format!("{}: {why}", names.join(", ")), MARGIN);
            answer::print_line(&format!("{}  {text}", self.mark(Status::Skipped)))?;
        }
        self.checks.extend(names.iter().map(|name| Check::skipped(name, why)));
        Ok(())
    }

    /// Prints what is left to print.
    pub(super) fn finish(self) -> Result<ExitCode, Failure> {
        match self.output {
            DoctorOutput::Json => answer::print_line(&self.as_json().to_string())?,
            DoctorOutput::Text => answer::print_line(&self.summary())?,
        }
        let failed = self.checks.iter().find(|check| check.status == Status::Fail);
        Ok(failed.map_or(ExitCode::SUCCESS, |check| ExitCode::from(check.code)))
    }

    fn lines(&self, check: &Check) -> String {
        let mark = self.mark(check.status);
        // The remedy stays one line, as there may be a command in it to be copied.
        let finding = prose(&format!("{}: {}", check.name, check.finding), MARGIN);
        let mut lines = format!("{mark}  {finding}\n");
        if let Some(remedy) = &check.remedy {
            lines.push_str(&format!("      {} {remedy}\n", painted(self.is_coloured, "help:", "1")));
            lines.push_str(&format!("      {} {}\n", painted(self.is_coloured, "see:", "1"), check.documentation));
        }
        lines
    }

    fn mark(&self, status: Status) -> String {
        let (mark, style) = match status {
            Status::Ok => ("ok", "32"),
            Status::Warn => ("warn", "1;33"),
            Status::Fail => ("fail", "1;31"),
            Status::Skipped => ("-", "2"),
        };
        painted(self.is_coloured, &format!("{mark:4}"), style)
    }

    fn count(&self, status: Status) -> usize {
        self.checks.iter().filter(|check| check.status == status).count()
    }

    fn summary(&self) -> String {
        let counts = Status::ALL.map(|status| format!("{} {}", self.count(status), status.word()));
        format!("{} checks: {}", self.checks.len(), counts.join(", "))
    }

    fn as_json(&self) -> Value {
        let checks: Vec<Value> = self
            .checks
            .iter()
            .map(|check| {
                json!({
                    "name": check.name,
                    "status": check.status.word(),
                    "finding": check.finding,
                    "remedy": check.remedy,
                    "documentation": check.documentation,
                })
            })
            .collect();
        let summary: Value =
            Status::ALL.map(|status| (status.word(), Value::from(self.count(status)))).into_iter().collect();
        json!({ "version": env!("CARGO_PKG_VERSION"), "url": self.url, "checks": checks, "summary": summary })
    }
}
