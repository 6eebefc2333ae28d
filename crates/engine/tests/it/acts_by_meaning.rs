//! Messages in other languages than those of the rules, told by the vectors of the offline model.

use std::{path::PathBuf, sync::Arc};

use replyx_acts::{MessageAct, voice};
use replyx_llm::{Caller, Embeddings, EmbeddingsConfig, OFFLINE};

/// None of them is an example.
const MESSAGES: &[(MessageAct, &str)] = &[
    (MessageAct::Greeting, "Guten Morgen!"),
    (MessageAct::Greeting, "Bonsoir"),
    (MessageAct::Greeting, "Buenas tardes"),
    (MessageAct::Greeting, "Witam"),
    (MessageAct::Thanks, "Danke!"),
    (MessageAct::Thanks, "Merci pour votre aide"),
    (MessageAct::Thanks, "Gracias por la ayuda"),
    (MessageAct::Thanks, "Dzięki"),
    (MessageAct::Farewell, "Schönen Tag noch, tschüss"),
    (MessageAct::Farewell, "Hasta mañana"),
    (MessageAct::WantsHuman, "Kann ich mit einem echten Menschen reden?"),
    (MessageAct::WantsHuman, "Ich will einen Mitarbeiter sprechen"),
    (MessageAct::WantsHuman, "Je voudrais parler à une vraie personne"),
    (MessageAct::WantsHuman, "Necesito hablar con un operador"),
    (MessageAct::WantsHuman, "Chcę porozmawiać z konsultantem"),
    (MessageAct::WantsHuman, "Vorrei parlare con una persona"),
    (MessageAct::WantsHuman, "Vēlos runāt ar operatoru"),
    (MessageAct::WantsHuman, "Bana bir müşteri temsilcisi bağlayın"),
    (MessageAct::WhoAreYou, "Bist du ein Mensch oder ein Bot?"),
    (MessageAct::WhoAreYou, "¿Eres una persona?"),
];

/// What must not be taken for anything else.
const QUESTIONS: &[&str] = &[
    "Wie lange dauert die Lieferung nach Österreich?",
    "Was kostet eine Zahnreinigung?",
    "Kann ich die Schuhe umtauschen?",
    "Haben Sie am Samstag geöffnet?",
    "Welche Zahlungsarten gibt es?",
    "Muss ich einen Termin absagen?",
    "Gibt es Parkplätze?",
    "Livrez-vous en Belgique ?",
    "Quel est le prix d'un détartrage ?",
    "Puis-je retourner un produit ouvert ?",
    "Êtes-vous ouverts le dimanche ?",
    "Quel est votre numéro de téléphone ?",
    "¿Hacen envíos a Portugal?",
    "¿Cuánto tarda el reembolso?",
    "¿Tienen aparcamiento?",
    "¿Qué cubre la garantía?",
    "¿Puedo pagar a plazos?",
    "Ile trwa dostawa do Niemiec?",
    "Czy mogę zapłacić gotówką?",
    "Jaka jest gwarancja na laptop?",
    "Gdzie się znajdujecie?",
    "Cik ilgi jāgaida piegāde?",
    "Vai varu atgriezt preci?",
    "Quanto costa la spedizione in Francia?",
    "Avete una taglia più grande?",
    "Kargo ücreti ne kadar?",
    "Ürünü nasıl iade edebilirim?",
    "送料は無料ですか",
    "你们周末营业吗？",
    "Які у вас способи оплати?",
];

fn offline() -> Embeddings {
    let model_dir = std::env::var_os("MODEL_DIR").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/models")),
        PathBuf::from,
    );
    Embeddings::new(EmbeddingsConfig { model_dir, ..EmbeddingsConfig::default() }).unwrap()
}

async fn vector(embeddings: &Embeddings, text: &str) -> Arc<[f32]> {
    let embedded = embeddings.query(Caller::default(), OFFLINE, text).await;
    embedded.expect("run `scripts/setup model`").vector
}

#[tokio::test]
async fn acts_are_told_in_languages_without_rules_and_questions_stay_questions() {
    let embeddings = offline();
    let mut examples = Vec::new();
    for example in voice::EXAMPLES {
        examples.push(vector(&embeddings, example.text).await);
    }

    let mut missed = Vec::new();
    let mut wrong = Vec::new();
    let questions = QUESTIONS.iter().map(|text| (MessageAct::Question, *text));
    for (act, text) in MESSAGES.iter().copied().chain(questions) {
        let asked = vector(&embeddings, text).await;
        let likeness: Vec<f32> = examples
            .iter()
            .map(|one| one.iter().zip(asked.iter()).map(|(a, b)| a * b).sum())
            .collect();
        match voice::by_meaning(text, &likeness) {
            None if act == MessageAct::Question => {}
            None => missed.push(text),
            Some(told) if told == act => {}
            Some(told) => wrong.push((told, text)),
        }
    }

    assert_eq!(wrong, [], "missed: {missed:?}");
    assert!(missed.len() * 4 <= MESSAGES.len(), "{missed:?}");
}
