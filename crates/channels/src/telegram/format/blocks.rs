//! Markdown as text with styles.

use pulldown_cmark::{CowStr, Event, LinkType, Options, Parser, Tag, TagEnd};

use super::{
    rich::{Name, Rich, Style},
    syntax::{can_be_linked, language, literal},
    table::Table,
};

/// Deeper lists are shown as if they were this deep.
const DEEPEST_INDENT: usize = 6;

/// Reads Markdown.
pub(super) fn read(markdown: &str) -> Rich {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut writer = Writer::default();
    for (event, range) in Parser::new_ext(markdown, options).into_offset_iter() {
        match literal(markdown, &event, range) {
            Some(marker) => writer.text(marker, writer.style()),
            None => writer.take(event),
        }
    }
    writer.out
}

#[derive(Default)]
struct Writer {
    out: Rich,
    table: Option<Table>,
    /// Line breaks that are due before the next text.
    due: usize,
    quotes: usize,
    bold: usize,
    italic: usize,
    strike: usize,
    pre: Option<Name>,
    links: Vec<Link>,
    /// How many texts there were.
    texts: usize,
    /// The lists we are in, outermost first; the number of the next item where they have numbers.
    lists: Vec<Option<u64>>,
}

/// A link or an image that is open.
struct Link {
    /// Where it leads. Of an image in a link, the link is meant.
    name: Option<Name>,
    address: String,
    /// How many texts there were before it.
    texts: usize,
}

impl Writer {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => self.text(&text, self.style()),
            Event::Code(text) => self.text(&text, Style { code: true, ..self.style() }),
            Event::Html(html) | Event::InlineHtml(html) => self.raw_html(&html),
            Event::SoftBreak | Event::HardBreak => self.text("\n", self.style()),
            Event::Rule => {
                self.begin_block();
                self.text("———", self.style());
                self.end_block();
            }
            Event::TaskListMarker(done) => {
                self.text(if done { "☑ " } else { "☐ " }, self.style());
            }
            Event::InlineMath(text) | Event::DisplayMath(text) | Event::FootnoteReference(text) => {
                self.text(&text, self.style());
            }
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { .. } => {
                self.begin_block();
                self.bold += 1;
            }
            Tag::BlockQuote(_) => {
                self.begin_line();
                self.quotes += 1;
            }
            Tag::CodeBlock(kind) => {
                self.begin_line();
                self.pre = Some(self.out.name(&language(&kind)));
            }
            Tag::List(first) => {
                self.due = self.due.max(usize::from(!self.lists.is_empty()));
                self.lists.push(first);
            }
            Tag::Item => self.item(),
            Tag::Table(_) => {
                self.begin_block();
                self.table = Some(Table::default());
            }
            Tag::TableHead | Tag::TableRow => {
                if let Some(table) = &mut self.table {
                    table.begin_row();
                }
            }
            Tag::TableCell => {
                if let Some(table) = &mut self.table {
                    table.begin_cell();
                }
            }
            Tag::Emphasis => self.italic += 1,
            Tag::Strong => self.bold += 1,
            Tag::Strikethrough => self.strike += 1,
            Tag::Link { link_type, dest_url, .. } | Tag::Image { link_type, dest_url, .. } => {
                self.begin_link(link_type, dest_url);
            }
            _ => self.begin_block(),
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) => {
                self.bold -= 1;
                self.end_block();
            }
            TagEnd::BlockQuote(_) => {
                self.quotes -= 1;
                self.end_block();
            }
            TagEnd::CodeBlock => {
                self.pre = None;
                self.out.trim_newlines(0);
                self.end_block();
            }
            TagEnd::List(_) => {
                self.lists.pop();
                self.end_block();
            }
            TagEnd::Item => self.due = self.due.max(1),
            TagEnd::Table => {
                if let Some(table) = self.table.take() {
                    table.write(&mut self.out, self.quotes > 0);
                }
                self.end_block();
            }
            TagEnd::TableHead | TagEnd::TableRow | TagEnd::TableCell => {}
            TagEnd::Emphasis => self.italic -= 1,
            TagEnd::Strong => self.bold -= 1,
            TagEnd::Strikethrough => self.strike -= 1,
            TagEnd::Link | TagEnd::Image => self.end_link(),
            TagEnd::HtmlBlock => {
                self.out.trim_newlines(0);
                self.end_block();
            }
            _ => self.end_block(),
        }
    }

    fn style(&self) -> Style {
        Style {
            bold: self.bold > 0,
            italic: self.italic > 0,
            strike: self.strike > 0,
            pre: self.pre,
            link: self.links.last().and_then(|link| link.name),
            ..self.container()
        }
    }

    /// The style of what stands between blocks.
    fn container(&self) -> Style {
        Style { quote: self.quotes > 0, ..Style::default() }
    }

    fn text(&mut self, text: &str, style: Style) {
        if text.is_empty() {
            return;
        }
        self.texts += 1;
        if let Some(table) = &mut self.table {
            table.push(text, style);
        } else {
            self.begin_block();
            self.out.push(text, style);
        }
    }

    /// Writes the line breaks that are due.
    fn begin_block(&mut self) {
        let due = std::mem::take(&mut self.due);
        let text = self.out.text();
        if due == 0 || text.is_empty() || self.table.is_some() {
            return;
        }
        let there = text.len() - text.trim_end_matches('\n').len();
        let style = self.container();
        self.out.push(&"\n".repeat(due.saturating_sub(there)), style);
    }

    /// As [`Self::begin_block`], for a block that cannot begin within a line.
    fn begin_line(&mut self) {
        self.due = self.due.max(1);
        self.begin_block();
    }

    fn end_block(&mut self) {
        self.due = self.due.max(if self.lists.is_empty() { 2 } else { 1 });
    }

    fn item(&mut self) {
        self.begin_block();
        let depth = self.lists.len().saturating_sub(1).min(DEEPEST_INDENT);
        let marker = match self.lists.last_mut() {
            Some(Some(number)) => {
                let marker = format!("{number}. ");
                *number = number.saturating_add(1);
                marker
            }
            _ => "• ".to_owned(),
        };
        let style = self.container();
        self.out.push(&format!("{}{marker}", "    ".repeat(depth)), style);
    }

    fn begin_link(&mut self, kind: LinkType, address: CowStr<'_>) {
        let outer = self.links.last().and_then(|link| link.name);
        // Telegram finds bare addresses of mail itself.
        let name = match kind {
            _ if outer.is_some() => outer,
            LinkType::Email => None,
            _ => can_be_linked(&address).then(|| self.out.name(&address)),
        };
        self.links.push(Link { name, address: address.into_string(), texts: self.texts });
    }

    fn end_link(&mut self) {
        // Without a text there would be nothing to press on.
        if let Some(link) = self.links.last_mut().filter(|link| link.texts == self.texts) {
            let address = std::mem::take(&mut link.address);
            self.text(&address, self.style());
        }
        self.links.pop();
    }

    fn raw_html(&mut self, html: &str) {
        let tag = html.trim();
        let inner = tag.strip_prefix('<').and_then(|tag| tag.strip_suffix('>'));
        let name = inner.map(|inner| inner.trim_end_matches('/').trim_end());
        if name.is_some_and(|name| name.eq_ignore_ascii_case("br")) {
            self.text("\n", self.style());
        } else {
            self.text(html, self.style());
        }
    }
}
