//! What an administrator, an incident or time does to users and apps.

use crate::ledger::{Demand, Policy, Revocation};
use crate::proxy::table::{BackEnd, Condition, ProxyTable};
use crate::stage::Stage;
use serde_json::Value;

impl Stage {
    /// Every refresh token of the user so far is refused from now on.
    pub fn revoke_refresh_tokens(&self, upn: &str, why: Revocation) {
        for grant in self.realm.ledger().refresh_tokens.values_mut().filter(|g| g.who.upn == upn) {
            grant.revoked = Some(why);
        }
    }

    /// Conditional Access asks the user for a second factor at the proxied app: silent requests end in
    /// `interaction_required` AADSTS50076 with claims, a sign-in has one more page.
    pub fn require_mfa(&self, upn: &str, on: bool) {
        toggle(&mut self.realm.policy().mfa, upn, on);
    }

    /// The user is no longer assigned to the proxied app: AADSTS50105, and the proxy's page "Forbidden".
    pub fn unassign(&self, upn: &str) {
        toggle(&mut self.realm.policy().unassigned, upn, true);
    }

    /// Undoes [`Stage::unassign`].
    pub fn assign(&self, upn: &str) {
        toggle(&mut self.realm.policy().unassigned, upn, false);
    }

    /// Conditional Access blocks the user at the proxied app: AADSTS53003.
    pub fn block(&self, upn: &str, on: bool) {
        toggle(&mut self.realm.policy().blocked, upn, on);
    }

    /// Conditional Access blocks the device code flow, and refreshes of sessions that began with it: AADSTS53003.
    pub fn block_device_code(&self, on: bool) {
        self.realm.policy().device_code_blocked = on;
    }

    /// The user's consents are gone, and so is the administrator's: AADSTS65001.
    pub fn withdraw_consent(&self, upn: &str) {
        self.realm.policy().admin_consented = false;
        self.realm.ledger().consents.retain(|(user, ..)| user != upn);
    }

    /// An administrator consents for all users: no consent page.
    pub fn grant_admin_consent(&self) {
        self.realm.policy().admin_consented = true;
    }

    /// Users may not consent: AADSTS90094 where they would have to.
    pub fn require_admin_consent(&self, on: bool) {
        self.realm.policy().admin_consent_required = on;
    }

    /// The proxy answers 401 with a claims challenge until a token comes that was issued with these claims. A refresh
    /// that asks for them is enough.
    pub fn demand_claims(&self, claims: Value) {
        self.realm.policy().demanded = Some(Demand { claims, needs_sign_in: false });
    }

    /// As [`Stage::demand_claims`], but only a sign-in with these claims is enough: a refresh that asks for them ends in
    /// `interaction_required` with the claims.
    pub fn demand_claims_by_sign_in(&self, claims: Value) {
        self.realm.policy().demanded = Some(Demand { claims, needs_sign_in: true });
    }

    /// Ends a demand for claims.
    pub fn demand_no_claims(&self) {
        self.realm.policy().demanded = None;
    }

    /// Maintenance mode of the proxied app.
    pub fn maintenance(&self, on: bool) {
        self.realm.policy().maintenance = on;
    }

    /// The connector does not reach the app: 502.
    pub fn back_end_away(&self, on: bool) {
        self.back_end(if on { BackEnd::Away } else { BackEnd::Well });
    }

    /// How the app behind the proxy is from now on.
    pub fn back_end(&self, back_end: BackEnd) {
        self.realm.policy().back_end = back_end;
    }

    /// What the edge finds although the token is right, such as [`Condition::NoConnector`].
    pub fn incident(&self, condition: Option<Condition>) {
        self.realm.policy().incident = condition;
    }

    /// Conditional Access asks for a managed device at the proxied app: AADSTS53000.
    pub fn require_managed_device(&self, on: bool) {
        self.realm.policy().managed_device_required = on;
    }

    /// The registrations of all clients lack the permission for the proxied app: AADSTS650057.
    pub fn withhold_permission(&self, on: bool) {
        self.realm.policy().permission_missing = on;
    }

    /// Consents count for nothing at the token endpoint, whatever was clicked: AADSTS65001.
    pub fn withhold_consent(&self, on: bool) {
        self.realm.policy().consent_withheld = on;
    }

    /// No refresh token is taken from now on, those to come included.
    pub fn refuse_refresh(&self, why: Option<Revocation>) {
        self.realm.policy().refresh_refused = why;
    }

    /// Ends every browser session; refresh tokens live on.
    pub fn end_sessions(&self) {
        self.realm.ledger().sessions.clear();
    }

    /// Every lever back: nobody is blocked, unassigned or asked for more, nothing is down.
    pub fn all_clear(&self) {
        let mut policy = self.realm.policy();
        *policy = Policy { admin_consented: policy.admin_consented, ..Policy::default() };
    }

    /// Changes what the proxy does when.
    pub fn change_proxy_table(&self, change: impl FnOnce(&mut ProxyTable)) {
        change(&mut self.realm.table());
    }
}

fn toggle(set: &mut std::collections::HashSet<String>, upn: &str, on: bool) {
    if on {
        set.insert(upn.to_owned());
    } else {
        set.remove(upn);
    }
}
