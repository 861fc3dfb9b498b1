//! Cause, measures and result: which stage may say them, and what they rest on.

use huiyin_sdk::Error;
use huiyin_sdk::reports::stage::{Data, Settings};
use huiyin_sdk::reports::{Block, Statement, cause, given, says_nothing, wrong};
use huiyin_sdk::serde_json::Value;

use crate::stage::Stage;

/// The sections after the facts. `shown` is what shows the facts.
pub(crate) fn sections(stage: Stage, config: &Settings, data: &Data, shown: &[String]) -> Result<Vec<Block>, Error> {
    known(data)?;
    let mut blocks = Vec::new();
    let mut section = |name: &str, statement: Statement| {
        blocks.push(Block::Heading(name.to_owned()));
        blocks.push(Block::Paragraph(statement));
    };
    let cause = why(data)?;
    let told = cause.is_some();
    if let Some(cause) = cause {
        section("事件原因", cause);
    }
    for (pointer, name, value, evidence, from, until_then) in [
        (
            "/measures",
            "处置措施",
            &data.measures,
            &data.measures_evidence,
            Stage::Detailed,
            "measures belong to the detailed report (clause 5a, 详报措施); what was done already is a fact",
        ),
        (
            "/result",
            "处理结果",
            &data.result,
            &data.result_evidence,
            Stage::Final,
            "the result is reported last (clause 5a, 后报结果); leave it to the final report",
        ),
    ] {
        let Some(text) = text(pointer, value)? else {
            if stage == from {
                return Err(wrong(pointer, &format!("a {} report needs it (clause 5a)", stage.name())));
            }
            continue;
        };
        let may = match from {
            Stage::Detailed => stage != Stage::FollowUp,
            _ => stage == from,
        };
        if !may {
            return Err(wrong(pointer, until_then));
        }
        // A cause may be told again where the report states it with its evidence, not slipped in.
        if !told && let Some(phrase) = text.lines().find_map(|line| cause::stated(line, &config.cause_phrases)) {
            let why =
                format!("“{phrase}” states a cause (clause 5a, 慎报原因); give it as `cause`, with what was found");
            return Err(wrong(pointer, &why));
        }
        let evidence = if evidence.iter().all(|id| id.trim().is_empty()) { shown } else { evidence };
        section(name, Statement::new(text, evidence));
    }
    Ok(blocks)
}

/// The cause, which rests on an investigation (clause 5a, 慎报原因).
fn why(data: &Data) -> Result<Option<Statement>, Error> {
    let Some(text) = text("/cause", &data.cause)? else { return Ok(None) };
    let cause = Statement::new(text, &data.cause_evidence);
    if cause.ids().next().is_none() {
        return Err(wrong("/cause_evidence", "no evidence; a cause rests on an investigation (clause 5a, 慎报原因)"));
    }
    let found = |id: &str| data.records.iter().any(|record| record.id == id && record.kind == "investigation");
    if !cause.ids().any(found) {
        let why = "none of it is known as an `investigation` in /records; a cause rests on one (clause 5a, 慎报原因)";
        return Err(wrong("/cause_evidence", why));
    }
    Ok(Some(cause))
}

fn text<'v>(pointer: &str, value: &'v Value) -> Result<Option<&'v str>, Error> {
    if says_nothing(value) {
        return Ok(None);
    }
    let text = value.as_str().ok_or_else(|| wrong(pointer, "a text is wanted"))?;
    Ok(given(Some(text)))
}

/// Where the case's evidence is given, evidence that is named like a piece of it has to be one of it.
fn known(data: &Data) -> Result<(), Error> {
    let own = |id: &str| id.strip_prefix('v').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    let lists = data.facts.iter().enumerate().map(|(n, fact)| (format!("/facts/{n}/evidence"), &fact.evidence));
    let lists = lists.chain(data.evidence.iter().enumerate().map(|(n, ids)| (format!("/evidence/{n}"), ids)));
    let lists = lists.chain([
        ("/cause_evidence".to_owned(), &data.cause_evidence),
        ("/measures_evidence".to_owned(), &data.measures_evidence),
        ("/result_evidence".to_owned(), &data.result_evidence),
    ]);
    for (pointer, ids) in lists {
        let missing = ids
            .iter()
            .map(|id| id.trim())
            .find(|id| own(id) && !data.records.is_empty() && !data.records.iter().any(|record| record.id == *id));
        if let Some(id) = missing {
            return Err(wrong(&pointer, &format!("the case has no evidence `{id}`")));
        }
    }
    Ok(())
}
