//! `$BROWSER`, read as `xdg-open` and Python's `webbrowser` read it, but never by a shell.

use super::Command;

/// The commands in `$BROWSER`, in order, with the URL in its place.
///
/// They are separated by `separator`, and each is split at spaces; single and double quotes hold words
/// together and a backslash takes the next quote, space or backslash literally. The URL replaces `%s`, or
/// comes last where there is none. A last word `&` (in the background, says Python) changes nothing here.
pub(super) fn commands(value: &str, separator: char, url: &str) -> Vec<Command> {
    split(value, separator)
        .into_iter()
        .filter_map(|mut words| {
            if words.last().is_some_and(|word| word == "&") {
                words.pop();
            }
            let has_place = words.iter().any(|word| word.contains("%s"));
            let mut words: Vec<String> = words.into_iter().map(|word| word.replace("%s", url)).collect();
            if words.first().is_none_or(String::is_empty) {
                return None;
            }
            if !has_place {
                words.push(url.to_owned());
            }
            Some(Command { words })
        })
        .collect()
}

fn split(value: &str, separator: char) -> Vec<Vec<String>> {
    let mut commands = Vec::new();
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = value.chars().peekable();
    while let Some(c) = characters.next() {
        match (c, quote) {
            (_, Some(open)) if c == open => quote = None,
            ('\'' | '"', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            ('\\', None | Some('"')) if characters.peek().is_some_and(|next| "\\\"' ".contains(*next)) => {
                word.get_or_insert_default().extend(characters.next());
            }
            (' ' | '\t', None) => words.extend(word.take()),
            _ if c == separator && quote.is_none() => {
                words.extend(word.take());
                commands.push(std::mem::take(&mut words));
            }
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    commands.push(words);
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_is_read_like_everybody_reads_it() {
        let url = "https://login.example/?a=b&c=%73";
        let table: &[(&str, &[&[&str]])] = &[
            ("firefox", &[&["firefox", url]]),
            ("firefox:chromium", &[&["firefox", url], &["chromium", url]]),
            ("firefox --new-window %s", &[&["firefox", "--new-window", url]]),
            ("tab --to=%s --quiet", &[&["tab", "--to=https://login.example/?a=b&c=%73", "--quiet"]]),
            ("'/opt/my browser/run' -x", &[&["/opt/my browser/run", "-x", url]]),
            ("/opt/my\\ browser/run", &[&["/opt/my browser/run", url]]),
            ("\"a:b\" c", &[&["a:b", "c", url]]),
            ("w3m %s &", &[&["w3m", url]]),
            ("w3m '' x", &[&["w3m", "", "x", url]]),
            ("a'b c", &[&["ab c", url]]),
            ("echo $(id); rm", &[&["echo", "$(id);", "rm", url]]),
            ("::", &[]),
            ("", &[]),
            ("   ", &[]),
        ];
        for (value, expected) in table {
            let words: Vec<_> = commands(value, ':', url).into_iter().map(|command| command.words).collect();
            assert_eq!(words, *expected, "{value:?}");
        }
        assert_eq!(commands(r"C:\apps\b.exe;edge", ';', "u")[0].words, [r"C:\apps\b.exe", "u"]);
    }
}
