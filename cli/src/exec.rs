//! `entrada exec`.

use std::cell::OnceCell;
use std::ffi::OsString;
use std::io::{ErrorKind, stderr, stdin};
use std::process::{ExitCode, ExitStatus};
use std::time::Duration;

use async_signal::{Signal, Signals};
use entrada_forwarder::{Limits, Listen, PathSecret};
use futures::StreamExt as _;
use futures::future::{Either, select};
use smol::process::{Child, Command};

use crate::args::Common;
use crate::assemble;
use crate::failure::{Failure, OTHER};
use crate::forwarding::{self, Exec, live};
use crate::notice::Notice;
use crate::settings::quoted;
use crate::signals;

/// As a shell tells that a command cannot be run, or is not there.
const NOT_RUN: u8 = 126;
const NOT_FOUND: u8 = 127;

pub(crate) fn run(exec: &Exec, common: &Common, notice: Notice) -> Result<ExitCode, Failure> {
    let apps = exec.urls.iter().map(|url| (url.clone(), Listen::default()));
    let (builder, clients) = forwarding::builder(apps, common, notice)?;
    let mut limits = Limits::default();
    limits.ending = Duration::ZERO;
    // Others on this computer can reach the port, but only the command's own user can read its environment.
    let secret = PathSecret::random().map_err(|error| forwarding::failed(&error))?;
    let forwarder = builder.limits(limits).secret(secret).bind().map_err(|error| forwarding::failed(&error))?;
    let mut signals = signals::caught()?;
    let mut child = spawn(&exec.command, &forwarder.local_urls())?;
    let ended = OnceCell::new();
    let stop = async {
        let _ = ended.set(wait(&mut child, &mut signals).await);
    };
    live::begin(notice, None);
    let ran = forwarder.run(stop).map_err(|error| forwarding::failed(&error));
    live::end();
    clients.iter().for_each(assemble::finish);
    ran?;
    match ended.into_inner() {
        Some(Ok(status)) => Ok(ExitCode::from(code(status))),
        Some(Err(error)) => Err(Failure::new(OTHER, "command", format!("how the command ended is not known: {error}"))),
        None => Ok(ExitCode::from(OTHER)),
    }
}

/// Starts the command, which finds the local URLs in its environment.
fn spawn(words: &[OsString], urls: &[String]) -> Result<Child, Failure> {
    let (program, arguments) = words.split_first().ok_or_else(|| Failure::usage("no command is given".to_owned()))?;
    let mut command = Command::new(program);
    command.args(arguments);
    if let Some(first) = urls.first() {
        command.env("ENTRADA_URL", first);
    }
    for (number, url) in urls.iter().enumerate() {
        command.env(format!("ENTRADA_URL_{}", number + 1), url);
    }
    for (name, value) in directly(|name| std::env::var(name).ok()) {
        command.env(name, value);
    }
    command.spawn().map_err(|error| {
        let is_absent = error.kind() == ErrorKind::NotFound;
        let (code, what) = if is_absent { (NOT_FOUND, "is not found") } else { (NOT_RUN, "cannot be run") };
        let program = quoted(&program.to_string_lossy());
        let why = if is_absent { String::new() } else { format!(": {error}") };
        Failure::new(code, "command", format!("{program} {what}{why}"))
    })
}

/// A proxy of the environment would be asked for 127.0.0.1 on its own computer: what keeps tools from that.
fn directly(var: impl Fn(&str) -> Option<String>) -> Vec<(&'static str, String)> {
    let proxies = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];
    if proxies.iter().all(|name| var(name).is_none_or(|value| value.is_empty())) {
        return Vec::new();
    }
    let known = var("no_proxy").or_else(|| var("NO_PROXY")).unwrap_or_default();
    if known.trim() == "*" || known.split([',', ' ']).any(|entry| entry == "127.0.0.1") {
        return Vec::new();
    }
    let separator = if known.is_empty() { "" } else { "," };
    ["no_proxy", "NO_PROXY"].map(|name| (name, format!("{known}{separator}127.0.0.1"))).into()
}

/// Waits for its end, and hands on signals meanwhile.
async fn wait(child: &mut Child, signals: &mut Signals) -> std::io::Result<ExitStatus> {
    let id = child.id();
    let mut end = Box::pin(child.status());
    loop {
        match select(end, signals.next()).await {
            Either::Left((status, _)) => return status,
            Either::Right((signal, waiting)) => {
                if let Some(Ok(signal)) = signal {
                    hand_on(signal, id);
                }
                end = waiting;
            }
        }
    }
}

#[cfg(unix)]
fn hand_on(signal: Signal, id: u32) {
    use rustix::process::{Pid, Signal as Kind, kill_process};
    // What is typed on the terminal, all of its foreground gets.
    if signal == Signal::Int && is_in_foreground() {
        return;
    }
    let kind = match signal {
        Signal::Int => Kind::INT,
        Signal::Hup => Kind::HUP,
        _ => Kind::TERM,
    };
    if let Some(pid) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        // One that has ended meanwhile needs no signal.
        let _ = kill_process(pid, kind);
    }
}

#[cfg(not(unix))]
fn hand_on(_: Signal, _: u32) {}

#[cfg(unix)]
fn is_in_foreground() -> bool {
    use rustix::process::getpgrp;
    use rustix::termios::tcgetpgrp;
    let group = getpgrp();
    tcgetpgrp(stdin()).is_ok_and(|foreground| foreground == group)
        || tcgetpgrp(stderr()).is_ok_and(|foreground| foreground == group)
}

fn code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt as _;
        if let Some(signal) = status.signal() {
            return u8::try_from(128 + signal).unwrap_or(u8::MAX);
        }
    }
    status.code().map_or(OTHER, |code| u8::try_from(code & 0xff).unwrap_or(OTHER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_of_the_environment_is_not_asked_for_the_local_url() {
        let with = |variables: &[(&str, &str)]| {
            let lookup =
                |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_string());
            directly(lookup).first().map(|(_, value)| value.clone())
        };
        assert_eq!(with(&[]), None);
        assert_eq!(with(&[("https_proxy", "http://p:1"), ("http_proxy", "")]), None);
        assert_eq!(with(&[("http_proxy", "http://p:1")]).as_deref(), Some("127.0.0.1"));
        assert_eq!(with(&[("ALL_PROXY", "p"), ("NO_PROXY", "a.example")]).as_deref(), Some("a.example,127.0.0.1"));
        assert_eq!(with(&[("http_proxy", "p"), ("no_proxy", "*")]), None);
        assert_eq!(with(&[("http_proxy", "p"), ("no_proxy", "x, 127.0.0.1")]), None);
    }
}
