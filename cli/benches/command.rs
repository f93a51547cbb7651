//! The command beside its peers, in one run: `cargo bench -p entrada-cli`.
//!
//! Whole processes are timed, start to exit, taking turns so that a busy moment meets all of them. Nothing is
//! asserted: timings belong to a machine.
#![expect(clippy::print_stdout, reason = "the table is what this is for")]

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use entrada_authority::Stage;
use serde_json::{Value, json};

const ROUNDS: usize = 200;
const SLOW_ROUNDS: usize = 15;
const CLIENT: &str = "5f0d6c3a-71b2-4e8f-a9d4-2c6b8e1f3a03";
const TENANT: &str = "3c1f0a52-8d34-4b0e-9a57-5b1e6f2d7c01";
const SCOPE: &str = "https://hr-contoso.msappproxy.net//user_impersonation";

fn main() -> std::io::Result<()> {
    let folder = tempfile::tempdir()?;
    cached_token(folder.path())?;
    small_page(folder.path())
}

/// A cached token, from process start to exit.
fn cached_token(folder: &Path) -> std::io::Result<()> {
    let cache = folder.join("tokens.json");
    fs::write(&cache, cache_of("login.microsoftonline.com", "access-token").to_string())?;
    let entrada = ["token", "--client-id", CLIENT, "--tenant", TENANT, "--scope", SCOPE, "--cache"].map(OsStr::new);
    let mut peers = vec![
        Peer::new("a bare process that reads the file", "cat", [cache.as_os_str()]),
        Peer::new("entrada token", env!("CARGO_BIN_EXE_entrada"), entrada.into_iter().chain([cache.as_os_str()])),
    ];
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/interop/venv/bin/python");
    if target.exists() {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/msal_silent.py");
        peers.push(
            Peer::new("msal for Python: import, read, find", target, [script.as_os_str(), cache.as_os_str()]).slow(),
        );
    }
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/interop/node_modules/@azure/msal-node");
    if modules.exists() {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/msal_silent.cjs");
        let arguments = [script.as_os_str(), modules.as_os_str(), cache.as_os_str()];
        peers.push(Peer::new("@azure/msal-node: acquireTokenSilent", "node", arguments).slow());
    }
    table("A cached token", peers)
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
        "A small page on loopback",
        vec![
            Peer::new("curl, given the token", "curl", curl),
            Peer::new("entrada get", env!("CARGO_BIN_EXE_entrada"), entrada),
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

/// A cache as any of the libraries writes it: one account with its tokens.
fn cache_of(environment: &str, secret: &str) -> Value {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let user = "0f6d2c1b-1111-4222-8333-444455556666";
    let home = format!("{user}.{TENANT}");
    let credential = |kind: &str, extra: Value| {
        let mut entry =
            json!({"home_account_id": home, "environment": environment, "client_id": CLIENT, "credential_type": kind});
        if let (Some(entry), Some(extra)) = (entry.as_object_mut(), extra.as_object()) {
            entry.extend(extra.clone());
        }
        entry
    };
    let id_token = "eyJhbGciOiJub25lIn0.eyJ0aWQiOiIzYzFmMGE1Mi04ZDM0LTRiMGUtOWE1Ny01YjFlNmYyZDdjMDEiLCJwcmVmZXJyZWRfdXNlcm5hbWUiOiJhZGFAY29udG9zby5leGFtcGxlIn0.";
    json!({
        "AccessToken": { format!("{home}-{environment}-accesstoken-{CLIENT}-{TENANT}-{SCOPE}-"): credential("AccessToken", json!({
            "realm": TENANT, "target": SCOPE, "token_type": "Bearer", "secret": format!("{secret}{}", "x".repeat(1500)),
            "cached_at": now.to_string(), "expires_on": (now + 3600).to_string(), "extended_expires_on": (now + 3600).to_string(),
        }))},
        "RefreshToken": { format!("{home}-{environment}-refreshtoken-{CLIENT}---"): credential("RefreshToken", json!({ "secret": "r".repeat(1200) }))},
        "IdToken": { format!("{home}-{environment}-idtoken-{CLIENT}-{TENANT}--"): credential("IdToken", json!({ "realm": TENANT, "secret": id_token }))},
        "Account": { format!("{home}-{environment}-{TENANT}"): {
            "home_account_id": home, "environment": environment, "realm": TENANT, "local_account_id": user,
            "username": "ada@contoso.example", "authority_type": "MSSTS",
        }},
        "AppMetadata": { format!("appmetadata-{environment}-{CLIENT}"): { "client_id": CLIENT, "environment": environment }},
    })
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
    println!("\n{title}: process start to exit, in milliseconds\n");
    println!("{:<40} {:>8} {:>8} {:>8}", "", "least", "median", "95 %");
    for peer in &mut peers {
        peer.times.sort_unstable();
        let at = |share: usize| peer.times[(peer.times.len() - 1) * share / 100].as_secs_f64() * 1000.0;
        println!("{:<40} {:>8.2} {:>8.2} {:>8.2}", peer.name, at(0), at(50), at(95));
    }
    Ok(())
}
