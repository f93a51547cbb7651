//! What is noted beside the tokens, for all who share the cache: whom to leave alone, and for how long.
//!
//! It is a member of the cache's object that other libraries keep and do not read. No secret is in it:
//! what it is about goes by a hash, but for the published apps, which go by their URLs.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::entry::Text;
use super::{Member, TokenCache};
use crate::protocol::PublishedApp;
use crate::{Authority, ServerError, UnixTime};

/// The member's name.
const NOTES: &str = "Entrada";
/// The longest that an authority can keep us away, as in all of Microsoft's libraries.
const LONGEST: Duration = Duration::from_secs(3600);
/// So many refreshes of one token within [`LOOP_SPAN`] are a loop: Entra would stop it, too (AADSTS50196).
const LOOP_COUNT: usize = 10;
const LOOP_SPAN: Duration = Duration::from_secs(300);
/// After so many sign-ins without an answer, none is shown for [`REST`] unless the user asks for one.
const UNANSWERED: usize = 3;
const REST: Duration = Duration::from_secs(600);
/// Longer than from a look into the cache to the next one.
const FRESH: Duration = Duration::from_secs(60);

/// A refusal that still holds.
#[derive(Debug)]
pub(crate) struct Throttled {
    pub(crate) error: ServerError,
    /// Whether the authority itself named the time.
    pub(crate) is_wish: bool,
}

/// What a note is about: the same texts give the same name, and the name does not give the texts away.
pub(crate) fn name(about: &[&str]) -> String {
    let mut hash = Sha256::new();
    for text in about {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    }
    hash.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

impl TokenCache {
    /// The refusal that such a request met a short time ago, if it must not be sent again yet.
    pub(crate) fn throttled(&self, name: &str, now: UnixTime) -> Option<Throttled> {
        let notes = self.notes();
        let note = notes.get(Kind::Throttled.as_str())?.get(name)?;
        let until = time(note.get("until")?)?;
        // Farther ahead than anybody may keep us away: the clock was turned back.
        (now < until && until <= now + LONGEST).then(|| Throttled {
            error: refusal(note, until, now),
            is_wish: note.get("wish") == Some(&Value::Bool(true)),
        })
    }

    /// Notes a refusal, and for how long it holds.
    pub(crate) fn note_throttled(&mut self, name: &str, error: &ServerError, hold: Duration, now: UnixTime) {
        let until = now + hold.min(LONGEST);
        let note = json!({
            "until": until.to_string(),
            "wish": error.retry_after.is_some(),
            "error": error.error,
            "suberror": error.suberror,
            "description": error.description,
            "error_codes": error.error_codes,
            "correlation_id": error.correlation_id,
            "trace_id": error.trace_id,
            "claims": error.claims,
            "status": error.status,
        });
        self.note(Kind::Throttled, name, Some(note), |older| {
            older.get("until").and_then(time).is_some_and(|until| now < until)
        });
    }

    /// Whether that token has been refreshed so often of late that it can only be by mistake.
    pub(crate) fn is_looping(&self, name: &str, now: UnixTime) -> bool {
        self.times(Kind::Refreshed, name, now, LOOP_SPAN).len() >= LOOP_COUNT
    }

    /// Notes a refresh, and for which scopes the token is filed that it brought.
    pub(crate) fn note_refreshed(&mut self, name: &str, scopes: &[String], now: UnixTime) {
        self.note_time(Kind::Refreshed, name, now, LOOP_SPAN, LOOP_COUNT);
        let noted = self.notes();
        let still = noted.get(Kind::Refreshed.as_str()).and_then(Value::as_object).cloned().unwrap_or_default();
        self.note_each(Kind::Brought, name, Some(scopes.join(" ").into()), |name, _| still.contains_key(name));
    }

    /// For which scopes the token is filed that the last refresh of that name has brought.
    pub(crate) fn brought(&self, name: &str) -> Vec<String> {
        let notes = self.notes();
        let scopes = notes.get(Kind::Brought.as_str()).and_then(|noted| noted.get(name)?.as_str()).unwrap_or_default();
        scopes.split_whitespace().map(String::from).collect()
    }

    /// Whether somebody has insisted on that token so often of late, in vain, that it is no use.
    pub(crate) fn is_insisted_on(&self, name: &str, now: UnixTime) -> bool {
        self.times(Kind::Insisted, name, now, LOOP_SPAN).len() >= LOOP_COUNT
    }

    /// Notes that somebody has insisted in vain.
    pub(crate) fn note_insisted(&mut self, name: &str, now: UnixTime) {
        self.note_time(Kind::Insisted, name, now, LOOP_SPAN, LOOP_COUNT);
    }

    /// Whether there was a sign-in so short a time ago that whoever needs one may not have seen it yet.
    pub(crate) fn is_just_signed_in(&self, name: &str, now: UnixTime) -> bool {
        !self.times(Kind::SignedIn, name, now, FRESH).is_empty()
    }

    /// Notes a sign-in.
    pub(crate) fn note_signed_in(&mut self, name: &str, now: UnixTime) {
        self.note_time(Kind::SignedIn, name, now, FRESH, 1);
    }

    /// Whether so many sign-ins went unanswered that the user should be left alone.
    pub(crate) fn is_unanswered(&self, name: &str, now: UnixTime) -> bool {
        let times = self.times(Kind::Unanswered, name, now, LONGEST);
        times.len() >= UNANSWERED && times.last().is_some_and(|last| now < *last + REST)
    }

    /// Notes a sign-in that nobody has answered.
    pub(crate) fn note_unanswered(&mut self, name: &str, now: UnixTime) {
        self.note_time(Kind::Unanswered, name, now, LONGEST, UNANSWERED);
    }

    /// Forgets those.
    pub(crate) fn note_answered(&mut self, name: &str) {
        if self.notes().get(Kind::Unanswered.as_str()).is_some_and(|noted| noted.get(name).is_some()) {
            self.note(Kind::Unanswered, name, None, |_| true);
        }
    }

    /// What was learnt of the published app that a URL is of, at this authority, or at one of Microsoft's where none is named;
    /// the one with the longest path, where there are several.
    pub(crate) fn published_app(&self, url: &str, named: Option<&Authority>) -> Option<PublishedApp> {
        let notes = self.notes();
        let noted = notes.get(Kind::Published.as_str())?.as_object()?;
        let apps = noted.iter().filter_map(|(external_url, note)| {
            let text = |name: &str| note.get(name)?.as_str();
            PublishedApp::remembered(external_url, text("authority")?, text("app_id")?, text("scope")?, named)
        });
        apps.filter(|app| app.covers(url)).max_by_key(|app| app.external_url().len())
    }

    /// Notes a published app whose scope is known.
    pub(crate) fn note_published_app(&mut self, app: &PublishedApp) {
        let note = json!({ "authority": app.authority().url(), "app_id": app.app_id(), "scope": app.accepted_scope() });
        self.note(Kind::Published, app.external_url(), Some(note), |_| true);
    }

    fn notes(&self) -> Map<String, Value> {
        let member = self.members.iter().find_map(|member| match member {
            Member::Foreign { key, json } if key.get(&self.source) == NOTES => Some(json.get(&self.source)),
            _ => None,
        });
        member.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default()
    }

    /// The times of a note that lie no farther back than the span, oldest first.
    fn times(&self, kind: Kind, name: &str, now: UnixTime, span: Duration) -> Vec<UnixTime> {
        let notes = self.notes();
        let noted = notes.get(kind.as_str()).and_then(|noted| noted.get(name)?.as_array());
        let times = noted.into_iter().flatten().filter_map(time);
        times.filter(|at| *at <= now && now.since(*at) < span).collect()
    }

    fn note_time(&mut self, kind: Kind, name: &str, now: UnixTime, span: Duration, most: usize) {
        let mut times = self.times(kind, name, now, span);
        times.push(now);
        let newest: Vec<Value> =
            times[times.len().saturating_sub(most)..].iter().map(|at| at.to_string().into()).collect();
        let is_new = |at: &Value| time(at).is_some_and(|at| at <= now && now.since(at) < span);
        self.note(kind, name, Some(newest.into()), |older| {
            older.as_array().and_then(|times| times.last()).is_some_and(is_new)
        });
    }

    /// Writes one note, and drops those of its kind that are of no use any more.
    fn note(&mut self, kind: Kind, name: &str, note: Option<Value>, is_of_use: impl Fn(&Value) -> bool) {
        self.note_each(kind, name, note, |_, note| is_of_use(note));
    }

    fn note_each(&mut self, kind: Kind, name: &str, note: Option<Value>, is_of_use: impl Fn(&str, &Value) -> bool) {
        let mut notes = self.notes();
        let noted = notes.entry(kind.as_str()).or_insert_with(|| Value::Object(Map::new()));
        if !noted.is_object() {
            *noted = Value::Object(Map::new());
        }
        if let Value::Object(noted) = noted {
            noted.retain(|name, older| is_of_use(name, older));
            match note {
                Some(note) => noted.insert(name.into(), note),
                None => noted.remove(name),
            };
        }
        let is_empty = |noted: &Value| noted.as_object().is_some_and(Map::is_empty);
        notes.retain(|_, noted| !is_empty(noted));
        let source = alloc::sync::Arc::clone(&self.source);
        self.members.retain(|member| !matches!(member, Member::Foreign { key, .. } if key.get(&source) == NOTES));
        if !notes.is_empty() {
            let json = serde_json::to_string(&notes).unwrap_or_default();
            self.members.push(Member::Foreign { key: Text::written(NOTES), json: Text::written(json) });
        }
    }
}

/// What notes are kept of.
#[derive(Clone, Copy)]
enum Kind {
    Throttled,
    Refreshed,
    Brought,
    Insisted,
    Unanswered,
    SignedIn,
    Published,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::Refreshed => "refreshed",
            Self::Brought => "brought",
            Self::Insisted => "insisted",
            Self::SignedIn => "signed_in",
            Self::Published => "published",
            Self::Unanswered => "unanswered",
        }
    }
}

fn time(value: &Value) -> Option<UnixTime> {
    value.as_str()?.parse().ok().map(UnixTime::from_secs)
}

fn refusal(note: &Value, until: UnixTime, now: UnixTime) -> ServerError {
    let text = |name: &str| note.get(name).and_then(Value::as_str).map(ToString::to_string);
    let number = |value: &Value| value.as_u64().and_then(|number| u32::try_from(number).ok());
    ServerError {
        error: text("error").unwrap_or_default(),
        suberror: text("suberror"),
        description: text("description"),
        error_codes: note
            .get("error_codes")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(number)
            .collect(),
        correlation_id: text("correlation_id"),
        trace_id: text("trace_id"),
        claims: text("claims"),
        retry_after: Some(until.since(now)),
        status: note.get("status").and_then(number).and_then(|status| u16::try_from(status).ok()).unwrap_or_default(),
        is_repeated: true,
        by_user_code: false,
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

    fn after(seconds: u64) -> UnixTime {
        NOW + Duration::from_secs(seconds)
    }

    fn reread(cache: &TokenCache) -> TokenCache {
        TokenCache::from_bytes(cache.to_bytes()).unwrap()
    }

    #[test]
    fn a_refusal_holds_for_its_time_and_comes_back_as_it_was() {
        let mut cache = TokenCache::parse(br#"{"Other":1,"Entrada":{"of_tomorrow":{"a":1}}}"#).unwrap();
        let error = ServerError {
            error: "temporarily_unavailable".into(),
            error_codes: [90055].into(),
            correlation_id: Some("c".into()),
            status: 429,
            ..ServerError::default()
        };
        cache.note_throttled("a", &error, Duration::from_secs(60), NOW);
        cache.note_throttled("b", &error, Duration::from_secs(1_000_000), NOW);
        let cache = reread(&cache);
        let Throttled { error: again, is_wish } = cache.throttled("a", after(20)).unwrap();
        assert!(!is_wish);
        assert_eq!(again.retry_after, Some(Duration::from_secs(40)));
        assert_eq!((again.error.as_str(), again.status, again.is_repeated), ("temporarily_unavailable", 429, true));
        assert_eq!((again.error_codes.as_slice(), again.correlation_id.as_deref()), (&[90055][..], Some("c")));
        assert!(cache.throttled("a", after(60)).is_none() && cache.throttled("c", NOW).is_none());
        assert!(cache.throttled("b", after(3599)).is_some() && cache.throttled("b", after(3600)).is_none());
        assert!(cache.throttled("b", UnixTime::from_secs(5)).is_none(), "the clock was turned back");

        let mut later = cache.clone();
        later.note_throttled("d", &error, Duration::from_secs(60), after(4000));
        let text = String::from_utf8(later.to_bytes()).unwrap();
        assert!(text.contains(r#""Other":1"#) && text.contains(r#""of_tomorrow":{"a":1}"#), "{text}");
        assert!(!text.contains(r#""a":{"#) && text.contains(r#""d":{"#), "what has passed is dropped: {text}");
    }

    #[test]
    fn ten_refreshes_in_five_minutes_are_a_loop() {
        let mut cache = TokenCache::default();
        for number in 0..9 {
            cache.note_refreshed("a", &[String::from("x"), String::from("y")], after(number * 30));
        }
        assert!(!cache.is_looping("a", after(270)));
        cache.note_refreshed("a", &[String::from("z")], after(270));
        assert_eq!((cache.brought("a"), cache.brought("b")), (vec![String::from("z")], vec![]));
        let cache = reread(&cache);
        assert!(cache.is_looping("a", after(299)) && !cache.is_looping("b", after(299)));
        assert!(!cache.is_looping("a", after(300)), "the first one lies five minutes back");
    }

    #[test]
    fn after_three_unanswered_sign_ins_there_is_rest_until_one_is_answered() {
        let mut cache = TokenCache::default();
        for number in 0..3 {
            assert!(!cache.is_unanswered("a", after(number * 300)));
            cache.note_unanswered("a", after(number * 300));
        }
        let mut cache = reread(&cache);
        assert!(cache.is_unanswered("a", after(601)) && cache.is_unanswered("a", after(1199)));
        assert!(!cache.is_unanswered("a", after(1200)));
        cache.note_answered("a");
        assert!(!cache.is_unanswered("a", after(601)));
        assert_eq!(cache.to_bytes(), b"{}");
    }

    #[test]
    fn published_apps_are_found_by_the_longest_path_and_at_the_authority_that_is_named() {
        let learnt = |external: &str, authority: &str, scope: &str| {
            let authority = Authority::entra(authority).unwrap();
            PublishedApp::remembered(external, &authority.url(), "app", scope, Some(&authority)).unwrap()
        };
        let (microsoft, own) = (
            "https://login.microsoftonline.com/3c1f0a52-8d34-4b0e-9a57-5b1e6f2d7c01",
            "http://127.0.0.1:8080/contoso.example",
        );
        let mut cache = TokenCache::default();
        for app in [
            learnt("https://h.example/", microsoft, "root"),
            learnt("https://h.example/hr/", microsoft, "hr"),
            learnt("https://own.example/", own, "own"),
            learnt("https://many.example/", "https://login.microsoftonline.com/common", "many"),
        ] {
            cache.note_published_app(&app);
        }
        let cache = reread(&cache);
        let scope = |url: &str, named: Option<&str>| {
            let named = named.map(|url| Authority::entra(url).unwrap());
            Some(cache.published_app(url, named.as_ref())?.accepted_scope().unwrap().to_string())
        };
        assert_eq!(scope("https://h.example/hr/x", None).as_deref(), Some("hr"));
        assert_eq!(scope("https://h.example/hrx", Some(microsoft)).as_deref(), Some("root"));
        assert_eq!(scope("https://h.example/", Some("https://login.microsoftonline.com/other.example")), None);
        assert_eq!(scope("https://own.example/", Some(own)).as_deref(), Some("own"));
        assert_eq!(scope("https://own.example/", None), None, "what one user named holds for no other");
        assert_eq!(scope("https://many.example/", None), None, "a tenant is learnt by its id alone");
        assert_eq!(scope("https://h.example.evil/", None), None);
    }

    #[test]
    fn notes_of_no_known_shape_count_for_nothing() {
        for text in
            [r#"{"Entrada":7}"#, r#"{"Entrada":{"throttled":[],"refreshed":{"a":"x"},"unanswered":{"a":[1,"x"]}}}"#]
        {
            let mut cache = TokenCache::parse(text.as_bytes()).unwrap();
            assert!(
                cache.throttled("a", NOW).is_none() && !cache.is_looping("a", NOW) && !cache.is_unanswered("a", NOW)
            );
            cache.note_throttled("a", &ServerError::default(), Duration::from_secs(9), NOW);
            assert!(reread(&cache).throttled("a", NOW).is_some());
        }
    }
}
