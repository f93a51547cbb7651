//! `entrada demo`: the main job without a tenant, on loopback.

mod serve;
mod stand_in;
mod steps;

use std::io::stdout;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use entrada::Client;
use entrada_authority::Stage;

use crate::args::{Cli, Color, Command, Demo, DemoMode};
use crate::assemble::{self, Asking};
use crate::failure::{Failure, OTHER};
use crate::notice::{Notice, is_coloured};
use crate::settings::Settings;
use crate::signals;
use crate::target::{self, Target};
use stand_in::{StageClock, StandIn};

pub(crate) fn run(demo: &Demo, color: Color, notice: Notice) -> Result<ExitCode, Failure> {
    let breakage = match demo.breakage.as_deref() {
        Some(_) if demo.mode != DemoMode::Serve => {
            return Err(Failure::usage("--break is for `entrada demo serve`".to_owned()));
        }
        Some("list") => return serve::list(),
        Some(name) => Some(serve::named(name)?),
        None => None,
    };
    let stage = breakage.map_or_else(Stage::start, |breakage| breakage.start(Stage::builder()));
    let stage = Arc::new(stage.map_err(|error| failed("the demo's servers cannot be started", &error))?);
    let mut signals = signals::caught()?;
    let folder = tempfile::Builder::new().prefix("entrada-demo-").tempdir();
    let folder = folder.map_err(|error| failed("there is no temporary folder", &error))?;
    let temporary = folder.path().to_owned();
    std::thread::spawn(move || {
        let signal = smol::block_on(signals::next(&mut signals));
        let _ = std::fs::remove_dir_all(temporary);
        std::process::exit(i32::from(signals::exit_code(signal)));
    });
    let cache = folder.path().join("tokens.json").display().to_string();
    match demo.mode {
        DemoMode::Run => {
            let is_coloured = is_coloured(color, &stdout());
            steps::all(&Performance { stage, cache, browser: demo.browser, is_coloured, notice })
        }
        DemoMode::Serve => serve::serve(&stage, folder.path(), &cache, breakage),
    }
}

/// One run of the demo: the servers, a cache of its own, and who signs in.
struct Performance {
    stage: Arc<Stage>,
    cache: String,
    browser: bool,
    is_coloured: bool,
    notice: Notice,
}

impl Performance {
    /// The arguments, settings and client of `entrada get URL`, as a user would type it.
    ///
    /// The clock is the stage's, so that an hour can pass at once, and the sign-in is the stand-in's unless a
    /// real browser is wanted. All else is what any `get` is made of.
    ///
    /// The authority is named, as the stage's is none of Microsoft's; the scope is learnt, unless there is one.
    fn get(&self, path: &str, scope: Option<&str>) -> Result<Get, Failure> {
        let url = format!("{}{path}", self.stage.external_url());
        let authority = self.stage.authority_url();
        let words = ["entrada", "get", &url, "--client-id", self.stage.client_id(), "--authority", &authority];
        let words = words.into_iter().chain(["--cache", &self.cache]).chain(scope.map(|_| "--scope")).chain(scope);
        let cli = Cli::try_parse_from(words).map_err(|error| Failure::new(OTHER, "demo", error.to_string()))?;
        let settings = Settings::from_flags(&cli.common, Some(&url));
        let mut builder = assemble::builder(&settings, Asking::Wanted, self.notice)?;
        builder = builder.clock(StageClock(Arc::clone(&self.stage)));
        if !self.browser {
            let stage = Arc::clone(&self.stage);
            builder = builder.sign_in_with(move |client, request, _| {
                let stand_in = StandIn::new(Arc::clone(&stage))?;
                client.with_browser(stand_in).sign_in(request, &entrada::SignIn::new())
            });
        }
        let (client, target) = target::from_builder(builder, &settings, self.notice)?;
        match cli.command {
            Command::Get(call) => Ok(Get { call, settings, client, target }),
            _ => Err(Failure::new(OTHER, "demo", "the demo's own command is not `get`".to_owned())),
        }
    }
}

/// `entrada get URL`, ready to be sent.
struct Get {
    call: crate::args::Call,
    settings: Settings,
    client: Client,
    target: Target,
}

fn failed(what: &str, error: &std::io::Error) -> Failure {
    Failure::new(OTHER, "demo", format!("{what}: {error}"))
}
