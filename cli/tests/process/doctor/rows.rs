//! Each failure of the field that a client can see: the check that finds it, what it says, and what to do.

use std::collections::BTreeSet;

use entrada_authority::{Answer, Audience, Breakage, Condition};

use super::*;

/// When the stage breaks, and what has been done until then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// Nobody has signed in.
    Cold,
    /// There is a good token.
    WithToken,
    /// There is a token that has ended.
    WithOldToken,
    /// Nobody has signed in, and doctor does it.
    SigningIn,
}

use When::*;

/// Name of the breakage, when, exit code, check, status, a word of the finding, a word of the remedy.
type Row = (&'static str, When, i32, &'static str, &'static str, &'static str, &'static str);

const ROWS: &[Row] = &[
    ("sign-in-page", Cold, 15, "edge", "fail", "sign-in page", "follows redirects out of the way"),
    ("missing-slash", WithToken, 14, "audience", "fail", "without the slash", "/user_impersonation, with both slashes"),
    ("graph-audience", WithToken, 14, "audience", "fail", "Microsoft Graph", "/user_impersonation"),
    ("wrong-scope-form", SigningIn, 15, "token", "fail", "AADSTS500011", "Application ID URI, slash for slash"),
    ("which-scope", Cold, 0, "scope", "warn", "tried, in this order", "--scope "),
    ("nativeclient-only", Cold, 15, "redirect-uri", "fail", "nativeclient is registered", "adds http://localhost"),
    ("wrong-place", Cold, 0, "browser", "warn", "/common/wrongplace", "--flow browser"),
    ("web-platform", SigningIn, 15, "token", "fail", "AADSTS7000218", "Mobile and desktop applications"),
    ("device-code-blocked", SigningIn, 13, "token", "fail", "AADSTS53003", "sign in with the browser instead"),
    ("managed-device", WithOldToken, 10, "token", "fail", "AADSTS53000", "managed device"),
    ("no-permission", WithOldToken, 15, "token", "fail", "AADSTS650057", "API permissions"),
    ("no-consent", WithOldToken, 10, "token", "fail", "AADSTS65001", "administrator to grant"),
    ("not-assigned", WithOldToken, 10, "token", "fail", "AADSTS50105", "assign the user"),
    ("not-assigned", WithToken, 13, "app", "fail", "not assigned", "assigns the user"),
    ("not-licensed", WithToken, 13, "app", "fail", "licence", "assigns the user"),
    ("back-end-forbids", WithToken, 4, "app", "fail", "refused the user", "events 13016 to 13022"),
    ("no-connector", WithToken, 5, "app", "fail", "no connector", "connector group"),
    ("slow-back-end", WithToken, 5, "app", "fail", "did not answer in time", "85 seconds"),
    ("bad-gateway", WithToken, 5, "app", "fail", "could not reach the app", "internal URL"),
    ("outside-path", Cold, 4, "edge", "fail", "outside the path", "call a URL below the published one"),
    ("single-registration", Cold, 15, "client-id", "fail", "published app itself", "native client of its own"),
    ("own-authorization", WithToken, 4, "app", "fail", "of its own in Authorization (Basic)", "another header"),
    ("expired-token", WithToken, 14, "token-age", "fail", "the token ended", "--refresh"),
    ("spa-platform", SigningIn, 15, "token", "fail", "AADSTS9002327", "Single-page application"),
    ("password-changed", WithOldToken, 10, "token", "fail", "AADSTS50173", "sign in again"),
    ("wrong-tenant", Cold, 15, "tenant", "fail", "is configured", "name the app's own tenant"),
    ("bypassed", Cold, 15, "edge", "fail", "past application proxy", "CNAME to msappproxy.net"),
    ("passthrough", Cold, 0, "edge", "warn", "passthrough", "pre-authentication"),
    ("edited-registration", WithToken, 14, "app", "fail", "in which all is right", "restores it"),
    ("clock-skew", WithToken, 15, "clock", "fail", "10 minutes behind", "NTP"),
    ("maintenance", Cold, 5, "edge", "fail", "maintenance", "maintenance mode"),
    ("claims-demanded", WithToken, 10, "app", "fail", "AADSTS50076", "run: entrada get http"),
    ("connector-tls", WithToken, 5, "app", "fail", "cannot prove itself", "TLS inspection"),
];

/// Those that take more than a row.
const ALONE: [&str; 3] = ["private-ca", "other-account", "admin-consent"];

#[test]
fn every_failure_has_its_row() {
    let told: BTreeSet<&str> = ROWS.iter().map(|row| row.0).chain(ALONE).collect();
    assert_eq!(told, Breakage::all().iter().map(|breakage| breakage.name()).collect());
}

#[test]
fn the_documentation_has_each_failure_with_its_check() {
    let page = include_str!("../../../../docs/doctor.md");
    for breakage in Breakage::all() {
        let name = format!("`{}`", breakage.name());
        let line = page.lines().find(|line| line.contains(&name)).unwrap_or_else(|| panic!("no {name}"));
        for row in breakage.rows() {
            assert!(line.starts_with(&format!("| {row} |")), "{line}");
        }
        for (_, _, _, check, status, ..) in ROWS.iter().filter(|row| row.0 == breakage.name()) {
            assert!(line.contains(&format!("`{check}` {status}")), "{line}");
        }
    }
}

#[test]
fn each_failure_is_found_by_its_check_with_its_remedy() {
    for row in ROWS {
        let (name, when, code, wanted, status, finding, remedy) = *row;
        let broken = Broken::named(name);
        let report = match when {
            Cold => {
                broken.breaks();
                broken.doctor(&[]).done()
            }
            WithToken | WithOldToken => {
                sign_in(&broken);
                broken.breaks();
                if when == WithOldToken {
                    broken.world.home.tokens_end_in(-1);
                }
                broken.doctor(&[]).done()
            }
            SigningIn => {
                broken.breaks();
                doctor_signs_in(&broken)
            }
        };
        assert_eq!(report.code(), code, "{name}: {}\n{}", report.stderr, report.text());
        let report = report.json();
        let found = check(&report, wanted);
        let text = |field: &str| found[field].as_str().unwrap_or_default().to_owned();
        assert_eq!(text("status"), status, "{name}: {report:#}");
        assert!(text("finding").contains(finding), "{name}: {report:#}");
        assert!(text("remedy").contains(remedy) && !text("remedy").contains('\n'), "{name}: {report:#}");
        let page = text("documentation");
        assert!(
            page.starts_with("https://learn.microsoft.com/") || page.starts_with("docs/doctor.md#"),
            "{name}: {page}"
        );
        if status == "fail" {
            let failed = with_status(&report, "fail");
            assert!(failed.contains(&wanted), "{name}: {failed:?}");
        } else {
            assert_eq!(with_status(&report, "fail"), [""; 0], "{name}: {report:#}");
        }
        for issued in broken.world.stage.issued() {
            assert!(!report.to_string().contains(&issued.access_token[..40]), "{name}");
        }
    }
}

/// The user who is suggested signs in in the browser.
fn sign_in(broken: &Broken) {
    let running = broken.world.run(&["login", "--flow", "browser", "--no-browser"]).start();
    broken.world.stage.visitor().user(&broken.to.user.upn).visit(&running.sign_in_url()).unwrap();
    running.done().expect_code(0);
}

fn doctor_signs_in(broken: &Broken) -> Done {
    if broken.to.flow != Some("device") {
        let running = broken.doctor(&["--sign-in", "--flow", "browser", "--no-browser"]).start();
        broken.world.visit(&running.sign_in_url());
        return running.done();
    }
    let running = broken.doctor(&["--sign-in"]).start();
    let line = running.line_with("enter the code ");
    let code = line.split("enter the code ").nth(1).unwrap().split(' ').next().unwrap();
    broken.world.stage.visitor().enter_user_code(code).unwrap();
    running.done()
}

/// No report shows it, and no document excludes it.
#[test]
fn an_edge_that_answers_401_is_told_from_the_app() {
    let broken = Broken::named("missing-slash");
    broken.world.stage.change_proxy_table(|table| {
        table.set(Condition::WrongAudience, Answer::InvalidToken);
    });
    sign_in(&broken);
    let report = broken.doctor(&[]).done().expect_code(14).json();
    assert_eq!(with_status(&report, "fail"), ["audience", "app"], "{report:#}");
    assert!(check(&report, "app")["finding"].as_str().unwrap().contains("the proxy itself answers 401"), "{report:#}");
}

#[test]
fn what_the_proxy_takes_is_odd_and_no_failure() {
    let broken = Broken::named("missing-slash");
    broken.world.stage.change_proxy_table(|table| table.audiences.push(Audience::ExternalUrlWithoutSlash));
    sign_in(&broken);
    let report = broken.doctor(&[]).done().expect_code(0).json();
    assert_eq!(check(&report, "app")["status"], "ok", "{report:#}");
    let audience = check(&report, "audience");
    assert!(audience["finding"].as_str().unwrap().ends_with("and the proxy took it"), "{audience}");
    assert_eq!(audience["status"], "warn");
}

#[test]
fn a_scope_that_the_proxy_refuses_leads_on_to_the_next() {
    let broken = Broken::named("which-scope");
    let (stage, home) = (&broken.world.stage, &broken.world.home);
    broken.world.sign_in_with(&["--scope", &stage.app_id_scope()]);
    broken.breaks();
    let report = || broken.doctor(&[]).var("BROWSER", "true").done().expect_code(0).json();
    let amiss = |report: &Value| ["warn", "fail"].map(|status| with_status(report, status).join(" "));
    let first = report();
    assert_eq!(amiss(&first), ["scope", ""], "{first:#}");
    let audience = |report: &Value| check(report, "audience")["finding"].as_str().unwrap().to_owned();
    assert!(audience(&first).contains(&format!("for {}, the app", stage.external_url())), "{first:#}");
    assert_eq!(check(&first, "app")["status"], "ok");

    // What was accepted once is tried first, and not for ever.
    broken.world.done(&["get", &broken.url]).expect_code(0);
    let noted = report();
    assert_eq!(amiss(&noted), ["", ""], "{noted:#}");
    stage.change_proxy_table(|table| table.audiences = vec![Audience::AppId]);
    let moved = report();
    assert_eq!(amiss(&moved), ["", ""], "{moved:#}");
    assert!(audience(&moved).contains(&format!("for {}, the app", stage.proxy_app_id())), "{moved:#}");

    // A note of another app that was once at this URL is no word on this one.
    let mut cached = home.cached();
    cached["Entrada"]["published"][stage.external_url()]["app_id"] = stage.client_id().into();
    std::fs::write(home.cache(), cached.to_string()).unwrap();
    let other = report();
    assert!(check(&other, "scope")["finding"].as_str().unwrap().contains("tried, in this order"), "{other:#}");
    assert_eq!(check(&other, "app")["status"], "ok");
}

#[test]
fn where_the_proxy_accepts_no_scope_the_first_is_judged() {
    let broken = Broken::named("which-scope");
    broken.world.sign_in_with(&["--scope", &broken.world.stage.app_id_scope()]);
    broken.world.stage.change_proxy_table(|table| table.audiences = vec![]);
    let report = broken.doctor(&[]).done().expect_code(14).json();
    assert_eq!(with_status(&report, "fail"), ["app"], "{report:#}");
    assert!(check(&report, "app")["finding"].as_str().unwrap().contains("in which all is right"), "{report:#}");
}

#[test]
fn a_private_ca_is_asked_for_and_taken() {
    let broken = Broken::on("private-ca", Stage::builder().public_names(true));
    let (stage, home) = (&broken.world.stage, &broken.world.home);
    let known = home.file("known.pem", stage.ca_pem().unwrap());
    let run = |ca: &std::path::Path| {
        let ca = ca.to_str().unwrap();
        broken.doctor(&["--ca", ca]).var("HTTPS_PROXY", stage.internet_proxy_url().unwrap()).done()
    };
    let report = run(&known).expect_code(7).json();
    assert_eq!(with_status(&report, "fail"), ["tls"], "{report:#}");
    let tls = check(&report, "tls");
    assert!(tls["finding"].as_str().unwrap().contains("issued by nobody whom this system trusts"), "{tls}");
    assert!(tls["remedy"].as_str().unwrap().contains("--ca FILE"), "{tls}");
    assert_eq!(check(&report, "edge")["status"], "skipped");
    assert_eq!(check(&report, "authority")["status"], "ok", "the authority has a known one");

    let both = home.file("both.pem", [stage.ca_pem().unwrap(), stage.private_ca_pem().unwrap()].concat());
    let report = run(&both).expect_code(0).json();
    assert_eq!((&check(&report, "tls")["status"], with_status(&report, "fail").len()), (&"ok".into(), 0), "{report:#}");
}

#[test]
fn what_is_told_on_the_browsers_page_alone_is_explained_from_there() {
    for (name, explanation, remedy) in [
        ("other-account", "AADSTS50020: account_not_in_tenant (policy)", "invited as a guest"),
        ("admin-consent", "AADSTS90094: admin_consent_required (policy)", "administrator to grant"),
    ] {
        let broken = Broken::named(name);
        broken.breaks();
        let args = ["--sign-in", "--flow", "browser", "--no-browser", "--sign-in-timeout", "2"];
        let running = broken.doctor(&args).start();
        let visit = broken.world.stage.visitor().user(&broken.to.user.upn).visit(&running.sign_in_url()).unwrap();
        let report = running.done().expect_code(12).json();
        let token = check(&report, "token");
        assert!(token["finding"].as_str().unwrap().contains("error page"), "{token}");
        assert!(token["remedy"].as_str().unwrap().contains("doctor --code"), "{token}");
        let explained = broken.world.run(&["doctor", "--code", "-"]).input(visit.page).done().expect_code(0).text();
        assert!(explained.contains(explanation) && explained.contains(remedy), "{explained}");
    }
}
