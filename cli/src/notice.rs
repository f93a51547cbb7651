//! What is said on standard error: notices, warnings, the failure.

use std::io::{IsTerminal, Write, stderr};

use entrada::{Token, TokenSource};

use crate::args::Color;
use crate::aside::ASIDE;
use crate::failure::Failure;

/// How to speak.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Notice {
    quiet: bool,
    pub(crate) verbosity: u8,
    color: bool,
}

impl Notice {
    pub(crate) fn new(quiet: bool, verbosity: u8, color: Color) -> Self {
        Self { quiet, verbosity, color: is_coloured(color, &stderr()) }
    }

    /// Whether nothing but errors is to be said.
    pub(crate) fn is_quiet(self) -> bool {
        self.quiet
    }

    /// Something worth knowing.
    pub(crate) fn say(self, text: &str) {
        if !self.quiet {
            self.line(text);
        }
    }

    /// Something only the curious want to know.
    pub(crate) fn detail(self, text: &str) {
        if self.verbosity > 0 {
            self.line(text);
        }
    }

    /// Something that did not go as it should.
    pub(crate) fn warn(self, text: &str) {
        if !self.quiet {
            self.line(&format!("{} {text}", self.painted("warning:", "1;33")));
        }
    }

    /// A token's warnings, and where it came from.
    pub(crate) fn token(self, token: &Token) {
        for warning in &token.warnings {
            self.warn(&warning.to_string());
        }
        self.detail(match token.source {
            TokenSource::Cache => "token: from the cache",
            TokenSource::Refresh => "token: refreshed",
            _ => "token: from a sign-in",
        });
    }

    /// The failure, as a sentence or as one line of JSON.
    pub(crate) fn failure(self, failure: &Failure, as_json: bool) {
        for warning in &failure.warnings {
            self.warn(warning);
        }
        if as_json {
            let error = serde_json::json!({"error": {
                "code": failure.code,
                "kind": failure.kind,
                "aadsts": failure.aadsts,
                "message": failure.message,
                "remedy": failure.remedy,
                "correlation_id": failure.correlation_id,
            }});
            return self.line(&error.to_string());
        }
        self.line(&format!("{} {}", self.painted("error:", "1;31"), failure.message));
        if let Some(remedy) = &failure.remedy {
            self.line(&format!("  {} {remedy}", self.painted("help:", "1")));
        }
    }

    fn painted(self, text: &str, style: &str) -> String {
        painted(self.color, text, style)
    }

    /// One whole line in one write; that nobody reads it is no failure.
    pub(crate) fn line(self, text: &str) {
        if let Err(line) = ASIDE.take(format!("{text}\n")) {
            let _ = stderr().write_all(line.as_bytes());
        }
    }
}

/// Whether what goes there is coloured.
pub(crate) fn is_coloured(color: Color, to: &impl IsTerminal) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        // https://no-color.org
        Color::Auto => to.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    }
}

/// Text in a style of the terminal's, where it is coloured.
pub(crate) fn painted(is_coloured: bool, text: &str, style: &str) -> String {
    if is_coloured { format!("\x1b[{style}m{text}\x1b[0m") } else { text.to_owned() }
}
