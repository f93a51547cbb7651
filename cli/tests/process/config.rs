//! `entrada config`: what holds and who says so, and the user's file changed with all else in it kept.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::*;

const FILE: &str = "\
# Of Contoso's network team.
client_id = \"old\" # the native one

# Which tenant, they know.
tenant = 'contoso.example'

# Human resources
[app.\"https://H.example/hr\"] # not payroll
scope = [
    \"https://h//a\", # first
]
account = \"ada\"

[profile.work]
no_input = true
";

fn home() -> Home {
    Home::with(&[])
}

fn config(home: &Home, args: &[&str]) -> Run {
    home.run(&["config"]).args(args)
}

fn users_file(home: &Home) -> PathBuf {
    home.path().join(".config/entrada/config.toml")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// What a change to a file makes of it.
#[track_caller]
fn changed(file: &str, args: &[&str]) -> String {
    let home = home();
    let path = home.config(file);
    let done = config(&home, args).done().expect_code(0);
    assert_eq!(done.text(), "", "standard output is for answers");
    fs::read_to_string(path).unwrap()
}

#[test]
fn a_setting_goes_into_a_new_file_for_the_user_alone() {
    let home = home();
    let path = users_file(&home);
    let shown = path.display().to_string();
    assert_eq!(config(&home, &["path"]).done().expect_code(0).text(), format!("{shown}\n"));
    assert!(!path.exists());
    let done = config(&home, &["set", "client_id", "mine"]).done().expect_code(0);
    assert_eq!((done.text(), done.stderr), (String::new(), format!("Set client_id = \"mine\" in {shown}.\n")));
    assert_eq!(fs::read_to_string(&path).unwrap(), "client_id = \"mine\"\n");
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    assert_eq!(config(&home, &["get", "client_id"]).done().expect_code(0).text(), "mine\n");
    assert_eq!(config(&home, &["set", "-q", "tenant", "t"]).done().expect_code(0).stderr, "");
    config(&home, &["unset", "client_id"]).done().expect_code(0).says("Took client_id out");
    config(&home, &["get", "client_id"]).done().fails(1, "client_id is not set", "entrada config list");
    config(&home, &["unset", "client_id"]).done().expect_code(0).says("client_id is not set in");
    assert_eq!(fs::read_to_string(&path).unwrap(), "tenant = \"t\"\n");
    let left: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["config.toml"]);
}

#[test]
fn the_place_is_where_xdg_says_and_the_systems_is_told_too() {
    let home = home();
    let elsewhere = home.path().join("elsewhere");
    let run = |args: &[&str]| config(&home, args).var("XDG_CONFIG_HOME", &elsewhere);
    run(&["set", "client_id", "there"]).done().expect_code(0);
    assert!(elsewhere.join("entrada/config.toml").is_file() && !users_file(&home).exists());
    assert_eq!(config(&home, &["path", "--system"]).done().expect_code(0).text(), "/etc/entrada/config.toml\n");
    config(&home, &["path"]).without_var("HOME").done().fails(15, "no home directory", "XDG_CONFIG_HOME");
    config(&home, &["set", "ca", "x"]).without_var("HOME").done().fails(15, "no home directory", "XDG_CONFIG_HOME");
}

#[test]
fn comments_and_order_are_kept() {
    let with = |old: &str, new: &str| FILE.replacen(old, new, 1);
    assert_eq!(changed(FILE, &["set", "client_id", "new"]), with("\"old\" #", "\"new\" #"));
    assert_eq!(
        changed(FILE, &["set", "store", "file"]),
        with("'contoso.example'\n", "'contoso.example'\nstore = \"file\"\n")
    );
    assert_eq!(
        changed(FILE, &["set", "scope", "https://h//b", "--app", "https://h.example:443/hr"]),
        with("[\n    \"https://h//a\", # first\n]", "\"https://h//b\""),
        "a URL has one section, however it is spelt"
    );
    assert_eq!(
        changed(FILE, &["set", "no_browser", "true", "--profile", "work"]),
        format!("{FILE}no_browser = true\n")
    );
    assert_eq!(changed(FILE, &["unset", "client_id"]), with("client_id = \"old\" # the native one\n", ""));
    assert_eq!(
        changed(FILE, &["unset", "scope", "--app", "https://h.example/hr"]),
        with("scope = [\n    \"https://h//a\", # first\n]\n", "")
    );
    for args in [&["unset", "flow"][..], &["unset", "tenant", "--app", "https://else.example/"]] {
        assert_eq!(changed(FILE, args), FILE);
    }
    assert_eq!(
        changed("tenant = \"t\"", &["set", "ca", "c"]),
        "tenant = \"t\"\nca = \"c\"\n",
        "a last line without end"
    );
}

#[test]
fn sections_come_and_go() {
    let url = ["--app", "https://h.example/hr/"];
    let section = "[app.\"https://h.example/hr/\"]\naccount = \"bob\"\n";
    let home = home();
    let path = users_file(&home);
    config(&home, &["set", "account", "bob"]).args(&url).done().expect_code(0).says("[app.\"https://h.example/hr/\"]");
    assert_eq!(fs::read_to_string(&path).unwrap(), section);
    let account = |args: &[&str]| config(&home, &["get", "account"]).args(args).done();
    assert_eq!(account(&["--app", "https://h.example/hr/x?q"]).expect_code(0).text(), "bob\n");
    account(&["--app", "https://h.example/payroll"]).expect_code(1);
    account(&[]).expect_code(1);
    config(&home, &["set", "account", "eve", "--profile", "guest"]).done().expect_code(0);
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{section}\n[profile.guest]\naccount = \"eve\"\n"));
    assert_eq!(account(&["--profile", "guest"]).expect_code(0).text(), "eve\n");
    account(&["--profile", "nobody"]).expect_code(15).says("[profile.nobody]");
    // One that is empty would hide one for a shorter prefix.
    config(&home, &["unset", "account", "--profile", "guest"]).done().expect_code(0);
    assert_eq!(fs::read_to_string(&path).unwrap(), section);
    config(&home, &["unset", "account"]).args(&url).done().expect_code(0);
    assert_eq!(fs::read_to_string(&path).unwrap(), "");

    // However a section is written.
    let dotted =
        "app.\"https://h.example/\".account = \"ada\"\nprofile = { work = { account = \"eve\", flow = \"device\" } }\n";
    let app = ["--app", "https://h.example/"];
    let set = |args: &[&str], more: &[&str]| changed(dotted, &[args, more].concat());
    assert_eq!(set(&["set", "account", "bob"], &app), dotted.replace("ada", "bob"));
    assert!(set(&["set", "flow", "paste"], &app).contains("\napp.\"https://h.example/\".flow = \"paste\"\n"));
    assert_eq!(set(&["unset", "account"], &app), dotted.lines().nth(1).unwrap().to_owned() + "\n");
    let profile = ["--profile", "work"];
    assert_eq!(set(&["set", "flow", "paste"], &profile), dotted.replace("device", "paste"));
    assert!(!set(&["unset", "account"], &profile).contains("eve"));
    assert!(set(&["set", "flow", "paste"], &["--profile", "new"]).contains("new = { flow = \"paste\" }"));
}

#[test]
fn a_value_is_of_the_kind_that_the_reader_takes() {
    let home = home();
    for (key, values, written) in [
        ("client_id", &["5"][..], "client_id = \"5\""),
        ("account", &["true"], "account = \"true\""),
        ("no_input", &["true"], "no_input = true"),
        ("no_browser", &["false"], "no_browser = false"),
        ("sign_in_timeout", &["42"], "sign_in_timeout = 42"),
        ("flow", &["device"], "flow = \"device\""),
        ("cloud", &["usgov"], "cloud = \"usgov\""),
        ("scope", &["https://h//a%20b"], "scope = \"https://h//a%20b\""),
        ("cache", &["/tmp/a b.json"], "cache = \"/tmp/a b.json\""),
    ] {
        config(&home, &["set", key]).args(values).done().expect_code(0);
        let text = fs::read_to_string(users_file(&home)).unwrap();
        assert!(text.contains(&format!("{written}\n")), "{key}: {text}");
        assert_eq!(config(&home, &["get", key]).done().expect_code(0).text(), format!("{}\n", values[0]));
    }
    let quoted = "it's \"here\" \\ $HOME";
    config(&home, &["set", "account", quoted]).done().expect_code(0);
    assert_eq!(config(&home, &["get", "account"]).done().expect_code(0).text(), format!("{quoted}\n"));
    config(&home, &["set", "scope", "https://h//a", "https://h//b/"]).done().expect_code(0);
    assert_eq!(config(&home, &["get", "scope"]).done().expect_code(0).text(), "https://h//a\nhttps://h//b/\n");
}

#[test]
fn what_cannot_be_read_is_not_written() {
    let home = home();
    let path = home.config(FILE);
    for (args, words) in [
        (&["set", "clientid", "x"][..], "client_id, tenant, authority, oidc"),
        (&["get", "nope"], "sign_in_timeout, store, cache, ca"),
        (&["unset", "app"], "client_id, tenant"),
        (&["set", "client_id"], "<VALUE>"),
        (&["set", "client_id", "a", "b"], "client_id cannot be [\"a\", \"b\"]"),
        (&["set", "flow", "fax"], "browser, device, paste"),
        (&["set", "store", "clay"], "auto, keyring, file, memory"),
        (&["set", "cloud", "seven", "--app", "https://h/"], "public, usgov, china"),
        (&["set", "no_input", "perhaps"], "expected a boolean"),
        (&["set", "sign_in_timeout", "soon"], "expected u64"),
        (&["set", "sign_in_timeout", "-1"], "expected u64"),
        (&["set", "ca", "x", "--app", "h.example"], "should begin with https://"),
        (&["set", "ca", "x", "--app", "http://h.example/"], "not https"),
        (&["set", "ca", "x", "--app", "https://h.example/?q"], "no query"),
        (&["set", "ca", "x", "--app", "https://h.example/", "--profile", "work"], "profile's or an app's"),
        (&["get", "ca", "--app", "h.example"], "should begin with https://"),
    ] {
        let done = config(&home, args).done().expect_code(2).says(words);
        assert_eq!(done.text(), "");
        assert_eq!(fs::read_to_string(&path).unwrap(), FILE, "{args:?}");
    }
    let error = config(&home, &["set", "flow", "fax", "--json-errors"]).done().expect_code(2).json_error();
    assert_eq!((&error["code"], &error["kind"]), (&json!(2), &json!("usage")));
}

#[test]
fn a_broken_file_is_left_alone() {
    for (text, word) in [
        ("tenant = \"t\"\nclient_id = [", "line 2"),
        ("ca = 1\nca = 2", "duplicate"),
        ("[profile.a]\nnope = 1", "nope"),
    ] {
        let home = home();
        let path = home.config(text);
        for args in [&["set", "ca", "x"][..], &["get", "ca"], &["list"]] {
            config(&home, args).done().expect_code(15).says("config.toml").says(word);
        }
        if word != "nope" {
            config(&home, &["unset", "ca"]).done().expect_code(15).says("config.toml").says(word);
        }
        assert_eq!(fs::read_to_string(path).unwrap(), text);
    }
    // A bad value can be taken out again.
    assert_eq!(changed("flow = \"fax\"\nca = \"c\"\n", &["unset", "flow"]), "ca = \"c\"\n");
    let home = home();
    fs::create_dir_all(users_file(&home)).unwrap();
    config(&home, &["set", "ca", "x"]).done().expect_code(15).says("cannot be read");
}

#[test]
fn where_nothing_can_be_written_it_says_so() {
    let home = home();
    home.file("taken", "");
    // Nobody makes a folder in /proc, not even root.
    let cannot = |run: Run| run.done().fails(1, "cannot be written", "folder");
    cannot(config(&home, &["set", "ca", "x"]).var("XDG_CONFIG_HOME", "/proc"));
    symlink("nowhere/config.toml", home.file(".config/entrada/x", "").with_file_name("config.toml")).unwrap();
    cannot(config(&home, &["set", "ca", "x"]));
    assert!(users_file(&home).is_symlink());
}

#[test]
fn a_link_and_a_mode_stay() {
    let home = home();
    let real = home.file("dotfiles/entrada.toml", "ca = \"c\"\n");
    fs::set_permissions(&real, fs::Permissions::from_mode(0o644)).unwrap();
    fs::create_dir_all(users_file(&home).parent().unwrap()).unwrap();
    symlink(&real, users_file(&home)).unwrap();
    config(&home, &["set", "ca", "d"]).done().expect_code(0);
    config(&home, &["set", "tenant", "t"]).done().expect_code(0);
    assert!(users_file(&home).is_symlink());
    assert_eq!((fs::read_to_string(&real).unwrap().as_str(), mode(&real)), ("ca = \"d\"\ntenant = \"t\"\n", 0o644));
}

#[test]
fn what_wins_over_it_is_told() {
    let home = home();
    home.config(
        "authority = \"https://login.example/t\"\n[profile.work]\naccount = \"ada\"\n\
         [app.\"https://h/hr/\"]\naccount = \"bob\"\n[app.\"https://h/hr/x/\"]\naccount = \"eve\"\n",
    );
    let set = |args: &[&str]| config(&home, &["set"]).args(args);
    let done = set(&["client_id", "a"]).var("ENTRADA_CLIENT_ID", "b").done().expect_code(0);
    assert!(done.stderr.ends_with("warning: client_id by ENTRADA_CLIENT_ID wins over it\n"), "{}", done.stderr);
    set(&["client_id", "a", "--client-id", "c"]).done().expect_code(0).says("client_id by --client-id wins over it");
    set(&["tenant", "t"]).done().expect_code(0).says("authority by ").says("config.toml wins over it");
    let own = |done: Done| {
        let lines = done.expect_code(0).stderr.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
        lines.into_iter().filter_map(|line| Some(line.split_once(" has its own")?.0.to_owned())).collect::<Vec<_>>()
    };
    let apps = ["warning: [app.\"https://h/hr/\"]", "warning: [app.\"https://h/hr/x/\"]"];
    assert_eq!(own(set(&["account", "x"]).done()), ["warning: [profile.work]", apps[0], apps[1]]);
    assert_eq!(own(set(&["account", "x", "--profile", "work"]).done()), apps);
    assert_eq!(own(set(&["account", "x", "--app", "https://h/hr/"]).done()), [apps[1]]);
    let done = set(&["account", "x", "--app", "https://h/hr/x/"]).done().expect_code(0);
    assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
    // A profile that a variable names is for calls, and wins in them.
    let done = set(&["account", "y"]).var("ENTRADA_PROFILE", "work").done().expect_code(0);
    done.says("account by ").says("[profile.work] wins over it");
    let text = fs::read_to_string(users_file(&home)).unwrap();
    let top: Vec<&str> = text.lines().take_while(|line| !line.starts_with('[')).collect();
    assert_eq!(top[1..], ["client_id = \"a\"", "tenant = \"t\"", "account = \"y\""]);
}

#[test]
fn every_setting_is_listed_with_where_it_comes_from() {
    let home = home();
    let list = |args: &[&str]| config(&home, &["list"]).args(args);
    let done = list(&[]).done().expect_code(0).says("config.toml (there is none)");
    assert_eq!(done.text(), "");
    let path = home.config(FILE).display().to_string();
    let url = ["--app", "https://h.example/hr/x", "--profile", "work"];
    let told = list(&url).args(&["--client-id", "flag"]).var("ENTRADA_FLOW", "paste").done().expect_code(0);
    assert!(told.stderr.starts_with(&format!("The user's file: {path}\n")), "{}", told.stderr);
    let text = told.text();
    let first: Vec<&str> = text.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(first, ["KEY", "client_id", "tenant", "scope", "account", "flow", "no_input"]);
    let app = "[app.\"https://H.example/hr\"]";
    for (key, value, from) in [
        ("client_id", "flag", "--client-id"),
        ("tenant", "contoso.example", &path),
        ("scope", "https://h//a", &format!("{path} {app}")),
        ("account", "ada", &format!("{path} {app}")),
        ("flow", "paste", "ENTRADA_FLOW"),
        ("no_input", "true", &format!("{path} [profile.work]")),
    ] {
        let line = text.lines().find(|line| line.starts_with(&format!("{key} "))).unwrap();
        let rest = line[key.len()..].trim_start().strip_prefix(value).unwrap();
        assert_eq!(rest.trim_start(), from, "{line}");
    }

    let json = list(&url).args(&["--output", "json"]).var("ENTRADA_FLOW", "paste").done().expect_code(0).json();
    let of = |key: &str| -> Value {
        json["settings"].as_array().unwrap().iter().find(|one| one["key"] == key).unwrap().clone()
    };
    assert_eq!(
        of("scope"),
        json!({"key": "scope", "value": ["https://h//a"], "source": "user", "origin": path, "section": app})
    );
    assert_eq!(
        of("flow"),
        json!({"key": "flow", "value": "paste", "source": "variable", "origin": "ENTRADA_FLOW", "section": null})
    );
    assert_eq!((&of("no_input")["value"], &of("no_input")["section"]), (&json!(true), &json!("[profile.work]")));
    assert_eq!(json["files"][0], json!({"owner": "user", "path": path, "exists": true}));
}

#[test]
fn an_administrators_file_is_shown_and_never_written() {
    let home = home();
    let system = home.file("system.toml", "client_id = \"system\"\n");
    if !home.can_be_administered() {
        return;
    }
    assert_eq!(home.administered(&["config", "get", "client_id"]).done().expect_code(0).text(), "system\n");
    let json = home.administered(&["config", "list", "--output", "json"]).done().expect_code(0).json();
    let one = &json["settings"][0];
    assert_eq!((&one["source"], &one["origin"]), (&json!("system"), &json!("/etc/entrada/config.toml")));
    assert_eq!((&json["files"][0]["exists"], &json["files"][1]["exists"]), (&json!(false), &json!(true)));
    home.administered(&["config", "unset", "client_id"]).done().expect_code(0).says("not set in");
    home.administered(&["config", "set", "client_id", "mine"]).done().expect_code(0);
    assert_eq!(home.administered(&["config", "get", "client_id"]).done().expect_code(0).text(), "mine\n");
    assert_eq!(fs::read_to_string(system).unwrap(), "client_id = \"system\"\n");
}

#[test]
fn what_is_set_is_what_a_call_goes_by() {
    let world = World::new();
    let run = |args: &[&str]| {
        let run = world.run(args);
        ["ENTRADA_CLIENT_ID", "ENTRADA_AUTHORITY", "ENTRADA_SCOPE"].into_iter().fold(run, Run::without_var)
    };
    let url = world.url("api/me");
    run(&["config", "set", "client_id", world.stage.client_id()]).done().expect_code(0);
    run(&["config", "set", "authority", &world.stage.authority_url()]).done().expect_code(0);
    run(&["config", "set", "scope", &world.stage.scope(), "--app", world.stage.external_url()]).done().expect_code(0);
    let running = run(&["login", &url, "--flow", "browser", "--no-browser"]).start();
    world.visit(&running.sign_in_url());
    running.done().expect_code(0);
    assert_eq!(run(&["get", &url]).done().expect_code(0).json()["name"], "Ada Lovelace");
}

#[test]
fn changes_at_the_same_time_are_all_made() {
    const CROWD: usize = 24;
    let home = home();
    let old: String = (0..CROWD).map(|number| format!("[profile.old{number}]\naccount = \"a\"\n")).collect();
    let path = home.config(&format!("# Ours\n{old}"));
    let runs = (0..CROWD).flat_map(|number| {
        let [old, new] = ["old", "new"].map(|name| format!("{name}{number}"));
        let (set, unset) = (config(&home, &["set", "account", &new]), config(&home, &["unset", "account"]));
        [set.args(&["--profile", &new]).start(), unset.args(&["--profile", &old]).start()]
    });
    for running in runs.collect::<Vec<_>>() {
        running.done().expect_code(0);
    }
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("# Ours\n") && !text.contains("old"), "{text}");
    let missing: Vec<_> = (0..CROWD).filter(|number| !text.contains(&format!("account = \"new{number}\"\n"))).collect();
    assert!(missing.is_empty(), "{missing:?} of {CROWD} in {text}");
    let left: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["config.toml"]);
}
