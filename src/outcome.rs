//! What a flow of a kind ends with.

use entrada_core::{Account, Error, Outcome, Token, Warning};

pub(crate) fn token(outcome: Outcome) -> Result<Token, Error> {
    match outcome {
        Outcome::Token(token) => Ok(*token),
        _ => Err(Error::Misuse("a flow for a token ended with something else")),
    }
}

pub(crate) fn accounts(outcome: Outcome) -> Result<Vec<Account>, Error> {
    match outcome {
        Outcome::Accounts(accounts) => Ok(accounts),
        _ => Err(Error::Misuse("a flow for accounts ended with something else")),
    }
}

pub(crate) fn signed_out(outcome: Outcome) -> Result<(Vec<Account>, Vec<Warning>), Error> {
    match outcome {
        Outcome::SignedOut { accounts, warnings } => Ok((accounts, warnings)),
        _ => Err(Error::Misuse("a flow for signing out ended with something else")),
    }
}

pub(crate) fn imported(outcome: Outcome) -> Result<(usize, Vec<Warning>), Error> {
    match outcome {
        Outcome::Imported { entries, warnings } => Ok((entries, warnings)),
        _ => Err(Error::Misuse("a flow for an import ended with something else")),
    }
}
