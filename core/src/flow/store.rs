//! The last steps: set an unreadable cache aside, save, give the lock back, end.

use alloc::string::String;
use alloc::vec::Vec;

use super::context::{Context, Loaded, Standing};
use super::lock::Holding;
use super::refusal::{self, Note};
use super::{Step, misuse};
use crate::ask::Answer;
use crate::cache::{Filing, declined_scopes};
use crate::protocol::TokenAnswer;
use crate::{Account, Error, Fault, Guarded, Outcome, Port, Save, Secret, Token, TokenSource, UiReason, Warning};

/// What the authority granted, and to whom.
#[derive(Debug)]
pub(super) struct Granted {
    pub(super) answer: TokenAnswer,
    pub(super) source: TokenSource,
    /// What was refreshed; a sign-in tells its own account.
    pub(super) renewed: Option<Renewed>,
}

/// Whose token was refreshed, and what the sign-in had been granted where that is noted.
#[derive(Debug)]
pub(super) struct Renewed {
    pub(super) account: Account,
    pub(super) scopes: Vec<String>,
    /// The refresh token that was used.
    pub(super) used: Secret,
    /// The refusal of another one before it, if there was one.
    pub(super) refused: Option<Note>,
}

/// How far the storing is, and with what the flow ends after it.
#[derive(Debug)]
pub(super) struct State {
    stage: Stage,
    holding: Holding,
    result: Result<Outcome, Error>,
}

#[derive(Debug)]
enum Stage {
    SettingAside(Save),
    Saving,
    Noting,
    Unlocking,
}

/// Files what was granted into the cache that was just loaded, and ends with the token.
pub(super) fn begin(context: &mut Context, holding: Holding, mut loaded: Loaded, granted: Granted) -> Step {
    let Granted { answer, source, renewed } = granted;
    let has_left = |renewed: &Renewed| !loaded.cache.has_tokens(&context.app, &renewed.account.home_account_id);
    if loaded.standing == Standing::Known && renewed.as_ref().is_some_and(has_left) {
        // Whoever signed out during the refresh is not brought back.
        return end(context, holding, Err(Error::ui_required(UiReason::NoAccount)));
    }
    let known = renewed.as_ref().map(|renewed| renewed.account.home_account_id.as_str());
    let implied = match &renewed {
        Some(renewed) if !renewed.scopes.is_empty() => renewed.scopes.as_slice(),
        _ => &context.request.scopes,
    };
    let filing = Filing::of(&context.app, &answer, &context.request.scopes, implied, known);
    let is_sign_in = source == TokenSource::SignIn;
    loaded.cache_mut().store(&context.app, &filing, &answer, is_sign_in, context.now);
    if let (Some(renewed), None) = (&renewed, &answer.refresh_token) {
        loaded.cache_mut().date_refresh_token(&context.app, &renewed.used, context.now);
    }
    note_ending(context, &mut loaded, &filing, is_sign_in);
    if let Some(note) = renewed.as_ref().and_then(|renewed| renewed.refused.as_ref()) {
        note.write(loaded.cache_mut(), &context.app, context.now);
    }
    let declined = declined_scopes(&answer, &context.request.scopes);
    if !declined.is_empty() {
        context.warn(Warning::ScopesDeclined(declined));
    }
    let account = match renewed {
        Some(renewed) => renewed.account,
        None => loaded.cache.account(&context.app, &filing.home_account_id),
    };
    if !context.request.account.fits(&account) {
        let error = Error::OtherAccount { signed_in: account.name_to_choose_by().into() };
        return save(context, holding, loaded, Err(error));
    }
    if answer.expires_in < context.request.min_lifetime {
        context.warn(Warning::ShorterLived(answer.expires_in));
    }
    let token = Token {
        secret: answer.access_token,
        scopes: filing.scopes,
        expires_on: context.now + answer.expires_in,
        source,
        renewal_due: false,
        account: Some(account),
        warnings: Vec::new(),
    };
    save(context, holding, loaded, Ok(Outcome::Token(token.into())))
}

/// A refresh is counted, so that a loop of them can be told, and a sign-in that was answered ends the count of those that were not.
fn note_ending(context: &Context, loaded: &mut Loaded, filing: &Filing, is_sign_in: bool) {
    let cache = loaded.cache_mut();
    if is_sign_in {
        cache.note_answered(&refusal::sign_in_name(context));
        cache.note_signed_in(&refusal::client_name(context), context.now);
    } else {
        let name = refusal::request_name(context, &filing.home_account_id);
        cache.note_refreshed(&name, &filing.scopes, context.now);
    }
}

/// Saves the changed cache, where that may be done, and ends with the result.
pub(super) fn save(context: &mut Context, holding: Holding, loaded: Loaded, result: Result<Outcome, Error>) -> Step {
    let save = Save { bytes: loaded.cache.to_bytes() };
    match loaded.standing {
        Standing::Known => ask_save(context, holding, save, result),
        Standing::Corrupt => {
            let action = context.ask_set_aside();
            let stage = Stage::SettingAside(save);
            Step::Ask(super::State::Storing(State { stage, holding, result }), action)
        }
        Standing::Unread(fault) => unsaved(context, holding, fault, result),
    }
}

/// Saves the cache with something noted in it, and ends with the result. A note can only help: without one, all
/// is as if nothing were known.
pub(super) fn note(
    context: &mut Context,
    holding: Holding,
    mut loaded: Loaded,
    notes: &[Note],
    result: Result<Outcome, Error>,
) -> Step {
    if loaded.standing != Standing::Known {
        return end(context, holding, result);
    }
    for note in notes {
        note.write(loaded.cache_mut(), &context.app, context.now);
    }
    if notes.iter().any(Note::takes_a_token) {
        return save(context, holding, loaded, result);
    }
    let action = context.ask_save(Save { bytes: loaded.cache.to_bytes() });
    Step::Ask(super::State::Storing(State { stage: Stage::Noting, holding, result }), action)
}

/// Gives the lock back, where there is one, and ends.
pub(super) fn end(context: &mut Context, holding: Holding, result: Result<Outcome, Error>) -> Step {
    match holding {
        Holding::Nothing => Step::End(result),
        Holding::Lock => {
            let action = context.ask_unlock(Guarded::Cache);
            Step::Ask(super::State::Storing(State { stage: Stage::Unlocking, holding, result }), action)
        }
    }
}

pub(super) fn resume(context: &mut Context, state: State, answer: Result<Answer, Fault>) -> Step {
    let State { stage, holding, result } = state;
    match (stage, answer) {
        (Stage::SettingAside(save), Ok(Answer::SetAside(place))) => {
            context.warnings.retain(|warning| *warning != Warning::CacheCorrupt);
            context.warn(Warning::CacheSetAside(place));
            ask_save(context, holding, save, result)
        }
        (Stage::SettingAside(_) | Stage::Saving, Err(fault)) => unsaved(context, holding, fault, result),
        (Stage::Saving | Stage::Noting, Ok(Answer::Saved)) | (Stage::Noting, Err(_)) => end(context, holding, result),
        // That the lock could not be given back is the next one's trouble, and they have patience for it.
        (Stage::Unlocking, Ok(Answer::Unlocked) | Err(_)) => {
            context.holds_lock = false;
            Step::End(result)
        }
        _ => misuse(),
    }
}

fn ask_save(context: &mut Context, holding: Holding, save: Save, result: Result<Outcome, Error>) -> Step {
    let action = context.ask_save(save);
    Step::Ask(super::State::Storing(State { stage: Stage::Saving, holding, result }), action)
}

/// Where a token is the aim, a failed save is a warning; where the change itself is the aim, a failure.
fn unsaved(context: &mut Context, holding: Holding, fault: Fault, result: Result<Outcome, Error>) -> Step {
    let result = match result {
        Ok(Outcome::SignedOut { .. } | Outcome::Imported { .. }) => Err(Error::adapter(Port::Cache, fault)),
        other => {
            context.warn(Warning::CacheUnsaved(fault));
            other
        }
    };
    end(context, holding, result)
}
