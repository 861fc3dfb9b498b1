//! Writes SVG. The only room that makes markup: every text passes through
//! [`escape`], every number through [`number`].

use std::fmt::Write as _;

/// How a shape looks.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shade {
    Start,
    End,
    Call,
    Set,
    Time,
    Event,
    Choice,
    Error,
    /// A box around others.
    Outer,
    /// A frame within a box.
    Inner,
}

/// How a way looks.
#[derive(Debug, Clone, Copy)]
pub(super) enum Line {
    Plain,
    /// Taken where a task is skipped.
    Dashed,
    /// Taken by an error.
    Error,
}

impl Shade {
    /// Fill and stroke.
    fn colours(self) -> (&'static str, &'static str) {
        match self {
            Self::Start | Self::End => ("#1f2937", "#1f2937"),
            Self::Call => ("#dbeafe", "#2563eb"),
            Self::Set => ("#f3f4f6", "#6b7280"),
            Self::Time => ("#fef3c7", "#b45309"),
            Self::Event => ("#ede9fe", "#6d28d9"),
            Self::Choice => ("#dcfce7", "#15803d"),
            Self::Error => ("#fee2e2", "#b91c1c"),
            Self::Outer => ("#ffffff", "#94a3b8"),
            Self::Inner => ("#f8fafc", "#cbd5e1"),
        }
    }
}

const FONT: &str =
    "font-family=\"system-ui, 'Noto Sans', 'Noto Sans CJK SC', 'Microsoft YaHei', 'PingFang SC', sans-serif\"";
const INK: &str = "#111827";
const FAINT: &str = "#4b5563";

pub(super) struct Painter {
    out: String,
}

impl Painter {
    pub(super) fn new(width: f64, height: f64, title: &str) -> Self {
        let (w, h) = (number(width), number(height));
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" role=\"img\" {FONT}>\n"
        );
        let _ = writeln!(out, "<title>{}</title>", escape(title));
        for (id, colour) in [("arrow", FAINT), ("error", "#b91c1c")] {
            let _ = writeln!(
                out,
                "<marker id=\"{id}\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"{colour}\"/></marker>"
            );
        }
        let _ = writeln!(out, "<rect width=\"{w}\" height=\"{h}\" fill=\"#ffffff\"/>");
        Self { out }
    }

    pub(super) fn finish(mut self) -> String {
        self.out.push_str("</svg>\n");
        self.out
    }

    /// What follows belongs to the task at this place.
    pub(super) fn group(&mut self, pointer: &str) {
        let _ = writeln!(self.out, "<g><title>{}</title>", escape(pointer));
    }

    pub(super) fn ungroup(&mut self) {
        self.out.push_str("</g>\n");
    }

    pub(super) fn rect(&mut self, x: f64, y: f64, width: f64, height: f64, shade: Shade) {
        let (fill, stroke) = shade.colours();
        let _ = writeln!(
            self.out,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"6\" fill=\"{fill}\" stroke=\"{stroke}\" stroke-width=\"1.2\"/>",
            number(x),
            number(y),
            number(width),
            number(height)
        );
    }

    /// A frame with a word in its corner.
    pub(super) fn frame(&mut self, x: f64, y: f64, width: f64, height: f64, word: &str, shade: Shade) {
        let (_, stroke) = shade.colours();
        let ink = if matches!(shade, Shade::Error) { stroke } else { "#64748b" };
        let _ = writeln!(
            self.out,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"6\" fill=\"#f8fafc\" stroke=\"{stroke}\" stroke-dasharray=\"4 3\"/>",
            number(x),
            number(y),
            number(width),
            number(height)
        );
        self.put(x + 6.0, y + 12.0, word, 10.5, ink, "", "start");
    }

    /// Start and end.
    pub(super) fn cap(&mut self, x: f64, y: f64, width: f64, height: f64, words: &str, shade: Shade) {
        let (fill, _) = shade.colours();
        let _ = writeln!(
            self.out,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"{}\" fill=\"{fill}\"/>",
            number(x),
            number(y),
            number(width),
            number(height),
            number(height / 2.0)
        );
        self.put(x + width / 2.0, y + height / 2.0 + 4.0, words, 12.0, "#ffffff", "", "middle");
    }

    pub(super) fn title(&mut self, x: f64, y: f64, title: &str, about: &str) {
        self.put(x, y, title, 18.0, INK, "600", "start");
        self.put(x, y + 20.0, about, 12.0, FAINT, "", "start");
    }

    pub(super) fn name(&mut self, x: f64, y: f64, words: &str) {
        self.put(x, y, words, 13.0, INK, "600", "start");
    }

    pub(super) fn text(&mut self, x: f64, y: f64, words: &str) {
        self.put(x, y, words, 11.5, FAINT, "", "start");
    }

    /// Words on a way.
    pub(super) fn words(&mut self, x: f64, y: f64, words: &str) {
        self.put(x, y, words, 11.0, "#b91c1c", "", "middle");
    }

    pub(super) fn again(&mut self, x: f64, y: f64, words: &str) {
        self.put(x, y, words, 11.0, "#b45309", "", "start");
    }

    /// A case: its name, and its condition after it.
    pub(super) fn case(&mut self, x: f64, y: f64, name: &str, condition: &str) {
        let _ = writeln!(
            self.out,
            "<text x=\"{}\" y=\"{}\" font-size=\"11.5\" fill=\"{FAINT}\"><tspan fill=\"{INK}\" font-weight=\"600\">{}</tspan><tspan dx=\"7\">{}</tspan></text>",
            number(x),
            number(y),
            escape(name),
            escape(condition)
        );
    }

    /// A line across a box.
    pub(super) fn rule(&mut self, x: f64, y: f64, to: f64) {
        let _ = writeln!(
            self.out,
            "<path d=\"M{} {}H{}\" stroke=\"#86efac\" stroke-width=\"1\"/>",
            number(x),
            number(y),
            number(to)
        );
    }

    /// A way with an arrow at its end.
    pub(super) fn arrow(&mut self, points: &[(f64, f64)], line: Line) {
        let (colour, dash, marker) = match line {
            Line::Plain => (FAINT, "", "arrow"),
            Line::Dashed => (FAINT, " stroke-dasharray=\"5 4\"", "arrow"),
            Line::Error => ("#b91c1c", " stroke-dasharray=\"5 4\"", "error"),
        };
        let mut path = String::new();
        for (at, (x, y)) in points.iter().enumerate() {
            let _ = write!(path, "{}{} {}", if at == 0 { "M" } else { "L" }, number(*x), number(*y));
        }
        let _ = writeln!(
            self.out,
            "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.4\" stroke-linejoin=\"round\"{dash} marker-end=\"url(#{marker})\"/>"
        );
    }

    /// The end of a way beside a box: a short line and a pill.
    pub(super) fn mark(&mut self, x: f64, y: f64, room: f64, word: &str) {
        self.arrow(&[(x, y), (x + 12.0, y)], Line::Plain);
        let (left, width) = (x + 13.0, room - 17.0);
        let fill = if word == "end" { "#1f2937" } else { "#64748b" };
        let _ = writeln!(
            self.out,
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"16\" rx=\"8\" fill=\"{fill}\"/>",
            number(left),
            number(y - 8.0),
            number(width)
        );
        self.put(left + width / 2.0, y + 4.0, word, 10.5, "#ffffff", "", "middle");
    }

    #[allow(clippy::too_many_arguments)] // the attributes of one element
    fn put(&mut self, x: f64, y: f64, words: &str, size: f64, fill: &str, weight: &str, anchor: &str) {
        let weight = if weight.is_empty() { String::new() } else { format!(" font-weight=\"{weight}\"") };
        let anchor = if anchor == "start" { String::new() } else { format!(" text-anchor=\"{anchor}\"") };
        let _ = writeln!(
            self.out,
            "<text x=\"{}\" y=\"{}\" font-size=\"{}\" fill=\"{fill}\"{weight}{anchor}>{}</text>",
            number(x),
            number(y),
            number(size),
            escape(words)
        );
    }
}

/// A number as SVG wants it, with one decimal at most.
fn number(value: f64) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    if rounded == rounded.trunc() { format!("{rounded:.0}") } else { format!("{rounded:.1}") }
}

/// A text as XML character data, or an attribute's value.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // XML 1.0 has no other control characters, and no such code points.
            '\t' | '\n' | '\r' => out.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
