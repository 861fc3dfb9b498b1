//! A case on a page: the post itself, what is asked, the clocks, and who did what and when.

use std::fmt::Write as _;

use serde_json::Value;

use crate::people::{Reader, clock, colour, word};
use crate::text::{fit, plain};

/// Columns that a text on the page takes at most.
const WIDE: usize = 400;

/// The whole page.
pub(super) fn page(case: &Value) -> String {
    let reader = Reader::of(case);
    let mut out = String::new();
    head(&mut out, case, &reader);
    section(&mut out, "时限 CLOCKS", clocks(case, &reader));
    section(&mut out, "原帖 POSTS", posts(case, &reader));
    section(&mut out, "诉求 CONCERNS", concerns(case));
    section(&mut out, "提出人 ASKERS", askers(case, &reader));
    section(&mut out, "转办 TASKS", tasks(case, &reader));
    section(&mut out, "线下 OFFLINE", offline(case, &reader));
    section(&mut out, "研判 ASSESSMENTS", assessments(case, &reader));
    section(&mut out, "研判意见 JUDGEMENTS", judgements(case, &reader));
    section(&mut out, "依据 EVIDENCE", evidence(case, &reader));
    section(&mut out, "报送稿 DRAFTS", drafts(case, &reader));
    section(&mut out, "报送 REPORTS", reports(case, &reader));
    section(&mut out, "重大舆情 MAJOR", major(case, &reader));
    section(&mut out, "口径 LINE", line(case, &reader));
    section(&mut out, "发布 RESPONSES", responses(case, &reader));
    section(&mut out, "回应 ANSWERS", answers(case, &reader));
    section(&mut out, "审批 APPROVALS", approvals(case, &reader));
    section(&mut out, "告知 NOTIFIED", notified(case, &reader));
    section(&mut out, "经过 WHO DID WHAT", story(case, &reader));
    out
}

// Writing to a string cannot fail.
fn section(out: &mut String, title: &str, lines: Vec<String>) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{title}");
    for line in lines {
        let _ = writeln!(out, "  {line}");
    }
}

fn list<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn head(out: &mut String, case: &Value, reader: &Reader) {
    let _ = writeln!(
        out,
        "{}  {}({})  {} {}",
        word(case, "number"),
        word(case, "level_zh"),
        colour(&word(case, "colour")),
        word(case, "state_zh"),
        word(case, "state")
    );
    let _ = writeln!(out, "{}", word(case, "title"));
    let _ = writeln!(out, "责任单位 {}    时间均为 {}", reader.unit(text(case, "unit")), reader.zone());
    let times = case.get("times").unwrap_or(&Value::Null);
    let known: Vec<String> = MILESTONES
        .iter()
        .filter(|(name, _)| times.get(*name).is_some_and(|time| !time.is_null()))
        .map(|(name, zh)| format!("{zh} {}", reader.time(times.get(*name))))
        .collect();
    let _ = writeln!(out, "{}", known.join("  "));
}

/// The ten times of a case (clause 1a).
const MILESTONES: [(&str, &str); 10] = [
    ("occurred", "事发"),
    ("discovered", "发现"),
    ("opened", "立案"),
    ("assessed", "研判"),
    ("reported", "上报"),
    ("verified", "核实"),
    ("handled", "处置"),
    ("published", "发布"),
    ("answered", "回应"),
    ("closed", "办结"),
];

fn clocks(case: &Value, reader: &Reader) -> Vec<String> {
    let line = |entry: &Value| {
        let name = entry.get("name").map(|name| word(name, "zh")).unwrap_or_default();
        let unsure = entry.get("provisional").and_then(Value::as_bool) == Some(true);
        let unsure = if unsure { "(暂定 provisional)" } else { "" };
        let due = reader.time(entry.get("due_at"));
        // A breach stays to be read, also one that a correction undid.
        let lifted = list(entry, "breaches").filter(|b| b.get("lifted").and_then(Value::as_bool) == Some(true));
        let lifted: String =
            lifted.map(|breach| format!("  更正前曾超时(原截止 {})", reader.time(breach.get("due_at")))).collect();
        format!("{name}({})  截止 {due}{unsure}  {}{lifted}", word(entry, "clock"), clock(entry))
    };
    list(case, "clocks").map(line).collect()
}

fn posts(case: &Value, reader: &Reader) -> Vec<String> {
    let mut lines = Vec::new();
    for item in list(case, "items") {
        lines.push(format!(
            "{}  〔{}〕{}",
            reader.time(item.get("occurred_at")),
            word(item, "source"),
            word(item, "title")
        ));
        if !text(item, "text").is_empty() {
            lines.push(format!("  {}", fit(&word(item, "text"), WIDE)));
        }
        if !text(item, "url").is_empty() {
            lines.push(format!("  {}", word(item, "url")));
        }
    }
    match case.get("more_items").and_then(Value::as_u64) {
        Some(more) if more > 0 => lines.push(format!("另有 {more} 条 (and {more} more)")),
        _ => {}
    }
    lines
}

fn concerns(case: &Value) -> Vec<String> {
    let line = |concern: &Value| {
        let settled = concern.get("settled").and_then(Value::as_bool) == Some(true);
        format!("{}  {}  {}", word(concern, "id"), if settled { "已答" } else { "未答" }, word(concern, "text"))
    };
    list(case, "concerns").map(line).collect()
}

fn tasks(case: &Value, reader: &Reader) -> Vec<String> {
    let mut lines = Vec::new();
    for task in list(case, "tasks") {
        let late = if task.get("breached_at").is_some_and(|at| !at.is_null()) { " 超时" } else { "" };
        let due = reader.time(task.get("due_at"));
        lines.push(format!(
            "{}  {}  截止 {due}{late}  {}",
            word(task, "task"),
            word(task, "kind_zh"),
            word(task, "text")
        ));
        for part in list(task, "parts") {
            let said = part.pointer("/feedback/text").and_then(Value::as_str).map(plain).unwrap_or_default();
            lines.push(format!("  {}  {}  {said}", reader.unit(text(part, "unit")), word(part, "state_zh")));
        }
    }
    lines
}

fn offline(case: &Value, reader: &Reader) -> Vec<String> {
    let event = |event: &Value| {
        let outcome = event.get("outcome").filter(|outcome| !outcome.is_null());
        let outcome = outcome.map_or_else(|| "尚无结果".to_owned(), |_| format!("结果:{}", word(event, "outcome")));
        format!("{}  {}  {outcome}", word(event, "id"), word(event, "text"))
    };
    let contact = |contact: &Value| {
        format!(
            "{}  {}({})  {}",
            reader.time(contact.get("time")),
            word(contact, "with"),
            word(contact, "channel"),
            word(contact, "text")
        )
    };
    list(case, "offline").map(event).chain(list(case, "contacts").map(contact)).collect()
}

fn major(case: &Value, reader: &Reader) -> Vec<String> {
    case.get("major")
        .filter(|major| !major.is_null())
        .map(|major| super::super::major::lines(major, reader))
        .unwrap_or_default()
}

fn line(case: &Value, reader: &Reader) -> Vec<String> {
    let lines = list(case, "lines").map(|line| super::super::line::said(line, reader));
    lines.flat_map(|said| said.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

fn responses(case: &Value, reader: &Reader) -> Vec<String> {
    list(case, "responses").flat_map(|row| super::super::response::lines(row, reader)).collect()
}

fn askers(case: &Value, reader: &Reader) -> Vec<String> {
    let line = |asker: &Value| {
        let answered = asker.get("answered").filter(|at| !at.is_null());
        let answered = answered.map_or_else(|| "未答复".to_owned(), |at| format!("{} 已答复", reader.time(Some(at))));
        format!("{}  {answered}", word(asker, "id"))
    };
    list(case, "askers").map(line).collect()
}

fn assessments(case: &Value, reader: &Reader) -> Vec<String> {
    let line = |assessment: &Value| {
        let verdict = assessment.get("verdict").unwrap_or(&Value::Null);
        let reasons: Vec<String> = list(verdict, "reasons").filter_map(Value::as_str).map(plain).collect();
        let by = match assessment.get("floor").and_then(Value::as_bool) {
            Some(true) => format!("研判底线({})", word(assessment, "classifier")),
            _ => reader.actor(text(assessment, "by")),
        };
        format!(
            "{}  {by}  {}  {}",
            reader.time(assessment.get("at")),
            word(verdict, "level"),
            fit(&reasons.join("; "), WIDE)
        )
    };
    list(case, "assessments").map(line).collect()
}

fn reports(case: &Value, reader: &Reader) -> Vec<String> {
    let mut lines = Vec::new();
    for report in list(case, "reports") {
        let stage = match text(report, "stage") {
            "flash" => "快报",
            "follow-up" => "续报",
            "detailed" => "详报",
            "final" => "终报",
            other => other,
        };
        let by = reader.actor(text(report, "by"));
        let number = report.get("number_zh").and_then(Value::as_str).map(plain);
        let number = number.unwrap_or_else(|| format!("{stage}第{}号", word(report, "seq")));
        let late = if report.get("late").is_some_and(|late| !late.is_null()) { "  迟报" } else { "" };
        lines.push(format!("{}  {}  {number}{late}  {by}", word(report, "id"), reader.time(report.get("at"))));
        lines.extend(
            list(report, "facts").filter_map(Value::as_str).map(|fact| format!("  {}", fit(&plain(fact), WIDE))),
        );
        for (name, zh) in [("cause", "原因"), ("measures", "措施"), ("result", "结果")] {
            if !text(report, name).is_empty() {
                lines.push(format!("  {zh}:{}", fit(&word(report, name), WIDE)));
            }
        }
        lines.extend(list(report, "documents").map(|document| format!("  附件 {}", word(document, "filename"))));
        for receipt in list(report, "receipts") {
            let unit = reader.unit(text(receipt, "addressee"));
            lines.push(format!("  签收 {unit}  {}  {}", word(receipt, "by"), reader.time(receipt.get("time"))));
        }
        let unsigned: Vec<String> =
            list(report, "unsigned").filter_map(Value::as_str).map(|unit| reader.unit(unit)).collect();
        if !unsigned.is_empty() {
            lines.push(format!("  未签收 {}", unsigned.join("、")));
        }
    }
    for way in list(case, "bypasses") {
        lines.push(format!(
            "未走归口渠道  {}  {} → {}  经 {}  {}",
            reader.time(way.get("time")),
            word(way, "from"),
            word(way, "to"),
            word(way, "channel"),
            word(way, "text")
        ));
    }
    lines
}

fn evidence(case: &Value, reader: &Reader) -> Vec<String> {
    let line = |one: &Value| {
        let kind = match text(one, "kind") {
            "observation" => "本人观察",
            "document" => "文书材料",
            "media" => "影像资料",
            "investigation" => "调查结论",
            other => other,
        };
        let reference = text(one, "reference");
        let reference = if reference.is_empty() { String::new() } else { format!("  见 {}", plain(reference)) };
        let by = reader.actor(text(one, "by"));
        format!("{}  {kind}  {}{reference}  {by}", word(one, "id"), fit(&word(one, "text"), WIDE))
    };
    list(case, "evidence").map(line).collect()
}

fn judgements(case: &Value, reader: &Reader) -> Vec<String> {
    let mut lines = Vec::new();
    for one in list(case, "judgements") {
        let value = match text(one, "value") {
            "respond" => "应予回应",
            "watch" => "跟踪关注",
            "no-response" => "不予回应",
            other => other,
        };
        let by = reader.actor(text(one, "author"));
        lines.push(format!(
            "{}  {by}  性质 {}  {value}:{}",
            reader.time(one.get("at")),
            word(one, "nature"),
            word(one, "reason")
        ));
        let risks: Vec<String> = list(one, "risks").filter_map(Value::as_str).map(plain).collect();
        lines.push(format!("  走势 {}  风险 {}", word(one, "trend"), fit(&risks.join("; "), WIDE)));
        lines.push(format!("  预控处置意见 {}", fit(&word(one, "opinion"), WIDE)));
    }
    lines
}

fn drafts(case: &Value, reader: &Reader) -> Vec<String> {
    let sent: Vec<&str> = list(case, "reports").map(|report| text(report, "draft")).collect();
    let mut lines = Vec::new();
    for draft in list(case, "drafts") {
        let hash = text(draft, "hash");
        let state = if sent.contains(&hash) { "已报送" } else { "未报送" };
        let by = reader.actor(text(draft, "by"));
        lines.push(format!("{}  {}  {state}  {by}", reader.time(draft.get("at")), plain(hash)));
        let facts = list(draft, "facts").filter_map(Value::as_str);
        lines.extend(facts.map(|fact| format!("  {}", fit(&plain(fact), WIDE))));
    }
    lines
}

fn approvals(case: &Value, reader: &Reader) -> Vec<String> {
    let mut lines = Vec::new();
    for approval in list(case, "approvals") {
        let state = match text(approval, "state") {
            "pending" => {
                let (taken, all) = (list(approval, "steps").count(), list(approval, "chain").count());
                let end = approval.get("expires_at").filter(|end| !end.is_null());
                let end = end.map_or_else(String::new, |end| format!(",{} 失效", reader.time(Some(end))));
                format!("待审批(第 {} 步,共 {all} 步{end})", taken + 1)
            }
            "approved" => {
                let by = approval.pointer("/approved/by").and_then(Value::as_str).unwrap_or_default();
                format!("已批准 {}", reader.actor(by))
            }
            "voided" => "已失效".to_owned(),
            other => plain(other),
        };
        let (hash, author) = (word(approval, "hash"), reader.actor(text(approval, "author")));
        lines.push(format!("{}  {state}  {hash}  提出人 {author}", word(approval, "act_zh")));
        let said = approval.get("proposal").map(|proposal| plain(&proposal.to_string())).unwrap_or_default();
        lines.push(format!("  {}", fit(&said, WIDE)));
    }
    lines
}

fn answers(case: &Value, reader: &Reader) -> Vec<String> {
    let mut lines = Vec::new();
    for answer in list(case, "answers") {
        let by = reader.actor(text(answer, "by"));
        let to = match answer.get("public").and_then(Value::as_bool) {
            Some(true) => "公开".to_owned(),
            _ => list(answer, "askers").filter_map(Value::as_str).map(plain).collect::<Vec<_>>().join("、"),
        };
        let at = reader.time(answer.get("delivered_at"));
        lines.push(format!("{at}  经 {} 答复 {to}  {by}", word(answer, "channel")));
        lines.push(format!("  {}", fit(&word(answer, "text"), WIDE)));
        if !text(answer, "proof").is_empty() {
            lines.push(format!("  凭证 {}", word(answer, "proof")));
        }
    }
    lines
}

fn notified(case: &Value, reader: &Reader) -> Vec<String> {
    let line = |told: &Value| {
        let to = told.get("to").unwrap_or(&Value::Null);
        let done = if told.get("delivered").and_then(Value::as_bool) == Some(true) { "已告知" } else { "待告知" };
        let on = match text(told, "on") {
            "case-opened" => "立案",
            "clock-warned" => "时限将至",
            "clock-breached" => "时限已过",
            "report-submitted" => "报送",
            "major-declared" => "重大舆情",
            "cosign-requested" => "会签",
            other => other,
        };
        let role = match text(to, "role") {
            "spokesperson" => "新闻发言人".to_owned(),
            "principal" => "主要负责人".to_owned(),
            "duty" => "值班".to_owned(),
            other => plain(other),
        };
        let since = reader.time(told.get("owed_since"));
        format!("{done}  {}({role},{})  {on}  自 {since}", word(to, "name"), reader.unit(text(to, "unit")))
    };
    list(case, "notified").map(line).collect()
}

/// Everything that somebody did, in order of time.
fn story(case: &Value, reader: &Reader) -> Vec<String> {
    let mut acts: Vec<(String, String, String)> = Vec::new();
    let mut push = |at: Option<&Value>, by: &str, what: String| {
        if let Some(at) = at.and_then(Value::as_str) {
            acts.push((at.to_owned(), reader.actor(by), what));
        }
    };
    let times = case.get("times").unwrap_or(&Value::Null);
    push(times.get("opened"), text(case, "opened_by"), "立案".to_owned());
    for one in list(case, "assessments").filter(|one| one.get("floor").and_then(Value::as_bool) != Some(true)) {
        let level = one.get("verdict").map(|verdict| word(verdict, "level")).unwrap_or_default();
        push(one.get("at"), text(one, "by"), format!("研判为 {level}"));
    }
    for one in list(case, "level_changes") {
        let what = format!("等级 {} → {}:{}", word(one, "from"), word(one, "to"), word(one, "reason"));
        push(one.get("at"), text(one, "by"), what);
    }
    for one in list(case, "corrections") {
        let (from, to) = (reader.time(one.get("from")), reader.time(one.get("to")));
        push(one.get("at"), text(one, "by"), format!("更正事发时间 {from} → {to}:{}", word(one, "reason")));
    }
    for one in list(case, "recorded") {
        let name = text(one, "milestone");
        let zh = MILESTONES.iter().find(|(known, _)| *known == name).map_or(name, |(_, zh)| zh);
        push(one.get("at"), text(one, "by"), format!("记录{zh}时间 {}", reader.time(one.get("time"))));
    }
    for one in list(case, "reports") {
        push(one.get("at"), text(one, "by"), format!("报送第{}号", word(one, "seq")));
    }
    for one in list(case, "answers") {
        push(one.get("at"), text(one, "by"), format!("记录经 {} 的答复", word(one, "channel")));
    }
    if let Some(decision) = case.get("no_response").filter(|decision| !decision.is_null()) {
        let what = format!("提出不予回应:{}", word(decision, "reason"));
        push(decision.get("at"), text(decision, "author"), what);
        if let Some([who, at]) = decision.get("approved").and_then(Value::as_array).map(Vec::as_slice) {
            push(Some(at), who.as_str().unwrap_or_default(), "批准不予回应".to_owned());
        }
    }
    acts.sort_by_cached_key(|(at, ..)| at.parse::<jiff::Timestamp>().ok());
    let line = |(at, by, what): (String, String, String)| {
        format!("{}  {by}  {}", reader.time(Some(&Value::from(at))), fit(&what, WIDE))
    };
    acts.into_iter().map(line).collect()
}
