//! What a `scope` parameter asks for (scopes-oidc.md).

use crate::aadsts::{Denial, Kind};
use crate::directory::{Directory, GRAPH, Resource};

const RESERVED: [&str; 4] = ["openid", "profile", "offline_access", "email"];

/// The scopes of one request: reserved ones, and those of at most one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scopes {
    /// Reserved scopes in the order of the request.
    pub(crate) reserved: Vec<String>,
    /// The resource, verbatim: everything before the last `/`. Microsoft Graph where there is no prefix.
    pub(crate) resource: String,
    /// What follows the last `/`.
    pub(crate) names: Vec<String>,
}

impl Scopes {
    /// Splits without judging names. `multiple` is the code for more than one resource, which differs by endpoint.
    pub(crate) fn parse(text: &str, multiple: u32) -> Result<Self, Denial> {
        let mut scopes = Self { reserved: Vec::new(), resource: String::new(), names: Vec::new() };
        for word in text.split_whitespace() {
            if RESERVED.contains(&word) {
                scopes.reserved.push(word.to_owned());
                continue;
            }
            let (resource, name) = match word.rfind('/') {
                Some(at) => (&word[..at], &word[at + 1..]),
                None => ("https://graph.microsoft.com", word),
            };
            if name.is_empty() || resource.is_empty() {
                return Err(invalid_scope(text));
            }
            if scopes.names.is_empty() {
                scopes.resource = resource.to_owned();
            } else if scopes.resource != resource {
                return Err(Denial::new(
                    Kind::InvalidRequest,
                    multiple,
                    format!(
                        "Provided value for the input parameter scope is not valid because it contains more than one resource. Scope {text} is not valid."
                    ),
                ));
            }
            scopes.names.push(name.to_owned());
        }
        if scopes.names.is_empty() {
            if scopes.reserved.is_empty() {
                return Err(invalid_scope(text));
            }
            scopes.resource = GRAPH.to_owned();
        }
        if scopes.names.iter().any(|n| n == ".default") && scopes.names.len() > 1 {
            return Err(Denial::new(
                Kind::InvalidScope,
                70011,
                format!(
                    "The provided value for the input parameter 'scope' is not valid. The scope {text} is not valid. .default scope can't be combined with resource-specific scopes."
                ),
            ));
        }
        Ok(scopes)
    }

    pub(crate) fn has(&self, reserved: &str) -> bool {
        self.reserved.iter().any(|r| r == reserved)
    }

    /// The resource in the tenant's directory, and the scopes' canonical names.
    pub(crate) fn resolve<'d>(
        &self,
        directory: &'d Directory,
        tenant: &str,
    ) -> Result<(&'d Resource, Vec<&'static str>), Denial> {
        let Some(resource) = directory.resource(&self.resource, tenant) else {
            return Err(Denial::new(
                Kind::InvalidResource,
                500011,
                format!(
                    "The resource principal named {} was not found in the tenant named {tenant}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant.",
                    self.resource
                ),
            ));
        };
        let mut names = Vec::new();
        for asked in &self.names {
            if asked == ".default" {
                names.extend(&resource.scopes);
                continue;
            }
            match resource.scopes.iter().find(|s| s.eq_ignore_ascii_case(asked)) {
                Some(name) => names.push(*name),
                None => {
                    return Err(Denial::new(
                        Kind::InvalidClient,
                        650053,
                        format!(
                            "The application asked for scope '{asked}' that doesn't exist on the resource '{}'.",
                            resource.app_id
                        ),
                    ));
                }
            }
        }
        Ok((resource, names))
    }
}

fn invalid_scope(text: &str) -> Denial {
    Denial::new(
        Kind::InvalidScope,
        70011,
        format!(
            "The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid. The scope {text} is not valid."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resource_is_everything_before_the_last_slash() {
        let of = |s: &str| Scopes::parse(s, 28000).unwrap().resource;
        assert_eq!(of("https://h/user_impersonation"), "https://h");
        assert_eq!(of("https://h//user_impersonation openid"), "https://h/");
        assert_eq!(of("https://h/pozi/user_impersonation"), "https://h/pozi");
        assert_eq!(of("User.Read"), "https://graph.microsoft.com");
    }

    #[test]
    fn two_resources_are_one_too_many() {
        assert_eq!(Scopes::parse("https://a/x https://b/y", 28000).unwrap_err().code, 28000);
        assert_eq!(Scopes::parse("https://a/x https://a//x", 28000).unwrap_err().code, 28000);
    }
}
