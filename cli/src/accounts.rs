//! `entrada login`, `logout` and `accounts`.

use std::process::ExitCode;

use entrada::words::clean;
use entrada::{Account, Client, Error, PromptMode, SignIn};
use serde_json::json;

use crate::answer;
use crate::args::{Accounts, AccountsOutput, Login, Logout, Prompt};
use crate::assemble::{self, Asking};
use crate::failure::{Failure, SIGN_IN_NEEDED, STORE};
use crate::notice::Notice;
use crate::settings::Settings;
use crate::sign_in::SignInChoice;

pub(crate) fn login(login: &Login, settings: &Settings, notice: Notice) -> Result<ExitCode, Failure> {
    if settings.no_input {
        let message = "a sign-in cannot be made without input".to_owned();
        return Err(Failure::new(SIGN_IN_NEEDED, "sign_in_needed", message)
            .with_remedy("leave --no-input out, and unset ENTRADA_NO_INPUT or no_input in the configuration"));
    }
    let client = assemble::client(settings, Asking::Wanted, notice)?;
    let request = assemble::token_request(settings)?;
    let sign_in = SignIn::new()
        .timeout(settings.sign_in_timeout)
        .prompt(login.prompt.map(PromptMode::from))
        .login_hint(login.login_hint.clone().or_else(|| settings.account.clone()));
    let token = SignInChoice::new(settings, sign_in, notice).sign_in(&client, &request)?;
    notice.token(&token);
    match &token.account {
        Some(account) => notice.say(&format!("Signed in as {}.", shown(account))),
        None => notice.say("Signed in."),
    }
    Ok(ExitCode::SUCCESS)
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
    let client = assemble::client(settings, Asking::Allowed, notice)?;
    let account = (!logout.all).then(|| assemble::account(settings));
    let (accounts, warnings) = client.sign_out(account).map_err(|error| with_place(error, &client))?;
    for warning in warnings {
        notice.warn(&warning.to_string());
    }
    match (accounts.as_slice(), settings.account.as_ref().filter(|_| !logout.all)) {
        ([], Some(name)) => {
            return Err(Failure::config(format!("no account {name:?} is signed in here"))
                .with_remedy("see who is: entrada accounts"));
        }
        ([], None) => notice.say("Nobody is signed in."),
        (accounts, _) => {
            for account in accounts {
                notice.say(&format!("Signed out {}.", shown(account)));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn list(accounts: &Accounts, settings: &Settings) -> Result<ExitCode, Failure> {
    let client = assemble::client(settings, Asking::Allowed, Notice::new(true, 0, crate::args::Color::Never))?;
    let found = client.accounts().map_err(|error| with_place(error, &client))?;
    let store = client.cache_location();
    match accounts.output {
        AccountsOutput::Json => {
            let rows: Vec<_> = found.iter().map(|account| as_json(account, &store)).collect();
            answer::print_line(&serde_json::Value::from(rows).to_string())?;
        }
        AccountsOutput::Table => answer::print(table(&found, &store).as_bytes())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A failure of the store says where that is.
fn with_place(error: Error, client: &Client) -> Failure {
    let failure = Failure::from(error);
    if failure.code == STORE {
        failure.with_remedy(format!("look at {}, or give another file with --cache", client.cache_location()))
    } else {
        failure
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
fn table(accounts: &[Account], store: &str) -> String {
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
            accounts.iter().map(|account| [shown(account), clean(&account.realm), store.to_owned(), expiry(account)]),
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
