//! Small talk: messages of which phrases and fillers account for every word.

use replyx_core::message::MessageAct;

use crate::{Told, lexicon::Sight, pattern::Pattern, reading::Reading};

/// A longer message is no small talk, words.
const LONGEST: usize = 16;

/// Of several acts in one message, the first of these is what the message is.
const ORDER: [MessageAct; 8] = [
    MessageAct::Abuse,
    MessageAct::WhatCanYouDo,
    MessageAct::WhoAreYou,
    MessageAct::Farewell,
    MessageAct::Thanks,
    MessageAct::Greeting,
    MessageAct::Agreement,
    MessageAct::Emoji,
];

/// The act of a message that is small talk from beginning to end.
pub(crate) fn whole(reading: &Reading, sights: &[Sight<'_>]) -> Option<Told> {
    if reading.words.is_empty() {
        return signs(&reading.text).map(Told::only);
    }
    if reading.words.len() > LONGEST {
        return None;
    }
    let acts = sights.iter().find_map(tiled)?;
    let act = ORDER.into_iter().find(|act| acts.contains(act))?;
    let asks = reading.text.contains(['?', '？']);
    // `ok?` and `and then?` want something; words of thanks do not, whatever sign they end with.
    if asks && matches!(act, MessageAct::Agreement | MessageAct::Emoji) {
        return None;
    }
    let agrees = act != MessageAct::Agreement && acts.contains(&MessageAct::Agreement);
    Some(Told { act, beside: agrees.then_some(MessageAct::Agreement) })
}

/// The act with which a longer message begins: what a question may have in front of it.
pub(crate) fn leading(sight: &Sight<'_>) -> Option<MessageAct> {
    let polite = [MessageAct::Greeting, MessageAct::Thanks];
    polite.into_iter().find(|act| {
        let known = sight.lexicon.small_talk.iter().find(|(known, _)| known == act);
        known.is_some_and(|(_, phrases)| phrases.iter().any(|phrase| ends(sight, phrase, 0) > 0))
    })
}

/// Where a phrase ends that begins at this word; 0 where it does not.
fn ends(sight: &Sight<'_>, phrase: &Pattern, at: usize) -> usize {
    phrase.at(&sight.words, at, &sight.lexicon.vocabulary).unwrap_or_default()
}

/// A message without words.
fn signs(text: &str) -> Option<MessageAct> {
    let signs = text.trim();
    if signs.is_empty() {
        return None;
    }
    if signs.chars().all(|c| c == '+') {
        return Some(MessageAct::Agreement);
    }
    let asks = signs.chars().any(|c| matches!(c, '?' | '？'));
    let shows = signs.chars().any(|c| !c.is_ascii_punctuation() && !c.is_whitespace());
    let smiles = signs.contains([')', '(', '*']) || signs.contains(":D");
    (!asks && (shows || smiles)).then_some(MessageAct::Emoji)
}

/// The acts of the phrases, if phrases and fillers account for every word and at least one is a
/// phrase. One word that begins with a capital may be a name.
fn tiled(sight: &Sight<'_>) -> Option<Vec<MessageAct>> {
    let count = sight.words.len();
    // What is reached after so many words: by which acts.
    let mut reached: Vec<Option<Vec<MessageAct>>> = vec![None; count + 1];
    reached[0] = Some(Vec::new());

    for at in 0..count {
        let Some(acts) = reached[at].clone() else { continue };
        for (act, phrases) in &sight.lexicon.small_talk {
            let tos = phrases.iter().map(|phrase| ends(sight, phrase, at));
            for to in tos.filter(|to| *to > at) {
                let more = acts.iter().chain([act]).copied().collect();
                keep(&mut reached[to], more);
            }
        }

        let fillers = sight.lexicon.fillers.iter().map(|filler| ends(sight, filler, at));
        if let Some(to) = fillers.max().filter(|to| *to > at) {
            keep(&mut reached[to], acts.clone());
        }
        if is_name(sight, at) && acts.iter().any(|act| takes_a_name(*act)) {
            keep(&mut reached[at + 1], acts);
        }
    }

    reached.pop().flatten().filter(|acts| !acts.is_empty())
}

/// Keeps the way with fewer phrases: longer ones mean more than their parts.
fn keep(place: &mut Option<Vec<MessageAct>>, acts: Vec<MessageAct>) {
    let better = match place {
        None => true,
        Some(old) if old.is_empty() => !acts.is_empty(),
        Some(old) => !acts.is_empty() && acts.len() < old.len(),
    };
    if better {
        *place = Some(acts);
    }
}

const fn takes_a_name(act: MessageAct) -> bool {
    matches!(act, MessageAct::Greeting | MessageAct::Thanks | MessageAct::Farewell)
}

/// The last word or the one before a new clause, with a capital: `Thanks, Anna!`
fn is_name(sight: &Sight<'_>, at: usize) -> bool {
    let words = &sight.words;
    let ends = words.get(at + 1).is_none_or(|next| next.word.opens);
    let word = words[at].word;
    let shouted = words.len() > 2 && words.iter().all(|seen| seen.word.capital);
    at > 0 && ends && word.capital && !shouted && word.text.chars().count() >= 3
}
