//! Who and what the authority knows: tenants, users, applications and the resources that they ask for.

use crate::grown::Grown;
use crate::published::Published;

/// Microsoft Graph's application id, the resource of a scope without a prefix.
pub(crate) const GRAPH: &str = "00000003-0000-0000-c000-000000000000";
/// The tenant of personal accounts, behind `consumers`.
pub(crate) const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

pub(crate) const CONTOSO: &str = "3c1f0a52-8d34-4b0e-9a57-5b1e6f2d7c01";
pub(crate) const FABRIKAM: &str = "b7e4d9c8-2f60-4d3a-8c15-90a1e3f4b502";
pub(crate) const NATIVE_CLIENT: &str = "5f0d6c3a-71b2-4e8f-a9d4-2c6b8e1f3a03";
pub(crate) const WEB_CLIENT: &str = "c2a8e7d1-0b94-4f63-b5e2-7d9f1a4c6e04";
pub(crate) const OTHER_CLIENT: &str = "1d7b9e35-f8a4-4c60-92b3-6e0c4a8f2d09";
pub(crate) const PROXY_APP: &str = "e9b3f5a7-4c18-4d72-86f0-1a3c5e7b9d05";
/// A second app of the same host, at a more granular path.
pub(crate) const ADMIN_APP: &str = "94d6b1f8-3e07-4a25-bc61-d8f2a0e4c70a";
/// An app of another host.
pub(crate) const PAYROLL_APP: &str = "2b8f4d17-a96c-4e53-8d0b-7c1e5a3f960b";
pub(crate) const REPORTS_APP: &str = "7a4e2c90-d5b8-4136-9ef7-c8b6a4d2f006";

/// The client with which Microsoft's own tools manage a tenant.
const GRAPH_COMMAND_LINE_TOOLS: &str = "14d82eec-204b-4c2f-b7e8-296a70dab67e";
/// What Graph lets administrators do.
const ADMINISTRATION: [&str; 7] = [
    "Application.Read.All",
    "Application.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
    "DelegatedPermissionGrant.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "OnPremisesPublishingProfiles.ReadWrite.All",
];

/// A tenant.
#[derive(Debug, Clone)]
pub(crate) struct Tenant {
    pub(crate) id: &'static str,
    pub(crate) domain: &'static str,
    pub(crate) name: &'static str,
}

/// A user, in the tenant that the account comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The user principal name, which is also what is typed on the sign-in page.
    pub upn: String,
    /// The password, for the sign-in page.
    pub password: String,
    /// The display name, claim `name`.
    pub display_name: String,
    /// The object id in the home tenant: claim `oid`, and `uid` of `client_info`.
    pub object_id: String,
    /// The home tenant's id: `utid` of `client_info`.
    pub tenant_id: String,
}

/// A user seen from one tenant: a member or a guest.
#[derive(Debug, Clone)]
pub(crate) struct Membership {
    pub(crate) object_id: String,
    pub(crate) upn: String,
    pub(crate) guest: bool,
}

/// A registered client.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) public: bool,
    pub(crate) multi_tenant: bool,
    /// `isFallbackPublicClient`: flows without a redirect URI, such as the device code.
    pub(crate) fallback_public: bool,
    pub(crate) redirect_uris: Vec<String>,
    /// The redirect URIs are under *Single-page application*.
    pub(crate) spa: bool,
}

/// The platform under which redirect URIs are registered, which decides what kind of client it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Platform {
    /// *Mobile and desktop applications*: a public client.
    #[default]
    Native,
    /// *Web*: a confidential client, which a secret is asked of (AADSTS7000218).
    Web,
    /// *Single-page application*: a public client in a browser, AADSTS9002327 elsewhere.
    Spa,
}

/// What stands in the registration of the native client.
#[derive(Debug, Clone)]
pub(crate) struct Registration {
    pub(crate) redirect_uris: Vec<String>,
    pub(crate) platform: Platform,
    pub(crate) multi_tenant: bool,
    /// The published app's own registration is filled in like a native client's.
    pub(crate) single: bool,
}

/// An application that tokens are made for.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    pub(crate) app_id: String,
    pub(crate) name: String,
    /// App ID URIs, as registered.
    pub(crate) identifiers: Vec<String>,
    pub(crate) scopes: Vec<&'static str>,
    /// `requestedAccessTokenVersion`: 1 or 2.
    pub(crate) token_version: u8,
    pub(crate) assignment_required: bool,
    /// The tenants that have a service principal of it; empty means all.
    pub(crate) tenants: Vec<&'static str>,
}

impl Resource {
    /// True for the application id and for an App ID URI, a last slash more or less: the authority takes both forms
    /// and puts into `aud` what was asked for (scopes-oidc.md, "Trailing slash and .default").
    pub(crate) fn answers_to(&self, asked: &str) -> bool {
        let bare = |s: &str| s.strip_suffix('/').unwrap_or(s).to_owned();
        self.app_id.eq_ignore_ascii_case(asked) || self.identifiers.iter().any(|id| bare(id) == bare(asked))
    }
}

/// Who and what there is from the start, and what has grown since.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) tenants: Vec<Tenant>,
    pub(crate) users: Vec<User>,
    pub(crate) clients: Vec<Client>,
    pub(crate) resources: Vec<Resource>,
    /// What came through Microsoft Graph.
    pub(crate) grown: Grown,
}

impl Directory {
    /// `published` are the apps behind the proxy, `native` is the client.
    pub(crate) fn new(published: &[Published], native: Registration, token_version: u8) -> Self {
        let user = |upn: &str, password: &str, name: &str, object_id: &str, tenant: &str| User {
            upn: upn.to_owned(),
            password: password.to_owned(),
            display_name: name.to_owned(),
            object_id: object_id.to_owned(),
            tenant_id: tenant.to_owned(),
        };
        let tenants = vec![
            Tenant { id: CONTOSO, domain: "contoso.example", name: "Contoso" },
            Tenant { id: FABRIKAM, domain: "fabrikam.example", name: "Fabrikam" },
        ];
        let users = vec![
            user(
                "ada@contoso.example",
                "analytical engine",
                "Ada Lovelace",
                "0a1b2c3d-1111-4a6b-8c9d-0e1f2a3b4c11",
                CONTOSO,
            ),
            user(
                "bob@contoso.example",
                "builder's secret",
                "Bob Noyce",
                "0a1b2c3d-2222-4a6b-8c9d-0e1f2a3b4c12",
                CONTOSO,
            ),
            user(
                "eve@fabrikam.example",
                "over the fence",
                "Eve O'Neil <eve>",
                "0a1b2c3d-3333-4a6b-8c9d-0e1f2a3b4c13",
                FABRIKAM,
            ),
        ];
        let mut clients = vec![
            Client {
                id: OTHER_CLIENT,
                name: "Contoso desktop",
                public: true,
                multi_tenant: false,
                fallback_public: false,
                redirect_uris: vec!["http://localhost".to_owned()],
                spa: false,
            },
            Client {
                id: NATIVE_CLIENT,
                name: "entrada",
                public: native.platform != Platform::Web,
                multi_tenant: native.multi_tenant,
                fallback_public: native.platform == Platform::Native,
                redirect_uris: native.redirect_uris.clone(),
                spa: native.platform == Platform::Spa,
            },
            Client {
                id: WEB_CLIENT,
                name: "Contoso web portal",
                public: false,
                multi_tenant: false,
                fallback_public: false,
                redirect_uris: vec!["http://localhost".to_owned()],
                spa: false,
            },
        ];
        // Microsoft's own, in every tenant.
        clients.push(Client {
            id: GRAPH_COMMAND_LINE_TOOLS,
            name: "Microsoft Graph Command Line Tools",
            public: true,
            multi_tenant: true,
            fallback_public: true,
            redirect_uris: ["http://localhost", "https://login.microsoftonline.com/common/oauth2/nativeclient"]
                .map(str::to_owned)
                .to_vec(),
            spa: false,
        });
        // The platform registers a published app under Web, with its external URL as the reply URL.
        clients.extend(published.iter().map(|app| {
            let single = native.single && app.app_id == PROXY_APP;
            let more = native.redirect_uris.iter().filter(|_| single).cloned();
            Client {
                id: app.app_id,
                name: app.name,
                public: single,
                multi_tenant: false,
                fallback_public: single,
                redirect_uris: [app.external_url.clone()].into_iter().chain(more).collect(),
                spa: false,
            }
        }));
        let mut resources = vec![
            Resource {
                app_id: REPORTS_APP.to_owned(),
                name: "Contoso Reports".to_owned(),
                identifiers: vec![format!("api://{REPORTS_APP}")],
                scopes: vec!["Reports.Read", "Reports.Write"],
                token_version: 2,
                assignment_required: false,
                tenants: vec![CONTOSO, FABRIKAM],
            },
            Resource {
                app_id: GRAPH.to_owned(),
                name: "Microsoft Graph".to_owned(),
                identifiers: vec!["https://graph.microsoft.com".to_owned()],
                scopes: ["User.Read", "Mail.Read"].into_iter().chain(ADMINISTRATION).collect(),
                token_version: 1,
                assignment_required: false,
                tenants: Vec::new(),
            },
        ];
        resources.extend(published.iter().map(|app| Resource {
            app_id: app.app_id.to_owned(),
            name: app.name.to_owned(),
            identifiers: app.identifiers.clone(),
            scopes: vec!["user_impersonation"],
            token_version,
            assignment_required: true,
            tenants: vec![CONTOSO],
        }));
        Self { tenants, users, clients, resources, grown: Grown::default() }
    }

    /// Microsoft Graph is asked for by this URL, too.
    pub(crate) fn know_graph(&mut self, url: &str) {
        let graph = self.resources.iter_mut().find(|resource| resource.app_id == GRAPH);
        graph.into_iter().for_each(|graph| graph.identifiers.push(url.to_owned()));
    }

    pub(crate) fn tenant(&self, name: &str) -> Option<&Tenant> {
        self.tenants.iter().find(|t| t.id.eq_ignore_ascii_case(name) || t.domain.eq_ignore_ascii_case(name))
    }

    pub(crate) fn user(&self, upn: &str) -> Option<&User> {
        self.users.iter().find(|u| u.upn.eq_ignore_ascii_case(upn))
    }

    pub(crate) fn client(&self, id: &str) -> Option<&Client> {
        let is_it = |client: &&Client| client.id.eq_ignore_ascii_case(id);
        self.clients.iter().find(is_it).or_else(|| self.grown.clients().into_iter().find(is_it))
    }

    pub(crate) fn resource(&self, asked: &str, tenant: &str) -> Option<&Resource> {
        let is_it = |r: &&Resource| r.answers_to(asked) && (r.tenants.is_empty() || r.tenants.contains(&tenant));
        self.resources.iter().find(is_it).or_else(|| self.grown.resources().into_iter().find(is_it))
    }

    /// Ada is a guest in Fabrikam; nobody else is a guest anywhere.
    pub(crate) fn membership(&self, user: &User, tenant: &str) -> Option<Membership> {
        if user.tenant_id == tenant {
            return Some(Membership { object_id: user.object_id.clone(), upn: user.upn.clone(), guest: false });
        }
        (user.upn == "ada@contoso.example" && tenant == FABRIKAM).then(|| Membership {
            object_id: "0a1b2c3d-4444-4a6b-8c9d-0e1f2a3b4c14".to_owned(),
            upn: "ada_contoso.example#EXT#@fabrikam.example".to_owned(),
            guest: true,
        })
    }
}
