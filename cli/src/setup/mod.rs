//! `entrada setup`: the registration in Microsoft Entra, through Microsoft Graph and as an administrator.
//!
//! Each step reads what is there, plans the requests that are left, and sends them; a dry run prints the same plan.

mod address;
pub(crate) mod args;
mod assign;
mod connectors;
mod find;
mod grant;
mod graph;
mod plan;
mod publish;
mod refusal;
mod register;
mod run;
mod show;

use std::cell::Cell;
use std::process::ExitCode;

use entrada::ports::blocking::SystemClock;
use entrada::protocol::AppCall;
use entrada::{Client, Cloud, TokenRequest};
use serde_json::json;

use self::args::{Setup, SetupOutput};
use self::assign::Assigning;
use self::grant::Granting;
use self::graph::{Graph, SignedIn};
use self::plan::Plan;
use self::publish::Publishing;
use self::refusal::trap;
use self::register::Registering;
use self::run::{Leave, Next, Step, carry_out, rehearse};
use crate::answer;
use crate::args::Store;
use crate::assemble::{self, Asking};
use crate::failure::Failure;
use crate::notice::Notice;
use crate::settings::{Named, Settings, quoted};
use crate::target;

pub(crate) fn run(setup: &Setup, settings: &Settings, notice: Notice) -> Result<ExitCode, Failure> {
    let setting = Setting::new(setup, settings, notice)?;
    let client_id = client_id(setup, settings);
    let code = match &setup.step {
        args::Step::Publish(publish) => setting.perform("publish", &mut Publishing::new(publish)?),
        args::Step::Register(register) => {
            let authority = settings.authority()?;
            let host = register::login_host(settings.cloud.into(), authority.environment());
            setting.perform("register", &mut Registering::new(register, client_id, host)?)
        }
        args::Step::Grant(grant) => setting.perform("grant", &mut Granting::new(grant, client_id)?),
        args::Step::Assign(assign) => setting.perform("assign", &mut Assigning::new(assign)),
        args::Step::Show(show) => setting.show(show, client_id),
    }?;
    setting.tell_what_stays();
    Ok(code)
}

/// The native client that is meant. A name that was typed says more than a client id from the surroundings.
fn client_id<'a>(setup: &Setup, settings: &'a Settings) -> Option<&'a str> {
    let name = match &setup.step {
        args::Step::Register(register) => &register.name,
        args::Step::Grant(grant) => &grant.name,
        args::Step::Show(show) => &show.name,
        args::Step::Publish(_) | args::Step::Assign(_) => return None,
    };
    let is_typed = settings.flags.iter().step_by(2).any(|flag| flag == "--client-id");
    settings.client_id.as_deref().filter(|_| is_typed || name.is_none())
}

/// Who does it, where, and how it is told.
struct Setting<'a> {
    how: &'a args::How,
    /// Those of the user.
    settings: &'a Settings,
    /// Those of the administrator's sign-in.
    sign_in: Settings,
    graph: String,
    notice: Notice,
}

impl<'a> Setting<'a> {
    fn new(setup: &'a Setup, settings: &'a Settings, notice: Notice) -> Result<Self, Failure> {
        if matches!(settings.authority, Some(Named::Oidc(_))) {
            return Err(trap(
                "not_entra",
                "a setup needs a tenant of Microsoft Entra, and not any OpenID provider",
                "give --tenant",
            ));
        }
        let graph = match &setup.how.graph {
            Some(url) => {
                let call = AppCall::new(url).map_err(|error| Failure::config(format!("--graph: {error}")))?;
                call.url().trim_end_matches('/').to_owned()
            }
            None => format!("https://{}", graph_host(settings.cloud.into())?),
        };
        let scopes = scopes(&setup.step).iter().map(|name| format!("{graph}/{name}")).collect();
        let sign_in = as_administrator(settings, &setup.how.admin_client_id, scopes);
        Ok(Self { how: &setup.how, settings, sign_in, graph, notice })
    }

    fn with_graph<T>(&self, act: impl FnOnce(&Graph<'_>) -> Result<T, Failure>) -> Result<T, Failure> {
        let (client, target) = target::client(&self.sign_in, Asking::Allowed, self.notice)?;
        let request = target.request(&self.sign_in)?;
        let result = self.with_client(&client, request, act);
        assemble::finish(&client);
        result
    }

    fn with_client<T>(
        &self,
        client: &Client,
        request: TokenRequest,
        act: impl FnOnce(&Graph<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let is_told = Cell::default();
        let door = SignedIn { client, request, settings: &self.sign_in, notice: self.notice, is_told };
        act(&Graph::new(&self.graph, &door, &SystemClock, self.notice))
    }

    fn perform(&self, name: &str, step: &mut dyn Step) -> Result<ExitCode, Failure> {
        if self.how.dry_run {
            let plan = self.with_graph(|graph| rehearse(step, graph))?;
            self.print_plan(name, &plan)?;
            return Ok(ExitCode::SUCCESS);
        }
        let leave = Leave { yes: self.how.yes, no_input: self.settings.no_input };
        let report = self.with_graph(|graph| carry_out(step, graph, leave, self.notice))?;
        let (next, config) = match step.next() {
            Next::Commands(commands) => (commands, None),
            Next::Ready { client_id, external_url, scope, first } => {
                let get = self.get_command(&client_id, &external_url, &scope);
                (first.into_iter().chain([get]).collect(), Some(self.config(&client_id, &external_url, &scope)))
            }
        };
        let next: Vec<String> = next.into_iter().map(|command| self.whole(command)).collect();
        match self.how.output {
            SetupOutput::Json => {
                let outcome = step.outcome();
                answer::print_line(&report.to_json(name, &outcome, &next, config.as_deref()).to_string())?;
            }
            SetupOutput::Text => {
                let outcome = told(&step.outcome());
                let next: String = next.iter().map(|command| format!("{:<10} {command}\n", "next")).collect();
                let config = config.map(|text| format!("\nor once in ~/.config/entrada/config.toml:\n{text}"));
                answer::print(format!("{}{outcome}{next}{}", report.to_text(), config.unwrap_or_default()).as_bytes())?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn show(&self, show: &args::Show, client_id: Option<&str>) -> Result<ExitCode, Failure> {
        let mut shown = self.with_graph(|graph| show::read(graph, show, client_id))?;
        shown.commands().for_each(|command| *command = self.whole(std::mem::take(command)));
        let ready = shown.ready.as_ref();
        let config = ready.map(|ready| self.config(&ready.client_id, &ready.external_url, &ready.scope));
        match self.how.output {
            SetupOutput::Json => answer::print_line(&shown.to_json(config.as_deref()).to_string())?,
            SetupOutput::Text => {
                let get = ready.map(|ready| {
                    format!("\n{}\n", self.get_command(&ready.client_id, &ready.external_url, &ready.scope))
                });
                answer::print(format!("{}{}", shown.to_text(), get.unwrap_or_default()).as_bytes())?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The administrator's tokens are in the cache of the user, who may not want them there.
    fn tell_what_stays(&self) {
        if self.settings.store == Store::Memory {
            return;
        }
        let mut command = format!("entrada logout --client-id {} --all", quoted(&self.how.admin_client_id));
        let others = |pair: &&[String]| !matches!(pair[0].as_str(), "--client-id" | "--scope" | "--account" | "--flow");
        for pair in self.settings.flags.chunks(2).filter(others) {
            command.push_str(&format!(" {}", pair.join(" ")));
        }
        self.notice.say(&format!("The administrator stays signed in here; to sign out: {command}"));
    }

    fn print_plan(&self, name: &str, plan: &Plan) -> Result<(), Failure> {
        if self.how.output == SetupOutput::Json {
            let requests: Vec<_> = plan.writes.iter().map(|write| write.to_json(&self.graph)).collect();
            let differences: Vec<_> =
                plan.differences().map(|one| json!({ "what": one.what, "is": one.is, "to_be": one.to_be })).collect();
            let plan = json!({
                "step": name, "dry_run": true, "requests": requests, "stayed": plan.stays, "differences": differences,
            });
            return answer::print_line(&plan.to_string());
        }
        let mut text = String::new();
        for write in &plan.writes {
            let what = entrada::words::clean(&write.what);
            text.push_str(&format!(
                "# {what}\n{} {}\n{}\n",
                write.method,
                write.url(&self.graph),
                write.body_at(&self.graph)
            ));
        }
        for one in plan.differences() {
            self.notice.line(&format!("{}: {} would become {}", one.what, one.is, one.to_be));
        }
        if plan.writes.is_empty() {
            self.notice.say("Nothing is left to do.");
        }
        answer::print(text.as_bytes())
    }

    /// A command of the setup with the flags that were given this time.
    fn whole(&self, mut command: String) -> String {
        if !command.starts_with("entrada setup ") {
            return command;
        }
        for pair in self.settings.flags.chunks(2).filter(|pair| !matches!(pair[0].as_str(), "--client-id" | "--scope"))
        {
            command.push_str(&format!(" {}", pair.join(" ")));
        }
        if let Some(graph) = &self.how.graph {
            command.push_str(&format!(" --graph {}", quoted(graph)));
        }
        if self.how.admin_client_id != args::GRAPH_COMMAND_LINE_TOOLS {
            command.push_str(&format!(" --admin-client-id {}", quoted(&self.how.admin_client_id)));
        }
        command
    }

    /// The words that name the tenant.
    fn tenant(&self) -> String {
        match &self.settings.authority {
            Some(Named::Tenant(tenant)) => format!("--tenant {}", quoted(tenant)),
            Some(Named::Authority(url) | Named::Oidc(url)) => format!("--authority {}", quoted(url)),
            None => String::new(),
        }
    }

    fn get_command(&self, client_id: &str, external_url: &str, scope: &str) -> String {
        let cloud = cloud_word(self.settings.cloud.into());
        let cloud = cloud.map(|cloud| format!(" --cloud {cloud}")).unwrap_or_default();
        let url = quoted(external_url);
        format!("entrada get {url} --client-id {client_id} {}{cloud} --scope {}", self.tenant(), quoted(scope))
    }

    fn config(&self, client_id: &str, external_url: &str, scope: &str) -> String {
        let authority = match &self.settings.authority {
            Some(Named::Tenant(tenant)) => format!("tenant = {}\n", basic(tenant)),
            Some(Named::Authority(url) | Named::Oidc(url)) => format!("authority = {}\n", basic(url)),
            None => String::new(),
        };
        let cloud = cloud_word(self.settings.cloud.into()).map(|cloud| format!("cloud = \"{cloud}\"\n"));
        format!(
            "client_id = {}\n{authority}{}\n[app.{}]\nscope = {}\n",
            basic(client_id),
            cloud.unwrap_or_default(),
            basic(external_url),
            basic(scope)
        )
    }
}

/// A basic string of TOML, which is one of JSON.
fn basic(text: &str) -> String {
    json!(text).to_string()
}

/// The outcome's texts, one a line.
fn told(outcome: &serde_json::Value) -> String {
    let texts = outcome.as_object().into_iter().flatten();
    let line = |(name, value): (&String, &serde_json::Value)| {
        let value = value.as_str()?;
        Some(format!("           {}: {}\n", name.replace('_', " "), entrada::words::clean(value)))
    };
    texts.filter_map(line).collect()
}

/// The delegated permissions of each step, the least that Graph's pages name. Application proxy is for users alone:
/// app-only callers are not supported by it.
fn scopes(step: &args::Step) -> &'static [&'static str] {
    match step {
        args::Step::Publish(_) => &["Application.ReadWrite.All", "Directory.ReadWrite.All"],
        args::Step::Register(_) => &["Application.ReadWrite.All"],
        args::Step::Grant(_) => &["Application.ReadWrite.All", "DelegatedPermissionGrant.ReadWrite.All"],
        args::Step::Assign(_) => &["AppRoleAssignment.ReadWrite.All", "Directory.Read.All"],
        // Connectors are told to nobody who may not change them.
        args::Step::Show(_) => &["Application.Read.All", "Directory.ReadWrite.All"],
    }
}

/// The settings of the administrator's sign-in: another client and other scopes than those that are set up.
fn as_administrator(settings: &Settings, client_id: &str, scopes: Vec<String>) -> Settings {
    let mut flags = vec!["--client-id".to_owned(), quoted(client_id)];
    for scope in &scopes {
        flags.extend(["--scope".to_owned(), quoted(scope)]);
    }
    for pair in settings.flags.chunks(2) {
        if !matches!(pair[0].as_str(), "--client-id" | "--scope") {
            flags.extend(pair.iter().cloned());
        }
    }
    Settings { client_id: Some(client_id.to_owned()), scopes, url: None, flags, ..settings.clone() }
}

/// Where a cloud has its Graph; not all of them say.
fn graph_host(cloud: Cloud) -> Result<&'static str, Failure> {
    match cloud {
        Cloud::Public => Ok("graph.microsoft.com"),
        Cloud::UsGov => Ok("graph.microsoft.us"),
        Cloud::China => Ok("microsoftgraph.chinacloudapi.cn"),
        _ => Err(trap("no_graph", "where this cloud has its Microsoft Graph is not public", "name it with --graph")),
    }
}

fn cloud_word(cloud: Cloud) -> Option<&'static str> {
    match cloud {
        Cloud::UsGov => Some("usgov"),
        Cloud::China => Some("china"),
        Cloud::Bleu => Some("bleu"),
        Cloud::Delos => Some("delos"),
        Cloud::GovSg => Some("govsg"),
        _ => None,
    }
}
