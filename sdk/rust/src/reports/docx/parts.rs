//! The parts of the file that are the same for every paper, and the styles.
//!
//! Lengths are in twentieths of a point (twips): 56.7 a millimetre.

/// The width of the type area: 156 mm, which holds 28 characters of 15.75 pt.
pub(super) const WIDTH: u32 = 8_850;

pub(super) const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";

pub(super) const NAMES: &str = "xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\" \
     xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"";

/// A4; 37 mm above, 28 mm to the left, 35 mm below; 22 lines; page numbers 7 mm below the type area.
pub(super) const SECTION: &str = "<w:sectPr><w:footerReference w:type=\"default\" r:id=\"rId4\"/>\
     <w:footerReference w:type=\"even\" r:id=\"rId5\"/><w:pgSz w:w=\"11906\" w:h=\"16838\"/>\
     <w:pgMar w:top=\"2098\" w:right=\"1469\" w:bottom=\"1984\" w:left=\"1587\" w:header=\"851\" w:footer=\"1247\" w:gutter=\"0\"/>\
     <w:docGrid w:type=\"lines\" w:linePitch=\"579\"/></w:sectPr>";

pub(super) const CONTENT_TYPES: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n\
     <Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
     <Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
     <Default Extension=\"xml\" ContentType=\"application/xml\"/>\
     <Override PartName=\"/docProps/core.xml\" ContentType=\"application/vnd.openxmlformats-package.core-properties+xml\"/>\
     <Override PartName=\"/word/document.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml\"/>\
     <Override PartName=\"/word/styles.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.styles+xml\"/>\
     <Override PartName=\"/word/settings.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.settings+xml\"/>\
     <Override PartName=\"/word/fontTable.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.fontTable+xml\"/>\
     <Override PartName=\"/word/footer1.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.footer+xml\"/>\
     <Override PartName=\"/word/footer2.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.wordprocessingml.footer+xml\"/>\
     </Types>";

pub(super) const RELATIONS: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n\
     <Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
     <Relationship Id=\"rId1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" Target=\"word/document.xml\"/>\
     <Relationship Id=\"rId2\" Type=\"http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties\" Target=\"docProps/core.xml\"/>\
     </Relationships>";

pub(super) const DOCUMENT_RELATIONS: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n\
     <Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
     <Relationship Id=\"rId1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles\" Target=\"styles.xml\"/>\
     <Relationship Id=\"rId2\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/settings\" Target=\"settings.xml\"/>\
     <Relationship Id=\"rId3\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/fontTable\" Target=\"fontTable.xml\"/>\
     <Relationship Id=\"rId4\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/footer\" Target=\"footer1.xml\"/>\
     <Relationship Id=\"rId5\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/footer\" Target=\"footer2.xml\"/>\
     </Relationships>";

/// The four fonts of a run: Latin letters and digits, and Chinese.
pub(super) fn four(latin: &str, chinese: &str) -> String {
    format!("<w:rFonts w:ascii=\"{latin}\" w:hAnsi=\"{latin}\" w:eastAsia=\"{chinese}\" w:cs=\"{latin}\"/>")
}

/// Latin letters and digits.
pub(super) const LATIN: &str = "Times New Roman";
/// 仿宋, the text.
const FANGSONG: &str = "仿宋_GB2312";
/// 小标宋, the organ and the title.
const XIAOBIAOSONG: &str = "方正小标宋简体";
/// 黑体, headings.
const HEITI: &str = "黑体";
/// 楷体, who issues it.
pub(super) const KAITI: &str = "楷体_GB2312";
/// 宋体, page numbers.
const SONGTI: &str = "宋体";

/// The fonts, and what stands in for those that not every machine has.
pub(super) fn fonts() -> String {
    let font = |(name, other, family): (&str, &str, &str)| {
        format!(
            "<w:font w:name=\"{name}\"><w:altName w:val=\"{other}\"/><w:charset w:val=\"86\"/>\
             <w:family w:val=\"{family}\"/><w:pitch w:val=\"auto\"/></w:font>"
        )
    };
    let fonts: String = [
        (FANGSONG, "仿宋", "modern"),
        (XIAOBIAOSONG, "华文中宋", "auto"),
        (HEITI, "SimHei", "modern"),
        (KAITI, "楷体", "modern"),
        (SONGTI, "SimSun", "auto"),
    ]
    .map(font)
    .concat();
    format!("{XML}<w:fonts {NAMES}>{fonts}</w:fonts>")
}

pub(super) fn settings() -> String {
    format!(
        "{XML}<w:settings {NAMES}><w:zoom w:percent=\"100\"/><w:evenAndOddHeaders/>\
         <w:characterSpacingControl w:val=\"doNotCompress\"/><w:compat><w:compatSetting w:name=\"compatibilityMode\" \
         w:uri=\"http://schemas.microsoft.com/office/word\" w:val=\"15\"/></w:compat>\
         <w:themeFontLang w:val=\"en-US\" w:eastAsia=\"zh-CN\"/></w:settings>"
    )
}

/// 页码: 四号 宋体 between dashes, one character from the outer edge.
pub(super) fn footer(side: &str) -> String {
    let field = |kind: &str| format!("<w:r><w:fldChar w:fldCharType=\"{kind}\"/></w:r>");
    format!(
        "{XML}<w:ftr {NAMES}><w:p><w:pPr><w:pStyle w:val=\"Footer\"/><w:jc w:val=\"{side}\"/></w:pPr>\
         <w:r><w:t xml:space=\"preserve\">— </w:t></w:r>{}<w:r><w:instrText xml:space=\"preserve\"> PAGE </w:instrText></w:r>{}\
         <w:r><w:t>1</w:t></w:r>{}<w:r><w:t xml:space=\"preserve\"> —</w:t></w:r></w:p></w:ftr>",
        field("begin"),
        field("separate"),
        field("end"),
    )
}

pub(super) fn styles() -> String {
    // What is not said here is as in Normal: 三号 仿宋, 28 characters a line, lines as high as the grid.
    let style = |id: &str, name: &str, paragraph: &str, run: &str| {
        format!(
            "<w:style w:type=\"paragraph\" w:customStyle=\"{}\" w:styleId=\"{id}\"><w:name w:val=\"{name}\"/>\
             <w:basedOn w:val=\"Normal\"/><w:qFormat/><w:pPr>{paragraph}</w:pPr><w:rPr>{run}</w:rPr></w:style>",
            u8::from(!matches!(id, "Title" | "Heading1" | "Footer" | "Signature")),
        )
    };
    let size = |half_points: u32| format!("<w:sz w:val=\"{half_points}\"/><w:szCs w:val=\"{half_points}\"/>");
    let red = "<w:color w:val=\"FF0000\"/>";
    let none = "<w:spacing w:val=\"0\"/>";
    let high = |line: u32, before: u32, after: u32| {
        format!("<w:spacing w:before=\"{before}\" w:after=\"{after}\" w:line=\"{line}\" w:lineRule=\"exact\"/>")
    };
    let red_rule = "<w:pBdr><w:bottom w:val=\"single\" w:sz=\"18\" w:space=\"8\" w:color=\"FF0000\"/></w:pBdr>";
    let imprint_rules = "<w:pBdr><w:top w:val=\"single\" w:sz=\"8\" w:space=\"3\" w:color=\"000000\"/>\
         <w:bottom w:val=\"single\" w:sz=\"8\" w:space=\"5\" w:color=\"000000\"/></w:pBdr>";
    let small = high(440, 0, 0);
    let styles = [
        style("Body", "公文正文", "<w:ind w:firstLineChars=\"200\" w:firstLine=\"632\"/><w:jc w:val=\"both\"/>", ""),
        style("Blank", "空行", "", ""),
        style("Mark", "密级和紧急程度", "", &four(LATIN, HEITI)),
        style(
            "Organ",
            "发文机关标志",
            "<w:snapToGrid w:val=\"0\"/><w:jc w:val=\"center\"/>",
            &format!("{}{red}{none}", four(LATIN, XIAOBIAOSONG)),
        ),
        style("RedLine", "发文字号", red_rule, ""),
        style("Centred", "居中", "<w:jc w:val=\"center\"/>", ""),
        style(
            "Title",
            "Title",
            &format!(
                "<w:keepNext/><w:snapToGrid w:val=\"0\"/>{}<w:jc w:val=\"center\"/><w:outlineLvl w:val=\"0\"/>",
                high(640, 1_158, 579)
            ),
            &format!("{}{none}{}", four(LATIN, XIAOBIAOSONG), size(44)),
        ),
        style("Addressee", "主送机关", "<w:jc w:val=\"left\"/>", ""),
        style(
            "Heading1",
            "heading 1",
            "<w:keepNext/><w:ind w:firstLineChars=\"200\" w:firstLine=\"632\"/><w:outlineLvl w:val=\"1\"/>",
            &four(LATIN, HEITI),
        ),
        style("Signature", "Signature", "<w:keepLines/>", ""),
        style("Cell", "表格文字", &format!("<w:snapToGrid w:val=\"0\"/>{small}"), &format!("{none}{}", size(28))),
        style(
            "CellHead",
            "表头",
            &format!("<w:snapToGrid w:val=\"0\"/>{small}"),
            &format!("{}{none}{}", four(LATIN, HEITI), size(28)),
        ),
        style("AfterTable", "表后", &format!("<w:snapToGrid w:val=\"0\"/>{}", high(240, 0, 0)), ""),
        style(
            "NoteHead",
            "依据标题",
            &format!("<w:keepNext/><w:snapToGrid w:val=\"0\"/>{}", high(440, 579, 0)),
            &format!("{}{none}{}", four(LATIN, HEITI), size(24)),
        ),
        style(
            "Note",
            "依据",
            &format!("<w:wordWrap w:val=\"0\"/><w:snapToGrid w:val=\"0\"/>{}<w:jc w:val=\"left\"/>", high(400, 0, 0)),
            &format!("{none}{}", size(24)),
        ),
        style(
            "Imprint",
            "版记",
            &format!("{imprint_rules}<w:snapToGrid w:val=\"0\"/>{small}<w:ind w:left=\"280\" w:right=\"280\"/>"),
            &format!("{none}{}", size(28)),
        ),
        style(
            "Footer",
            "footer",
            &format!("<w:snapToGrid w:val=\"0\"/>{}<w:ind w:left=\"280\" w:right=\"280\"/>", high(400, 0, 0)),
            &format!("{}{none}{}", four(SONGTI, SONGTI), size(28)),
        ),
    ]
    .concat();
    format!(
        "{XML}<w:styles {NAMES}><w:docDefaults><w:rPrDefault><w:rPr>{}<w:spacing w:val=\"-5\"/><w:kern w:val=\"0\"/>{}\
         <w:lang w:val=\"en-US\" w:eastAsia=\"zh-CN\" w:bidi=\"ar-SA\"/></w:rPr></w:rPrDefault><w:pPrDefault><w:pPr>\
         <w:widowControl w:val=\"0\"/><w:autoSpaceDE w:val=\"0\"/><w:autoSpaceDN w:val=\"0\"/>{}</w:pPr></w:pPrDefault></w:docDefaults>\
         <w:style w:type=\"paragraph\" w:default=\"1\" w:styleId=\"Normal\"><w:name w:val=\"Normal\"/><w:qFormat/></w:style>\
         <w:style w:type=\"table\" w:default=\"1\" w:styleId=\"TableNormal\"><w:name w:val=\"Normal Table\"/><w:tblPr>\
         <w:tblInd w:w=\"0\" w:type=\"dxa\"/><w:tblCellMar><w:top w:w=\"0\" w:type=\"dxa\"/><w:left w:w=\"108\" w:type=\"dxa\"/>\
         <w:bottom w:w=\"0\" w:type=\"dxa\"/><w:right w:w=\"108\" w:type=\"dxa\"/></w:tblCellMar></w:tblPr></w:style>\
         <w:style w:type=\"table\" w:customStyle=\"1\" w:styleId=\"Grid\"><w:name w:val=\"表格\"/><w:basedOn w:val=\"TableNormal\"/>\
         <w:tblPr><w:tblBorders>{}</w:tblBorders></w:tblPr></w:style>{styles}</w:styles>",
        four(LATIN, FANGSONG),
        size(32),
        high(579, 0, 0),
        ["top", "left", "bottom", "right", "insideH", "insideV"]
            .map(|side| format!("<w:{side} w:val=\"single\" w:sz=\"4\" w:space=\"0\" w:color=\"000000\"/>"))
            .concat(),
    )
}
