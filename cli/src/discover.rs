//! `entrada discover`.

use std::process::ExitCode;

use clap::ValueEnum as _;
use entrada::protocol::PublishedApp;
use serde_json::json;

use crate::answer;
use crate::args::{Cloud, Discover};
use crate::assemble;
use crate::failure::Failure;
use crate::notice::Notice;
use crate::settings::Settings;

pub(crate) fn run(discover: &Discover, settings: &Settings, notice: Notice) -> Result<ExitCode, Failure> {
    let named = settings.authority.as_ref().map(|_| settings.authority()).transpose()?;
    let app = entrada::discover(&assemble::transport(settings)?, &discover.url, named.as_ref())?;
    if !app.is_confirmed() {
        notice.warn(&format!(
            "the authority does not confirm that the app {} is at {}: a token for it by its id is not sent there",
            app.app_id(),
            app.external_url()
        ));
    }
    answer::print_line(&as_json(&app).to_string())?;
    Ok(ExitCode::SUCCESS)
}

fn as_json(app: &PublishedApp) -> serde_json::Value {
    json!({
        "external_url": app.external_url(),
        "tenant": app.authority().tenant_name(),
        "authority": app.authority().url(),
        "cloud": app.cloud().and_then(name),
        "resource": app.app_id(),
        "confirmed": app.is_confirmed(),
        "scopes": app.scopes(),
    })
}

/// The cloud as `--cloud` takes it.
fn name(cloud: entrada::Cloud) -> Option<String> {
    let known = Cloud::value_variants().iter().find(|known| entrada::Cloud::from(**known) == cloud)?;
    Some(known.to_possible_value()?.get_name().to_owned())
}
