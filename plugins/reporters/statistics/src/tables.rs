//! The tables: what the sheets show, and the rows of the CSV file.

use huiyin_sdk::BTreeMap;

use crate::Config;
use crate::reading::Reading;

/// A table.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) head: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<Cell>>,
}

/// A cell.
pub(crate) enum Cell {
    Text(String),
    Count(u64),
    /// A share, 0.0 to 1.0; none where there is nothing to have a share of.
    Rate(Option<f64>),
}

fn text(text: impl Into<String>) -> Cell {
    Cell::Text(text.into())
}

pub(crate) fn name<'n>(names: &'n BTreeMap<String, String>, code: &'n str) -> &'n str {
    names.get(code).map_or(code, String::as_str)
}

fn kind(code: &str) -> &str {
    match code {
        "opinion" => "舆情",
        "message" => "网民留言",
        "hotline" => "热线来电",
        "decision-risk" => "重大决策风险评估",
        other => other,
    }
}

pub(crate) fn level(code: &str) -> &str {
    match code {
        "I" => "Ⅰ特别重大",
        "II" => "Ⅱ重大",
        "III" => "Ⅲ较大",
        "IV" => "Ⅳ一般",
        other => other,
    }
}

pub(crate) fn tables(readings: &[Reading], config: &Config) -> Vec<Table> {
    let share = |part: u64, of: u64| Cell::Rate((of > 0).then(|| part as f64 / of as f64));
    let mut whole = Table {
        name: "概况",
        head: vec![
            "时段",
            "信息",
            "新立案",
            "办结",
            "在办",
            "超时在办",
            "新发生超时",
            "时限完成",
            "按时",
            "按时率",
            "依据",
        ],
        rows: Vec::new(),
    };
    let mut units = Table {
        name: "分单位",
        head: vec![
            "时段",
            "单位",
            "新立案",
            "办结",
            "在办",
            "超时在办",
            "新发生超时",
            "时限完成",
            "按时",
            "按时率",
            "依据",
        ],
        rows: Vec::new(),
    };
    let mut kinds =
        Table { name: "分类", head: vec!["时段", "类别", "项目", "数量", "依据"], rows: Vec::new() };
    let mut messages = Table {
        name: "网民留言",
        head: vec!["时段", "单位", "收到", "受理", "超时受理", "答复", "超时答复", "超时未答", "延期", "暂停", "依据"],
        rows: Vec::new(),
    };
    let mut hotline = Table {
        name: "热线",
        head: vec!["时段", "来电", "接听", "未接", "已回拨", "需答复", "接听率", "目标", "依据"],
        rows: Vec::new(),
    };
    for reading in readings {
        let (period, shown) = (reading.period(), reading.reference());
        let counts = |count: &crate::reading::Count| {
            [count.opened, count.closed, count.open, count.overdue, count.breaches, count.done, count.on_time]
                .map(Cell::Count)
        };
        let mut row = vec![text(&period), Cell::Count(reading.items)];
        row.extend(counts(&reading.cases));
        row.extend([Cell::Rate(reading.on_time_rate), text(&shown)]);
        whole.rows.push(row);
        for (code, count) in &reading.by_unit {
            let mut row = vec![text(&period), text(name(&config.unit_names, code))];
            row.extend(counts(count));
            row.extend([share(count.on_time, count.done), text(&shown)]);
            units.rows.push(row);
        }
        let mut add =
            |what: &str, of: &BTreeMap<String, u64>, called: &dyn Fn(&str) -> String| {
                kinds.rows.extend(of.iter().map(|(code, n)| {
                    vec![text(&period), text(what), text(called(code)), Cell::Count(*n), text(&shown)]
                }));
            };
        add("渠道", &reading.by_channel, &|code| name(&config.channel_names, code).to_owned());
        add("标签", &reading.by_label, &str::to_owned);
        add("等级", &reading.by_level, &|code| level(code).to_owned());
        add("类型", &reading.by_kind, &|code| kind(code).to_owned());
        for (code, late) in &reading.messages {
            let mut row = vec![text(&period), text(name(&config.unit_names, code))];
            row.extend(
                [
                    late.received,
                    late.accepted,
                    late.accepted_late,
                    late.answered,
                    late.answered_late,
                    late.overdue,
                    late.extended,
                    late.paused,
                ]
                .map(Cell::Count),
            );
            row.push(text(&shown));
            messages.rows.push(row);
        }
        let calls = &reading.hotline;
        if calls.total > 0 {
            let mut row = vec![text(&period)];
            row.extend([calls.total, calls.answered, calls.missed, calls.called_back, calls.asked].map(Cell::Count));
            row.extend([Cell::Rate(calls.answer_rate), Cell::Rate(calls.target), text(&shown)]);
            hotline.rows.push(row);
        }
    }
    let mut tables = vec![whole];
    tables.extend([units, kinds, messages, hotline].into_iter().filter(|table| !table.rows.is_empty()));
    tables
}
