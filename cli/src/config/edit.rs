//! A file with one setting changed, and all else in it left to the letter.

use std::fs;
use std::io::{self, Write as _};
use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

use entrada::file_cache::FileCache;
use entrada::ports::blocking::{Cache as _, TryLock};
use toml_edit::{Array, Document, DocumentMut, Item, Table, TableLike, Value};

use super::file::{self, Place, Section};
use crate::failure::{Failure, OTHER};
use crate::settings;

/// How long to wait for others, each of whom takes some milliseconds, and how often to look.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(5);

/// What was typed, as the reader of files takes it for this key: text, else a switch or a number, or a list.
pub(super) fn value(key: &str, words: &[String]) -> Result<Value, Failure> {
    let mut candidates = Vec::new();
    if let [word] = words {
        candidates.push(Value::from(word));
        candidates.extend(word.parse::<bool>().ok().map(Value::from));
        candidates.extend(word.parse::<i64>().ok().map(Value::from));
    } else {
        candidates.push(Value::from(words.iter().collect::<Array>()));
    }
    let mut refusal = String::new();
    for value in candidates {
        match taken(key, &value) {
            Ok(()) => return Ok(value),
            Err(reason) => refusal = reason,
        }
    }
    Err(Failure::usage(refusal).with_remedy("see by its flag what it can be: entrada --help"))
}

/// Whether a section with this alone can be read; else why not.
fn taken(key: &str, value: &Value) -> Result<(), String> {
    let section: Section = toml::from_str(&format!("{key} = {value}\n"))
        .map_err(|error| format!("{key} cannot be {value}: {}", error.message()))?;
    settings::says(&section, key).map(drop).map_err(|failure| failure.message)
}

/// The place as the file spells it.
fn spelt(document: &Document<&str>, place: Place) -> Place {
    let names = document.get("app").and_then(Item::as_table_like).into_iter().flat_map(TableLike::iter);
    file::spelt(names.map(|(name, _)| name), place)
}

/// The file with this setting, and the place as it spells that.
pub(super) fn set(path: &Path, text: &str, place: Place, key: &str, value: &Value) -> Result<(String, Place), Failure> {
    let document = parsed(path, text)?;
    let place = spelt(&document, place);
    let mut document = document.into_mut();
    let by_hand = || file::unusable(path, &format!("{place} is no table")).with_remedy("correct it by hand");
    let section = made(&mut document, &place).ok_or_else(by_hand)?;
    let mut value = value.clone();
    match section.get_mut(key) {
        Some(item) => {
            // The comment behind it stays.
            if let Some(old) = item.as_value() {
                value.decor_mut().clone_from(old.decor());
            }
            *item = Item::Value(value);
        }
        None => {
            section.insert(key, Item::Value(value));
        }
    }
    Ok((document.to_string(), place))
}

/// The section, made where it is not there.
fn made<'a>(document: &'a mut DocumentMut, place: &Place) -> Option<&'a mut dyn TableLike> {
    let Some([group, name]) = names(place) else { return Some(document.as_table_mut()) };
    let within = |table: &'a mut dyn TableLike, name: &str, new: Table| {
        if !table.contains_key(name) {
            table.insert(name, Item::Table(new));
        }
        table.get_mut(name)?.as_table_like_mut()
    };
    let mut without_heading = Table::new();
    without_heading.set_implicit(true);
    let group = within(document.as_table_mut(), group, without_heading)?;
    within(group, name, Table::new())
}

fn names(place: &Place) -> Option<[&str; 2]> {
    match place {
        Place::All => None,
        Place::Profile(name) => Some(["profile", name]),
        Place::App(prefix) => Some(["app", prefix]),
    }
}

/// The file without this setting, nothing where it was not in it; and the place as the file spells that. The comments
/// above it stay. A section that is empty now goes as well: it would hide one for a shorter prefix.
pub(super) fn unset(path: &Path, text: &str, place: Place, key: &str) -> Result<(Option<String>, Place), Failure> {
    let document = parsed(path, text)?;
    let place = spelt(&document, place);
    Ok((without(document, text, &place, key), place))
}

fn without(document: Document<&str>, text: &str, place: &Place, key: &str) -> Option<String> {
    let section = match names(place) {
        None => Some(document.as_item()),
        Some([group, name]) => document.get(group).and_then(|group| group.get(name)),
    };
    let section = section.filter(|section| section.get(key).is_some())?;
    let Some(table) = section.as_table() else {
        let mut document = document.into_mut();
        made(&mut document, place)?.remove(key);
        return Some(document.to_string());
    };
    let (known, item) = table.get_key_value(key)?;
    let (first, last) = known.span().zip(item.span())?;
    let mut text = text.to_owned();
    text.replace_range(lines(&text, first.start..last.end), "");
    if let Some(heading) = table.span().filter(|_| table.len() == 1 && has_heading(&document, table)) {
        let heading = lines(&text, heading.start..heading.start);
        let is_between_blank_lines = text[..heading.start].ends_with("\n\n") && is_blank_next(&text[heading.end..]);
        let start = if is_between_blank_lines { heading.start - 1 } else { heading.start };
        text.replace_range(start..heading.end, "");
    }
    Some(text)
}

fn is_blank_next(text: &str) -> bool {
    text.lines().next().is_none_or(|line| line.trim().is_empty())
}

/// Whether a table begins with a heading of its own, and not with a dotted key.
fn has_heading(document: &Document<&str>, table: &Table) -> bool {
    let begins = table.span().and_then(|span| document.raw().get(span.start..));
    begins.is_some_and(|text| text.starts_with('['))
}

/// The whole lines that these bytes are in.
fn lines(text: &str, of: Range<usize>) -> Range<usize> {
    let start = text[..of.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[of.end..].find('\n').map_or(text.len(), |at| of.end + at + 1);
    start..end
}

fn parsed<'a>(path: &Path, text: &'a str) -> Result<Document<&'a str>, Failure> {
    Document::parse(text).map_err(|error| file::unusable(path, error.to_string().trim()))
}

/// Keeps others from changing the file until it is dropped: waits for those who do. Where nothing can be locked, nobody is
/// kept away.
pub(super) fn locked(path: &Path) -> Result<Option<Box<dyn Send>>, Failure> {
    let (beside, since) = (FileCache::new(path), Instant::now());
    loop {
        match beside.try_lock() {
            Ok(TryLock::Held(lock)) => return Ok(Some(lock)),
            Ok(TryLock::Unsupported) | Err(_) => return Ok(None),
            Ok(TryLock::Busy) if since.elapsed() < PATIENCE => std::thread::sleep(PAUSE),
            Ok(TryLock::Busy) => {
                let path = path.display();
                let busy = format!("{path} cannot be written: another entrada is changing it");
                return Err(Failure::new(OTHER, "output", busy)
                    .with_remedy(format!("try again; if nothing else changes it, delete {path}.lockfile")));
            }
        }
    }
}

/// Puts the text in place of the file, at once and whole. One that is new is for the user alone, as is a folder.
pub(super) fn save(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: io::Error| {
        Failure::output(&path.display().to_string(), &error).with_remedy("see to it that its folder can be written to")
    };
    // A link stays one: what it leads to is replaced.
    let target = match path.is_symlink() {
        true => fs::canonicalize(path).map_err(failed)?,
        false => path.to_owned(),
    };
    let Some(folder) = target.parent() else { return Err(failed(io::ErrorKind::NotFound.into())) };
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(failed)?;
    let mut file = tempfile::Builder::new().prefix(".entrada-").tempfile_in(folder).map_err(failed)?;
    if let Ok(old) = fs::metadata(&target) {
        file.as_file().set_permissions(old.permissions()).map_err(failed)?;
    }
    file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    file.persist(&target).map_err(|error| failed(error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_that_a_file_can_make_is_known_and_can_be_written() {
        let source = include_str!("file.rs");
        let fields = source.lines().filter_map(|line| line.strip_prefix("    pub(crate) ")?.split_once(": Option<"));
        let fields: Vec<&str> = fields.map(|(name, _)| name).filter(|name| !name.contains(' ')).collect();
        assert_eq!(fields, settings::keys());
        for key in settings::keys() {
            let is_taken = |word: &&str| value(key, &[(*word).to_owned()]).is_ok();
            assert!(["auto", "public", "true", "5"].iter().any(is_taken), "{key}");
        }
    }
}
