//! What each of these programs is told.

use std::error::Error;

/// Whom to call, and as whom.
pub(crate) struct Place {
    /// The page of the app.
    pub(crate) url: String,
    pub(crate) scope: String,
    pub(crate) client_id: String,
    pub(crate) authority: entrada::Authority,
}

impl Place {
    /// `URL SCOPE CLIENT_ID AUTHORITY`, the last of them like `https://login.microsoftonline.com/contoso.example`.
    pub(crate) fn from_arguments() -> Result<Self, Box<dyn Error>> {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let [url, scope, client_id, authority] = &arguments[..] else {
            return Err("expected are: URL SCOPE CLIENT_ID AUTHORITY".into());
        };
        Ok(Self {
            url: url.clone(),
            scope: scope.clone(),
            client_id: client_id.clone(),
            authority: entrada::Authority::entra(authority)?,
        })
    }
}
