//! What the other side answered, and how long it took.

use std::time::{Duration, Instant};

use entrada::ports::blocking::{Body, Transport};
use entrada::protocol::{EdgeAnswer, http_date};
use entrada::{Error, Port, UnixTime};
use http::{Request, Response};

use crate::excerpt::beginning;

/// An answer, read as far as it is of use here.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    pub(super) status: u16,
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    pub(super) elapsed: Duration,
    /// What the clock here said when it came.
    at: UnixTime,
}

impl Answer {
    /// Gets a page without a token, and follows no redirect.
    pub(super) fn get(transport: &dyn Transport, url: &str, port: Port, timeout: Duration) -> Result<Self, Error> {
        let unusable = |error: http::Error| Error::Config(format!("{url:?} cannot be asked: {error}"));
        let request = Request::get(url).body(Body::empty()).map_err(unusable)?;
        let began = Instant::now();
        let response = transport.send(request, timeout).map_err(|error| Error::from_adapter(port, error))?;
        let read = match port {
            Port::App => Self::of_app,
            _ => Self::read,
        };
        Ok(read(response, began.elapsed()))
    }

    /// Reads an app's answer, and the body of a refusal alone: nothing else is looked at, and it may have no end, as a
    /// stream of events has none.
    pub(super) fn of_app(response: Response<Body>, elapsed: Duration) -> Self {
        match response.status().as_u16() {
            400.. => Self::read(response, elapsed),
            _ => Self::read(response.map(|_| Body::empty()), elapsed),
        }
    }

    /// Reads an answer, and the beginning of its body.
    fn read(response: Response<Body>, elapsed: Duration) -> Self {
        let (parts, body) = response.into_parts();
        let headers = parts.headers.iter();
        let headers = headers.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into()));
        // Before the body, which may take its time.
        let at = UnixTime::now();
        Self { status: parts.status.as_u16(), headers: headers.collect(), body: beginning(body), elapsed, at }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(super) fn headers(&self) -> Vec<(&str, &str)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    /// As application proxy's, or the app's behind it.
    pub(super) fn edge(&self) -> EdgeAnswer {
        EdgeAnswer::read(self.status, &self.headers(), &self.body)
    }

    /// By how many seconds the other side's clock is ahead of the one here, where it tells the time. What a cache on the
    /// way has kept is as old as it says.
    pub(super) fn ahead(&self) -> Option<i64> {
        let date = http_date(self.header("date")?)?;
        let age: u64 = self.header("age").and_then(|age| age.trim().parse().ok()).unwrap_or_default();
        let seconds = |time: u64| i64::try_from(time).unwrap_or(i64::MAX);
        Some(seconds(date.as_secs().saturating_add(age)).saturating_sub(seconds(self.at.as_secs())))
    }

    #[cfg(test)]
    pub(super) fn made(status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { status, headers, body: body.into(), elapsed: Duration::ZERO, at: UnixTime::from_secs(784_111_777) }
    }
}

#[cfg(test)]
mod tests {
    use entrada::ports::blocking::transport_fn;

    use super::*;

    #[test]
    fn of_an_app_that_answers_no_body_is_read() {
        let get = |status: u16, port| {
            let transport = transport_fn(move |_, _| {
                let mut response = Response::new(Body::from("page".to_owned()));
                *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
                Ok(response)
            });
            Answer::get(&transport, "https://hr.example/", port, Duration::ZERO).unwrap().body
        };
        assert_eq!((get(200, Port::App), get(302, Port::App)), (Vec::new(), Vec::new()));
        assert_eq!((get(403, Port::App), get(200, Port::Authority)), (b"page".to_vec(), b"page".to_vec()));
    }

    #[test]
    fn of_an_error_without_end_the_beginning_is_read() {
        let transport = transport_fn(|_, _| {
            let mut response = Response::new(Body::stream(std::io::repeat(b'x'), None));
            *response.status_mut() = http::StatusCode::BAD_GATEWAY;
            Ok(response)
        });
        let answer = Answer::get(&transport, "https://hr.example/", Port::App, Duration::ZERO).unwrap();
        assert_eq!((answer.status, answer.body.len()), (502, crate::excerpt::ENOUGH));
    }
}
