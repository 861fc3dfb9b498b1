//! A workbook (ECMA-376): a sheet for each table, its head bold and fixed, numbers as numbers. Texts are inline and of
//! the type text, so none can be a formula.

use huiyin_sdk::Error;
use huiyin_sdk::reports::archive::pack;
use huiyin_sdk::reports::escape;

use crate::tables::{Cell, Table};

const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const MAIN: &str = "xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"";
const DOCUMENT: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
const TYPE: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml";

/// Cell formats, by their place in `cellXfs` of the styles.
const PLAIN: u8 = 0;
const HEAD: u8 = 1;
const COUNT: u8 = 2;
const RATE: u8 = 3;
const TITLE: u8 = 4;

pub(crate) fn workbook(title: &str, tables: &[Table]) -> Result<Vec<u8>, Error> {
    let (mut types, mut sheets, mut relations) = (String::new(), String::new(), String::new());
    for (n, table) in tables.iter().enumerate() {
        let n = n + 1;
        types.push_str(&format!(
            "<Override PartName=\"/xl/worksheets/sheet{n}.xml\" ContentType=\"{TYPE}.worksheet+xml\"/>"
        ));
        sheets.push_str(&format!("<sheet name=\"{}\" sheetId=\"{n}\" r:id=\"rId{n}\"/>", table.name));
        relations.push_str(&format!(
            "<Relationship Id=\"rId{n}\" Type=\"{DOCUMENT}/worksheet\" Target=\"worksheets/sheet{n}.xml\"/>"
        ));
    }
    let after = tables.len() + 1;
    let types = format!(
        "{XML}<Types xmlns=\"{PACKAGE}/content-types\"><Default Extension=\"rels\" \
         ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/><Default Extension=\"xml\" \
         ContentType=\"application/xml\"/><Override PartName=\"/xl/workbook.xml\" ContentType=\"{TYPE}.sheet.main+xml\"/>\
         <Override PartName=\"/xl/styles.xml\" ContentType=\"{TYPE}.styles+xml\"/>{types}</Types>"
    );
    let package = format!(
        "{XML}<Relationships xmlns=\"{PACKAGE}/relationships\"><Relationship Id=\"rId1\" \
         Type=\"{DOCUMENT}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
    );
    let book = format!("{XML}<workbook {MAIN} xmlns:r=\"{DOCUMENT}\"><sheets>{sheets}</sheets></workbook>");
    let relations = format!(
        "{XML}<Relationships xmlns=\"{PACKAGE}/relationships\">{relations}<Relationship Id=\"rId{after}\" \
         Type=\"{DOCUMENT}/styles\" Target=\"styles.xml\"/></Relationships>"
    );
    let styles = styles();
    let written: Vec<(String, String)> = tables
        .iter()
        .enumerate()
        .map(|(n, table)| (format!("xl/worksheets/sheet{}.xml", n + 1), sheet(title, table)))
        .collect();
    let mut parts = vec![
        ("[Content_Types].xml", types.as_str()),
        ("_rels/.rels", &package),
        ("xl/workbook.xml", &book),
        ("xl/_rels/workbook.xml.rels", &relations),
        ("xl/styles.xml", &styles),
    ];
    parts.extend(written.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    pack(&parts)
}

/// Row 1 has the title, row 2 the head, which stays in sight.
fn sheet(title: &str, table: &Table) -> String {
    let mut rows = format!(
        "<row r=\"1\" ht=\"26\" customHeight=\"1\">{}</row><row r=\"2\">",
        text(0, 1, TITLE, &format!("{title}　{}", table.name))
    );
    for (column, head) in table.head.iter().enumerate() {
        rows.push_str(&text(column, 2, HEAD, head));
    }
    rows.push_str("</row>");
    for (n, cells) in table.rows.iter().enumerate() {
        let row = n + 3;
        rows.push_str(&format!("<row r=\"{row}\">"));
        for (column, cell) in cells.iter().enumerate() {
            match cell {
                Cell::Text(said) => rows.push_str(&text(column, row, PLAIN, said)),
                Cell::Count(n) => rows.push_str(&number(column, row, COUNT, &n.to_string())),
                Cell::Rate(Some(rate)) if rate.is_finite() => {
                    rows.push_str(&number(column, row, RATE, &rate.to_string()))
                }
                Cell::Rate(_) => rows.push_str(&text(column, row, PLAIN, "—")),
            }
        }
        rows.push_str("</row>");
    }
    let columns: String = (0..table.head.len())
        .map(|column| {
            format!("<col min=\"{0}\" max=\"{0}\" width=\"{1}\" customWidth=\"1\"/>", column + 1, width(table, column))
        })
        .collect();
    let last = format!("{}{}", letters(table.head.len().max(1) - 1), table.rows.len() + 2);
    format!(
        "{XML}<worksheet {MAIN}><sheetPr><pageSetUpPr fitToPage=\"1\"/></sheetPr><sheetViews><sheetView workbookViewId=\"0\">\
         <pane ySplit=\"2\" topLeftCell=\"A3\" activePane=\"bottomLeft\" state=\"frozen\"/></sheetView></sheetViews>\
         <cols>{columns}</cols><sheetData>{rows}</sheetData><autoFilter ref=\"A2:{last}\"/>\
         <pageSetup paperSize=\"9\" orientation=\"landscape\" fitToWidth=\"1\" fitToHeight=\"0\"/></worksheet>"
    )
}

fn text(column: usize, row: usize, style: u8, text: &str) -> String {
    let place = letters(column);
    format!(
        "<c r=\"{place}{row}\" s=\"{style}\" t=\"inlineStr\"><is><t xml:space=\"preserve\">{}</t></is></c>",
        escape(text)
    )
}

fn number(column: usize, row: usize, style: u8, number: &str) -> String {
    format!("<c r=\"{}{row}\" s=\"{style}\"><v>{number}</v></c>", letters(column))
}

/// The letters of a column: A, Z, AA.
fn letters(column: usize) -> String {
    let letter = char::from(b'A' + u8::try_from(column % 26).unwrap_or(0));
    if column < 26 { letter.to_string() } else { format!("{}{letter}", letters(column / 26 - 1)) }
}

/// In characters of Latin width, of which a Chinese one has two.
fn width(table: &Table, column: usize) -> usize {
    let wide = |text: &str| text.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum::<usize>();
    let cells = table.rows.iter().filter_map(|row| match row.get(column) {
        Some(Cell::Text(text)) => Some(wide(text)),
        _ => None,
    });
    let head = table.head.get(column).map_or(0, |head| wide(head) + 4);
    cells.chain([head]).max().unwrap_or(0).clamp(8, 48) + 2
}

fn styles() -> String {
    let border = "<border><left style=\"thin\"/><right style=\"thin\"/><top style=\"thin\"/><bottom style=\"thin\"/><diagonal/></border>";
    let format = |number: u16, font: u8, fill: u8, border: u8, align: &str| {
        format!(
            "<xf numFmtId=\"{number}\" fontId=\"{font}\" fillId=\"{fill}\" borderId=\"{border}\" xfId=\"0\" applyNumberFormat=\"1\" \
             applyFont=\"1\" applyFill=\"1\" applyBorder=\"1\" applyAlignment=\"1\"><alignment vertical=\"center\"{align}/></xf>"
        )
    };
    let formats = [
        format(49, 0, 0, 1, ""),
        format(49, 1, 2, 1, " horizontal=\"center\" wrapText=\"1\""),
        format(3, 0, 0, 1, ""),
        format(164, 0, 0, 1, ""),
        format(49, 2, 0, 0, ""),
    ]
    .concat();
    let font = |size: u8, bold: &str| {
        format!("<font>{bold}<sz val=\"{size}\"/><name val=\"宋体\"/><family val=\"3\"/><charset val=\"134\"/></font>")
    };
    format!(
        "{XML}<styleSheet {MAIN}><numFmts count=\"1\"><numFmt numFmtId=\"164\" formatCode=\"0.0%\"/></numFmts>\
         <fonts count=\"3\">{}{}{}</fonts><fills count=\"3\"><fill><patternFill patternType=\"none\"/></fill><fill>\
         <patternFill patternType=\"gray125\"/></fill><fill><patternFill patternType=\"solid\"><fgColor rgb=\"FFEDEDED\"/>\
         <bgColor indexed=\"64\"/></patternFill></fill></fills><borders count=\"2\"><border><left/><right/><top/><bottom/>\
         <diagonal/></border>{border}</borders><cellStyleXfs count=\"1\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\"/>\
         </cellStyleXfs><cellXfs count=\"5\">{formats}</cellXfs><cellStyles count=\"1\"><cellStyle name=\"Normal\" xfId=\"0\" \
         builtinId=\"0\"/></cellStyles></styleSheet>",
        font(11, ""),
        font(11, "<b/>"),
        font(16, "<b/>"),
    )
}

#[cfg(test)]
mod tests {
    use super::letters;

    #[test]
    fn columns_have_letters() {
        for (column, read) in [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA"), (701, "ZZ"), (702, "AAA")] {
            assert_eq!(letters(column), read);
        }
    }
}
