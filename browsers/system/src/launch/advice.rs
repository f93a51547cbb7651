//! What the user can do where no browser is started, or where one may not reach this port.

use super::{Environment, Hindrance, Plan, Platform};

/// The ways in that need no port of this machine.
const OTHER_WAYS: &str = "sign in with a user code (--flow device) or by pasting the redirect (--flow paste)";

/// One sentence, or none where all goes by itself. `plan` is `None` where the user opens the URL; `port` is where the
/// redirect goes.
pub(crate) fn advice(environment: &Environment, plan: Option<&Plan>, port: Option<u16>) -> Option<String> {
    let remote = Remote::of(environment, plan);
    match (plan, remote, port) {
        (Some(Plan::Nothing(Hindrance::Sudo)), ..) => Some("Open the URL as yourself.".to_owned()),
        (Some(Plan::Start(_)), Some(remote), Some(port)) => {
            let (_, how) = remote.forwarding(port);
            Some(format!("If it cannot reach localhost:{port} at the end, {how}, or {OTHER_WAYS}."))
        }
        (_, Some(Remote::Ssh | Remote::Container), None) => Some(format!("Better {OTHER_WAYS}.")),
        (_, Some(remote @ (Remote::Ssh | Remote::Container)), Some(port)) => {
            let (place, how) = remote.forwarding(port);
            Some(format!("The redirect goes to port {port} of this {place}: {how}, or {OTHER_WAYS}."))
        }
        (Some(Plan::Nothing(_)), ..) => Some(format!("Without a browser here, {OTHER_WAYS}.")),
        _ => None,
    }
}

/// A browser that has another localhost than this process.
#[derive(Clone, Copy)]
enum Remote {
    Ssh,
    Container,
    Wsl,
}

impl Remote {
    fn of(environment: &Environment, plan: Option<&Plan>) -> Option<Self> {
        let is_chosen = environment.browser.as_deref().is_some_and(|value| !value.is_empty());
        match environment {
            Environment { ssh: true, .. } => Some(Self::Ssh),
            // One that opens on the screen in here is in the same container.
            Environment { container: true, display, .. } if is_chosen || !display => Some(Self::Container),
            Environment { platform: Platform::Wsl, .. } if matches!(plan, Some(Plan::Start(_))) => Some(Self::Wsl),
            _ => None,
        }
    }

    /// What the port belongs to, and how it is reached.
    fn forwarding(self, port: u16) -> (&'static str, String) {
        match self {
            Self::Ssh => ("machine", format!("forward it from where you sit (ssh -L {port}:localhost:{port} ...)")),
            Self::Container => {
                ("container", "forward that port to where your browser is (in VS Code: the Ports view)".to_owned())
            }
            // On by default: https://learn.microsoft.com/windows/wsl/wsl-config
            Self::Wsl => ("machine", "set localhostForwarding=true in .wslconfig on Windows".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan;
    use super::*;

    #[test]
    fn each_surrounding_has_its_advice() {
        let on = |platform| Environment { platform, ..Environment::default() };
        let here = Environment::default();
        let screen = Environment { display: true, ..here.clone() };
        let ssh = Environment { ssh: true, ..screen.clone() };
        let container = Environment { container: true, ..here.clone() };
        let chosen = |environment: &Environment| Environment { browser: Some("b".to_owned()), ..environment.clone() };
        let ways = "sign in with a user code (--flow device) or by pasting the redirect (--flow paste).";
        let forward = "forward it from where you sit (ssh -L 7000:localhost:7000 ...), or";
        let publish = "forward that port to where your browser is (in VS Code: the Ports view), or";
        let table = [
            (&screen, true, None),
            (&screen, false, None),
            (&here, true, Some(format!("Without a browser here, {ways}"))),
            (&here, false, None),
            (&ssh, true, Some(format!("The redirect goes to port 7000 of this machine: {forward} {ways}"))),
            (&ssh, false, Some(format!("The redirect goes to port 7000 of this machine: {forward} {ways}"))),
            (&chosen(&ssh), true, Some(format!("If it cannot reach localhost:7000 at the end, {forward} {ways}"))),
            (&container, true, Some(format!("The redirect goes to port 7000 of this container: {publish} {ways}"))),
            (&container, false, Some(format!("The redirect goes to port 7000 of this container: {publish} {ways}"))),
            (
                &chosen(&container),
                true,
                Some(format!("If it cannot reach localhost:7000 at the end, {publish} {ways}")),
            ),
            (&Environment { container: true, ..screen.clone() }, true, None),
            (&Environment { sudo: true, ..screen.clone() }, true, Some("Open the URL as yourself.".to_owned())),
            (
                &on(Platform::Wsl),
                true,
                Some(format!(
                    "If it cannot reach localhost:7000 at the end, set localhostForwarding=true in .wslconfig on \
                     Windows, or {ways}"
                )),
            ),
            (&on(Platform::Wsl), false, None),
            (&on(Platform::Mac), true, None),
            (&on(Platform::Windows), true, None),
        ];
        for (environment, opens, expected) in table {
            let plan = opens.then(|| plan(environment, "https://login.example"));
            assert_eq!(advice(environment, plan.as_ref(), Some(7000)), expected, "{environment:?} {opens}");
        }
        let plan = plan(&ssh, "https://login.example");
        assert_eq!(advice(&ssh, Some(&plan), None), Some(format!("Better {ways}")));
    }
}
