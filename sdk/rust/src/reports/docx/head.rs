//! 版头: what stands in red above the paper, the title, and to whom it goes.

use super::parts::{KAITI, LATIN, WIDTH, four};
use super::text::{TAB, halves, line, paragraph, run};
use crate::reports::{Head, Paper};

pub(super) fn write(paper: &Paper) -> String {
    let mut out = String::new();
    for mark in &paper.marks {
        out.push_str(&line("Mark", mark));
    }
    // 发文机关标志 stands 35 mm below the upper edge of the type area, whatever marks are above it.
    let marks = paper.marks.len() as u32 * 579;
    match &paper.head {
        Head::Document { organ, number, signer } => {
            out.push_str(&organ_line(organ, 1_984_u32.saturating_sub(marks)));
            out.push_str(&line("Blank", ""));
            let number = number.as_deref().unwrap_or_default();
            out.push_str(&match signer {
                // 上行文: the number one character from the left, who issues it one from the right.
                Some(signer) => {
                    let name = run(&four(LATIN, KAITI), signer);
                    // Full-width blanks, not indents: those would shorten the red line, too.
                    let (number, by) = (run("", &format!("　{number}")), run("", "签发人："));
                    let stop = format!("<w:tabs><w:tab w:val=\"right\" w:pos=\"{WIDTH}\"/></w:tabs>");
                    paragraph("RedLine", &stop, &format!("{number}{TAB}{by}{name}{}", run("", "　")))
                }
                None => paragraph("RedLine", "<w:jc w:val=\"center\"/>", &run("", number)),
            });
        }
        Head::Bulletin { name, issue, organ, date } => {
            out.push_str(&organ_line(name, 1_100_u32.saturating_sub(marks)));
            out.push_str(&line("Centred", issue.as_deref().unwrap_or_default()));
            let stop = format!("<w:tabs><w:tab w:val=\"right\" w:pos=\"{WIDTH}\"/></w:tabs>");
            let runs = format!("{}{TAB}{}", run("", organ), run("", date));
            out.push_str(&paragraph("RedLine", &stop, &runs));
        }
    }
    out.push_str(&line("Title", paper.formal.as_deref().unwrap_or(&paper.title)));
    if !paper.to.is_empty() {
        out.push_str(&line("Addressee", &format!("{}：", paper.to.join("，"))));
    }
    out
}

/// 发文机关标志: as large as the line allows, at most 52 pt (the standard: not above 22 × 15 mm a character).
fn organ_line(organ: &str, before: u32) -> String {
    let characters = halves(organ).max(2).div_ceil(2) as u32;
    let size = ((WIDTH / 10) * 96 / 100 / characters).clamp(44, 104);
    // Its line is 1.2 times as high: half-points to twentieths of a point.
    let properties = format!("<w:spacing w:before=\"{before}\" w:line=\"{}\" w:lineRule=\"exact\"/>", size * 12);
    paragraph("Organ", &properties, &run(&format!("<w:sz w:val=\"{size}\"/><w:szCs w:val=\"{size}\"/>"), organ))
}
