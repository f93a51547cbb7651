//! What is sent: methods, headers and bodies.

use serde_json::json;

use crate::support::*;

#[test]
fn each_method_is_a_command() {
    let world = World::signed_in();
    for (command, method) in
        [("get", "GET"), ("post", "POST"), ("put", "PUT"), ("patch", "PATCH"), ("delete", "DELETE")]
    {
        let echo = world.done(&[command, &world.url("echo?a=b%20c")]).expect_code(0).json();
        assert_eq!((&echo["method"], &echo["query"]), (&json!(method), &json!([["a", "b c"]])));
        assert_eq!(echo["authorization"]["present"], true);
    }
    let head = world.done(&["head", &world.url("bytes/1000")]).expect_code(0).text();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.contains("content-length: 1000\r\n"), "{head}");
    assert!(head.ends_with("\r\n\r\n"), "a HEAD has no body: {head}");
    let other = world.get("echo", &["-X", "PROPFIND"]).expect_code(0).json();
    assert_eq!(other["method"], "PROPFIND");
    assert_eq!(world.refreshes(), 0);
}

#[test]
fn headers_go_along() {
    let world = World::signed_in();
    let echo = world.get("echo", &["-H", "X-One: 1", "-H", "x-two:2 : 3", "-H", "Accept: text/plain"]).json();
    let headers = &echo["headers"];
    assert_eq!(
        (&headers["x-one"], &headers["x-two"], &headers["accept"]),
        (&json!("1"), &json!("2 : 3"), &json!("text/plain"))
    );
    assert!(headers["user-agent"].as_str().unwrap().starts_with("entrada/"));

    for bad in ["no colon", ": empty", "a b: c", "Authorization: Bearer mine", "host: other.example", "x: a\nb"] {
        let done = world.get("echo", &["-H", bad]).expect_code(2);
        assert!(!done.stderr.contains("mine"), "{}", done.stderr);
    }
    world.get("echo", &["-X", "NO SPACE"]).expect_code(2).says("is not a method");
    assert!(world.stage.requests_at(entrada_authority::Endpoint::App).len() == 1);
}

#[test]
fn a_body_is_text_a_file_or_standard_input() {
    let world = World::signed_in();
    let file = world.home.file("body", "from a file\n");
    let url = world.url("echo");
    let at_file = format!("@{}", file.display());
    let form = "application/x-www-form-urlencoded";
    for (flag, value, body, kind) in [
        ("-d", "a=b&c", "a=b&c", form),
        ("-d", "", "", form),
        ("--data", &at_file, "from a file\n", form),
        ("-d", "@-", "from standard input", form),
        ("--json", "{\"a\": 1}", "{\"a\": 1}", "application/json"),
        ("--json", &at_file, "from a file\n", "application/json"),
        ("--json", "@-", "from standard input", "application/json"),
    ] {
        let echo = world.run(&["post", &url, flag, value]).input("from standard input").done().expect_code(0).json();
        assert_eq!((&echo["body"], &echo["headers"]["content-type"]), (&json!(body), &json!(kind)), "{flag} {value}");
        assert_eq!(echo["headers"]["content-length"], body.len().to_string());
    }
    let echo = world.run(&["post", &url, "-d", "x", "-H", "content-type: text/x"]).done().json();
    assert_eq!(echo["headers"]["content-type"], "text/x", "the user's own wins");
    assert_eq!(world.run(&["post", &url]).done().json()["body_length"], 0);
}

#[test]
fn a_large_file_is_streamed_with_its_length() {
    let world = World::signed_in();
    let file = world.home.file("large", vec![b'l'; 3 * 1024 * 1024]);
    let put = world.done(&["put", &world.url("upload"), "-d", &format!("@{}", file.display())]).expect_code(0);
    assert_eq!(put.json()["received"], 3 * 1024 * 1024);
    let seen = world.stage.requests_at(entrada_authority::Endpoint::Proxy);
    assert_eq!(seen[0].header("content-length"), Some("3145728"));

    // A pipe has no length.
    let piped = world.run(&["post", &world.url("upload"), "-d", "@/dev/stdin"]).input(vec![b'p'; 2_000_000]).done();
    assert_eq!(piped.expect_code(0).json()["received"], 2_000_000);
}

#[test]
fn a_form_has_fields_and_files() {
    let world = World::signed_in();
    let file = world.home.file("photo.png", [0x89, b'P', b'N', b'G', 0, 0xff]);
    let app = Plain::saying("200", "", "");
    let photo = format!("photo=@{}", file.display());
    let run = world.run(&["post", &app.url("/"), "-F", "name=Ada", "-F", &photo, "-F", "note=a=b"]);
    run.done().expect_code(0);
    let seen = &app.seen()[0];
    let boundary = seen.header("content-type").unwrap().strip_prefix("multipart/form-data; boundary=").unwrap();
    let body = &seen.body;
    assert_eq!(seen.header("content-length"), Some(body.len().to_string().as_str()));
    let expected = [
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nAda\r\n").into_bytes(),
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"photo.png\"\r\n")
            .into_bytes(),
        b"Content-Type: application/octet-stream\r\n\r\n\x89PNG\0\xff\r\n".to_vec(),
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\na=b\r\n").into_bytes(),
        format!("--{boundary}--\r\n").into_bytes(),
    ];
    assert_eq!(String::from_utf8_lossy(body), String::from_utf8_lossy(&expected.concat()));
}

#[test]
fn a_body_that_cannot_be_read_is_told_before_anything_is_sent() {
    let world = World::signed_in();
    let url = world.url("echo");
    let folder = world.home.path().display().to_string();
    for (args, word) in [
        (vec!["-d", "@/nowhere/at/all"], "/nowhere/at/all"),
        (vec!["--json", "@/nowhere/at/all"], "/nowhere/at/all"),
        (vec!["-F", "f=@/nowhere/at/all"], "/nowhere/at/all"),
        (vec!["-d", &format!("@{folder}")], "is a folder"),
        (vec!["-F", "nothing"], "name=value"),
        (vec!["-d", "x", "--json", "{}"], "cannot be used with"),
        (vec!["-d", "x", "-F", "a=b"], "cannot be used with"),
    ] {
        world.run(&["post", &url]).args(&args).done().expect_code(2).says(word);
    }
    assert_eq!(world.stage.requests().len(), 0);
}
