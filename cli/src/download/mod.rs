//! `get -o FILE`: a file that appears whole or not at all, and a download that goes on where it was cut.

mod partial;

use std::path::Path;
use std::process::ExitCode;

use entrada::Client;
use entrada::ports::blocking::Body;
use http::header::{ACCEPT_ENCODING, CONTENT_RANGE, IF_RANGE, RANGE};
use http::{HeaderValue, Method, Request, Response, StatusCode};

use crate::answer;
use crate::args::Call;
use crate::call;
use crate::failure::{Failure, OTHER};
use crate::progress::Watched;
use crate::settings::Settings;
use crate::target::Target;
use crate::tries::Tries;

use partial::{Found, Partial};

/// Whether what is asked for is a file that could be gone on with; to ask for that where it is none is an error.
pub(crate) fn is_one(head: &Request<()>, call: &Call) -> Result<bool, Failure> {
    let sends = call.data.is_some() || call.json.is_some() || !call.form.is_empty();
    let named = call.output.as_deref().filter(|path| std::fs::metadata(path).map_or(true, |about| about.is_file()));
    let is_one = head.method() == Method::GET && !sends && !head.headers().contains_key(RANGE) && named.is_some();
    if call.continue_at.is_some() && !is_one {
        return Err(Failure::usage("only a GET into a file can be gone on with".to_owned())
            .with_remedy("write entrada get URL -o FILE -C -, without a body and without a Range of your own"));
    }
    Ok(is_one)
}

/// Downloads into the file, as often as the arguments allow.
pub(crate) fn run(
    head: &Request<()>,
    call: &Call,
    path: &Path,
    settings: &Settings,
    client: &Client,
    target: Target,
    tries: &mut Tries,
) -> Result<ExitCode, Failure> {
    let notice = tries.notice;
    let partial = Partial::beside(path, &head.uri().to_string());
    let target = tries.until_done(|| target.clone().settle(client, settings))?;
    let mut goes_on = call.continue_at.is_some();
    loop {
        let found = if goes_on { partial.found()? } else { None };
        let response = call::fetch(&ranged(head, found.as_ref())?, call, settings, client, target.clone(), tries)?;
        let result = match (response.status(), found) {
            (StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE, Some(found))
                if found.is_of_another_version(response.headers()) =>
            {
                notice.detail("the app has another version by now: it is asked for from its beginning");
                drop(found);
                partial.forget();
                goes_on = false;
                continue;
            }
            (StatusCode::PARTIAL_CONTENT, Some(found)) => {
                let total = checked(&response, &found, path)?;
                call::show_head(&response, call)?;
                let had = found.length;
                let left = response.body().length().or(total.map(|total| total.saturating_sub(had)));
                let mut body = Watched::new(response.into_body(), had, left, notice);
                partial.go_on(found, &mut body, total)
            }
            (StatusCode::RANGE_NOT_SATISFIABLE, Some(found)) => {
                let is_whole = content_range(&response).is_some_and(|(_, total)| total == Some(found.length));
                if is_whole {
                    notice.detail("all of it had come already");
                    return partial.finish(found).map(|()| ExitCode::SUCCESS);
                }
                partial.forget();
                // Also where that cannot be deleted, it is not asked for again.
                goes_on = false;
                continue;
            }
            (StatusCode::OK, found) if !call::is_sign_in_page(&response) => {
                drop(found);
                call::show_head(&response, call)?;
                let validator = partial::validator(response.headers());
                let left = response.body().length();
                let mut body = Watched::new(response.into_body(), 0, left, notice);
                match validator {
                    Some(validator) => partial.begin(&mut body, &validator),
                    // What cannot be told from another version of it cannot be gone on with.
                    None => answer::save_body(&mut body, path),
                }
            }
            _ => {
                call::show_head(&response, call)?;
                return call::deliver(response, call, notice);
            }
        };
        match result {
            Ok(()) => return Ok(ExitCode::SUCCESS),
            Err(failure) if failure.kind == "cut" && tries.again(&failure) => goes_on = true,
            Err(failure) if failure.kind == "cut" && partial.found()?.is_some() => {
                let kept = partial.path().display();
                return Err(failure.with_remedy(format!("what came is kept in {kept}: go on with -C -")));
            }
            Err(failure) => return Err(failure),
        }
    }
}

/// The request for what is still missing.
fn ranged(head: &Request<()>, found: Option<&Found>) -> Result<Request<()>, Failure> {
    let mut request = head.clone();
    if let Some(found) = found {
        let value = |text: String| {
            HeaderValue::try_from(text).map_err(|_| Failure::new(OTHER, "other", "a validator is no header".to_owned()))
        };
        let headers = request.headers_mut();
        headers.insert(RANGE, value(format!("bytes={}-", found.length))?);
        headers.insert(IF_RANGE, value(found.validator.clone())?);
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }
    Ok(request)
}

/// That a part is the one that was asked for, and of how many bytes, where the app says so.
fn checked(response: &Response<Body>, found: &Found, path: &Path) -> Result<Option<u64>, Failure> {
    match content_range(response) {
        Some((Some(first), total)) if first == found.length => Ok(total),
        _ => Err(Failure::new(OTHER, "range", "the app answered with another part than was asked for".to_owned())
            .with_remedy(format!("call without -C, which writes {} anew", path.display()))),
    }
}

/// `bytes 5-9/10`, `bytes 5-9/*` and `bytes */10`: the first byte and the length of the whole (RFC 9110 14.4).
fn content_range(response: &Response<Body>) -> Option<(Option<u64>, Option<u64>)> {
    let text = response.headers().get(CONTENT_RANGE)?.to_str().ok()?;
    let (range, total) = text.strip_prefix("bytes ")?.trim().split_once('/')?;
    let first = match range {
        "*" => None,
        range => Some(range.split_once('-')?.0.parse().ok()?),
    };
    let total = if total == "*" { None } else { Some(total.parse().ok()?) };
    Some((first, total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read() {
        let read = |text: &'static str| {
            let mut response = Response::new(Body::empty());
            response.headers_mut().insert(CONTENT_RANGE, HeaderValue::from_static(text));
            content_range(&response)
        };
        assert_eq!(read("bytes 5-9/10"), Some((Some(5), Some(10))));
        assert_eq!(read("bytes 5-9/*"), Some((Some(5), None)));
        assert_eq!(read("bytes */10"), Some((None, Some(10))));
        for text in ["bytes=5-9/10", "items 5-9/10", "bytes 5/10", "bytes x-9/10", "bytes 5-9"] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(content_range(&Response::new(Body::empty())), None);
    }
}
