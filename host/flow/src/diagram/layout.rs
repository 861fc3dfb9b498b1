//! Where everything stands: boxes in their lists, lists in their boxes, and
//! the lanes beside them in which jumps run. Numbers only; nothing is drawn.

use serde_json::Value;

use super::label;
use crate::outline::{Goal, List, Role, Task};

/// Width of one column of text in the small font, in pixels.
const COLUMN: f64 = 6.6;
/// Width of one column of a name, which is bold and a little larger.
const BOLD: f64 = 7.4;
/// Height of a line of text.
pub(super) const LINE: f64 = 16.0;
/// Height of a case of a `switch`.
pub(super) const ROW: f64 = 20.0;
/// Room within a box, at each side.
pub(super) const PAD: f64 = 12.0;
/// Room between the boxes of a list.
const GAP: f64 = 30.0;
/// Room between lists that stand side by side.
const BESIDE: f64 = 44.0;
/// Room between two lanes.
const LANE: f64 = 12.0;
/// Width of the mark at which a way ends, with the room before it.
pub(super) const MARK: f64 = 52.0;

/// A box and what it holds. Positions are those of the picture.
pub(super) struct Block<'v> {
    pub(super) task: &'v Task<'v>,
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
    /// The lines below the name.
    pub(super) lines: Vec<String>,
    /// The cases of a `switch`.
    pub(super) rows: Vec<Row>,
    /// The lists within, side by side.
    pub(super) lists: Vec<Column<'v>>,
    /// The error path of a `try`, and its further attempts.
    pub(super) caught: Option<String>,
    pub(super) again: Option<String>,
}

/// One case of a `switch`.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) condition: String,
}

/// A list, laid out.
pub(super) struct Column<'v> {
    pub(super) role: Role,
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
    /// The middle of its boxes.
    pub(super) middle: f64,
    pub(super) blocks: Vec<Block<'v>>,
    pub(super) jumps: Vec<Jump>,
    /// Boxes from which the flow goes straight down to the next, or to the list's end.
    pub(super) down: Vec<Down>,
    /// Where ways end beside a box: the box, the case, and how.
    pub(super) ends: Vec<End>,
}

/// A way to another box of the list than the next.
pub(super) struct Jump {
    pub(super) from: usize,
    pub(super) case: Option<usize>,
    pub(super) to: usize,
    /// The x of its lane.
    pub(super) lane: f64,
}

/// A way straight down.
pub(super) struct Down {
    pub(super) from: usize,
    /// Only because the task was skipped.
    pub(super) skipping: bool,
}

/// A way that ends beside its box.
pub(super) struct End {
    pub(super) from: usize,
    pub(super) case: Option<usize>,
    /// `end`, `exit`.
    pub(super) word: &'static str,
}

/// Measures a list; its corner is at 0, 0.
pub(super) fn column<'v>(list: &'v List<'v>, document: &Value) -> Column<'v> {
    let blocks: Vec<Block<'v>> = list.tasks.iter().map(|task| block(task, document)).collect();
    if list.role == Role::Branches {
        return branches(list, blocks);
    }
    let mut column = unplaced(list, blocks);
    column.routes(list);
    column.place();
    column
}

/// A column that nothing has been measured of.
fn unplaced<'v>(list: &List<'_>, blocks: Vec<Block<'v>>) -> Column<'v> {
    Column {
        role: list.role,
        x: 0.0,
        y: 0.0,
        width: 0.0,
        height: 0.0,
        middle: 0.0,
        blocks,
        jumps: Vec::new(),
        down: Vec::new(),
        ends: Vec::new(),
    }
}

/// The branches of a `fork`: side by side, no way between them.
fn branches<'v>(list: &List<'_>, blocks: Vec<Block<'v>>) -> Column<'v> {
    let mut column = unplaced(list, blocks);
    let mut x = 0.0;
    for block in &mut column.blocks {
        block.shift(x, 0.0);
        x += block.width + BESIDE / 2.0;
        column.height = column.height.max(block.height);
    }
    column.width = (x - BESIDE / 2.0).max(0.0);
    column.middle = column.width / 2.0;
    column
}

fn block<'v>(task: &'v Task<'v>, document: &Value) -> Block<'v> {
    let detail = label::detail(task);
    let first = if detail.is_empty() { task.kind.to_owned() } else { format!("{} · {detail}", task.kind) };
    let mut lines = vec![first];
    lines.extend(label::remarks(task));
    let rows: Vec<Row> = if task.kind == "switch" {
        let row = |case: &crate::outline::Case<'_>| Row {
            name: label::fit(case.name),
            condition: label::condition(case.when),
        };
        task.cases().iter().map(row).collect()
    } else {
        Vec::new()
    };
    let name = label::columns(&label::fit(task.name)) as f64 * BOLD;
    let text = lines.iter().map(|line| label::columns(line) as f64 * COLUMN).fold(name, f64::max);
    let row_width = |row: &Row| (label::columns(&row.name) + label::columns(&row.condition) + 3) as f64 * COLUMN;
    let text = rows.iter().map(row_width).fold(text, f64::max);
    let head = PAD + LINE * (1 + lines.len()) as f64;
    let mut block = Block {
        task,
        x: 0.0,
        y: 0.0,
        width: (text + 2.0 * PAD).max(120.0),
        height: head + 4.0,
        lines,
        caught: (task.kind == "try").then(|| label::caught(task)),
        again: label::retry(task, document),
        rows,
        lists: task.lists.iter().map(|list| column(list, document)).collect(),
    };
    if !block.rows.is_empty() {
        block.height = head + 6.0 + ROW * block.rows.len() as f64 + 4.0;
    }
    block.arrange(head);
    block
}

impl Block<'_> {
    /// Places the lists within, side by side.
    fn arrange(&mut self, head: f64) {
        if self.lists.is_empty() {
            return;
        }
        // The words on the way from `try` to `catch` need room.
        let between = self
            .caught
            .as_ref()
            .map_or(BESIDE, |words| (label::columns(words) as f64 * COLUMN + 2.0 * PAD).max(BESIDE));
        // The further attempts are written above the lists.
        let top = head + PAD + if self.again.is_some() { LINE } else { 0.0 };
        let (mut x, mut bottom) = (PAD, top);
        let titled = if self.lists.len() > 1 { LINE } else { 0.0 };
        let count = self.lists.len();
        for (at, list) in self.lists.iter_mut().enumerate() {
            list.shift(x, top + titled);
            x += list.width + if at + 1 < count { between } else { 0.0 };
            bottom = bottom.max(top + titled + list.height);
        }
        let wanted = x + PAD;
        if wanted < self.width && count == 1 {
            // A narrow list in a wide box stands in its middle.
            if let Some(list) = self.lists.first_mut() {
                list.shift((self.width - wanted) / 2.0, 0.0);
            }
        }
        self.width = self.width.max(wanted);
        self.height = bottom + PAD;
    }

    fn shift(&mut self, dx: f64, dy: f64) {
        self.x += dx;
        self.y += dy;
        for list in &mut self.lists {
            list.shift(dx, dy);
        }
    }

    /// The y at which a case leaves the box.
    pub(super) fn row_y(&self, case: usize) -> f64 {
        let head = PAD + LINE * (1 + self.lines.len()) as f64 + 6.0;
        self.y + head + ROW * case as f64 + ROW / 2.0
    }

    pub(super) fn right(&self) -> f64 {
        self.x + self.width
    }

    pub(super) fn bottom(&self) -> f64 {
        self.y + self.height
    }

    pub(super) fn middle(&self) -> f64 {
        self.x + self.width / 2.0
    }

    /// The y at which a way that is no case leaves or enters at the side.
    pub(super) fn side_y(&self) -> f64 {
        self.y + PAD + LINE / 2.0
    }
}

impl Column<'_> {
    fn shift(&mut self, dx: f64, dy: f64) {
        self.x += dx;
        self.y += dy;
        self.middle += dx;
        for block in &mut self.blocks {
            block.shift(dx, dy);
        }
        for jump in &mut self.jumps {
            jump.lane += dx;
        }
    }

    /// Sorts the ways of each box into straight ones, jumps and ends.
    fn routes(&mut self, list: &List<'_>) {
        for (at, task) in list.tasks.iter().enumerate() {
            let ways = list.ways(at);
            let cases = if task.kind == "switch" { task.cases().len() } else { 0 };
            for way in &ways {
                // The last case goes down through the bottom, as does what is no case.
                let straight = way.case.is_none_or(|case| case + 1 == cases);
                match way.goal {
                    Goal::At(to) if to == at + 1 && straight => {
                        if !self.down.iter().any(|down| down.from == at) {
                            self.down.push(Down { from: at, skipping: way.skipping });
                        }
                    }
                    Goal::At(to) if to < list.tasks.len() => {
                        self.jumps.push(Jump { from: at, case: way.case, to, lane: 0.0 })
                    }
                    // A case that leaves the list at its end.
                    Goal::At(_) | Goal::Exit => self.ends.push(End { from: at, case: way.case, word: "exit" }),
                    Goal::End => self.ends.push(End { from: at, case: way.case, word: "end" }),
                }
            }
        }
    }

    /// Boxes below each other about one middle, lanes at both sides.
    fn place(&mut self) {
        let left = self.lanes(false);
        let right = self.lanes(true);
        let widest = self.blocks.iter().map(|block| block.width).fold(0.0, f64::max);
        let marks = if self.ends.is_empty() { 0.0 } else { MARK };
        let start = if left.is_empty() { 0.0 } else { LANE * (left.len() as f64 + 1.0) };
        let mut y = 0.0;
        let count = self.blocks.len();
        for (at, block) in self.blocks.iter_mut().enumerate() {
            let x = start + (widest - block.width) / 2.0;
            block.shift(x, y);
            y += block.height + if at + 1 < count { GAP } else { 0.0 };
        }
        let edge = start + widest;
        for (index, jumps) in right.iter().enumerate() {
            for at in jumps {
                if let Some(jump) = self.jumps.get_mut(*at) {
                    jump.lane = edge + marks + LANE * (index as f64 + 1.0);
                }
            }
        }
        for (index, jumps) in left.iter().enumerate() {
            for at in jumps {
                if let Some(jump) = self.jumps.get_mut(*at) {
                    jump.lane = start - LANE * (index as f64 + 1.0);
                }
            }
        }
        self.middle = start + widest / 2.0;
        self.width = edge + marks + if right.is_empty() { 0.0 } else { LANE * (right.len() as f64 + 1.0) };
        self.height = y;
    }

    /// Puts jumps (forward: at the right, back: at the left) into lanes: those
    /// to one target share theirs, and no two that overlap do otherwise.
    fn lanes(&self, forward: bool) -> Vec<Vec<usize>> {
        let mut bundles: Vec<(usize, usize, usize, Vec<usize>)> = Vec::new();
        for (at, jump) in self.jumps.iter().enumerate().filter(|(_, jump)| (jump.to > jump.from) == forward) {
            let (low, high) = (jump.from.min(jump.to), jump.from.max(jump.to));
            match bundles.iter_mut().find(|(to, ..)| *to == jump.to) {
                Some((_, first, last, jumps)) => {
                    *first = low.min(*first);
                    *last = high.max(*last);
                    jumps.push(at);
                }
                None => bundles.push((jump.to, low, high, vec![at])),
            }
        }
        // Short ones next to the boxes.
        bundles.sort_by_key(|(to, first, last, _)| (last - first, *to));
        let mut lanes: Vec<(Vec<(usize, usize)>, Vec<usize>)> = Vec::new();
        for (_, first, last, jumps) in bundles {
            let free = lanes.iter_mut().find(|(taken, _)| taken.iter().all(|(a, b)| last < *a || *b < first));
            match free {
                Some((taken, all)) => {
                    taken.push((first, last));
                    all.extend(jumps);
                }
                None => lanes.push((vec![(first, last)], jumps)),
            }
        }
        lanes.into_iter().map(|(_, jumps)| jumps).collect()
    }

    /// Moves the whole.
    pub(super) fn moved(mut self, dx: f64, dy: f64) -> Self {
        self.shift(dx, dy);
        self
    }
}
