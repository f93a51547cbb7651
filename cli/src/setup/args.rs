//! The arguments of `entrada setup`.

use clap::{Args, Subcommand, ValueEnum, ValueHint};

#[derive(Debug, Args)]
pub(crate) struct Setup {
    #[command(subcommand)]
    pub(crate) step: Step,
    #[command(flatten)]
    pub(crate) how: How,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Step {
    /// Publish an app through application proxy
    ///
    /// Creates the proxy app, or finds it by --app, --name or --external-url, and brings it to what is asked for. What
    /// is there and right stays; what differs is shown and changed only with consent. Nothing is ever deleted.
    Publish(Publish),
    /// Register a native client: a registration of its own, beside the proxy app's
    ///
    /// Finds it by --client-id, from wherever that comes, or by --name, and creates it where it is not there.
    Register(Register),
    /// Let the native client ask for the published app: the permission, and the administrator's consent for all users
    Grant(Grant),
    /// Assign users or groups to the published app
    Assign(Assign),
    /// Tell what is there and what is missing
    Show(Show),
}

/// What goes for every step.
#[derive(Debug, Args)]
pub(crate) struct How {
    /// Print the requests that would be sent, and send none that changes anything
    #[arg(long, global = true, help_heading = "Setup")]
    pub(crate) dry_run: bool,
    /// Change what exists and differs without asking
    #[arg(short = 'y', long, global = true, help_heading = "Setup")]
    pub(crate) yes: bool,
    /// How to print the outcome
    #[arg(long, global = true, value_enum, default_value_t = SetupOutput::Text, help_heading = "Setup")]
    pub(crate) output: SetupOutput,
    /// Application (client) ID to sign the administrator in with: Microsoft Graph Command Line Tools
    #[arg(long, global = true, value_name = "ID", default_value = GRAPH_COMMAND_LINE_TOOLS, help_heading = "Setup")]
    pub(crate) admin_client_id: String,
    /// Another Microsoft Graph than the cloud's: https, or http on loopback; trusted as named
    #[arg(long, global = true, value_name = "URL", value_hint = ValueHint::Url, help_heading = "Setup")]
    pub(crate) graph: Option<String>,
}

/// Microsoft's own public client for Graph, which is in every tenant or can be had by consent.
pub(crate) const GRAPH_COMMAND_LINE_TOOLS: &str = "14d82eec-204b-4c2f-b7e8-296a70dab67e";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SetupOutput {
    /// A list for people
    Text,
    /// JSON
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct Publish {
    /// Display name, to create the proxy app with or to find it by
    #[arg(long, value_name = "NAME", required_unless_present = "app")]
    pub(crate) name: Option<String>,
    /// The proxy app that is there already, by its app id
    #[arg(long, value_name = "ID")]
    pub(crate) app: Option<String>,
    /// Where the connectors reach the app; with a slash at the end
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) internal_url: String,
    /// Where users reach it: the https URL of NAME-TENANT.msappproxy.net, or of a custom domain; with a slash at the end
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) external_url: String,
    /// Who may pass; entra if not said
    #[arg(long, value_enum)]
    pub(crate) pre_authentication: Option<PreAuthentication>,
    /// The app may take 180 seconds to answer, and not 85
    #[arg(long)]
    pub(crate) long_timeout: bool,
    /// Connector group by its name or id; created with --connector where it is not there
    #[arg(long, value_name = "GROUP")]
    pub(crate) connector_group: Option<String>,
    /// Connector to move into the group, by its machine's name or its id; may be repeated
    #[arg(long, value_name = "MACHINE", requires = "connector_group")]
    pub(crate) connector: Vec<String>,
    /// Region of a connector group that is empty
    #[arg(long, value_enum, requires = "connector_group")]
    pub(crate) region: Option<Region>,
    /// How the connectors sign in to the app itself
    #[arg(long, value_enum)]
    pub(crate) sso: Option<Sso>,
    /// The app's service principal name in Active Directory, such as HTTP/hr.corp.example
    #[arg(long, value_name = "SPN", required_if_eq("sso", "kerberos"))]
    pub(crate) spn: Option<String>,
    /// As whom Active Directory knows the user
    #[arg(long, value_enum, default_value_t = SsoIdentity::UserPrincipalName)]
    pub(crate) sso_identity: SsoIdentity,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PreAuthentication {
    /// Microsoft Entra ID
    Entra,
    /// Everybody: no token is asked for
    Passthrough,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Region {
    /// North America
    Nam,
    /// Europe
    Eur,
    /// Australia
    Aus,
    /// Asia
    Asia,
    /// India
    Ind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sso {
    /// Not at all
    None,
    /// By Kerberos constrained delegation
    Kerberos,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "camelCase")]
pub(crate) enum SsoIdentity {
    UserPrincipalName,
    OnPremisesUserPrincipalName,
    UserPrincipalUsername,
    OnPremisesUserPrincipalUsername,
    #[value(name = "onPremisesSAMAccountName")]
    OnPremisesSamAccountName,
}

#[derive(Debug, Args)]
pub(crate) struct Register {
    /// Display name, to create the registration with or to find it by
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Whose accounts may sign in; those of this tenant if not said
    #[arg(long, value_enum)]
    pub(crate) accounts: Option<Audience>,
    /// Redirect URI besides http://localhost, http://127.0.0.1 and the page for native clients; may be repeated
    #[arg(long, value_name = "URI")]
    pub(crate) redirect_uri: Vec<String>,
    /// Allow flows without a redirect URI, which the device code needs and nothing else here
    #[arg(long)]
    pub(crate) device_code: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Audience {
    /// Of this tenant
    Tenant,
    /// Of any organization
    Organizations,
    /// Of any organization, and personal ones
    Personal,
}

#[derive(Debug, Args)]
pub(crate) struct Grant {
    /// The published app: its app id, external URL or display name
    #[arg(long, value_name = "APP")]
    pub(crate) app: String,
    /// The native client by its display name, where no client id is given
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Assign {
    /// The published app: its app id, external URL or display name
    #[arg(long, value_name = "APP")]
    pub(crate) app: String,
    /// User by principal name or object id; may be repeated
    #[arg(long, value_name = "USER", required_unless_present = "group")]
    pub(crate) user: Vec<String>,
    /// Group by display name or object id; may be repeated
    #[arg(long, value_name = "GROUP")]
    pub(crate) group: Vec<String>,
    /// Role of the app to assign, where it has several for users
    #[arg(long, value_name = "ROLE")]
    pub(crate) role: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The published app: its app id, external URL or display name
    #[arg(long, value_name = "APP")]
    pub(crate) app: String,
    /// The native client by its display name, where no client id is given
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
}

impl Region {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Nam => "nam",
            Self::Eur => "eur",
            Self::Aus => "aus",
            Self::Asia => "asia",
            Self::Ind => "ind",
        }
    }
}

impl SsoIdentity {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::UserPrincipalName => "userPrincipalName",
            Self::OnPremisesUserPrincipalName => "onPremisesUserPrincipalName",
            Self::UserPrincipalUsername => "userPrincipalUsername",
            Self::OnPremisesUserPrincipalUsername => "onPremisesUserPrincipalUsername",
            Self::OnPremisesSamAccountName => "onPremisesSAMAccountName",
        }
    }
}

impl Audience {
    /// `signInAudience` (supported-accounts-validation).
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Tenant => "AzureADMyOrg",
            Self::Organizations => "AzureADMultipleOrgs",
            Self::Personal => "AzureADandPersonalMicrosoftAccount",
        }
    }
}
