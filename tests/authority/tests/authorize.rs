//! `/authorize` and the pages behind it.

mod plain;

use entrada_authority::{Endpoint, SignInMode, Stage, decode_claims};
use plain::{Changes, authorize_url, code, get, post, redeem, text};
use url::Url;

#[test]
fn each_rule_has_its_number_and_its_place() {
    let stage = Stage::start().unwrap();
    let scope = stage.scope();
    let repeated = format!("{}&state=again", authorize_url(&stage, &[]));
    let two = format!("{scope} {}", stage.other_scope());
    // What changes, the number, and the `error` where it goes to the client: none means a page.
    #[rustfmt::skip]
    let table: &[(Changes<'_>, u64, Option<&str>)] = &[
        (&[("client_id", "-")], 900144, None),
        (&[("client_id", "00000000-0000-0000-0000-000000000000")], 700016, None),
        (&[("redirect_uri", "-")], 500113, None),
        (&[("redirect_uri", "http://localhost:50505/")], 50011, None),
        (&[("redirect_uri", "https://evil.example/")], 50011, None),
        (&[("redirect_uri", "http://[::1]:50505")], 50011, None),
        (&[("response_mode", "web_message")], 70007, Some("invalid_request")),
        (&[("response_type", "-")], 900144, Some("invalid_request")),
        (&[("response_type", "token")], 70005, Some("unsupported_response_type")),
        (&[("response_type", "code id_token")], 70005, Some("unsupported_response_type")),
        (&[("resource", stage.external_url())], 901002, Some("invalid_request")),
        (&[("scope", "-")], 900144, Some("invalid_request")),
        (&[("scope", " ")], 70011, Some("invalid_scope")),
        (&[("scope", "api://nobody/x")], 500011, Some("invalid_resource")),
        (&[("scope", "https://h//user_impersonation")], 500011, Some("invalid_resource")),
        (&[("scope", &two)], 700022, Some("invalid_request")),
        (&[("scope", &format!("{}/nonsense", stage.external_url()))], 650053, Some("invalid_client")),
        (&[("scope", &format!("{scope} {}/.default", stage.external_url()))], 70011, Some("invalid_scope")),
        (&[("code_challenge", "-")], 50147, Some("invalid_request")),
        (&[("code_challenge", "short")], 501491, Some("invalid_request")),
        (&[("code_challenge_method", "plain")], 501491, Some("invalid_request")),
        (&[("code_challenge_method", "-")], 501491, Some("invalid_request")),
        (&[("prompt", "please")], 90023, Some("invalid_request")),
        (&[("prompt", "none")], 50058, Some("login_required")),
        (&[("claims", "{")], 50101, Some("invalid_request")),
        (&[("claims", "[]")], 50101, Some("invalid_request")),
    ];
    for (changes, number, error) in table {
        let answer = get(&authorize_url(&stage, changes));
        assert_eq!(answer.aadsts(), *number, "{changes:?}");
        assert_eq!(answer.redirected("error").as_deref(), *error, "{changes:?}");
        if error.is_some() {
            assert_eq!(answer.status, 302);
            assert_eq!(answer.redirected("state").as_deref(), Some("s&<\"'>"), "{changes:?}");
            assert!(answer.header("location").unwrap().starts_with("http://localhost:50505/?error="), "{changes:?}");
        } else {
            assert_eq!((answer.status, answer.header("location")), (400, None), "{changes:?}");
        }
    }
    assert_eq!(get(&repeated).aadsts(), 9002313);
}

/// Whether an app's reply URLs hold a URL can be asked without a session and without a token: yes is a redirect that says
/// `login_required`, no is a page.
#[test]
fn a_silent_request_tells_whose_a_reply_url_is() {
    let stage = Stage::builder().external_path("/hr/").start().unwrap();
    let ask = |path: &str, client: &str, to: &str| {
        let mut url = Url::parse(&format!("{}{path}", stage.authority_url())).unwrap();
        let parameters = [("client_id", client), ("redirect_uri", to), ("response_type", "code"), ("state", "s1")];
        url.query_pairs_mut().extend_pairs(parameters).append_pair("prompt", "none").append_pair("scope", "openid");
        get(url.as_str())
    };
    let proxied = stage.proxy_app_id();
    let external = stage.external_url();
    let root = external.strip_suffix("hr/").unwrap();
    for path in ["/oauth2/authorize", "/oauth2/v2.0/authorize"] {
        let yes = ask(path, proxied, external);
        assert_eq!((yes.status, yes.aadsts()), (302, 50058), "{path}");
        assert_eq!(yes.redirected("error").as_deref(), Some("login_required"), "{path}");
        assert_eq!(yes.redirected("state").as_deref(), Some("s1"), "{path}");
        assert!(yes.header("location").unwrap().starts_with(&format!("{external}?error=")), "{path}");
        for other in
            [root, "https://evil.example/", "https://hr-contoso.msappproxy.net/hr/", external.trim_end_matches('/')]
        {
            let no = ask(path, proxied, other);
            assert_eq!((no.status, no.aadsts(), no.header("location")), (400, 50011, None), "{path} {other}");
        }
        assert_eq!(ask(path, "00000000-0000-0000-0000-000000000000", external).aadsts(), 700016, "{path}");
        assert_eq!(ask(path, stage.client_id(), external).aadsts(), 50011, "{path}");
    }
    let elsewhere = format!("{}/oauth2/authorize?client_id={proxied}&response_type=code", stage.guest_tenant_id());
    assert_eq!(get(&format!("{}/{elsewhere}", stage.instance_url())).aadsts(), 700016);
    let first =
        get(&format!("{}/oauth2/authorize?client_id={proxied}&response_type=code&prompt=none", stage.authority_url()));
    assert!(first.header("location").unwrap().starts_with(external), "the registered one where none is named");
    assert_eq!(stage.requests_at(Endpoint::AuthorizeV1).len(), 9);
}

#[test]
fn tenants_are_told_apart() {
    let stage = Stage::start().unwrap();
    let at = |tenant: &str| authorize_url(&stage, &[]).replacen(stage.tenant_id(), tenant, 1);
    assert_eq!(get(&at("nobody.example")).aadsts(), 90002);
    assert_eq!(get(&at("common")).aadsts(), 50194);
    assert_eq!(get(&at("organizations")).aadsts(), 50194);
    assert_eq!(get(&at("consumers")).aadsts(), 9002332);
    assert_eq!(get(&at(stage.guest_tenant_id())).aadsts(), 700016);
    assert_eq!(get(&at(stage.tenant_domain())).status, 200);
}

#[test]
fn each_response_mode_delivers_code_and_state() {
    let stage = Stage::start().unwrap();
    let visitor = stage.visitor().keeps_delivery();
    for (mode, method, mark) in [("query", "GET", '?'), ("fragment", "GET", '#'), ("form_post", "POST", '/')] {
        let url = authorize_url(&stage, &[("response_mode", mode), ("client_info", "1")]);
        let delivery = visitor.visit(&url).unwrap().delivered.unwrap();
        assert_eq!(delivery.method, method);
        assert_eq!(delivery.get("state"), Some("s&<\"'>"), "{mode}");
        assert!(delivery.get("code").is_some() && delivery.get("client_info").is_some(), "{mode}");
        assert!(delivery.url.starts_with("http://localhost:50505/") && delivery.url.contains(mark), "{delivery:?}");
    }
}

#[test]
fn a_sign_in_asks_once_and_consents_once() {
    let stage = Stage::start().unwrap();
    let visitor = stage.visitor().keeps_delivery();
    let titles = |changes: &[(&str, &str)]| {
        let visit = visitor.visit(&authorize_url(&stage, changes)).unwrap();
        assert!(visit.delivered.is_some(), "{}", visit.page);
        visit.titles.join(" > ")
    };
    assert_eq!(titles(&[]), "Sign in > Permissions requested");
    assert_eq!(titles(&[]), "", "the session knows");
    assert_eq!(titles(&[("prompt", "none")]), "");
    assert_eq!(titles(&[("prompt", "login")]), "Sign in");
    assert_eq!(titles(&[("prompt", "consent")]), "Permissions requested");
    assert_eq!(titles(&[("prompt", "select_account")]), "Pick an account");
    stage.withdraw_consent("ada@contoso.example");
    let visit = visitor.visit(&authorize_url(&stage, &[("prompt", "none")])).unwrap();
    assert_eq!(visit.delivered.unwrap().get("error"), Some("consent_required"));
}

#[test]
fn a_refusal_reaches_the_client_or_stays_on_the_page() {
    let stage = Stage::start().unwrap();
    let url = authorize_url(&stage, &[("response_mode", "form_post")]);
    let declined = stage.visitor().declines().keeps_delivery().visit(&url).unwrap().delivered.unwrap();
    assert_eq!(declined.get("error"), Some("access_denied"));
    assert!(declined.get("error_description").unwrap().starts_with("AADSTS65004"));
    let cancelled = stage.visitor().cancels().keeps_delivery().visit(&url).unwrap().delivered.unwrap();
    assert_eq!(cancelled.get("error_subcode"), Some("cancel"));

    let wrong = stage.visitor().password("x").visit(&url).unwrap();
    assert!(wrong.page.contains("AADSTS50126") && wrong.delivered.is_none());
    let stranger = stage.visitor().user("eve@fabrikam.example").visit(&url).unwrap();
    assert_eq!((stranger.aadsts(), stranger.delivered), (Some(50020), None));
    stage.unassign("bob@contoso.example");
    let unassigned = stage.visitor().user("bob@contoso.example").visit(&url).unwrap();
    assert_eq!((unassigned.aadsts(), unassigned.delivered), (Some(50105), None));
    stage.block("ada@contoso.example", true);
    assert_eq!(stage.visitor().visit(&url).unwrap().aadsts(), Some(53003));
    stage.all_clear();
    stage.require_admin_consent(true);
    assert_eq!(stage.visitor().visit(&url).unwrap().aadsts(), Some(90094));
}

#[test]
fn nothing_from_outside_is_markup() {
    let stage = Stage::start().unwrap();
    let nasty = "\"><script>alert(1)</script>";
    for changes in [[("login_hint", nasty)], [("redirect_uri", nasty)], [("client_id", nasty)]] {
        let page = get(&authorize_url(&stage, &changes)).text();
        assert!(page.contains("&lt;script&gt;") && !page.contains("<script>"), "{page}");
    }
    let url = format!("{}/signin/password", stage.instance_url());
    assert_eq!(post(&url, &[("flow", nasty)]).status, 400);
}

#[test]
fn automatic_sign_in_shows_no_page() {
    let stage = Stage::builder().sign_in(SignInMode::Automatic).start().unwrap();
    let answer = get(&authorize_url(&stage, &[("login_hint", "bob@contoso.example")]));
    let tokens = redeem(&stage, &answer.redirected("code").unwrap(), &[]).json();
    assert_eq!(decode_claims(text(&tokens, "access_token")).unwrap()["upn"], "bob@contoso.example");
}

#[test]
fn a_guest_is_another_object_with_the_same_account() {
    let stage = Stage::builder().multi_tenant(true).start().unwrap();
    let scope = format!("{} openid profile offline_access", stage.other_scope());
    let url = authorize_url(&stage, &[("scope", &scope), ("client_info", "1")]);
    let url = url.replacen(stage.tenant_id(), stage.guest_tenant_id(), 1);
    let delivery = stage.visitor().keeps_delivery().visit(&url).unwrap().delivered.unwrap();
    let elsewhere = redeem(&stage, delivery.get("code").unwrap(), &[]);
    assert_eq!(elsewhere.aadsts(), 700005);
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", stage.client_id()),
        ("code", delivery.get("code").unwrap()),
        ("redirect_uri", plain::REDIRECT),
        ("code_verifier", plain::VERIFIER),
        ("client_info", "1"),
    ];
    let tokens = post(&format!("{}/oauth2/v2.0/token", stage.authority_of("common")), &form).json();
    let claims = decode_claims(text(&tokens, "access_token")).unwrap();
    assert_eq!(claims["tid"], stage.guest_tenant_id());
    assert_ne!(claims["oid"], stage.ada().object_id.as_str());
    assert!(text(&claims, "idp").contains(stage.tenant_id()));
    let info = decode_claims(&format!("x.{}", text(&tokens, "client_info"))).unwrap();
    assert_eq!(info["uid"], stage.ada().object_id.as_str());
    assert_eq!(info["utid"], stage.tenant_id());
    // One refresh token, another tenant.
    let refresh_token = text(&tokens, "refresh_token");
    code(&stage, &[]);
    let home = plain::refresh(&stage, refresh_token, &stage.scope(), &[]).json();
    assert_eq!(decode_claims(text(&home, "access_token")).unwrap()["tid"], stage.tenant_id());
}
