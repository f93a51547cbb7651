//! The world outside: an authority, an app behind a resource server and a browser that we did not write.
//!
//! - the authority is `oidc-provider`, a certified OpenID provider (`provider.mjs`);
//! - the app stands behind Apache with `mod_auth_openidc` (`app.mjs`), which checks each Bearer;
//! - the user is real Chromium, which fills in real pages and presses real buttons (`browser.mjs`).
//!
//! `tests/interop/prepare` installs all of them. [`World::start`] runs them on free loopback ports, and they end with it.

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant, SystemTime},
};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use serde_json::{Value, json};
use tempfile::TempDir;
use ureq::{
    Agent,
    tls::{Certificate, RootCerts, TlsConfig, TlsProvider},
};

/// The client id that the authority knows: a public native client with loopback redirect URIs.
pub const CLIENT_ID: &str = "0a7e8f52-3d0c-4a39-9c55-7b7f0f4e21d3";
/// The user's name.
pub const USER: &str = "maria@contoso.example";
/// The user's password. It opens nothing but this authority.
pub const PASSWORD: &str = "correct horse battery staple";

const START_LIMIT: Duration = Duration::from_secs(30);
const PAGE_LIMIT: Duration = Duration::from_secs(60);

/// How the authority is to behave.
#[derive(Clone, Debug)]
pub struct Options {
    /// It announces and does `form_post` besides `query`.
    pub form_post: bool,
    /// How long an access token lives, in seconds. [`World::set_access_token_lifetime`] changes it later.
    pub access_token_lifetime: u32,
    /// A refresh token only as `OpenID` Connect Core 11 has it: after `offline_access` together with `prompt=consent`.
    pub strict_offline_access: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { form_post: true, access_token_lifetime: 3600, strict_offline_access: false }
    }
}

/// What the user does when the browser opens.
#[derive(Clone, Debug)]
pub enum User {
    /// Signs in and consents.
    Accepts,
    /// Signs in and declines to consent.
    Declines,
    /// Cancels instead of signing in.
    Cancels,
    /// Enters this user code on the device page, confirms it, signs in and consents.
    EntersCode(String),
}

/// Why there is no world here.
#[derive(Clone, Debug)]
pub struct Missing(String);

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Missing {}

/// The running world. Dropping it ends all its processes and removes its folder.
#[derive(Debug)]
pub struct World {
    issuer: String,
    authority_admin: String,
    app_url: String,
    app_admin: String,
    elsewhere_url: String,
    http: Agent,
    servers: Vec<Server>,
    dir: TempDir,
    artifacts: PathBuf,
}

/// A server of ours: it ends when its standard input does, and its process group is ended if it does not.
#[derive(Debug)]
struct Server(Child);

impl Server {
    fn start(script: &str, dir: &Path, vars: &[(&str, &str)]) -> Result<(Self, Value), String> {
        let log = dir.join(script).with_extension("log");
        let file = fs::File::create(&log).expect("a log file in our own folder");
        let mut child = Command::new("node")
            .arg(home().join(script))
            .envs(vars.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(file)
            .process_group(0)
            .spawn()
            .map_err(|e| format!("node: {e}"))?;
        let stdout = child.stdout.take().expect("a piped standard output");
        let server = Self(child);
        let (say, hear) = mpsc::channel();
        thread::spawn(move || {
            let mut line = String::new();
            let _ = BufReader::new(stdout).read_line(&mut line);
            let _ = say.send(line);
        });
        let line = hear.recv_timeout(START_LIMIT).unwrap_or_default();
        let ready = serde_json::from_str(&line);
        ready
            .map(|ready| (server, ready))
            .map_err(|_| format!("{script} did not start:\n{}", fs::read_to_string(&log).unwrap_or_default()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let deadline = Instant::now() + Duration::from_secs(3);
        while Instant::now() < deadline {
            if matches!(self.0.try_wait(), Ok(Some(_))) {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        signal("-KILL", &format!("-{}", self.0.id()));
        let _ = self.0.wait();
    }
}

impl World {
    /// Starts the authority and the app, and readies a user who accepts.
    ///
    /// # Errors
    /// [`Missing`] names what `tests/interop/prepare` would install.
    ///
    /// # Panics
    /// When something that is installed does not start.
    pub fn start(options: &Options) -> Result<Self, Missing> {
        prepared()?;
        let mut failure = String::new();
        for _ in 0..3 {
            // Apache is told its port, and another process may take it in between: then once more.
            match Self::try_start(options) {
                Ok(world) => return Ok(world),
                Err(e) => failure = e,
            }
        }
        panic!("{failure}");
    }

    /// [`World::start`], or `None` after a line that says why. Where the variable `CI` is set, nothing is ever skipped.
    ///
    /// # Panics
    /// When something is missing and `CI` is set.
    #[must_use]
    pub fn start_or_skip(options: &Options) -> Option<Self> {
        match Self::start(options) {
            Ok(world) => Some(world),
            Err(missing) => {
                skip(&missing);
                None
            }
        }
    }

    fn try_start(options: &Options) -> Result<Self, String> {
        let dir = tempfile::Builder::new().prefix("entrada-interop-").tempdir().expect("a temporary folder");
        // Apache's workers are another user and read the CA, so the folder can be entered; what is secret in it cannot.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o711)).expect("our own folder");
        for (name, mode) in [("apache", 0o755), ("home", 0o700), ("browser", 0o700)] {
            fs::create_dir(dir.path().join(name)).expect("our own folder");
            fs::set_permissions(dir.path().join(name), fs::Permissions::from_mode(mode)).expect("our own folder");
        }
        let ca = certificates(dir.path());
        let path = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
        let (ca_file, cert, key, apache) = (path("ca.pem"), path("cert.pem"), path("key.pem"), path("apache"));
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
        let app_url = format!("https://127.0.0.1:{port}/");

        let lifetime = options.access_token_lifetime.to_string();
        let (authority, ready) = Server::start(
            "provider.mjs",
            dir.path(),
            &[
                ("CERT", &cert),
                ("KEY", &key),
                ("APP_URL", &app_url),
                ("CLIENT_ID", CLIENT_ID),
                ("LOGIN_USER", USER),
                ("LOGIN_PASSWORD", PASSWORD),
                ("ACCESS_TOKEN_LIFETIME", &lifetime),
                ("RESPONSE_MODES", if options.form_post { "form_post query" } else { "query" }),
                ("OFFLINE_ACCESS", if options.strict_offline_access { "strict" } else { "always" }),
            ],
        )?;
        let issuer = ready["issuer"].as_str().expect("an issuer").to_owned();
        let authority_admin = format!("http://127.0.0.1:{}", ready["admin"]);

        let (app, ready) = Server::start(
            "app.mjs",
            dir.path(),
            &[
                ("DIR", &apache),
                ("CERT", &cert),
                ("KEY", &key),
                ("CA", &ca_file),
                ("PORT", &port.to_string()),
                ("JWKS_URI", &format!("{issuer}/jwks")),
                ("AUDIENCE", &app_url),
            ],
        )?;
        let app_admin = format!("http://127.0.0.1:{}", ready["admin"]);
        let elsewhere_url = ready["elsewhere"].as_str().expect("another origin").to_owned();

        let name = thread::current().name().unwrap_or("world").replace("::", "-");
        let artifacts = target().join("interop/artifacts").join(name);
        let _ = fs::remove_dir_all(&artifacts);
        fs::create_dir_all(&artifacts).expect("the target folder can be written");
        let world = Self {
            issuer,
            authority_admin,
            app_url,
            app_admin,
            elsewhere_url,
            http: agent(&ca),
            servers: vec![app, authority],
            dir,
            artifacts,
        };
        world.set_user(&User::Accepts);
        Ok(world)
    }

    /// The authority, for `--oidc`: `https://127.0.0.1:PORT`.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Where the authority tells what [`World::authority_state`] does, for another process of a test.
    #[must_use]
    pub fn authority_admin(&self) -> &str {
        &self.authority_admin
    }

    /// The published app, with its slash: `https://127.0.0.1:PORT/`. This is also the audience it wants.
    ///
    /// `/redirect?to=URL` answers 302, `/status/N` answers N, everything else is echoed as JSON.
    #[must_use]
    pub fn app_url(&self) -> &str {
        &self.app_url
    }

    /// The app's scope as an application proxy's app has it, with two slashes.
    #[must_use]
    pub fn scope(&self) -> String {
        format!("{}/user_impersonation", self.app_url)
    }

    /// The same app's other scope, which is not a URL.
    #[must_use]
    pub fn plain_scope(&self) -> &'static str {
        "app.read"
    }

    /// Another https origin, which no token may reach.
    #[must_use]
    pub fn elsewhere_url(&self) -> &str {
        &self.elsewhere_url
    }

    /// The certificate that all of this trusts, for `--ca`.
    #[must_use]
    pub fn ca_path(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// Where [`World::command`] keeps its tokens.
    #[must_use]
    pub fn cache_path(&self) -> PathBuf {
        self.dir.path().join("home/tokens.json")
    }

    /// The home folder of [`World::command`].
    #[must_use]
    pub fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// Where pictures and logs are kept when the world has ended: `target/interop/artifacts/TEST`.
    #[must_use]
    pub fn artifacts(&self) -> &Path {
        &self.artifacts
    }

    /// A plain HTTP client that trusts this world, follows no redirect and takes no status for an error.
    #[must_use]
    pub fn http(&self) -> &Agent {
        &self.http
    }

    /// The command with a home of its own, this authority, client, scope, CA and cache, and the driven browser.
    ///
    /// # Panics
    /// When there is no [`binary`].
    #[must_use]
    pub fn command<S: AsRef<std::ffi::OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(binary().expect("the command `entrada` has been built"));
        let home = self.home();
        command
            .args(args)
            .args(["--oidc", &self.issuer, "--scope", &self.scope()])
            .arg("--ca")
            .arg(self.ca_path())
            .arg("--cache")
            .arg(self.cache_path())
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap_or_default())
            .env("LANG", "C.UTF-8")
            .env("HOME", &home)
            .env("XDG_CONFIG_HOME", home.join(".config"))
            .env("XDG_CACHE_HOME", home.join(".cache"))
            .env("XDG_DATA_HOME", home.join(".local/share"))
            .env("XDG_STATE_HOME", home.join(".local/state"))
            .env("XDG_RUNTIME_DIR", &home)
            .env("BROWSER", self.browser())
            .env("ENTRADA_CLIENT_ID", CLIENT_ID)
            .current_dir(&home)
            .stdin(Stdio::null());
        command
    }

    /// The program that opens a URL as this world's user does, fit for `$BROWSER`.
    #[must_use]
    pub fn browser(&self) -> PathBuf {
        self.dir.path().join("browser/open")
    }

    /// Decides what the user does from now on.
    ///
    /// # Panics
    /// When the folder cannot be written.
    pub fn set_user(&self, user: &User) {
        let (mode, code) = match user {
            User::Accepts => ("accept", ""),
            User::Declines => ("decline", ""),
            User::Cancels => ("cancel", ""),
            User::EntersCode(code) => ("device", code.as_str()),
        };
        let dir = self.dir.path().join("browser");
        let vars = [
            ("MODE", mode.to_owned()),
            ("USER_CODE", code.to_owned()),
            ("LOGIN_USER", USER.to_owned()),
            ("LOGIN_PASSWORD", PASSWORD.to_owned()),
            ("SCREENSHOTS", self.artifacts.join(mode).to_string_lossy().into_owned()),
            ("FINAL_TEXT", dir.join("final.txt").to_string_lossy().into_owned()),
            ("PUBLIC", self.issuer.trim_start_matches("https://").to_owned()),
            ("HOME", dir.to_string_lossy().into_owned()),
            ("TMPDIR", dir.to_string_lossy().into_owned()),
        ];
        let mut script = String::from("#!/bin/sh\n");
        for (name, value) in vars {
            script += &format!("export {name}='{value}'\n");
        }
        script += &format!("cd '{0}' && rm -f final.txt && echo $$ >>pids\n", dir.display());
        script += &format!("exec node '{}' \"$1\" >>browser.log 2>&1\n", home().join("browser.mjs").display());
        // A new file each time: one that is being run cannot be written.
        let new = dir.join("open.new");
        fs::write(&new, script).expect("our own folder");
        fs::set_permissions(&new, fs::Permissions::from_mode(0o700)).expect("our own folder");
        fs::rename(&new, self.browser()).expect("our own folder");
        let _ = fs::remove_file(dir.join("final.txt"));
    }

    /// Opens a URL in the browser, as the user that [`World::set_user`] decided on.
    ///
    /// # Panics
    /// When the program cannot be run.
    pub fn browse(&self, url: &str) -> Child {
        Command::new(self.browser()).arg(url).stdin(Stdio::null()).spawn().expect("the browser's script runs")
    }

    /// The text of the last page that the user saw; waits for it.
    ///
    /// # Panics
    /// When it does not come, with the browser's log.
    #[must_use]
    pub fn final_page(&self) -> String {
        let dir = self.dir.path().join("browser");
        let deadline = Instant::now() + PAGE_LIMIT;
        loop {
            if let Ok(text) = fs::read_to_string(dir.join("final.txt"))
                && !text.is_empty()
            {
                return text;
            }
            assert!(
                Instant::now() < deadline,
                "no final page; the browser says:\n{}",
                fs::read_to_string(dir.join("browser.log")).unwrap_or_default()
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// All that the authority has seen: `pages` (titles of those that a user was shown), `authorizations` (queries),
    /// `tokenRequests` (`grant`, `scope`, `parameters`, `status`, `error`, `user_agent`), `issued` (every token),
    /// `settings`, `listening`.
    #[must_use]
    pub fn authority_state(&self) -> Value {
        self.get(&self.authority_admin)
    }

    /// How many token requests with this `grant_type` the authority has answered with success.
    #[must_use]
    pub fn granted(&self, grant: &str) -> usize {
        let state = self.authority_state();
        let requests = state["tokenRequests"].as_array().expect("a list");
        requests.iter().filter(|r| r["grant"] == grant && r["status"] == 200).count()
    }

    /// Every access, refresh and id token that the authority has issued.
    #[must_use]
    pub fn issued_tokens(&self) -> Vec<String> {
        let state = self.authority_state();
        let issued = state["issued"].as_array().expect("a list");
        issued.iter().filter_map(|token| token.as_str().map(str::to_owned)).collect()
    }

    /// Access tokens live this many seconds from now on.
    pub fn set_access_token_lifetime(&self, seconds: u32) {
        self.order("/set", &json!({ "accessTokenLifetime": seconds }));
    }

    /// Access tokens have this audience from now on.
    pub fn set_audience(&self, audience: &str) {
        self.order("/set", &json!({ "audience": audience }));
    }

    /// Revokes all refresh tokens of the user.
    pub fn revoke_refresh_tokens(&self) {
        self.order("/revoke", &json!({ "user": USER }));
    }

    /// Nobody listens at the authority's address any more.
    pub fn stop_authority(&self) {
        self.order("/stop", &json!({}));
    }

    /// The authority listens again where it did, and remembers everything.
    pub fn start_authority(&self) {
        self.order("/start", &json!({}));
    }

    /// The requests that reached the app behind Apache: `user`, `method`, `path`, `authorization` (whether the header
    /// came through), `headers`, `body`.
    #[must_use]
    pub fn seen_by_app(&self) -> Vec<Value> {
        self.seen("app")
    }

    /// The requests that reached the other origin.
    #[must_use]
    pub fn seen_elsewhere(&self) -> Vec<Value> {
        self.seen("elsewhere")
    }

    fn seen(&self, who: &str) -> Vec<Value> {
        self.get(&self.app_admin)[who].as_array().expect("a list").clone()
    }

    fn get(&self, url: &str) -> Value {
        let text =
            self.http.get(url).call().and_then(|mut r| r.body_mut().read_to_string()).expect("the tests' own port");
        serde_json::from_str(&text).expect("JSON")
    }

    fn order(&self, what: &str, body: &Value) {
        let url = format!("{}{what}", self.authority_admin);
        let answer = self.http.post(&url).send(body.to_string()).expect("the tests' own port");
        assert_eq!(answer.status(), 200, "{what}");
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // A browser is detached by whoever started it, so it is found by the numbers it left.
        let browser = self.dir.path().join("browser");
        for pid in fs::read_to_string(browser.join("pids")).unwrap_or_default().lines() {
            let ours =
                fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.contains("browser.mjs"));
            if ours {
                signal("-TERM", pid);
            }
        }
        self.servers.clear();
        for log in ["provider.log", "app.log", "apache/error.log", "apache/access.log", "browser/browser.log"] {
            let from = self.dir.path().join(log);
            let Ok(text) = fs::read_to_string(&from) else { continue };
            let _ = fs::copy(&from, self.artifacts.join(from.file_name().unwrap_or_default()));
            if thread::panicking() && !log.contains("access") {
                let tail: Vec<_> = text.lines().rev().take(12).collect();
                say(&format!("--- {log}"));
                tail.iter().rev().for_each(|line| say(line));
            }
        }
    }
}

/// The command under test: `$ENTRADA_BIN`, or the newer of `target/{release,debug}/entrada`.
#[must_use]
pub fn binary() -> Option<PathBuf> {
    if let Some(path) = env::var_os("ENTRADA_BIN") {
        return Some(path.into());
    }
    let built = ["release", "debug"].map(|profile| target().join(profile).join("entrada"));
    let age = |path: &PathBuf| fs::metadata(path).and_then(|m| m.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    built.into_iter().filter(|path| path.is_file()).max_by_key(age)
}

/// Waits for a process and what it wrote, at most so long.
///
/// # Panics
/// When it takes longer; the process is ended first.
#[must_use]
pub fn finish(child: Child, limit: Duration) -> Output {
    let pid = child.id();
    let (say, hear) = mpsc::channel();
    thread::spawn(move || say.send(child.wait_with_output()));
    if let Ok(output) = hear.recv_timeout(limit) {
        return output.expect("its output can be read");
    }
    signal("-KILL", &pid.to_string());
    let output = hear.recv_timeout(Duration::from_secs(5)).ok().and_then(Result::ok);
    let stderr = output.map(|o| String::from_utf8_lossy(&o.stderr).into_owned()).unwrap_or_default();
    panic!("not done after {limit:?}; it says:\n{stderr}");
}

/// Says on standard error, past any capture, that a test was left out and why.
///
/// # Panics
/// Where the variable `CI` is set: there nothing is left out.
pub fn skip(why: &dyn std::fmt::Display) {
    assert!(env::var_os("CI").is_none(), "{why}");
    let name = thread::current().name().unwrap_or("a test").to_owned();
    say(&format!("SKIPPED {name}: {why}"));
}

fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn home() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| home().join("../../target"), PathBuf::from)
}

fn prepared() -> Result<(), Missing> {
    let needed = [
        "/usr/bin/chromium".into(),
        "/usr/sbin/apache2".into(),
        "/usr/lib/apache2/modules/mod_auth_openidc.so".into(),
        home().join("node_modules/oidc-provider/package.json"),
        home().join("node_modules/playwright-core/package.json"),
    ];
    match needed.iter().find(|path: &&PathBuf| !path.exists()) {
        None => Ok(()),
        Some(path) => Err(Missing(format!("{} is missing; run tests/interop/prepare", path.display()))),
    }
}

fn signal(name: &str, whom: &str) {
    let _ = Command::new("kill").args([name, "--", whom]).stderr(Stdio::null()).status();
}

/// A CA and one server certificate, as PEM files. Returns the CA's.
fn certificates(dir: &Path) -> String {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "entrada interop CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let ca = params.self_signed(&key).expect("a CA").pem();
    let issuer = Issuer::new(params, key);

    let key = KeyPair::generate().expect("a key");
    let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
    let mut params = CertificateParams::new(names).expect("two good names");
    params.distinguished_name.push(DnType::CommonName, "127.0.0.1");
    let cert = params.signed_by(&key, &issuer).expect("a certificate").pem();

    for (name, text, mode) in
        [("ca.pem", &ca, 0o644), ("cert.pem", &cert, 0o644), ("key.pem", &key.serialize_pem(), 0o600)]
    {
        fs::write(dir.join(name), text).expect("our own folder");
        fs::set_permissions(dir.join(name), fs::Permissions::from_mode(mode)).expect("our own folder");
    }
    ca
}

fn agent(ca: &str) -> Agent {
    let ca = Certificate::from_pem(ca.as_bytes()).expect("our own CA");
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(RootCerts::new_with_certs(&[ca]))
        .build();
    Agent::config_builder()
        .tls_config(tls)
        .proxy(None)
        .max_redirects(0)
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(30)))
        .build()
        .into()
}
