//! Starting a browser and leaving it alone.

use std::process::{self, Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::Command;

/// A command that fails this soon did not open anything; one that fails later was a browser that the
/// user has closed, and opening another one would be a surprise.
const SOON: Duration = Duration::from_secs(3);

/// Starts the first command that can be started, and returns at once.
///
/// A thread waits for its end, so that no zombie stays, whether it returns at once or stays in the
/// foreground; where it fails soon, the next one is tried. `give_up` is told when none is left, then or
/// right away, with what went wrong.
pub(crate) fn start(commands: Vec<Command>, give_up: impl FnOnce(&str) + Send + 'static) {
    let mut commands = commands.into_iter();
    let mut failures = Vec::new();
    let Some((child, command)) = next(&mut commands, &mut failures) else {
        return give_up(&failures.join("; "));
    };
    let watch = move || {
        let (mut child, mut command) = (child, command);
        loop {
            let since = Instant::now();
            match child.wait() {
                Ok(status) if !status.success() && since.elapsed() < SOON => {
                    failures.push(format!("{} failed with {status}", command.words[0]));
                }
                _ => return,
            }
            match next(&mut commands, &mut failures) {
                Some(started) => (child, command) = started,
                None => return give_up(&failures.join("; ")),
            }
        }
    };
    // Without a thread the child is not awaited; the browser is open all the same.
    let _ = thread::Builder::new().name("entrada-browser".into()).spawn(watch);
}

fn next(commands: &mut impl Iterator<Item = Command>, failures: &mut Vec<String>) -> Option<(Child, Command)> {
    commands.find_map(|command| match spawn(&command.words) {
        Ok(child) => Some((child, command)),
        Err(error) => {
            failures.push(format!("{}: {error}", command.words[0]));
            None
        }
    })
}

fn spawn(words: &[String]) -> std::io::Result<Child> {
    let mut command = process::Command::new(&words[0]);
    command.args(&words[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // A group of its own, so that Ctrl-C in the terminal does not end the user's browser.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    #[cfg(windows)]
    {
        const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;
        const CREATE_NO_WINDOW: u32 = 0x0800_0000;
        std::os::windows::process::CommandExt::creation_flags(
            &mut command,
            CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW,
        );
    }
    command.spawn()
}

#[cfg(all(test, unix))]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn command(line: &str) -> Command {
        Command { words: line.split(' ').map(str::to_owned).collect() }
    }

    #[test]
    fn the_next_one_is_tried_until_one_works() {
        let (tell, told) = mpsc::channel();
        let start_all = |lines: &[&str]| {
            let tell = tell.clone();
            start(lines.iter().map(|line| command(line)).collect(), move |why| tell.send(why.to_owned()).unwrap());
        };
        start_all(&["/nowhere/at/all", "false", "true"]);
        assert!(told.recv_timeout(Duration::from_millis(300)).is_err(), "the last one worked");
        start_all(&["/nowhere/at/all", "false"]);
        let why = told.recv_timeout(Duration::from_secs(5)).unwrap();
        assert!(why.starts_with("/nowhere/at/all: ") && why.contains("; false failed with exit status: 1"), "{why}");
    }
}
