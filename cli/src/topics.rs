//! What holds for all of the command, told in `--help`, by `entrada help TOPIC` and in the man pages.

use std::fmt::Write as _;

/// One topic: its name, its title, its entries, and what follows them.
pub(crate) struct Topic {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) entries: &'static [(&'static str, &'static str)],
    pub(crate) text: &'static str,
}

pub(crate) const TOPICS: [Topic; 3] = [
    Topic {
        name: "exit-codes",
        title: "Exit codes",
        entries: &[
            ("0", "done"),
            ("1", "other failure"),
            ("2", "usage"),
            ("3", "HTTP 3xx, not followed"),
            ("4", "HTTP 4xx"),
            ("5", "HTTP 5xx"),
            ("6", "too many redirects"),
            ("7", "network, TLS or time-out"),
            ("10", "a sign-in is needed and not allowed"),
            ("11", "refused or cancelled by the user"),
            ("12", "the sign-in timed out"),
            ("13", "tenant policy, consent or assignment"),
            ("14", "the proxy refused the token (audience or scope)"),
            ("15", "configuration or discovery"),
            ("16", "the token store"),
            ("129", "ended by SIGHUP"),
            ("130", "ended by Ctrl-C (SIGINT)"),
            ("143", "ended by SIGTERM"),
        ],
        text: "entrada curl ends as curl does.",
    },
    Topic {
        name: "environment",
        title: "Environment",
        entries: &[
            ("ENTRADA_CLIENT_ID", "as --client-id"),
            ("ENTRADA_TENANT", "as --tenant"),
            ("ENTRADA_AUTHORITY", "as --authority"),
            ("ENTRADA_OIDC", "as --oidc"),
            ("ENTRADA_SCOPE", "as --scope; several are separated by spaces"),
            ("ENTRADA_ACCOUNT", "as --account"),
            ("ENTRADA_CLOUD", "as --cloud"),
            ("ENTRADA_PROFILE", "as --profile"),
            ("ENTRADA_FLOW", "as --flow"),
            ("ENTRADA_NO_INPUT", "1: as --no-input"),
            ("ENTRADA_NO_BROWSER", "1: as --no-browser"),
            ("ENTRADA_SIGN_IN_TIMEOUT", "as --sign-in-timeout"),
            ("ENTRADA_STORE", "as --store"),
            ("ENTRADA_CACHE", "as --cache"),
            ("ENTRADA_CA", "as --ca"),
            ("HTTPS_PROXY, ALL_PROXY", "the proxy to go through"),
            ("NO_PROXY", "hosts that are reached without it"),
            ("SSL_CERT_FILE", "certificate authorities in place of the system's"),
            ("BROWSER", "the program that opens a sign-in's URL"),
            ("NO_COLOR", "no colours"),
            ("XDG_CONFIG_HOME", "where the configuration is, in place of ~/.config"),
        ],
        text: "A flag wins over a variable, that over the configuration.",
    },
    Topic {
        name: "files",
        title: "Files",
        entries: &[
            ("$XDG_CONFIG_HOME/entrada/config.toml", "the user's configuration (~/.config)"),
            ("/etc/entrada/config.toml", "the system's configuration"),
        ],
        text: "Both have client_id, tenant, scope and the like, also in [profile.NAME] and\n\
               [app.\"https://host/path/\"] sections, of which the longest prefix wins.\n\
               The user's file wins over the system's. entrada config shows what holds, and\n\
               changes the user's.",
    },
];

impl Topic {
    /// Title, entries in two columns, and text.
    pub(crate) fn shown(&self) -> String {
        let width = self.entries.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        let numbers = self.entries.iter().all(|(name, _)| name.bytes().all(|byte| byte.is_ascii_digit()));
        let mut out = format!("{}:\n", self.title);
        for (name, what) in self.entries {
            // Writing to a String cannot fail.
            let _ = if numbers {
                writeln!(out, "  {name:>width$} {what}")
            } else {
                writeln!(out, "  {name:width$}  {what}")
            };
        }
        let text: String = self.text.lines().map(|line| format!("\n  {line}")).collect();
        let _ = writeln!(out, "{text}");
        out
    }
}

/// All topics, as `--help` ends.
pub(crate) fn after_help() -> String {
    let all: Vec<String> = TOPICS.iter().map(Topic::shown).collect();
    all.join("\n").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_that_is_read_is_told() {
        let source = include_str!("settings.rs");
        let words = source.split(|c: char| !c.is_ascii_uppercase() && c != '_');
        let read: Vec<&str> = words.filter(|word| word.starts_with("ENTRADA_") && word.len() > 8).collect();
        assert!(read.len() > 14);
        for name in read {
            assert!(TOPICS[1].entries.iter().any(|(told, _)| *told == name), "{name}");
        }
    }

    #[test]
    fn every_exit_code_is_told() {
        let source = include_str!("failure.rs");
        let codes: Vec<&str> = source
            .lines()
            .filter_map(|line| line.strip_prefix("pub(crate) const ")?.split_once(": u8 = ")?.1.strip_suffix(';'))
            .collect();
        assert!(codes.len() > 10);
        for code in codes {
            assert!(TOPICS[0].entries.iter().any(|(told, _)| *told == code), "{code}");
        }
        assert!(TOPICS[0].shown().contains("\n    7 network") && TOPICS[0].shown().contains("\n   16 the token store"));
    }
}
