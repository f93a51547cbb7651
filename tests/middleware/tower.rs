//! The layer over hyper's own client.

use bytes::Bytes;
use entrada::ports::asynchronous::TokenProvider;
use entrada::tower::{Bearer, BearerLayer, BoxError};
use entrada::{Error, ports};
use http::{Request, Response};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tower::{Service, ServiceBuilder, ServiceExt as _};
use tower_http::follow_redirect::FollowRedirectLayer;

use crate::house::House;

type Hyper = Client<HttpConnector, Full<Bytes>>;

fn layer(house: &House, tokens: impl TokenProvider + 'static) -> BearerLayer {
    BearerLayer::new(house.stage.external_url(), tokens).unwrap()
}

fn calling(house: &House, tokens: impl TokenProvider + 'static) -> Bearer<Hyper> {
    let hyper = Client::builder(TokioExecutor::new()).build_http();
    ServiceBuilder::new().layer(layer(house, tokens)).service(hyper)
}

async fn call<S, R>(service: S, request: http::request::Builder, body: &'static str) -> Result<(u16, Value), BoxError>
where
    S: Service<Request<Full<Bytes>>, Response = Response<R>>,
    S::Error: Into<BoxError>,
    R: http_body_util::BodyExt,
    R::Error: std::fmt::Debug,
{
    let request = request.body(Full::from(body)).unwrap();
    let (head, body) = service.oneshot(request).await.map_err(Into::into)?.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Ok((head.status.as_u16(), serde_json::from_slice(&body).unwrap_or_default()))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bearer_is_put_on() {
    let house = House::open();
    let page = Request::get(house.page("api/me")).header("authorization", "Bearer of-somebody-else");
    let (status, me) = call(calling(&house, house.tokens()), page, "").await.unwrap();
    assert_eq!((status, &me["name"]), (200, &house.stage.ada().display_name.as_str().into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demand_for_claims_is_answered_with_the_same_request() {
    let house = House::open();
    house.tokens().token(None).await.unwrap();
    house.demand_claims();
    let echo = Request::post(house.page("echo")).header("x-kept", "1");
    let (status, echo) = call(calling(&house, house.tokens()), echo, "sent twice").await.unwrap();
    assert_eq!((status, &echo["method"], &echo["body"]), (200, &"POST".into(), &"sent twice".into()));
    assert_eq!(echo["headers"]["x-kept"], "1");
    assert_eq!((house.refreshes(), house.asked()), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_demand_is_the_answer() {
    let house = House::open();
    let token = house.tokens().token(None).await.unwrap();
    house.demand_claims();
    // One who does not mind what is demanded.
    let stubborn = move |_claims| std::future::ready(Ok::<_, Error>(token.clone()));
    let (status, _) = call(calling(&house, stubborn), Request::get(house.page("api/me")), "").await.unwrap();
    assert_eq!((status, house.asked()), (401, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_cannot_be_cloned_is_sent_once_and_the_next_call_has_the_token() {
    let house = House::open();
    house.tokens().token(None).await.unwrap();
    house.demand_claims();
    let once = layer(&house, house.tokens()).clone_body_with(|_: &Full<Bytes>| None);
    let hyper: Hyper = Client::builder(TokioExecutor::new()).build_http();
    let client = ServiceBuilder::new().layer(once).service(hyper);
    let echo = || Request::post(house.page("echo"));
    assert_eq!(call(client.clone(), echo(), "once").await.unwrap().0, 401);
    assert_eq!(house.refreshes(), 1);
    assert_eq!(call(client, echo(), "once").await.unwrap().0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_origin_gets_the_bearer() {
    let house = House::open();
    let direct = Request::get(house.elsewhere("echo"));
    let (_, echo) = call(calling(&house, house.tokens()), direct, "").await.unwrap();
    assert_eq!(echo["authorization"]["present"], false);

    let client = ServiceBuilder::new().layer(FollowRedirectLayer::new()).service(calling(&house, house.tokens()));
    let to = house.page(&format!("redirect?to={}", house.elsewhere("echo")));
    let (status, echo) = call(client, Request::get(to), "").await.unwrap();
    assert_eq!((status, &echo["authorization"]["present"]), (200, &false.into()));
    assert_eq!(house.asked(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_token_is_explained() {
    let house = House::open();
    let wrong = house.tokens_for(house.stage.one_slash_scope());
    let error = call(calling(&house, wrong), Request::get(house.page("api/me")), "").await.unwrap_err();
    let error = error.downcast::<Error>().unwrap();
    assert!(matches!(&*error, Error::ProxyRefused(_)), "{error}");
    assert!(error.to_string().contains(&house.stage.scope()), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_sign_in_is_told_so() {
    let house = House::open();
    let silent = house.tokens().silent();
    let error = call(calling(&house, silent), Request::get(house.page("")), "").await.unwrap_err();
    assert!(error.downcast::<Error>().unwrap().needs_ui());
    assert_eq!(house.asked(), 0);
}

#[test]
fn an_app_without_https_gets_no_layer() {
    let nobody = |_claims| std::future::ready(Err::<entrada::Token, _>(Error::Cancelled));
    let _: &dyn ports::asynchronous::TokenProvider = &nobody;
    assert!(matches!(BearerLayer::new("http://hr.example/", nobody), Err(Error::Config(_))));
}
