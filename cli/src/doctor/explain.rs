//! `entrada doctor --code`: what an error of the authority's means.

use std::io::{Read, stdin};
use std::process::ExitCode;

use entrada::protocol::aadsts::{self, Explanation, Matter};
use serde_json::{Value, json};

use super::args::DoctorOutput;
use super::check::ERROR_CODES;
use crate::answer;
use crate::failure::Failure;

/// No page or message is longer.
const MOST_BYTES: u64 = 1 << 20;

/// Explains a number, all numbers in a text, or those in the text on standard input.
pub(super) fn run(code: &str, output: DoctorOutput) -> Result<ExitCode, Failure> {
    let text = match code {
        "-" => {
            let mut bytes = Vec::new();
            let read = stdin().take(MOST_BYTES).read_to_end(&mut bytes);
            read.map_err(|error| Failure::usage(format!("standard input cannot be read: {error}")))?;
            String::from_utf8_lossy(&bytes).into_owned()
        }
        code => code.to_owned(),
    };
    let numbers = numbers(&text);
    if numbers.is_empty() {
        return Err(Failure::usage("there is no number of an error in it".to_owned())
            .with_remedy("give it as AADSTS50011 or 50011, or the whole message"));
    }
    let known = numbers.iter().map(|number| (*number, aadsts::explain(*number)));
    match output {
        DoctorOutput::Json => {
            let errors: Vec<Value> = known.map(|(number, known)| as_json(number, known)).collect();
            answer::print_line(&json!({ "errors": errors }).to_string())?;
        }
        DoctorOutput::Text => {
            let texts: Vec<String> = known.map(|(number, known)| as_text(number, known)).collect();
            answer::print_line(&texts.join("\n"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A bare number, or those that a text names.
fn numbers(text: &str) -> Vec<u32> {
    match text.trim().parse() {
        Ok(number) => vec![number],
        Err(_) => aadsts::numbers_in(&text.replace("aadsts", "AADSTS")),
    }
}

fn as_text(number: u32, known: Option<Explanation>) -> String {
    let page = page(number);
    match known {
        Some(known) => format!(
            "AADSTS{number}: {} ({})\n  help: {}\n  see: {page}, {ERROR_CODES}",
            known.kind,
            who(known.matter),
            known.remedy
        ),
        None => format!("AADSTS{number}: not known here\n  see: {page}, {ERROR_CODES}"),
    }
}

fn as_json(number: u32, known: Option<Explanation>) -> Value {
    json!({
        "code": number,
        "kind": known.map(|known| known.kind),
        "matter": known.map(|known| who(known.matter)),
        "remedy": known.map(|known| known.remedy),
        "documentation": page(number),
    })
}

/// The authority's own page on a number.
fn page(number: u32) -> String {
    format!("https://login.microsoftonline.com/error?code={number}")
}

const fn who(matter: Matter) -> &'static str {
    match matter {
        Matter::Configuration => "configuration",
        Matter::Policy => "policy",
        Matter::SignIn => "sign-in",
        Matter::Declined => "declined",
        Matter::Passing => "passing",
        _ => "other",
    }
}
