use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;

/// URL, endpoint base, environment, realm.
const TAKEN: &[(&str, &str, &str, &str)] = &[
    (
        "https://login.microsoftonline.com/Contoso.com",
        "https://login.microsoftonline.com/contoso.com/oauth2/v2.0",
        "login.microsoftonline.com",
        "contoso.com",
    ),
    (
        "https://LOGIN.microsoftonline.us:443//common/v2.0/",
        "https://login.microsoftonline.us/common/oauth2/v2.0",
        "login.microsoftonline.us",
        "common",
    ),
    (
        "https://login.sovcloud-identity.fr/t",
        "https://login.sovcloud-identity.fr/t/oauth2/v2.0",
        "login.sovcloud-identity.fr",
        "t",
    ),
    ("http://127.0.0.1:8080/t/", "http://127.0.0.1:8080/t/oauth2/v2.0", "127.0.0.1:8080", "t"),
    ("https://fs.contoso.com/adfs", "https://fs.contoso.com/adfs/oauth2", "fs.contoso.com", "adfs"),
    ("https://FS.contoso.com:8443/ADFS/", "https://fs.contoso.com:8443/adfs/oauth2", "fs.contoso.com:8443", "adfs"),
    (
        "https://contoso.b2clogin.com/Contoso.onmicrosoft.com/B2C_1_SignIn/",
        "https://contoso.b2clogin.com/contoso.onmicrosoft.com/b2c_1_signin/oauth2/v2.0",
        "contoso.b2clogin.com",
        "contoso.onmicrosoft.com",
    ),
    (
        "https://contoso.b2clogin.cn/tfp/contoso.onmicrosoft.cn/susi/v2.0",
        "https://contoso.b2clogin.cn/tfp/contoso.onmicrosoft.cn/susi/oauth2/v2.0",
        "contoso.b2clogin.cn",
        "contoso.onmicrosoft.cn",
    ),
    (
        "https://login.contoso.com/tfp/contoso.onmicrosoft.com/b2c_1a_susi",
        "https://login.contoso.com/tfp/contoso.onmicrosoft.com/b2c_1a_susi/oauth2/v2.0",
        "login.contoso.com",
        "contoso.onmicrosoft.com",
    ),
    (
        "https://login.contoso.com/contoso.onmicrosoft.com/B2C_1A_SUSI",
        "https://login.contoso.com/contoso.onmicrosoft.com/b2c_1a_susi/oauth2/v2.0",
        "login.contoso.com",
        "contoso.onmicrosoft.com",
    ),
    (
        "https://Contoso.ciamlogin.com/",
        "https://contoso.ciamlogin.com/contoso.onmicrosoft.com/oauth2/v2.0",
        "contoso.ciamlogin.com",
        "contoso.onmicrosoft.com",
    ),
    (
        "https://contoso.ciamlogin.com/11111111-AAAA/v2.0",
        "https://contoso.ciamlogin.com/11111111-aaaa/oauth2/v2.0",
        "contoso.ciamlogin.com",
        "11111111-aaaa",
    ),
];

#[test]
fn a_url_tells_endpoints_and_names_in_the_cache() {
    for &(url, base, environment, realm) in TAKEN {
        let authority = Authority::entra(url).unwrap();
        let endpoints = authority.template_endpoints().unwrap();
        assert_eq!(endpoints.authorize, format!("{base}/authorize"), "{url}");
        assert_eq!(endpoints.token, format!("{base}/token"), "{url}");
        let is_b2c = matches!(authority.kind, Kind::B2c { .. });
        assert_eq!(endpoints.device_code, (!is_b2c).then(|| format!("{base}/devicecode")), "{url}");
        assert_eq!(authority.environment(), environment, "{url}");
        assert_eq!(authority.fallback_realm(), realm, "{url}");
        assert_eq!(authority.tenant_name(), Some(realm), "{url}");
        // The URL that it tells names the same authority again.
        assert_eq!(Authority::entra(&authority.url()).unwrap(), authority, "{url}");
    }
}

#[test]
fn what_names_no_authority_is_refused_and_told_how_it_should_read() {
    for (url, word) in [
        ("login.example/t", "should begin with https://"),
        ("http://login.example/t", "is not https"),
        ("http://127.0.0.1.example/t", "is not https"),
        ("ftp://localhost/t", "is not https"),
        ("https://user:word@login.example/t", "no user, query or fragment"),
        ("https://login.example/t?p=b2c_1_susi", "no user, query or fragment"),
        ("https://login.example/", "names no tenant"),
        ("https://login.example", "names no tenant"),
        ("https://login.example/t/u", "more than a tenant"),
        ("https://login.microsoftonline.com/t/oauth2/v2.0/authorize", "more than a tenant"),
        ("https://fs.example/adfs/ls", "AD FS with more in its path"),
        ("https://some.dsts.example/dstsv2/7a433bfc-2514-4697-b467-e0933190487f", "is dSTS"),
        ("https://login.example/tfp/t", "names no policy"),
        ("https://login.example/tfp", "names no policy"),
        ("https://x.b2clogin.com/x.onmicrosoft.com", "without a policy"),
        ("https://x.b2clogin.com/", "without a policy"),
        ("https://x.b2clogin.com/x.onmicrosoft.com/p/q", "without a policy"),
        ("https://x.ciamlogin.com/t/u", "more than a tenant"),
    ] {
        let Err(Error::Config(sentence)) = Authority::entra(url) else { panic!("{url} is taken") };
        assert!(sentence.contains(word), "{url}: {sentence}");
    }
}

#[test]
fn plain_http_is_taken_on_loopback_only() {
    for good in ["https://login.example/t", "http://127.0.0.1:8080/t", "http://localhost/t", "http://[::1]:1/t"] {
        assert!(Authority::entra(good).is_ok(), "{good}");
    }
}

#[test]
fn every_cloud_has_a_host_of_its_own() {
    let clouds = [Cloud::Public, Cloud::UsGov, Cloud::China, Cloud::Bleu, Cloud::Delos, Cloud::GovSg];
    for cloud in clouds {
        let authority = Authority::tenant(cloud, "Contoso.example").unwrap();
        assert_eq!(authority.url(), format!("https://{}/contoso.example", cloud.login_host()));
        assert_eq!(authority, Authority::entra(&authority.url()).unwrap());
        let own: Vec<_> = clouds.iter().filter(|other| authority.is_environment(other.login_host())).collect();
        assert_eq!(own, [&cloud]);
    }
    for bad in ["", "a/b", "a b", "contoso.com\n"] {
        assert!(matches!(Authority::tenant(Cloud::Public, bad), Err(Error::Config(_))), "{bad:?}");
    }
    assert_eq!(Authority::tenant(Cloud::Public, "adfs").unwrap().account_type(), "MSSTS", "a tenant, be it named so");
}

#[test]
fn aliases_are_one_environment_and_ports_are_kept_apart() {
    let public = Authority::tenant(Cloud::Public, "common").unwrap();
    assert!(public.is_environment("login.windows.net"));
    assert!(public.is_environment("STS.windows.net"));
    assert!(!public.is_environment("login.microsoftonline.us"));
    assert!(!public.is_environment("login-us.microsoftonline.com"));

    let local = Authority::entra("http://localhost:8443/t").unwrap();
    assert!(local.is_environment("localhost:8443"));
    assert!(!local.is_environment("localhost"));
}

#[test]
fn an_embedder_can_tell_aliases() {
    let named = Authority::entra("https://login.private.example/t").unwrap();
    assert!(!named.is_environment("login.microsoft.com"));
    let named = named.with_aliases(["Login.windows.net", "old.private.example:8443"]).unwrap();
    for host in ["login.private.example", "OLD.private.example:8443", "login.windows.net", "login.microsoft.com"] {
        assert!(named.is_environment(host), "{host}");
    }
    assert!(!named.is_environment("old.private.example"));
    assert_eq!(named.environment(), "login.private.example");
    for bad in ["", "https://a.example", "a.example/t", "a b", "me@a.example", "a.example?x", "a.example\\x"] {
        let refused = named.clone().with_aliases([bad]);
        assert!(matches!(refused, Err(Error::Config(_))), "{bad:?}");
    }
}

#[test]
fn a_policy_knows_its_own_accounts() {
    let policy = |url: &str| Authority::entra(url).unwrap();
    let sign_in = policy("https://x.b2clogin.com/x.onmicrosoft.com/B2C_1_SignIn");
    assert!(sign_in.can_know("0000-b2c_1_signin.1111"));
    assert!(sign_in.can_know("0000-B2C_1_SIGNIN.1111"));
    assert!(!sign_in.can_know("0000-b2c_1_edit.1111"));
    assert!(!sign_in.can_know("0000-b2c_1_not-b2c_1_signin-not.1111"));
    // A subject, where there is no `client_info`.
    assert!(sign_in.can_know("0000"));
    assert!(policy("https://login.example/t").can_know("0000-b2c_1_edit.1111"));
}

#[test]
fn issuers_on_one_host_have_realms_of_their_own() {
    assert_eq!(Authority::oidc("https://id.example/realms/a/").unwrap().fallback_realm(), "realms/a");
    assert_eq!(Authority::oidc("https://id.example").unwrap().fallback_realm(), "");
}

#[test]
fn an_issuer_is_refused_where_it_is_known_to_be_anothers() {
    let t = "11111111-2222-3333-4444-555555555555";
    let entra = "https://login.microsoftonline.com/common";
    let gov = "https://login.microsoftonline.us/common";
    let china = "https://login.chinacloudapi.cn/common";
    let b2c = "https://x.b2clogin.com/x.onmicrosoft.com/b2c_1_susi";
    let ciam = "https://x.ciamlogin.com";
    for (authority, issuer, is_taken) in [
        (entra, format!("https://login.microsoftonline.com/{t}/v2.0"), true),
        (entra, format!("https://login.windows.net/{t}/v2.0"), true),
        (entra, format!("https://sts.windows.net/{t}/"), true),
        (entra, format!("https://neu.login.microsoft.com/{t}/v2.0"), true),
        (entra, format!("https://login.microsoftonline.us/{t}/v2.0"), false),
        (entra, format!("https://evil-login.microsoftonline.com/{t}/v2.0"), false),
        (entra, format!("https://login.microsoftonline.com.evil.example/{t}/v2.0"), false),
        (entra, format!("https://login.microsoftonline.com:8443/{t}/v2.0"), false),
        (entra, format!("http://login.microsoftonline.com/{t}/v2.0"), false),
        (entra, "https://login.microsoftonline.com/99999999-2222-3333-4444-555555555555/v2.0".into(), false),
        (entra, "login.microsoftonline.com".into(), false),
        (entra, "".into(), false),
        (gov, format!("https://login.microsoftonline.us/{t}/v2.0"), true),
        (gov, format!("https://sts.windows.net/{t}/"), true),
        (gov, format!("https://login.microsoftonline.com/{t}/v2.0"), false),
        (china, format!("https://login.partner.microsoftonline.cn/{t}/v2.0"), true),
        (china, format!("https://sts.chinacloudapi.cn/{t}/"), true),
        ("http://127.0.0.1:8080/t", format!("http://127.0.0.1:8080/{t}/v2.0"), true),
        ("http://127.0.0.1:8080/t", format!("https://sts.windows.net/{t}/"), true),
        ("http://127.0.0.1:8080/t", format!("http://authority:8080/{t}/v2.0"), true),
        ("http://127.0.0.1:8080/t", "http://127.0.0.1:8080/default".into(), true),
        ("http://127.0.0.1:8080/t", "http://127.0.0.1:8080/99999999-2222-3333-4444-555555555555/".into(), false),
        ("http://127.0.0.1:8080/t", "default".into(), false),
        ("https://login.private.example/t", format!("http://sts.private.example/{t}/"), false),
        ("https://login.private.example/t", format!("https://sts.private.example/{t}/"), true),
        (b2c, format!("https://x.b2clogin.com/{t}/v2.0/"), true),
        (b2c, format!("https://x.b2clogin.com/tfp/{t}/b2c_1_susi/v2.0/"), true),
        (b2c, format!("https://login.microsoftonline.com/{t}/v2.0/"), true),
        (b2c, format!("https://evil.example/{t}/v2.0/"), false),
        ("https://login.x.example/x.onmicrosoft.com/b2c_1_susi", format!("https://any.example/{t}"), true),
        (ciam, format!("https://{t}.ciamlogin.com/{t}/v2.0"), true),
        (ciam, format!("https://x.ciamlogin.com.evil.example/{t}/v2.0"), false),
        ("https://fs.example/adfs", "http://fs.example/adfs/services/trust".into(), true),
    ] {
        let authority = Authority::entra(authority).unwrap();
        assert_eq!(authority.can_be(&issuer, Some(t)), is_taken, "{issuer} at {}", authority.url());
    }
    let generic = Authority::oidc("https://id.example/a").unwrap();
    assert!(generic.can_be("https://id.example/a", None) && !generic.can_be("https://id.example/a/", None));
}

proptest! {
    #[test]
    fn any_text_is_refused_or_names_an_authority_that_its_own_url_names(
        path in "[a-zA-Z0-9/_.%-]{0,40}",
        host in prop::sample::select(&["login.example", "x.b2clogin.com", "x.ciamlogin.com", "LOGIN.example:8443"][..]),
        first in prop::sample::select(&["", "tfp/", "adfs", "dstsv2/", "t/B2C_1_", "common"][..]),
        anything in "\\PC{0,40}",
    ) {
        let _ = Authority::entra(&anything);
        let _ = Authority::oidc(&anything);
        if let Ok(authority) = Authority::entra(&format!("https://{host}/{first}{path}")) {
            prop_assert_eq!(Authority::entra(&authority.url()).unwrap(), authority.clone());
            let endpoints = authority.template_endpoints().unwrap();
            prop_assert!(endpoints.token.starts_with(&authority.url()));
            prop_assert!(!authority.fallback_realm().is_empty());
            let _ = authority.can_be(&anything, Some(&path));
        }
    }
}

#[test]
fn another_tenant_is_the_same_authority_otherwise() {
    let named = Authority::entra("https://localhost:8443/Contoso.example").unwrap().with_aliases(["other"]).unwrap();
    let other = named.in_tenant("Fabrikam.example").unwrap();
    assert_eq!(
        (other.url().as_str(), other.environment()),
        ("https://localhost:8443/fabrikam.example", "localhost:8443")
    );
    assert!(other.is_environment("other"));
    assert!(matches!(named.in_tenant("a/b"), Err(Error::Config(_))));
    for without in ["https://fs.contoso.com/adfs", "https://x.b2clogin.com/x.onmicrosoft.com/b2c_1_a"] {
        let refused = Authority::entra(without).unwrap().in_tenant("t");
        assert!(matches!(refused, Err(Error::Config(why)) if why.contains("no other tenants")), "{without}");
    }
}
