//! The look of every page, and escaping.

/// Text for an element or for an attribute in double quotes.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// The frame of every page; `body` is HTML.
pub(crate) fn frame(title: &str, body: &str) -> String {
    format!(
        r#"<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="referrer" content="no-referrer"><title>{}</title><style>
body{{margin:0;min-height:100vh;display:grid;place-items:center;background:#eef1f5;color:#1b1b1b;font:15px/1.5 "Segoe UI",system-ui,sans-serif}}
main{{box-sizing:border-box;width:min(440px,94vw);padding:40px 44px;background:#fff;box-shadow:0 2px 8px #0002}}
h1{{margin:0 0 16px;font-size:24px;font-weight:600}}.brand{{margin:0 0 16px;color:#666;font-weight:600}}
input:not([type=hidden]){{box-sizing:border-box;width:100%;margin:6px 0 14px;padding:7px 2px;border:0;border-bottom:1px solid #666;font:inherit}}
button{{min-width:108px;padding:6px 14px;border:0;background:#0067b8;color:#fff;font:inherit;cursor:pointer}}
button.quiet{{background:#ccc;color:#000}}.row{{display:flex;flex-direction:row-reverse;gap:8px;margin-top:18px}}
.wrong{{color:#a80000}}small{{color:#555;overflow-wrap:anywhere}}
</style></head><body><main><p class="brand">entrada test authority</p><h1>{}</h1>
{body}
</main></body></html>
"#,
        escape(title),
        escape(title)
    )
}

/// A title and a sentence.
pub(crate) fn plain(title: &str, text: &str) -> String {
    frame(title, &format!("<p>{}</p>", escape(text)))
}
