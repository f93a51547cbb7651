//! A user with a home of their own, a stage to talk to, and the command.

mod local;
mod plain;
mod run;
mod surroundings;

pub(crate) use local::{Local, page};
pub(crate) use plain::{Plain, reply};
pub(crate) use run::{Done, Run, Running, program};
pub(crate) use surroundings::{absent, until};

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use entrada_authority::{Endpoint, Stage, StageBuilder, Visit};
use serde_json::Value;
use tempfile::TempDir;

/// The stage, and a home with nothing in it.
pub(crate) struct World {
    pub(crate) stage: Stage,
    pub(crate) home: Home,
}

/// A home, and what the environment says about the stage that it was made for.
pub(crate) struct Home {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Stage::builder())
    }

    pub(crate) fn with(builder: StageBuilder) -> Self {
        let stage = builder.start().unwrap();
        let home = Home::for_stage(&stage);
        Self { stage, home }
    }

    /// Somebody has signed in; the stage has forgotten how.
    pub(crate) fn signed_in() -> Self {
        let world = Self::new();
        world.sign_in();
        world
    }

    /// Ada signs in in the browser.
    pub(crate) fn sign_in(&self) {
        self.sign_in_with(&[]);
    }

    pub(crate) fn sign_in_with(&self, more: &[&str]) {
        let running = self.run(&["login", "--flow", "browser", "--no-browser"]).args(more).start();
        self.visit(&running.sign_in_url());
        running.done().expect_code(0);
        self.stage.forget_requests();
    }

    pub(crate) fn visit(&self, url: &str) -> Visit {
        self.stage.visitor().visit(url).unwrap()
    }

    pub(crate) fn run(&self, args: &[&str]) -> Run {
        self.home.run(args)
    }

    /// Runs it to its end.
    pub(crate) fn done(&self, args: &[&str]) -> Done {
        self.run(args).done()
    }

    /// A page of the published app.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.stage.external_url())
    }

    pub(crate) fn get(&self, path: &str, more: &[&str]) -> Done {
        self.run(&["get", &self.url(path)]).args(more).done()
    }

    pub(crate) fn refreshes(&self) -> usize {
        self.stage.count(Endpoint::Token, "refresh_token")
    }

    /// The last access token that was issued.
    pub(crate) fn last_token(&self) -> String {
        self.stage.issued().pop().unwrap().access_token
    }
}

impl Home {
    pub(crate) fn for_stage(stage: &Stage) -> Self {
        Self::with(&[
            ("ENTRADA_CLIENT_ID", stage.client_id()),
            ("ENTRADA_AUTHORITY", &stage.authority_url()),
            ("ENTRADA_SCOPE", &stage.scope()),
        ])
    }

    /// A home with these variables set.
    pub(crate) fn with(variables: &[(&str, &str)]) -> Self {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { folder: TempDir::new().unwrap(), variables }
    }

    /// The same home with one more variable, which may be about what lies in it.
    pub(crate) fn and(mut self, name: &str, value: impl FnOnce(&Self) -> String) -> Self {
        let value = value(&self);
        self.variables.push((name.to_owned(), value));
        self
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn config(&self, text: &str) -> PathBuf {
        self.file(".config/entrada/config.toml", text)
    }

    pub(crate) fn run(&self, args: &[&str]) -> Run {
        Run::new(self.path(), &self.variables).args(args)
    }

    /// The same with `system.toml` as the administrator's file: in a file system over /etc that this process alone sees.
    pub(crate) fn administered(&self, args: &[&str]) -> Run {
        let script = "mount -t tmpfs tmpfs /etc && mkdir /etc/entrada && cp \"$HOME/system.toml\" \
                      /etc/entrada/config.toml || exit 99\nexec \"$0\" \"$@\"";
        self.run(args).within("unshare", |own| {
            ["-m", "sh", "-c", script].map(Into::into).into_iter().chain(own.iter().cloned()).collect()
        })
    }

    /// Whether that can be tried here.
    pub(crate) fn can_be_administered(&self) -> bool {
        let can = !absent("unshare") && self.administered(&["--version"]).done().code() == 0;
        assert!(can || std::env::var_os("CI").is_none(), "no file system can be mounted");
        can
    }

    pub(crate) fn cache(&self) -> PathBuf {
        self.path().join(".local/state/entrada/tokens.json")
    }

    pub(crate) fn cached(&self) -> Value {
        serde_json::from_slice(&fs::read(self.cache()).unwrap()).unwrap()
    }

    /// Every access token in the cache ends so many seconds from now, after 75 minutes.
    pub(crate) fn tokens_end_in(&self, seconds: i64) {
        let mut cached = self.cached();
        for token in cached["AccessToken"].as_object_mut().unwrap().values_mut() {
            let ends = now() as i64 + seconds;
            token["cached_at"] = (ends - 75 * 60).to_string().into();
            token["expires_on"] = ends.to_string().into();
            token["extended_expires_on"] = ends.to_string().into();
            token.as_object_mut().unwrap().remove("refresh_on");
        }
        fs::write(self.cache(), cached.to_string()).unwrap();
    }

    /// The tokens in the cache, without what is noted beside them.
    pub(crate) fn tokens(&self) -> Value {
        let mut cached = self.cached();
        cached.as_object_mut().unwrap().remove("Entrada");
        cached
    }

    /// No refusal holds any longer, as if its minutes had passed.
    pub(crate) fn refusals_end(&self) {
        fs::write(self.cache(), self.tokens().to_string()).unwrap();
    }

    /// The refresh token in the cache.
    pub(crate) fn refresh_token(&self) -> String {
        let cached = self.cached();
        let token = cached["RefreshToken"].as_object().unwrap().values().next().unwrap();
        token["secret"].as_str().unwrap().to_owned()
    }
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
