//! The way to a server: whether there is one, and whether it is to be trusted.

use super::check::Check;
use crate::failure::{Failure, NETWORK};

/// From how a request without a token went: the connection and TLS.
pub(super) fn checks(url: &str, outcome: Result<(), &Failure>) -> [Check; 2] {
    let is_plain = url.starts_with("http://");
    let (reached, trusted) = match outcome {
        Ok(()) => (Check::ok("connection", "the app's host answers"), Check::ok("tls", "its certificate is trusted")),
        Err(failure) if failure.kind == "tls" => {
            (Check::ok("connection", "the app's host answers"), untrusted("tls", failure))
        }
        Err(failure) => (unreached("connection", failure), Check::skipped("tls", "there is no connection")),
    };
    [reached, if is_plain { Check::skipped("tls", "http on loopback has none") } else { trusted }]
}

/// A failure on the way to a server, under another check's name.
pub(super) fn unreached(name: &'static str, failure: &Failure) -> Check {
    if failure.kind == "tls" {
        return untrusted(name, failure);
    }
    let remedy = "check the network, the VPN, and the proxy in HTTPS_PROXY and NO_PROXY";
    Check::fail(name, NETWORK, &failure.message, failure.remedy.as_deref().unwrap_or(remedy))
}

fn untrusted(name: &'static str, failure: &Failure) -> Check {
    let message = &failure.message;
    let remedy = if message.contains("another name") {
        "check the host's spelling; the administrator uploads a certificate for it, and its CNAME leads to \
         msappproxy.net"
    } else if message.contains("not valid today") {
        "check this computer's clock; if it is right, the administrator renews the certificate"
    } else {
        "give the certificate of the private CA with --ca FILE or SSL_CERT_FILE; if no private CA is meant, something on \
         the way inspects TLS: ask whoever runs the network"
    };
    Check::fail(name, NETWORK, message, remedy)
}

#[cfg(test)]
mod tests {
    use entrada::ports::AdapterError;
    use entrada::{Error, Fault, Port};

    use super::super::check::Status;
    use super::*;

    #[test]
    fn tls_is_told_from_the_network() {
        let failed = |fault, text: &str| {
            Failure::from(Error::from_adapter(Port::App, AdapterError::new(fault, text.to_owned())))
        };
        let url = "https://hr.example/";
        let [reached, tls] = checks(url, Err(&failed(Fault::Unreachable, "no connection to hr.example")));
        assert_eq!((reached.status, tls.status, reached.code), (Status::Fail, Status::Skipped, 7));
        for (text, remedy) in [
            ("the certificate of hr.example was issued by nobody whom this system trusts", "--ca FILE"),
            ("the certificate of hr.example is for another name", "spelling"),
            ("the certificate of hr.example is not valid today", "clock"),
        ] {
            let [reached, tls] = checks(url, Err(&failed(Fault::Untrusted, text)));
            assert_eq!((reached.status, tls.status, tls.code), (Status::Ok, Status::Fail, 7));
            assert!(tls.finding.contains(text) && tls.remedy.unwrap().contains(remedy), "{text}");
        }
        assert_eq!(checks("http://127.0.0.1/", Ok(())).map(|check| check.status), [Status::Ok, Status::Skipped]);
    }
}
