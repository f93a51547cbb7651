//! As much of a Microsoft Graph client as a setup needs: JSON, pages, patience and its errors.

use std::cell::Cell;
use std::time::Duration;

use entrada::ports::blocking::{Body, Clock};
use entrada::{Client, TokenRequest};
use http::{Request, StatusCode};
use serde_json::Value;

use super::plan::{Version, Write};
use super::refusal::{Refusal, incomplete, refused};
use crate::assemble;
use crate::failure::{Failure, NETWORK, OTHER};
use crate::notice::Notice;
use crate::settings::Settings;

/// Graph answers within 100 seconds or not at all.
const PATIENCE: Duration = Duration::from_secs(120);
const LARGEST: usize = 16 << 20;
const MOST_TRIES: u32 = 6;
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// What was made a moment ago may not be there for a reader yet.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const MOST_PAGES: usize = 200;

/// Sends one request with the administrator's token.
pub(super) trait Door {
    /// Brings status, `Retry-After` and body.
    fn send(&self, method: &str, url: &str, body: Option<&Value>) -> Result<Said, Failure>;
}

/// An answer.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) status: StatusCode,
    /// In seconds.
    pub(super) retry_after: Option<u64>,
    pub(super) body: Value,
}

/// Graph, at its host.
pub(super) struct Graph<'a> {
    door: &'a dyn Door,
    clock: &'a dyn Clock,
    notice: Notice,
    /// `https://host`, without a slash at the end.
    pub(super) base: String,
}

impl<'a> Graph<'a> {
    pub(super) fn new(base: &str, door: &'a dyn Door, clock: &'a dyn Clock, notice: Notice) -> Self {
        Self { door, clock, notice, base: base.to_owned() }
    }

    /// Reads; `None` where it is not there.
    pub(super) fn find(&self, version: Version, path: &str, query: &[(&str, &str)]) -> Result<Option<Value>, Failure> {
        let url = self.url(version, path, query);
        let said = self.exchange("GET", &url, None)?;
        match said.status {
            StatusCode::NOT_FOUND => Ok(None),
            _ => {
                let found = self.judged("GET", path, said)?;
                if found["id"].is_string() { Ok(Some(found)) } else { Err(incomplete("id", &found)) }
            }
        }
    }

    /// Reads what was made a moment ago: it is waited for (Graph is eventually consistent).
    pub(super) fn await_new(&self, version: Version, path: &str, query: &[(&str, &str)]) -> Result<Value, Failure> {
        let mut pause = FIRST_PAUSE;
        for _ in 0..MOST_TRIES {
            if let Some(found) = self.find(version, path, query)? {
                return Ok(found);
            }
            self.notice.detail(&format!("{path} is not there for readers yet"));
            self.clock.sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        Err(Failure::new(NETWORK, "not_there_yet", "what was created does not show yet".to_owned())
            .with_remedy("run it again in a minute: it goes on from what is there"))
    }

    /// Reads a collection, all pages of it.
    pub(super) fn list(&self, version: Version, path: &str, query: &[(&str, &str)]) -> Result<Vec<Value>, Failure> {
        let mut url = self.url(version, path, query);
        let mut found = Vec::new();
        for _ in 0..MOST_PAGES {
            let said = self.exchange("GET", &url, None)?;
            let mut page = self.judged("GET", path, said)?;
            match page["value"].take() {
                Value::Array(items) => found.extend(items),
                // Whoever took this for an empty list would make again what is there.
                _ => return Err(incomplete("value", &page)),
            }
            match page["@odata.nextLink"].as_str() {
                // The token goes nowhere but to this Graph.
                Some(next) if next.starts_with(&format!("{}/", self.base)) => url = next.to_owned(),
                Some(_) => {
                    let said = format!("Microsoft Graph's list of {path} goes on at another host");
                    return Err(
                        Failure::config(said).with_remedy("check --graph: the whole of it has to be at one host")
                    );
                }
                None => return Ok(found),
            }
        }
        Err(Failure::new(OTHER, "graph", format!("Microsoft Graph's list of {path} does not end")))
    }

    /// Sends a request of a plan; the answer's body, null where it has none. `None` where what it makes is there already.
    pub(super) fn write(&self, write: &Write) -> Result<Option<Value>, Failure> {
        let mut pause = FIRST_PAUSE;
        let mut tries = 0;
        loop {
            let body = write.body_at(&self.base);
            let said = self.exchange(write.method, &write.url(&self.base), Some(&body))?;
            // What it refers to was made a moment ago, or the caller made it up.
            if said.status != StatusCode::NOT_FOUND || tries + 1 >= MOST_TRIES {
                if write.is_unique && Refusal::new(write.method, &write.path, &said).is_duplicate() {
                    return Ok(None);
                }
                return self.judged(write.method, &write.path, said).map(Some);
            }
            self.notice.detail(&format!("{} does not know what was made yet", write.path));
            self.clock.sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
            tries += 1;
        }
    }

    /// Sends, and again where Graph asks for time. A POST that may have been acted upon is not sent twice.
    fn exchange(&self, method: &str, url: &str, body: Option<&Value>) -> Result<Said, Failure> {
        let mut tries = 0;
        loop {
            let said = self.door.send(method, url, body)?;
            let passing = match said.status.as_u16() {
                429 | 503 => true,
                502 | 504 => method != "POST",
                _ => false,
            };
            tries += 1;
            if !passing || tries >= MOST_TRIES {
                return Ok(said);
            }
            let pause = said.retry_after.map_or(FIRST_PAUSE * (1 << tries), Duration::from_secs);
            if pause > LONGEST_PAUSE {
                return Ok(said);
            }
            self.notice.say(&format!("Microsoft Graph asks for patience; next try in {} s.", pause.as_secs().max(1)));
            self.clock.sleep(pause);
        }
    }

    fn judged(&self, method: &str, path: &str, said: Said) -> Result<Value, Failure> {
        self.notice.detail(&format!("{} {method} {path}", said.status.as_u16()));
        if said.status.is_success() {
            return Ok(said.body);
        }
        Err(refused(&Refusal::new(method, path, &said)))
    }

    fn url(&self, version: Version, path: &str, query: &[(&str, &str)]) -> String {
        let mut url = format!("{}/{}/{path}", self.base, version.word());
        if !query.is_empty() {
            let encoded = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
            url.push('?');
            url.push_str(&encoded.replace('+', "%20"));
        }
        url
    }
}

/// The way over the user's sign-in.
pub(super) struct SignedIn<'a> {
    pub(super) client: &'a Client,
    pub(super) request: TokenRequest,
    pub(super) settings: &'a Settings,
    pub(super) notice: Notice,
    /// Where the token came from is told once.
    pub(super) is_told: Cell<bool>,
}

impl Door for SignedIn<'_> {
    fn send(&self, method: &str, url: &str, body: Option<&Value>) -> Result<Said, Failure> {
        let mut request = Request::builder().method(method).uri(url).header("accept", "application/json");
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string().into_bytes()));
        let request =
            request.body(body).map_err(|error| Failure::config(format!("{url} cannot be called: {error}")))?;
        let call = self.client.call(&self.request).timeout(PATIENCE).on_token(|token| {
            if !self.is_told.replace(true) {
                self.notice.token(token);
            }
        });
        let mut response = call.send(request).map_err(|error| assemble::failure(error, self.settings))?;
        let read = response.body_mut().read_to_limit(LARGEST);
        let cut = |why: String| Failure::new(NETWORK, "cut", format!("Microsoft Graph's answer was cut: {why}"));
        let bytes = read.map_err(|error| cut(error.to_string()))?.ok_or_else(|| cut("it is too long".to_owned()))?;
        let status = response.status();
        let body = match serde_json::from_slice(&bytes) {
            Ok(body) => body,
            Err(_) if bytes.is_empty() || !status.is_success() => Value::Null,
            Err(_) => {
                return Err(Failure::config(format!("{url} does not answer as Microsoft Graph does"))
                    .with_remedy("check --graph and --cloud, and the way there: a guest network answers for others"));
            }
        };
        let retry_after =
            response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.trim().parse().ok());
        Ok(Said { status, retry_after, body })
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::sync::Mutex;

    use entrada::UnixTime;
    use serde_json::json;

    use super::*;
    use crate::args::Color;

    /// Answers from a list, and keeps what was asked.
    struct Scripted {
        answers: RefCell<Vec<Said>>,
        asked: RefCell<Vec<String>>,
    }

    #[derive(Default)]
    struct Slept(Mutex<Vec<Duration>>);

    impl Clock for Slept {
        fn now(&self) -> UnixTime {
            UnixTime::from_secs(0)
        }
        fn sleep(&self, duration: Duration) {
            self.0.lock().unwrap().push(duration);
        }
    }

    impl Door for Scripted {
        fn send(&self, method: &str, url: &str, _: Option<&Value>) -> Result<Said, Failure> {
            self.asked.borrow_mut().push(format!("{method} {url}"));
            Ok(self.answers.borrow_mut().remove(0))
        }
    }

    fn said(status: u16, retry_after: Option<u64>, body: Value) -> Said {
        Said { status: StatusCode::from_u16(status).unwrap(), retry_after, body }
    }

    fn with<T>(answers: Vec<Said>, act: impl FnOnce(&Graph<'_>) -> T) -> (T, Vec<String>, Vec<u64>) {
        let door = Scripted { answers: answers.into(), asked: RefCell::default() };
        let clock = Slept::default();
        let outcome = act(&Graph::new("https://g", &door, &clock, Notice::new(true, 0, Color::Never)));
        assert!(door.answers.borrow().is_empty(), "everything was asked for");
        let slept = clock.0.into_inner().unwrap().iter().map(|pause| pause.as_millis() as u64).collect();
        (outcome, door.asked.into_inner(), slept)
    }

    #[test]
    fn what_graph_asks_for_is_waited_for() {
        let answers =
            vec![said(429, Some(7), json!({})), said(503, None, json!({})), said(200, None, json!({"id": "1"}))];
        let (found, asked, slept) = with(answers, |graph| graph.find(Version::V1, "me", &[]).unwrap());
        assert_eq!((found, asked.len(), slept), (Some(json!({"id": "1"})), 3, vec![7000, 2000]));
    }

    #[test]
    fn a_wait_that_is_too_long_is_left_to_the_user() {
        let (failure, _, slept) =
            with(vec![said(429, Some(600), json!({}))], |graph| graph.find(Version::V1, "me", &[]).unwrap_err());
        assert_eq!((failure.code, failure.retry_after, slept.len()), (7, Some(600), 0));
    }

    #[test]
    fn a_post_that_may_have_been_acted_upon_is_not_sent_twice() {
        let post = Write::post(Version::V1, "applications", "create it").body(json!({}));
        let (failure, asked, _) = with(vec![said(504, None, json!({}))], |graph| graph.write(&post).unwrap_err());
        assert_eq!((failure.code, asked.len()), (7, 1));
        let patch = Write::patch(Version::V1, "applications/x", "change it").body(json!({}));
        let answers = vec![said(504, None, json!({})), said(204, None, Value::Null)];
        assert_eq!(with(answers, |graph| graph.write(&patch).unwrap()).1.len(), 2);
    }

    #[test]
    fn what_was_made_is_waited_for_with_growing_pauses() {
        let gone = || said(404, None, json!({"error": {"code": "Request_ResourceNotFound"}}));
        let answers = vec![gone(), gone(), said(200, None, json!({"id": "x"}))];
        let (found, _, slept) = with(answers, |graph| graph.await_new(Version::V1, "a/x", &[]).unwrap());
        assert_eq!((found["id"].as_str(), slept), (Some("x"), vec![500, 1000]));
        let (failure, _, slept) =
            with((0..6).map(|_| gone()).collect(), |graph| graph.await_new(Version::V1, "a/x", &[]).unwrap_err());
        assert!(failure.remedy.unwrap().contains("run it again"));
        assert_eq!(slept.iter().sum::<u64>(), 31_500);
    }

    #[test]
    fn pages_are_followed_at_this_graph_only() {
        let page = |next: &str| said(200, None, json!({"value": [1], "@odata.nextLink": next}));
        let answers = vec![page("https://g/v1.0/a?$skiptoken=x"), said(200, None, json!({"value": [2]}))];
        let query = [("$filter", "displayName eq 'A & B+'")];
        let (found, asked, _) = with(answers, |graph| graph.list(Version::V1, "a", &query).unwrap());
        assert_eq!(found, [json!(1), json!(2)]);
        assert_eq!(asked[0], "GET https://g/v1.0/a?%24filter=displayName%20eq%20%27A%20%26%20B%2B%27");
        for elsewhere in ["https://g.evil.example/v1.0/a", "http://g/v1.0/a"] {
            let (failure, asked, _) =
                with(vec![page(elsewhere)], |graph| graph.list(Version::V1, "a", &[]).unwrap_err());
            assert_eq!((failure.code, asked.len()), (15, 1), "{elsewhere}");
        }
    }
}
