//! Text with styles, and how Telegram's HTML writes it.

use std::ops::Range;

/// Bytes of HTML that a part may have. Telegram counts only the text; this keeps requests within
/// reason when the text is full of links or of characters that must be escaped.
const HTML_LIMIT: usize = 32_000;

/// How a piece of text looks.
///
/// Code has no other style within it, and quotes do not nest: Telegram knows nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a style of its own, and any may meet any"
)]
pub(super) struct Style {
    pub(super) quote: bool,
    pub(super) bold: bool,
    pub(super) italic: bool,
    pub(super) strike: bool,
    pub(super) code: bool,
    /// A block of code; the name of its language, which may be empty.
    pub(super) pre: Option<Name>,
    /// A link; its address.
    pub(super) link: Option<Name>,
}

/// A string kept aside by [`Rich::name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name(usize);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tag {
    Quote,
    Link(Name),
    Bold,
    Italic,
    Strike,
    Code,
    Pre(Name),
}

impl Style {
    /// Removes what Telegram does not allow together.
    fn normal(self) -> Self {
        let plain = Self { quote: self.quote, ..Self::default() };
        match (self.pre, self.link, self.code) {
            (Some(_), _, _) => Self { pre: self.pre, ..plain },
            (None, None, true) => Self { code: true, ..plain },
            (None, _, _) => Self { code: false, ..self },
        }
    }

    /// The tags of this style, outermost first: always in the same order, so that they always nest.
    fn tags(self) -> impl Iterator<Item = Tag> {
        [
            self.quote.then_some(Tag::Quote),
            self.link.map(Tag::Link),
            self.bold.then_some(Tag::Bold),
            self.italic.then_some(Tag::Italic),
            self.strike.then_some(Tag::Strike),
            self.code.then_some(Tag::Code),
            self.pre.map(Tag::Pre),
        ]
        .into_iter()
        .flatten()
    }
}

struct Run {
    end: usize,
    style: Style,
}

/// A text with styles.
#[derive(Default)]
pub(super) struct Rich {
    text: String,
    /// Ranges without a gap, in order; each begins where the one before ends.
    runs: Vec<Run>,
    names: Vec<String>,
}

impl Rich {
    /// A text without any style.
    pub(super) fn plain(text: &str) -> Self {
        let mut rich = Self::default();
        rich.push(text, Style::default());
        rich
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Keeps an address or a language for use in styles.
    pub(super) fn name(&mut self, name: &str) -> Name {
        self.names.push(name.to_owned());
        Name(self.names.len() - 1)
    }

    pub(super) fn push(&mut self, text: &str, style: Style) {
        let before = self.text.len();
        self.text.extend(text.chars().filter(|&c| matches!(c, '\n' | '\t') || !c.is_control()));
        let end = self.text.len();
        if end == before {
            return;
        }
        let style = style.normal();
        match self.runs.last_mut() {
            Some(run) if run.style == style => run.end = end,
            _ => self.runs.push(Run { end, style }),
        }
    }

    /// Takes line breaks off the end, but not those before `floor`.
    pub(super) fn trim_newlines(&mut self, floor: usize) {
        let end = self.text.trim_end_matches('\n').len().max(floor);
        self.text.truncate(end);
        while self.runs.len() > 1 && self.runs[self.runs.len() - 2].end >= end {
            self.runs.pop();
        }
        match self.runs.last_mut() {
            Some(_) if end == 0 => self.runs.clear(),
            Some(run) => run.end = run.end.min(end),
            None => {}
        }
    }

    /// The runs that reach into a range, cut to it.
    fn runs(&self, range: &Range<usize>) -> impl Iterator<Item = (Range<usize>, Style)> {
        let first = self.runs.partition_point(|run| run.end <= range.start);
        let mut from = range.start;
        let stop = range.end;
        self.runs[first..].iter().map_while(move |run| {
            let piece = from..run.end.min(stop);
            from = run.end;
            (!piece.is_empty()).then_some((piece, run.style))
        })
    }

    /// Where the text goes on after space at `start`. The indentation of code is not space.
    pub(super) fn skip_space(&self, start: usize) -> usize {
        let rest = &self.text[start..];
        let lines = start + rest.len() - rest.trim_start_matches('\n').len();
        let all = start + rest.len() - rest.trim_start().len();
        match self.runs(&(lines..self.text.len())).next() {
            Some((_, style)) if style.pre.is_some() => lines,
            _ => all,
        }
    }

    /// The end of the longest piece from `start` that has at most so many UTF-16 units of text and
    /// not too much HTML. At least one character, unless there is none.
    pub(super) fn window(&self, start: usize, units: usize) -> usize {
        let mut text_left = units;
        let mut html_left = HTML_LIMIT;
        for (piece, style) in self.runs(&(start..self.text.len())) {
            let tags: usize = style.tags().map(|tag| self.length(tag)).sum();
            html_left = html_left.saturating_sub(tags);
            for (at, c) in self.text[piece.clone()].char_indices() {
                let escaped = escape(c).map_or(c.len_utf8(), str::len);
                if c.len_utf16() > text_left || escaped > html_left {
                    let end = piece.start + at;
                    return if end == start { start + c.len_utf8() } else { end };
                }
                text_left -= c.len_utf16();
                html_left -= escaped;
            }
        }
        self.text.len()
    }

    pub(super) fn has_markup(&self, range: &Range<usize>) -> bool {
        self.runs(range).any(|(_, style)| style != Style::default())
    }

    /// Writes a range as HTML.
    pub(super) fn html(&self, range: &Range<usize>) -> String {
        let mut html = String::with_capacity(range.len() + 64);
        let mut open: Vec<Tag> = Vec::new();
        for (piece, style) in self.runs(range) {
            let wanted: Vec<Tag> = style.tags().collect();
            let kept = open.iter().zip(&wanted).take_while(|(open, wanted)| open == wanted).count();
            self.close(&mut html, &mut open, kept);
            for &tag in &wanted[kept..] {
                self.open(&mut html, tag);
                open.push(tag);
            }
            push_escaped(&mut html, &self.text[piece]);
        }
        self.close(&mut html, &mut open, 0);
        html
    }

    fn open(&self, html: &mut String, tag: Tag) {
        match tag {
            Tag::Quote => html.push_str("<blockquote>"),
            Tag::Bold => html.push_str("<b>"),
            Tag::Italic => html.push_str("<i>"),
            Tag::Strike => html.push_str("<s>"),
            Tag::Code => html.push_str("<code>"),
            Tag::Link(name) => {
                html.push_str("<a href=\"");
                push_escaped(html, &self.names[name.0]);
                html.push_str("\">");
            }
            Tag::Pre(name) if self.names[name.0].is_empty() => html.push_str("<pre>"),
            Tag::Pre(name) => {
                html.push_str("<pre><code class=\"language-");
                push_escaped(html, &self.names[name.0]);
                html.push_str("\">");
            }
        }
    }

    fn close(&self, html: &mut String, open: &mut Vec<Tag>, down_to: usize) {
        for tag in open.drain(down_to..).rev() {
            html.push_str(match tag {
                Tag::Quote => "</blockquote>",
                Tag::Bold => "</b>",
                Tag::Italic => "</i>",
                Tag::Strike => "</s>",
                Tag::Code => "</code>",
                Tag::Link(_) => "</a>",
                Tag::Pre(name) if self.names[name.0].is_empty() => "</pre>",
                Tag::Pre(_) => "</code></pre>",
            });
        }
    }

    /// The bytes that opening and closing a tag takes, at most.
    fn length(&self, tag: Tag) -> usize {
        match tag {
            Tag::Link(name) | Tag::Pre(name) => {
                let name = &self.names[name.0];
                48 + name.chars().map(|c| escape(c).map_or(c.len_utf8(), str::len)).sum::<usize>()
            }
            _ => 25,
        }
    }
}

fn push_escaped(html: &mut String, text: &str) {
    for c in text.chars() {
        match escape(c) {
            Some(escaped) => html.push_str(escaped),
            None => html.push(c),
        }
    }
}

const fn escape(c: char) -> Option<&'static str> {
    match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '"' => Some("&quot;"),
        _ => None,
    }
}
