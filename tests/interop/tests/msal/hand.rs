//! Those who share a cache file: entrada, and Microsoft's libraries as processes that take orders.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use entrada_interop::finish;
use serde_json::{Value, json};

use crate::{House, LIMIT, node, python, root};

/// What one of them is told to do with the tokens of a client and a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    SignIn,
    Silent,
    Refresh,
    /// As often as one likes: entrada takes a refresh that is forced over and over for a loop.
    RefreshAgain,
    SignOut,
}

/// Whose tokens: a client's, and a user's.
pub(crate) type Pair<'a> = (&'a str, &'a str);

pub(crate) enum Hand {
    Entrada,
    Library { child: Child, orders: ChildStdin, answers: Lines<BufReader<ChildStdout>> },
}

impl Hand {
    /// msal for Python; `None`, and said so, where it is not there.
    pub(crate) fn python(house: &House) -> Option<Self> {
        python("tests/interop/msal/hand.py").map(|script| Self::library(house, script))
    }

    /// msal-node, likewise.
    pub(crate) fn node(house: &House) -> Option<Self> {
        node("tests/interop/msal/hand.mjs").map(|script| Self::library(house, script))
    }

    fn library(house: &House, mut script: Command) -> Self {
        let mut child = script
            .env("AUTHORITY", house.stage.authority_url())
            .env("SCOPE", house.stage.scope())
            .env("CA", house.ca())
            .env("NODE_EXTRA_CA_CERTS", house.ca())
            .env("CACHE", house.cache())
            .current_dir(root().join("tests/interop"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (orders, answers) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self::Library { child, orders, answers: BufReader::new(answers).lines() }
    }

    /// Has the order carried out; the access token, if one came of it.
    pub(crate) fn does(&mut self, house: &House, binary: &Path, order: Order, pair: Pair<'_>) -> Option<String> {
        match self {
            Self::Entrada => entrada(house, binary, order, pair),
            Self::Library { orders, answers, .. } => {
                let what = match order {
                    Order::SignIn => "sign_in",
                    Order::Silent => "silent",
                    Order::Refresh | Order::RefreshAgain => "refresh",
                    Order::SignOut => "sign_out",
                };
                writeln!(orders, "{}", json!({ "do": what, "client": pair.0, "user": pair.1 })).unwrap();
                for line in answers.by_ref().map_while(Result::ok) {
                    if let Some(url) = line.strip_prefix("OPEN ") {
                        house.stage.visitor().user(pair.1).visit(url).unwrap();
                    } else if let Some(answer) = line.strip_prefix("ANSWER ") {
                        let answer: Value = serde_json::from_str(answer).unwrap();
                        assert!(answer.get("error").is_none(), "{order:?} {pair:?}: {answer}");
                        return answer["token"].as_str().map(String::from);
                    }
                }
                panic!("{order:?} {pair:?}: it ended without an answer");
            }
        }
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        if let Self::Library { child, .. } = self {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn entrada(house: &House, binary: &Path, order: Order, (client, user): Pair<'_>) -> Option<String> {
    let arguments: &[&str] = match order {
        Order::SignIn => &["login", "--flow", "browser", "--no-browser", "--sign-in-timeout", "30"],
        Order::Silent => &["token", "--no-input", "--account", user],
        Order::Refresh => &["token", "--no-input", "--refresh", "--account", user],
        Order::RefreshAgain => &["token", "--no-input", "--min-ttl", "7200", "--account", user],
        Order::SignOut => &["logout", "--account", user],
    };
    let mut child = house.entrada_of(client, binary, arguments).spawn().unwrap();
    let mut said = String::new();
    for line in BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok) {
        match line.find("https://").filter(|_| order == Order::SignIn) {
            Some(at) => drop(house.stage.visitor().user(user).visit(line[at..].trim()).unwrap()),
            None => said = said + &line + "\n",
        }
    }
    let output = finish(child, LIMIT);
    // A sign-in is needed.
    let is_refused = matches!(order, Order::Silent | Order::RefreshAgain) && output.status.code() == Some(10);
    assert!(output.status.success() || is_refused, "{order:?} {user}: {} {said}", output.status);
    let text = String::from_utf8(output.stdout).unwrap();
    Some(text.trim().to_owned())
        .filter(|token| matches!(order, Order::Silent | Order::Refresh | Order::RefreshAgain) && !token.is_empty())
}
