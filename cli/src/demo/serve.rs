//! `entrada demo serve`: the demo's servers for a second shell, sound or broken in a way that has a name.

use std::path::Path;
use std::process::ExitCode;

use entrada_authority::{Breakage, Stage, Suggestion};

use super::failed;
use crate::answer;
use crate::failure::Failure;
use crate::settings::quoted;

/// Prints the names, each with what it is like.
pub(super) fn list() -> Result<ExitCode, Failure> {
    let all = Breakage::all();
    let width = all.iter().map(|breakage| breakage.name().len()).max().unwrap_or_default();
    for breakage in all {
        answer::print_line(&format!("{:<width$}  {}", breakage.name(), breakage.like()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The breakage of this name.
pub(super) fn named(name: &str) -> Result<&'static Breakage, Failure> {
    let unknown = || Failure::usage(format!("there is no breakage {name:?}"));
    Breakage::named(name)
        .ok_or_else(|| unknown().with_remedy("`entrada demo serve --break list` prints all, each with what it is like"))
}

/// Stays up, with all that a second shell needs. Files for it go to `folder`.
pub(super) fn serve(
    stage: &Stage,
    folder: &Path,
    cache: &str,
    breakage: Option<&Breakage>,
) -> Result<ExitCode, Failure> {
    let to = breakage.map_or_else(|| Suggestion::sound(stage), |breakage| breakage.suggestion(stage));
    let mut settings = vec![("ENTRADA_CLIENT_ID", to.client_id), ("ENTRADA_AUTHORITY", to.authority)];
    settings.extend(to.scope.map(|scope| ("ENTRADA_SCOPE", scope)));
    settings.extend(to.flow.map(|flow| ("ENTRADA_FLOW", flow.to_owned())));
    settings.push(("ENTRADA_CACHE", cache.to_owned()));
    if let Some(pem) = stage.ca_pem() {
        let file = folder.join("ca.pem");
        std::fs::write(&file, pem).map_err(|error| failed("the demo's certificate cannot be written", &error))?;
        settings.push(("ENTRADA_CA", file.display().to_string()));
    }
    let exports: String = settings.iter().map(|(name, value)| format!("export {name}={}\n", quoted(value))).collect();
    let mut commands = to.commands;
    let mut broken = String::new();
    if let Some(breakage) = breakage {
        broken = format!("# Broken: {}. {}\n", breakage.name(), breakage.like());
        let url = commands.iter().find_map(|line| line.strip_prefix("entrada get "));
        let doctor = format!("entrada doctor {}", url.unwrap_or(stage.external_url()));
        commands.push(doctor);
    }
    let commands: String = commands.iter().map(|line| format!("\n#   {line}")).collect();
    answer::print_line(&format!(
        "# The demo's authority, proxy and app are up until this is interrupted. In a second shell:\n\
         {broken}{exports}\
         # then, for instance, signing in as {} with the password {}:{commands}",
        to.user.upn, to.user.password
    ))?;
    loop {
        std::thread::park();
    }
}
