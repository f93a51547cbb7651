//! Where the tokens are kept unless told otherwise: a function of the environment and nothing else.

use std::ffi::OsString;
use std::path::PathBuf;

/// The kinds of system that disagree about it.
#[derive(Clone, Copy)]
pub(crate) enum System {
    Unix,
    MacOs,
    Windows,
}

impl System {
    pub(crate) fn this() -> Self {
        if cfg!(windows) {
            Self::Windows
        } else if cfg!(target_os = "macos") {
            Self::MacOs
        } else {
            Self::Unix
        }
    }
}

/// Tokens are state: neither configuration, nor a cache that anybody may empty without a sign-in.
pub(crate) fn default_path(system: System, variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    // An empty or relative path would depend on where the program is started (XDG says: ignore it).
    let folder = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.has_root());
    let base = match system {
        System::Unix => folder("XDG_STATE_HOME").or_else(|| Some(folder("HOME")?.join(".local").join("state")))?,
        System::MacOs => folder("HOME")?.join("Library").join("Application Support"),
        System::Windows => variable("LOCALAPPDATA").filter(|path| !path.is_empty()).map(PathBuf::from)?,
    };
    Some(base.join("entrada").join("tokens.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(system: System, variables: &[(&str, &str)]) -> Option<PathBuf> {
        default_path(system, |name| {
            variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn unix_follows_xdg() {
        let home = ("HOME", "/home/ana");
        let state = |value| [("XDG_STATE_HOME", value), home];
        let usual = Some(PathBuf::from("/home/ana/.local/state/entrada/tokens.json"));
        assert_eq!(path(System::Unix, &state("/var/ana")), Some("/var/ana/entrada/tokens.json".into()));
        assert_eq!(path(System::Unix, &[home]), usual);
        assert_eq!(path(System::Unix, &state("")), usual);
        assert_eq!(path(System::Unix, &state("relative/state")), usual);
        assert_eq!(path(System::Unix, &[]), None);
        assert_eq!(path(System::Unix, &[("HOME", "")]), None);
    }

    #[test]
    fn macos_and_windows_have_their_own_places() {
        let mac = path(System::MacOs, &[("HOME", "/Users/ana"), ("XDG_STATE_HOME", "/x")]);
        assert_eq!(mac, Some("/Users/ana/Library/Application Support/entrada/tokens.json".into()));
        let windows = path(System::Windows, &[("LOCALAPPDATA", "/appdata/local"), ("HOME", "/h")]);
        assert_eq!(windows, Some("/appdata/local/entrada/tokens.json".into()));
        assert_eq!(path(System::Windows, &[("HOME", "/h"), ("LOCALAPPDATA", "")]), None);
    }
}
