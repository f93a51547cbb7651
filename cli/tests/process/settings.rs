//! Who has the last word: a flag, a variable, the user's file, and in it the app's section, the profile's, the rest.

use std::fs;

use crate::support::*;

/// A home in which nothing but the authority is said.
fn home() -> Home {
    Home::with(&[("ENTRADA_AUTHORITY", "http://127.0.0.1:9/t")])
}

/// The client id that counts, by what the sign-in URL shows.
fn client_id(run: Run) -> String {
    let args = ["--flow", "browser", "--no-browser", "--sign-in-timeout", "1", "--scope", "https://h//x"];
    let running = run.args(&args).start();
    let url = running.sign_in_url();
    running.done().expect_code(12);
    url.split("client_id=").nth(1).unwrap().split('&').next().unwrap().to_owned()
}

#[test]
fn the_nearest_word_wins() {
    let home = home();
    home.config(
        "client_id = \"file\"\n[profile.work]\nclient_id = \"profile\"\n[app.\"https://h/hr/\"]\nclient_id = \"app\"\n",
    );
    let table: [(&[&str], Option<&str>, &str); 8] = [
        (&["login"], None, "file"),
        (&["login", "--profile", "work"], None, "profile"),
        (&["login", "https://h/hr/x", "--profile", "work"], None, "app"),
        (&["login", "https://h/hr/x"], None, "app"),
        (&["login", "https://h/other"], None, "file"),
        (&["login", "https://h/hr/x"], Some("variable"), "variable"),
        (&["login", "https://h/hr/x", "--client-id", "flag"], Some("variable"), "flag"),
        (&["login", "--client-id", "flag"], None, "flag"),
    ];
    std::thread::scope(|scope| {
        for (args, variable, expected) in table {
            let run = home.run(args);
            let run = match variable {
                Some(value) => run.var("ENTRADA_CLIENT_ID", value),
                None => run,
            };
            scope.spawn(move || assert_eq!(client_id(run), expected, "{args:?}"));
        }
        let run = home.run(&["login"]).var("ENTRADA_PROFILE", "work");
        scope.spawn(move || assert_eq!(client_id(run), "profile"));
        let run = home.run(&["login"]).var("ENTRADA_CLIENT_ID", "");
        scope.spawn(move || assert_eq!(client_id(run), "file", "an empty variable says nothing"));
    });
}

#[test]
fn the_longest_prefix_of_the_url_wins() {
    let home = home();
    home.config(
        "[app.\"https://h/\"]\nclient_id = \"host\"\n[app.\"https://h/hr\"]\nclient_id = \"hr\"\n\
         [app.\"https://h/hr/deep/\"]\nclient_id = \"deep\"\n",
    );
    std::thread::scope(|scope| {
        for (url, expected) in [
            ("https://h", "host"),
            ("https://h/x", "host"),
            ("https://h/hrx", "host"),
            ("https://h/hr", "hr"),
            ("https://h/hr?q", "hr"),
            ("https://h/hr/deeper", "hr"),
            ("https://h/hr/deep/x", "deep"),
        ] {
            let run = home.run(&["login", url]);
            scope.spawn(move || assert_eq!(client_id(run), expected, "{url}"));
        }
    });
    home.run(&["token", "https://h.evil/hr", "--scope", "s"]).done().expect_code(15).says("no client id");
}

#[test]
fn the_files_place_is_where_xdg_says() {
    let home = home();
    let elsewhere = home.file("elsewhere/entrada/config.toml", "client_id = \"elsewhere\"");
    let folder = elsewhere.parent().unwrap().parent().unwrap();
    assert_eq!(client_id(home.run(&["login"]).var("XDG_CONFIG_HOME", folder)), "elsewhere");
    home.run(&["token"]).var("XDG_CONFIG_HOME", "elsewhere").done().expect_code(15);

    let state = home.path().join("state");
    let world = World::new();
    let run = world.run(&["login", "--flow", "browser", "--no-browser"]).var("XDG_STATE_HOME", &state);
    let running = run.start();
    world.visit(&running.sign_in_url());
    running.done().expect_code(0);
    assert!(state.join("entrada/tokens.json").is_file());
    let run = world.run(&["token"]).without_var("HOME").done();
    run.fails(16, "no home directory", "--cache");
    let cache = state.join("entrada/tokens.json").display().to_string();
    world.run(&["token", "--cache", &cache]).without_var("HOME").done().expect_code(0);
    world.run(&["token"]).without_var("HOME").var("ENTRADA_CACHE", &cache).done().expect_code(0);
}

#[test]
fn everything_that_a_flag_can_say_a_file_can_say() {
    let world = World::new();
    let cache = world.home.path().join("mine.json").display().to_string();
    world.home.config(&format!(
        "client_id = {:?}\nauthority = {:?}\nscope = {:?}\ncache = {cache:?}\nno_browser = true\nflow = \"browser\"\n\
         sign_in_timeout = 42\nlogin_hint_is_not_one = 1",
        world.stage.client_id(),
        world.stage.authority_url(),
        world.stage.scope(),
    ));
    let bare = |args: &[&str]| {
        let run = world.run(args);
        ["ENTRADA_CLIENT_ID", "ENTRADA_AUTHORITY", "ENTRADA_SCOPE"].into_iter().fold(run, Run::without_var)
    };
    bare(&["login"]).done().expect_code(15).says("login_hint_is_not_one");
    let path = world.home.path().join(".config/entrada/config.toml");
    let text = fs::read_to_string(&path).unwrap().replace("login_hint_is_not_one = 1", "");
    fs::write(&path, text).unwrap();
    let running = bare(&["login"]).start();
    running.line_with("Waiting up to 42 seconds");
    world.visit(&running.sign_in_url());
    running.done().expect_code(0);
    assert!(fs::metadata(&cache).unwrap().is_file());
    assert_eq!(bare(&["get", &world.url("api/me")]).done().expect_code(0).json()["name"], "Ada Lovelace");
}

#[test]
fn a_scope_is_taken_verbatim_and_several_are_taken_together() {
    let world = World::new();
    let scopes = ["https://h//a%20b", "https://h//c/"];
    let run = world.run(&["login", "--flow", "browser", "--no-browser", "--sign-in-timeout", "1"]);
    let running = run.args(&["--scope", scopes[0], "--scope", scopes[1]]).start();
    let url = url::Url::parse(&running.sign_in_url()).unwrap();
    let scope = url.query_pairs().find(|(name, _)| name == "scope").unwrap().1.into_owned();
    assert!(scope.starts_with("https://h//a%20b https://h//c/ "), "{scope}");
    running.done().expect_code(12);
}

#[test]
fn what_a_file_says_wrongly_is_named() {
    for (text, word) in [
        ("clientid = \"x\"", "clientid"),
        ("[profile.a]\nnope = 1", "nope"),
        ("[app.\"https://h/\"]\nnope = 1", "nope"),
        ("tenant = 5", "tenant"),
        ("[", "config.toml"),
        ("flow = \"fax\"", "browser, device, paste"),
        ("store = \"clay\"", "file, memory"),
        ("sign_in_timeout = -1", "sign_in_timeout"),
        ("client_id = \"a\"\nclient_id = \"b\"", "duplicate key"),
    ] {
        let home = home();
        let path = home.config(text);
        let done = home.run(&["token", "--scope", "s", "--client-id", "c"]).done().expect_code(15).says(word);
        assert!(done.stderr.contains("config.toml") || done.stderr.contains("it can be"), "{}", done.stderr);
        assert_eq!(fs::read_to_string(path).unwrap(), text);
    }
    let home = home();
    home.config("");
    home.run(&["token", "--profile", "nowhere"]).done().expect_code(15).says("[profile.nowhere]");
    for (name, value) in [
        ("ENTRADA_NO_INPUT", "perhaps"),
        ("ENTRADA_FLOW", "fax"),
        ("ENTRADA_STORE", "clay"),
        ("ENTRADA_CLOUD", "seven"),
        ("ENTRADA_SIGN_IN_TIMEOUT", "soon"),
    ] {
        home.run(&["token"]).var(name, value).done().expect_code(15).says(name).says(value);
    }
    fs::remove_file(home.path().join(".config/entrada/config.toml")).unwrap();
    fs::create_dir(home.path().join(".config/entrada/config.toml")).unwrap();
    home.run(&["token"]).done().expect_code(15).says("cannot be read");
}

#[test]
fn an_administrators_file_is_for_what_the_user_does_not_say() {
    let home = home();
    let system =
        home.file("system.toml", "client_id = \"system\"\n[app.\"https://h/hr/\"]\nclient_id = \"system-app\"\n");
    if !home.can_be_administered() {
        return;
    }
    let tried = ["--flow", "browser", "--no-browser", "--sign-in-timeout", "1", "--scope", "https://h//x"];
    let client_id = |args: &[&str]| {
        let args: Vec<&str> = args.iter().copied().chain(tried).collect();
        let running = home.administered(&args).start();
        let url = running.sign_in_url();
        running.done().expect_code(12);
        url.split("client_id=").nth(1).unwrap().split('&').next().unwrap().to_owned()
    };
    assert_eq!(client_id(&["login"]), "system");
    assert_eq!(client_id(&["login", "https://h/hr/x"]), "system-app");
    home.config("client_id = \"user\"");
    assert_eq!(client_id(&["login", "https://h/hr/x"]), "user", "the user's file goes first, whatever its section");
    std::fs::write(&system, "nope = 1").unwrap();
    home.administered(&["token"]).done().expect_code(15).says("/etc/entrada/config.toml").says("nope");
}
