//! Thousands of worlds in which anything may happen: the rules hold all the same.

use entrada_core::cache::TokenCache;
use entrada_core::protocol::HttpAnswer;
use entrada_core::{AccountSelector, App, Error, Flow, Lock, Outcome, UiReason, Warning};
use serde_json::{Value, json};

use crate::support::*;

const SEEDS: u64 = 3000;

/// What a random authority may answer: mostly grants, and whatever else there is.
fn answers(rng: &mut Rng, app: &App, seed: u64) -> Vec<Reply> {
    let ada = |number: usize| Grant::of(&format!("access-{seed}-{number}")).to(&ADA).by(app);
    let user_code = json!({
        "device_code": "device-code-1", "user_code": "A", "verification_uri": "https://aka.ms/d",
        "expires_in": rng.below(200), "interval": rng.below(90),
    });
    let mut answers: Vec<Reply> = vec![
        ada(1).into(),
        ada(2).refresh(&format!("refresh-{seed}-2")).into(),
        ada(3).refresh(&format!("refresh-{seed}-3")).with("expires_in", rng.next()).into(),
        Grant::of(&format!("access-{seed}-4")).refresh(&format!("refresh-{seed}-4")).to(&BOB).into(),
        ada(5).claim("nonce", "another").into(),
        ada(6).with("scope", "api://other/scope").with("refresh_in", rng.below(4000)).into(),
        discovery().into(),
        discovery().into(),
        user_code.clone().into(),
        user_code.into(),
        error(400, "authorization_pending", "").into(),
        error(400, "slow_down", "").into(),
        error(400, "invalid_grant", "").into(),
        error(400, "invalid_grant", "bad_token").into(),
        error(400, "interaction_required", "basic_action").into(),
        error(500, "server_error", "").into(),
        html(200).into(),
        html(503).into(),
        error(429, "too_many_requests", "").into(),
        status(302).into(),
        json(200, &json!({ "access_token": 5 })).into(),
        json(200, &Value::Null).into(),
    ];
    // Some come cut off in the middle.
    let mut cut = ada(9).answer(None);
    cut.body.truncate(rng.below(cut.body.len()));
    answers.push(cut.into());
    let noise = HttpAnswer { status: 100 + rng.below(500) as u16, headers: Vec::new(), body: rng.bytes(30) };
    answers.push(noise.into());
    answers
}

fn cache(rng: &mut Rng, app: &App) -> Cached {
    let host = app.authority().environment();
    let realm = app.authority().tenant_name().unwrap_or_default();
    let mut cached = Cached::new().host(host).realm(realm);
    if !rng.once_in(8) {
        cached = cached.account(&ADA).refresh(&ADA, "refresh-ada");
    }
    if rng.once_in(2) {
        let more = json!({ "refresh_on": (NOW.as_secs() + rng.below(600) as u64 - 300).to_string() });
        cached = cached.access_with(&ADA, "access-ada", rng.below(1200) as i64 - 300, more);
    }
    if rng.once_in(4) {
        cached = cached.account(&BOB).refresh(&BOB, "refresh-bob");
    }
    cached.beside("Foreign", json!({ "kept": rng.below(100) }))
}

fn flow(rng: &mut Rng, app: &App) -> (Flow, entrada_core::Action, bool) {
    let who = if rng.once_in(2) { AccountSelector::Only } else { AccountSelector::Named(ADA.name.into()) };
    let request = request().account(who.clone()).force_refresh(rng.once_in(4));
    let (kind, (flow, action)) = match rng.below(9) {
        0..4 => (0, Flow::silent(app, &request)),
        4 | 5 => (1, Flow::interactive(app, &request, &sign_in().unasked(rng.once_in(2)))),
        6 => (2, Flow::device_code(app, &request, &sign_in().unasked(rng.once_in(2)))),
        7 => (4, Flow::import(app, TokenCache::from_bytes(cache(rng, app).bytes()).unwrap())),
        _ => (3, Flow::sign_out(app, Some(who).filter(|_| rng.once_in(2)))),
    };
    (flow, action, kind == 0)
}

fn refresh_tokens_of(bytes: Option<&[u8]>, user: &User) -> usize {
    let cached: Value = bytes.and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default();
    let entries = cached["RefreshToken"].as_object().into_iter().flatten();
    entries.filter(|(_, entry)| entry["home_account_id"] == user.id).count()
}

#[test]
fn whatever_happens_the_flow_ends_and_nothing_is_lost() {
    let (mut good, mut bad) = (0, 0);
    for seed in 0..SEEDS {
        let mut rng = Rng::new(seed);
        let app = if rng.once_in(3) { oidc() } else { entra() };
        let mut world = World::with(&cache(&mut rng, &app));
        let is_corrupt = rng.once_in(12);
        if is_corrupt {
            world.cache = Some(b"{\"AccessToken\":".to_vec());
        }
        let before = world.cache.clone().unwrap();
        let locks = [Lock::Held, Lock::Busy, Lock::Busy, Lock::Unsupported];
        world.locks.extend((0..rng.below(6)).map(|_| *rng.pick(&locks)));
        world.sign_in_locks.extend((0..rng.below(4)).map(|_| *rng.pick(&locks)));
        world.browser = match rng.below(6) {
            0 => Back::with("error=access_denied&state={state}"),
            1 => Back::with("code=code-1&state=other"),
            2 => Back::Fault(*rng.pick(&FAULTS)),
            3 => Back::Bare("code-2".into()),
            _ => Back::with("code=code-1&state={state}"),
        };
        // An authority that knows what it is asked for, or one that does not.
        let answers = answers(&mut rng, &app, seed);
        if rng.once_in(2) && app.authority().issuer().is_some() {
            world.answers(discovery());
        }
        let (flow, action, is_silent) = flow(&mut rng, &app);
        world.authority.extend((0..400).map(|_| rng.pick(&answers).clone()));
        world.chaos = [0, 4, 12][rng.below(3)];
        world.rng = rng;

        let ending = world.run((flow, action));
        let story = format!("seed {seed}: {} => {ending:?}", world.story());
        match &ending {
            Ok(_) => good += 1,
            Err(Error::Misuse(_)) => panic!("{story}"),
            Err(_) => bad += 1,
        }
        if is_silent {
            assert!(!world.story().contains("present"), "{story}");
        }
        // What is unreadable, or is called so, is kept as a whole.
        if is_corrupt {
            assert!(world.cache.as_ref() == Some(&before) || world.aside.contains(&before), "{story}");
        }
        if is_corrupt || world.aside.contains(&before) {
            continue;
        }
        let cached = world.cached();
        assert_eq!(cached["Foreign"], serde_json::from_slice::<Value>(&before).unwrap()["Foreign"], "{story}");
        for user in [&ADA, &BOB] {
            let signed_out = match &ending {
                Ok(Outcome::SignedOut { accounts, .. }) => {
                    accounts.iter().any(|account| account.home_account_id == user.id)
                }
                Err(Error::UiRequired(required)) => required.reason == UiReason::BadRefreshToken,
                // With a token that is good for a while yet, the refusal of the refresh token is no error.
                Ok(Outcome::Token(token)) => token.warnings.contains(&Warning::RefreshPostponed),
                _ => false,
            };
            let (had, has) = (refresh_tokens_of(Some(&before), user), refresh_tokens_of(world.cache.as_deref(), user));
            assert!(has >= had || signed_out, "{story}");
        }
    }
    assert!(good > 500 && bad > 500, "{good} went well, {bad} did not");
}
