//! Counting tokens: the figures of the vocabularies, and texts made to be slow.

use std::time::{Duration, Instant};

use replyx_llm::{count_tokens, tokens};

#[test]
fn texts_have_as_many_tokens_as_their_models_say() {
    // <https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken>
    for (text, o200k, cl100k) in [
        ("", 0, 0),
        ("antidisestablishmentarianism", 6, 6),
        ("tiktoken is great!", 6, 6),
        ("2 + 2 = 4", 7, 7),
        ("お誕生日おめでとう", 8, 9),
    ] {
        assert_eq!(tokens(text), o200k, "{text}");
        for model in
            ["gpt-4o-mini", "gpt-4.1", "gpt-5-mini", "o3", "openai:gpt-4o", "claude-x", "llama3:8b"]
        {
            assert_eq!(count_tokens(model, text), o200k as u64, "{model} {text}");
        }
        for model in [
            "gpt-4",
            "gpt-3.5-turbo",
            "ft:gpt-3.5-turbo:shop::id",
            "openai:gpt-4",
            "text-embedding-3-small",
            "openai/gpt-4-0613",
        ] {
            assert_eq!(count_tokens(model, text), cl100k, "{model} {text}");
        }
    }
}

#[test]
fn what_looks_like_a_control_token_is_counted_as_text() {
    assert!(tokens("<|endoftext|>") > 1);
}

#[test]
fn texts_made_to_be_slow_are_not() {
    let _ = tokens("the vocabulary is loaded before the watch starts");
    let _ = count_tokens("gpt-4", "and so is the other one");
    let long = 1_000_000;
    let mixed = "aA".repeat(long / 2);
    for text in [
        "a".repeat(long),
        "A".repeat(long),
        " ".repeat(long),
        "\n".repeat(long),
        "😀".repeat(long / 4),
        "я".repeat(long / 2),
        "中".repeat(long / 3),
        "'".repeat(long),
        "1".repeat(long),
        mixed,
        " \n".repeat(long / 2),
        "\u{301}".repeat(long / 2),
    ] {
        let begun = Instant::now();
        let counted = (tokens(&text), count_tokens("gpt-4", &text));
        assert!(counted.0 > 1_000 && counted.1 > 1_000);
        let took = begun.elapsed();
        let start: String = text.chars().take(3).collect();
        assert!(took < Duration::from_secs(10), "{start:?} took {took:?}");
    }
}

#[test]
fn a_text_in_pieces_has_about_as_many_tokens_as_the_whole() {
    let sentence = "Delivery to Riga costs 3.50 €. Доставка по Риге стоит 3,50 €. ";
    let whole = tokens(&sentence.repeat(2_000));
    let pieces = 2_000 * tokens(sentence);
    assert!(whole.abs_diff(pieces) <= 2_000, "{whole} {pieces}");
}
