//! Reporter `flash-report`: the 快报, first of the staged reports (clause 5a:
//! 快报事实、慎报原因、详报措施、后报结果). It states facts, each with the items
//! that show it (clause 1b), and refuses a cause, measures and a result, which
//! belong to later stages. Pure.

use huiyin_sdk::reports::stage::{Common, Data, Settings};
use huiyin_sdk::reports::{says_nothing, wrong};
use huiyin_sdk::{About, Context, Document, Error, Reporter};

const NOTE: &str = "本报告只报已知事实，事件原因、处置措施和处理结果另行续报。";

/// The plugin.
#[derive(Debug)]
pub struct FlashReport;

impl Reporter for FlashReport {
    type Config = Settings;
    type Data = Data;

    fn about() -> About {
        About::new(
            "flash-report",
            env!("CARGO_PKG_VERSION"),
            "Writes the flash report of a case as Markdown, HTML and DOCX; refuses a cause.",
        )
        .idempotent()
    }

    fn render(ctx: &Context, config: Settings, data: Data) -> Result<Vec<Document>, Error> {
        if data.stage.as_deref().is_some_and(|stage| stage != "flash") {
            return Err(wrong("/stage", "this reporter writes flash reports; the later stages are of `staged-report`"));
        }
        for (pointer, value, why) in [
            ("/cause", &data.cause, "a flash report states no cause (clause 5a, 慎报原因); leave it to a later report"),
            (
                "/measures",
                &data.measures,
                "measures belong to the detailed report (clause 5a, 详报措施); what was done already is a fact",
            ),
            (
                "/result",
                &data.result,
                "the result is reported last (clause 5a, 后报结果); leave it to the final report",
            ),
        ] {
            if !says_nothing(value) {
                return Err(wrong(pointer, why));
            }
        }
        let forms = config.forms.unwrap_or_default();
        Common::check(&config, &data, ctx.now)?.documents(
            &config,
            "快报",
            "flash-report",
            Vec::new(),
            Some(NOTE),
            forms,
        )
    }
}

huiyin_sdk::export!(reporter: FlashReport);
