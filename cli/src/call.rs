//! `entrada get`, `post`, `put`, `patch`, `delete` and `head`.

use std::process::ExitCode;
use std::time::Duration;

use entrada::Client;
use entrada::ports::blocking::Body;
use entrada::protocol::{AppCall, EdgeAnswer};
use entrada::words::clean;
use http::{HeaderName, HeaderValue, Method, Request, Response};

use crate::answer;
use crate::args::Call;
use crate::assemble::{self, Asking};
use crate::body::Source;
use crate::download;
use crate::excerpt::{beginning, excerpt};
use crate::failure::{Failure, PASSING, PROXY_REFUSED, page_code};
use crate::notice::Notice;
use crate::progress::Watched;
use crate::settings::Settings;
use crate::target::{self, Target};
use crate::tries::{Tries, retry_after};

/// As curl has it.
const MOST_REDIRECTS: u32 = 50;

pub(crate) fn run(method: &str, call: &Call, settings: &Settings, notice: Notice) -> Result<ExitCode, Failure> {
    let head = head(method, call)?;
    let is_download = download::is_one(&head, call)?;
    let mut tries = Tries::new(call.retry, notice);
    let (client, target) = tries.until_done(|| {
        let builder = assemble::builder(settings, Asking::Allowed, notice)?;
        target::from_builder(builder.timeout(Duration::from_secs(call.timeout)), settings, notice)
    })?;
    let result = exchange(&head, call, is_download, settings, &client, target, &mut tries);
    assemble::finish(&client);
    result
}

fn exchange(
    head: &Request<()>,
    call: &Call,
    is_download: bool,
    settings: &Settings,
    client: &Client,
    target: Target,
    tries: &mut Tries,
) -> Result<ExitCode, Failure> {
    if let Some(path) = call.output.as_deref().filter(|_| is_download) {
        return download::run(head, call, path, settings, client, target, tries);
    }
    let response = fetch(head, call, settings, client, target, tries)?;
    if head.method() == Method::HEAD {
        answer::print(&printed_head(&response))?;
    } else {
        show_head(&response, call)?;
    }
    deliver(response, call, tries.notice)
}

/// Prints the answer's head where the arguments say so.
pub(crate) fn show_head(response: &Response<Body>, call: &Call) -> Result<(), Failure> {
    if call.include { answer::print(&printed_head(response)) } else { Ok(()) }
}

/// Sends what the arguments say, as often as they allow, and brings the answer.
pub(crate) fn fetch(
    head: &Request<()>,
    call: &Call,
    settings: &Settings,
    client: &Client,
    target: Target,
    tries: &mut Tries,
) -> Result<Response<Body>, Failure> {
    let notice = tries.notice;
    let (source, content_type) = Source::from_call(call)?;
    let target = tries.until_done(|| target.clone().settle(client, settings))?;
    loop {
        let request = request(head, content_type.as_deref(), &source, notice)?;
        // What comes from a pipe, and so has no length, comes once.
        let may_retry = request.body().length().is_some();
        let result = send(client, &target, call, request, notice, settings);
        let passes = if may_retry { passes(&result) } else { None };
        if !passes.is_some_and(|named| tries.after(named)) {
            return result;
        }
    }
}

fn send(
    client: &Client,
    target: &Target,
    call: &Call,
    request: Request<Body>,
    notice: Notice,
    settings: &Settings,
) -> Result<Response<Body>, Failure> {
    target
        .call(client, settings)?
        .follow(if call.location { MOST_REDIRECTS } else { 0 })
        .on_token(move |token| notice.token(token))
        .send(request)
        .map_err(|error| assemble::failure(error, settings))
}

/// The request without its body, which every try opens anew.
pub(crate) fn head(method: &str, call: &Call) -> Result<Request<()>, Failure> {
    let url = AppCall::new(&call.url).map_err(|error| Failure::usage(error.to_string()))?;
    let method = Method::from_bytes(call.method.as_deref().unwrap_or(method).as_bytes())
        .map_err(|_| Failure::usage(format!("{:?} is not a method", call.method.as_deref().unwrap_or(method))))?;
    let mut request = Request::builder().method(method).uri(url.url());
    for header in &call.headers {
        let (name, value) = parse_header(header)?;
        request = request.header(name, value);
    }
    request.body(()).map_err(|error| Failure::usage(format!("{} cannot be called: {error}", call.url)))
}

fn parse_header(header: &str) -> Result<(HeaderName, HeaderValue), Failure> {
    let unusable = || Failure::usage("a header is unusable: write -H 'Name: value'".to_owned());
    let (name, value) = header.split_once(':').ok_or_else(unusable)?;
    let name: HeaderName = name.trim().parse().map_err(|_| unusable())?;
    if name == http::header::AUTHORIZATION {
        return Err(Failure::usage(
            "Authorization is what entrada adds: an app behind the proxy that wants one of its own needs another header".to_owned(),
        ));
    }
    if name == http::header::HOST {
        return Err(Failure::usage(
            "Host is what the URL says: with another one the token could reach another app".to_owned(),
        )
        .with_remedy("name the app in the URL, and leave that header out"));
    }
    Ok((name, HeaderValue::from_str(value.trim()).map_err(|_| unusable())?))
}

fn request(
    head: &Request<()>,
    content_type: Option<&str>,
    source: &Source,
    notice: Notice,
) -> Result<Request<Body>, Failure> {
    let mut request = Request::new(source.open(notice)?);
    request.method_mut().clone_from(head.method());
    request.uri_mut().clone_from(head.uri());
    request.headers_mut().clone_from(head.headers());
    let comes_once = request.body().as_bytes().is_none();
    let headers = request.headers_mut();
    if comes_once {
        // Whoever refuses the token can say so before the body is on its way (RFC 9110 10.1.1).
        headers.entry(http::header::EXPECT).or_insert(HeaderValue::from_static("100-continue"));
    }
    if let Some(value) = content_type.and_then(|text| HeaderValue::from_str(text).ok()) {
        headers.entry(http::header::CONTENT_TYPE).or_insert(value);
    }
    headers.entry(http::header::ACCEPT).or_insert(HeaderValue::from_static("*/*"));
    Ok(request)
}

/// Whether a failure is one that passes, and for how long the app or the authority wants to be left alone.
fn passes(result: &Result<Response<Body>, Failure>) -> Option<Option<Duration>> {
    match result {
        Ok(response) if PASSING.contains(&response.status().as_u16()) => Some(retry_after(response.headers())),
        Err(failure) if failure.passes() => {
            Some(failure.retry_after.map(|seconds| Duration::from_secs(seconds.into())))
        }
        _ => None,
    }
}

pub(crate) fn deliver(response: Response<Body>, call: &Call, notice: Notice) -> Result<ExitCode, Failure> {
    let status = response.status();
    notice.detail(&format!("{} {}", status.as_u16(), call.url));
    let header = |name| Some(String::from_utf8_lossy(response.headers().get(name)?.as_bytes()).into_owned());
    let (location, content_type) = (header(http::header::LOCATION), header(http::header::CONTENT_TYPE));
    let is_sign_in_page = is_sign_in_page(&response);
    let (parts, body) = response.into_parts();
    if is_sign_in_page {
        let message = "the answer is a sign-in page: something on the way to the app follows the proxy's redirect";
        return Err(Failure::new(PROXY_REFUSED, "sign_in_page", message.to_owned())
            .with_remedy("take what follows redirects out of the way, and see: entrada doctor"));
    }
    if status.is_success() || status.is_informational() {
        write(body, call, notice)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut failure = match location.filter(|_| status.is_redirection()) {
        Some(to) => Failure::status(status.as_u16(), format!("the app redirects to {}", clean(&to)))
            .with_remedy(if call.location { "call that yourself" } else { "call that, or follow redirects with -L" }),
        None => Failure::status(status.as_u16(), format!("the app answered {status}")),
    };
    if call.fail_with_body {
        write(body, call, notice)?;
        return Err(failure);
    }
    let start = beginning(body);
    let said = excerpt(&start, &content_type.unwrap_or_default());
    match EdgeAnswer::read_http(status, &parts.headers, &start) {
        EdgeAnswer::Gateway(page) => {
            (failure.code, failure.kind) = page_code(&page);
            failure.message = format!("{}: {page}: {said}", failure.message);
            failure.remedy = Some(page.trouble.remedy().into());
        }
        EdgeAnswer::Bypassed { schemes } => {
            failure.message = format!("{}; it asks for {}", failure.message, clean(&schemes.join(", ")));
            failure.remedy =
                Some("the name leads past the proxy, to the app itself: look it up as from outside".into());
        }
        _ if !said.is_empty() => failure.message = format!("{}: {said}", failure.message),
        _ => {}
    }
    Err(failure)
}

/// Whether an answer is no answer of the app's, but a page to sign in.
pub(crate) fn is_sign_in_page(response: &Response<Body>) -> bool {
    EdgeAnswer::read_http(response.status(), response.headers(), &[]) == EdgeAnswer::SignInPage
}

fn write(mut body: Body, call: &Call, notice: Notice) -> Result<(), Failure> {
    let left = body.length();
    match &call.output {
        Some(path) => answer::save_body(&mut Watched::new(body, 0, left, notice), path),
        None => answer::print_body(&mut body),
    }
}

fn printed_head(response: &Response<Body>) -> Vec<u8> {
    let status = response.status();
    let mut head =
        format!("{:?} {} {}\r\n", response.version(), status.as_u16(), status.canonical_reason().unwrap_or_default());
    for (name, value) in response.headers() {
        head.push_str(&format!("{name}: {}\r\n", String::from_utf8_lossy(value.as_bytes())));
    }
    head.push_str("\r\n");
    head.into_bytes()
}
