//! The apps that the proxy publishes, and which of them a request is for.

use url::Url;

/// An app behind the proxy.
#[derive(Debug, Clone)]
pub(crate) struct Published {
    /// The proxy app's id.
    pub(crate) app_id: &'static str,
    pub(crate) name: &'static str,
    /// With a slash at the end.
    pub(crate) external_url: String,
    /// App ID URIs, as registered.
    pub(crate) identifiers: Vec<String>,
    /// Scheme, host and port, without a slash.
    origin: String,
    /// The path of the external URL, slashes at both ends.
    pub(crate) path: String,
}

impl Published {
    /// An app at `path`, which has slashes at both ends, with the external URL and `api://{app id}` as identifiers.
    pub(crate) fn new(app_id: &'static str, name: &'static str, origin: &str, path: &str) -> Self {
        let external_url = format!("{origin}{path}");
        let identifiers = vec![external_url.clone(), format!("api://{app_id}")];
        Self { app_id, name, external_url, identifiers, origin: origin.to_owned(), path: path.to_owned() }
    }

    /// The external URL of a request with this path and query.
    pub(crate) fn url_of(&self, target: &str) -> String {
        format!("{}{target}", self.origin)
    }

    /// True where `Host` is this app's, with or without the port of https.
    fn is_at(&self, host: &str) -> bool {
        let url = Url::parse(&self.origin).ok();
        let name = url.as_ref().and_then(Url::host_str).unwrap_or_default();
        host.strip_suffix(":443").unwrap_or(host).eq_ignore_ascii_case(name)
    }
}

/// The app with the longest path that a request's path begins with: "always matches the most granular path"
/// (application-proxy-configure-single-sign-on-with-headers.md). Hosts are told apart where they have names of their own.
pub(crate) fn wanted<'p>(
    published: impl IntoIterator<Item = &'p Published>,
    host: Option<&str>,
    path: &str,
) -> Option<&'p Published> {
    let here = published.into_iter().filter(|app| host.is_none_or(|host| app.is_at(host)));
    here.filter(|app| path.starts_with(&app.path)).max_by_key(|app| app.path.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_granular_path_wins_on_its_own_host() {
        let app = |id, host: &str, path| Published::new(id, "", &format!("https://{host}.example"), path);
        let apps = [app("hr", "a", "/hr/"), app("admin", "a", "/hr/admin/"), app("pay", "b", "/")];
        let wanted = |host, path| wanted(&apps, host, path).map(|app| app.app_id);
        assert_eq!(wanted(Some("a.example"), "/hr/api/me"), Some("hr"));
        assert_eq!(wanted(Some("a.example:443"), "/hr/admin/x"), Some("admin"));
        assert_eq!(wanted(Some("A.example"), "/hr/administration"), Some("hr"));
        assert_eq!(wanted(Some("a.example"), "/"), None);
        assert_eq!(wanted(Some("b.example"), "/hr/api/me"), Some("pay"));
        assert_eq!(wanted(Some("c.example"), "/hr/"), None);
        assert_eq!(wanted(None, "/hr/admin/"), Some("admin"));
    }
}
