//! The grammar of challenges and of their parameters (RFC 9110 11.2 to 11.6), with an eye to what servers send.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Deserializer, Map, Value};

use super::Challenge;

/// The registered schemes (IANA, HTTP Authentication Schemes), and those of Microsoft's.
const SCHEMES: [&str; 18] = [
    "basic",
    "bearer",
    "concealed",
    "digest",
    "dpop",
    "gnap",
    "hoba",
    "kerberos",
    "mutual",
    "negotiate",
    "ntlm",
    "oauth",
    "pop",
    "privatetoken",
    "scram-sha-1",
    "scram-sha-256",
    "vapid",
    "pkeyauth",
];
/// The longest JSON that is looked for where it stands without its escapes, in bytes.
const LONGEST_JSON: usize = 8 * 1024;

/// One element of the list.
enum Element<'a> {
    /// `name=value`, the name in lower case.
    Parameter(String, String),
    /// A word alone, and what follows it.
    Word(&'a str),
}

/// The next element and the rest; `None` at the end.
fn element(mut rest: &str) -> Option<(Element<'_>, &str)> {
    loop {
        rest = rest.trim_start_matches(is_separator);
        if rest.is_empty() {
            return None;
        }
        let end = rest.find(|c: char| !is_token(c)).unwrap_or(rest.len());
        if end == 0 {
            // Nothing that begins a name or a scheme: skip to the next element.
            rest = match rest.strip_prefix('"') {
                Some(quoted) => read_quoted(quoted).1,
                None => rest.find(is_separator).map_or("", |at| &rest[at..]),
            };
            continue;
        }
        let (word, after) = rest.split_at(end);
        return Some(match after.trim_start_matches(is_space).strip_prefix('=') {
            Some(value) => {
                let name = word.to_ascii_lowercase();
                let (value, after) = read_value(&name, value.trim_start_matches(is_space));
                (Element::Parameter(name, value), after)
            }
            None => (Element::Word(word), after),
        });
    }
}

pub(super) fn challenges(header: &str) -> Vec<Challenge> {
    let mut found: Vec<Challenge> = Vec::new();
    // How many words at the end stood alone: schemes without parameters, or parameters without values.
    let mut alone = 0;
    let mut rest = header;
    while let Some((element, after)) = element(rest) {
        rest = after;
        match element {
            Element::Word(word) => {
                let (token68, after) = read_token68(rest);
                rest = after;
                let ends = rest.trim_start_matches(is_space);
                alone = if token68.is_none() && (ends.is_empty() || ends.starts_with(',')) { alone + 1 } else { 0 };
                found.push(Challenge {
                    scheme: word.to_string(),
                    token68: token68.map(String::from),
                    parameters: Vec::new(),
                });
            }
            Element::Parameter(name, value) => {
                take_in(&mut found, alone);
                alone = 0;
                // Without a scheme it is nobody's.
                if let Some(challenge) = found.last_mut() {
                    challenge.parameters.push((name, value));
                }
            }
        }
    }
    found
}

/// A parameter after words that stood alone belongs to the challenge before them, and they are parameters of it
/// without a value, unless the last of them is a scheme that we know.
fn take_in(found: &mut Vec<Challenge>, alone: usize) {
    let is_scheme = |challenge: &&Challenge| SCHEMES.iter().any(|known| challenge.scheme.eq_ignore_ascii_case(known));
    let strange = found.iter().rev().take(alone).take_while(|challenge| !is_scheme(challenge)).count();
    let words = found.split_off(found.len() - strange);
    match found.last_mut() {
        Some(owner) if owner.token68.is_none() => {
            owner.parameters.extend(words.into_iter().map(|word| (word.scheme.to_ascii_lowercase(), String::new())));
        }
        _ => found.extend(words),
    }
}

pub(super) fn parameters(header: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = header;
    while let Some((element, after)) = element(rest) {
        rest = after;
        if let Element::Parameter(name, value) = element {
            found.push((name, value));
        }
    }
    found
}

fn is_space(c: char) -> bool {
    c.is_ascii_whitespace()
}

fn is_separator(c: char) -> bool {
    is_space(c) || c == ',' || c == ';'
}

/// `tchar` of RFC 9110 5.6.2.
fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

/// A quoted string with its escapes undone, or everything up to the next comma or space; an object where claims
/// are written plain.
fn read_value<'a>(name: &str, text: &'a str) -> (String, &'a str) {
    let is_claims = name == "claims";
    let Some(quoted) = text.strip_prefix('"') else {
        if let Some((object, rest)) = read_object(text).filter(|_| is_claims) {
            return (object.to_string(), rest);
        }
        let end = text.find(|c| is_space(c) || c == ',').unwrap_or(text.len());
        return (text[..end].to_string(), &text[end..]);
    };
    let read = read_quoted(quoted);
    let is_plain = is_claims && quoted.starts_with('{') && read_object(&read.0).is_none();
    match read_object(quoted).filter(|_| is_plain) {
        Some((object, rest)) => (object.to_string(), rest.strip_prefix('"').unwrap_or(rest)),
        None => read,
    }
}

/// What stands before the closing quote, which may be missing, with its escapes undone.
fn read_quoted(quoted: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

/// A JSON object at the beginning.
fn read_object(text: &str) -> Option<(&str, &str)> {
    let window = text.as_bytes().get(..LONGEST_JSON).unwrap_or(text.as_bytes());
    let mut objects = Deserializer::from_slice(window).into_iter::<Map<String, Value>>();
    objects.next()?.ok()?;
    text.split_at_checked(objects.byte_offset())
}

/// What stands after a scheme where it is one word that is no `name=value`: `Negotiate TlRMTVNTUAAB==`.
fn read_token68(after: &str) -> (Option<&str>, &str) {
    let text = after.trim_start_matches(is_space);
    let is_68 = |c: char| c.is_ascii_alphanumeric() || "-._~+/".contains(c);
    let word = text.find(|c| !is_68(c)).unwrap_or(text.len());
    let padded = &text[word..];
    let end = word + padded.find(|c| c != '=').unwrap_or(padded.len());
    let rest = text[end..].trim_start_matches(is_space);
    if word > 0 && (rest.is_empty() || rest.starts_with(',')) { (Some(&text[..end]), rest) } else { (None, after) }
}
