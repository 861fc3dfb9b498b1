//! A Mermaid flowchart: a node for each task, a subgraph for each list within one.

use std::fmt::Write as _;

use serde_json::Value;

use super::label;
use crate::model::Document;
use crate::outline::{Goal, List, Role, Task};

pub(super) fn draw(document: &Document, source: &Value, list: &List<'_>) -> String {
    let mut chart = Chart { source, text: String::new(), next: 0, indent: 1, edges: Vec::new() };
    chart.text.push_str("flowchart TD\n");
    let title = document.title.clone().unwrap_or_else(|| document.name.clone());
    chart.line(&format!("start([{}])", quoted(&[&title, &document.version])));
    chart.line(&format!("finish([{}])", quoted(&["end"])));
    let inside = chart.list(list, "finish");
    if let Some(first) = inside.first() {
        chart.edges.insert(0, format!("start --> {first}"));
    }
    for edge in std::mem::take(&mut chart.edges) {
        chart.line(&edge);
    }
    for style in [
        "classDef call fill:#dbeafe,stroke:#2563eb,color:#111827",
        "classDef set fill:#f3f4f6,stroke:#6b7280,color:#111827",
        "classDef time fill:#fef3c7,stroke:#b45309,color:#111827",
        "classDef event fill:#ede9fe,stroke:#6d28d9,color:#111827",
        "classDef choice fill:#dcfce7,stroke:#15803d,color:#111827",
        "classDef error fill:#fee2e2,stroke:#b91c1c,color:#111827",
    ] {
        chart.line(style);
    }
    chart.text
}

struct Chart<'v> {
    source: &'v Value,
    text: String,
    next: usize,
    indent: usize,
    /// Written at the end, so that every node stands in its own subgraph.
    edges: Vec<String>,
}

impl Chart<'_> {
    fn line(&mut self, line: &str) {
        for _ in 0..self.indent {
            self.text.push_str("  ");
        }
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn id(&mut self) -> String {
        self.next += 1;
        format!("n{}", self.next)
    }

    /// Draws a list; `after` is where its end leads. Gives the ids of its tasks.
    fn list(&mut self, list: &List<'_>, after: &str) -> Vec<String> {
        let ids: Vec<String> = list.tasks.iter().map(|_| self.id()).collect();
        for (at, task) in list.tasks.iter().enumerate() {
            let Some(id) = ids.get(at) else { continue };
            self.task(task, id);
            if list.role != Role::Branches {
                self.ways(list, at, &ids, after);
            }
        }
        ids
    }

    fn ways(&mut self, list: &List<'_>, at: usize, ids: &[String], after: &str) {
        let (Some(task), Some(from)) = (list.tasks.get(at), ids.get(at)) else { return };
        let cases = if task.kind == "switch" { task.cases() } else { Vec::new() };
        for way in list.ways(at) {
            let (to, end) = match way.goal {
                Goal::At(to) => (ids.get(to).map_or(after, String::as_str), ""),
                Goal::Exit => (after, "exit"),
                Goal::End => ("finish", "end"),
            };
            if to.is_empty() {
                // The end of a list within: its box says where that leads.
                continue;
            }
            let case = way.case.and_then(|index| cases.get(index));
            let words = match case {
                Some(case) => format!("{}: {}", case.name, label::condition(case.when)),
                None if way.skipping => "skipped".to_owned(),
                None if task.text("then").is_some() => end.to_owned(),
                None => String::new(),
            };
            let dashed = way.skipping;
            let arrow = if dashed { "-.->" } else { "-->" };
            let edge = if words.is_empty() {
                format!("{from} {arrow} {to}")
            } else {
                format!("{from} {arrow}|{}| {to}", quoted(&[&words]))
            };
            self.edges.push(edge);
        }
    }

    fn task(&mut self, task: &Task<'_>, id: &str) {
        let detail = label::detail(task);
        let mut lines: Vec<&str> = vec![task.name];
        let kind = if detail.is_empty() { task.kind.to_owned() } else { format!("{} {detail}", task.kind) };
        lines.push(&kind);
        let remarks = label::remarks(task);
        lines.extend(remarks.iter().map(String::as_str));
        let words = quoted(&lines);
        if task.lists.is_empty() {
            let (open, close, class) = match task.kind {
                "switch" => ("{", "}", "choice"),
                "raise" => ("[/", "/]", "error"),
                "wait" => ("(", ")", "time"),
                "emit" | "listen" => (">", "]", "event"),
                "call" | "run" => ("[[", "]]", "call"),
                _ => ("[", "]", "set"),
            };
            self.line(&format!("{id}{open}{words}{close}:::{class}"));
            return;
        }
        self.line(&format!("subgraph {id}[{words}]"));
        self.indent += 1;
        let mut parts: Vec<Part> = Vec::new();
        for list in &task.lists {
            let part = if task.lists.len() > 1 { self.id() } else { String::new() };
            if !part.is_empty() {
                let name = if list.role == Role::Tried { "try" } else { "catch" };
                self.line(&format!("subgraph {part}[{}]", quoted(&[name])));
                self.indent += 1;
            }
            let tasks = self.list(list, "");
            if !part.is_empty() {
                self.indent -= 1;
                self.line("end");
            }
            parts.push(Part { role: list.role, id: part, tasks });
        }
        self.indent -= 1;
        self.line("end");
        self.errors(task, &parts);
    }

    /// A `try`'s error path and its further attempts.
    fn errors(&mut self, task: &Task<'_>, parts: &[Part]) {
        if task.kind != "try" {
            return;
        }
        let part = |role: Role| parts.iter().find(|part| part.role == role);
        let Some(tried) = part(Role::Tried) else { return };
        if let Some(handler) = part(Role::Handler) {
            let words = quoted(&[&label::caught(task)]);
            self.edges.push(format!("{} -.->|{words}| {}", tried.id, handler.id));
        }
        // From the last task to the first: an edge from a subgraph to itself is drawn badly.
        if let (Some(retry), Some(first), Some(last)) =
            (label::retry(task, self.source), tried.tasks.first(), tried.tasks.last())
        {
            self.edges.push(format!("{last} -.->|{}| {first}", quoted(&[&retry])));
        }
    }
}

/// A list within a box.
struct Part {
    role: Role,
    /// Its own subgraph, where there are several.
    id: String,
    /// The ids of its tasks.
    tasks: Vec<String>,
}

/// Lines as a Mermaid label. Everything that could be more than text is
/// written by its number.
fn quoted(lines: &[&str]) -> String {
    let mut out = String::from("\"");
    for (at, line) in lines.iter().filter(|line| !line.is_empty()).enumerate() {
        if at > 0 {
            out.push_str("<br/>");
        }
        for c in label::clip(line, 60).chars() {
            match c {
                ' ' | '.' | ',' | '-' | '_' | '/' | '+' | '=' | '?' | '!' => out.push(c),
                c if c.is_alphanumeric() || !c.is_ascii() => out.push(c),
                // `:` and the rest: no markup, no directive, no link.
                c => {
                    let _ = write!(out, "#{};", u32::from(c));
                }
            }
        }
    }
    out.push('"');
    out
}
