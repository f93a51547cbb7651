use alloc::format;

use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::*;

#[test]
fn several_challenges_stand_in_one_header() {
    let header = r#"Negotiate, NTLM TlRMTVNTUAAB==, Bearer realm="a, \"b\"", authorization_uri=https://login.example/common/oauth2/authorize , error="invalid_token""#;
    let read = challenges(header);
    let schemes: Vec<&str> = read.iter().map(|challenge| challenge.scheme.as_str()).collect();
    assert_eq!(schemes, ["Negotiate", "NTLM", "Bearer"]);
    assert_eq!(read[2].parameter("realm"), Some(r#"a, "b""#));
    assert_eq!(read[2].parameter("authorization_uri"), Some("https://login.example/common/oauth2/authorize"));
    assert_eq!(read[2].parameter("error"), Some("invalid_token"));
}

#[test]
fn microsofts_own_example_is_read_with_its_padding() {
    let header = r#"Bearer authorization_uri="https://login.windows.net/common/oauth2/authorize", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwgInZhbHVlIjoiMTYwNDEwNjY1MSJ9fX0=""#;
    let claims = claims_challenge([header]).unwrap();
    assert_eq!(claims, r#"{"access_token":{"nbf":{"essential":true, "value":"1604106651"}}}"#);
}

#[test]
fn other_errors_and_other_schemes_demand_no_claims() {
    assert_eq!(claims_challenge([r#"Bearer error="invalid_token", claims="e30=""#]), None);
    assert_eq!(claims_challenge([r#"PoP error="insufficient_claims", claims="e30=""#]), None);
    assert_eq!(claims_challenge(["Basic", r#"bearer ERROR=insufficient_claims, claims=e30"#]).as_deref(), Some("{}"));
}

#[test]
fn garbage_ends() {
    for garbage in ["", ",,,", "=", "\"", "Bearer \"", "Bearer a=\"\\", "Ünïcode x=y", "a b c d", "Bearer ==="] {
        let _ = challenges(garbage);
    }
}

/// Scheme, token68, parameters.
type Expected<'a> = &'a [(&'a str, Option<&'a str>, &'a [(&'a str, &'a str)])];

#[test]
fn what_servers_send_is_read() {
    let table: &[(&str, Expected<'_>)] = &[
        ("Bearer", &[("Bearer", None, &[])]),
        ("Negotiate, NTLM", &[("Negotiate", None, &[]), ("NTLM", None, &[])]),
        (
            "Negotiate abc+/_-~.== , Basic realm=x",
            &[("Negotiate", Some("abc+/_-~.=="), &[]), ("Basic", None, &[("realm", "x")])],
        ),
        // Odd spacing, no commas, semicolons, empty elements.
        (
            "  Bearer \t realm = \"a b\" error=\"x\" ,,; scope =c ",
            &[("Bearer", None, &[("realm", "a b"), ("error", "x"), ("scope", "c")])],
        ),
        ("Bearer a=\"1\";b=\"2\"", &[("Bearer", None, &[("a", "1"), ("b", "2")])]),
        ("bearer,error=\"x\"", &[("bearer", None, &[("error", "x")])]),
        // The same parameter twice.
        ("Bearer error=\"first\", Error=\"second\"", &[("Bearer", None, &[("error", "first"), ("error", "second")])]),
        // Elements without `=` belong to the challenge, unless they are schemes.
        ("Bearer realm=\"\", odd, error=\"x\"", &[("Bearer", None, &[("realm", ""), ("odd", ""), ("error", "x")])]),
        (
            "Bearer realm=\"\", one, two, error=\"x\"",
            &[("Bearer", None, &[("realm", ""), ("one", ""), ("two", ""), ("error", "x")])],
        ),
        (
            "Digest realm=\"\", bearer, error=\"x\"",
            &[("Digest", None, &[("realm", "")]), ("bearer", None, &[("error", "x")])],
        ),
        (
            "Bearer realm=\"\", Custom x=y, error=\"z\"",
            &[("Bearer", None, &[("realm", "")]), ("Custom", None, &[("x", "y"), ("error", "z")])],
        ),
        (
            "Negotiate abc=, Custom, error=\"z\"",
            &[("Negotiate", Some("abc="), &[]), ("Custom", None, &[("error", "z")])],
        ),
        // Values with `=`, commas and escapes in them.
        (
            "Bearer authorization_uri=https://l.example/t?a=b, claims=e30=",
            &[("Bearer", None, &[("authorization_uri", "https://l.example/t?a=b"), ("claims", "e30=")])],
        ),
        (r#"Bearer realm="a, b=\"c\" \\", x="y""#, &[("Bearer", None, &[("realm", r#"a, b="c" \"#), ("x", "y")])]),
        ("Bearer realm=\"never closed, error=x", &[("Bearer", None, &[("realm", "never closed, error=x")])]),
        // Nobody's parameters.
        ("error=\"x\", Bearer a=b", &[("Bearer", None, &[("a", "b")])]),
        ("\"stray, text\", Bearer a=b", &[("Bearer", None, &[("a", "b")])]),
    ];
    for (header, expected) in table {
        let read = challenges(header);
        let pairs = |challenge: &Challenge| -> Vec<(String, String)> { challenge.parameters.clone() };
        assert_eq!(read.len(), expected.len(), "{header}: {read:?}");
        for (challenge, (scheme, token68, parameters)) in read.iter().zip(*expected) {
            assert_eq!((challenge.scheme.as_str(), challenge.token68.as_deref()), (*scheme, *token68), "{header}");
            let expected: Vec<_> = parameters.iter().map(|(k, v)| (String::from(*k), String::from(*v))).collect();
            assert_eq!(pairs(challenge), expected, "{header}");
        }
    }
}

const CLAIMS: &str = r#"{"access_token":{"nbf":{"essential":true, "value":"16041>?~"},"acrs":{"values":["c1","c2"]}}}"#;

#[test]
fn claims_come_in_many_dresses() {
    let escaped = CLAIMS.replace('"', "\\\"");
    let dresses = [
        format!("\"{}\"", STANDARD.encode(CLAIMS)),
        format!("\"{}\"", STANDARD_NO_PAD.encode(CLAIMS)),
        format!("\"{}\"", URL_SAFE.encode(CLAIMS)),
        format!("\"{}\"", URL_SAFE_NO_PAD.encode(CLAIMS)),
        STANDARD.encode(CLAIMS),
        URL_SAFE_NO_PAD.encode(CLAIMS),
        format!("\"{escaped}\""),
        format!("\"{CLAIMS}\""),
        CLAIMS.into(),
    ];
    assert!(dresses[0].contains(['+', '/']) && dresses[2].contains(['-', '_']));
    for dress in &dresses {
        for header in [
            format!("Bearer error=\"insufficient_claims\", claims={dress}"),
            format!("Negotiate, Bearer realm=\"\" , claims = {dress} , error=insufficient_claims, x=\"y\""),
        ] {
            assert_eq!(claims_challenge(["Basic realm=x", &header]).as_deref(), Some(CLAIMS), "{header}");
        }
    }
    for nothing in ["\"\"", "\"e30\\\"\"", "bnVsbA==", "W10=", "null", "\"{\"", "{", "\"%%%\""] {
        let header = format!("Bearer error=\"insufficient_claims\", claims={nothing}");
        assert_eq!(claims_challenge([header.as_str()]), None, "{nothing}");
    }
}

#[test]
fn a_challenge_tells_the_authority_whose_endpoint_it_names() {
    for (parameters, expected) in [
        ("authorization_uri=\"https://login.windows.net/common/oauth2/authorize\"", "https://login.windows.net/common"),
        ("authorization_uri=https://login.windows.net/t/oauth2/v2.0/authorize/", "https://login.windows.net/t"),
        ("authorization=\"https://login.windows.net/t\"", "https://login.windows.net/t"),
        ("authority=\"https://login.windows.net/t/\"", "https://login.windows.net/t"),
        ("authority=https://a.example/t, authorization_uri=https://b.example/t", "https://b.example/t"),
    ] {
        let read = challenges(&format!("Bearer {parameters}, error=\"x\", nonce=\"n\""));
        assert_eq!(read[0].authority().as_deref(), Some(expected), "{parameters}");
        assert_eq!((read[0].error(), read[0].nonce()), (Some("x"), Some("n")));
    }
    for none in ["Bearer", "Bearer authorization_uri=\"\"", "Bearer authority=\"/\""] {
        assert_eq!(challenges(none)[0].authority(), None, "{none}");
    }
}

#[test]
fn an_info_tells_the_next_nonce() {
    let info =
        AuthenticationInfo::read("x , nextnonce = \"a=b,c\" ,rspauth=\"6629\", qop=auth, NC=00000001, nextnonce=z");
    assert_eq!(info.next_nonce(), Some("a=b,c"));
    for (name, value) in [("rspauth", "6629"), ("qop", "auth"), ("nc", "00000001")] {
        assert_eq!(info.parameter(name), Some(value));
    }
    assert_eq!(AuthenticationInfo::read("nextnonce"), AuthenticationInfo::default());
}

/// What stands between two elements.
fn comma() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&[",", ", ", " , ", ",\t", ", ,, "][..])
}

/// A parameter, and one way to write it.
fn parameter() -> impl Strategy<Value = ((String, String), String)> {
    let equals = prop::sample::select(&["=", " = ", "\t=", "= "][..]);
    let name = prop_oneof![Just(String::from("claims")), "[a-zA-Z!#$%&'*+.^_`|~-][a-zA-Z0-9_-]{0,8}"];
    let value = prop_oneof![
        "[a-zA-Z0-9!#$%&'*+.^_`|~-]{1,12}",
        "[ -~\u{a0}-\u{17f}]{0,20}",
        Just(String::from(CLAIMS)),
        "\\{[ -~]{0,10}",
    ];
    (name, equals, value, any::<bool>()).prop_map(|(name, equals, value, quotes)| {
        let is_plain = !value.is_empty() && value.bytes().all(|b| b.is_ascii_alphanumeric());
        let written = if quotes || !is_plain {
            format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
        } else {
            value.clone()
        };
        let text = format!("{name}{equals}{written}");
        ((name.to_ascii_lowercase(), value), text)
    })
}

/// A challenge, and one way to write it.
fn challenge() -> impl Strategy<Value = (Challenge, String)> {
    let scheme = "[A-Za-z][A-Za-z0-9!#$&.+-]{0,9}";
    let bare = Just((None, Vec::new(), String::new()));
    let token68 =
        "[A-Za-z0-9._~+/-]{1,20}={0,2}".prop_map(|token| (Some(token.clone()), Vec::new(), format!(" {token}")));
    let parameters = prop::collection::vec((parameter(), comma()), 1..5).prop_map(|parameters| {
        let mut text = String::from(" ");
        for (index, ((_, written), comma)) in parameters.iter().enumerate() {
            text += if index > 0 { comma } else { " " };
            text += written;
        }
        (None, parameters.into_iter().map(|((parameter, _), _)| parameter).collect(), text)
    });
    (scheme, prop_oneof![bare, token68, parameters]).prop_map(|(scheme, (token68, parameters, rest))| {
        let text = format!("{scheme}{rest}");
        (Challenge { scheme, token68, parameters }, text)
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(list in prop::collection::vec((challenge(), comma()), 0..5)) {
        let mut header = String::new();
        let mut written = Vec::new();
        for ((challenge, text), comma) in list {
            if !header.is_empty() {
                header += comma;
            }
            header += &text;
            written.push(challenge);
        }
        prop_assert_eq!(challenges(&header), written, "{}", header);
    }

    #[test]
    fn an_info_is_read_back(list in prop::collection::vec((parameter(), comma()), 0..6)) {
        let mut header = String::new();
        for ((_, text), comma) in &list {
            header += text;
            header += comma;
        }
        let parameters: Vec<_> = list.into_iter().map(|((parameter, _), _)| parameter).collect();
        prop_assert_eq!(AuthenticationInfo::read(&header).parameters, parameters);
    }

    #[test]
    fn nothing_panics(header in "\\PC{0,80}", sly in "[a-c=\",;{}\\\\ \t\u{e9}:]{0,60}") {
        for text in [&header, &sly, &format!("Bearer error=insufficient_claims, claims={sly}")] {
            for challenge in challenges(text) {
                let _ = (challenge.claims(), challenge.authority());
            }
            let _ = (claims_challenge([text.as_str()]), AuthenticationInfo::read(text));
        }
    }
}
