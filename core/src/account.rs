//! Who is signed in.

use alloc::string::String;

use crate::UnixTime;

/// A user in the cache, as one tenant knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Account {
    /// The user across tenants: `{uid}.{utid}` at Entra, the subject elsewhere.
    pub home_account_id: String,
    /// The user in this tenant: the object id, or the subject.
    pub local_account_id: String,
    /// The name to show and to choose by, often an e-mail address; empty where the authority tells none.
    pub username: String,
    /// The full name, where the authority tells it.
    pub name: Option<String>,
    /// The authority's host, with its port where that is not the usual one.
    pub environment: String,
    /// The tenant that issued the account's tokens.
    pub realm: String,
    /// When the newest access token expires, where there is one.
    pub expires_on: Option<UnixTime>,
}

impl Account {
    /// What the user tells accounts apart by: the user name, or the id where there is none.
    pub fn name_to_choose_by(&self) -> &str {
        if self.username.is_empty() { &self.home_account_id } else { &self.username }
    }
}

/// Which account is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccountSelector {
    /// The only one there is; an error where there are several.
    #[default]
    Only,
    /// The one with this user name or home account id, without regard to case.
    Named(String),
}

impl AccountSelector {
    /// The name that was given; empty for the only one.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Only => "",
            Self::Named(name) => name,
        }
    }

    /// Whether an account is the one that is meant.
    pub fn fits(&self, account: &Account) -> bool {
        match self {
            Self::Only => true,
            Self::Named(name) => {
                account.username.eq_ignore_ascii_case(name) || account.home_account_id.eq_ignore_ascii_case(name)
            }
        }
    }
}
