//! The asynchronous client against the strict authority, the proxy and the app, scene by scene, on each runtime.
#![expect(clippy::unwrap_used, reason = "a proof ends where it fails")]

mod calls;
mod crowd;
mod dropped;
mod house;
mod threads;
mod tokens;

/// The scenes on a runtime, each a test of its own.
macro_rules! scenes_on {
    ($runtime:expr; $($scene:path as $name:ident,)+) => {
        $(
            #[test]
            fn $name() {
                let ground = $runtime;
                (ground.block_on)(Box::pin($scene(ground)));
            }
        )+
    };
}

macro_rules! all_scenes_on {
    ($runtime:expr) => {
        scenes_on! {
            $runtime;
            crate::tokens::sign_in_cache_refresh as a_token_comes_from_a_sign_in_then_the_cache_then_a_refresh,
            crate::tokens::user_code as a_sign_in_by_user_code,
            crate::tokens::accounts as accounts_are_told_exported_taken_over_and_leave,
            crate::tokens::chosen_sign_in as the_program_may_choose_how_to_sign_in,
            crate::tokens::renewal as a_token_that_is_due_is_given_at_once_and_renewed_once_behind,
            crate::tokens::renewal_in_the_call as without_a_background_the_call_itself_renews,
            crate::calls::page_and_challenge as a_page_of_the_app_and_a_claims_challenge_on_the_way,
            crate::calls::over_tls as everything_is_the_same_over_tls,
            crate::calls::discovered as an_app_is_reached_by_its_url_alone,
            crate::calls::unknown_scope as who_was_shown_that_a_scope_is_unknown_is_asked_for_one_more_alone,
            crate::calls::refused as a_refused_token_is_an_error_that_explains_itself,
            crate::calls::stream as a_stream_cannot_be_sent_twice_so_the_challenge_is_the_answer,
            crate::calls::redirect as redirects_are_followed_on_request_alone,
            crate::crowd::refresh as a_thousand_tasks_with_one_expired_token_refresh_it_once,
            crate::crowd::refresh_over_a_file as a_thousand_tasks_over_a_file_refresh_it_once,
            crate::crowd::refresh_over_a_cache_on_threads as a_thousand_tasks_over_a_cache_on_threads_refresh_it_once,
            crate::crowd::sign_in as tasks_that_need_a_sign_in_at_once_show_one,
            crate::dropped::refresh as a_refresh_that_is_dropped_gives_the_lock_back,
            crate::dropped::sign_in as a_sign_in_that_is_dropped_closes_its_port,
        }
    };
}

mod on_threads {
    all_scenes_on!(crate::threads::ground());
}

#[cfg(feature = "smol")]
mod on_smol {
    use std::sync::Arc;

    use entrada::smol::{Smol, SmolTransport};

    use crate::house::Ground;

    fn ground() -> Ground {
        Ground {
            block_on: |scene| smol::block_on(scene),
            transport: |ca| {
                let builder = SmolTransport::builder();
                Arc::new(if let Some(pem) = ca { builder.ca_pem(pem) } else { builder }.build().unwrap())
            },
            runtime: Arc::new(Smol),
        }
    }

    all_scenes_on!(ground());
}

#[cfg(feature = "reqwest")]
mod on_tokio {
    use std::sync::Arc;

    use entrada::reqwest::{ReqwestTransport, Tokio};

    use crate::house::Ground;

    fn ground() -> Ground {
        Ground {
            block_on: |scene| tokio::runtime::Runtime::new().unwrap().block_on(scene),
            transport: |ca| {
                let builder = ReqwestTransport::builder();
                Arc::new(if let Some(pem) = ca { builder.ca_pem(pem) } else { builder }.build().unwrap())
            },
            runtime: Arc::new(Tokio),
        }
    }

    all_scenes_on!(ground());
}

#[cfg(feature = "surf")]
mod on_async_std {
    use std::sync::Arc;

    use entrada::surf::{AsyncStd, SurfTransport};

    use crate::house::Ground;

    fn ground() -> Ground {
        Ground {
            block_on: |scene| async_std::task::block_on(scene),
            transport: |ca| {
                let builder = SurfTransport::builder();
                Arc::new(if let Some(pem) = ca { builder.ca_pem(pem) } else { builder }.build().unwrap())
            },
            runtime: Arc::new(AsyncStd),
        }
    }

    all_scenes_on!(ground());
}

#[test]
fn what_is_missing_is_named() {
    let error = entrada::AsyncClient::builder("id").tenant("contoso.example").build().unwrap_err();
    assert!(error.to_string().contains("no transport"), "{error}");
}

#[test]
fn the_futures_can_be_sent_to_another_thread() {
    fn assert_send<T: Send>(_: &T) {}
    let house = house::House::open(&threads::ground());
    let (client, request) = (&house.client, house.request());
    let sign_in = entrada::SignIn::new();
    assert_send(&client.token(&["a"]));
    assert_send(&client.silent_for(&request));
    assert_send(&client.sign_in(&request, &sign_in));
    assert_send(&client.sign_in_by_code(&request, &sign_in));
    assert_send(&client.get("https://app.example/", &["a"]));
    assert_send(&client.call(&request).follow(1).on_token(|_| ()).get("https://app.example/"));
    assert_send(&client.wait_for_renewals(std::time::Duration::ZERO));
    assert_send(&client.sign_out(None));
    assert_send(&client.import(b"{}"));
    assert_send(&client.export());
}
