//! Charts as SVG: bars that lie, each with its name and figure in text, so that nothing rests on colour; a title and a
//! description for who does not see them.

use huiyin_sdk::BTreeMap;
use huiyin_sdk::reports::escape;

use crate::Config;
use crate::reading::Reading;
use crate::tables::{level, name};

/// The most bars of a chart; the rest is added up.
const MAX_BARS: usize = 20;

/// The charts that there is something to show in, by the part of their file names.
pub(crate) fn charts(title: &str, readings: &[Reading], config: &Config) -> Vec<(&'static str, String)> {
    let shown: Vec<String> = readings.iter().map(Reading::reference).collect();
    let (Some(first), Some(last)) = (readings.first(), readings.last()) else { return Vec::new() };
    let unit = first.unit_name.as_deref().unwrap_or_else(|| name(&config.unit_names, &first.unit));
    let days = if first.from == last.to { first.from.to_string() } else { format!("{}至{}", first.from, last.to) };
    let summed = |of: &dyn Fn(&Reading) -> &BTreeMap<String, u64>, called: &dyn Fn(&str) -> String| {
        let mut sums: BTreeMap<String, u64> = BTreeMap::default();
        for (code, n) in readings.iter().flat_map(of) {
            let sum = sums.entry(called(code)).or_default();
            *sum = sum.saturating_add(*n);
        }
        sums.into_iter().collect::<Vec<_>>()
    };
    let most = |mut bars: Vec<(String, u64)>| {
        bars.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        bars
    };
    let units = |reading: &Reading| reading.by_unit.iter().map(|(code, count)| (code.clone(), count.opened)).collect();
    let by_unit: Vec<BTreeMap<String, u64>> = readings.iter().map(units).collect();
    let mut opened: BTreeMap<String, u64> = BTreeMap::default();
    for (code, n) in by_unit.iter().flatten() {
        let sum = opened.entry(name(&config.unit_names, code).to_owned()).or_default();
        *sum = sum.saturating_add(*n);
    }
    let trend: Vec<(String, u64)> = if readings.len() > 1 {
        readings.iter().map(|reading| (reading.period(), reading.cases.opened)).collect()
    } else {
        Vec::new()
    };
    [
        ("periods", "各时段新立案", "件", trend),
        ("units", "各单位新立案", "件", most(opened.into_iter().collect())),
        (
            "channels",
            "各渠道信息",
            "条",
            most(summed(&|r| &r.by_channel, &|code| name(&config.channel_names, code).to_owned())),
        ),
        ("levels", "各等级新立案", "件", summed(&|r| &r.by_level, &|code| level(code).to_owned())),
    ]
    .into_iter()
    .filter(|(.., bars)| !bars.is_empty())
    .map(|(part, what, of, bars)| {
        let heading = format!("{title}：{unit}{what}（{days}）");
        (part, bars_svg(&heading, of, &few(bars, part == "periods"), &shown))
    })
    .collect()
}

/// At most [`MAX_BARS`] bars; of periods the last, of others the longest and the rest together.
fn few(mut bars: Vec<(String, u64)>, last: bool) -> Vec<(String, u64)> {
    if bars.len() <= MAX_BARS {
        return bars;
    }
    if last {
        return bars.split_off(bars.len() - MAX_BARS);
    }
    let rest = bars.split_off(MAX_BARS - 1);
    bars.push((format!("其他{}项", rest.len()), rest.iter().fold(0, |sum: u64, (_, n)| sum.saturating_add(*n))));
    bars
}

fn bars_svg(heading: &str, of: &str, bars: &[(String, u64)], shown: &[String]) -> String {
    const WIDTH: usize = 720;
    const ROW: usize = 30;
    let clipped: Vec<String> = bars.iter().map(|(name, _)| clip(name)).collect();
    let wide = |text: &str| text.chars().map(|c| if c.is_ascii() { 8 } else { 15 }).sum::<usize>();
    let left = clipped.iter().map(|name| wide(name)).max().unwrap_or(0) + 24;
    let longest = bars.iter().map(|(_, n)| *n).max().unwrap_or(0).max(1);
    let room = WIDTH - left - 90;
    let height = 60 + bars.len() * ROW + 20;
    let told: Vec<String> = bars.iter().map(|(name, n)| format!("{name} {n}{of}")).collect();
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         role=\"img\" aria-labelledby=\"t d\" lang=\"zh-CN\" font-family=\"'Noto Sans CJK SC','Microsoft YaHei','SimHei',sans-serif\" \
         font-size=\"15\">\n<title id=\"t\">{}</title>\n<desc id=\"d\">{}。依据：{}。</desc>\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>\n\
         <text x=\"16\" y=\"34\" font-size=\"18\" font-weight=\"bold\" fill=\"#1a1a1a\">{}</text>\n",
        escape(heading),
        escape(&told.join("；")),
        escape(&shown.join("、")),
        escape(heading),
    );
    for (at, ((_, n), name)) in bars.iter().zip(&clipped).enumerate() {
        let y = 60 + at * ROW;
        let long = usize::try_from(u128::from(*n) * room as u128 / u128::from(longest)).unwrap_or(room);
        out.push_str(&format!(
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\" fill=\"#1a1a1a\">{}</text>\
             <rect x=\"{left}\" y=\"{}\" width=\"{long}\" height=\"20\" fill=\"#9c1f1f\"/>\
             <text x=\"{}\" y=\"{}\" fill=\"#1a1a1a\">{n}</text>\n",
            left - 10,
            y + 16,
            escape(name),
            y,
            left + long + 8,
            y + 16,
        ));
    }
    out.push_str("</svg>\n");
    out
}

/// A name that leaves the bars their room.
fn clip(name: &str) -> String {
    let mut out = String::new();
    let mut wide = 0;
    for c in name.chars() {
        wide += if c.is_ascii() { 1 } else { 2 };
        if wide > 30 {
            out.push('…');
            return out;
        }
        out.push(c);
    }
    out
}
