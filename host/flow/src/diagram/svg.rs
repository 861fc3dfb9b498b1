//! The SVG picture: what the layout placed, drawn by the painter.

use serde_json::Value;

use super::label;
use super::layout::{Block, Column, LINE, MARK, PAD, ROW, column};
use super::paint::{Line, Painter, Shade};
use crate::model::Document;
use crate::outline::{List, Role};

/// Room around the whole.
const MARGIN: f64 = 24.0;
/// Height of the title, of the start and of the end.
const TITLE: f64 = 56.0;
const CAP: f64 = 26.0;
const GAP: f64 = 28.0;

pub(super) fn draw(document: &Document, source: &Value, list: &List<'_>) -> String {
    let whole = column(list, source);
    let title = label::clip(document.title.as_deref().unwrap_or(&document.name), 60);
    let about = format!("{}/{} {}", document.namespace, document.name, document.version);
    let trigger = label::trigger(source).unwrap_or_else(|| "start".to_owned());
    let needed = (label::columns(&title) as f64 * 10.5).max(label::columns(&about) as f64 * 7.0);
    let cap = (label::columns(&trigger) as f64 * 7.0 + 2.0 * PAD).max(72.0);
    let half = (whole.middle - whole.x).max(cap / 2.0);
    let dx = MARGIN + half - (whole.middle - whole.x);
    let top = MARGIN + TITLE + CAP + GAP;
    let whole = whole.moved(dx, top);
    let width = (whole.x + whole.width).max(whole.middle + cap / 2.0).max(MARGIN + needed) + MARGIN;
    let height = top + whole.height + GAP + CAP + MARGIN;
    let mut painter = Painter::new(width, height, &format!("{title} — {about}"));
    painter.title(MARGIN, MARGIN + 18.0, &title, &about);
    let above = top - GAP;
    painter.cap(whole.middle - cap / 2.0, above - CAP, cap, CAP, &trigger, Shade::Start);
    let below = top + whole.height + GAP;
    painter.cap(whole.middle - 36.0, below, 72.0, CAP, "end", Shade::End);
    boxes(&whole, &mut painter);
    ways(&whole, &mut painter);
    if let Some(first) = whole.blocks.first() {
        painter.arrow(&[(whole.middle, above), (first.middle(), first.y)], Line::Plain);
    }
    if let Some(last) = whole.blocks.last() {
        let at = whole.blocks.len() - 1;
        if let Some(down) = whole.down.iter().find(|down| down.from == at) {
            let line = if down.skipping { Line::Dashed } else { Line::Plain };
            painter.arrow(&[(last.middle(), last.bottom()), (whole.middle, below)], line);
        }
    }
    painter.finish()
}

/// Every box of a list, those around before those within.
fn boxes(column: &Column<'_>, painter: &mut Painter) {
    for block in &column.blocks {
        one(block, painter);
        for (at, list) in block.lists.iter().enumerate() {
            if block.lists.len() > 1 {
                let word = if list.role == Role::Handler { "catch" } else { "try" };
                let shade = if list.role == Role::Handler { Shade::Error } else { Shade::Inner };
                // A frame around each of the two.
                painter.frame(
                    list.x - 6.0,
                    list.y - LINE - 2.0,
                    list.width + 12.0,
                    list.height + LINE + 8.0,
                    word,
                    shade,
                );
            }
            boxes(list, painter);
            ways(list, painter);
            if at == 1 {
                error_path(block, painter);
            }
        }
        if let Some(again) = &block.again {
            let tried = block.lists.first();
            let (left, top) = tried.map_or((block.x + PAD, block.y), |list| (list.x, list.y));
            let offset = if block.lists.len() > 1 { LINE + 2.0 } else { 0.0 };
            painter.again(left, top - offset - 6.0, &format!("↻ {again}"));
        }
    }
}

fn one(block: &Block<'_>, painter: &mut Painter) {
    let shade = match block.task.kind {
        _ if !block.lists.is_empty() => Shade::Outer,
        "call" | "run" => Shade::Call,
        "wait" => Shade::Time,
        "emit" | "listen" => Shade::Event,
        "switch" => Shade::Choice,
        "raise" => Shade::Error,
        _ => Shade::Set,
    };
    painter.group(&block.task.pointer);
    painter.rect(block.x, block.y, block.width, block.height, shade);
    let (x, mut y) = (block.x + PAD, block.y + PAD + 8.0);
    painter.name(x, y, &label::fit(block.task.name));
    for line in &block.lines {
        y += LINE;
        painter.text(x, y, line);
    }
    for (at, row) in block.rows.iter().enumerate() {
        let middle = block.row_y(at);
        painter.rule(block.x, middle - ROW / 2.0, block.right());
        painter.case(x, middle + 4.0, &row.name, &row.condition);
    }
    painter.ungroup();
}

fn error_path(block: &Block<'_>, painter: &mut Painter) {
    let (Some(tried), Some(handler), Some(words)) = (block.lists.first(), block.lists.get(1), &block.caught) else {
        return;
    };
    let y = tried.y + LINE;
    let (from, to) = (tried.x + tried.width + 6.0, handler.x - 6.0);
    painter.arrow(&[(from, y), (to, y)], Line::Error);
    painter.words((from + to) / 2.0, y - 5.0, words);
}

/// Every way of a list.
fn ways(column: &Column<'_>, painter: &mut Painter) {
    if column.role == Role::Branches {
        return;
    }
    for down in &column.down {
        let line = if down.skipping { Line::Dashed } else { Line::Plain };
        if let (Some(from), Some(to)) = (column.blocks.get(down.from), column.blocks.get(down.from + 1)) {
            painter.arrow(&[(from.middle(), from.bottom()), (to.middle(), to.y)], line);
        }
    }
    for jump in &column.jumps {
        let (Some(from), Some(to)) = (column.blocks.get(jump.from), column.blocks.get(jump.to)) else { continue };
        let forward = jump.to > jump.from;
        let leaves =
            jump.case.map_or(if forward { from.bottom() - 8.0 } else { from.side_y() + 6.0 }, |case| from.row_y(case));
        let enters = to.side_y();
        let (start, end) = if forward { (from.right(), to.right()) } else { (from.x, to.x) };
        painter.arrow(&[(start, leaves), (jump.lane, leaves), (jump.lane, enters), (end, enters)], Line::Plain);
    }
    for end in &column.ends {
        let Some(from) = column.blocks.get(end.from) else { continue };
        let y = end.case.map_or(from.bottom() - 10.0, |case| from.row_y(case));
        painter.mark(from.right(), y, MARK, end.word);
    }
}
