//! As much of HTML as the visitor needs: the first form of a page of ours.

/// A form and its controls.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) action: String,
    /// Name and value of inputs, in order.
    pub(crate) inputs: Vec<(String, String)>,
    /// Id, name and value of buttons, in order.
    pub(crate) buttons: Vec<(String, String, String)>,
}

/// The first form, if there is one.
pub(crate) fn first_form(page: &str) -> Option<Form> {
    let start = page.find("<form ")?;
    let page = &page[start..page[start..].find("</form>").map_or(page.len(), |end| start + end)];
    let mut form = Form::default();
    for tag in page.split('<').skip(1).filter_map(|t| t.split_once('>')).map(|(t, _)| t) {
        let get = |name| attribute(tag, name).unwrap_or_default();
        if tag.starts_with("form ") {
            form.action = get("action");
        } else if tag.starts_with("input ") {
            form.inputs.push((get("name"), get("value")));
        } else if tag.starts_with("button") {
            form.buttons.push((get("id"), get("name"), get("value")));
        }
    }
    Some(form)
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    let value = &tag[start..];
    Some(unescape(&value[..value.find('"')?]))
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_escaped_comes_back() {
        let nasty = r#"a"b<c>&amp;'d"#;
        let page = format!(
            r#"<form method="post" action="/x"><input name="n" value="{}"><button id="go">G</button></form>"#,
            crate::frame::escape(nasty)
        );
        let form = first_form(&page).unwrap();
        assert_eq!(form.inputs, [("n".to_owned(), nasty.to_owned())]);
        assert_eq!(form.buttons[0].0, "go");
    }
}
