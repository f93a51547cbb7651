//! Runs curl, with its configuration through pipes.

use std::io;
#[cfg(unix)]
use std::io::PipeReader;
use std::io::Write;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};

use entrada::Secret;
use zeroize::Zeroizing;

use super::options::Given;
use super::redacted;
use crate::failure::{Failure, OTHER};

/// A pipe takes so much before anybody reads; larger configurations are none.
#[cfg(unix)]
const LARGEST: usize = 48 * 1024;

/// curl with these words alone, where it only tells of itself; the user's `.curlrc` is not read, as in any call.
pub(super) fn plainly(words: &[String]) -> Result<ExitCode, Failure> {
    ended(Command::new("curl").arg("--disable").args(words).status())
}

/// curl with the token's text, what was given, the texts of the files that it names, and last our own text.
///
/// The token's comes first: curl has read that pipe to its end before it looks at any other word, of which one could name
/// the pipe to have it shown or sent (`-w @/dev/fd/3`).
///
/// Where curl does not show the request, this process becomes curl, so that signals and the exit code are curl's own.
#[cfg(unix)]
pub(super) fn run(
    mut command: Command,
    given: &[&Given],
    files: Vec<Zeroizing<String>>,
    (token_text, own): (Zeroizing<String>, Zeroizing<String>),
    shown: Option<&Secret>,
) -> Result<ExitCode, Failure> {
    let mut files = files.into_iter();
    let pipe = filled(&token_text)?;
    command.arg("--config").arg(path(&pipe));
    drop(token_text);
    let mut pipes = vec![pipe];
    for option in given {
        command.arg(option.word());
        if option.name == "config" {
            let pipe = filled(&files.next().unwrap_or_default())?;
            command.arg(path(&pipe));
            pipes.push(pipe);
        } else {
            command.args(option.value.iter());
        }
    }
    let pipe = filled(&own)?;
    command.arg("--config").arg(path(&pipe));
    pipes.push(pipe);
    let Some(token) = shown else {
        use std::os::unix::process::CommandExt;
        return Err(not_run(&command.exec()));
    };
    let child = command.stderr(Stdio::piped()).spawn().map_err(|error| not_run(&error))?;
    drop(pipes);
    watched(child, Some(token))
}

/// The same where a process inherits no pipe but its standard streams: all of the configuration comes on its input.
#[cfg(not(unix))]
pub(super) fn run(
    mut command: Command,
    given: &[&Given],
    files: Vec<Zeroizing<String>>,
    (token_text, own): (Zeroizing<String>, Zeroizing<String>),
    shown: Option<&Secret>,
) -> Result<ExitCode, Failure> {
    let reads = |option: &&&Given| {
        option.value.as_deref().is_some_and(|value| value == "-" || value.ends_with("@-") || value.ends_with("=<-"))
            && option.name != "config"
            && option.name != "output"
    };
    if let Some(option) = given.iter().find(reads) {
        return Err(Failure::usage(format!("curl's --{} cannot have standard input here", option.name))
            .with_remedy("write the input to a file, and name that"));
    }
    for option in given.iter().filter(|option| option.name != "config") {
        command.arg(option.word()).args(option.value.iter());
    }
    command.args(["--config", "-"]).stdin(Stdio::piped());
    if shown.is_some() {
        command.stderr(Stdio::piped());
    }
    let mut child = command.spawn().map_err(|error| not_run(&error))?;
    if let Some(mut input) = child.stdin.take() {
        for text in files.iter().chain([&token_text, &own]) {
            // One that has ended meanwhile tells why by its exit code.
            let _ = input.write_all(text.as_bytes());
        }
    }
    watched(child, shown)
}

/// Waits for it, with the token taken out of what it says.
fn watched(mut child: Child, shown: Option<&Secret>) -> Result<ExitCode, Failure> {
    if let (Some(token), Some(mut said)) = (shown, child.stderr.take()) {
        // That nobody reads it is no failure.
        let _ = redacted::copy(&mut said, &mut io::stderr(), token.expose());
    }
    ended(child.wait())
}

/// A pipe with a text in it, whose end curl inherits.
#[cfg(unix)]
fn filled(text: &str) -> Result<PipeReader, Failure> {
    if text.len() > LARGEST {
        return Err(Failure::usage(format!("a configuration for curl is larger than {LARGEST} bytes")));
    }
    let pipe = || {
        let (reader, mut writer) = io::pipe()?;
        writer.write_all(text.as_bytes())?;
        rustix::io::fcntl_setfd(&reader, rustix::io::FdFlags::empty())?;
        Ok::<_, io::Error>(reader)
    };
    pipe().map_err(|error| Failure::new(OTHER, "pipe", format!("a pipe cannot be made: {error}")))
}

#[cfg(unix)]
fn path(pipe: &PipeReader) -> String {
    use std::os::fd::AsRawFd;
    format!("/dev/fd/{}", pipe.as_raw_fd())
}

fn ended(status: io::Result<ExitStatus>) -> Result<ExitCode, Failure> {
    let status = status.map_err(|error| not_run(&error))?;
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal = None;
    let code = status.code().or(signal.map(|signal| 128 + signal));
    Ok(ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(OTHER)))
}

fn not_run(error: &io::Error) -> Failure {
    Failure::new(OTHER, "curl", format!("curl cannot be run: {error}"))
        .with_remedy("install curl, or call the app with entrada get")
}
