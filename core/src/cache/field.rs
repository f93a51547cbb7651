//! The names that the schema gives: sections, and the text fields that lookups ask for.

/// The sections by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    AccessToken,
    RefreshToken,
    IdToken,
    Account,
    AppMetadata,
}

impl Section {
    pub(super) const ALL: [Self; 5] =
        [Self::AccessToken, Self::RefreshToken, Self::IdToken, Self::Account, Self::AppMetadata];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::AccessToken => "AccessToken",
            Self::RefreshToken => "RefreshToken",
            Self::IdToken => "IdToken",
            Self::Account => "Account",
            Self::AppMetadata => "AppMetadata",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|section| section.name() == name)
    }
}

/// The text fields that lookups ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    HomeAccountId,
    Environment,
    ClientId,
    Realm,
    Target,
    Secret,
    TokenType,
    LocalAccountId,
    Username,
    Name,
    AskedTenant,
}

impl Field {
    pub(super) const COUNT: usize = Self::AskedTenant as usize + 1;

    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "home_account_id" => Self::HomeAccountId,
            "environment" => Self::Environment,
            "client_id" => Self::ClientId,
            "realm" => Self::Realm,
            "target" => Self::Target,
            "secret" => Self::Secret,
            "token_type" => Self::TokenType,
            "local_account_id" => Self::LocalAccountId,
            "username" => Self::Username,
            "name" => Self::Name,
            ASKED_TENANT => Self::AskedTenant,
            _ => return None,
        })
    }
}

/// The field of our own that notes under which names a tenant was asked for.
pub(super) const ASKED_TENANT: &str = "entrada_tenant";
