//! `entrada login`, `logout` and `accounts`.

use std::collections::BTreeMap;
use std::process::ExitCode;

use entrada::words::clean;
use entrada::{Account, AccountSelector, Client, Error, Fault, PromptMode, ServerError, SignIn, Token};
use serde_json::json;

use crate::answer;
use crate::args::{Accounts, AccountsOutput, Login, Logout, Prompt, Store};
use crate::assemble::{self, Asking};
use crate::failure::{Failure, SIGN_IN_NEEDED, STORE};
use crate::notice::Notice;
use crate::settings::{Named, Settings};
use crate::setup::args::GRAPH_COMMAND_LINE_TOOLS;
use crate::sign_in::SignInChoice;
use crate::store;
use crate::target::{self, Target};

pub(crate) fn login(login: &Login, settings: &Settings, notice: Notice) -> Result<ExitCode, Failure> {
    if settings.no_input {
        let message = "a sign-in cannot be made without input".to_owned();
        return Err(Failure::new(SIGN_IN_NEEDED, "sign_in_needed", message)
            .with_remedy("leave --no-input out, and unset ENTRADA_NO_INPUT or no_input in the configuration"));
    }
    let (client, target) = target::client_anew(settings, notice)?;
    let sign_in = SignIn::new()
        .timeout(settings.sign_in_timeout)
        .prompt(login.prompt.map(PromptMode::from))
        .login_hint(login.login_hint.clone().or_else(|| settings.account.clone()));
    let choice = SignInChoice::new(settings, sign_in, notice);
    let token = sign_in_for(&target, &client, &choice, settings)?;
    notice.token(&token);
    match &token.account {
        Some(account) => notice.say(&format!("Signed in as {}.", shown(account))),
        None => notice.say("Signed in."),
    }
    // With the user signed in, it is soon known which scope the app's proxy accepts.
    if let Some(Err(failure)) = token.account.map(|account| target.settle_for(&account, &client, settings)) {
        notice.warn(&failure.message);
    }
    Ok(ExitCode::SUCCESS)
}

/// Signs in for the first of the app's scopes that the authority knows.
fn sign_in_for(target: &Target, client: &Client, choice: &SignInChoice, settings: &Settings) -> Result<Token, Failure> {
    let mut refused = None;
    for request in target.requests(settings)? {
        match choice.sign_in(client, &request) {
            Err(error) if error.server().is_some_and(ServerError::is_about_scope) => {
                refused.get_or_insert(error);
            }
            other => return Ok(other?),
        }
    }
    Err(refused.map_or_else(|| Failure::config("no scope is given".to_owned()), Failure::from))
}

impl From<Prompt> for PromptMode {
    fn from(prompt: Prompt) -> Self {
        match prompt {
            Prompt::SelectAccount => Self::SelectAccount,
            Prompt::Login => Self::Login,
            Prompt::Consent => Self::Consent,
            Prompt::None => Self::None,
        }
    }
}

pub(crate) fn logout(logout: &Logout, settings: &Settings, notice: Notice) -> Result<ExitCode, Failure> {
    let mut stores = clients(&store::each(settings), notice)?;
    if let Some(administrators) = of_setup(settings).filter(|_| logout.all) {
        stores.extend(clients(&store::each(&administrators), notice)?);
    }
    let account = (!logout.all).then(|| assemble::account(settings));
    if account == Some(AccountSelector::Only) {
        only_one(&stores)?;
    }
    let mut signed_out = 0;
    let mut failed = None;
    for client in &stores {
        match client.sign_out(account.clone()) {
            Ok((accounts, warnings)) => {
                for warning in warnings {
                    notice.warn(&warning.to_string());
                }
                for account in &accounts {
                    notice.say(&format!("Signed out {}.", shown(account)));
                }
                signed_out += accounts.len();
            }
            // What is in the other file is signed out all the same.
            Err(error) => failed = failed.or(Some(with_place(error, client))),
        }
    }
    match (failed, settings.account.as_ref().filter(|_| !logout.all)) {
        (Some(failure), _) => return Err(failure),
        (None, Some(name)) if signed_out == 0 => {
            return Err(Failure::config(format!("no account {name:?} is signed in here"))
                .with_remedy("see who is: entrada accounts"));
        }
        (None, None) if signed_out == 0 => notice.say("Nobody is signed in."),
        _ => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// `entrada setup` signs administrators in with another client, whose tokens are in the same place.
fn of_setup(settings: &Settings) -> Option<Settings> {
    let is_another = settings.client_id.as_deref() != Some(GRAPH_COMMAND_LINE_TOOLS);
    let is_entra = !matches!(settings.authority, Some(Named::Oidc(_)));
    let client_id = Some(GRAPH_COMMAND_LINE_TOOLS.to_owned());
    (is_another && is_entra).then(|| Settings { client_id, ..settings.clone() })
}

/// Where nobody says who is meant, one file must not have another account than the other.
fn only_one(stores: &[Client]) -> Result<(), Failure> {
    if stores.len() < 2 {
        return Ok(());
    }
    let accounts: Vec<Account> = stores.iter().filter_map(|client| client.accounts().ok()).flatten().collect();
    let users: BTreeMap<&str, &str> =
        accounts.iter().map(|account| (&*account.home_account_id, account.name_to_choose_by())).collect();
    if users.len() > 1 {
        let names = users.into_values().map(str::to_owned).collect();
        return Err(Error::AmbiguousAccount(names).into());
    }
    Ok(())
}

pub(crate) fn list(accounts: &Accounts, settings: &Settings, notice: Notice) -> Result<ExitCode, Failure> {
    let mut stores = store::each(settings);
    if let Some(hint) = store::out_of_reach(settings) {
        notice.warn(&hint);
        stores.retain(|settings| settings.store != Store::Keyring);
    }
    let mut found = Vec::new();
    for client in clients(&stores, notice)? {
        let accounts = client.accounts().map_err(|error| with_place(error, &client))?;
        found.extend(accounts.into_iter().map(|account| (account, client.cache_location())));
    }
    match accounts.output {
        AccountsOutput::Json => {
            let rows: Vec<_> = found.iter().map(|(account, store)| as_json(account, store)).collect();
            answer::print_line(&serde_json::Value::from(rows).to_string())?;
        }
        AccountsOutput::Table => answer::print(table(&found).as_bytes())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A client for each of the stores.
fn clients(stores: &[Settings], notice: Notice) -> Result<Vec<Client>, Failure> {
    stores.iter().map(|settings| assemble::client_of_all(settings, Asking::Allowed, notice)).collect()
}

/// A failure of the store says where that is, or where to go.
fn with_place(error: Error, client: &Client) -> Failure {
    let is_without_keyring = matches!(&error, Error::Adapter(failure) if failure.fault == Fault::NotFound);
    let failure = Failure::from(error);
    let place = client.cache_location();
    if failure.code != STORE {
        failure
    } else if is_without_keyring {
        failure.with_remedy(format!(
            "run it again where its keyring is, such as on the desktop; the tokens in {place} stay"
        ))
    } else {
        failure.with_remedy(format!("look at {place}, or give another file with --cache"))
    }
}

fn as_json(account: &Account, store: &str) -> serde_json::Value {
    json!({
        "username": account.username,
        "name": account.name,
        "home_account_id": account.home_account_id,
        "tenant": account.realm,
        "environment": account.environment,
        "store": store,
        "expires_on": account.expires_on.map(|time| time.as_secs()),
    })
}

/// Columns as wide as their widest cell; nothing at all where nobody is signed in.
fn table(accounts: &[(Account, String)]) -> String {
    if accounts.is_empty() {
        return String::new();
    }
    let now = entrada::UnixTime::now();
    let expiry = |account: &Account| match account.expires_on {
        Some(time) if time > now => format!("{} min", time.since(now).as_secs() / 60),
        Some(_) => "expired".to_owned(),
        None => "-".to_owned(),
    };
    let heading = ["USER", "TENANT", "STORE", "EXPIRES IN"].map(String::from);
    let rows: Vec<[String; 4]> = [heading]
        .into_iter()
        .chain(
            accounts
                .iter()
                .map(|(account, store)| [shown(account), clean(&account.realm), store.clone(), expiry(account)]),
        )
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths = [width(0), width(1), width(2)];
    rows.iter().fold(String::new(), |text, [user, tenant, store, expires]| {
        let [one, two, three] = widths;
        text + &format!("{user:one$}  {tenant:two$}  {store:three$}  {expires}\n")
    })
}

/// The name to show, without anything that could move a terminal's cursor.
fn shown(account: &Account) -> String {
    clean(account.name_to_choose_by())
}
