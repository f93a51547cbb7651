//! What a callback is handed.

use entrada_core::Secret;
use entrada_core::protocol::Method;

use super::*;

/// Says as the status how long the body is, and fails where a zero ends it earlier.
unsafe extern "C" fn measure(
    _: *mut c_void,
    query: *const Query,
    status: *mut u16,
    _: *mut Buffer,
    _: *mut Buffer,
) -> c_int {
    // SAFETY: the library hands in what the header says.
    let (query, status) = unsafe { (&*query, &mut *status) };
    *status = query.body_length.try_into().unwrap_or(u16::MAX);
    // SAFETY: as above.
    let until_zero = unsafe { CStr::from_ptr(query.body) }.count_bytes();
    if until_zero == query.body_length { 0 } else { 8 }
}

unsafe extern "C" fn fill(_: *mut c_void, _: *mut Buffer) -> c_int {
    5
}

unsafe extern "C" fn save(_: *mut c_void, _: *const c_void, _: usize) -> c_int {
    4
}

unsafe extern "C" fn show_code(_: *mut c_void, _: *const c_char, _: *const c_char, _: *const c_char) -> c_int {
    7
}

unsafe extern "C" fn wait(_: *mut c_void, _: u64) -> c_int {
    7
}

unsafe extern "C" fn now(_: *mut c_void) -> u64 {
    0
}

#[test]
fn a_body_is_as_long_as_it_says() {
    let table = HostTable {
        context: std::ptr::null_mut(),
        send: Some(measure),
        load: Some(fill),
        save: Some(save),
        set_aside: Some(fill),
        show_code: Some(show_code),
        wait: Some(wait),
        now: Some(now),
    };
    let Ok(host) = table.checked() else { panic!("all callbacks are there") };
    for (body, length) in [("", 0), ("a=b", 3), ("a\0=\0b", 3)] {
        let query = HttpQuery {
            method: Method::Post,
            url: "https://login.example/token".into(),
            headers: Vec::new(),
            body: Secret::new(body),
            timeout: Duration::from_secs(1),
            body_limit: 1,
        };
        assert_eq!(host.send(&query).map(|answer| answer.status), Ok(length), "{body:?}");
    }
}
