//! curl's configuration files (`-K`): read as curl reads them, and written anew, so that what was checked is what curl gets.

use super::options::{Given, Known};
use crate::failure::Failure;

/// The options of a file.
pub(super) fn read(known: &Known, text: &str, path: &str) -> Result<Vec<Given>, Failure> {
    let mut all = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with(['#', '/', '*']) {
            continue;
        }
        let place = |what: &str| Failure::usage(format!("curl's configuration {path}, line {}: {what}", number + 1));
        let dashed = line.starts_with('-');
        let separates = |c: char| c.is_ascii_whitespace() || (!dashed && (c == '=' || c == ':'));
        let (word, rest) = line.split_once(separates).unwrap_or((line, ""));
        let value = value(rest.trim_start_matches(separates)).ok_or_else(|| place("the quotes do not end"))?;
        let mut option = known.in_file(word).map_err(|failure| place(&failure.message))?;
        option.from_file = true;
        match (known.takes_value(&option), value) {
            (true, Some(value)) => option.value = Some(value),
            (false, None) => {}
            (true, None) => return Err(place("the option lacks its value")),
            (false, Some(_)) => return Err(place("the option takes no value")),
        }
        if option.name == "config" {
            return Err(place("a configuration that names another one is not followed"));
        }
        all.push(option);
    }
    Ok(all)
}

/// The value at the end of a line; `None` in it where there is no value, and alone where its quotes do not end.
fn value(rest: &str) -> Option<Option<String>> {
    let Some(quoted) = rest.strip_prefix('"') else {
        let word = rest.split(|c: char| c.is_ascii_whitespace()).next().unwrap_or_default();
        return Some((!word.is_empty()).then(|| word.to_owned()));
    };
    let mut value = String::new();
    let mut letters = quoted.chars();
    loop {
        match letters.next()? {
            '"' => return Some(Some(value)),
            '\\' => value.push(match letters.next()? {
                't' => '\t',
                'n' => '\n',
                'r' => '\r',
                'v' => '\u{b}',
                other => other,
            }),
            other => value.push(other),
        }
    }
}

/// The options as a file.
pub(super) fn written(options: &[Given]) -> String {
    let line = |option: &Given| match &option.value {
        Some(value) => format!("{} {}\n", option.word(), quoted(value)),
        None => format!("{}\n", option.word()),
    };
    options.iter().map(line).collect()
}

/// A value as such a file has it.
pub(super) fn quoted(value: &str) -> String {
    let mut text = String::with_capacity(value.len() + 2);
    text.push('"');
    for letter in value.chars() {
        match letter {
            '"' | '\\' => text.extend(['\\', letter]),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\u{b}' => text.push_str("\\v"),
            other => text.push(other),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::super::options::tests::known;
    use super::*;

    #[test]
    fn files_are_read_as_curl_reads_them_and_written_anew() {
        let text = "# a comment\n\n  url = \"https://h/a b\\\"c\\\\\"\nsilent\n-o x # said\nheader: X\n--data \"a=\\tb\"\n-L\n";
        let options = read(&known(), text, "f").unwrap();
        let expected = "--url \"https://h/a b\\\"c\\\\\"\n--silent\n--output \"x\"\n--header \"X\"\n--data \"a=\\tb\"\n--location\n";
        assert_eq!(written(&options), expected);
        assert_eq!(read(&known(), expected, "f").unwrap(), options, "and it stays the same");
        assert_eq!(options[0].value.as_deref(), Some("https://h/a b\"c\\"));
    }

    #[test]
    fn what_is_not_understood_is_told_with_its_line() {
        for text in ["url", "silent = 1", "data \"x", "frobnicate", "-ofile", "--url=https://h/", "config = x", "-K x"]
        {
            let failure = read(&known(), &format!("\n{text}"), "f").unwrap_err();
            assert!(failure.code == 2 && failure.message.contains("f, line 2: "), "{text}: {}", failure.message);
        }
    }
}
