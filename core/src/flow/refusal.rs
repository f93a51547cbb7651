//! What a refused refresh leads to: a sign-in, a second try, or leaving the authority alone for a while.
//!
//! As MSAL.NET does it (OAuth2/Throttling there), and for all who share the cache: what an authority refused
//! to one thread or process, the others do not ask again before its time.

use alloc::boxed::Box;
use alloc::string::String;
use core::time::Duration;

use super::context::{Context, Loaded};
use super::{Step, lock};
use crate::cache::{TokenCache, note_name};
use crate::error::UiRequired;
use crate::protocol::PublishedApp;
use crate::{Account, App, Error, Secret, ServerError, UiReason, UnixTime};

/// How long a busy or broken authority is left alone where it does not say.
const BUSY: Duration = Duration::from_secs(60);
/// How long the same refresh token is not tried again where the user has to be seen.
const UNSEEN: Duration = Duration::from_secs(120);
/// The pause before the one second try.
pub(super) const PAUSE: Duration = Duration::from_secs(1);

/// Something to be noted in the cache, for all who share it.
#[derive(Debug)]
pub(super) enum Note {
    /// A refusal that holds for a while, of a request on which somebody insisted, if so, and the refresh token that it
    /// made worthless.
    Refused {
        insisted: Option<String>,
        name: String,
        error: Box<ServerError>,
        hold: Duration,
        worthless: Option<Secret>,
    },
    /// A sign-in that nobody has answered.
    Unanswered { name: String },
    /// A published app whose scope is known.
    Published(Box<PublishedApp>),
}

impl Note {
    /// Whether more than a note is written.
    pub(super) fn takes_a_token(&self) -> bool {
        matches!(self, Self::Refused { worthless: Some(_), .. })
    }

    pub(super) fn write(&self, cache: &mut TokenCache, app: &App, now: UnixTime) {
        match self {
            Self::Refused { insisted, name, error, hold, worthless } => {
                if let Some(request) = insisted {
                    cache.note_insisted(request, now);
                }
                match worthless {
                    // What is gone needs no note.
                    Some(secret) => cache.forget_refresh_token(app, secret),
                    None => cache.note_throttled(name, error, *hold, now),
                }
            }
            Self::Unanswered { name } => cache.note_unanswered(name, now),
            Self::Published(published) => cache.note_published_app(published),
        }
    }
}

/// The end of a sign-in that the user has not answered, or with a no; counted where nobody had asked for it.
pub(super) fn in_vain(context: &mut Context, error: Error) -> Step {
    if !context.sign_in.unasked {
        return Step::End(Err(error));
    }
    let note = Note::Unanswered { name: sign_in_name(context) };
    lock::note(context, note, Err(error))
}

/// Whether the user said no.
pub(super) fn is_no(error: &Error) -> bool {
    error.server().is_some_and(|server| matches!(server.error.as_str(), "access_denied" | "authorization_declined"))
}

/// What a request for this user's token is called in notes.
pub(super) fn request_name(context: &Context, home_account_id: &str) -> String {
    let (app, request) = (&context.app, &context.request);
    let about = [app.client_id(), &app.authority().url(), home_account_id, &request.scopes.join(" ")];
    note_name(&[&about[..], &[context.claims.as_deref().unwrap_or_default()]].concat())
}

/// The same with a certain refresh token: a new one is not refused for the old one's sake.
fn attempt_name(context: &Context, account: &Account, refresh_token: &Secret) -> String {
    note_name(&[&request_name(context, &account.home_account_id), refresh_token.expose()])
}

/// What sign-ins of this kind are called in notes.
pub(super) fn sign_in_name(context: &Context) -> String {
    let app = &context.app;
    note_name(&["sign-in", app.client_id(), app.authority().environment(), context.request.account.name()])
}

/// What the sign-ins of this client are called in notes, whoever they are for.
pub(super) fn client_name(context: &Context) -> String {
    note_name(&["signed-in", context.app.client_id(), context.app.authority().environment()])
}

/// The refusal that still holds for this refresh, if one does.
///
/// Whoever insists passes over what the authority did not wish for by itself, a few times: the reason may be mended by
/// now.
pub(super) fn in_force(context: &Context, loaded: &Loaded, account: &Account, refresh_token: &Secret) -> Option<Error> {
    let request = request_name(context, &account.home_account_id);
    let may_insist = context.request.force_refresh && !loaded.cache.is_insisted_on(&request, context.now);
    let throttled = |name: &str| {
        let throttled = loaded.cache.throttled(name, context.now)?;
        (throttled.is_wish || !may_insist).then_some(throttled.error)
    };
    throttled(&request)
        .or_else(|| throttled(&attempt_name(context, account, refresh_token)))
        .map(refused)
        .or_else(|| repeated_demand(context, loaded, &request))
}

/// Claims that an app goes on demanding, whatever token it gets: the authority would call it a loop (AADSTS50196).
fn repeated_demand(context: &Context, loaded: &Loaded, request: &str) -> Option<Error> {
    (context.request.claims.is_some() && loaded.cache.is_looping(request, context.now)).then(|| {
        Error::Server(Box::new(ServerError {
            error: String::from("temporarily_unavailable"),
            description: Some(String::from(
                "the app demanded the same claims ten times within five minutes, which an authority takes for a loop",
            )),
            retry_after: Some(BUSY),
            status: 429,
            is_repeated: true,
            ..ServerError::default()
        }))
    })
}

/// The error that a refusal is: a sign-in needed, or the authority's own.
pub(super) fn refused(server: ServerError) -> Error {
    match ui_reason(&server) {
        Some(reason) => {
            let claims = server.claims.clone();
            Error::UiRequired(Box::new(UiRequired { reason, claims, server: Some(server), warnings: [].into() }))
        }
        None => Error::Server(Box::new(server)),
    }
}

/// Whether the same may be asked once more straight away: the authority stumbled, and named no time.
pub(super) fn may_try_again(server: &ServerError) -> bool {
    server.status >= 500 && server.retry_after.is_none()
}

/// What to note of a refusal; nothing where another try does no harm.
pub(super) fn note_of(
    context: &Context,
    account: &Account,
    refresh_token: &Secret,
    server: &ServerError,
) -> Option<Note> {
    let reason = ui_reason(server);
    let is_busy = server.status == 429 || server.status >= 500 || server.is_loop();
    let request = request_name(context, &account.home_account_id);
    let name = match reason {
        Some(_) => attempt_name(context, account, refresh_token),
        None => request.clone(),
    };
    let hold = match (server.retry_after, reason) {
        (Some(wish), _) => wish,
        (None, Some(_)) => UNSEEN,
        (None, None) if is_busy => BUSY,
        (None, None) => return None,
    };
    let worthless = (reason == Some(UiReason::BadRefreshToken)).then(|| refresh_token.clone());
    let mut error = Box::new(server.clone());
    error.trace(&context.request);
    let insisted = context.request.force_refresh.then_some(request);
    Some(Note::Refused { insisted, name, error, hold, worthless })
}

/// Whether a sign-in would help where a refresh was refused.
///
/// Decided as MSAL.NET decides: on `error` and `suberror`, never on words of the description, and on one number alone.
fn ui_reason(server: &ServerError) -> Option<UiReason> {
    if server.is_loop() {
        return None;
    }
    let suberror = server.suberror.as_deref();
    let refused = matches!(
        server.error.as_str(),
        "invalid_grant" | "interaction_required" | "login_required" | "consent_required"
    );
    if !refused || matches!(suberror, Some("client_mismatch" | "protection_policy_required")) {
        return None;
    }
    Some(match suberror {
        Some("basic_action") => UiReason::BasicAction,
        Some("additional_action") => UiReason::AdditionalAction,
        Some("message_only") => UiReason::MessageOnly,
        Some("consent_required") => UiReason::ConsentRequired,
        Some("user_password_expired") => UiReason::PasswordExpired,
        Some("bad_token" | "token_expired") => UiReason::BadRefreshToken,
        _ if server.error == "consent_required" => UiReason::ConsentRequired,
        _ if server.error != "invalid_grant" => UiReason::BasicAction,
        _ => UiReason::RefreshRefused,
    })
}
