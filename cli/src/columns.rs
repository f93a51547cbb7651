//! How wide a terminal is, and prose that keeps to it.

use std::io::{IsTerminal as _, stdout};

/// A terminal that does not tell has so many.
const USUAL: usize = 80;

/// The columns of the terminal that this is; two at least.
#[cfg(unix)]
pub(crate) fn columns(terminal: impl std::os::fd::AsFd) -> usize {
    let size = rustix::termios::tcgetwinsize(terminal);
    size.ok().map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 1).unwrap_or(USUAL)
}

/// The columns of the terminal that this is.
#[cfg(not(unix))]
pub(crate) fn columns<T>(_: T) -> usize {
    USUAL
}

/// Prose for standard output that begins in this column. On a terminal what does not fit goes on below its beginning;
/// elsewhere it stays one line, for those who search in it.
pub(crate) fn prose(text: &str, column: usize) -> String {
    if stdout().is_terminal() { hung(text, column, columns(stdout())) } else { text.to_owned() }
}

/// Broken at spaces alone, so that a URL stays whole.
fn hung(text: &str, column: usize, columns: usize) -> String {
    let (mut hung, mut at) = (String::new(), column);
    for word in text.split(' ') {
        let width = word.chars().count();
        if at > column && at + 1 + width > columns {
            hung.push_str(&format!("\n{:column$}", ""));
            at = column;
        } else if at > column {
            hung.push(' ');
            at += 1;
        }
        hung.push_str(word);
        at += width;
    }
    hung
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_goes_on_below_its_beginning() {
        assert_eq!(hung("one two three four", 4, 12), "one two\n    three\n    four");
        assert_eq!(hung("one two", 4, 11), "one two", "to the last column");
        assert_eq!(hung("one two", 4, 10), "one\n    two");
    }

    #[test]
    fn a_word_is_never_broken() {
        assert_eq!(hung("see https://contoso.example/ there", 2, 10), "see\n  https://contoso.example/\n  there");
        assert_eq!(hung("https://contoso.example/", 20, 10), "https://contoso.example/");
    }
}
