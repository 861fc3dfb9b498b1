//! The twin of the major matter: the same rumour, and nobody does anything. The clocks warn, escalate to the unit above
//! and to its superior, and pass; each breach stays on record.

use super::stage::{Halt, Stage};

/// Plays it; the number of its case.
pub(super) fn play(stage: &mut Stage) -> Result<String, Halt> {
    let (case, _) = super::rumour(stage)?;
    stage.until(3)?;
    stage.say(
        "",
        "值班员没有看屏幕,从此没有人做任何事",
        "the officer does not look; from here on nobody does anything",
    )?;
    // The flash report's hour, and a quarter more.
    stage.until(80)?;
    // The five hours of the authoritative information, and the answer.
    stage.leap(5 * 60 + 45)?;
    stage.leap(37 * 60)?;
    Ok(case)
}
