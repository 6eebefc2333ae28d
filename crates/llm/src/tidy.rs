//! An answer as people may read it, from the text that a model sent.
//!
//! Models and the servers in front of them leave things in the text that are not the answer: what
//! the model thought, tokens of the chat template, calls of tools, a fence around everything. What
//! it thought may say what nobody may know, so a stretch that is not closed is taken for it to its
//! end. Marks of sources are brought to the one form that is asked for, `[1]`.
//!
//! [`tidy`] is a function of the whole text, so it does not matter in which pieces it came;
//! [`shown`] is as much of it as is certain while more is to come.

use std::{borrow::Cow, sync::LazyLock};

use regex::Regex;

macro_rules! pattern {
    ($name:ident, $pattern:expr) => {
        static $name: LazyLock<Regex> =
            LazyLock::new(|| Regex::new($pattern).expect("the tests compile every pattern"));
    };
}

macro_rules! thought {
    () => {
        r"think|thinking|thoughts?|reasoning|reflection|analysis|scratchpad|internal|antthinking|antml:thinking|seed:think"
    };
}

pattern!(
    OPENED,
    concat!(r"(?i)<(?:", thought!(), r")(?:\s[^<>]*)?>|◁think▷|\[THINK\]|<\|begin_of_thought\|>")
);
pattern!(
    CLOSED,
    concat!(r"(?i)</(?:", thought!(), r")\s*>|◁/think▷|\[/THINK\]|<\|end_of_thought\|>")
);
pattern!(FINAL, r"(?i)<\|channel\|>\s*final\b[^<]*<\|message\|>");
pattern!(CHANNEL, r"(?i)<\|channel\|>|<\|start\|>assistant");
// A server that drops the tokens of the channels keeps their names.
pattern!(
    BARE_CHANNELS,
    r"(?s)^\s*(?:analysis|commentary)\S.*?assistant(?:commentary.*?assistant)?final"
);
pattern!(
    TOOL,
    r"(?is)<(tool_call|tool_calls|function_call|function_calls|tool_code|invoke)\b[^<>]*>.*?(?:</(?:tool_call|tool_calls|function_call|function_calls|tool_code|invoke)\s*>|$)|<function=.*?(?:</function>|$)|\[TOOL_CALLS\].*$|<\|python_tag\|>.*$|<｜tool▁calls▁begin｜>.*?(?:<｜tool▁calls▁end｜>|$)"
);
// Where the model goes on as somebody else, its answer is over.
pattern!(
    OTHERS_TURN,
    r"(?is)(?:<\|im_start\|>|<\|start_header_id\|>|<\|start\|>|<start_of_turn>|<\|turn>)\s*(?:user|system|customer|human|developer)\b.*$|<\|(?:user|system)\|>.*$"
);
pattern!(
    TOKEN,
    r"(?i)(?:<\|im_start\|>|<\|start\|>|<start_of_turn>)\s*(?:assistant|model)?|<\|start_header_id\|>\s*\w*\s*<\|end_header_id\|>|<\|[a-z0-9_/:. -]{1,40}\|>|<｜[^<>｜]{1,40}｜>|</?s>|<(?:eos|bos|pad|unk|end_of_turn|end_of_utterance|\|?endoftext\|?)>|\[/?INST\]|<</?SYS>>|</?(?:answer|response|final|final_answer|output)(?:\s[^<>]*)?>"
);
pattern!(
    ROLE,
    r"(?i)^\s*\*{0,2}(?:assistant|ai|bot|model|ассистент|помощник)\*{0,2}\s*:\*{0,2}\s*"
);
pattern!(FENCE, r"^\s*```(?:markdown|md|text|txt|plaintext|html)?[ \t]*\n");
pattern!(STRONG, r"(?i)</?(?:b|strong)>");
pattern!(EMPHASIS, r"(?i)</?(?:i|em)>");
pattern!(BREAK, r"(?i)<br\s*/?>|</(?:p|div|li|h[1-6]|tr)>");
pattern!(ITEM, r"(?i)<li(?:\s[^<>]*)?>");
pattern!(BLOCK, r"(?i)</?(?:p|div|span|ul|ol|u|h[1-6]|html|body)(?:\s[^<>]*)?>");

macro_rules! source {
    () => {
        r"(?:passages?|sources?|documents?|docs?|refs?|references?|citations?|пассаж\w*|источник\w*|документ\w*|отрыв\w*|фрагмент\w*)"
    };
}
pattern!(
    MARK,
    concat!(
        r"(?i)\[\s*(?:\^|",
        source!(),
        r"\s*[:#№]?\s*)(\d{1,4}(?:\s*[,;–-]\s*\^?\d{1,4})*)\s*\]|\(\s*",
        source!(),
        r"\s*[:#№]?\s*(\d{1,4}(?:\s*[,;–-]\s*\d{1,4})*)\s*\)|【\s*(?:",
        source!(),
        r"\s*)?(\d{1,4}(?:\s*[,;–-]\s*\d{1,4})*)(?:†[^】]*)?】|\[(\d{1,4})†[^\]]*\]|\[\[(\d{1,4}(?:\s*[,;]\s*\d{1,4})*)\]\]|<(?:cite|ref|sup)[^<>]*>\s*\[?(\d{1,4})\]?\s*</(?:cite|ref|sup)>|⟦(\d{1,4})⟧"
    )
);

/// Does the text hold nothing that could be more than words?
pub(crate) fn is_plain(text: &str) -> bool {
    !text.contains(['<', '[', '【', '⟦', '◁', '`', '(']) && !begins_oddly(text)
}

fn begins_oddly(text: &str) -> bool {
    let begin: String = text.trim_start().chars().take(10).collect::<String>().to_lowercase();
    let roles = ["**assist", "assistant", "ai:", "**ai", "bot:", "model:", "ассистент", "помощник"];
    let odd = roles.iter().chain(&["analysis", "commentary"]);
    !begin.is_empty()
        && odd.into_iter().any(|odd| begin.starts_with(odd) || odd.starts_with(begin.as_str()))
}

/// The answer in the text of a model, whole.
pub(crate) fn tidy(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    let answer = unthought(text);
    let answer = OTHERS_TURN.replace(&answer, "");
    let answer = TOOL.replace_all(&answer, "");
    let answer = MARK.replace_all(&answer, mark);
    let answer = TOKEN.replace_all(&answer, "");
    let answer = ROLE.replace(&answer, "");
    let answer = unfenced(&answer);
    let answer = unmarked(&answer);
    if answer == text { answer.into_owned() } else { answer.trim().to_owned() }
}

/// What is certain of the answer while more is to come: a mark that may go on is held back.
pub(crate) fn shown(text: &str) -> String {
    let mut certain = text;
    while let Some(at) = certain.rfind(['<', '[', '【', '⟦', '◁', '`', '(']) {
        let rest = &certain[at..];
        let closing = match rest.chars().next() {
            Some('<') => '>',
            Some('[') => ']',
            Some('(') => ')',
            Some('【') => '】',
            Some('⟦') => '⟧',
            Some('◁') => '▷',
            _ => '\0',
        };
        if rest.contains(closing) || rest.chars().count() > LONGEST_MARK {
            break;
        }
        certain = &certain[..at];
    }
    if begins_oddly(certain) && certain.chars().count() < LONGEST_MARK {
        return String::new();
    }
    tidy(certain)
}

/// No mark is longer than this, characters.
const LONGEST_MARK: usize = 64;

/// The text without what the model thought.
fn unthought(text: &str) -> Cow<'_, str> {
    // The channels of harmony: only the last one is meant for others.
    let text = if CHANNEL.is_match(text) {
        let last = FINAL.find_iter(text).last();
        last.map_or("", |found| &text[found.end()..])
    } else {
        BARE_CHANNELS.find(text).map_or(text, |found| &text[found.end()..])
    };

    let mut answer = String::with_capacity(text.len());
    let mut rest = text;
    loop {
        let opened = OPENED.find(rest);
        let closed = CLOSED.find(rest);
        match (opened, closed) {
            (Some(opened), closed)
                if closed.is_none_or(|closed| opened.start() < closed.start()) =>
            {
                answer.push_str(&rest[..opened.start()]);
                rest = &rest[opened.end()..];
                rest = CLOSED.find(rest).map_or("", |closed| &rest[closed.end()..]);
            }
            // A template that opens the thought itself leaves only its end in the text.
            (_, Some(closed)) => {
                answer.clear();
                rest = &rest[closed.end()..];
            }
            _ => break,
        }
    }
    answer.push_str(rest);
    answer.into()
}

fn mark(found: &regex::Captures<'_>) -> String {
    let numbers = (1..found.len()).find_map(|group| found.get(group));
    let numbers = numbers.map_or("", |numbers| numbers.as_str()).replace('^', "");
    format!("[{numbers}]")
}

/// The text without a fence around all of it.
fn unfenced(text: &str) -> Cow<'_, str> {
    let Some(opening) = FENCE.find(text) else { return text.into() };
    let inner = &text[opening.end()..];
    let closed = inner.trim_end().strip_suffix("```").unwrap_or(inner);
    // Another fence within means that the first one is closed before the end.
    if closed.contains("```") { text.into() } else { closed.trim_end().to_owned().into() }
}

/// The marks of HTML as those of Markdown.
fn unmarked(text: &str) -> Cow<'_, str> {
    if !text.contains('<') || text.contains("```") {
        return text.into();
    }
    let text = STRONG.replace_all(text, "**");
    let text = EMPHASIS.replace_all(&text, "*");
    let text = BREAK.replace_all(&text, "\n");
    let text = ITEM.replace_all(&text, "- ");
    BLOCK.replace_all(&text, "").into_owned().into()
}

pattern!(SENTENCE, r#"[.!?…。！？]["»”')*_]*(?:\s*\[[\d,;\s–-]+\])*[.!?…]?(?:\s|$)"#);

/// The whole sentences and lines of an answer that was cut off; nothing when none is whole.
pub(crate) fn whole_sentences(text: &str) -> &str {
    let sentence = SENTENCE.find_iter(text).last().map_or(0, |end| end.end());
    // The lines of a list end without a stop.
    let line = text.trim_end().rfind('\n').filter(|line| {
        text[line + 1..].trim_start().starts_with(['-', '*', '•', '|'])
            && !text[..*line].ends_with(':')
    });
    text[..sentence.max(line.unwrap_or(0))].trim_end()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_not_the_answer_is_taken_out() {
        const A: &str = "A kayak costs 29 euros a day [1].";
        for text in [
            "<think>\nOur margin is high, do not tell.\n</think>\n\nA kayak costs 29 euros a day [1].",
            "<thinking>\nx\n</thinking>\nA kayak costs 29 euros a day [1].",
            "<Thought>x</Thought>A kayak costs 29 euros a day [1].",
            "<reasoning effort=\"low\">x</reasoning>A kayak costs 29 euros a day [1].",
            "The passage says 29.\n</think>\n\nA kayak costs 29 euros a day [1].",
            "◁think▷x◁/think▷A kayak costs 29 euros a day [1].",
            "[THINK]x[/THINK]A kayak costs 29 euros a day [1].",
            "A kayak costs 29 euros a day [1].<think>was that right",
            "<|channel|>analysis<|message|>x<|end|><|start|>assistant<|channel|>final<|message|>A kayak costs 29 euros a day [1].<|return|>",
            "analysisWe need the price.assistantfinalA kayak costs 29 euros a day [1].",
            "A kayak costs 29 euros a day [1].<|im_end|>",
            "A kayak costs 29 euros a day [1].<|im_end|>\n<|im_start|>user\nThanks",
            "A kayak costs 29 euros a day [1].<｜end▁of▁sentence｜>",
            "<|start_header_id|>assistant<|end_header_id|>\n\nA kayak costs 29 euros a day [1].<|eot_id|>",
            "<start_of_turn>model\nA kayak costs 29 euros a day [1].<end_of_turn>",
            "[INST] [/INST] A kayak costs 29 euros a day [1].</s>",
            "Assistant: A kayak costs 29 euros a day [1].",
            "**Assistant:** A kayak costs 29 euros a day [1].",
            "```markdown\nA kayak costs 29 euros a day [1].\n```",
            "```\nA kayak costs 29 euros a day [1].\n```\n",
            "<tool_call>\n{\"name\": \"search\"}\n</tool_call>A kayak costs 29 euros a day [1].",
            "<answer>A kayak costs 29 euros a day [1].</answer>",
            "<p>A kayak costs 29 euros a day [1].</p>",
            A,
        ] {
            assert_eq!(tidy(text), A, "{text}");
        }
        for text in [
            "<think>\nLet me think about the kayak",
            "<tool_call>\n{\"name\": \"search\", \"arguments\": {}}\n</tool_call>",
            "<|channel|>analysis<|message|>The customer wants",
            "[TOOL_CALLS][{}]",
        ] {
            assert_eq!(tidy(text), "", "{text}");
        }
    }

    #[test]
    fn marks_of_sources_have_one_form() {
        for (text, tidied) in [
            ("29 euros [^1].", "29 euros [1]."),
            ("29 euros【1】.", "29 euros[1]."),
            ("29 euros【1†source】.", "29 euros[1]."),
            ("29 euros (passage 1).", "29 euros [1]."),
            ("29 euros [Passage 1, 2].", "29 euros [1, 2]."),
            ("29 euros [^1, ^2].", "29 euros [1, 2]."),
            ("29 евро (источник: 2).", "29 евро [2]."),
            ("29 euros [[3]].", "29 euros [3]."),
            ("29 euros <cite>1</cite>.", "29 euros [1]."),
        ] {
            assert_eq!(tidy(text), tidied);
        }
        assert_eq!(tidy("A canoe.<br>**One** <b>two</b> <br/>x"), "A canoe.\n**One** **two** \nx");
    }

    #[test]
    fn ordinary_text_stays_as_it_is() {
        for text in [
            "3 < 5 (x) [1](https://a.example) `code` [[no-answer]]",
            " leading and trailing ",
            "Use:\n```\nmake\n```\nand then run it.",
            "The assistant: a person. Analysis takes 2 days.",
            "If x < y and y > z, see (1).",
        ] {
            assert_eq!(tidy(text), text);
        }
    }

    #[test]
    fn a_cut_answer_ends_with_its_last_whole_sentence() {
        for (text, whole) in [
            ("A kayak costs 29 euros [1]. Both include pad", "A kayak costs 29 euros [1]."),
            ("A canoe costs 41.50 eur", ""),
            ("One. Two! Thr", "One. Two!"),
            ("We have:\n- a kayak\n- a canoe\n- a pad", "We have:\n- a kayak\n- a canoe"),
            ("Да. [2] Ещё", "Да. [2]"),
            ("Done.", "Done."),
        ] {
            assert_eq!(whole_sentences(text), whole, "{text}");
        }
    }

    fn piece() -> impl Strategy<Value = String> {
        let pieces = [
            "<think>",
            "</think>",
            "<|im_end|>",
            "[^1]",
            "(passage 2)",
            "```",
            "```markdown\n",
            "<b>",
            "</b>",
            "<br>",
            "Assistant: ",
            "<",
            "[",
            "secret ",
            "Да. ",
            "29 euros. ",
            "\n",
            "<tool_call>",
            "</tool_call>",
            "<|channel|>final<|message|>",
            "<|channel|>analysis<|message|>",
            "◁think▷",
        ];
        prop::sample::select(pieces.map(str::to_owned).to_vec())
    }

    proptest! {
        #[test]
        fn no_text_breaks_it_and_nothing_thought_is_left(
            pieces in prop::collection::vec(piece(), 0..12),
        ) {
            let text = pieces.concat();
            let tidied = tidy(&text);
            prop_assert!(!tidied.contains("<think>") && !tidied.contains("<|im_end|>"), "{}", tidied);
            for (at, _) in text.char_indices() {
                shown(&text[..at]);
            }
        }

        #[test]
        fn what_is_thought_is_never_shown(cut in 0_usize..60) {
            let text = "<think>secret secret</think>The price is 29 euros [^1].";
            let cut = cut.min(text.len());
            prop_assert!(!shown(&text[..cut]).contains("secret"));
        }
    }
}
