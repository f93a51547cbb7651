//! A dry run prints what a run sends, and sends nothing.

use serde_json::Value;

use super::*;

/// Method, path and body of each request that was printed.
fn printed(office: &Office, text: &str) -> Vec<(String, Value)> {
    let mut lines = text.lines();
    let mut requests = Vec::new();
    while let Some(comment) = lines.next() {
        assert!(comment.starts_with("# "), "{text}");
        let (method, url) = lines.next().unwrap().split_once(' ').unwrap();
        let path = url.strip_prefix(office.graph()).unwrap();
        requests
            .push((format!("{method} {}", without_ids(path)), serde_json::from_str(lines.next().unwrap()).unwrap()));
    }
    requests
}

#[test]
fn a_dry_run_prints_each_request_and_sends_none() {
    let office = Office::new();
    let group = ["--connector-group", "Branch", "--connector", "connector2.contoso.example", "--yes"];
    let kerberos = ["--sso", "kerberos", "--spn", "HTTP/x"];
    let words = [&group[..], &kerberos].concat();
    let dry = office.leaves_all(|| office.publish(&[&words[..], &["--dry-run"]].concat())).expect_code(0);
    let planned = printed(&office, &dry.text());
    office.publish(&words).expect_code(0);
    let sent = office.writes();
    assert_eq!(planned.iter().map(|(shape, _)| shape.clone()).collect::<Vec<_>>(), shapes(&sent));
    assert_eq!(planned[0].1, sent[0].body);
    assert_eq!(planned[3].1, sent[3].body, "publishing needs no id");

    for (step, requests) in [
        (&["register", "--name", "entrada", "--device-code"][..], 2),
        (&["grant", "--app", "Payroll", "--name", "entrada"], 2),
        (&["assign", "--app", "Payroll", "--user", BOB, "--group", "Finance"], 2),
    ] {
        let before = office.writes().len();
        let dry = office.leaves_all(|| office.setup(&[step, &["--dry-run"]].concat())).expect_code(0);
        let json = office.leaves_all(|| office.setup(&[step, &["--dry-run", "--output", "json"]].concat()));
        let json = json.expect_code(0).json();
        office.setup(step).expect_code(0);
        let sent = office.writes().split_off(before);
        let planned = printed(&office, &dry.text());
        assert_eq!(planned.iter().map(|(shape, _)| shape.clone()).collect::<Vec<_>>(), shapes(&sent));
        assert_eq!((sent.len(), json["requests"].as_array().unwrap().len()), (requests, requests), "{step:?}");
        assert_eq!(json["requests"][0]["body"], sent[0].body);
        assert_eq!(json["dry_run"], true);
        let over = office.setup(&[step, &["--dry-run"]].concat()).expect_code(0).says("Nothing is left to do.");
        assert!(over.stdout.is_empty());
    }
}
