//! The body of a request: text, a file, standard input, or a multipart form.

use std::fs::File;
use std::io::{Read, stdin};

use entrada::ports::blocking::Body;

use crate::args::Call;
use crate::failure::{Failure, USAGE};
use crate::multipart::Multipart;
use crate::notice::Notice;
use crate::progress::Watched;

/// Files up to this size are held in memory, so that a request can be sent a second time.
const HELD: u64 = 1024 * 1024;

/// What is to be sent, to be opened once for each try.
#[derive(Debug)]
pub(crate) enum Source {
    Nothing,
    Bytes(Vec<u8>),
    File(String),
    Form(Multipart),
}

impl Source {
    /// What the arguments say, with the `Content-Type` that goes with it.
    pub(crate) fn from_call(call: &Call) -> Result<(Self, Option<String>), Failure> {
        let (text, content_type) = match (&call.data, &call.json) {
            (Some(data), _) => (data, "application/x-www-form-urlencoded"),
            (None, Some(json)) => (json, "application/json"),
            (None, None) if call.form.is_empty() => return Ok((Self::Nothing, None)),
            (None, None) => {
                let form = Multipart::from_fields(&call.form)?;
                let content_type = form.content_type();
                return Ok((Self::Form(form), Some(content_type)));
            }
        };
        let source = match text.strip_prefix('@') {
            Some("-") => {
                let mut bytes = Vec::new();
                stdin()
                    .read_to_end(&mut bytes)
                    .map_err(|error| Failure::new(USAGE, "input", format!("standard input cannot be read: {error}")))?;
                Self::Bytes(bytes)
            }
            Some(path) => Self::File(path.to_owned()),
            None => Self::Bytes(text.clone().into_bytes()),
        };
        Ok((source, Some(content_type.to_owned())))
    }

    /// The body for one try.
    pub(crate) fn open(&self, notice: Notice) -> Result<Body, Failure> {
        match self {
            Self::Nothing => Ok(Body::empty()),
            Self::Bytes(bytes) => Ok(bytes.clone().into()),
            Self::Form(form) => form.open(notice),
            Self::File(path) => {
                let (file, length) = open_file(path)?;
                held(file, length, notice)
            }
        }
    }
}

/// A body of what is read: in memory where it is small, so that it can be sent twice, else as a stream.
pub(crate) fn held(
    mut reader: impl Read + Send + 'static,
    length: Option<u64>,
    notice: Notice,
) -> Result<Body, Failure> {
    if length.is_none_or(|length| length > HELD) {
        return Ok(Body::stream(Watched::new(reader, 0, length, notice), length));
    }
    let mut bytes = Vec::new();
    let read = reader.read_to_end(&mut bytes);
    read.map_err(|error| Failure::new(USAGE, "input", format!("the body cannot be read: {error}")))?;
    Ok(bytes.into())
}

/// A file with its length, where it has one: a pipe has none.
pub(crate) fn open_file(path: &str) -> Result<(File, Option<u64>), Failure> {
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let about = file.metadata().map_err(|error| unreadable(path, &error))?;
    if about.is_dir() {
        return Err(Failure::usage(format!("{path} is a folder")));
    }
    Ok((file, about.is_file().then_some(about.len())))
}

fn unreadable(path: &str, error: &std::io::Error) -> Failure {
    Failure::new(USAGE, "input", format!("{path} cannot be read: {error}"))
}
