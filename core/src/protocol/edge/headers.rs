//! What the edge says about itself in headers.

use alloc::string::{String, ToString};

/// The `x-ms-proxy-*` headers, by which Microsoft's support finds a request.
///
/// They are in no public document; their names are seen in several unrelated programs. An answer without any of them
/// has not come through application proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EdgeHeaders {
    /// The application id of the published app (`app-id`).
    pub app_id: Option<String>,
    /// The tenant's id (`subscription-id`).
    pub tenant_id: Option<String>,
    /// The connector group's id (`group-id`).
    pub connector_group_id: Option<String>,
    /// The connector that passed the request on (`connector-id`): none where the cloud service alone has answered.
    pub connector_id: Option<String>,
    /// The request, for support (`transaction-id`).
    pub transaction_id: Option<String>,
    /// The service that has answered (`service-name`).
    pub service_name: Option<String>,
    /// Where it stands (`data-center`).
    pub data_center: Option<String>,
    /// A word on what went wrong (`error-details`), such as `BackendTimeOut`.
    pub error_details: Option<String>,
}

impl EdgeHeaders {
    /// Reads the headers of an answer, as names and values. Others of the prefix are passed over.
    pub fn read(headers: &[(&str, &str)]) -> Self {
        let named = |name: &str| {
            let found = headers.iter().find(|(key, _)| {
                let prefix = key.get(..PREFIX.len());
                prefix.is_some_and(|prefix| prefix.eq_ignore_ascii_case(PREFIX))
                    && key[PREFIX.len()..].eq_ignore_ascii_case(name)
            });
            found.map(|(_, value)| value.trim().to_string()).filter(|value| !value.is_empty())
        };
        Self {
            app_id: named("app-id"),
            tenant_id: named("subscription-id"),
            connector_group_id: named("group-id"),
            connector_id: named("connector-id"),
            transaction_id: named("transaction-id"),
            service_name: named("service-name"),
            data_center: named("data-center"),
            error_details: named("error-details"),
        }
    }

    /// Whether any of them was there: the answer came through application proxy.
    pub fn is_present(&self) -> bool {
        *self != Self::default()
    }
}

const PREFIX: &str = "x-ms-proxy-";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edges_headers_are_read_and_others_passed_over() {
        let read = EdgeHeaders::read(&[
            ("X-MS-Proxy-Transaction-Id", " t "),
            ("x-ms-proxy-connector-id", ""),
            ("x-ms-proxy-of-tomorrow", "?"),
            ("x-ms-prox", "?"),
            ("é-ms-proxy-app-id", "?"),
        ]);
        assert_eq!(read, EdgeHeaders { transaction_id: Some("t".into()), ..EdgeHeaders::default() });
        assert!(read.is_present() && !EdgeHeaders::read(&[("server", "IIS"), ("x-ms-proxy-x", "y")]).is_present());
    }
}
