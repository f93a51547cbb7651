//! What goes wrong in the field, each to be had by its name: the registrations, the directory, the edge and what is
//! behind it, broken in the one way that users report.

mod behind;
mod edge;
mod registration;
mod sign_in;

use crate::directory::User;
use crate::{Stage, StageBuilder};
use std::{fmt, io};

/// One way in which it does not work.
///
/// ```
/// use entrada_authority::{Breakage, Stage};
///
/// let breakage = Breakage::named("missing-slash").expect("it is in the list");
/// let stage = breakage.start(Stage::builder())?;
/// assert_eq!(breakage.suggestion(&stage).scope, Some(stage.one_slash_scope()));
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Breakage {
    name: &'static str,
    rows: &'static [u8],
    like: &'static str,
    prepare: fn(StageBuilder) -> StageBuilder,
    apply: fn(&Stage),
    suggest: fn(&Stage, &mut Suggestion),
}

/// A stage on which nothing is broken.
const SOUND: Breakage =
    Breakage { name: "", rows: &[], like: "", prepare: |builder| builder, apply: |_| (), suggest: |_, _| () };

/// With what and how a client sees a breakage.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Suggestion {
    /// The client id to use.
    pub client_id: String,
    /// The authority to use.
    pub authority: String,
    /// The scope to ask for, if one is known.
    pub scope: Option<String>,
    /// The sign-in flow, where it has to be this one: `device` or `paste`.
    pub flow: Option<&'static str>,
    /// Who signs in.
    pub user: User,
    /// What to type, one command a line.
    pub commands: Vec<String>,
}

impl Suggestion {
    /// What is right on a stage that is not broken.
    pub fn sound(stage: &Stage) -> Self {
        Self {
            client_id: stage.client_id().to_owned(),
            authority: stage.authority_url(),
            scope: Some(stage.scope()),
            flow: None,
            user: stage.ada().clone(),
            commands: vec![format!("entrada get {}api/me", stage.external_url())],
        }
    }
}

impl Breakage {
    /// All of them, in the order of the rows.
    pub fn all() -> Vec<&'static Self> {
        let rooms = [registration::ALL, sign_in::ALL, edge::ALL, behind::ALL];
        let mut all: Vec<&'static Self> = rooms.into_iter().flatten().collect();
        all.sort_by_key(|breakage| breakage.rows.first().copied().unwrap_or(u8::MAX));
        all
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::all().into_iter().find(|breakage| breakage.name == name)
    }

    /// The name, such as `missing-slash`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The rows of the table of field failures that it is; none where that table has no row for it.
    pub fn rows(&self) -> &'static [u8] {
        self.rows
    }

    /// What it is like, in a sentence.
    pub fn like(&self) -> &'static str {
        self.like
    }

    /// What has to be so before the stage is up; [`Breakage::apply`] does the rest.
    pub fn prepare(&self, builder: StageBuilder) -> StageBuilder {
        (self.prepare)(builder)
    }

    /// Breaks a stage that is up and was prepared.
    pub fn apply(&self, stage: &Stage) {
        (self.apply)(stage);
    }

    /// A stage that is broken in this way.
    ///
    /// # Errors
    /// As [`StageBuilder::start`].
    pub fn start(&self, builder: StageBuilder) -> io::Result<Stage> {
        let stage = self.prepare(builder).start()?;
        self.apply(&stage);
        Ok(stage)
    }

    /// With what to see it.
    pub fn suggestion(&self, stage: &Stage) -> Suggestion {
        let mut suggestion = Suggestion::sound(stage);
        (self.suggest)(stage, &mut suggestion);
        suggestion
    }
}

impl fmt::Debug for Breakage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breakage").field("name", &self.name).field("rows", &self.rows).finish_non_exhaustive()
    }
}
