//! Markdown as a tree: what a model wrote, made safe before it becomes views.
//!
//! There is no HTML in the tree: raw HTML stays the text that it is, a link keeps its target only
//! when that is http, https or mailto, an image becomes a link to it. The views are in
//! [`super::markdown_view`]; nothing here needs a browser.

use pulldown_cmark::{Alignment, CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag};

/// One block of a text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Block {
    /// A paragraph.
    Paragraph(Vec<Inline>),
    /// A heading and its level, 1 to 6.
    Heading(u8, Vec<Inline>),
    /// Code, with the language that its fence names; empty when it names none.
    Code {
        /// The language.
        language: String,
        /// The code without the last line end.
        text: String,
    },
    /// A list; numbered from the first value when there is one.
    List(Option<u64>, Vec<Vec<Block>>),
    /// A quotation.
    Quote(Vec<Block>),
    /// A table: how its columns are set, its head and its rows.
    Table {
        /// One alignment for each column.
        columns: Vec<Column>,
        /// The cells of the head.
        head: Vec<Vec<Inline>>,
        /// The cells of each row.
        rows: Vec<Vec<Vec<Inline>>>,
    },
    /// A line across.
    Rule,
}

/// How a column of a table is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    /// As text usually is.
    Start,
    /// In the middle.
    Center,
    /// At the end, as numbers are.
    End,
}

/// A piece of text within a block.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Inline {
    /// Words.
    Text(String),
    /// Code.
    Code(String),
    /// Emphasis.
    Emphasis(Vec<Inline>),
    /// Strong emphasis.
    Strong(Vec<Inline>),
    /// Struck out.
    Struck(Vec<Inline>),
    /// A link to an address that is known to be harmless.
    Link(String, Vec<Inline>),
    /// A line end that was meant.
    Break,
}

/// How deep quotations and lists may be nested; what is deeper is shown flat.
const MAX_DEPTH: usize = 16;

/// Reads a text.
pub(crate) fn parse(text: &str) -> Vec<Block> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut tree = Tree { open: vec![Node::Blocks(NodeKind::Root, Vec::new())], too_deep: Vec::new() };
    for event in Parser::new_ext(text, options) {
        tree.take(event);
    }
    while tree.open.len() > 1 {
        tree.close();
    }
    match tree.open.pop() {
        Some(Node::Blocks(_, blocks)) => blocks,
        _ => Vec::new(),
    }
}

/// The address if a browser may be sent there: http, https or mailto, and nothing that hides.
pub(crate) fn safe_address(address: &str) -> Option<String> {
    let address = address.trim();
    if address.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return None;
    }
    let lower = address.to_ascii_lowercase();
    ["http://", "https://", "mailto:"].iter().any(|scheme| lower.starts_with(scheme)).then(|| address.to_owned())
}

/// What an open node is.
#[derive(Clone, Debug, PartialEq)]
enum NodeKind {
    Root,
    Quote,
    Item,
}

/// What an open run of inlines will become.
#[derive(Clone, Debug, PartialEq)]
enum TextKind {
    Paragraph,
    /// Text directly within an item of a tight list.
    Loose,
    Heading(u8),
    Emphasis,
    Strong,
    Struck,
    /// A link or an image, with its address if it is harmless.
    Link(Option<String>),
    Cell,
}

/// A node that is not complete yet.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    Blocks(NodeKind, Vec<Block>),
    List(Option<u64>, Vec<Vec<Block>>),
    Inlines(TextKind, Vec<Inline>),
    Code(String, String),
    Table(Vec<Column>, Vec<Vec<Inline>>, Vec<Vec<Vec<Inline>>>),
    Row(bool, Vec<Vec<Inline>>),
}

struct Tree {
    open: Vec<Node>,
    /// For each node that was begun and not opened because it is too deep.
    too_deep: Vec<()>,
}

impl Tree {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.begin(tag),
            Event::End(_) => {
                if self.too_deep.pop().is_none() {
                    self.end_loose_text();
                    self.close();
                }
            }
            Event::Text(text) => match self.open.last_mut() {
                Some(Node::Code(_, code)) => code.push_str(&text),
                _ => self.text(&text),
            },
            Event::Code(code) => self.inline(Inline::Code(code.into_string())),
            Event::Html(html) | Event::InlineHtml(html) => self.text(&html),
            Event::SoftBreak => self.text(" "),
            Event::HardBreak => self.inline(Inline::Break),
            Event::Rule => {
                self.end_loose_text();
                self.block(Block::Rule);
            }
            Event::TaskListMarker(done) => self.text(if done { "☑ " } else { "☐ " }),
            Event::FootnoteReference(label) => self.text(&label),
            Event::InlineMath(math) | Event::DisplayMath(math) => self.text(&math),
        }
    }

    fn begin(&mut self, tag: Tag<'_>) {
        let inline =
            matches!(tag, Tag::Emphasis | Tag::Strong | Tag::Strikethrough | Tag::Link { .. } | Tag::Image { .. });
        if self.open.len() > MAX_DEPTH * 2 || !self.too_deep.is_empty() {
            self.too_deep.push(());
            return;
        }
        if !inline {
            self.end_loose_text();
        } else if !matches!(self.open.last(), Some(Node::Inlines(..))) {
            self.open.push(Node::Inlines(TextKind::Loose, Vec::new()));
        }
        let node = match tag {
            Tag::Paragraph | Tag::HtmlBlock => Node::Inlines(TextKind::Paragraph, Vec::new()),
            Tag::Heading { level, .. } => Node::Inlines(TextKind::Heading(heading(level)), Vec::new()),
            Tag::BlockQuote(_) => Node::Blocks(NodeKind::Quote, Vec::new()),
            Tag::CodeBlock(kind) => {
                let language = match kind {
                    CodeBlockKind::Fenced(info) => info.split_whitespace().next().unwrap_or_default().to_owned(),
                    CodeBlockKind::Indented => String::new(),
                };
                Node::Code(language, String::new())
            }
            Tag::List(first) => Node::List(first, Vec::new()),
            Tag::Item => Node::Blocks(NodeKind::Item, Vec::new()),
            Tag::Table(columns) => Node::Table(columns.into_iter().map(column).collect(), Vec::new(), Vec::new()),
            Tag::TableHead => Node::Row(true, Vec::new()),
            Tag::TableRow => Node::Row(false, Vec::new()),
            Tag::TableCell => Node::Inlines(TextKind::Cell, Vec::new()),
            Tag::Emphasis => Node::Inlines(TextKind::Emphasis, Vec::new()),
            Tag::Strong => Node::Inlines(TextKind::Strong, Vec::new()),
            Tag::Strikethrough => Node::Inlines(TextKind::Struck, Vec::new()),
            Tag::Link { dest_url, .. } => Node::Inlines(TextKind::Link(safe_address(&dest_url)), Vec::new()),
            Tag::Image { dest_url, .. } => {
                Node::Inlines(TextKind::Link(safe_address(&dest_url)), vec![Inline::Text("Image: ".to_owned())])
            }
            // Kinds that are not switched on.
            _ => Node::Inlines(TextKind::Paragraph, Vec::new()),
        };
        self.open.push(node);
    }

    /// Closes the newest node and gives it to the one that it is in.
    fn close(&mut self) {
        if self.open.len() < 2 {
            return;
        }
        match self.open.pop() {
            Some(Node::Blocks(NodeKind::Item, blocks)) => {
                if let Some(Node::List(_, items)) = self.open.last_mut() {
                    items.push(blocks);
                }
            }
            Some(Node::Blocks(_, blocks)) => self.block(Block::Quote(blocks)),
            Some(Node::List(first, items)) => self.block(Block::List(first, items)),
            Some(Node::Code(language, mut text)) => {
                if text.ends_with('\n') {
                    text.pop();
                }
                self.block(Block::Code { language, text });
            }
            Some(Node::Table(columns, head, rows)) => self.block(Block::Table { columns, head, rows }),
            Some(Node::Row(is_head, cells)) => {
                if let Some(Node::Table(_, head, rows)) = self.open.last_mut() {
                    if is_head { *head = cells } else { rows.push(cells) }
                }
            }
            Some(Node::Inlines(kind, inlines)) => self.close_text(kind, inlines),
            None => {}
        }
    }

    fn close_text(&mut self, kind: TextKind, inlines: Vec<Inline>) {
        match kind {
            TextKind::Paragraph | TextKind::Loose => {
                if !inlines.is_empty() {
                    self.block(Block::Paragraph(inlines));
                }
            }
            TextKind::Heading(level) => self.block(Block::Heading(level, inlines)),
            TextKind::Emphasis => self.inline(Inline::Emphasis(inlines)),
            TextKind::Strong => self.inline(Inline::Strong(inlines)),
            TextKind::Struck => self.inline(Inline::Struck(inlines)),
            TextKind::Link(Some(address)) => self.inline(Inline::Link(address, inlines)),
            TextKind::Link(None) => {
                for inline in inlines {
                    self.inline(inline);
                }
            }
            TextKind::Cell => {
                if let Some(Node::Row(_, cells)) = self.open.last_mut() {
                    cells.push(inlines);
                }
            }
        }
    }

    /// Text directly within an item ends where a block begins or the item ends.
    fn end_loose_text(&mut self) {
        if matches!(self.open.last(), Some(Node::Inlines(TextKind::Loose, _))) {
            self.close();
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(Node::Inlines(_, inlines)) = self.open.last_mut()
            && let Some(Inline::Text(last)) = inlines.last_mut()
        {
            last.push_str(text);
            return;
        }
        self.inline(Inline::Text(text.to_owned()));
    }

    fn inline(&mut self, inline: Inline) {
        match self.open.last_mut() {
            Some(Node::Inlines(_, inlines)) => inlines.push(inline),
            Some(Node::Code(..) | Node::Row(..) | Node::Table(..) | Node::List(..)) | None => {}
            Some(Node::Blocks(..)) => self.open.push(Node::Inlines(TextKind::Loose, vec![inline])),
        }
    }

    fn block(&mut self, block: Block) {
        if let Some(Node::Blocks(_, blocks)) = self.open.last_mut() {
            blocks.push(block);
        }
    }
}

fn heading(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

fn column(alignment: Alignment) -> Column {
    match alignment {
        Alignment::Center => Column::Center,
        Alignment::Right => Column::End,
        Alignment::None | Alignment::Left => Column::Start,
    }
}

/// A text that grows, cut into blocks that will not change any more and one that may.
///
/// While an answer arrives only the open block is read again; the closed ones are drawn once.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct GrowingText {
    closed: Vec<String>,
    open: String,
    /// How much of `open` was looked at: always the start of a line.
    looked_at: usize,
    /// The fence that is open, if the open block is in one.
    fence: Option<(char, usize)>,
    /// Whether the line before `looked_at` was blank, outside a fence.
    after_blank: bool,
}

impl GrowingText {
    /// Adds a piece.
    pub(crate) fn push(&mut self, piece: &str) {
        self.open.push_str(piece);
        // A line is judged when it is complete: until then it may become anything.
        while let Some(length) = self.open[self.looked_at..].find('\n') {
            let line = &self.open[self.looked_at..self.looked_at + length];
            let closes = self.after_blank && self.fence.is_none() && begins_a_block(line, &self.open);
            if closes {
                let rest = self.open.split_off(self.looked_at);
                self.closed.push(std::mem::replace(&mut self.open, rest));
                self.looked_at = 0;
            }
            let line = &self.open[self.looked_at..self.looked_at + length];
            self.after_blank = self.fence.is_none() && line.trim().is_empty();
            self.fence = fence_after(line, self.fence);
            self.looked_at += length + 1;
        }
    }

    /// The blocks that will not change.
    pub(crate) fn closed(&self) -> &[String] {
        &self.closed
    }

    /// The block that may still change.
    pub(crate) fn open(&self) -> &str {
        &self.open
    }

    /// The whole text.
    pub(crate) fn whole(&self) -> String {
        let mut whole = self.closed.concat();
        whole.push_str(&self.open);
        whole
    }

    /// Whether there is nothing to show.
    pub(crate) fn is_blank(&self) -> bool {
        self.closed.is_empty() && self.open.trim().is_empty()
    }
}

impl From<&str> for GrowingText {
    fn from(text: &str) -> Self {
        let mut growing = Self::default();
        growing.push(text);
        growing
    }
}

/// Whether a line after a blank one begins a block of its own, rather than going on with the one before.
fn begins_a_block(line: &str, block: &str) -> bool {
    if line.trim().is_empty() || line.starts_with([' ', '\t']) {
        return false;
    }
    // The items of a list belong together, with or without blank lines between.
    let is_list = |line: &str| {
        let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
        let marker =
            if rest.len() < line.len() { rest.starts_with(['.', ')']) } else { line.starts_with(['-', '*', '+']) };
        marker && rest.get(1..).is_some_and(|rest| rest.starts_with([' ', '\t']))
    };
    !(is_list(line) && is_list(block))
}

/// The fence that is open after a line.
fn fence_after(line: &str, open: Option<(char, usize)>) -> Option<(char, usize)> {
    let trimmed = line.trim_start();
    let Some(mark) = trimmed.chars().next().filter(|c| matches!(c, '`' | '~')) else { return open };
    let length = trimmed.chars().take_while(|c| *c == mark).count();
    match open {
        None if length >= 3 && !(mark == '`' && trimmed[length..].contains('`')) => Some((mark, length)),
        Some((fence, needed)) if mark == fence && length >= needed && trimmed[length..].trim().is_empty() => None,
        _ => open,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Inline {
        Inline::Text(text.to_owned())
    }

    fn paragraph(words: &str) -> Block {
        Block::Paragraph(vec![text(words)])
    }

    #[test]
    fn raw_html_stays_text() {
        assert_eq!(
            parse("before <img src=x onerror=alert(1)> after"),
            vec![paragraph("before <img src=x onerror=alert(1)> after")]
        );
        assert_eq!(parse("<script>alert(1)</script>\n"), vec![paragraph("<script>alert(1)</script>\n")]);
    }

    #[test]
    fn only_harmless_links_keep_their_target() {
        assert_eq!(
            parse("[a](https://example.org/x?y=1)"),
            vec![Block::Paragraph(vec![Inline::Link("https://example.org/x?y=1".to_owned(), vec![text("a")])])]
        );
        for target in ["javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "/settings", "vbscript:x"] {
            assert_eq!(parse(&format!("[a]({target})")), vec![paragraph("a")], "{target}");
        }
        assert_eq!(safe_address("java\nscript:x"), None);
        assert_eq!(safe_address("https://a b"), None);
        assert_eq!(safe_address(" HTTPS://example.org "), Some("HTTPS://example.org".to_owned()));
    }

    #[test]
    fn an_image_becomes_a_link_to_it() {
        assert_eq!(
            parse("![cat](https://example.org/cat.png)"),
            vec![Block::Paragraph(vec![Inline::Link(
                "https://example.org/cat.png".to_owned(),
                vec![text("Image: cat")]
            )])]
        );
    }

    #[test]
    fn lists_quotes_code_and_tables_become_blocks() {
        assert_eq!(
            parse("3. a\n4. **b**\n\n> q\n\n```python\nx = 1\n```\n\n---\n"),
            vec![
                Block::List(
                    Some(3),
                    vec![vec![paragraph("a")], vec![Block::Paragraph(vec![Inline::Strong(vec![text("b")])])]]
                ),
                Block::Quote(vec![paragraph("q")]),
                Block::Code { language: "python".to_owned(), text: "x = 1".to_owned() },
                Block::Rule,
            ]
        );
        assert_eq!(
            parse("| a | b |\n|---|--:|\n| `1` | 2 |\n"),
            vec![Block::Table {
                columns: vec![Column::Start, Column::End],
                head: vec![vec![text("a")], vec![text("b")]],
                rows: vec![vec![vec![Inline::Code("1".to_owned())], vec![text("2")]]],
            }]
        );
    }

    #[test]
    fn an_item_holds_the_list_within_it() {
        assert_eq!(
            parse("- a *b*\n  - c\n- [x] d\n"),
            vec![Block::List(
                None,
                vec![
                    vec![
                        Block::Paragraph(vec![text("a "), Inline::Emphasis(vec![text("b")])]),
                        Block::List(None, vec![vec![paragraph("c")]]),
                    ],
                    vec![paragraph("☑ d")],
                ]
            )]
        );
    }

    #[test]
    fn endless_nesting_ends() {
        let blocks = parse(&format!("{}x", "> ".repeat(5_000)));
        let mut depth = 0;
        let mut inner = &blocks;
        while let Some(Block::Quote(blocks)) = inner.first() {
            inner = blocks;
            depth += 1;
        }
        assert!(depth > 4 && depth <= MAX_DEPTH * 2 + 1, "{depth}");
    }

    #[test]
    fn a_growing_text_is_the_same_however_it_is_cut() {
        let whole = "# Title\n\nFirst\nline.\n\n- a\n\n- b\n\n  still b\n\n```\ncode\n\nmore\n```\n\nEnd";
        let expected = GrowingText::from(whole);
        assert_eq!(expected.whole(), whole);
        for size in 1..7 {
            let mut growing = GrowingText::default();
            for piece in whole.as_bytes().chunks(size) {
                growing.push(std::str::from_utf8(piece).unwrap());
            }
            assert_eq!(growing, expected, "pieces of {size}");
        }
    }

    #[test]
    fn blocks_close_at_blank_lines_but_not_within_code_and_lists() {
        let growing = GrowingText::from("a\n\n- b\n\n- c\n\n```\nd\n\ne\n```\n\nf\n\ng");
        assert_eq!(growing.closed(), ["a\n\n", "- b\n\n- c\n\n", "```\nd\n\ne\n```\n\n"]);
        assert_eq!(growing.open(), "f\n\ng");
    }

    #[test]
    fn blocks_read_one_by_one_are_the_blocks_of_the_whole() {
        let whole = "## A\n\ntext **b**\nmore\n\n1. x\n2. y\n\n   z\n\n> q\n\n~~~rust\nfn a() {}\n\n~~~\n\n| a |\n|---|\n| b |\n\nend\n";
        let growing = GrowingText::from(whole);
        let mut blocks: Vec<Block> = growing.closed().iter().flat_map(|block| parse(block)).collect();
        blocks.extend(parse(growing.open()));
        assert!(growing.closed().len() > 4);
        assert_eq!(blocks, parse(whole));
    }
}
