//! Reporter `staged-report`: 续报、详报、终报, the staged reports after the flash report (clause 5a:
//! 快报事实、慎报原因、详报措施、后报结果). Each states facts with what shows them (clause 1b). A cause needs the
//! evidence of an investigation, in whichever stage; measures belong to the detailed report, which needs them, and may
//! be told again in the final one; the result belongs to the final report, which needs it. What belongs to another
//! stage is refused. Pure.

mod sections;
mod stage;

use huiyin_sdk::reports::Forms;
use huiyin_sdk::reports::stage::{Common, Data, Settings};
use huiyin_sdk::{About, Context, Document, Error, Reporter};

/// The plugin.
#[derive(Debug)]
pub struct StagedReport;

impl Reporter for StagedReport {
    type Config = Settings;
    type Data = Data;

    fn about() -> About {
        About::new(
            "staged-report",
            env!("CARGO_PKG_VERSION"),
            "Writes the follow-up, detailed or final report of a case; refuses what belongs to another stage.",
        )
        .idempotent()
    }

    fn render(ctx: &Context, config: Settings, data: Data) -> Result<Vec<Document>, Error> {
        let stage = stage::Stage::of(&data)?;
        let common = Common::check(&config, &data, ctx.now)?;
        let more = sections::sections(stage, &config, &data, &common.evidence())?;
        let kind = match data.seq {
            Some(seq) if seq > 1 => format!("{}（第{seq}次）", stage.zh()),
            _ => stage.zh().to_owned(),
        };
        let name = match data.seq {
            Some(seq) if seq > 1 => format!("{}-report-{seq}", stage.name()),
            _ => format!("{}-report", stage.name()),
        };
        common.documents(&config, &kind, &name, more, stage.note(), config.forms.unwrap_or(Forms::All))
    }
}

huiyin_sdk::export!(reporter: StagedReport);
