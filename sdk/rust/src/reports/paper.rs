//! A paper: what it says, before it has a form.

/// One paper. What is empty is left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Paper {
    /// What it is: 快报, 舆情日志, 答复函.
    pub kind: String,
    /// Its title.
    pub title: String,
    /// Its title in print, where that is another: 关于…的快报.
    pub formal: Option<String>,
    /// What stands in red above it.
    pub head: Head,
    /// 密级 and 紧急程度, in the upper left corner.
    pub marks: Vec<String>,
    /// To whom it goes (主送机关).
    pub to: Vec<String>,
    /// What it says.
    pub blocks: Vec<Block>,
    /// What goes along (附件).
    pub attachments: Vec<String>,
    /// Lines beneath it on a screen: who issues it, and when. In print the signature stands in their place.
    pub closing: Vec<String>,
    /// Who signs it (署名), and when (成文日期), in print.
    pub signature: Option<Signature>,
    /// Who gets a copy (抄送), at its foot in print.
    pub copies: Vec<String>,
    /// When it is made, in milliseconds since the Unix epoch.
    pub made: u64,
}

/// What stands in red above a paper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    /// Of an official document (公文): 发文机关标志、发文字号、签发人.
    Document {
        /// 发文机关标志.
        organ: String,
        /// 发文字号, such as `快报〔2026〕3号`.
        number: Option<String>,
        /// 签发人, on what goes upward.
        signer: Option<String>,
    },
    /// Of a bulletin (简报): its name, its issue, who makes it and when.
    Bulletin {
        /// Its name.
        name: String,
        /// Such as `2026年第35期`.
        issue: Option<String>,
        /// Who makes it.
        organ: String,
        /// When, as it is to be read.
        date: String,
    },
}

/// 署名 and 成文日期.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The unit.
    pub unit: String,
    /// `2026年3月1日`.
    pub date: String,
}

/// Something said, with the ids of what shows it (clause 1b).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Statement {
    /// In words. Each line is a paragraph.
    pub text: String,
    /// The ids.
    pub evidence: Vec<String>,
}

impl Statement {
    /// A statement that rests on these.
    pub fn new(text: impl Into<String>, evidence: &[String]) -> Self {
        Self { text: text.into(), evidence: evidence.to_vec() }
    }

    /// The ids that are not blank.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.evidence.iter().map(|id| id.trim()).filter(|id| !id.is_empty())
    }

    /// Its lines that are not blank.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.text.lines().map(str::trim).filter(|line| !line.is_empty())
    }
}

/// A part of what a paper says.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// A heading; numbered in print where there are several.
    Heading(String),
    /// Label and value, a row each.
    Rows(Vec<(String, String)>),
    /// A table with a head.
    Table {
        /// The heads of its columns.
        head: Vec<String>,
        /// Its rows, as many cells each.
        rows: Vec<Vec<String>>,
    },
    /// A paragraph.
    Paragraph(Statement),
    /// Statements, numbered.
    List(Vec<Statement>),
}

impl Block {
    /// A paragraph that states nothing of its own: a note, a form of words.
    pub fn note(text: impl Into<String>) -> Self {
        Self::Paragraph(Statement::new(text, &[]))
    }
}
