//! What the user reads: durations, user codes, and text from outside made harmless.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use core::time::Duration;

/// Longer text from outside is cut: an authority's sentence is a few hundred characters.
const LONGEST: usize = 1000;

/// Text from outside, fit for a terminal or a page.
///
/// Control characters could move the cursor or colour what follows, and direction marks could reorder
/// it, so they go; white space of any kind becomes one space.
pub fn clean(text: &str) -> String {
    let visible = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|&c| !is_hidden(c));
    let mut cleaned = String::new();
    for (count, c) in visible.enumerate() {
        if count == LONGEST {
            cleaned.push('…');
            break;
        }
        if c != ' ' || !cleaned.ends_with(' ') {
            cleaned.push(c);
        }
    }
    cleaned.trim().to_owned()
}

fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// "5 minutes", "45 seconds": as exact as somebody who waits needs it.
pub fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (count, unit) = match seconds {
        0..120 => (seconds.max(1), "second"),
        120..7200 => (seconds / 60, "minute"),
        _ => (seconds / 3600, "hour"),
    };
    if count == 1 { format!("{count} {unit}") } else { format!("{count} {unit}s") }
}

/// The lines that ask for a user code to be entered.
pub fn user_code(
    code: &str,
    verification_uri: &str,
    verification_uri_complete: Option<&str>,
    message: Option<&str>,
    expires_in: Duration,
) -> String {
    let code = clean(code);
    let uri = clean(verification_uri);
    // The server's sentence is in the user's language, but it is of use only if it names the code.
    let sentence = message
        .map(clean)
        .filter(|message| message.contains(&code))
        .unwrap_or_else(|| format!("To sign in, open {uri} in a browser on any machine and enter the code {code}"));
    let mut text = format!("{sentence}\n");
    if let Some(complete) = verification_uri_complete {
        text.push_str(&format!("Or open this, where the code is already entered:\n{}\n", clean(complete)));
    }
    text.push_str(&format!("Waiting for it; the code is good for {}.\n", span(expires_in)));
    text
}

/// What the user reads while another's sign-in is awaited.
pub fn other_sign_in(expires_in: Duration) -> String {
    format!(
        "A sign-in of yours is under way already. Waiting up to {} for it, or for one that you make elsewhere.\n",
        span(expires_in)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_loses_what_a_terminal_would_obey() {
        assert_eq!(clean("a\u{1b}[31mb\u{7}c\u{9b}d\u{202e}e"), "a[31mbcde");
        assert_eq!(clean("  one\r\n\ttwo  "), "one two");
        assert_eq!(clean(&"x".repeat(5000)).chars().count(), LONGEST + 1);
    }

    #[test]
    fn spans_are_what_a_clock_would_say() {
        for (seconds, text) in
            [(0, "1 second"), (45, "45 seconds"), (119, "119 seconds"), (300, "5 minutes"), (7200, "2 hours")]
        {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn the_servers_sentence_is_used_where_it_names_the_code() {
        let at = "https://microsoft.com/devicelogin";
        let say = |message| user_code("ABCD", at, None, message, Duration::from_secs(900));
        assert!(say(Some("Öffnen Sie die Seite\n und geben Sie ABCD ein.")).starts_with("Öffnen Sie die Seite und"));
        assert!(say(Some("Hello.")).starts_with("To sign in, open https://microsoft.com/devicelogin in"));
        assert!(say(None).ends_with("the code is good for 15 minutes.\n"));
    }
}
