//! The command `entrada`: arguments in, adapters put together, output and exit codes out.
//!
//! Its contract, on which scripts rely, is what `entrada --help` and the README say.

mod accounts;
mod answer;
mod args;
mod aside;
mod assemble;
mod body;
mod call;
mod columns;
mod completions;
mod config;
mod curl;
mod demo;
mod discover;
mod doctor;
mod download;
mod excerpt;
mod exec;
mod failure;
mod forwarding;
mod git;
mod help;
mod keys;
mod log;
mod man;
mod multipart;
mod notice;
mod progress;
mod proxy;
mod settings;
mod setup;
mod sign_in;
mod signals;
mod store;
mod target;
mod token;
mod topics;
mod tries;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Color, Command};
use crate::failure::Failure;
use crate::notice::Notice;
use crate::settings::Settings;

fn main() -> ExitCode {
    let cli = match Cli::try_parse_from(curl::set_apart(std::env::args_os())) {
        Ok(cli) => cli,
        Err(error) => return not_understood(&error),
    };
    let notice = Notice::new(cli.common.quiet, cli.common.verbose, cli.common.color);
    log::install(notice);
    match run(&cli, notice) {
        Ok(code) => code,
        Err(failure) => {
            notice.failure(&failure, cli.common.json_errors);
            ExitCode::from(failure.code)
        }
    }
}

/// Help and the version, too, come as errors; the others are told as JSON where that is what the arguments say.
fn not_understood(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() || std::env::args_os().all(|word| word != "--json-errors") {
        error.exit();
    }
    let text = error.to_string();
    let message = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    Notice::new(true, 0, Color::Never).failure(&Failure::usage(message).with_remedy("see --help"), true);
    ExitCode::from(failure::USAGE)
}

fn run(cli: &Cli, notice: Notice) -> Result<ExitCode, Failure> {
    let settings = |url: Option<&str>| Settings::resolve(&cli.common, url);
    match &cli.command {
        Command::Get(call) => call::run("GET", call, &settings(Some(&call.url))?, notice),
        Command::Post(call) => call::run("POST", call, &settings(Some(&call.url))?, notice),
        Command::Put(call) => call::run("PUT", call, &settings(Some(&call.url))?, notice),
        Command::Patch(call) => call::run("PATCH", call, &settings(Some(&call.url))?, notice),
        Command::Delete(call) => call::run("DELETE", call, &settings(Some(&call.url))?, notice),
        Command::Head(call) => call::run("HEAD", call, &settings(Some(&call.url))?, notice),
        Command::Token(token) => token::run(token, &settings(token.url.as_deref())?, notice),
        Command::Git(git) => git::run(git, &cli.common, notice),
        Command::Curl(curl) => curl::run(curl, &cli.common, notice),
        Command::Login(login) => accounts::login(login, &settings(login.url.as_deref())?, notice),
        Command::Logout(logout) => accounts::logout(logout, &settings(None)?, notice),
        Command::Accounts(accounts) => accounts::list(accounts, &settings(None)?, notice),
        Command::Config(config) => config::run(config, &cli.common, notice),
        Command::Discover(discover) => discover::run(discover, &settings(Some(&discover.url))?, notice),
        Command::Setup(setup) => setup::run(setup, &settings(None)?, notice),
        Command::Doctor(doctor) => doctor::run(doctor, &cli.common, notice),
        Command::Proxy(proxy) => proxy::run(proxy, &cli.common, notice),
        Command::Exec(exec) => exec::run(exec, &cli.common, notice),
        Command::Demo(demo) => demo::run(demo, cli.common.color, notice),
        Command::Completions(completions) => completions::run(completions),
        Command::Man(man) => man::run(man),
        Command::Help(help) => help::run(help),
    }
}
