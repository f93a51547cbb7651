//! The name: where it leads, and by which other names.

use std::net::{IpAddr, ToSocketAddrs};

use super::check::Check;
use super::dns;
use crate::failure::NETWORK;

/// What application proxy's own names end with, in each cloud.
const PROXY_SUFFIXES: [&str; 2] = [".msappproxy.net", ".msappproxy.us"];
/// What the names of wildcard apps lead to begins with the tenant's id.
const WILDCARD: &str = ".tenant.runtime.msappproxy.net";
/// Where the system says whom it asks.
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// What there is to know of a name.
#[derive(Debug)]
pub(super) struct Observed {
    pub(super) addresses: Result<Vec<IpAddr>, String>,
    /// The names that it is an alias of; the reason where that cannot be told.
    pub(super) aliases: Result<Vec<String>, String>,
}

/// Looks a name up, unless it is none, or a proxy does that.
pub(super) fn look_up(host: &str, port: u16, proxy: Option<&str>) -> Result<Observed, Check> {
    let host = host.trim_matches(['[', ']']);
    if host == "localhost" || host.parse::<IpAddr>().is_ok() {
        return Err(Check::skipped("name", format!("{host} is no name to look up")));
    }
    if let Some(proxy) = proxy {
        return Err(Check::skipped("name", format!("the proxy in {proxy} looks {host} up")));
    }
    let addresses = (host, port).to_socket_addrs();
    let addresses =
        addresses.map(|found| found.map(|address| address.ip()).collect()).map_err(|error| error.to_string());
    Ok(Observed { addresses, aliases: aliases(host) })
}

fn aliases(host: &str) -> Result<Vec<String>, String> {
    if !cfg!(unix) {
        return Err("this system does not say which name servers it asks".to_owned());
    }
    let file = std::fs::read_to_string(RESOLV_CONF).map_err(|error| format!("{RESOLV_CONF}: {error}"))?;
    dns::aliases(host, &dns::servers(&file)).map_err(|error| error.to_string())
}

/// What the name's addresses and aliases mean.
pub(super) fn check(host: &str, observed: &Observed) -> Check {
    let addresses = match &observed.addresses {
        Err(error) => {
            let remedy = "check the host's spelling, the network and the VPN; for a domain of the company's, whoever \
                          runs its DNS adds the CNAME";
            return Check::fail("name", NETWORK, format!("no address is found for {host}: {error}"), remedy);
        }
        Ok(addresses) => addresses,
    };
    let inside: Vec<String> = addresses.iter().filter(|ip| is_inside(ip)).map(ToString::to_string).collect();
    let aliases = observed.aliases.as_deref().unwrap_or_default();
    let path = [host].into_iter().chain(aliases.iter().map(String::as_str)).collect::<Vec<_>>().join(" > ");
    let is_proxys = |name: &str| PROXY_SUFFIXES.iter().any(|suffix| name.ends_with(suffix));
    let leads_there = is_proxys(&host.to_ascii_lowercase()) || aliases.iter().any(|name| is_proxys(name));
    let outside = format!("to reach the app by the proxy, {host} has to lead to msappproxy.net, as seen from outside");
    if !inside.is_empty() {
        let finding = format!("{path} leads to {}: an address of an inner network", inside.join(", "));
        let remedy = format!("{outside}; inside the company the name may lead past the proxy (split-brain DNS)");
        return Check::warn("name", finding, remedy);
    }
    if leads_there {
        let tenant =
            aliases.iter().find_map(|name| name.strip_suffix(WILDCARD)).and_then(|name| name.split('.').next());
        let tenant = tenant.map(|tenant| format!("; a wildcard app of the tenant {tenant}")).unwrap_or_default();
        return Check::ok("name", format!("{path} leads to application proxy{tenant}"));
    }
    match &observed.aliases {
        Ok(_) => Check::warn("name", format!("{path} does not lead to application proxy"), outside + ", by a CNAME"),
        Err(why) => {
            let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
            Check::ok("name", format!("{host} is at {}; its CNAMEs are not known ({why})", addresses.join(", ")))
        }
    }
}

/// Whether an address is one of an inner network, of this computer, or of a carrier's network (RFC 1918, 4193, 6598).
fn is_inside(address: &IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(ip) => {
            let [first, second, ..] = ip.octets();
            ip.is_private() || ip.is_loopback() || ip.is_link_local() || (first == 100 && (64..128).contains(&second))
        }
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::Status;
    use super::*;

    fn checked(host: &str, addresses: &[&str], aliases: Result<&[&str], &str>) -> Check {
        let addresses = addresses.iter().map(|ip| ip.parse().unwrap()).collect();
        let aliases = aliases.map(|all| all.iter().map(ToString::to_string).collect()).map_err(str::to_owned);
        check(host, &Observed { addresses: Ok(addresses), aliases })
    }

    #[test]
    fn a_name_leads_to_the_proxy_by_itself_or_by_its_aliases() {
        let public = &["20.0.0.1"][..];
        let tenant = "3c1f0a52-8d34-4b0e-9a57-5b1e6f2d7c01";
        let wildcard = format!("{tenant}.eur.tenant.runtime.msappproxy.net");
        for (host, addresses, aliases, status, words) in [
            ("HR-contoso.msappproxy.net", public, Ok(&[][..]), Status::Ok, "leads to application proxy"),
            ("hr-contoso.msappproxy.us", public, Err("refused"), Status::Ok, "leads to application proxy"),
            ("hr.contoso.example", public, Ok(&["hr-contoso.msappproxy.net", "edge.example"]), Status::Ok, " > "),
            ("hr.contoso.example", public, Ok(&[&*wildcard]), Status::Ok, tenant),
            ("hr.contoso.example", public, Ok(&["web.example"]), Status::Warn, "does not lead"),
            ("hr.contoso.example", public, Ok(&["msappproxy.net.evil.example"]), Status::Warn, "does not lead"),
            ("hr.contoso.example", public, Err("no server"), Status::Ok, "not known (no server)"),
            ("hr.contoso.example", &["10.1.2.3"], Ok(&[]), Status::Warn, "inner network"),
            ("hr.contoso.example", &["::ffff:192.168.0.1"], Err("x"), Status::Warn, "inner network"),
            ("hr-contoso.msappproxy.net", &["fd00::1"], Ok(&[]), Status::Warn, "inner network"),
            ("hr-contoso.msappproxy.net", &["100.64.0.1"], Ok(&[]), Status::Warn, "inner network"),
        ] {
            let check = checked(host, addresses, aliases);
            assert_eq!(check.status, status, "{}", check.finding);
            assert!(check.finding.contains(words), "{}", check.finding);
        }
        let nowhere = Observed { addresses: Err("no such name".to_owned()), aliases: Ok(Vec::new()) };
        let nowhere = check("hr.contoso.example", &nowhere);
        assert_eq!((nowhere.status, nowhere.code), (Status::Fail, NETWORK));
        assert!(nowhere.remedy.unwrap().contains("CNAME"));
    }

    #[test]
    fn what_is_no_name_and_what_a_proxy_looks_up_is_not_looked_up() {
        for (host, proxy) in
            [("localhost", None), ("127.0.0.1", None), ("[::1]", None), ("h.example", Some("HTTPS_PROXY"))]
        {
            assert_eq!(look_up(host, 443, proxy).unwrap_err().status, Status::Skipped, "{host}");
        }
    }
}
