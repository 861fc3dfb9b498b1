//! JUnit XML, as CI systems read it.

use std::fmt::Write as _;

use super::Tested;

/// The results of all plugins.
pub(super) fn xml(all: &[Tested]) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for tested in all {
        let failed = tested.trials.iter().filter(|trial| !trial.problems.is_empty()).count();
        let time: f64 = tested.trials.iter().map(|trial| trial.usage.wall.as_secs_f64()).sum();
        let _ = writeln!(
            xml,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failed}\" errors=\"0\" time=\"{time:.6}\">",
            escape(&tested.name),
            tested.trials.len()
        );
        for trial in &tested.trials {
            let (name, class) = (escape(&trial.name), escape(&tested.name));
            let time = trial.usage.wall.as_secs_f64();
            let _ = write!(xml, "    <testcase name=\"{name}\" classname=\"{class}\" time=\"{time:.6}\"");
            if trial.problems.is_empty() {
                xml.push_str("/>\n");
                continue;
            }
            let said: Vec<&str> = trial.problems.iter().map(|problem| problem.text.trim_end()).collect();
            let first = said.first().and_then(|text| text.lines().next()).unwrap_or_default();
            let _ = writeln!(
                xml,
                ">\n      <failure message=\"{}\">{}</failure>\n    </testcase>",
                escape(first),
                escape(&said.join("\n"))
            );
        }
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

/// A text in XML 1.0, which has no place for most control characters.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn what_xml_has_no_place_for_is_replaced() {
        assert_eq!(escape("<a & \"b\">\u{1b}[0m\u{0}火"), "&lt;a &amp; &quot;b&quot;&gt;\u{fffd}[0m\u{fffd}火");
    }
}
