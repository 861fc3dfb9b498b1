//! The register of the clauses: which feature and which commands answer to
//! each, and which test holds them to it. `docs/reference/clauses.md` is made
//! from it (`HUIYIN_WRITE=1 cargo nextest run --workspace --test clauses -E 'test(register)'`).

use std::fmt::Write as _;
use std::path::Path;

/// A clause.
struct Clause {
    id: &'static str,
    /// What it is about, in the regulation's words.
    zh: &'static str,
    /// What the program does about it.
    feature: &'static str,
    /// The commands that people use for it.
    commands: &'static [&'static str],
}

const fn clause(
    id: &'static str,
    zh: &'static str,
    feature: &'static str,
    commands: &'static [&'static str],
) -> Clause {
    Clause { id, zh, feature, commands }
}

#[rustfmt::skip]
const REGISTER: [Clause; 47] = [
    clause("1a", "第一时间", "the eight times of a case, in an order that can be", &["case time", "case occurred"]),
    clause("1b", "尊重客观事实", "a fact in a report refers to evidence", &["report draft", "report submit"]),
    clause("1c", "紧扣群众关切和诉求", "concerns of a case, each answered or declined with a reason", &["case concern", "case answer"]),
    clause("1d", "属地管理、分级负责", "routing up and down the unit tree, by region and duty", &["case route"]),
    clause("1e", "谁主管、谁负责", "exactly one lead unit; an unrouted case has a clock", &["case open", "case route"]),
    clause("1f", "源头防范、治理、处置", "closing a grave case waits for root cause and prevention", &["task assign", "case close"]),
    clause("1g", "快速受理咨询投诉", "a receipt number at once", &["case open", "message receive"]),
    clause("1h", "线上线下及时沟通", "contacts offline on the same timeline", &["case contact"]),
    clause("1i", "事事有回音", "no close without an answer to everyone, or an approved reason", &["case answer", "case no-response", "case close"]),
    clause("2a", "第一责任主体", "a lead unit is mandatory", &["case open"]),
    clause("2b", "信息准确一致", "one approved line; departures are flagged", &["line set", "response draft"]),
    clause("2c", "指导、协调、督促", "supervision orders start a clock", &["task assign"]),
    clause("3.1a", "七类渠道", "seven kinds of channel, and the ones without a live source", &["coverage"]),
    clause("3.1b", "专人和力量、巡查", "a roster, patrols, and an alert for an unstaffed slot", &["roster show", "roster check-in", "patrol list"]),
    clause("3.1c", "疑虑、误解、歪曲、谣言", "four labels, overridden by a person with a reason", &["label show", "label set"]),
    clause("3.1d", "核实衔接", "verification by another unit, with reply and clock", &["task assign", "task feedback"]),
    clause("3.1e", "不漏报、不迟报", "heartbeats, gaps on record, lateness from occurrence", &["source list", "source gaps"]),
    clause("3.1f", "信息共享", "sharing with another unit, scoped and on record", &["share case", "share item", "share revoke"]),
    clause("3.1g", "全覆盖、全方位、全天候", "coverage by unit, channel and hour", &["coverage"]),
    clause("3.2a", "研判标准", "three factors with reasons, replayable", &["case show", "audit replay"]),
    clause("3.2b", "监测预警", "warnings with hysteresis", &["warning list"]),
    clause("3.2c", "判断回应价值", "respond, watch or no-response, with reason and approver", &["case assess"]),
    clause("3.2d", "舆情风险评估", "a decision-risk case whose gate stays shut without approval", &["risk show"]),
    clause("3.2e", "舆情日志、舆情专报", "a daily log, also of an empty day; numbered special reports", &["log show"]),
    clause("3.2f", "及时预警、及时反馈", "a warning needs acknowledgement and feedback, each with a clock", &["warning ack", "warning feedback"]),
    clause("3.2g", "预控处置意见,按程序报审", "handling waits for an approved assessment", &["case assess", "approval list"]),
    clause("3.3", "归口报送", "one outgoing channel, receipts, bypasses on record", &["report list", "report receipt", "report bypass"]),
    clause("3.4a", "网上问题,网下解决", "closing waits for the outcome of what happens offline", &["case event"]),
    clause("3.4b", "受理、转办、反馈", "the life of a task", &["task accept", "task transfer", "task return", "task feedback"]),
    clause("3.5a", "明确专门科室", "each unit names its response office", &["policy validate"]),
    clause("3.5b", "依法依规发布信息", "a secrecy check before publication", &["response check"]),
    clause("3.5c", "谁主管谁发声、谁处置谁发声", "only the lead or the handling unit publishes", &["response publish"]),
    clause("3.5d", "沟通确认", "co-signatures on the exact text", &["response cosign"]),
    clause("3.5e", "联动互补", "the same text on every channel, with proof of each", &["response proof"]),
    clause("3.5f", "四种回应", "four kinds of response with their own fields", &["response draft"]),
    clause("4a", "第一时间发布和推送", "publish latency is measured", &["response show"]),
    clause("4b", "96128 接听率", "call records, answer rate, callbacks", &["hotline import", "hotline rate"]),
    clause("4c", "网民留言", "messages under working-day clocks", &["message receive"]),
    clause("5a", "快报事实、慎报原因、详报措施、后报结果", "reports by stage", &["report draft", "report submit"]),
    clause("5b", "通知新闻发言人和主要负责同志", "both are told; acknowledgement tracked; a fallback", &["major show"]),
    clause("5c", "向上级报告,组织核查,启动程序", "declaring a matter major starts three things together", &["major declare"]),
    clause("5d", "统一指挥、统一方案、统一口径", "one commander, one plan, one line; others' publishing freezes", &["major show"]),
    clause("5e", "不得晚于事发后1小时", "one hour from occurrence, never paused", &["case report"]),
    clause("6a", "信息管理制度", "roles, retention, access; a digest for the leadership", &["log show"]),
    clause("6b", "专人采编、领导审核把关", "author and approver are two persons, under any delegation", &["case approve"]),
    clause("6c", "协调联动", "partner units see what is shared and join tasks", &["share list", "task list"]),
    clause("6d", "四类事项主动发布", "a disclosure checklist with clocks; corrections are chained", &["disclosure list"]),
];

/// The file that tests a clause.
fn file(id: &str) -> String {
    format!("c{}.rs", id.replace('.', "_"))
}

/// The promises: the names of the tests.
fn promises(source: &str) -> Vec<String> {
    let mut lines = source.lines();
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        if line.trim() == "#[test]" {
            let name = lines.find_map(|line| line.trim().strip_prefix("fn ")).and_then(|rest| rest.split('(').next());
            found.extend(name.map(|name| name.replace('_', " ")));
        }
    }
    found
}

#[test]
fn register_every_clause_has_its_test_and_the_page_says_so() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut page = "# The regulation, clause by clause\n\n\
        Each clause of the regulation of responding to public opinion (政务舆情回应制度), what the program does about it, the\n\
        commands for it, and the promises that are tested through the API or the command line of a running host\n\
        (`tests/clauses`). This page is generated from `tests/clauses/tests/clauses/register.rs`.\n\n\
        | clause | 要点 | feature | commands | test: promise |\n|---|---|---|---|---|\n"
        .to_owned();
    let mut missing = Vec::new();
    for Clause { id, zh, feature, commands } in REGISTER {
        let source = std::fs::read_to_string(here.join("tests/clauses").join(file(id))).unwrap_or_default();
        let promises = promises(&source);
        if promises.is_empty() {
            missing.push(id);
        }
        let commands: Vec<String> = commands.iter().map(|name| format!("`huiyin {name}`")).collect();
        let (commands, promises) = (commands.join(", "), promises.join("; "));
        writeln!(page, "| {id} | {zh} | {feature} | {commands} | `{}`: {promises} |", file(id)).unwrap();
    }
    assert!(missing.is_empty(), "no test holds the program to {missing:?}");
    let at = here.join("../../docs/reference/clauses.md");
    if std::env::var_os("HUIYIN_WRITE").is_some() {
        std::fs::write(&at, &page).unwrap();
    }
    let written = std::fs::read_to_string(&at).unwrap_or_default();
    assert!(written == page, "docs/reference/clauses.md is not what the register makes: HUIYIN_WRITE=1 writes it anew");
}
