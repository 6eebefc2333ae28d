//! Ready-made instructions for assistants: support, sales, answers to common questions, booking,
//! universal.
//!
//! [`all`] gives them as they stand in `data/templates`, in every language an assistant speaks. An
//! assistant that begins with one takes a copy: changing a template changes no assistant.

use std::sync::LazyLock;

use replyx_core::assistant::Language;

/// A ready-made beginning of an assistant.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// What it is for and its language: `support.en`, `sales.ru`; unique.
    pub id: &'static str,
    /// The language it is written in.
    pub language: Language,
    /// What people call it, in its language.
    pub name: &'static str,
    /// What it does, in a sentence in its language.
    pub description: &'static str,
    /// The instructions to the model.
    pub system_prompt: &'static str,
    /// Sent in reply to `/start`.
    pub greeting: &'static str,
    /// Sent when the documents do not contain the answer.
    pub unknown_text: &'static str,
    /// Randomness of the model, 0 to 2.
    pub temperature: f64,
}

macro_rules! files {
    ($($id:literal),+) => {
        [$(
            (concat!($id, ".en"), Language::English, include_str!(concat!("../data/templates/", $id, ".en.md"))),
            (concat!($id, ".ru"), Language::Russian, include_str!(concat!("../data/templates/", $id, ".ru.md"))),
        )+]
    };
}

static ALL: LazyLock<Vec<Template>> = LazyLock::new(|| {
    files!("support", "sales", "faq", "booking", "universal")
        .into_iter()
        .map(|(id, language, file)| {
            parse(id, language, file).expect("the test reads every template")
        })
        .collect()
});

/// Every template, English before Russian.
pub fn all() -> &'static [Template] {
    &ALL
}

/// The template of this id.
pub fn find(id: &str) -> Option<&'static Template> {
    all().iter().find(|template| template.id == id)
}

/// A file is lines of `key: value`, a line `---`, and the instructions.
fn parse(id: &'static str, language: Language, file: &'static str) -> Option<Template> {
    let (head, system_prompt) = file.split_once("\n---\n")?;
    let value = |key: &str| {
        head.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':').map(str::trim))
    };
    Some(Template {
        id,
        language,
        name: value("name")?,
        description: value("description")?,
        system_prompt: system_prompt.trim(),
        greeting: value("greeting")?,
        unknown_text: value("unknown")?,
        temperature: value("temperature")?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_complete_in_both_languages() {
        assert_eq!(all().len(), 10);
        for template in all() {
            let words = template.system_prompt.split_whitespace().count();
            assert!((150..=300).contains(&words), "{} has {words} words", template.id);
            assert!((0.0..=1.0).contains(&template.temperature));
            let cyrillic = |text: &str| text.chars().any(|c| ('а'..='я').contains(&c));
            let russian = template.language == Language::Russian;
            for text in [
                template.name,
                template.description,
                template.system_prompt,
                template.greeting,
                template.unknown_text,
            ] {
                assert!(!text.is_empty());
                assert_eq!(cyrillic(text), russian, "{text}");
                assert!(!text.contains('<'), "a template opens no marks");
            }
        }
        for id in ["support", "sales", "faq", "booking", "universal"] {
            for language in Language::ALL {
                assert!(find(&format!("{id}.{language}")).is_some(), "{id} {language}");
            }
        }
    }
}
