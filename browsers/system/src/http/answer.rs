//! Answering: every answer closes its connection, is never stored, and runs nothing.

use std::io::{self, Write};

/// A page needs its own styles and nothing else, and is nobody's frame.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    status: u16,
    content_type: &'static str,
    extra: &'static str,
    body: String,
}

impl Answer {
    /// A page.
    pub(crate) fn page(html: String) -> Self {
        Self { status: 200, content_type: "text/html; charset=utf-8", extra: "", body: html }
    }

    /// A sentence.
    pub(crate) fn text(status: u16, sentence: &str) -> Self {
        let extra = if status == 405 { "Allow: GET, HEAD, POST, OPTIONS\r\n" } else { "" };
        Self { status, content_type: "text/plain; charset=utf-8", extra, body: format!("{sentence}\n") }
    }

    /// Leave to send to us, for a browser that asks first (CORS, and Private Network Access).
    ///
    /// Anybody may: what is sent counts only with the right state, and what is answered says nothing.
    pub(crate) fn preflight() -> Self {
        let extra = "Allow: GET, HEAD, POST, OPTIONS\r\nAccess-Control-Allow-Origin: *\r\n\
            Access-Control-Allow-Methods: GET, POST\r\nAccess-Control-Allow-Headers: content-type\r\n\
            Access-Control-Allow-Private-Network: true\r\nAccess-Control-Allow-Local-Network: true\r\n";
        Self { status: 204, content_type: "", extra, body: String::new() }
    }

    /// The answer to `HEAD`: nothing was lost, and nothing arrived.
    pub(crate) fn head() -> Self {
        Self { status: 200, content_type: "text/html; charset=utf-8", extra: "", body: String::new() }
    }

    /// Writes it, in one piece where the system takes it.
    pub(crate) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        let mut text = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        if self.status != 204 {
            text.push_str(&format!("Content-Type: {}\r\nContent-Length: {}\r\n", self.content_type, self.body.len()));
        }
        text.push_str(self.extra);
        text.push_str(&format!(
            "Cache-Control: no-store\r\nContent-Security-Policy: {POLICY}\r\nReferrer-Policy: no-referrer\r\n\
             X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n{}",
            self.body
        ));
        to.write_all(text.as_bytes())?;
        to.flush()
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        421 => "Misdirected Request",
        431 => "Request Header Fields Too Large",
        _ => "Bad Request",
    }
}
