//! `-F`: a multipart form (RFC 7578), its files streamed.

use std::io::{Cursor, Read};
use std::path::Path;

use entrada::SystemEntropy;
use entrada::ports::blocking::{Body, Entropy};

use crate::body::{held, open_file};
use crate::failure::{Failure, OTHER};
use crate::notice::Notice;

#[derive(Debug)]
pub(crate) struct Multipart {
    boundary: String,
    fields: Vec<Field>,
}

#[derive(Debug)]
struct Field {
    name: String,
    value: Value,
}

#[derive(Debug)]
enum Value {
    Text(String),
    File(String),
}

impl Multipart {
    /// From `name=value` and `name=@FILE`.
    pub(crate) fn from_fields(fields: &[String]) -> Result<Self, Failure> {
        let fields = fields.iter().map(|field| match field.split_once('=') {
            Some((name, value)) => {
                let value = match value.strip_prefix('@') {
                    Some(path) => Value::File(path.to_owned()),
                    None => Value::Text(value.to_owned()),
                };
                Ok(Field { name: name.to_owned(), value })
            }
            None => Err(Failure::usage(format!("the field {field:?} has no value: write name=value or name=@FILE"))),
        });
        let mut random = [0; 12];
        SystemEntropy.fill(&mut random).map_err(|error| Failure::new(OTHER, "entropy", error.to_string()))?;
        let boundary = random.iter().fold("entrada-".to_owned(), |text, byte| text + &format!("{byte:02x}"));
        Ok(Self { boundary, fields: fields.collect::<Result<_, _>>()? })
    }

    pub(crate) fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary)
    }

    /// One part after the other, of a length that is known unless a file is a pipe.
    pub(crate) fn open(&self, notice: Notice) -> Result<Body, Failure> {
        let mut reader: Box<dyn Read + Send> = Box::new(std::io::empty());
        let mut length = Some(0_u64);
        let mut add = |piece: Box<dyn Read + Send>, size: Option<u64>| {
            reader = Box::new(std::mem::replace(&mut reader, Box::new(std::io::empty())).chain(piece));
            length = length.zip(size).map(|(sum, size)| sum + size);
        };
        let text = |text: String| (Some(text.len() as u64), Box::new(Cursor::new(text)) as Box<dyn Read + Send>);
        for field in &self.fields {
            let name = quoted(&field.name);
            let head = format!("--{}\r\nContent-Disposition: form-data; name=\"{name}\"", self.boundary);
            let (size, piece) = match &field.value {
                Value::Text(value) => text(format!("{head}\r\n\r\n{value}\r\n")),
                Value::File(path) => {
                    let file_name = Path::new(path).file_name().unwrap_or_default().to_string_lossy();
                    let (file, size) = open_file(path)?;
                    let kind = "Content-Type: application/octet-stream";
                    let (head_size, head) =
                        text(format!("{head}; filename=\"{}\"\r\n{kind}\r\n\r\n", quoted(&file_name)));
                    add(head, head_size);
                    add(Box::new(file), size);
                    text("\r\n".to_owned())
                }
            };
            add(piece, size);
        }
        let (size, end) = text(format!("--{}--\r\n", self.boundary));
        add(end, size);
        held(reader, length, notice)
    }
}

/// As browsers escape a name in a header (HTML, multipart/form-data encoding).
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_one_after_the_other_with_their_whole_length() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "line\n").unwrap();
        let form = Multipart::from_fields(&["a=b\"c".into(), format!("f=@{}", file.path().display())]).unwrap();
        let mut body = form.open(Notice::new(true, 0, crate::args::Color::Never)).unwrap();
        let length = body.length().unwrap();
        let mut text = String::new();
        body.read_to_string(&mut text).unwrap();
        assert_eq!(text.len() as u64, length);
        assert!(text.contains("name=\"a\"\r\n\r\nb\"c\r\n--entrada-"), "{text}");
        assert!(text.contains("octet-stream\r\n\r\nline\n\r\n--entrada-"), "{text}");
        assert!(text.ends_with("--\r\n"));
        assert_eq!(Multipart::from_fields(&["novalue".into()]).unwrap_err().code, 2);
    }
}
