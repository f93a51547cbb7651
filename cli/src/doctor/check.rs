//! A check, and what came of it.

use entrada::words::clean;

use crate::failure::Failure;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Ok,
    Warn,
    Fail,
    /// It could not be made, or has no meaning here.
    Skipped,
}

impl Status {
    pub(super) const ALL: [Self; 4] = [Self::Ok, Self::Warn, Self::Fail, Self::Skipped];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Skipped => "skipped",
        }
    }
}

/// What a check found. Text from outside may be in it: it is made harmless here.
#[derive(Clone, Debug)]
pub(super) struct Check {
    /// For scripts: it stays.
    pub(super) name: &'static str,
    pub(super) status: Status,
    /// A sentence.
    pub(super) finding: String,
    /// What to do about it, and who can.
    pub(super) remedy: Option<String>,
    /// Where more is said: a page of Microsoft's, or of ours.
    pub(super) documentation: &'static str,
    /// The exit code of `entrada get` for it; 0 for what is no failure.
    pub(super) code: u8,
}

impl Check {
    pub(super) fn ok(name: &'static str, finding: impl AsRef<str>) -> Self {
        Self::new(name, Status::Ok, finding.as_ref(), None, 0)
    }

    pub(super) fn skipped(name: &'static str, why: impl AsRef<str>) -> Self {
        Self::new(name, Status::Skipped, why.as_ref(), None, 0)
    }

    pub(super) fn warn(name: &'static str, finding: impl AsRef<str>, remedy: impl AsRef<str>) -> Self {
        Self::new(name, Status::Warn, finding.as_ref(), Some(remedy.as_ref()), 0)
    }

    pub(super) fn fail(name: &'static str, code: u8, finding: impl AsRef<str>, remedy: impl AsRef<str>) -> Self {
        Self::new(name, Status::Fail, finding.as_ref(), Some(remedy.as_ref()), code)
    }

    /// A failure of the command's, which knows its remedy; that one is for where it knows none.
    pub(super) fn failure(name: &'static str, failure: &Failure, remedy: &str) -> Self {
        let check = Self::fail(name, failure.code, &failure.message, failure.remedy.as_deref().unwrap_or(remedy));
        if failure.aadsts.is_some() { check.documented(ERROR_CODES) } else { check }
    }

    /// With another page than the check's own.
    pub(super) fn documented(mut self, page: &'static str) -> Self {
        self.documentation = page;
        self
    }

    fn new(name: &'static str, status: Status, finding: &str, remedy: Option<&str>, code: u8) -> Self {
        let remedy = remedy.map(clean).filter(|remedy| !remedy.is_empty());
        Self { name, status, finding: clean(finding), remedy, documentation: documentation(name), code }
    }
}

pub(super) const ERROR_CODES: &str = "https://learn.microsoft.com/entra/identity-platform/reference-error-codes";
pub(super) const TROUBLESHOOT: &str =
    "https://learn.microsoft.com/entra/identity/app-proxy/application-proxy-troubleshoot";
pub(super) const NATIVE_CLIENT: &str =
    "https://learn.microsoft.com/entra/identity/app-proxy/application-proxy-configure-native-client-application";
pub(super) const FAQ: &str = "https://learn.microsoft.com/entra/identity/app-proxy/application-proxy-faq";

/// The page on what a check is about.
fn documentation(name: &str) -> &'static str {
    match name {
        "name" | "tls" => "https://learn.microsoft.com/entra/identity/app-proxy/how-to-configure-custom-domain",
        "edge" => "https://learn.microsoft.com/entra/identity/app-proxy/application-proxy-security",
        "tenant" | "authority" => "https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud",
        "published-app" => FAQ,
        "client-id" => NATIVE_CLIENT,
        "redirect-uri" => "https://learn.microsoft.com/entra/identity-platform/reply-url",
        "scope" | "audience" => "https://learn.microsoft.com/entra/identity-platform/scopes-oidc",
        "permission" | "token-tenant" | "token-client" | "token-age" | "user" => {
            "https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference"
        }
        "token" => ERROR_CODES,
        "app" => TROUBLESHOOT,
        "configuration" => "docs/doctor.md#configuration",
        "store" => "docs/doctor.md#store",
        "lock" => "docs/doctor.md#lock",
        "browser" => "docs/doctor.md#browser",
        "proxy" => "docs/doctor.md#proxy",
        "connection" => "docs/doctor.md#connection",
        "clock" => "docs/doctor.md#clock",
        _ => "docs/doctor.md",
    }
}
