//! Questions that lean on what was said before ("and how much is it?") are made whole with the
//! words they lean on.

use replyx_text::terms;

/// The languages whose questions are made whole, beside Russian.
const LANGUAGES: [&str; 4] = ["en", "de", "fr", "es"];
/// Words of a question that ask, but name nothing.
#[rustfmt::skip]
const NAMELESS: &[&str] = &[
    // English
    "also", "available", "buy", "cost", "costs", "else", "far", "fast", "get", "have", "hours", "long", "many", "more",
    "much", "need", "often", "okay", "ok", "open", "other", "price", "prices", "quickly", "soon", "take", "takes",
    "thanks", "time", "want", "yes", "work",
    // Russian
    "времени", "время", "давно", "далеко", "долго", "другие", "другой", "можно", "надо", "нужно", "ок", "работает",
    "скоро", "сколько", "спасибо", "стоит", "стоимость", "стоят", "хочу", "хорошо", "цена", "цены", "часто",
    // German
    "brauche", "danke", "dauert", "dauern", "geht", "gibt", "kaufen", "kosten", "kostet", "lange", "offen", "preis",
    "preise", "schnell", "teuer", "viel", "viele", "wann", "weit", "zeit",
    // French
    "acheter", "cher", "combien", "coute", "coûte", "coutent", "coûtent", "faut", "longtemps", "merci", "oui", "ouvert",
    "prend", "prix", "temps", "vite",
    // Spanish
    "abierto", "comprar", "cuanta", "cuánta", "cuanto", "cuánto", "cuesta", "cuestan", "gracias", "precio", "precios",
    "rapido", "rápido", "tarda", "tardan", "tiempo",
];
/// First words that go on from what was said.
#[rustfmt::skip]
const GOING_ON: &[&str] = &[
    "also", "and", "but", "or", "so", "then",
    "а", "и", "или", "но", "тогда",
    "aber", "auch", "dann", "oder", "und",
    "alors", "aussi", "et", "mais", "ou",
    "entonces", "o", "pero", "tambien", "también", "y",
];
/// Words that stand for something said before. Left out are those that mean as often nothing in
/// particular: `es gibt`, `il y a`, the German polite `Sie`, articles.
#[rustfmt::skip]
const POINTING: &[&str] = &[
    "he", "her", "him", "it", "its", "one", "ones", "she", "that", "their", "them", "there", "these", "they", "this",
    "those",
    "ей", "ему", "его", "ее", "им", "ими", "их", "него", "нее", "ней", "нем", "ним", "ними", "них", "он", "она", "они",
    "оно", "там", "такая", "такие", "такой", "те", "тот", "туда", "эта", "эти", "этим", "это", "этого", "этой", "этом",
    "этот", "эту",
    "dafür", "davon", "dazu", "diese", "diesem", "diesen", "dieser", "dieses", "dorthin", "ihm", "ihn",
    "ceci", "cela", "celle", "celles", "celui", "ceux", "elle", "elles", "ça",
    "ella", "ellas", "ello", "ellos", "esa", "esas", "ese", "eso", "esos", "él",
];
/// What a word of [`POINTING`] before them points to is the calendar: `this summer`, `этим летом`.
#[rustfmt::skip]
const TIMES: &[&str] = &[
    "afternoon", "autumn", "evening", "fall", "month", "morning", "season", "spring", "summer", "time", "week",
    "weekend", "winter", "year",
    "весной", "вечер", "вечером", "выходные", "год", "году", "день", "зимой", "летом", "месяц", "месяце", "неделе",
    "неделю", "осенью", "раз", "сезон", "сезоне", "утро", "утром",
    "abend", "jahr", "mal", "monat", "morgen", "sommer", "winter", "woche", "wochenende",
    "año", "invierno", "mes", "primavera", "semana", "tarde", "verano",
];
/// Prepositions whose filler another one with the same preposition replaces.
#[rustfmt::skip]
const PLACING: &[&str] = &[
    "for", "from", "in", "on", "to", "with",
    "в", "во", "для", "до", "из", "на", "от", "по", "с", "со",
    "aus", "für", "in", "mit", "nach",
    "à", "avec", "de", "en", "pour",
    "a", "con", "para",
];
/// A question that names more than this is whole, whatever it begins with.
const WHOLE: usize = 3;
/// No more words than this are carried over.
const CARRIED: usize = 8;

/// The question, with the last topic words of the customer's earlier questions (oldest first)
/// behind it when it leans on them; as it is when it does not.
pub fn carry(question: &str, earlier: &[&str]) -> String {
    if !leans(question) {
        return question.to_owned();
    }

    let mut known: Vec<String> =
        names(question).iter().map(|name| terms::index_text(name)).collect();
    // What the question says itself takes the place of what was said before: `and to Riga?`
    let mut places: Vec<String> = places(question).into_iter().map(|(place, _)| place).collect();
    let mut carried: Vec<String> = Vec::new();
    for before in earlier.iter().rev() {
        let filled = self::places(before);
        let is_replaced = |name: &String| {
            filled.iter().any(|(place, filler)| filler == name && places.contains(place))
        };
        for name in names(before).into_iter().filter(|name| !is_replaced(name)) {
            if carried.len() == CARRIED {
                break;
            }
            let stem = terms::index_text(&name);
            if !known.contains(&stem) {
                known.push(stem);
                carried.push(name);
            }
        }
        places.extend(filled.into_iter().map(|(place, _)| place));
        // A question that itself leaned has its topic further back.
        if !carried.is_empty() && !leans(before) {
            break;
        }
    }
    if carried.is_empty() {
        question.to_owned()
    } else {
        format!("{question} {}", carried.join(" "))
    }
}

fn leans(question: &str) -> bool {
    let words = lowered(question);
    let names = names(question).len();
    let goes_on = words.first().is_some_and(|first| GOING_ON.contains(&first.as_str()))
        || words
            .get(1)
            .is_some_and(|second| second == "about" && (words[0] == "what" || words[0] == "how"));
    let points = words.iter().enumerate().any(|(at, word)| {
        let to_a_time = words.get(at + 1).is_some_and(|next| TIMES.contains(&next.as_str()));
        POINTING.contains(&word.as_str()) && !to_a_time
    });
    !words.is_empty() && (names == 0 || names <= WHOLE && (goes_on || points))
}

/// The words that stand right behind a preposition, with it.
fn places(question: &str) -> Vec<(String, String)> {
    let words = lowered(question);
    // What is a preposition in Spanish and French is the English article.
    let is_english = words.iter().any(|word| word != "a" && terms::is_stop_word(word));
    let is_article = |word: &str| is_english && word == "a";
    let places = |word: &str| PLACING.contains(&word) && !is_article(word);
    let pairs = words.windows(2).filter(|pair| places(&pair[0]));
    pairs.map(|pair| (pair[0].clone(), pair[1].clone())).collect()
}

fn lowered(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| word.to_lowercase().replace('ё', "е"))
        .collect()
}

/// The words of a question that name something.
fn names(question: &str) -> Vec<String> {
    let mut named = lowered(question);
    let asked = terms::asked(question, &LANGUAGES);
    let is_stop_word = |word: &str| asked.iter().any(|asked| asked.stop && asked.word == word);
    named.retain(|word| {
        !is_stop_word(word)
            && !NAMELESS.contains(&word.as_str())
            && !POINTING.contains(&word.as_str())
            && !GOING_ON.contains(&word.as_str())
    });
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_that_leans_gets_the_topic_it_leans_on() {
        for (question, before, carried) in [
            ("And how much is it?", "Do you sell floor lamps?", "sell floor lamps"),
            ("А сколько стоит?", "Есть ли доставка в Казань?", "доставка казань"),
            ("how long does it take?", "Can you deliver to Kazan?", "deliver kazan"),
            ("а в Москву?", "Сколько стоит доставка в Казань?", "доставка"),
            ("what about bulbs?", "Can I return a lamp?", "return lamp"),
            ("Do they come with a paddle?", "Do you sell a kayak?", "sell kayak"),
            ("Как её вернуть?", "Я купил лампу RX-200", "купил лампу rx 200"),
            ("сколько?", "доставка по городу", "доставка городу"),
            ("Und wie viel kostet es?", "Haben Sie Stehlampen?", "stehlampen"),
            ("Et combien ça coûte ?", "Livrez-vous à Lyon ?", "livrez lyon"),
            ("¿Y cuánto cuesta?", "¿Hacen envíos a Sevilla?", "hacen envíos sevilla"),
            ("¿y a Madrid?", "¿Cuánto cuesta el envío a Sevilla?", "envío"),
        ] {
            assert_eq!(carry(question, &[before]), format!("{question} {carried}"));
        }
    }

    #[test]
    fn a_whole_question_stays_as_it_is() {
        for question in [
            "What is the warranty of the RX-200?",
            "Сколько стоит доставка в Москву?",
            "And can I return bulbs that were opened within a month?",
            "Was kostet die Lieferung nach Berlin?",
            "Gibt es bei Ihnen Geschenkkarten?",
            "Combien coûte la livraison à Lyon ?",
            "Est-ce qu'il y a des cartes cadeaux ?",
            "¿Cuánto cuesta el envío a Sevilla?",
            "Are you hiring interns this summer?",
            "Are you open this weekend?",
            "Будут ли скидки этим летом?",
            "",
        ] {
            assert_eq!(carry(question, &["Do you sell floor lamps?"]), question);
        }
        assert_eq!(carry("и сколько?", &[]), "и сколько?");
        assert_eq!(carry("how much?", &["how much is it?"]), "how much?");
    }

    #[test]
    fn a_chain_of_leaning_questions_leads_back_to_the_topic() {
        let earlier = ["Do you have gift cards?", "Do you deliver to Kazan?", "and to Moscow?"];
        assert_eq!(carry("how much is it?", &earlier), "how much is it? moscow deliver");
        let long = "lamp ".repeat(3) + "a1 a2 a3 a4 a5 a6 a7 a8 a9 a10 a11";
        let whole = carry("how much is it?", &[&long]);
        assert_eq!(whole.split(' ').count(), 4 + CARRIED);
    }
}
