//! What decides how a browser is opened, gathered in one place so that the decision is a pure function.

use std::env;
use std::path::Path;

/// The kind of system, as far as opening a browser goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Platform {
    /// Linux, the BSDs and other systems with freedesktop.org's tools.
    #[default]
    Freedesktop,
    /// Linux under Windows (WSL): the browser is the one of Windows.
    Wsl,
    /// macOS.
    Mac,
    /// Windows.
    Windows,
}

/// What of the process's surroundings decides how a browser is opened.
///
/// [`Environment::current`] reads it from this process; a test, or a program that knows better, starts
/// with the default and sets the fields:
///
/// ```
/// use entrada_browser_system::{Environment, SystemBrowser};
///
/// let mut environment = Environment::default();
/// environment.browser = Some("firefox --new-window %s:chromium".into());
/// let browser = SystemBrowser::builder().environment(environment).build()?;
/// assert!(browser.can_open());
/// # Ok::<(), entrada_core::ports::AdapterError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Environment {
    /// The kind of system.
    pub platform: Platform,
    /// `$BROWSER`: commands separated by colons (on Windows by semicolons), the first that works counts.
    pub browser: Option<String>,
    /// Whether there is a screen: `$DISPLAY` or `$WAYLAND_DISPLAY` is set. Asked on [`Platform::Freedesktop`] only.
    pub display: bool,
    /// Whether the user sits at another machine: `$SSH_CONNECTION` or `$SSH_TTY` is set.
    pub ssh: bool,
    /// Whether this is somebody else's session: `$SUDO_USER` is set.
    pub sudo: bool,
    /// Whether this is a container, which has ports of its own: `/.dockerenv` or `/run/.containerenv` is there, or one
    /// of `$container`, `$KUBERNETES_SERVICE_HOST`, `$REMOTE_CONTAINERS` and `$CODESPACES` is set.
    pub container: bool,
}

impl Environment {
    /// Reads it from this process.
    pub fn current() -> Self {
        let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
        let container = is_container(is_set);
        Self {
            platform: platform(container),
            browser: env::var_os("BROWSER").map(|value| value.to_string_lossy().into_owned()),
            display: is_set("DISPLAY") || is_set("WAYLAND_DISPLAY"),
            ssh: is_set("SSH_CONNECTION") || is_set("SSH_TTY"),
            sudo: is_set("SUDO_USER"),
            container,
        }
    }
}

/// Docker and Podman leave a file behind; Podman, LXC and systemd's own set `$container`, the others a name of theirs.
fn is_container(is_set: impl Fn(&str) -> bool) -> bool {
    ["/.dockerenv", "/run/.containerenv"].iter().any(|path| Path::new(path).exists())
        || ["container", "KUBERNETES_SERVICE_HOST", "REMOTE_CONTAINERS", "CODESPACES"].into_iter().any(is_set)
}

fn platform(container: bool) -> Platform {
    if cfg!(windows) {
        Platform::Windows
    } else if cfg!(target_os = "macos") {
        Platform::Mac
    } else if cfg!(target_os = "linux") && !container && is_wsl() {
        Platform::Wsl
    } else {
        Platform::Freedesktop
    }
}

/// The kernel that Microsoft builds names it in its release, as in `5.15.167.4-microsoft-standard-WSL2`. Containers
/// under Windows run on it too, without a way to start anything there.
fn is_wsl() -> bool {
    std::fs::read_to_string("/proc/sys/kernel/osrelease")
        .is_ok_and(|release| release.to_ascii_lowercase().contains("microsoft"))
}
