use proptest::prelude::*;

use super::*;

/// Plain text and HTML of an answer that fits into one part.
fn one(markdown: &str) -> (String, Option<String>) {
    let parts = outbound(markdown);
    assert_eq!(parts.len(), 1, "{parts:?}");
    let part = parts.into_iter().next().unwrap();
    (part.plain, part.markup)
}

fn html(markdown: &str) -> String {
    one(markdown).1.unwrap()
}

fn plain(markdown: &str) -> String {
    one(markdown).0
}

#[test]
fn text_without_formatting_has_no_html() {
    assert_eq!(one("Доставка: 2 < 3 & дня"), ("Доставка: 2 < 3 & дня".to_owned(), None));
    assert_eq!(one("a\nb\n\nc"), ("a\nb\n\nc".to_owned(), None));
    assert_eq!(outbound(" \n\t \u{200b}"), []);
    assert_eq!(outbound(""), []);
}

#[test]
fn inline_styles_nest() {
    assert_eq!(
        html("**b *bi* ~~bs~~** *i* `c<d>` ~~s~~"),
        "<b>b <i>bi</i> <s>bs</s></b> <i>i</i> <code>c&lt;d&gt;</code> <s>s</s>"
    );
    assert_eq!(html("**see `code` here**"), "<b>see </b><code>code</code><b> here</b>");
}

#[test]
fn sizes_and_ranges_are_not_formatting() {
    for text in [
        "10*20*30 см",
        "размер *20*30",
        "2**3**4",
        "5~7 дней, 10~14 дней",
        "~100 и ~200",
        "a * b * c",
        "snake_case_name",
    ] {
        assert_eq!(one(text), (text.to_owned(), None), "{text}");
    }
    assert_eq!(html("**10*20*30** *5*"), "<b>10*20*30</b> <i>5</i>");
}

#[test]
fn links_lead_only_where_they_may() {
    assert_eq!(
        html("[a **b**](https://x.example/?q=\"1\"&r=<2>)"),
        "<a href=\"https://x.example/?q=&quot;1&quot;&amp;r=&lt;2&gt;\">a <b>b</b></a>"
    );
    assert_eq!(html("[`x`](tg://user?id=1)"), "<a href=\"tg://user?id=1\">x</a>");
    assert_eq!(
        html("![photo](https://x.example/p.png)"),
        "<a href=\"https://x.example/p.png\">photo</a>"
    );
    assert_eq!(
        html("[![alt](https://x.example/p.png)](https://x.example)"),
        "<a href=\"https://x.example\">alt</a>"
    );
    assert_eq!(
        html("[](https://x.example)"),
        "<a href=\"https://x.example\">https://x.example</a>"
    );

    for unsafe_link in
        ["[x](javascript:alert(1))", "[x](file:///etc/passwd)", "[x](/relative)", "[x](#a)"]
    {
        assert_eq!(one(unsafe_link), ("x".to_owned(), None), "{unsafe_link}");
    }
    assert_eq!(one("<me@x.example>"), ("me@x.example".to_owned(), None));
}

#[test]
fn blocks_become_what_telegram_has() {
    assert_eq!(html("# Title *x*\n\ntext"), "<b>Title <i>x</i></b>\n\ntext");
    assert_eq!(html("> a\n>\n> b\n\nc"), "<blockquote>a\n\nb</blockquote>\n\nc");
    assert_eq!(
        html("> a\n\n---\n\n> b"),
        "<blockquote>a</blockquote>\n\n———\n\n<blockquote>b</blockquote>"
    );
    assert_eq!(html("> a\n> > b"), "<blockquote>a\n\nb</blockquote>");
    assert_eq!(
        html("```rust no_run\nfn a() {\n    b < c\n}\n```\nend"),
        "<pre><code class=\"language-rust\">fn a() {\n    b &lt; c\n}</code></pre>\n\nend"
    );
    assert_eq!(html("```\"><b>\nx\n```"), "<pre>x</pre>");
    assert_eq!(html("```\n  indented\n```"), "<pre>  indented</pre>");
    assert_eq!(html("```\na\n```\n```\nb\n```"), "<pre>a</pre>\n\n<pre>b</pre>");
}

#[test]
fn lists_keep_their_numbers_and_their_depth() {
    assert_eq!(plain("- a\n- b\n  - c\n    1. d\n- e"), "• a\n• b\n    • c\n        1. d\n• e");
    assert_eq!(plain("3. a\n4. b\n\ntext"), "3. a\n4. b\n\ntext");
    assert_eq!(plain("1. a\n\n   more\n\n2. b"), "1. a\nmore\n2. b");
    assert_eq!(plain("- [x] done\n- [ ] open"), "• ☑ done\n• ☐ open");
    assert_eq!(html("- a\n  ```\n  x\n  ```\n- b"), "• a\n<pre>x</pre>\n• b");
}

#[test]
fn tables_become_lines() {
    assert_eq!(
        html("| City | Days |\n|---|---|\n| Moscow | 1–2 |\n| **Omsk** | |"),
        "<b>City — Days</b>\n• Moscow — 1–2\n• <b>Omsk</b>"
    );
    assert_eq!(
        html("| City | Days | Price |\n|---|---|---|\n| Moscow | 1 | `5` |\n| Omsk | | 7 |\n\nend"),
        "<b>City: Moscow</b>\nDays: 1\nPrice: <code>5</code>\n\n<b>City: Omsk</b>\nPrice: 7\n\nend"
    );
    assert_eq!(html("| A | B | C |\n|---|---|---|"), "<b>A — B — C</b>");
}

#[test]
fn html_is_shown_and_not_obeyed() {
    assert_eq!(one("a <u>b</u><br>c &lt; d &amp;lt;"), ("a <u>b</u>\nc < d &lt;".to_owned(), None));
    assert_eq!(
        html("**x** <script>alert(1)</script>"),
        "<b>x</b> &lt;script&gt;alert(1)&lt;/script&gt;"
    );
    assert_eq!(one("<div>\nhi\n</div>\n\nx").0, "<div>\nhi\n</div>\n\nx");
}

#[test]
fn an_answer_that_is_all_syntax_is_shown_as_it_is() {
    assert_eq!(plain("[a]: https://x.example"), "[a]: https://x.example");
    assert_eq!(plain("```\n```"), "```\n```");
}

#[test]
fn control_characters_are_left_out() {
    assert_eq!(plain("a\u{1}b\r\nc\u{7f}"), "ab\nc");
}

#[test]
fn tags_are_closed_and_opened_again_over_a_cut() {
    let parts = outbound(&format!("**{}**", "слово ".repeat(1000).trim()));
    assert_eq!(parts.len(), 2);
    for part in &parts {
        let html = part.markup.as_ref().unwrap();
        assert_eq!(*html, format!("<b>{}</b>", part.plain));
        assert!(part.plain.ends_with("слово") && part.plain.starts_with("слово"));
    }
    let code = format!("```py\n{}```", "    line = 1\n".repeat(500));
    for part in outbound(&code) {
        let html = part.markup.unwrap();
        assert!(html.starts_with("<pre><code class=\"language-py\">    line"), "{html}");
        assert!(html.ends_with("line = 1</code></pre>"), "{html}");
    }
}

#[test]
fn only_the_parts_with_formatting_have_html() {
    let parts = outbound(&format!("{}\n\n**{}**", "word ".repeat(700), "x".repeat(700)));
    assert_eq!(parts.len(), 2);
    assert_eq!(parts[0].markup, None);
    assert_eq!(parts[1].markup, Some(format!("<b>{}</b>", "x".repeat(700))));
}

#[test]
fn endless_answers_end_with_an_ellipsis() {
    for markdown in ["word ".repeat(20_000), "**x** ".repeat(200_000), "я".repeat(2_000_000)] {
        let parts = outbound(&markdown);
        assert_eq!(parts.len(), MAX_PARTS);
        assert!(parts[..9].iter().all(|part| !part.plain.ends_with('…')));
        assert!(parts[9].plain.ends_with('…'));
        assert!(parts[9].markup.as_ref().is_none_or(|html| html.ends_with('…')));
        assert!(parts.iter().all(|part| part.plain.encode_utf16().count() <= TEXT_LIMIT));
    }
}

#[test]
fn markup_stays_within_reason() {
    let address = format!("https://x.example/{}", "&".repeat(1000));
    let parts = outbound(&format!("[a]({address}) ").repeat(40));
    assert!(parts.len() > 1);
    assert!(parts.iter().all(|part| part.markup.as_ref().unwrap().len() < 48_000));
    let far = format!("[text](https://x.example/{})", "a".repeat(5000));
    assert_eq!(one(&far), ("text".to_owned(), None));
}

/// Text that looks like Markdown, and goes wrong in all the ways it can.
fn markdown() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-zа-я]{1,12}[ .,!?]",
        3 => prop::sample::select(vec![
            "**", "*", "_", "~~", "`", "```", "```rust\n", "\n", "\n\n", "> ", "- ", "1. ", "# ", "| a | b |\n|---|---|\n",
            "| a | b | c |\n|---|---|---|\n", "|", "[", "](https://x.example)", "](javascript:x)", "![", "<b>", "</b>", "<br>",
            "<div>\n", "&amp;", "&", "<", ">", "\"", "\\", "    ", "---\n", "- [ ] ", "😀", "👨\u{200d}👩\u{200d}👧", "e\u{301}",
            "\u{0}", "\u{200b}", "\u{a0}", "$x$", "[^1]", "https://x.example ",
            "10*20*30", "5~7", "1**2", "3", "<me@x.example>",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

fn without_space(text: &str) -> String {
    text.chars().filter(|c| !split::is_blank(c.encode_utf8(&mut [0; 4]))).collect()
}

proptest! {
    #[test]
    fn parts_together_are_the_whole(markdown in markdown(), limit in 20_usize..200) {
        let rich = blocks::read(&markdown);
        let parts = parts(&rich, limit, usize::MAX);
        let joined: String = parts.iter().map(|part| part.plain.as_str()).collect();
        prop_assert_eq!(without_space(&joined), without_space(rich.text()));
        for part in &parts {
            prop_assert!(part.plain.encode_utf16().count() <= limit);
            prop_assert!(!split::is_blank(&part.plain));
            prop_assert_eq!(part.plain.trim_end(), &part.plain);
            if let Some(html) = &part.markup {
                prop_assert_eq!(strip(html), part.plain.clone());
            }
        }
    }

    #[test]
    fn something_is_shown_of_everything_that_can_be_seen(markdown in ".{0,300}") {
        prop_assert_eq!(outbound(&markdown).is_empty(), split::is_blank(&markdown));
    }

    #[test]
    fn few_parts_are_never_more(markdown in markdown(), most in 1_usize..4) {
        let rich = blocks::read(&markdown);
        let parts = parts(&rich, 30, most);
        prop_assert!(parts.len() <= most);
        prop_assert!(parts.iter().all(|part| part.plain.encode_utf16().count() <= 30));
    }
}

/// The text of our own HTML; panics when a tag does not close the last one opened.
fn strip(html: &str) -> String {
    let mut open = Vec::new();
    let mut text = String::new();
    let mut rest = html;
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        let (tag, after) = after.split_once('>').unwrap();
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None => open.push(tag.split(' ').next().unwrap()),
        }
        rest = after;
    }
    assert_eq!(open, Vec::<&str>::new());
    text.push_str(rest);
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

/// Each of these takes minutes where the work grows with the square of the length.
#[test]
fn hostile_markdown_is_read_in_time_that_grows_with_its_length() {
    let repeated = [
        "[",
        "> ",
        ">",
        "*a_ ",
        "a**b",
        "<",
        "<!--",
        "[a](",
        "![a",
        "~~a ",
        "[^a]: ",
        "[a](https://x.example) ",
    ];

    let table = format!("{}\n{}\n{}", "|a".repeat(1000), "|-".repeat(1000), "|\n".repeat(100_000));
    let images = format!("{}{}", "![a".repeat(30_000), "](x)".repeat(30_000));
    let lists: Vec<String> = (0..500).map(|depth| format!("{}- a", "  ".repeat(depth))).collect();
    let accents = format!("e{}", "\u{301}".repeat(100_000));
    let hostile = repeated.iter().map(|piece| piece.repeat(INPUT_LIMIT / piece.len()));
    for markdown in hostile.chain([table, images, lists.join("\n"), accents]) {
        let parts = outbound(&markdown);
        assert!((1..=MAX_PARTS).contains(&parts.len()), "{}", &markdown[..8]);
    }
}
