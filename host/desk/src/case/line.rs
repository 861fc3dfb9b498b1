//! The line (口径, clause 2b): what everybody says of the matter. A case has
//! one; a person writes it, a second person approves it, and every version is
//! kept.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::approving::{Approval, Proposal};
use super::commanding::of_the_commander;
use super::departure::{is_figure, says, says_something};
use super::{Case, Confirmation};
use crate::command::SetLine;
use crate::decide::{Output, Work, said};
use crate::error::DeskError;
use crate::fact::Fact;

/// The most versions of a case's line.
pub const MAX_LINES: usize = 100;
/// The most statements, claims or figures of one line.
const MAX_POINTS: usize = 50;

/// A figure that everybody gives alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// Of what, such as `过火面积`.
    pub name: String,
    /// The number with its unit, such as `12公顷`.
    pub value: String,
}

/// A version of the line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// From 1 within the case; the last one holds.
    pub version: u32,
    /// What is said, in words.
    pub text: String,
    /// Statements that every text has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required: Vec<String>,
    /// Claims that no text makes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forbidden: Vec<String>,
    /// Figures that no text gives otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub figures: Vec<Figure>,
    /// The author's id.
    pub author: String,
    /// The second person.
    pub approved: Confirmation,
}

impl Case {
    /// The line that holds.
    pub fn line(&self) -> Option<&Line> {
        self.lines.last()
    }
}

impl Work<'_> {
    /// `set-line`.
    pub(crate) fn set_line(&mut self, input: &SetLine) -> Output {
        let case = self.open(&input.case)?;
        let author = self.person("set the line of a case", "2b")?;
        let input = checked(input)?;
        if case.lines.len() >= MAX_LINES {
            return Err(DeskError::new("too-many", format!("the line has {MAX_LINES} versions already")).at("/case"));
        }
        if case.line().is_some_and(|line| same(line, &input)) {
            return Err(DeskError::new("unchanged", format!("case {} has this line already", case.number)).at("/text"));
        }
        let version = case.lines.len() + 1;
        let pending = self.propose(&case, author, Proposal::Line(input))?;
        Ok(json!({ "case": case.number, "version": version, "pending": pending }))
    }

    /// A line that a second person approved.
    pub(super) fn take_line(
        &mut self,
        input: &SetLine,
        approval: &Approval,
        confirmed: Confirmation,
    ) -> Result<(), DeskError> {
        let case = self.open(&input.case)?;
        of_the_commander(&case, approval, &confirmed.by, "line")?;
        let line = Line {
            version: u32::try_from(case.lines.len()).unwrap_or(u32::MAX).saturating_add(1),
            text: input.text.clone(),
            required: input.required.clone(),
            forbidden: input.forbidden.clone(),
            figures: input.figures.clone(),
            author: approval.author.clone(),
            approved: confirmed,
        };
        self.push(Fact::LineSet { head: case.head(), line });
        Ok(())
    }
}

fn same(line: &Line, input: &SetLine) -> bool {
    line.text == input.text
        && line.required == input.required
        && line.forbidden == input.forbidden
        && line.figures == input.figures
}

/// The same, trimmed; refused where a point says nothing or two speak against each other.
fn checked(input: &SetLine) -> Result<SetLine, DeskError> {
    let points = |list: &[String], name: &str| -> Result<Vec<String>, DeskError> {
        few(list.len(), name)?;
        list.iter()
            .enumerate()
            .map(|(i, text)| {
                let pointer = format!("/{name}/{i}");
                let text = said(text, 500, &pointer, "the point")?;
                spoken(&text, &pointer)?;
                Ok(text)
            })
            .collect()
    };
    let text = said(&input.text, 5_000, "/text", "the line")?;
    let (required, forbidden) = (points(&input.required, "required")?, points(&input.forbidden, "forbidden")?);
    for (i, claim) in forbidden.iter().enumerate() {
        if let Some(statement) = required.iter().find(|statement| says(statement, claim)) {
            return Err(DeskError::new("contradiction", format!("“{statement}” is required, and says “{claim}”"))
                .at(format!("/forbidden/{i}"))
                .clause("2b")
                .hint("no text could hold to both; forbid a longer claim, or require other words"));
        }
    }
    few(input.figures.len(), "figures")?;
    let figures = input.figures.iter().enumerate().map(|(i, figure)| {
        let name = said(&figure.name, 100, &format!("/figures/{i}/name"), "what the figure is of")?;
        spoken(&name, &format!("/figures/{i}/name"))?;
        let value = said(&figure.value, 100, &format!("/figures/{i}/value"), "the figure")?;
        if !is_figure(&value) {
            return Err(DeskError::new("invalid-input", format!("“{value}” does not begin with a number"))
                .at(format!("/figures/{i}/value"))
                .hint("write the number and its unit: 12公顷"));
        }
        Ok(Figure { name, value })
    });
    Ok(SetLine { case: input.case.clone(), text, required, forbidden, figures: figures.collect::<Result<_, _>>()? })
}

fn few(count: usize, name: &str) -> Result<(), DeskError> {
    if count <= MAX_POINTS {
        return Ok(());
    }
    Err(DeskError::new("too-many", format!("{count} points; at most {MAX_POINTS}")).at(format!("/{name}")))
}

fn spoken(text: &str, pointer: &str) -> Result<(), DeskError> {
    if says_something(text) {
        return Ok(());
    }
    Err(DeskError::new("empty", "nothing is left of this without its punctuation").at(pointer).hint("say it in words"))
}

/// A line as people read it.
pub(crate) fn view(line: &Line, current: bool) -> Value {
    let mut view = json!(line);
    view["current"] = json!(current);
    view
}
