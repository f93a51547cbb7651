//! Silent: the cache, then a refresh. The refresh itself runs under the lock.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use super::context::{Context, Loaded, Standing};
use super::interactive::check_id_token;
use super::lock::{self, Holding};
use super::refusal::Note;
use super::{AfterDiscovery, Step, misuse, refusal, store, with_endpoints};
use crate::ask::Answer;
use crate::cache::{Renewable, Snapshot, Wanted};
use crate::protocol::{Grant, HttpAnswer, read_token, token_query};
use crate::{
    Account, Error, Fault, Outcome, Port, ServerError, Token, TokenSource, UiReason, UnixTime, WaitReason, Warning,
};

/// An answer within this time leaves time for another before others lose patience.
const QUICK: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) enum State {
    /// The first look, without the lock.
    Loading,
    /// The same, to tell who is signed in.
    LoadingAccounts,
    /// The refresh is on its way.
    Refreshing(Box<Refresh>),
    /// The authority stumbled; the same is asked once more after this.
    Pausing(Box<Refresh>),
}

/// A refresh and what it stands on.
#[derive(Debug)]
pub(super) struct Refresh {
    account: Account,
    refresh_token: Renewable,
    holding: Holding,
    /// When it was asked for.
    asked_at: UnixTime,
    /// Whether this is the second try.
    is_retry: bool,
    /// Another refresh token that may do if this one is refused: libraries that share a cache leave several.
    other: Option<Renewable>,
    /// The refusal of the one before, where this is the other.
    refused: Option<Note>,
}

/// What the cache says to the request.
pub(super) enum Lookup {
    /// A token to be used at once.
    Hit(Box<Token>),
    /// None, or one that is due for renewal.
    Miss,
}

pub(super) fn begin(context: &mut Context) -> Step {
    let action = context.ask_load();
    Step::Ask(super::State::Silent(State::Loading), action)
}

pub(super) fn begin_accounts(context: &mut Context) -> Step {
    let action = context.ask_load();
    Step::Ask(super::State::Silent(State::LoadingAccounts), action)
}

pub(super) fn resume(context: &mut Context, state: State, answer: Result<Answer, Fault>) -> Step {
    match (state, answer) {
        (State::Loading, Ok(Answer::Loaded(snapshot))) => looked(context, Ok(snapshot)),
        (State::Loading, Err(fault)) => looked(context, Err(fault)),
        (State::LoadingAccounts, Ok(Answer::Loaded(snapshot))) => told(context, Ok(snapshot)),
        (State::LoadingAccounts, Err(fault)) => told(context, Err(fault)),
        (State::Refreshing(refresh), Ok(Answer::Http(answer))) => refreshed(context, *refresh, &answer),
        (State::Refreshing(refresh), Err(fault)) => {
            let error = Error::adapter(Port::Authority, fault);
            end_unrefreshed(context, refresh.holding, error)
        }
        (State::Pausing(refresh), Ok(Answer::Waited)) => ask(context, Refresh { is_retry: true, ..*refresh }),
        (State::Pausing(refresh), Err(fault)) => {
            let error = Error::adapter(Port::Authority, fault);
            end_unrefreshed(context, refresh.holding, error)
        }
        _ => misuse(),
    }
}

fn looked(context: &mut Context, snapshot: Result<Snapshot, Fault>) -> Step {
    let loaded = Loaded::read(context, snapshot);
    match look_up(context, &loaded) {
        Ok(Lookup::Hit(token)) => Step::End(Ok(Outcome::Token(token))),
        Ok(Lookup::Miss) => match refreshable(context, &loaded) {
            Ok((account, tokens)) => match refused_at_present(context, &loaded, &account, &tokens) {
                Some(error) => give_up(context, error),
                None => with_endpoints(context, AfterDiscovery::Refresh),
            },
            Err(error) => give_up(context, error),
        },
        Err(error) => Step::End(Err(error)),
    }
}

fn told(context: &mut Context, snapshot: Result<Snapshot, Fault>) -> Step {
    let loaded = Loaded::read(context, snapshot);
    match loaded.standing.fault() {
        None => Step::End(Ok(Outcome::Accounts(loaded.cache.accounts(&context.app)))),
        Some(fault) => Step::End(Err(Error::adapter(Port::Cache, fault))),
    }
}

/// Looks for a token that fits; one that is good but due for renewal is remembered.
pub(super) fn look_up(context: &mut Context, loaded: &Loaded) -> Result<Lookup, Error> {
    if loaded.standing == Standing::Known {
        // What an earlier look found may be signed out by now.
        context.aging = None;
    }
    let Some(account) = loaded.cache.select_account(&context.app, &context.request.account)? else {
        return Ok(Lookup::Miss);
    };
    let wanted =
        Wanted { app: &context.app, home_account_id: &account.home_account_id, scopes: &context.request.scopes };
    if let Some(found) = loaded.cache.access_token(&wanted, context.now)
        && !context.passes_over(found.cached_at)
    {
        let (lives_long_enough, is_good) = (context.lives_long_enough(&found), context.is_good(found.expires_on));
        let token = context.token(found, account);
        if lives_long_enough && (context.request.defers_renewal || !token.renewal_due) {
            return Ok(Lookup::Hit(token));
        }
        context.is_early = lives_long_enough;
        context.aging = is_good.then_some(token);
    }
    Ok(match last_of_a_loop(context, loaded)? {
        Some(token) => Lookup::Hit(token),
        None => Lookup::Miss,
    })
}

/// The last token, where the same is refreshed over and over: forced, or for more than the authority gives.
fn last_of_a_loop(context: &mut Context, loaded: &Loaded) -> Result<Option<Box<Token>>, Error> {
    let Some(account) = loaded.cache.select_account(&context.app, &context.request.account)? else { return Ok(None) };
    let name = refusal::request_name(context, &account.home_account_id);
    if context.request.claims.is_some() || !loaded.cache.is_looping(&name, context.now) {
        return Ok(None);
    }
    // What was asked for may be more than the authority gives: then the token is filed for less.
    let scopes = loaded.cache.brought(&name);
    let wanted = Wanted { app: &context.app, home_account_id: &account.home_account_id, scopes: &scopes };
    let found = loaded.cache.access_token(&wanted, context.now).filter(|found| context.is_alive(found));
    Ok(found.map(|found| {
        context.warn(Warning::RefreshedTooOften);
        context.token(found, account)
    }))
}

/// Whose refresh tokens can be used, and the tokens, best first: the newest that are not refused at present, then the
/// others.
fn refreshable(context: &Context, loaded: &Loaded) -> Result<(Account, Vec<Renewable>), Error> {
    let Some(account) = loaded.cache.select_account(&context.app, &context.request.account)? else {
        return Err(loaded.standing.nobody());
    };
    let mut tokens = loaded.cache.refresh_tokens(&context.app, &account.home_account_id);
    if tokens.is_empty() {
        return Err(Error::ui_required(UiReason::NoRefreshToken));
    }
    tokens.retain(|token| token.covers(&context.app, &context.request.scopes));
    if tokens.is_empty() {
        return Err(Error::ui_required(UiReason::ConsentRequired));
    }
    tokens.sort_by_cached_key(|token| refusal::in_force(context, loaded, &account, &token.secret).is_some());
    Ok((account, tokens))
}

/// The refusal that holds for all of them, if one does.
fn refused_at_present(context: &Context, loaded: &Loaded, account: &Account, tokens: &[Renewable]) -> Option<Error> {
    refusal::in_force(context, loaded, account, &tokens.first()?.secret)
}

/// Whether there was a sign-in just now, which whoever needs one may not have seen yet, and which can bring a token.
pub(super) fn has_fresh_sign_in(context: &Context, loaded: &Loaded) -> bool {
    loaded.cache.is_just_signed_in(&refusal::client_name(context), context.now)
        && refreshable(context, loaded)
            .is_ok_and(|(account, tokens)| refused_at_present(context, loaded, &account, &tokens).is_none())
}

/// Under the lock, with the cache just loaded again: refresh, unless somebody else has done so.
pub(super) fn locked(context: &mut Context, loaded: Loaded, holding: Holding) -> Step {
    match look_up(context, &loaded) {
        Ok(Lookup::Hit(token)) => return store::end(context, holding, Ok(Outcome::Token(token))),
        Ok(Lookup::Miss) => {}
        Err(error) => return store::end(context, holding, Err(error)),
    }
    let (account, tokens) = match refreshable(context, &loaded) {
        Ok(found) => found,
        Err(error) => return end_unrefreshed(context, holding, error),
    };
    if let Some(error) = refused_at_present(context, &loaded, &account, &tokens) {
        return end_unrefreshed(context, holding, error);
    }
    let mut tokens = tokens.into_iter();
    let Some(refresh_token) = tokens.next() else { return misuse() };
    let is_free = |token: &Renewable| refusal::in_force(context, &loaded, &account, &token.secret).is_none();
    let other = tokens.next().filter(is_free);
    let asked_at = context.now;
    ask(context, Refresh { account, refresh_token, other, refused: None, holding, asked_at, is_retry: false })
}

fn ask(context: &mut Context, refresh: Refresh) -> Step {
    let Some(endpoints) = &context.endpoints else { return misuse() };
    let query = token_query(
        &context.app,
        &endpoints.token,
        &Grant::RefreshToken {
            secret: &refresh.refresh_token.secret,
            granted: &refresh.refresh_token.scopes,
            account: &refresh.account.home_account_id,
        },
        &context.request.scopes,
        context.claims.as_deref(),
        context.request.correlation_id.as_deref(),
    );
    let action = context.ask_http(query);
    Step::Ask(super::State::Silent(State::Refreshing(Box::new(refresh))), action)
}

fn refreshed(context: &mut Context, refresh: Refresh, answer: &HttpAnswer) -> Step {
    let checked = read_token(answer).and_then(|answer| check_id_token(context, &answer, None).map(|()| answer));
    let answer = match checked {
        Ok(answer) => answer,
        Err(Error::Server(server)) => return turned_away(context, refresh, *server),
        Err(error) => return end_unrefreshed(context, refresh.holding, error),
    };
    let Refresh { account, refresh_token, holding, refused, .. } = refresh;
    let renewed = store::Renewed { account, scopes: refresh_token.scopes, used: refresh_token.secret, refused };
    let granted = store::Granted { answer, source: TokenSource::Refresh, renewed: Some(renewed) };
    lock::load_again(context, holding, lock::Work::Store(Box::new(granted)))
}

/// The authority said no, or was not itself.
fn turned_away(context: &mut Context, refresh: Refresh, server: ServerError) -> Step {
    // Whoever has a good token does not wait for a better one, and nobody for two slow answers under the lock.
    let was_quick = context.now.since(refresh.asked_at) <= QUICK;
    if refusal::may_try_again(&server) && was_quick && !refresh.is_retry && context.aging.is_none() {
        let action = context.ask_wait(refusal::PAUSE, WaitReason::Retry);
        return Step::Ask(super::State::Silent(State::Pausing(Box::new(refresh))), action);
    }
    let note = refusal::note_of(context, &refresh.account, &refresh.refresh_token.secret, &server);
    let error = refusal::refused(server);
    if let (Error::UiRequired(_), Some(other), true) = (&error, refresh.other, was_quick) {
        return ask(context, Refresh { refresh_token: other, other: None, refused: note, is_retry: true, ..refresh });
    }
    let holding = refresh.holding;
    let result = still_good(context, error);
    let notes: Vec<Note> = refresh.refused.into_iter().chain(note).collect();
    // Without the lock a mere note is not worth the risk of another's save.
    if notes.is_empty() || (holding == Holding::Nothing && !notes.iter().any(Note::takes_a_token)) {
        return store::end(context, holding, result);
    }
    lock::load_again(context, holding, lock::Work::Note(Box::new(lock::Noting { notes, result })))
}

/// Ends without a refresh: with the token that is still good, where the reason passes.
fn end_unrefreshed(context: &mut Context, holding: Holding, error: Error) -> Step {
    let result = still_good(context, error);
    store::end(context, holding, result)
}

/// The same, before there was a lock.
pub(super) fn give_up(context: &mut Context, error: Error) -> Step {
    Step::End(still_good(context, error))
}

fn still_good(context: &mut Context, error: Error) -> Result<Outcome, Error> {
    // A renewal that is not needed yet is in nobody's way, whatever it fails for.
    let is_early = context.is_early && !matches!(error, Error::Cancelled);
    let is_good = |token: &Token| context.is_good(token.expires_on) && (is_early || may_pass(&error));
    let aging = context.aging.as_deref().is_some_and(is_good).then(|| context.aging.take()).flatten();
    match aging {
        Some(token) => {
            context.warn(Warning::RefreshPostponed);
            Ok(Outcome::Token(token))
        }
        None => Err(error),
    }
}

/// Whether the next try may do better: the authority was not reached or not itself, or was not even asked,
/// because there is nothing to ask it with.
fn may_pass(error: &Error) -> bool {
    match error {
        Error::UiRequired(required) => required.server.is_none(),
        other => other.is_transient(),
    }
}
