//! What the user sees in the browser at the end.

use entrada_core::words::clean;

const STYLE: &str = include_str!("page.css");

/// The pages of one sign-in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pages {
    /// What the user signs in to.
    pub(crate) app_name: Option<String>,
    /// The embedding program's own page after a success.
    pub(crate) success: Option<String>,
    /// The same after a failure, with `{error}` and `{description}` to be filled.
    pub(crate) failure: Option<String>,
}

impl Pages {
    /// The authority has sent a code.
    pub(crate) fn success(&self) -> String {
        if let Some(page) = &self.success {
            return page.clone();
        }
        let title = match &self.app_name {
            Some(name) => format!("You are signed in to {}", escape(name)),
            None => "You are signed in".to_owned(),
        };
        let tick = r#"<path d="m14.5 24.5 7 7 13-15"/>"#;
        page("good", tick, &title, &format!("<p>You can close this page and return to {}.</p>", self.home()))
    }

    /// The authority has sent an error, in its own words.
    pub(crate) fn failure(&self, error: &str, description: &str) -> String {
        let (error, description) = (escape(error), escape(description));
        if let Some(page) = &self.failure {
            // Cut apart before it is filled: what comes from outside must not be taken for a place to fill.
            let fill = |part: &str| part.replace("{description}", &description);
            return page.split("{error}").map(fill).collect::<Vec<_>>().join(&error);
        }
        let cross = r#"<path d="m17 17 14 14m0-14-14 14"/>"#;
        let mut text = format!("<p>Return to {} to see what to do, or to try again.</p>", self.home());
        text.push_str(&format!("<div class=\"why\"><code>{error}</code>"));
        if !description.is_empty() {
            text.push_str(&format!("<p>{description}</p>"));
        }
        text.push_str("</div>");
        page("bad", cross, "The sign-in did not succeed", &text)
    }

    fn home(&self) -> String {
        self.app_name.as_deref().map_or_else(|| "your terminal".to_owned(), escape)
    }
}

fn page(mood: &str, mark: &str, title: &str, text: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"icon\" href=\"data:,\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main class=\"{mood}\">\n\
         <svg viewBox=\"0 0 48 48\" aria-hidden=\"true\"><circle cx=\"24\" cy=\"24\" r=\"22\"/>{mark}</svg>\n\
         <h1>{title}</h1>\n{text}\n</main>\n</body>\n</html>\n"
    )
}

/// Text from outside as text of a page, also within an attribute's quotes.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in clean(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_from_outside_stay_words() {
        let page = Pages::default().failure("<script>", "\"a\" & 'b'\r\n</p>\u{1b}[2J\u{202e}<img src=x>");
        assert!(page.contains("<code>&lt;script&gt;</code>"), "{page}");
        assert!(page.contains("<p>&quot;a&quot; &amp; &#39;b&#39; &lt;/p&gt;[2J&lt;img src=x&gt;</p>"), "{page}");
        let long = Pages::default().failure("e", &"<".repeat(100_000));
        assert!(long.len() < 8_000);
    }

    #[test]
    fn an_app_has_its_name_or_its_own_pages() {
        let named = Pages { app_name: Some("R&D".into()), ..Pages::default() };
        assert!(named.success().contains("<h1>You are signed in to R&amp;D</h1>"));
        assert!(Pages::default().success().contains("return to your terminal"));
        let own = Pages {
            success: Some("done".into()),
            failure: Some("<i>{error}</i>{description}{error}".into()),
            ..Pages::default()
        };
        assert_eq!(own.success(), "done");
        assert_eq!(own.failure("{description}", "{error}"), "<i>{description}</i>{error}{description}");
    }

    #[test]
    fn nothing_is_fetched_from_anywhere() {
        for page in [Pages::default().success(), Pages::default().failure("e", "d")] {
            for outside in ["http:", "https:", "<script", "@import", "url("] {
                assert!(!page.contains(outside), "{outside}");
            }
        }
    }
}
