//! Somebody's desk: a home, a stage over TLS to talk to, and programs to run.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;
use std::{fs, thread};

use entrada_authority::Stage;
use entrada_interop::{binary, finish, skip};
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(60);

pub(crate) struct Desk {
    pub(crate) stage: Stage,
    home: TempDir,
}

impl Desk {
    /// `None`, and a line on standard error, where a program is missing.
    pub(crate) fn with(program: &str) -> Option<Self> {
        if binary().is_none() {
            skip(&"the command `entrada` is missing; run cargo build -p entrada-cli");
            return None;
        }
        if !in_path(program) {
            skip(&format!("{program} is missing: tests/interop/prepare installs it"));
            return None;
        }
        let stage = Stage::builder().https(true).start().unwrap();
        let home = tempfile::Builder::new().prefix("entrada-tools-").tempdir().unwrap();
        fs::write(home.path().join("ca.pem"), stage.ca_pem().unwrap()).unwrap();
        Some(Self { stage, home })
    }

    /// The same with Ada signed in.
    pub(crate) fn signed_in_with(program: &str) -> Option<Self> {
        let desk = Self::with(program)?;
        desk.sign_in();
        Some(desk)
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn ca(&self) -> PathBuf {
        self.home().join("ca.pem")
    }

    /// A page of the published app.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.stage.external_url())
    }

    /// A program in these surroundings; `entrada` is the one that was built.
    pub(crate) fn command(&self, program: &str) -> Command {
        let built = binary().unwrap();
        let built = fs::canonicalize(built).unwrap();
        let folder = built.parent().unwrap();
        let mut command = match program {
            "entrada" => Command::new(&built),
            program => Command::new(program),
        };
        let path = std::env::var("PATH").unwrap();
        command
            .env_clear()
            .env("PATH", format!("{}:{path}", folder.display()))
            .env("HOME", self.home())
            .env("LANG", "C.UTF-8")
            .env("ENTRADA_CLIENT_ID", self.stage.client_id())
            .env("ENTRADA_AUTHORITY", self.stage.authority_url())
            .env("ENTRADA_SCOPE", self.stage.scope())
            .env("ENTRADA_CA", self.ca())
            .env("ENTRADA_STORE", "file")
            .env("GIT_SSL_CAINFO", self.ca())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .current_dir(self.home())
            .stdin(Stdio::null());
        command
    }

    /// Runs it to its end: its exit code, what it printed, what it said.
    pub(crate) fn run<S: AsRef<OsStr>>(&self, program: &str, args: &[S]) -> Ended {
        let mut command = self.command(program);
        command.args(args);
        ended(command)
    }

    pub(crate) fn sign_in(&self) {
        let mut command = self.command("entrada");
        command.args(["login", "--flow", "browser", "--no-browser"]).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let url = stderr.lines().map_while(Result::ok).find(|line| line.contains("/oauth2/v2.0/authorize?")).unwrap();
        self.stage.visitor().visit(url.trim()).unwrap();
        assert!(finish(child, LIMIT).status.success());
        self.stage.forget_requests();
    }

    /// The file with the tokens.
    pub(crate) fn cache(&self) -> PathBuf {
        self.home().join(".local/state/entrada/tokens.json")
    }

    /// Every access token in the cache has ended.
    pub(crate) fn tokens_have_ended(&self) {
        let mut cached: serde_json::Value = serde_json::from_slice(&fs::read(self.cache()).unwrap()).unwrap();
        for token in cached["AccessToken"].as_object_mut().unwrap().values_mut() {
            for name in ["cached_at", "expires_on", "extended_expires_on"] {
                token[name] = "1000000000".into();
            }
        }
        fs::write(self.cache(), cached.to_string()).unwrap();
    }

    /// No file but the cache holds a token, wherever it lies in the home.
    pub(crate) fn no_file_holds_a_token(&self) {
        let tokens: Vec<String> = self.stage.issued().into_iter().map(|issued| issued.access_token).collect();
        assert!(!tokens.is_empty());
        let (mut folders, mut looked_at) = (vec![self.home().to_owned()], 0);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().flatten() {
                let path = entry.path();
                if entry.file_type().unwrap().is_dir() {
                    folders.push(path);
                } else if path != self.cache() {
                    let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
                    assert!(!tokens.iter().any(|token| text.contains(&token[..60])), "{}", path.display());
                    looked_at += 1;
                }
            }
        }
        assert!(looked_at > 1);
    }

    /// The published app is from now on what answers like this: each connection is handed over, and closed after it.
    pub(crate) fn publish(&self, answer: impl Fn(&TcpStream) + Send + Sync + 'static) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let answer = Arc::clone(&answer);
                thread::spawn(move || answer(&stream));
            }
        });
        self.stage.change_proxy_table(|table| table.back_end = Some(address));
        address
    }
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    #[track_caller]
    pub(crate) fn well(self) -> Self {
        assert_eq!(self.code, 0, "{}\n{}", self.stderr, self.stdout);
        self
    }
}

pub(crate) fn ended(mut command: Command) -> Ended {
    let Output { status, stdout, stderr } =
        finish(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap(), LIMIT);
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ended { code: status.code().unwrap_or(-1), stdout: text(stdout), stderr: text(stderr) }
}

pub(crate) fn in_path(program: &str) -> bool {
    std::env::split_paths(&std::env::var_os("PATH").unwrap()).any(|folder| folder.join(program).exists())
}
