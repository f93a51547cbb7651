//! A client without opinions: one HTTP/1.1 exchange per connection, nothing followed, nothing kept.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use entrada_authority::Stage;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use url::Url;
use url::form_urlencoded::{Serializer, parse};

/// The example of RFC 7636, appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub const REDIRECT: &str = "http://localhost:50505";

/// Parameters changed in a right request; "-" takes one away.
pub type Changes<'a> = &'a [(&'a str, &'a str)];

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    /// The AADSTS number, wherever it stands: body of an error, error page, redirect.
    pub fn aadsts(&self) -> u64 {
        let place = self.header("location").map_or_else(|| self.text(), str::to_owned);
        let at = place.find("AADSTS").unwrap_or_else(|| panic!("no number in {self:?}"));
        place[at + 6..].chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap()
    }

    /// A query parameter of the redirect.
    pub fn redirected(&self, name: &str) -> Option<String> {
        let url = Url::parse(self.header("location")?).unwrap();
        url.query_pairs().find(|(k, _)| k == name).map(|(_, v)| v.into_owned())
    }
}

/// `None` where the connection ends before the answer does.
pub fn exchange(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Option<Answer> {
    let url = Url::parse(url).unwrap();
    let address = (url.host_str().unwrap(), url.port_or_known_default().unwrap());
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(&request(method, &url, headers, body)).unwrap();
    read(method, stream)
}

/// The bytes of a request.
pub fn request(method: &str, url: &Url, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let mut head = format!("{method} {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    if !body.is_empty() || method == "POST" {
        head += &format!("content-length: {}\r\n", body.len());
    }
    [(head + "\r\n").as_bytes(), body].concat()
}

/// The answer on a stream that ends with it.
pub fn read(method: &str, mut stream: impl Read) -> Option<Answer> {
    let mut raw = Vec::new();
    stream.read_to_end(&mut raw).ok()?;
    let end = raw.windows(4).position(|w| w == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&raw[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(String, String)> =
        lines.filter_map(|l| l.split_once(": ")).map(|(k, v)| (k.to_ascii_lowercase(), v.to_owned())).collect();
    let mut answer = Answer { status, headers, body: raw[end + 4..].to_vec() };
    if answer.header("transfer-encoding") == Some("chunked") {
        answer.body = dechunk(&answer.body)?;
    }
    let promised = answer.header("content-length").and_then(|n| n.parse().ok());
    (method == "HEAD" || promised.is_none_or(|n: usize| n == answer.body.len())).then_some(answer)
}

fn dechunk(mut raw: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    loop {
        let end = raw.windows(2).position(|w| w == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&raw[..end]).ok()?, 16).ok()?;
        if size == 0 {
            return Some(out);
        }
        out.extend_from_slice(raw.get(end + 2..end + 2 + size)?);
        raw = raw.get(end + 4 + size..)?;
    }
}

pub fn get(url: &str) -> Answer {
    exchange("GET", url, &[], b"").expect("an answer")
}

pub fn get_with(url: &str, token: &str) -> Answer {
    exchange("GET", url, &[("authorization", &format!("Bearer {token}"))], b"").expect("an answer")
}

pub fn post_form(form: &[(&str, &str)]) -> String {
    Serializer::new(String::new()).extend_pairs(form).finish()
}

pub fn post(url: &str, form: &[(&str, &str)]) -> Answer {
    let body = post_form(form);
    exchange("POST", url, &[("content-type", "application/x-www-form-urlencoded")], body.as_bytes()).expect("an answer")
}

/// A right authorize request, with changes: a value of "-" takes a parameter away.
pub fn authorize_url(stage: &Stage, changes: &[(&str, &str)]) -> String {
    let scope = format!("{} openid profile offline_access", stage.scope());
    let mut parameters = vec![
        ("client_id", stage.client_id().to_owned()),
        ("response_type", "code".to_owned()),
        ("redirect_uri", REDIRECT.to_owned()),
        ("scope", scope),
        ("state", "s&<\"'>".to_owned()),
        ("nonce", "n-1".to_owned()),
        ("code_challenge", CHALLENGE.to_owned()),
        ("code_challenge_method", "S256".to_owned()),
    ];
    for (name, value) in changes {
        parameters.retain(|(k, _)| k != name);
        if *value != "-" {
            parameters.push((name, (*value).to_owned()));
        }
    }
    let query = Serializer::new(String::new()).extend_pairs(parameters).finish();
    format!("{}/oauth2/v2.0/authorize?{query}", stage.authority_url())
}

pub fn token_url(stage: &Stage) -> String {
    format!("{}/oauth2/v2.0/token", stage.authority_url())
}

/// Ada signs in; the code.
pub fn code(stage: &Stage, changes: &[(&str, &str)]) -> String {
    let visit = stage.visitor().keeps_delivery().visit(&authorize_url(stage, changes)).unwrap();
    let delivered = visit.delivered.unwrap_or_else(|| panic!("{}", visit.page));
    delivered.get("code").unwrap_or_else(|| panic!("{delivered:?}")).to_owned()
}

pub fn redeem(stage: &Stage, code: &str, changes: &[(&str, &str)]) -> Answer {
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("client_id", stage.client_id()),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    change(&mut form, changes);
    post(&token_url(stage), &form)
}

pub fn refresh(stage: &Stage, token: &str, scope: &str, changes: &[(&str, &str)]) -> Answer {
    let scope = format!("{scope} openid profile offline_access");
    let mut form = vec![
        ("grant_type", "refresh_token"),
        ("client_id", stage.client_id()),
        ("refresh_token", token),
        ("scope", &scope),
    ];
    change(&mut form, changes);
    post(&token_url(stage), &form)
}

pub fn change<'a>(form: &mut Vec<(&'a str, &'a str)>, changes: &[(&'a str, &'a str)]) {
    for (name, value) in changes {
        form.retain(|(k, _)| k != name);
        if *value != "-" {
            form.push((name, value));
        }
    }
}

/// Ada signs in; the whole answer.
pub fn tokens(stage: &Stage) -> Value {
    let answer = redeem(stage, &code(stage, &[]), &[]);
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

pub fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}

pub fn query(text: &str) -> Vec<(String, String)> {
    parse(text.as_bytes()).into_owned().collect()
}
