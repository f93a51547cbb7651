//! Whether a request is the redirect that is awaited.

use entrada_core::Secret;
use url::form_urlencoded;

use super::Request;

/// Where the redirect is awaited.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    /// The host of the redirect URI.
    pub(crate) host: String,
    /// Our port.
    pub(crate) port: u16,
    /// The path of the redirect URI; `/` where it has none.
    pub(crate) path: String,
}

/// What a request is.
pub(crate) enum Verdict {
    /// The redirect, with its parameters as they came.
    Ours {
        /// Form-encoded.
        parameters: Secret,
        /// `error` and `error_description`, where the authority refused.
        failure: Option<(String, String)>,
    },
    /// A browser asks whether a page of another origin, or of the public network, may send to us.
    Preflight,
    /// `HEAD` of our path.
    Head,
    /// Something else; the status, and a sentence for whoever reads it.
    Odd(u16, &'static str),
}

/// Judges a request; `state` is what the right redirect carries, if one is awaited at all.
///
/// A `Host` that is not ours means that another site's name points at this machine (DNS rebinding).
pub(crate) fn judge(request: &Request, address: &Address, state: Option<&str>) -> Verdict {
    if !request.host.as_deref().is_some_and(|host| address.is_named(host)) {
        return Verdict::Odd(421, "This host is not served here.");
    }
    let is_ours = request.path == address.path;
    let parameters = match request.method.as_str() {
        "OPTIONS" => return Verdict::Preflight,
        "GET" | "HEAD" | "POST" if !is_ours => return Verdict::Odd(404, "There is nothing here."),
        "HEAD" => return Verdict::Head,
        "GET" => request.query.as_ref().map(Secret::expose),
        "POST" if request.content_type != "application/x-www-form-urlencoded" => {
            return Verdict::Odd(415, "Only a form is taken here.");
        }
        "POST" => std::str::from_utf8(&request.body).ok(),
        _ => return Verdict::Odd(405, "This method is not served here."),
    };
    let parameters = parameters.unwrap_or_default();
    let values = |name: &str| -> Vec<String> {
        let pairs = form_urlencoded::parse(parameters.as_bytes());
        pairs.filter(|(key, _)| key == name).map(|(_, value)| value.into_owned()).collect()
    };
    let first = |name: &str| values(name).into_iter().next();
    let error = first("error");
    // Asked without a copy of the code that nobody would wipe.
    let has_code = form_urlencoded::parse(parameters.as_bytes()).any(|(key, _)| key == "code");
    if error.is_none() && !has_code {
        return Verdict::Odd(400, "No answer of a sign-in came with this request. The sign-in is still awaited.");
    }
    // One state, and the right one: anybody can send a browser here with a code of their own.
    match (values("state").as_slice(), state) {
        ([one], Some(state)) if one == state => {}
        _ => {
            return Verdict::Odd(
                400,
                "This answer belongs to another sign-in. Please use the page that was opened last.",
            );
        }
    }
    let failure = error.map(|error| (error, first("error_description").unwrap_or_default()));
    Verdict::Ours { parameters: Secret::new(parameters), failure }
}

impl Address {
    fn is_named(&self, host: &str) -> bool {
        // A browser leaves the port out where it is the scheme's own.
        let (name, port) = host.rsplit_once(':').unwrap_or((host, "80"));
        port == self.port.to_string()
            && ["localhost", "127.0.0.1", &self.host].iter().any(|known| name.eq_ignore_ascii_case(known))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, target: &str, body: &str) -> Request {
        let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        Request {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.map(Secret::new),
            host: Some("localhost:8400".to_owned()),
            content_type: "application/x-www-form-urlencoded".to_owned(),
            body: body.as_bytes().to_vec().into(),
        }
    }

    fn verdict(request: &Request, state: Option<&str>) -> String {
        let address = Address { host: "localhost".into(), port: 8400, path: "/".into() };
        match judge(request, &address, state) {
            Verdict::Ours { parameters, failure: None } => format!("ours {}", parameters.expose()),
            Verdict::Ours { failure: Some((error, description)), .. } => format!("failed {error}: {description}"),
            Verdict::Preflight => "preflight".to_owned(),
            Verdict::Head => "head".to_owned(),
            Verdict::Odd(status, _) => status.to_string(),
        }
    }

    #[test]
    fn only_one_state_and_only_the_right_one_is_ours() {
        let table = [
            ("GET", "/?code=a&state=s", "", "ours code=a&state=s"),
            ("GET", "/?state=%73&code=a", "", "ours state=%73&code=a"),
            ("POST", "/", "code=a&state=s", "ours code=a&state=s"),
            ("POST", "/?state=x", "code=a&state=s", "ours code=a&state=s"),
            ("GET", "/?error=access_denied&error_description=a+b%3C&state=s", "", "failed access_denied: a b<"),
            ("POST", "/", "error=x&state=s", "failed x: "),
            ("POST", "/?code=a&state=s", "", "400"),
            ("GET", "/?code=a&state=S", "", "400"),
            ("GET", "/?code=a&state=", "", "400"),
            ("GET", "/?code=a", "", "400"),
            ("GET", "/?error=access_denied", "", "400"),
            ("GET", "/?code=a&state=s&state=s", "", "400"),
            ("GET", "/?code=a&state=x&state=s", "", "400"),
            ("GET", "/?state=s", "", "400"),
            ("GET", "/", "", "400"),
            ("GET", "/favicon.ico", "", "404"),
            ("GET", "/x?code=a&state=s", "", "404"),
            ("GET", "//?code=a&state=s", "", "404"),
            ("HEAD", "/?code=a&state=s", "", "head"),
            ("OPTIONS", "/", "", "preflight"),
            ("PUT", "/?code=a&state=s", "", "405"),
            ("CONNECT", "localhost:8400", "", "405"),
        ];
        for (method, target, body, expected) in table {
            assert_eq!(verdict(&request(method, target, body), Some("s")), expected, "{method} {target} {body}");
        }
        assert_eq!(verdict(&request("GET", "/?code=a&state=s", ""), None), "400");
    }

    #[test]
    fn a_host_that_is_not_ours_is_refused() {
        let with = |host: Option<&str>| {
            let host = host.map(str::to_owned);
            verdict(&Request { host, ..request("GET", "/?code=a&state=s", "") }, Some("s"))
        };
        for host in ["localhost:8400", "LocalHost:8400", "127.0.0.1:8400"] {
            assert!(with(Some(host)).starts_with("ours"), "{host}");
        }
        for host in
            ["evil.example:8400", "localhost", "localhost:80", "localhost:8400:8400", "localhost.evil.example:8400"]
        {
            assert_eq!(with(Some(host)), "421", "{host}");
        }
        assert_eq!(with(None), "421");
    }

    #[test]
    fn a_form_must_say_that_it_is_one() {
        let odd = Request { content_type: "text/plain".into(), ..request("POST", "/", "code=a&state=s") };
        assert_eq!(verdict(&odd, Some("s")), "415");
    }
}
