//! Calls to the app over a scripted transport, blocking and async: the same policy, the same ends.

#![cfg(feature = "std")]
#![expect(clippy::unwrap_used, reason = "a proof ends where it fails")]

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use entrada_core::cache::Snapshot;
use entrada_core::drive::blocking;
use entrada_core::ports::AdapterError;
use entrada_core::ports::blocking::{Body, Transport};
use entrada_core::protocol::Exchange;
use entrada_core::{Action, App, Authority, Cloud, Error, Flow, Outcome, Token, TokenRequest, UnixTime};
use http::{Request, Response};
use serde_json::json;

const PAGE: &str = "https://hr-contoso.msappproxy.net/api";
const CHALLENGE: &str = r#"Bearer error="insufficient_claims", claims="e30=""#;

/// A token as the cache has it.
fn token(secret: &str) -> Token {
    let cache = json!({ "AccessToken": { "a": { "home_account_id": "u.t", "environment": "login.microsoftonline.com",
        "client_id": "c", "realm": "t", "target": "s", "secret": secret, "cached_at": "1", "expires_on": "9999" } } });
    let app = App::new("c", Authority::tenant(Cloud::Public, "t").unwrap()).unwrap();
    let (mut flow, action) = Flow::silent(&app, &TokenRequest::new(["s"]).unwrap());
    let Action::Load(ask) = action else { panic!("{action:?}") };
    let event = ask.answer(Snapshot::of(Some(cache.to_string().into_bytes())));
    match flow.resume(UnixTime::from_secs(10), event) {
        Action::Done(Ok(Outcome::Token(token))) => *token,
        other => panic!("{other:?}"),
    }
}

/// Answers as it is told, and writes down what it is asked.
#[derive(Default)]
struct Script {
    answers: Mutex<VecDeque<(u16, &'static str, &'static str)>>,
    asked: Mutex<Vec<String>>,
    /// The names of the headers of each request, but for the Bearer's.
    headers: Mutex<Vec<String>>,
}

impl Script {
    fn of(answers: impl IntoIterator<Item = (u16, &'static str, &'static str)>) -> Self {
        Self { answers: Mutex::new(answers.into_iter().collect()), ..Self::default() }
    }

    fn answer<B: Default>(&self, request: &Request<B>, length: Option<u64>) -> Response<B> {
        let bearer = request.headers().get("authorization").map_or("-", |value| value.to_str().unwrap());
        let line = format!("{} {} {bearer} {length:?}", request.method(), request.uri());
        self.asked.lock().unwrap().push(line);
        let mut names: Vec<_> = request.headers().keys().map(|name| name.as_str()).collect();
        names.retain(|name| *name != "authorization");
        names.sort_unstable();
        self.headers.lock().unwrap().push(names.join(" "));
        let (status, name, value) = self.answers.lock().unwrap().pop_front().expect("no further request");
        Response::builder().status(status).header(name, value).body(B::default()).unwrap()
    }
}

impl Transport for Script {
    fn send(&self, request: Request<Body>, _: Duration) -> Result<Response<Body>, AdapterError> {
        let length = request.body().length();
        Ok(self.answer(&request, length))
    }
}

#[cfg(feature = "async")]
#[async_trait::async_trait]
impl entrada_core::ports::asynchronous::Transport for Script {
    async fn send(
        &self,
        request: Request<entrada_core::ports::asynchronous::Body>,
        _: Duration,
    ) -> Result<Response<entrada_core::ports::asynchronous::Body>, AdapterError> {
        let length = request.body().length();
        Ok(self.answer(&request, length))
    }
}

type Ending = (Result<u16, Error>, Vec<String>, Vec<Option<String>>);

/// A request with headers of the origin's, of the body's, and of neither.
fn request<B>(body: B) -> Request<B> {
    let mut request = Request::post(PAGE).body(body).unwrap();
    for name in ["content-encoding", "content-type", "cookie", "expect", "host", "x-own"] {
        request.headers_mut().insert(name, http::HeaderValue::from_static("mine"));
    }
    request
}

fn blocking(script: &Script, streamed: bool) -> Ending {
    let body = if streamed { Body::stream(&b"abc"[..], Some(3)) } else { Body::from(b"abc".to_vec()) };
    let request = request(body);
    let exchange = Exchange::new(PAGE).unwrap().follow(2);
    let mut claims = Vec::new();
    let ending = blocking::call(script, exchange, request, Duration::from_secs(9), |demanded| {
        claims.push(demanded);
        Ok(token(&format!("access-{}", claims.len())))
    });
    (ending.map(|response| response.status().as_u16()), script.asked.lock().unwrap().clone(), claims)
}

#[cfg(feature = "async")]
fn asynchronous(script: &Script, streamed: bool) -> Ending {
    use entrada_core::drive::asynchronous;
    use entrada_core::ports::asynchronous::Body;
    let body = match streamed {
        true => Body::stream(futures::io::Cursor::new(b"abc".to_vec()), Some(3)),
        false => Body::from(b"abc".to_vec()),
    };
    let request = request(body);
    let exchange = Exchange::new(PAGE).unwrap().follow(2);
    let claims = Mutex::new(Vec::new());
    let call = asynchronous::call(script, exchange, request, Duration::from_secs(9), |demanded| {
        let mut claims = claims.lock().unwrap();
        claims.push(demanded);
        let bearer = token(&format!("access-{}", claims.len()));
        async move { Ok(bearer) }
    });
    fn is_send<T: Send>(future: T) -> T {
        future
    }
    let ending = futures::executor::block_on(is_send(call));
    let asked = script.asked.lock().unwrap().clone();
    (ending.map(|response| response.status().as_u16()), asked, claims.into_inner().unwrap())
}

const CALLS: &[fn(&Script, bool) -> Ending] = &[
    blocking,
    #[cfg(feature = "async")]
    asynchronous,
];

#[test]
fn a_demand_for_claims_is_answered_once_with_the_same_request() {
    for call in CALLS {
        let script = Script::of([(401, "www-authenticate", CHALLENGE), (401, "www-authenticate", CHALLENGE)]);
        let (status, asked, claims) = call(&script, false);
        assert_eq!((status.unwrap(), claims), (401, vec![None, Some("{}".into())]));
        let post = |bearer| format!("POST {PAGE} Bearer {bearer} Some(3)");
        assert_eq!(asked, [post("access-1"), post("access-2")]);
    }
}

#[test]
fn what_cannot_be_sent_twice_is_not_and_the_next_call_has_the_token() {
    for call in CALLS {
        let (status, asked, claims) = call(&Script::of([(401, "www-authenticate", CHALLENGE)]), true);
        assert_eq!((status.unwrap(), asked.len(), claims.len()), (401, 1, 2));
    }
}

#[test]
fn a_redirect_takes_no_token_elsewhere() {
    for call in CALLS {
        let script = Script::of([(303, "location", "https://elsewhere.example/x"), (200, "x", "y")]);
        let (status, asked, _) = call(&script, true);
        assert_eq!(status.unwrap(), 200);
        assert_eq!(asked[1], "GET https://elsewhere.example/x - Some(0)");
        assert_eq!(script.headers.lock().unwrap()[1], "x-own", "nothing of the origin's, nothing of the body's");
        let script = Script::of([(307, "location", "/x"), (307, "location", "/x"), (307, "location", "/x")]);
        let (ending, asked, _) = call(&script, false);
        assert!(matches!(ending, Err(Error::TooManyRedirects(2))), "{ending:?}");
        assert_eq!(asked[2], "POST https://hr-contoso.msappproxy.net/x Bearer access-1 Some(3)");
        assert_eq!(script.headers.lock().unwrap()[2], "content-encoding content-type cookie expect host x-own");
    }
}

#[test]
fn the_proxys_sign_in_is_an_error() {
    const SIGN_IN: &str = "https://login.microsoftonline.com/t/oauth2/authorize?client_id=c&state=AppProxyState:{}";
    for call in CALLS {
        let (ending, ..) = call(&Script::of([(302, "location", SIGN_IN)]), false);
        assert!(matches!(ending, Err(Error::ProxyRefused(_))), "{ending:?}");
    }
}
