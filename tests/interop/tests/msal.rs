//! Microsoft's own libraries against our authority: what they take for Entra, we may take for Entra.
#![expect(clippy::unwrap_used, reason = "a proof ends where it fails")]

#[path = "msal/crowd.rs"]
mod crowd;
#[path = "msal/hand.rs"]
mod hand;
#[path = "msal/matrix.rs"]
mod matrix;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use entrada_authority::{Endpoint, Stage};
use entrada_interop::{finish, skip};

const LIMIT: Duration = Duration::from_secs(60);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The authority over https, as these libraries want it, and a folder with its CA.
struct House {
    stage: Stage,
    folder: tempfile::TempDir,
    _port: Option<MutexGuard<'static, ()>>,
}

/// The https port is there once for all tests.
static HTTPS: Mutex<()> = Mutex::new(());

impl House {
    fn open() -> Self {
        Self::at(0).unwrap()
    }

    /// With the authority on this port, or any with 0.
    fn at(port: u16) -> std::io::Result<Self> {
        let _port = (port == 443).then(|| HTTPS.lock().unwrap_or_else(PoisonError::into_inner));
        let stage = Stage::builder().https(true).localhost(true).device_interval(Duration::from_secs(1));
        let house = Self { stage: stage.ports(port, 0, 0).start()?, folder: tempfile::tempdir()?, _port };
        std::fs::write(house.ca(), house.stage.ca_pem().unwrap())?;
        Ok(house)
    }

    fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("tokens.json")
    }

    /// `entrada`, with this authority and cache.
    fn entrada(&self, binary: &Path, arguments: &[&str]) -> Command {
        self.entrada_of(self.stage.client_id(), binary, arguments)
    }

    /// The same as another client.
    fn entrada_of(&self, client_id: &str, binary: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary);
        command.args(arguments).env_clear().env("HOME", self.folder.path());
        command.args(["--client-id", client_id, "--authority", &self.stage.authority_url()]);
        command.args(["--scope", &self.stage.scope()]).arg("--ca").arg(self.ca()).arg("--cache").arg(self.cache());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// What entrada says without a sign-in, on standard output.
    fn token(&self, binary: &Path) -> String {
        let output = finish(self.entrada(binary, &["token", "--no-input"]).spawn().unwrap(), LIMIT);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

/// Signs in with entrada, lets a library use and change the cache, and uses it again.
fn shares_the_cache(house: &House, script: Command, done: &str) {
    let Some(binary) = entrada_interop::binary() else {
        return skip(&"the command `entrada` is missing; run cargo build -p entrada-cli");
    };
    let mut login = house
        .entrada(&binary, &["login", "--flow", "browser", "--no-browser", "--sign-in-timeout", "30"])
        .spawn()
        .unwrap();
    for line in BufReader::new(login.stderr.take().unwrap()).lines().map_while(Result::ok) {
        if let Some(at) = line.find("https://") {
            house.stage.visitor().visit(line[at..].trim()).unwrap();
        }
    }
    assert!(login.wait().unwrap().success());
    let first = house.token(&binary);

    plays(house, script, done);
    let count = house.stage.count(Endpoint::Token, "");
    let theirs = house.token(&binary);
    assert_ne!(first, theirs, "the library's newer token is found");
    assert_eq!(house.stage.count(Endpoint::Token, ""), count, "and the authority not asked for another");
    let output = finish(house.entrada(&binary, &["token", "--refresh", "--no-input"]).spawn().unwrap(), LIMIT);
    assert!(output.status.success(), "the library's refresh token works: {}", String::from_utf8_lossy(&output.stderr));
}

/// Runs a script that signs in, plays the user's part, and demands that it ends well.
fn plays(house: &House, mut script: Command, done: &str) {
    let House { stage, .. } = house;
    let mut child = script
        .env("AUTHORITY", stage.authority_url())
        .env("CLIENT_ID", stage.client_id())
        .env("SCOPE", stage.scope())
        .env("EXTERNAL_URL", stage.external_url())
        .env("CA", house.ca())
        .env("NODE_EXTRA_CA_CERTS", house.ca())
        .env("CACHE", house.cache())
        .current_dir(root().join("tests/interop"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok) {
        if let Some(url) = line.strip_prefix("OPEN ") {
            stage.visitor().visit(url).unwrap();
        } else if let Some(code) = line.strip_prefix("CODE ") {
            stage.visitor().enter_user_code(code).unwrap();
        }
        said.push(line);
    }
    let output = finish(child, LIMIT);
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{problem}");
    assert!(said.last().is_some_and(|line| line.starts_with(done) && line.ends_with("ok")), "{said:?}\n{problem}");
}

/// msal for Python, with one of our scripts; `None`, and said so, where it is not there.
fn python(path: &str) -> Option<Command> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let python = target.join("interop/venv/bin/python");
    if !python.exists() {
        skip(&"msal for Python is missing; run tests/interop/prepare");
        return None;
    }
    let mut script = Command::new(python);
    script.arg(root().join(path));
    Some(script)
}

/// @azure/msal-node, likewise.
fn node(path: &str) -> Option<Command> {
    if !root().join("tests/interop/node_modules/@azure/msal-node").exists() {
        skip(&"@azure/msal-node is missing; run tests/interop/prepare");
        return None;
    }
    let mut script = Command::new("node");
    script.arg(root().join(path));
    Some(script)
}

#[test]
fn msal_for_python_signs_in() {
    if let Some(script) = python("tests/authority/msal/sign_in.py") {
        plays(&House::open(), script, "msal ");
    }
}

#[test]
fn msal_for_node_signs_in() {
    if let Some(script) = node("tests/authority/msal/sign_in.mjs") {
        plays(&House::open(), script, "msal-node ");
    }
}

#[test]
fn msal_for_python_shares_the_cache() {
    let Some(script) = python("tests/interop/msal/read_cache.py") else { return };
    // It files tokens under the host alone, without the port: the two agree where there is none.
    match House::at(443) {
        Ok(house) => shares_the_cache(&house, script, "msal "),
        Err(error) => skip(&format!("the https port cannot be had: {error}")),
    }
}

#[test]
fn msal_for_node_shares_the_cache() {
    if let Some(script) = node("tests/interop/msal/read_cache.mjs") {
        shares_the_cache(&House::open(), script, "msal-node ");
    }
}
