//! What an app, or the proxy in front of it, says about its refusal: the first of it, fit for one line.

use std::time::Duration;

use entrada::ports::blocking::Body;
use entrada::words::clean;

/// How much of a body tells enough: error pages begin with their style.
pub(crate) const ENOUGH: usize = 64 * 1024;
/// How long a body may take that comes by and by, and may have no end.
const PATIENCE: Duration = Duration::from_secs(10);

/// The beginning of a body: as much as tells enough, of what comes within a while and before it breaks off.
///
/// How long to wait for one piece of it is the transport's.
pub(crate) fn beginning(mut body: Body) -> Vec<u8> {
    body.read_beginning(ENOUGH, PATIENCE)
}

/// The first of what is text; nothing where it is not.
pub(crate) fn excerpt(start: &[u8], content_type: &str) -> String {
    let text = start.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    if content_type.to_ascii_lowercase().starts_with("text/html") { clean(&shown(text)) } else { clean(text) }
}

/// What a page shows, about: without its head, its styles, its scripts and its tags.
fn shown(page: &str) -> String {
    let mut text = String::new();
    let mut hidden: Option<String> = None;
    let (before, rest) = page.split_once('<').unwrap_or((page, ""));
    text.push_str(before);
    for piece in rest.split('<') {
        let (tag, words) = piece.split_once('>').unwrap_or((piece, ""));
        let name = tag.split(|c: char| c.is_whitespace() || c == '>').next().unwrap_or_default().to_ascii_lowercase();
        match &hidden {
            Some(end) if *end == name => hidden = None,
            Some(_) => continue,
            None if matches!(name.as_str(), "head" | "style" | "script") => {
                hidden = Some(format!("/{name}"));
                continue;
            }
            None => {}
        }
        text.push(' ');
        text.push_str(words);
    }
    text.replace("&#39;", "'").replace("&quot;", "\"").replace("&nbsp;", " ").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_told_by_what_it_shows() {
        let page = "<!DOCTYPE html>\n<html><HEAD><title>T</title><style>a{b:c}</style></HEAD><body><h1>It can&#39;t be</h1>\
                    <script>if (1 < 2) {}</script><p class=\"x\">because</p></body></html>";
        assert_eq!(excerpt(page.as_bytes(), "text/HTML; charset=utf-8"), "It can't be because");
        assert_eq!(excerpt(&page.as_bytes()[..page.len() - 22], "text/html"), "It can't be bec");
        assert_eq!(excerpt(b"<a>", "application/xml"), "<a>");
        assert_eq!(excerpt(b"plain", "text/html"), "plain");
        assert_eq!(excerpt(&b"\xff\xfe"[..], ""), "");
    }
}
