//! The sign-in in a browser: authorization code with PKCE, state and nonce.

use alloc::boxed::Box;
use alloc::vec;
use core::time::Duration;

use super::context::Context;
use super::lock::{self, Work};
use super::store::Granted;
use super::{Step, misuse, refusal};
use crate::ask::Answer;
use crate::protocol::{
    AuthorizationRequest, AuthorizationSecrets, Grant, HttpAnswer, ResponseMode, TokenAnswer, read_redirect,
    read_token, token_query,
};
use crate::{
    Action, Endpoints, Entropy, Error, Fault, Listen, Listening, Port, Prompt, Receive, Redirect, Secret, ServerError,
    TokenSource, WaitReason, Waiting,
};

#[derive(Debug)]
pub(super) enum State {
    Gathering,
    Opening(AuthorizationSecrets),
    Presenting(Attempt),
    Receiving(Attempt),
    Redeeming(Redeeming),
    Pausing(Redeeming),
}

/// One sign-in under way.
#[derive(Debug)]
pub(super) struct Attempt {
    secrets: AuthorizationSecrets,
    listening: Listening,
}

/// The user has signed in.
#[derive(Debug)]
pub(super) struct Redeeming {
    attempt: Attempt,
    code: Secret,
    is_retry: bool,
}

/// The longest that a code is kept for an authority that is busy: somebody sits there and waits, and is told nothing.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

pub(super) fn begin(context: &mut Context) -> Step {
    let query = Entropy { bytes: AuthorizationSecrets::BYTES };
    let action = Action::Entropy(context.ask(query, Answer::Entropy));
    Step::Ask(super::State::SigningIn(State::Gathering), action)
}

pub(super) fn resume(context: &mut Context, state: State, answer: Result<Answer, Fault>) -> Step {
    let next = match (state, answer) {
        (State::Gathering, Ok(Answer::Entropy(bytes))) => match AuthorizationSecrets::from_bytes(&bytes) {
            Some(secrets) => Ok(open(context, secrets)),
            None => Err(Error::adapter(Port::Entropy, Fault::Other)),
        },
        (State::Gathering, Err(fault)) => Err(Error::adapter(Port::Entropy, fault)),
        (State::Opening(secrets), Ok(Answer::Listening(listening))) => present(context, Attempt { secrets, listening }),
        (State::Presenting(attempt), Ok(Answer::Presented)) => Ok(receive(context, attempt)),
        (State::Receiving(attempt), Ok(Answer::Redirect(redirect))) => match received(context, attempt, redirect) {
            Err(error) if refusal::is_no(&error) => return refusal::in_vain(context, error),
            other => other,
        },
        (State::Receiving(_), Err(Fault::TimedOut)) => {
            return refusal::in_vain(context, Error::TimedOut(Waiting::SignIn));
        }
        (State::Redeeming(redeeming), Ok(Answer::Http(answer))) => redeemed(context, redeeming, &answer),
        (State::Pausing(redeeming), Ok(Answer::Waited)) => redeem(context, Redeeming { is_retry: true, ..redeeming }),
        (State::Opening(_) | State::Presenting(_) | State::Receiving(_), Err(fault)) => {
            Err(Error::adapter(Port::Browser, fault))
        }
        (State::Redeeming(_) | State::Pausing(_), Err(fault)) => Err(Error::adapter(Port::Authority, fault)),
        _ => return misuse(),
    };
    next.unwrap_or_else(|error| Step::End(Err(error)))
}

fn open(context: &mut Context, secrets: AuthorizationSecrets) -> Step {
    let posts = context.endpoints.as_ref().is_some_and(|endpoints| endpoints.form_post);
    let response_modes =
        if posts { vec![ResponseMode::FormPost, ResponseMode::Query] } else { vec![ResponseMode::Query] };
    let action = Action::Listen(context.ask(Listen { response_modes }, Answer::Listening));
    Step::Ask(super::State::SigningIn(State::Opening(secrets)), action)
}

fn present(context: &mut Context, attempt: Attempt) -> Result<Step, Error> {
    let url = AuthorizationRequest {
        app: &context.app,
        endpoints: endpoints(context)?,
        request: &context.request,
        sign_in: &context.sign_in,
        claims: context.claims.as_deref(),
        secrets: &attempt.secrets,
        redirect_uri: &attempt.listening.redirect_uri,
        response_mode: attempt.listening.response_mode,
    }
    .url()?;
    let prompt = Prompt::SignIn { url, expires_in: context.sign_in.timeout };
    let action = Action::Present(context.ask(prompt, |()| Answer::Presented));
    Ok(Step::Ask(super::State::SigningIn(State::Presenting(attempt)), action))
}

fn receive(context: &mut Context, attempt: Attempt) -> Step {
    let query = Receive { state: attempt.secrets.state.clone(), timeout: context.sign_in.timeout };
    let action = Action::Receive(context.ask(query, Answer::Redirect));
    Step::Ask(super::State::SigningIn(State::Receiving(attempt)), action)
}

fn received(context: &mut Context, attempt: Attempt, redirect: Redirect) -> Result<Step, Error> {
    let code: Secret = match redirect {
        Redirect::Parameters(parameters) => {
            read_redirect(&parameters, &attempt.secrets.state, context.app.authority(), endpoints(context)?)?
        }
        Redirect::BareCode(code) => code,
    };
    redeem(context, Redeeming { attempt, code, is_retry: false })
}

fn redeem(context: &mut Context, redeeming: Redeeming) -> Result<Step, Error> {
    let Redeeming { attempt, code, .. } = &redeeming;
    let endpoints = endpoints(context)?;
    let grant = Grant::Code {
        code,
        redirect_uri: &attempt.listening.redirect_uri,
        verifier: &attempt.secrets.verifier,
        login_hint: context.sign_in.login_hint.as_deref(),
    };
    let query = token_query(
        &context.app,
        &endpoints.token,
        &grant,
        &context.request.scopes,
        context.claims.as_deref(),
        context.request.correlation_id.as_deref(),
    );
    let action = context.ask_http(query);
    Ok(Step::Ask(super::State::SigningIn(State::Redeeming(redeeming)), action))
}

fn redeemed(context: &mut Context, redeeming: Redeeming, answer: &HttpAnswer) -> Result<Step, Error> {
    let read = read_token(answer);
    if let Err(Error::Server(server)) = &read
        && let Some(pause) = pause_after(server).filter(|_| !redeeming.is_retry)
    {
        let action = context.ask_wait(pause, WaitReason::Retry);
        return Ok(Step::Ask(super::State::SigningIn(State::Pausing(redeeming)), action));
    }
    let answer = read?;
    check_id_token(context, &answer, Some(&redeeming.attempt.secrets.nonce))?;
    let granted = Granted { answer, source: TokenSource::SignIn, renewed: None };
    Ok(lock::begin(context, Work::Store(Box::new(granted))))
}

/// How long until the same code is redeemed once more, where that may do: for no passing reason is the user to sign in
/// again. Whoever says that it is too busy has not looked at the code.
fn pause_after(server: &ServerError) -> Option<Duration> {
    let is_busy = server.status == 429 || server.status >= 500;
    match server.retry_after {
        Some(wish) => Some(wish).filter(|wish| is_busy && *wish <= LONGEST_PAUSE),
        None => refusal::may_try_again(server).then_some(refusal::PAUSE),
    }
}

/// The id token must be this client's, from this issuer, and of this sign-in (OpenID Connect Core 3.1.3.7).
pub(super) fn check_id_token(context: &Context, answer: &TokenAnswer, nonce: Option<&str>) -> Result<(), Error> {
    if answer.id_token.is_none() {
        return Ok(());
    }
    let Some(claims) = &answer.id_claims else {
        return Err(Error::protocol("the authority's id token cannot be read"));
    };
    if !claims.is_for(&context.app) {
        return Err(Error::protocol("the authority's id token is meant for another client"));
    }
    let authority = context.app.authority();
    let is_own = match claims.text("iss") {
        Some(issuer) => authority.can_be(issuer, claims.text("tid")),
        // Microsoft's token endpoints vouch for what they send; a generic one must sign with its name.
        None => authority.issuer().is_none(),
    };
    if !is_own {
        return Err(Error::protocol("the authority's id token names another issuer"));
    }
    if nonce.is_some_and(|nonce| claims.text("nonce") != Some(nonce)) {
        return Err(Error::protocol("the authority's id token belongs to another sign-in (its nonce differs)"));
    }
    Ok(())
}

fn endpoints(context: &Context) -> Result<&Endpoints, Error> {
    context.endpoints.as_ref().ok_or(Error::Misuse("the endpoints are not known yet"))
}
