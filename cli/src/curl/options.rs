//! curl's options, as the installed curl itself tells them, and the arguments read by them.

use std::collections::BTreeMap;
use std::process::Command;

use crate::failure::{Failure, OTHER};

/// What the installed curl takes.
#[derive(Debug)]
pub(super) struct Known {
    /// Major and minor.
    pub(super) version: (u32, u32),
    /// Whether it takes a value, by its long name.
    long: BTreeMap<String, bool>,
    /// Long names by the letter.
    short: BTreeMap<char, String>,
}

/// One argument as curl takes it: an option, or a URL under the name `url`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Given {
    /// The long name, without `no-`.
    pub(super) name: String,
    /// Whether it is switched on, and not off by `no-`.
    pub(super) on: bool,
    pub(super) value: Option<String>,
    pub(super) from_file: bool,
}

impl Known {
    /// Asks the curl that will be run.
    pub(super) fn of_installed() -> Result<Self, Failure> {
        let said = |words: &[&str]| {
            let output = Command::new("curl").args(words).env("COLUMNS", "200").output().map_err(|error| {
                Failure::new(OTHER, "curl", format!("curl cannot be run: {error}"))
                    .with_remedy("install curl, or call the app with entrada get")
            })?;
            Ok::<_, Failure>(String::from_utf8_lossy(&output.stdout).into_owned())
        };
        Self::of(&said(&["--disable", "--version"])?, &said(&["--disable", "--help", "all"])?)
            .ok_or_else(|| Failure::new(OTHER, "curl", "curl does not tell its version and its options".to_owned()))
    }

    fn of(version: &str, help: &str) -> Option<Self> {
        let mut numbers = version.strip_prefix("curl ")?.split('.').map(|part| part.parse().ok());
        let version = (numbers.next()??, numbers.next()??);
        let (mut long, mut short) = (BTreeMap::new(), BTreeMap::new());
        for line in help.lines().map(str::trim_start) {
            let (letter, rest) = match line.split_once(", --") {
                Some((letter, rest)) if letter.len() == 2 && letter.starts_with('-') => (letter.chars().nth(1), rest),
                _ => match line.strip_prefix("--") {
                    Some(rest) => (None, rest),
                    None => continue,
                },
            };
            let (name, rest) = rest.split_once(' ').unwrap_or((rest, ""));
            long.insert(name.to_owned(), rest.starts_with(['<', '[']));
            if let Some(letter) = letter {
                short.insert(letter, name.to_owned());
            }
        }
        (long.get("url") == Some(&true) && long.get("oauth2-bearer") == Some(&true)).then_some(Self {
            version,
            long,
            short,
        })
    }

    /// The words as curl reads them. What it may read in another way is an error.
    pub(super) fn read(&self, words: &[String]) -> Result<Vec<Given>, Failure> {
        let mut given = Vec::new();
        let mut rest = words.iter().map(String::as_str);
        let mut options = true;
        while let Some(word) = rest.next() {
            if word == "--" && options {
                options = false;
            } else if options && word.starts_with('-') {
                self.option(word, &mut rest, &mut given)?;
            } else {
                given.push(Given::url(word));
            }
        }
        Ok(given)
    }

    /// One word with options in it, and the value that follows, where it takes one.
    fn option<'a>(
        &self,
        word: &'a str,
        rest: &mut impl Iterator<Item = &'a str>,
        given: &mut Vec<Given>,
    ) -> Result<(), Failure> {
        if let Some(name) = word.strip_prefix("--") {
            let mut option = self.named(name)?;
            if self.takes_value(&option) {
                option.value = rest.next().map(str::to_owned);
                if option.value.is_none() && name != "help" {
                    return Err(lacks_value(word));
                }
            }
            given.push(option);
            return Ok(());
        }
        let mut letters = word.strip_prefix('-').unwrap_or(word);
        if letters.is_empty() {
            return Err(unknown("-"));
        }
        while let Some(letter) = letters.chars().next() {
            letters = &letters[letter.len_utf8()..];
            let name = self.short.get(&letter).ok_or_else(|| unknown(&format!("-{letter}")))?;
            let mut option = self.named(name)?;
            if self.takes_value(&option) {
                let value = if letters.is_empty() { rest.next() } else { Some(letters) };
                option.value = value.map(str::to_owned);
                if option.value.is_none() && letter != 'h' {
                    return Err(lacks_value(&format!("-{letter}")));
                }
                letters = "";
            }
            given.push(option);
        }
        Ok(())
    }

    /// An option by its long name, which may begin with `no-`.
    pub(super) fn named(&self, name: &str) -> Result<Given, Failure> {
        let plain = name.strip_prefix("no-").unwrap_or(name);
        let is_switch = self.long.get(plain) == Some(&false) || self.long.contains_key(&format!("no-{plain}"));
        if !is_switch && !self.long.contains_key(name) {
            return Err(unknown(&format!("--{name}")));
        }
        // One that takes a value has no opposite.
        let (name, on) = if is_switch { (plain, plain == name) } else { (name, true) };
        Ok(Given { name: name.to_owned(), on, value: None, from_file: false })
    }

    /// An option as a configuration file has it: with one dash a letter, else a name.
    pub(super) fn in_file(&self, word: &str) -> Result<Given, Failure> {
        match word.strip_prefix('-').map(|rest| rest.strip_prefix('-').ok_or(rest)) {
            Some(Err(letter)) => {
                let mut letters = letter.chars();
                match (letters.next().and_then(|letter| self.short.get(&letter)), letters.next()) {
                    (Some(name), None) => self.named(name),
                    _ => Err(unknown(word)),
                }
            }
            Some(Ok(name)) => self.named(name),
            None => self.named(word),
        }
    }

    pub(super) fn takes_value(&self, option: &Given) -> bool {
        self.long.get(&option.name) == Some(&true)
    }
}

impl Given {
    fn url(text: &str) -> Self {
        Self { name: "url".to_owned(), on: true, value: Some(text.to_owned()), from_file: false }
    }

    /// The option in its long form, as an argument of curl.
    pub(super) fn word(&self) -> String {
        format!("--{}{}", if self.on { "" } else { "no-" }, self.name)
    }
}

fn unknown(option: &str) -> Failure {
    Failure::usage(format!("curl's own help does not tell of {option}, so entrada cannot know what it does"))
        .with_remedy("write options as `curl --help all` has them")
}

fn lacks_value(option: &str) -> Failure {
    Failure::usage(format!("curl's option {option} lacks its value"))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const HELP: &str = "\
Usage: curl [options...] <url>
 -K, --config <file>      Read config from a file
 -d, --data <data>        HTTP POST data
     --data-raw <data>    HTTP POST data, '@' allowed
 -q, --disable            Disable .curlrc
 -H, --header <header/@file> Pass custom header(s) to server
 -k, --insecure           Allow insecure server connections
 -L, --location           Follow redirects
     --location-trusted   Like --location, and send auth to other hosts
 -:, --next               Make next URL use its separate set of options
 -N, --no-buffer          Disable buffering of the output stream
     --oauth2-bearer <token> OAuth 2 Bearer Token
 -o, --output <file>      Write to file instead of stdout
     --resolve <[+]host:port:addr[,addr]...> Resolve the host+port to this address
 -x, --proxy [protocol://]host[:port] Use this proxy
 -s, --silent             Silent mode
     --stderr <file>      Where to redirect stderr
     --trace <file>       Write a debug trace to FILE
     --url <url>          URL to work with
 -u, --user <user:password> Server user and password
 -v, --verbose            Make the operation more talkative
";

    pub(in crate::curl) fn known() -> Known {
        Known::of("curl 8.5.0 (x86_64-pc-linux-gnu)\n", HELP).unwrap()
    }

    pub(in crate::curl) fn read(line: &str) -> Result<Vec<Given>, Failure> {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        known().read(&words)
    }

    #[test]
    fn arguments_are_read_as_curl_reads_them() {
        let shown = |line: &str| {
            let each = read(line).unwrap().into_iter();
            let each = each.map(|given| match &given.value {
                Some(value) => format!("{}={value}", given.word()),
                None => given.word(),
            });
            each.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(shown("https://h/ -sLo x"), "--url=https://h/ --silent --location --output=x");
        assert_eq!(shown("-vofile --url https://h/"), "--verbose --output=file --url=https://h/");
        assert_eq!(shown("-d -o --data --url"), "--data=-o --data=--url");
        assert_eq!(shown("--no-location --buffer -N"), "--no-location --buffer --no-buffer");
        assert_eq!(shown("-s -- -o"), "--silent --url=-o");
        assert_eq!(shown("-x h:1"), "--proxy=h:1");
        for line in ["--outp x", "--output=x", "-sZ", "-", "-o", "--url", "--no-output x", "-s\u{e4}"] {
            assert_eq!(read(line).unwrap_err().code, 2, "{line}");
        }
    }

    #[test]
    fn what_does_not_tell_its_options_is_no_curl() {
        assert!(Known::of("wget 1.21", HELP).is_none());
        assert!(Known::of("curl 8.5.0", "").is_none());
        assert_eq!(known().version, (8, 5));
    }
}
