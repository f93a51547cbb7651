//! A stage that stays up, for clients that are not in this house.
//!
//! `serve [--https] [--localhost] [--public-names] [--automatic] [--answer] [--break NAME] [--ports AUTHORITY PROXY APP]
//! [--ca FILE]` prints `KEY=VALUE` lines and runs until standard input is closed. With `--answer` each line of standard input is a sign-in URL or a user
//! code, which a built-in user follows or types.

use entrada_authority::{Breakage, SignInMode, Stage, Suggestion};
use std::io::{self, BufRead, Write};

fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut builder = Stage::builder();
    let (mut ca, mut answers, mut breakage) = (None, false, None);
    while let Some(argument) = arguments.next() {
        let mut port = || arguments.next().and_then(|p| p.parse().ok()).ok_or(io::ErrorKind::InvalidInput);
        builder = match argument.as_str() {
            "--https" => builder.https(true),
            "--localhost" => builder.localhost(true),
            "--public-names" => builder.public_names(true),
            "--break" => {
                breakage = arguments.next().as_deref().and_then(Breakage::named);
                breakage.ok_or(io::ErrorKind::InvalidInput)?.prepare(builder)
            }
            "--automatic" => builder.sign_in(SignInMode::Automatic),
            "--ports" => builder.ports(port()?, port()?, port()?),
            "--ca" => {
                ca = arguments.next();
                builder
            }
            "--answer" => {
                answers = true;
                builder
            }
            other => return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("what is {other}?"))),
        };
    }
    let stage = builder.start()?;
    let suggestion = breakage.map_or_else(
        || Suggestion::sound(&stage),
        |breakage| {
            breakage.apply(&stage);
            breakage.suggestion(&stage)
        },
    );
    let mut out = io::stdout().lock();
    writeln!(out, "AUTHORITY={}", suggestion.authority)?;
    writeln!(out, "CLIENT_ID={}", suggestion.client_id)?;
    if let Some(scope) = &suggestion.scope {
        writeln!(out, "SCOPE={scope}")?;
    }
    writeln!(out, "EXTERNAL_URL={}", stage.external_url())?;
    if let Some(proxy) = stage.internet_proxy_url() {
        writeln!(out, "HTTPS_PROXY={proxy}")?;
    }
    if let Some(pem) = stage.ca_pem() {
        let path = ca.unwrap_or_else(|| {
            let name = format!("entrada-ca-{}.pem", std::process::id());
            std::env::temp_dir().join(name).to_string_lossy().into_owned()
        });
        std::fs::write(&path, pem)?;
        writeln!(out, "CA={path}")?;
    }
    for user in stage.users() {
        writeln!(out, "# {} / {}", user.upn, user.password)?;
    }
    writeln!(out, "READY=1")?;
    out.flush()?;

    for line in io::stdin().lock().lines() {
        let line = line?;
        if !answers || line.trim().is_empty() {
            continue;
        }
        let visitor = stage.visitor().user(&suggestion.user.upn);
        let visit =
            if line.contains("://") { visitor.visit(line.trim()) } else { visitor.enter_user_code(line.trim()) };
        match visit {
            Ok(visit) => writeln!(out, "VISITED={}", visit.titles.join(" > "))?,
            Err(e) => writeln!(out, "FAILED={e}")?,
        }
        out.flush()?;
    }
    Ok(())
}
