//! Which tenant a path and a user mean (v2-protocols.md, "Endpoints").

use crate::aadsts::{Denial, Kind};
use crate::directory::{CONSUMERS, Client, Directory, Membership, User};

/// The first segment of an authority's path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tenancy {
    One(&'static str),
    /// `common` or `organizations`: the user's home tenant.
    Home,
    Consumers,
}

pub(crate) fn tenancy(directory: &Directory, segment: &str) -> Result<Tenancy, Denial> {
    if let Some(tenant) = directory.tenant(segment) {
        return Ok(Tenancy::One(tenant.id));
    }
    match segment {
        "common" | "organizations" => Ok(Tenancy::Home),
        "consumers" | CONSUMERS => Ok(Tenancy::Consumers),
        _ => Err(Denial::new(
            Kind::InvalidRequest,
            90002,
            format!(
                "Tenant '{segment}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant."
            ),
        )),
    }
}

/// Refuses a client where it may not be used.
pub(crate) fn admit_client(client: &Client, tenancy: Tenancy) -> Result<(), Denial> {
    match tenancy {
        Tenancy::Consumers => Err(Denial::new(
            Kind::InvalidRequest,
            9002332,
            format!(
                "Application '{}'({}) is configured for use by Azure Active Directory users only. Please do not use the /consumers endpoint to serve this request.",
                client.id, client.name
            ),
        )),
        Tenancy::Home if !client.multi_tenant => Err(Denial::new(
            Kind::InvalidRequest,
            50194,
            format!(
                "Application '{}'({}) is not configured as a multi-tenant application. Usage of the /common endpoint is not supported for such apps created after '10/15/2018'. Use a tenant-specific endpoint or configure the application to be multi-tenant.",
                client.id, client.name
            ),
        )),
        Tenancy::One(tenant) if !client.multi_tenant && tenant != crate::directory::CONTOSO => {
            Err(unknown_client(client.id, tenant))
        }
        _ => Ok(()),
    }
}

pub(crate) fn unknown_client(id: &str, tenant: &str) -> Denial {
    Denial::new(
        Kind::UnauthorizedClient,
        700016,
        format!(
            "Application with identifier '{id}' was not found in the directory '{tenant}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant."
        ),
    )
}

/// The tenant that issues for this user, and the user as that tenant knows them.
pub(crate) fn seat(directory: &Directory, tenancy: Tenancy, user: &User) -> Result<(&'static str, Membership), Denial> {
    let tenant = match tenancy {
        Tenancy::One(tenant) => tenant,
        _ => directory.tenant(&user.tenant_id).map_or(CONSUMERS, |t| t.id),
    };
    directory.membership(user, tenant).map(|m| (tenant, m)).ok_or_else(|| {
        let name = directory.tenant(tenant).map_or(tenant, |t| t.name);
        Denial::new(Kind::InvalidGrant, 50020, format!(
            "User account '{}' from identity provider 'https://sts.windows.net/{}/' does not exist in tenant '{name}' and cannot access the application in that tenant. The account needs to be added as an external user in the tenant first. Sign out and sign in again with a different Azure Active Directory user account.",
            user.upn, user.tenant_id
        ))
    })
}
