//! The middleware of a reqwest client.

use entrada::Error;
use entrada::ports::asynchronous::TokenProvider;
use entrada::reqwest::BearerMiddleware;
use reqwest::redirect::Policy;
use reqwest::{Body, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use serde_json::Value;

use crate::house::House;

fn calling(house: &House, tokens: impl TokenProvider + 'static, policy: Policy) -> ClientWithMiddleware {
    // reqwest's TLS comes without a provider here; whoever was first has installed one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().redirect(policy).build().unwrap();
    let bearer = BearerMiddleware::new(house.stage.external_url(), tokens).unwrap();
    ClientBuilder::new(client).with(bearer).build()
}

async fn json(response: Response) -> Value {
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}

fn of_entrada(error: reqwest_middleware::Error) -> Error {
    match error {
        reqwest_middleware::Error::Middleware(error) => error.downcast().unwrap(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bearer_is_put_on() {
    let house = House::open();
    let client = calling(&house, house.tokens(), Policy::none());
    let page = client.get(house.page("api/me")).header("authorization", "Bearer of-somebody-else");
    assert_eq!(json(page.send().await.unwrap()).await["name"], house.stage.ada().display_name);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demand_for_claims_is_answered_with_the_same_request() {
    let house = House::open();
    house.tokens().token(None).await.unwrap();
    house.demand_claims();
    let client = calling(&house, house.tokens(), Policy::none());
    let echo = client.post(house.page("echo")).header("x-kept", "1").body("sent twice");
    let echo = json(echo.send().await.unwrap()).await;
    assert_eq!((&echo["method"], &echo["body"]), (&"POST".into(), &"sent twice".into()));
    assert_eq!(echo["headers"]["x-kept"], "1");
    assert_eq!((house.refreshes(), house.asked()), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_sent_once_and_the_next_call_has_the_token() {
    let house = House::open();
    house.tokens().token(None).await.unwrap();
    house.demand_claims();
    let client = calling(&house, house.tokens(), Policy::none());
    let send = || {
        let body = Body::wrap(http_body_util::Full::new(bytes::Bytes::from_static(b"once")));
        client.post(house.page("echo")).body(body).send()
    };
    assert_eq!(send().await.unwrap().status(), 401);
    assert_eq!(house.refreshes(), 1);
    assert_eq!(send().await.unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_origin_gets_the_bearer() {
    let house = House::open();
    let client = calling(&house, house.tokens(), Policy::limited(5));
    let direct = json(client.get(house.elsewhere("echo")).send().await.unwrap()).await;
    assert_eq!(direct["authorization"]["present"], false);

    let to = house.page(&format!("redirect?to={}", house.elsewhere("echo")));
    let echo = json(client.get(to).send().await.unwrap()).await;
    assert_eq!(echo["authorization"]["present"], false);
    assert_eq!(house.asked(), 1);

    let here = json(client.get(house.page("redirect?to=/api/me")).send().await.unwrap()).await;
    assert_eq!(here["name"], house.stage.ada().display_name, "within the app it goes along");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_explained_also_where_the_client_has_followed_it() {
    let house = House::open();
    for policy in [Policy::none(), Policy::default()] {
        let client = calling(&house, house.tokens_for(house.stage.one_slash_scope()), policy);
        let error = of_entrada(client.get(house.page("api/me")).send().await.unwrap_err());
        assert!(matches!(&error, Error::ProxyRefused(_)), "{error}");
        assert!(error.to_string().contains(&house.stage.scope()), "{error}");
    }
}
