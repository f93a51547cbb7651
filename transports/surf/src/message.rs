//! Requests and answers in surf's types and back, without loss.
//!
//! surf's types know not every method, status, URL or header value. So a message carries the original along
//! with its image in surf's types: where middleware has changed the image, the change counts, and everywhere
//! else the original does.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};
use std::time::Duration;

use entrada_core::ports::asynchronous::Body;
use futures::io::{AsyncRead, BufReader};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode, Uri, request, response};
use surf::Url;
use surf::http as types;

/// What a request carries along: the original, how that looks in surf's types, and how long it may take.
struct Asked {
    original: request::Parts,
    method: types::Method,
    url: Url,
    headers: Image,
    limit: Duration,
}

/// What an answer carries along.
struct Answered {
    original: response::Parts,
    status: types::StatusCode,
    headers: Image,
}

/// The headers that surf's types can hold.
type Image = BTreeMap<String, Vec<String>>;

/// What surf's types cannot hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Inexpressible {
    Url,
    Method,
    Header,
}

/// The request in surf's types, and what of it is lost on those who know these types alone.
pub(crate) fn into_surf(
    request: Request<Body>,
    limit: Duration,
) -> Result<(types::Request, Option<Inexpressible>), Inexpressible> {
    let (original, body) = request.into_parts();
    let url = Url::parse(&original.uri.to_string()).map_err(|_| Inexpressible::Url)?;
    let known = original.method.as_str().parse().ok();
    let method = known.filter(|known: &types::Method| known.as_ref() == original.method.as_str());
    let mut lost = method.is_none().then_some(Inexpressible::Method);
    let method = method.unwrap_or(types::Method::Get);

    let mut request = types::Request::new(method, url.clone());
    if body.length() != Some(0) {
        request.set_body(into_surf_body(body));
        request.remove_header(CONTENT_TYPE.as_str());
    }
    for (name, value) in &original.headers {
        match value.to_str() {
            Ok(text) => request.append_header(name.as_str(), text),
            Err(_) => lost = Some(Inexpressible::Header),
        }
    }
    let headers = image(request.as_ref());
    request.ext_mut().insert(Asked { original, method, url, headers, limit });
    Ok((request, lost))
}

/// A request as it comes from surf, and how long it may take where it carries that along.
pub(crate) fn from_surf(mut request: types::Request) -> Result<(Request<Body>, Option<Duration>), http::Error> {
    let asked = request.ext_mut().remove::<Asked>();
    let now = image(request.as_ref());
    let body = from_surf_body(request.take_body());
    let mut made = Request::new(body);
    *made.method_mut() = match &asked {
        Some(asked) if asked.method == request.method() => asked.original.method.clone(),
        _ => Method::from_bytes(request.method().as_ref().as_bytes())?,
    };
    *made.uri_mut() = match &asked {
        Some(asked) if asked.url == *request.url() => asked.original.uri.clone(),
        _ => uri(request.url())?,
    };
    *made.headers_mut() = match &asked {
        Some(asked) => merged(&asked.original.headers, &asked.headers, &now)?,
        None => merged(&HeaderMap::new(), &Image::new(), &now)?,
    };
    Ok((made, asked.map(|asked| asked.limit)))
}

/// An answer in surf's types; with the original, for whoever is behind surf.
pub(crate) fn answer_into_surf(answer: Response<Body>) -> types::Response {
    let (original, body) = answer.into_parts();
    let status = known_status(original.status);
    let mut answer = types::Response::new(status);
    if body.length() != Some(0) {
        answer.set_body(into_surf_body(body));
        answer.remove_header(CONTENT_TYPE.as_str());
    }
    for (name, value) in &original.headers {
        if let Ok(text) = value.to_str() {
            answer.append_header(name.as_str(), text);
        }
    }
    let headers = image(answer.as_ref());
    answer.ext_mut().insert(Answered { original, status, headers });
    answer
}

/// An answer as it comes from surf.
pub(crate) fn answer_from_surf(mut answer: types::Response) -> Result<Response<Body>, http::Error> {
    let answered = answer.ext_mut().remove::<Answered>();
    let now = image(answer.as_ref());
    let body = from_surf_body(answer.take_body());
    let mut made = Response::new(body);
    match &answered {
        Some(answered) => {
            let unchanged = answered.status == answer.status();
            *made.status_mut() = if unchanged { answered.original.status } else { status(answer.status())? };
            *made.version_mut() = answered.original.version;
            *made.headers_mut() = merged(&answered.original.headers, &answered.headers, &now)?;
        }
        None => {
            *made.status_mut() = status(answer.status())?;
            *made.headers_mut() = merged(&HeaderMap::new(), &Image::new(), &now)?;
        }
    }
    Ok(made)
}

fn uri(url: &Url) -> Result<Uri, http::Error> {
    let mut url = url.clone();
    url.set_fragment(None);
    Ok(url.as_str().parse::<Uri>()?)
}

fn status(status: types::StatusCode) -> Result<StatusCode, http::Error> {
    Ok(StatusCode::from_u16(status.into())?)
}

/// The status itself, or the one that stands for its class.
fn known_status(status: StatusCode) -> types::StatusCode {
    let class = match status.as_u16() / 100 {
        1 => types::StatusCode::SwitchingProtocols,
        2 => types::StatusCode::Ok,
        3 => types::StatusCode::MultipleChoice,
        4 => types::StatusCode::BadRequest,
        _ => types::StatusCode::InternalServerError,
    };
    status.as_u16().try_into().unwrap_or(class)
}

fn image(headers: &types::Headers) -> Image {
    let text = |values: &types::headers::HeaderValues| values.iter().map(|value| value.as_str().to_owned()).collect();
    headers.iter().map(|(name, values)| (name.as_str().to_owned(), text(values))).collect()
}

/// The original, with what is now other than in its first image.
fn merged(original: &HeaderMap, then: &Image, now: &Image) -> Result<HeaderMap, http::Error> {
    let mut headers = original.clone();
    for (name, values) in now {
        if then.get(name) != Some(values) {
            let name = HeaderName::from_bytes(name.as_bytes())?;
            headers.remove(&name);
            for value in values {
                headers.append(&name, HeaderValue::from_str(value)?);
            }
        }
    }
    for name in then.keys().filter(|name| !now.contains_key(*name)) {
        headers.remove(name);
    }
    Ok(headers)
}

fn into_surf_body(body: Body) -> surf::Body {
    if let Some(bytes) = body.as_bytes() {
        return surf::Body::from_bytes(bytes.to_vec());
    }
    let length = body.length().and_then(|length| usize::try_from(length).ok());
    surf::Body::from_reader(BufReader::new(Shared(Mutex::new(body.into_reader()))), length)
}

fn from_surf_body(body: surf::Body) -> Body {
    match body.len() {
        Some(0) => Body::empty(),
        length => Body::stream(body.into_reader(), length.map(|length| length as u64)),
    }
}

/// A reader that surf may share among threads, though only one of them reads.
struct Shared(Mutex<Pin<Box<dyn AsyncRead + Send>>>);

impl AsyncRead for Shared {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<std::io::Result<usize>> {
        let reader = self.0.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        reader.as_mut().poll_read(context, buffer)
    }
}
