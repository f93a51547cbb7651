//! The boundary: the header's types and functions. The only place in which a pointer is followed.
#![expect(
    unsafe_code,
    reason = "what C promises in the header, Rust cannot check: null is looked for, the rest is believed"
)]

#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use entrada_core::protocol::{HttpAnswer, HttpQuery};
use entrada_core::{Action, App, Authority, Error, Fault, Flow, SignIn, TokenRequest, UnixTime};

use crate::buffer::{Buffer, Text};
use crate::drive::{Host, drive};
use crate::result::{CallResult, Status};

/// `entrada_query`.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Query {
    method: *const c_char,
    url: *const c_char,
    headers: *const c_char,
    body: *const c_char,
    body_length: usize,
    timeout_ms: u64,
    body_limit: usize,
}

type Send = unsafe extern "C" fn(*mut c_void, *const Query, *mut u16, *mut Buffer, *mut Buffer) -> c_int;
type Fill = unsafe extern "C" fn(*mut c_void, *mut Buffer) -> c_int;
type Save = unsafe extern "C" fn(*mut c_void, *const c_void, usize) -> c_int;
type ShowCode = unsafe extern "C" fn(*mut c_void, *const c_char, *const c_char, *const c_char) -> c_int;
type Wait = unsafe extern "C" fn(*mut c_void, u64) -> c_int;
type Now = unsafe extern "C" fn(*mut c_void) -> u64;

/// `entrada_host`.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct HostTable {
    context: *mut c_void,
    send: Option<Send>,
    load: Option<Fill>,
    save: Option<Save>,
    set_aside: Option<Fill>,
    show_code: Option<ShowCode>,
    wait: Option<Wait>,
    now: Option<Now>,
}

/// `entrada_request`.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Request {
    authority: *const c_char,
    client_id: *const c_char,
    scopes: *const *const c_char,
    scope_count: usize,
    claims: *const c_char,
}

/// A host whose callbacks are all there.
struct Callbacks {
    context: *mut c_void,
    send: Send,
    load: Fill,
    save: Save,
    set_aside: Fill,
    show_code: ShowCode,
    wait: Wait,
    now: Now,
    /// Whether a callback broke the header's rules, so that what it brought is worth nothing.
    misused: Cell<bool>,
}

impl HostTable {
    fn checked(&self) -> Result<Callbacks, Refusal> {
        Ok(Callbacks {
            context: self.context,
            send: self.send.ok_or("host.send is null")?,
            load: self.load.ok_or("host.load is null")?,
            save: self.save.ok_or("host.save is null")?,
            set_aside: self.set_aside.ok_or("host.set_aside is null")?,
            show_code: self.show_code.ok_or("host.show_code is null")?,
            wait: self.wait.ok_or("host.wait is null")?,
            now: self.now.ok_or("host.now is null")?,
            misused: Cell::new(false),
        })
    }
}

impl Callbacks {
    /// How a callback ended that was handed these buffers.
    fn filled(&self, fault: c_int, buffers: &[&Buffer]) -> Result<(), Fault> {
        if buffers.iter().any(|buffer| buffer.is_misused()) {
            self.misused.set(true);
            return Err(Fault::Other);
        }
        outcome(fault)
    }
}

// SAFETY, for all of them: the header has the caller hand in functions of these types that do not unwind. What they are
// handed is alive for the call, and the buffers are nobody else's meanwhile.
impl Host for Callbacks {
    fn send(&self, query: &HttpQuery) -> Result<HttpAnswer, Fault> {
        let lines: String = query.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let (url, headers, body) = (Text::new(&query.url), Text::new(&lines), Text::new(query.body.expose()));
        let method = Text::new(query.method.as_str());
        let query = Query {
            method: method.as_c(),
            url: url.as_c(),
            headers: headers.as_c(),
            body: body.as_c(),
            body_length: body.length(),
            timeout_ms: millis(query.timeout),
            body_limit: query.body_limit,
        };
        let (mut status, mut headers, mut body) = (0, Buffer::default(), Buffer::default());
        // SAFETY: as above.
        let fault =
            unsafe { (self.send)(self.context, &raw const query, &raw mut status, &raw mut headers, &raw mut body) };
        self.filled(fault, &[&headers, &body])?;
        let headers = headers.text();
        let headers = headers.lines().filter_map(|line| line.split_once(':'));
        let headers = headers.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect();
        Ok(HttpAnswer { status, headers, body: body.into_bytes() })
    }

    fn load(&self) -> Result<Option<Vec<u8>>, Fault> {
        let mut cache = Buffer::default();
        // SAFETY: as above.
        let fault = unsafe { (self.load)(self.context, &raw mut cache) };
        match self.filled(fault, &[&cache]) {
            Err(Fault::NotFound) => Ok(None),
            loaded => loaded.map(|()| Some(cache.into_bytes())),
        }
    }

    fn save(&self, cache: &[u8]) -> Result<(), Fault> {
        // SAFETY: as above.
        outcome(unsafe { (self.save)(self.context, cache.as_ptr().cast(), cache.len()) })
    }

    fn set_aside(&self) -> Result<String, Fault> {
        let mut place = Buffer::default();
        // SAFETY: as above.
        let fault = unsafe { (self.set_aside)(self.context, &raw mut place) };
        self.filled(fault, &[&place]).map(|()| place.text())
    }

    fn show_code(&self, code: &str, uri: &str, message: Option<&str>) -> Result<(), Fault> {
        let (code, uri, message) = (Text::new(code), Text::new(uri), message.map(Text::new));
        // SAFETY: as above.
        outcome(unsafe { (self.show_code)(self.context, code.as_c(), uri.as_c(), as_c(message.as_ref())) })
    }

    fn wait(&self, duration: Duration) -> Result<(), Fault> {
        // SAFETY: as above.
        outcome(unsafe { (self.wait)(self.context, millis(duration)) })
    }

    fn now(&self) -> UnixTime {
        // SAFETY: as above.
        UnixTime::from_secs(unsafe { (self.now)(self.context) })
    }

    fn is_misused(&self) -> bool {
        self.misused.get()
    }
}

/// `entrada_fault`.
fn outcome(fault: c_int) -> Result<(), Fault> {
    Err(match fault {
        0 => return Ok(()),
        1 => Fault::Unreachable,
        2 => Fault::Untrusted,
        3 => Fault::TimedOut,
        4 => Fault::Denied,
        5 => Fault::NotFound,
        6 => Fault::TooLarge,
        7 => Fault::Cancelled,
        _ => Fault::Other,
    })
}

fn millis(duration: Duration) -> u64 {
    duration.as_millis().try_into().unwrap_or(u64::MAX)
}

fn as_c(text: Option<&Text>) -> *const c_char {
    text.map_or(std::ptr::null(), Text::as_c)
}

/// Why a call is not even begun.
enum Refusal {
    Misuse(String),
    Error(Error),
}

impl From<&str> for Refusal {
    fn from(what: &str) -> Self {
        Self::Misuse(what.to_owned())
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// A text of C's; `what` it is, for the complaint.
///
/// # Safety
/// `text` is null, or ended by a zero and there for as long as the result is used.
unsafe fn text<'a>(text: *const c_char, what: &str) -> Result<&'a str, Refusal> {
    if text.is_null() {
        return Err(Refusal::Misuse(format!("{what} is null")));
    }
    // SAFETY: the caller promises that.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().map_err(|_| Refusal::Misuse(format!("{what} is not UTF-8")))
}

/// # Safety
/// The request is as the header has it.
unsafe fn read(request: &Request) -> Result<(App, TokenRequest), Refusal> {
    let scopes = match request.scope_count {
        0 => &[],
        _ if request.scopes.is_null() => return Err("request.scopes is null".into()),
        // SAFETY: the caller promises that there are as many.
        count => unsafe { std::slice::from_raw_parts(request.scopes, count) },
    };
    // SAFETY: these are texts of C's, as the caller promises.
    let read = |value, what| unsafe { text(value, what) };
    let scopes = scopes.iter().map(|scope| read(*scope, "a scope")).collect::<Result<Vec<_>, _>>()?;
    let authority = Authority::entra(read(request.authority, "request.authority")?)?;
    let app = App::new(read(request.client_id, "request.client_id")?, authority)?;
    let claims = if request.claims.is_null() { None } else { Some(read(request.claims, "request.claims")?.to_owned()) };
    Ok((app, TokenRequest::new(scopes)?.claims(claims)))
}

/// # Safety
/// Both are null or as the header has them.
unsafe fn call(
    request: *const Request,
    host: *const HostTable,
    begin: impl FnOnce(&App, &TokenRequest) -> (Flow, Action),
) -> *mut CallResult {
    let run = || {
        // SAFETY: the caller promises that.
        let (request, host) = unsafe { (request.as_ref(), host.as_ref()) };
        let host = host.ok_or("host is null")?.checked()?;
        // SAFETY: the caller promises that.
        let (app, request) = unsafe { read(request.ok_or("request is null")?) }?;
        let ended = drive(begin(&app, &request), &host);
        if host.is_misused() {
            return Err("a callback appended null bytes to a buffer".into());
        }
        Ok(CallResult::of(ended))
    };
    Box::into_raw(Box::new(guarded(run)))
}

/// No panic goes on into C. Without unwinding it ends the process before it comes here.
fn guarded(run: impl FnOnce() -> Result<CallResult, Refusal>) -> CallResult {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(result)) => result,
        Ok(Err(Refusal::Misuse(what))) => CallResult::failure(Status::Misuse, &what),
        Ok(Err(Refusal::Error(error))) => CallResult::of(Err(error)),
        Err(_) => CallResult::failure(Status::Bug, "the library has a bug, which standard error tells"),
    }
}

// From here on: the functions of the header, which says what each does and what it may be given.

#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn entrada_silent(request: *const Request, host: *const HostTable) -> *mut CallResult {
    // SAFETY: the caller promises that.
    unsafe { call(request, host, Flow::silent) }
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn entrada_sign_in(request: *const Request, host: *const HostTable) -> *mut CallResult {
    // SAFETY: the caller promises that.
    unsafe { call(request, host, |app, request| Flow::device_code(app, request, &SignIn::new())) }
}

#[unsafe(no_mangle)]
pub(crate) extern "C" fn entrada_survives_panics() -> c_int {
    cfg!(panic = "unwind").into()
}

/// As `entrada_silent`, with a bug in it.
#[cfg(feature = "bug")]
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn entrada_panic(request: *const Request, host: *const HostTable) -> *mut CallResult {
    // SAFETY: the caller promises that.
    unsafe { call(request, host, |_, _| panic!("on purpose")) }
}

#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn entrada_buffer_append(buffer: *mut Buffer, bytes: *const c_void, length: usize) {
    // SAFETY: the caller promises that it is null, or a buffer of the callback that runs.
    let Some(buffer) = (unsafe { buffer.as_mut() }) else { return };
    if length > 0 && bytes.is_null() {
        buffer.misuse();
    } else if length > 0 {
        // SAFETY: the caller promises that there are as many.
        buffer.append(unsafe { std::slice::from_raw_parts(bytes.cast(), length) });
    }
}

/// A function of the header that reads a result.
macro_rules! accessor {
    ($name:ident -> $type:ty, $null:expr, $read:expr) => {
        #[unsafe(no_mangle)]
        pub(crate) unsafe extern "C" fn $name(result: *const CallResult) -> $type {
            let read: fn(&CallResult) -> $type = $read;
            // SAFETY: the caller promises that it is null, or a result that is not freed yet.
            unsafe { result.as_ref() }.map_or($null, read)
        }
    };
}

accessor!(entrada_result_status -> c_int, Status::Misuse as c_int, |result| result.status);
accessor!(entrada_result_token -> *const c_char, std::ptr::null(), |result| as_c(result.token.as_ref()));
accessor!(entrada_result_account -> *const c_char, std::ptr::null(), |result| as_c(result.account.as_ref()));
accessor!(entrada_result_expires_on -> u64, 0, |result| result.expires_on);
accessor!(entrada_result_message -> *const c_char, std::ptr::null(), |result| as_c(result.message.as_ref()));
accessor!(entrada_result_claims -> *const c_char, std::ptr::null(), |result| as_c(result.claims.as_ref()));

#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn entrada_result_free(result: *mut CallResult) {
    if !result.is_null() {
        // SAFETY: the caller promises that it is a result of `call`, and that nobody uses it any more.
        drop(unsafe { Box::from_raw(result) });
    }
}
