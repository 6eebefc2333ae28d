//! What a customer's words show before they are understood: in which language to answer, and
//! whether they lean on our last ones. Pure.

use replyx_acts::{LanguageEvidence, MessageAct, tell, tongue};
use replyx_core::assistant::{AssistantSettings, Language};

/// The language of the house in which to speak to a customer: that of the message, else of the last
/// `earlier` one that showed any (newest first), else the assistant's.
pub(crate) fn language<'a>(
    question: &'a str,
    earlier: impl Iterator<Item = &'a str>,
    own: Language,
) -> Language {
    let shown = std::iter::once(question).chain(earlier).find_map(|text| match tongue(text) {
        LanguageEvidence::Sure(language) => Some(language),
        LanguageEvidence::Likely(_) | LanguageEvidence::Unknown => None,
    });
    shown.unwrap_or_else(|| match tongue(question) {
        LanguageEvidence::Likely(language) | LanguageEvidence::Sure(language) => language,
        LanguageEvidence::Unknown => own,
    })
}

/// How many of the last replies tell what a message means: one that may accept an offer leans on
/// the last one, and declines in a row are counted.
pub(crate) fn looked_back(question: &str, settings: &AssistantSettings) -> u32 {
    let told = tell(question);
    let leans = told.agrees() || matches!(told.act, MessageAct::Booking | MessageAct::OrderStatus);
    settings.handoff.on_unknown.max(u32::from(leans))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_words_that_show_a_language_decide() {
        let told = |question, earlier: &[&'static str], own| {
            language(question, earlier.iter().copied(), own)
        };
        let english = Language::English;
        let russian = Language::Russian;
        assert_eq!(told("сколько стоит?", &["How much is it?"], english), russian);
        assert_eq!(told("👍", &["iPhone", "сколько стоит?", "How much is it?"], english), russian);
        assert_eq!(told("iPhone 13", &[], russian), russian);
        assert_eq!(told("Wo bleibt mein Paket", &[], russian), english);
    }
}
