//! Carries a plan out: with consent where something is to be changed, and told as it goes.

use std::io::{IsTerminal, stderr, stdin};

use entrada::words::clean;
use serde_json::{Value, json};

use super::graph::Graph;
use super::plan::{Difference, Made, Plan, Write};
use super::refusal::trap;
use crate::failure::{Failure, REFUSED};
use crate::notice::Notice;

/// More rounds than any step makes things in.
const MOST_ROUNDS: u32 = 10;

/// One step of the setup.
pub(super) trait Step {
    /// Reads what is there.
    fn read(&mut self, graph: &Graph<'_>) -> Result<(), Failure>;
    /// The requests that are left: none, once all is as asked for.
    fn plan(&self) -> Result<Plan, Failure>;
    /// Takes note of what was made, which readers may not see yet.
    fn made(&mut self, made: Made, answer: &Value) -> Result<(), Failure>;
    /// What it came to, for programs.
    fn outcome(&self) -> Value;
    /// What the user does next.
    fn next(&self) -> Next;
}

/// What comes next.
#[derive(Clone, Debug)]
pub(super) enum Next {
    /// These commands.
    Commands(Vec<String>),
    /// The app can be called, after these commands where they have not been run.
    Ready { client_id: String, external_url: String, scope: String, first: Vec<String> },
}

/// What was done, and what was there.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) stays: Vec<String>,
    pub(super) done: Vec<Write>,
}

/// May things be changed, and may the user be asked?
#[derive(Clone, Copy, Debug)]
pub(super) struct Leave {
    pub(super) yes: bool,
    pub(super) no_input: bool,
}

/// Reads, and tells what would be sent.
pub(super) fn rehearse(step: &mut dyn Step, graph: &Graph<'_>) -> Result<Plan, Failure> {
    step.read(graph)?;
    step.plan()
}

/// Reads, sends what is left to do, and reads again after each thing that was made.
pub(super) fn carry_out(
    step: &mut dyn Step,
    graph: &Graph<'_>,
    leave: Leave,
    notice: Notice,
) -> Result<Report, Failure> {
    let mut report = Report::default();
    let mut agreed = Vec::new();
    for round in 0..MOST_ROUNDS {
        step.read(graph)?;
        let plan = step.plan()?;
        ask(&plan, &mut agreed, !report.done.is_empty(), leave, notice)?;
        if round == 0 {
            report.stays.clone_from(&plan.stays);
        }
        let mut is_over = true;
        for write in plan.writes {
            let Some(answer) = graph.write(&write)? else {
                report.stays.push(format!("{}, which is not listed yet", write.what));
                continue;
            };
            notice.say(&format!("done: {}", clean(&write.what)));
            let makes = write.makes;
            report.done.push(write);
            if let Some(made) = makes {
                step.made(made, &answer)?;
                is_over = false;
                break;
            }
        }
        if is_over {
            return Ok(report);
        }
    }
    Err(trap("endless", "what was created does not come to an end", "see what is there with entrada setup show"))
}

/// Changes what exists and differs only where the user says so, who is asked once for each difference.
fn ask(plan: &Plan, agreed: &mut Vec<Difference>, is_begun: bool, leave: Leave, notice: Notice) -> Result<(), Failure> {
    let differences: Vec<&Difference> = plan.differences().filter(|one| !agreed.contains(one)).collect();
    let outcome = if is_begun { "what was done so far stays" } else { "nothing was changed" };
    if differences.is_empty() || leave.yes {
        return Ok(());
    }
    for Difference { what, is, to_be } in &differences {
        notice.line(&format!("{}: {} would become {}", clean(what), clean(is), clean(to_be)));
    }
    if leave.no_input || !stdin().is_terminal() || !stderr().is_terminal() {
        let names: Vec<String> = differences.iter().map(|one| clean(&one.what)).collect();
        return Err(trap(
            "differs",
            format!("it is there and differs in: {}; {outcome}", names.join(", ")),
            "run it again with --yes to change it, or with --dry-run to see the requests",
        ));
    }
    notice.line("Change it? [y/N]");
    let mut line = String::new();
    let read = stdin().read_line(&mut line);
    if read.is_ok_and(|count| count > 0) && matches!(line.trim(), "y" | "Y" | "yes") {
        agreed.extend(differences.into_iter().cloned());
        return Ok(());
    }
    Err(Failure::new(REFUSED, "cancelled", outcome.to_owned()))
}

impl Report {
    pub(super) fn to_json(&self, step: &str, outcome: &Value, next: &[String], config: Option<&str>) -> Value {
        let whats =
            |writes: &mut dyn Iterator<Item = &Write>| writes.map(|write| write.what.clone()).collect::<Vec<_>>();
        json!({
            "step": step,
            "outcome": outcome,
            "stayed": self.stays,
            "created": whats(&mut self.done.iter().filter(|write| write.method == "POST")),
            "changed": whats(&mut self.done.iter().filter(|write| write.method != "POST")),
            "next": next,
            "config": config,
        })
    }

    /// The same for people.
    pub(super) fn to_text(&self) -> String {
        let mut text = String::new();
        for what in &self.stays {
            text.push_str(&format!("{:<10} {}\n", "stays", clean(what)));
        }
        for write in &self.done {
            let (verb, rest) = write.what.split_once(' ').unwrap_or((&write.what, ""));
            text.push_str(&format!("{:<10} {}\n", past(verb), clean(rest)));
        }
        if self.done.is_empty() {
            text.push_str("nothing was left to do\n");
        }
        text
    }
}

/// What is to be done, once it has been.
fn past(verb: &str) -> &str {
    match verb {
        "create" => "created",
        "register" => "registered",
        "publish" => "published",
        "add" => "added",
        "allow" => "allowed",
        "assign" => "assigned",
        "consent" => "consented",
        "move" => "moved",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::Version;
    use super::*;
    use crate::args::Color;

    const NOBODY: Leave = Leave { yes: false, no_input: true };

    fn asked(agreed: &[&str], wanted: &[&str], is_begun: bool, leave: Leave) -> Result<(), Failure> {
        let differing = |names: &[&str]| -> Vec<Difference> {
            let one = |name: &&str| Difference::of(name, &"is".into(), &"to be".into());
            names.iter().filter_map(one).collect()
        };
        let write = Write::patch(Version::V1, "applications/x", "change it").differing(differing(wanted));
        let plan = Plan { writes: vec![write], ..Plan::default() };
        ask(&plan, &mut differing(agreed), is_begun, leave, Notice::new(true, 0, Color::Never))
    }

    #[test]
    fn what_was_agreed_to_is_not_asked_again() {
        asked(&["region", "home page"], &["home page"], true, NOBODY).unwrap();
        let failure = asked(&["home page"], &["home page", "region"], true, NOBODY).unwrap_err();
        assert!(failure.message.contains("differs in: region;"), "{}", failure.message);
        asked(&[], &["region"], false, Leave { yes: true, no_input: true }).unwrap();
    }

    #[test]
    fn a_refusal_says_what_has_come_of_it() {
        let said = |is_begun| asked(&[], &["region"], is_begun, NOBODY).unwrap_err().message;
        assert!(said(false).ends_with("; nothing was changed"));
        assert!(said(true).ends_with("; what was done so far stays"));
    }
}
