//! A value over several entries, where one holds no more than so much.
//!
//! The head is one entry: the value itself where that fits, else the generation and the number of its parts, which are
//! entries of their own and never change. A head is replaced as a whole, and after its parts: so whatever a reader finds
//! belongs together. Generations whose parts may lie around are noted in the head until those are deleted.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use entrada_core::Fault;
use entrada_core::ports::AdapterError;
use zeroize::Zeroizing;

use crate::random;
use crate::system::Entries;

const VERSION: &str = "entrada1";

/// What the note of two generations takes in a head, at most.
const RESERVE: usize = 160;

/// The fewest bytes that an entry may be said to hold.
pub(crate) const SMALLEST: usize = 2 * RESERVE;

/// More than a keyring ever holds under one name.
const MOST: usize = 512 << 20;

/// How often a reader looks again when the head was replaced while its parts were read.
const TRIES: usize = 50;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Generation {
    id: String,
    parts: usize,
}

enum Content {
    Nothing,
    /// In base64.
    Inline(Zeroizing<String>),
    Parts(Generation),
}

struct Head {
    content: Content,
    stale: Vec<Generation>,
}

impl Head {
    const EMPTY: Self = Self { content: Content::Nothing, stale: Vec::new() };

    fn is_empty(&self) -> bool {
        matches!(self.content, Content::Nothing)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut head = Self::EMPTY;
        let mut words = text.split(' ');
        if words.next() != Some(VERSION) {
            return None;
        }
        for word in words {
            let (name, value) = word.split_once('=')?;
            match (name, &head.content) {
                ("stale", _) => head.stale.push(Generation::parse(value)?),
                ("parts", Content::Nothing) => head.content = Content::Parts(Generation::parse(value)?),
                ("value", Content::Nothing) => head.content = Content::Inline(Zeroizing::new(value.to_owned())),
                _ => return None,
            }
        }
        Some(head)
    }

    fn to_text(&self) -> Zeroizing<String> {
        let inline = if let Content::Inline(value) = &self.content { value.len() } else { 0 };
        let mut text = Zeroizing::new(String::with_capacity(VERSION.len() + RESERVE + inline));
        text.push_str(VERSION);
        match &self.content {
            Content::Nothing => {}
            Content::Inline(value) => {
                text.push_str(" value=");
                text.push_str(value);
            }
            Content::Parts(generation) => text.push_str(&format!(" parts={generation}")),
        }
        for generation in &self.stale {
            text.push_str(&format!(" stale={generation}"));
        }
        text
    }
}

impl Generation {
    fn parse(text: &str) -> Option<Self> {
        let (id, parts) = text.split_once(':')?;
        let is_id = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        Some(Self { id: id.to_owned(), parts: parts.parse().ok()? }).filter(|_| is_id)
    }

    fn part(&self, name: &str, number: usize) -> String {
        format!("{name}.{}.{number}", self.id)
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.id, self.parts)
    }
}

/// All bytes under that name.
pub(crate) fn load(entries: &dyn Entries, name: &str) -> Result<Option<Vec<u8>>, AdapterError> {
    let mut before = None;
    for _ in 0..TRIES {
        let head = read_head(entries, name)?;
        let generation = match head.content {
            Content::Nothing => return Ok(None),
            Content::Inline(value) => return decode(&value, name).map(Some),
            Content::Parts(generation) => generation,
        };
        if let Some(text) = collect(entries, name, &generation)? {
            return decode(&text, name).map(Some);
        }
        if before.replace(generation.clone()) == Some(generation) {
            return Err(corrupt(name, "a part of it is missing"));
        }
    }
    Err(AdapterError::new(Fault::TimedOut, format!("the keyring's entry {name:?} changes faster than it can be read")))
}

/// Replaces all bytes under that name, with no more than `limit` bytes in an entry. Wherever it breaks off, there are
/// the old bytes or the new ones. There may be one writer at a time.
pub(crate) fn save(entries: &dyn Entries, name: &str, bytes: &[u8], limit: usize) -> Result<(), AdapterError> {
    let old = read_head(entries, name)?;
    delete_parts(entries, name, &old.stale)?;
    let value = Zeroizing::new(STANDARD.encode(bytes));
    let replaced = match &old.content {
        Content::Parts(generation) => vec![generation.clone()],
        _ => Vec::new(),
    };
    let content = if value.len() + RESERVE <= limit {
        Content::Inline(value)
    } else {
        let generation = Generation { id: random::hex_id()?, parts: value.len().div_ceil(limit) };
        let announced = Head { content: old.content, stale: vec![generation.clone()] };
        write_head(entries, name, &announced)?;
        for (number, part) in value.as_bytes().chunks(limit).enumerate() {
            // Base64 is cut between characters wherever it is cut.
            let part = std::str::from_utf8(part).unwrap_or_default();
            entries.set(&generation.part(name, number), part)?;
        }
        Content::Parts(generation)
    };
    let mut new = Head { content, stale: replaced };
    write_head(entries, name, &new)?;
    if !new.stale.is_empty() {
        delete_parts(entries, name, &new.stale)?;
        new.stale.clear();
        write_head(entries, name, &new)?;
    }
    Ok(())
}

/// Moves what is under that name to another, which is returned; a head alone is moved, so that nothing can be torn.
pub(crate) fn set_aside(entries: &dyn Entries, name: &str) -> Result<String, AdapterError> {
    let head = entries.get(name)?.filter(|head| Head::parse(head).is_none_or(|head| !head.is_empty()));
    let Some(head) = head else {
        return Err(AdapterError::new(
            Fault::NotFound,
            format!("the keyring has no entry {name:?}: nothing to set aside"),
        ));
    };
    for number in 1..1_000 {
        let aside = format!("{name}.corrupt-{number}");
        if entries.get(&aside)?.is_none() {
            entries.set(&aside, &head)?;
            entries.delete(name)?;
            return Ok(aside);
        }
    }
    Err(AdapterError::new(Fault::Other, format!("too many entries {name}.corrupt-N are in the keyring: delete some")))
}

fn read_head(entries: &dyn Entries, name: &str) -> Result<Head, AdapterError> {
    let Some(text) = entries.get(name)? else { return Ok(Head::EMPTY) };
    Head::parse(&text).ok_or_else(|| corrupt(name, "it is not of entrada's making"))
}

fn write_head(entries: &dyn Entries, name: &str, head: &Head) -> Result<(), AdapterError> {
    entries.set(name, &head.to_text())
}

/// All parts in one; `None` where one is missing.
fn collect(
    entries: &dyn Entries,
    name: &str,
    generation: &Generation,
) -> Result<Option<Zeroizing<String>>, AdapterError> {
    let mut text = Zeroizing::new(String::new());
    for number in 0..generation.parts {
        let Some(part) = entries.get(&generation.part(name, number))? else { return Ok(None) };
        if text.capacity() == 0 {
            // The first part is the longest: no growing leaves an unwiped copy behind.
            text.reserve_exact(part.len().saturating_mul(generation.parts).min(MOST));
        }
        text.push_str(&part);
    }
    Ok(Some(text))
}

fn delete_parts(entries: &dyn Entries, name: &str, generations: &[Generation]) -> Result<(), AdapterError> {
    for generation in generations {
        for number in 0..generation.parts {
            entries.delete(&generation.part(name, number))?;
        }
    }
    Ok(())
}

fn decode(value: &str, name: &str) -> Result<Vec<u8>, AdapterError> {
    STANDARD.decode(value).map_err(|_| corrupt(name, "it is damaged"))
}

fn corrupt(name: &str, why: &str) -> AdapterError {
    AdapterError::new(Fault::Corrupt, format!("the keyring's entry {name:?} cannot be read: {why}"))
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::collections::BTreeMap;

    use super::*;

    /// A keyring that breaks off after so many changes.
    #[derive(Default)]
    struct Fragile {
        entries: RefCell<BTreeMap<String, String>>,
        changes_left: Cell<Option<usize>>,
        longest: Cell<usize>,
    }

    impl Fragile {
        fn change(&self) -> Result<(), AdapterError> {
            match self.changes_left.get() {
                Some(0) => Err(AdapterError::new(Fault::Other, "the power is gone")),
                left => {
                    self.changes_left.set(left.map(|left| left - 1));
                    Ok(())
                }
            }
        }

        fn names(&self) -> Vec<String> {
            self.entries.borrow().keys().cloned().collect()
        }
    }

    impl Entries for Fragile {
        fn get(&self, name: &str) -> Result<Option<Zeroizing<String>>, AdapterError> {
            Ok(self.entries.borrow().get(name).cloned().map(Zeroizing::new))
        }

        fn set(&self, name: &str, value: &str) -> Result<(), AdapterError> {
            self.change()?;
            self.longest.set(self.longest.get().max(value.len()));
            self.entries.borrow_mut().insert(name.to_owned(), value.to_owned());
            Ok(())
        }

        fn delete(&self, name: &str) -> Result<(), AdapterError> {
            self.change()?;
            self.entries.borrow_mut().remove(name);
            Ok(())
        }
    }

    const LIMIT: usize = 400;

    fn value(seed: u8, length: usize) -> Vec<u8> {
        (0..length).map(|index| seed.wrapping_add(index as u8)).collect()
    }

    #[test]
    fn wherever_a_save_breaks_off_the_old_bytes_are_there_or_the_new() {
        // From long to long, from short to long and back.
        for (old, new) in [(3_000, 2_000), (10, 3_000), (3_000, 10), (10, 20)] {
            let (old, new) = (value(1, old), value(2, new));
            for changes in 0.. {
                let keyring = Fragile::default();
                save(&keyring, "t", &old, LIMIT).unwrap();
                keyring.changes_left.set(Some(changes));
                let result = save(&keyring, "t", &new, LIMIT);
                let found = load(&keyring, "t").unwrap().unwrap();
                assert!(found == old || found == new, "torn after {changes} changes");
                assert!(result.is_err() || found == new);

                keyring.changes_left.set(None);
                let last = value(3, 1_000);
                save(&keyring, "t", &last, LIMIT).unwrap();
                assert_eq!(load(&keyring, "t").unwrap().unwrap(), last);
                let parts = STANDARD.encode(&last).len().div_ceil(LIMIT);
                assert_eq!(keyring.names().len(), 1 + parts, "no part lies around: {:?}", keyring.names());
                assert!(keyring.longest.get() <= LIMIT, "{} bytes in one entry", keyring.longest.get());
                if result.is_ok() {
                    break;
                }
            }
        }
    }

    #[test]
    fn a_first_save_that_breaks_off_leaves_nothing_to_be_read() {
        let keyring = Fragile::default();
        keyring.changes_left.set(Some(2));
        save(&keyring, "t", &value(1, 3_000), LIMIT).unwrap_err();
        assert_eq!(load(&keyring, "t").unwrap(), None);
        assert_eq!(set_aside(&keyring, "t").unwrap_err().fault(), Fault::NotFound);
    }

    #[test]
    fn what_is_damaged_is_corrupt_and_can_be_set_aside() {
        for damage in [
            (|keyring: &Fragile| keyring.entries.borrow_mut().retain(|name, _| !name.ends_with(".1"))) as fn(&Fragile),
            |keyring| drop(keyring.entries.borrow_mut().insert("t".into(), "another program's".into())),
            |keyring| drop(keyring.entries.borrow_mut().insert("t".into(), "entrada1 value=???".into())),
            |keyring| drop(keyring.entries.borrow_mut().insert("t".into(), "entrada1 parts=1:1".into())),
        ] {
            let keyring = Fragile::default();
            save(&keyring, "t", &value(1, 3_000), LIMIT).unwrap();
            damage(&keyring);
            assert_eq!(load(&keyring, "t").unwrap_err().fault(), Fault::Corrupt);
            let head = keyring.entries.borrow()["t"].clone();
            assert_eq!(set_aside(&keyring, "t").unwrap(), "t.corrupt-1");
            assert_eq!(load(&keyring, "t").unwrap(), None);
            assert_eq!(keyring.entries.borrow()["t.corrupt-1"], head);
        }
    }
}
