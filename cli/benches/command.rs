//! The command beside its peers, in one run: `tests/bench`, or `cargo bench -p entrada-cli --bench command`.
//!
//! Whole processes are timed, start to exit, taking turns so that a busy moment meets all of them. Nothing is
//! asserted: timings belong to a machine.

mod common;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{CLIENT, FULL, TENANT, cache_of, node, python, row, scope};
use entrada_authority::Stage;

const ROUNDS: usize = 200;
const SLOW_ROUNDS: usize = 15;

fn main() -> std::io::Result<()> {
    let folder = tempfile::tempdir()?;
    cached_token(folder.path())?;
    small_page(folder.path())
}

/// A cached token, from process start to exit.
fn cached_token(folder: &Path) -> std::io::Result<()> {
    let cache = folder.join("tokens.json");
    fs::write(&cache, cache_of(1, FULL))?;
    let scope = scope(0);
    let entrada = ["token", "--client-id", CLIENT, "--tenant", TENANT, "--scope", &scope, "--cache"].map(OsStr::new);
    let mut peers = vec![
        Peer::new("a bare process that reads the file", "cat", [cache.as_os_str()]),
        Peer::new("`entrada token`", env!("CARGO_BIN_EXE_entrada"), entrada.into_iter().chain([cache.as_os_str()])),
    ];
    if let Some((python, script)) = python("msal_silent.py") {
        let arguments = [script.as_os_str(), cache.as_os_str()];
        peers.push(Peer::new("msal for Python: import, read, find", python, arguments).slow());
    }
    if let Some((script, modules)) = node("msal_silent.cjs") {
        let arguments = [script.as_os_str(), modules.as_os_str(), cache.as_os_str()];
        peers.push(Peer::new("@azure/msal-node: `acquireTokenSilent`", "node", arguments).slow());
    }
    table("process start to token", peers)
}

/// A small page of an app on loopback, with a cached token.
fn small_page(folder: &Path) -> std::io::Result<()> {
    let stage = Stage::start()?;
    let page = format!("{}api/me", stage.external_url());
    let cache = folder.join("stage.json");
    let header = folder.join("header");
    let authority = stage.authority_url();
    let scope = stage.scope();
    let bearer = sign_in(&stage, &cache)?;
    fs::write(&header, format!("header = \"Authorization: Bearer {bearer}\"\n"))?;
    let entrada: Vec<&OsStr> =
        ["get", &page, "--client-id", stage.client_id(), "--authority", &authority, "--scope", &scope, "--cache"]
            .map(OsStr::new)
            .into_iter()
            .chain([cache.as_os_str()])
            .collect();
    let curl = [OsStr::new("-sS"), OsStr::new("-K"), header.as_os_str(), OsStr::new(&page)];
    table(
        "process start to page on loopback",
        vec![
            Peer::new("curl, given the token", "curl", curl),
            Peer::new("`entrada get`, cached token", env!("CARGO_BIN_EXE_entrada"), entrada),
        ],
    )
}

/// Signs in to the stage with the command itself, and tells the token.
fn sign_in(stage: &Stage, cache: &Path) -> std::io::Result<String> {
    use std::io::{BufRead, BufReader};
    let identity = |command: &mut Command| {
        command.args([
            "--client-id",
            stage.client_id(),
            "--authority",
            &stage.authority_url(),
            "--scope",
            &stage.scope(),
        ]);
        command.arg("--cache").arg(cache);
    };
    let mut login = Command::new(env!("CARGO_BIN_EXE_entrada"));
    identity(login.args(["login", "--flow", "browser", "--no-browser"]));
    let mut login = login.stderr(Stdio::piped()).spawn()?;
    for line in BufReader::new(login.stderr.take().into_iter().next().ok_or(std::io::ErrorKind::BrokenPipe)?).lines() {
        let line = line?;
        if let Some(at) = line.find(stage.instance_url()) {
            stage.visitor().visit(line[at..].trim())?;
        }
    }
    login.wait()?;
    let mut token = Command::new(env!("CARGO_BIN_EXE_entrada"));
    identity(token.args(["token", "--no-input"]));
    Ok(String::from_utf8_lossy(&token.output()?.stdout).trim().to_owned())
}

/// A program to be timed.
struct Peer {
    name: &'static str,
    program: PathBuf,
    arguments: Vec<PathBuf>,
    rounds: usize,
    times: Vec<Duration>,
}

impl Peer {
    fn new<A: AsRef<OsStr>>(
        name: &'static str,
        program: impl Into<PathBuf>,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        let arguments = arguments.into_iter().map(|argument| PathBuf::from(argument.as_ref())).collect();
        Self { name, program: program.into(), arguments, rounds: ROUNDS, times: Vec::new() }
    }

    /// For what takes a tenth of a second each.
    fn slow(mut self) -> Self {
        self.rounds = SLOW_ROUNDS;
        self
    }

    fn run(&mut self) -> std::io::Result<()> {
        let begun = Instant::now();
        let output = Command::new(&self.program).args(&self.arguments).stdin(Stdio::null()).output()?;
        self.times.push(begun.elapsed());
        if output.status.success() && !output.stdout.is_empty() {
            return Ok(());
        }
        Err(std::io::Error::other(format!("{} failed: {}", self.name, String::from_utf8_lossy(&output.stderr))))
    }
}

fn table(title: &str, mut peers: Vec<Peer>) -> std::io::Result<()> {
    for round in 0..ROUNDS {
        for peer in peers.iter_mut().filter(|peer| round < peer.rounds) {
            peer.run()?;
        }
    }
    for peer in &mut peers {
        row(title, peer.name, &mut peer.times);
    }
    Ok(())
}
