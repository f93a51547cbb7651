//! Microsoft's clouds, and the names that their sign-in hosts go by.

/// The clouds that Microsoft runs (identity-platform/authentication-national-cloud).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cloud {
    /// The public one.
    #[default]
    Public,
    /// Azure for US Government.
    UsGov,
    /// Azure China, operated by 21Vianet.
    China,
    /// Bleu, the French sovereign cloud.
    Bleu,
    /// Delos, the German sovereign cloud.
    Delos,
    /// The sovereign cloud of Singapore's government.
    GovSg,
}

impl Cloud {
    /// The sign-in host.
    pub const fn login_host(self) -> &'static str {
        match self {
            Self::Public => "login.microsoftonline.com",
            Self::UsGov => "login.microsoftonline.us",
            Self::China => "login.partner.microsoftonline.cn",
            Self::Bleu => "login.sovcloud-identity.fr",
            Self::Delos => "login.sovcloud-identity.de",
            Self::GovSg => "login.sovcloud-identity.sg",
        }
    }

    /// The cloud whose sign-in host an origin (scheme, host and port) is, by any name of it. Hosts of which we only
    /// know that Microsoft tests there are none.
    pub(crate) fn of_origin(origin: &str) -> Option<Self> {
        let host = origin.strip_prefix("https://")?;
        Self::ALL.into_iter().find(|cloud| match names_of(cloud.login_host()) {
            Some(names) => names.iter().any(|name| name.eq_ignore_ascii_case(host)),
            None => cloud.login_host().eq_ignore_ascii_case(host),
        })
    }

    const ALL: [Self; 6] = [Self::Public, Self::UsGov, Self::China, Self::Bleu, Self::Delos, Self::GovSg];
}

/// Hosts that are one and the same authority, as in MSAL's built-in table (KnownMetadataProvider). Those that
/// go by one name alone, such as `login.sovcloud-identity.fr` and `login-us.microsoftonline.com`, need no row.
const ALIASES: [&[&str]; 4] = [
    &["login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"],
    &["login.microsoftonline.us", "login.usgovcloudapi.net"],
    &["login.partner.microsoftonline.cn", "login.chinacloudapi.cn"],
    &["login.windows-ppe.net", "sts.windows-ppe.net", "login.microsoft-ppe.com"],
];

/// All the names of a host that Microsoft runs; `None` where we know of none.
pub(super) fn names_of(host: &str) -> Option<&'static [&'static str]> {
    ALIASES.into_iter().find(|names| names.iter().any(|name| name.eq_ignore_ascii_case(host)))
}
