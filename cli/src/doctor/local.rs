//! This computer: what is configured, which proxies hold, whether a browser can be opened.

use entrada::system_browser::{Environment, Platform, SystemBrowser};
use entrada_dial::Environment as Proxies;
use http::Uri;
use url::Url;

use super::check::Check;
use crate::args::{Common, Flow};
use crate::failure::{CONFIGURATION, OTHER};
use crate::settings::Settings;

/// Which settings hold, and who says so.
pub(super) fn configuration(common: &Common, settings: &Settings) -> Check {
    const NAME: &str = "configuration";
    let held = match Settings::held(common, settings.url.as_deref()) {
        Ok(held) => held,
        Err(failure) => return Check::failure(NAME, &failure, "correct the configuration"),
    };
    let made: Vec<String> =
        held.iter().map(|one| format!("{} by {}", one.key.replace('_', "-"), one.origin())).collect();
    let made = if made.is_empty() { "nothing is set".to_owned() } else { made.join(", ") };
    let finding = format!("entrada {}: {made}", env!("CARGO_PKG_VERSION"));
    match settings.client_id() {
        Ok(_) => Check::ok(NAME, finding),
        Err(failure) => {
            let remedy = failure.remedy.as_deref().unwrap_or_default();
            Check::fail(NAME, CONFIGURATION, format!("{}; {finding}", failure.message), remedy)
        }
    }
}

/// The variable that names the proxy for a URL.
pub(super) fn proxy_for(url: &str) -> Option<&'static str> {
    let uri: Uri = url.parse().ok()?;
    Proxies::read().for_uri(&uri).map(|variable| variable.name())
}

/// Which proxies hold for these URLs. Their users and passwords are not shown.
pub(super) fn proxies(urls: &[&str]) -> Check {
    const NAME: &str = "proxy";
    let environment = Proxies::read();
    let mut ways: Vec<String> = Vec::new();
    for url in urls {
        let Some(uri) = url.parse::<Uri>().ok().filter(|uri| uri.host().is_some()) else { continue };
        let host = uri.host().unwrap_or_default();
        let way = match environment.for_uri(&uri) {
            None => format!("{host} is reached directly"),
            Some(variable) => match host_and_port(variable.value()) {
                Some(proxy) => format!("{host} is reached through {proxy} ({})", variable.name()),
                None => {
                    let remedy = "set it to the proxy's URL, http://host:port, or to nothing";
                    return Check::fail(NAME, OTHER, variable.unusable().to_string(), remedy);
                }
            },
        };
        if !ways.contains(&way) {
            ways.push(way);
        }
    }
    match ways.is_empty() {
        true => Check::skipped(NAME, "there is nobody to reach"),
        false => Check::ok(NAME, ways.join("; ")),
    }
}

/// Of a proxy's URL, without user and password.
fn host_and_port(value: &str) -> Option<String> {
    let with_scheme = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
    let url = Url::parse(&with_scheme).ok()?;
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

/// How a sign-in would be made here.
pub(super) fn browser(settings: &Settings) -> Check {
    const NAME: &str = "browser";
    let browser = SystemBrowser::builder().open_browser(!settings.no_browser).build();
    let can_open = browser.is_ok_and(|browser| browser.can_open());
    browser_check(settings.flow, settings.no_browser, can_open, &Environment::current())
        .unwrap_or_else(|| Check::ok(NAME, "a browser can be opened"))
}

fn browser_check(flow: Flow, no_browser: bool, can_open: bool, here: &Environment) -> Option<Check> {
    const NAME: &str = "browser";
    let place = match here {
        Environment { ssh: true, .. } => "this is a session over SSH: ",
        Environment { container: true, .. } => "this is a container: ",
        Environment { sudo: true, .. } => "this is another user's session (sudo): ",
        Environment { platform: Platform::Wsl, .. } => "this is WSL: ",
        _ => "",
    };
    match flow {
        Flow::Device => Some(
            Check::warn(
                NAME,
                "sign-ins are made by user code, which many tenants block",
                "where it is blocked (AADSTS53003), sign in with the browser: --flow browser",
            )
            .documented("https://learn.microsoft.com/entra/identity/conditional-access/concept-authentication-flows"),
        ),
        Flow::Paste => Some(
            Check::warn(
                NAME,
                "sign-ins are made by pasting the redirect: Microsoft's page for native clients goes on to \
                 /common/wrongplace within one to three seconds",
                "sign in with the browser (--flow browser), or copy the address as soon as the page is there",
            )
            .documented("https://learn.microsoft.com/entra/identity-platform/reply-url"),
        ),
        Flow::Browser | Flow::Auto if can_open => match place {
            "" => None,
            place => Some(Check::ok(NAME, format!("{place}a browser can be opened"))),
        },
        Flow::Browser | Flow::Auto => {
            let why = if no_browser { "none is to be opened (--no-browser)" } else { "no browser can be opened here" };
            let remedy = match flow {
                Flow::Browser => {
                    "open the URL that is shown in a browser on this computer, or sign in with --flow device"
                }
                _ => {
                    "sign in by user code, where the tenant allows it; else set BROWSER, or paste the redirect \
                      (--flow paste)"
                }
            };
            Some(Check::warn(NAME, format!("{place}{why}"), remedy))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::Status;
    use super::*;

    #[test]
    fn each_way_to_sign_in_has_its_own_trouble() {
        let here = Environment::default();
        let mut ssh = Environment::default();
        ssh.ssh = true;
        for (flow, can_open, place, expected) in [
            (Flow::Auto, true, &here, None),
            (Flow::Browser, true, &ssh, Some((Status::Ok, "SSH"))),
            (Flow::Auto, false, &here, Some((Status::Warn, "no browser can be opened"))),
            (Flow::Browser, false, &ssh, Some((Status::Warn, "SSH"))),
            (Flow::Paste, true, &here, Some((Status::Warn, "wrongplace"))),
            (Flow::Device, true, &here, Some((Status::Warn, "many tenants block"))),
        ] {
            let check = browser_check(flow, false, can_open, place);
            assert_eq!(check.as_ref().map(|check| check.status), expected.map(|(status, _)| status), "{flow:?}");
            assert!(check.is_none_or(|check| check.finding.contains(expected.unwrap().1)));
        }
    }

    #[test]
    fn a_proxy_is_told_without_its_password() {
        assert_eq!(host_and_port("http://me:word@proxy.example:3128/").as_deref(), Some("proxy.example:3128"));
        assert_eq!(host_and_port("proxy.example:3128").as_deref(), Some("proxy.example:3128"));
        assert_eq!(host_and_port("http://"), None);
    }
}
