//! The second voice: messages of any language, compared by their vectors.
//!
//! The caller embeds [`EXAMPLES`] once for each embedding model, and the message, which a turn
//! embeds for its search anyway. The act of the nearest example is taken when it is nearer by
//! [`MARGIN`] than every example of a question, and near enough by [`NEAR`]: cosines of one model
//! are comparable among themselves, and a question is never far from other questions.

use replyx_core::message::MessageAct;

/// How near an example must be, cosine of the offline model (`e5-small`).
pub const NEAR: f32 = 0.90;
/// How much nearer than the nearest question.
pub const MARGIN: f32 = 0.03;
/// A longer message is left to the rules, words: its vector is that of a subject.
pub const LONGEST: usize = 12;

/// A message whose act is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Example {
    /// What it is.
    pub act: MessageAct,
    /// What it says.
    pub text: &'static str,
}

macro_rules! examples {
    ($($act:ident: $($text:literal),+;)+) => {
        &[$($(Example { act: MessageAct::$act, text: $text }),+),+]
    };
}

/// Messages in many languages, and questions of customers for contrast.
pub const EXAMPLES: &[Example] = examples! {
    Greeting: "Hello!", "Привет", "Guten Tag", "Hallo", "Bonjour", "Salut", "Hola, buenos días", "Ciao", "Olá, bom dia", "Dzień dobry", "Labdien", "Sveiki", "Tere päevast", "Laba diena", "Merhaba", "مرحبا", "你好", "こんにちは", "Добрий день", "Hei", "Hej", "Dobrý den", "Buongiorno", "Γεια σας", "שלום", "नमस्ते", "안녕하세요";
    Thanks: "Thank you very much", "Большое спасибо", "Vielen Dank", "Danke schön", "Merci beaucoup", "Muchas gracias", "Grazie mille", "Muito obrigado", "Dziękuję bardzo", "Liels paldies", "Aitäh", "Ačiū", "Teşekkür ederim", "شكرا جزيلا", "谢谢", "ありがとうございます", "Дуже дякую", "Kiitos", "Tack så mycket", "Děkuji", "Ευχαριστώ", "תודה רבה", "धन्यवाद", "감사합니다";
    Agreement: "Okay, understood", "Хорошо, понятно", "Alles klar", "In Ordnung", "D'accord", "De acuerdo, entendido", "Va bene", "Está bem", "Dobrze, rozumiem", "Labi, sapratu", "Tamam", "حسنا", "好的", "わかりました", "Добре, зрозуміло", "Selvä";
    Farewell: "Goodbye", "До свидания", "Auf Wiedersehen", "Tschüss", "Au revoir, bonne journée", "Adiós, hasta luego", "Arrivederci", "Do widzenia", "Uz redzēšanos", "Head aega", "Hoşça kal", "مع السلامة", "再见", "さようなら", "До побачення", "Näkemiin";
    WhoAreYou: "Who are you? Are you a bot?", "Ты бот или человек?", "Wer bist du?", "Bist du ein Roboter?", "Qui es-tu? Tu es un robot?", "¿Quién eres? ¿Eres un robot?", "Sei un robot?", "Kim jesteś? Jesteś botem?", "Kas tu esi? Vai tu esi robots?", "Sen kimsin?", "من أنت؟", "你是谁？你是机器人吗？", "あなたは誰ですか", "Хто ти? Ти бот?";
    WhatCanYouDo: "What can you do?", "Что ты умеешь?", "Was kannst du?", "Wie kannst du mir helfen?", "Que peux-tu faire?", "¿Qué puedes hacer?", "Cosa puoi fare?", "Co potrafisz?", "Ko tu vari darīt?", "Ne yapabilirsin?", "ماذا يمكنك أن تفعل؟", "你能做什么？", "何ができますか", "Що ти вмієш?";
    WantsHuman: "I want to talk to a human operator", "Позовите живого оператора", "Ich möchte mit einem Menschen sprechen", "Bitte verbinden Sie mich mit einem Mitarbeiter", "Je veux parler à un conseiller humain", "Passez-moi un opérateur", "Quiero hablar con una persona real", "Quiero hablar con un agente", "Voglio parlare con un operatore", "Quero falar com um atendente", "Chcę rozmawiać z człowiekiem", "Połącz mnie z konsultantem", "Es gribu runāt ar cilvēku", "Savienojiet mani ar operatoru", "Soovin rääkida inimesega", "Noriu kalbėti su žmogumi", "Bir insanla konuşmak istiyorum", "أريد التحدث مع شخص حقيقي", "我要找人工客服", "人間のオペレーターと話したい", "Хочу поговорити з оператором", "Haluan puhua ihmisen kanssa";
    Complaint: "This is outrageous, I want to complain", "Это безобразие, я буду жаловаться", "Das ist eine Unverschämtheit, ich will mich beschweren", "C'est inadmissible, je veux porter plainte", "Esto es inaceptable, quiero poner una queja", "To skandal, chcę złożyć skargę", "Tas ir nepieņemami, es gribu sūdzēties", "Bu kabul edilemez, şikayet etmek istiyorum";
    Booking: "I would like to book an appointment for tomorrow", "Запишите меня на завтра", "Ich möchte einen Termin für morgen buchen", "Je voudrais prendre rendez-vous demain", "Quiero reservar una cita para mañana", "Chcę umówić wizytę na jutro", "Es gribu pierakstīties uz rītdienu", "Yarın için randevu almak istiyorum";
    OrderStatus: "Where is my order?", "Где мой заказ?", "Wo bleibt meine Bestellung?", "Où est ma commande?", "¿Dónde está mi pedido?", "Gdzie jest moje zamówienie?", "Kur ir mans pasūtījums?", "Siparişim nerede?";
    Abuse: "You stupid idiot", "Ты тупой идиот", "Du bist ein Idiot", "Tu es un idiot", "Eres un idiota", "Jesteś idiotą", "Tu esi idiots", "Aptal herif";
    Question: "How much does delivery cost?", "Сколько стоит доставка?", "Was kostet der Versand?", "Combien coûte la livraison?", "¿Cuánto cuesta el envío?", "Ile kosztuje dostawa?", "Cik maksā piegāde?", "送料はいくらですか", "运费是多少？", "كم تكلفة التوصيل؟", "What are your opening hours?", "Wann haben Sie geöffnet?", "Quels sont vos horaires?", "¿Cuál es el horario?", "Jakie są godziny otwarcia?", "Kādi ir darba laiki?", "How do I return a product?", "Wie kann ich die Ware zurückgeben?", "Comment retourner un article?", "¿Cómo puedo devolver un producto?", "Jak zwrócić towar?", "Why was my payment declined?", "Warum wurde meine Zahlung abgelehnt?", "Can I change my delivery address?", "Do you have this in another colour?", "Is there a warranty?", "Gibt es eine Garantie?", "My card has not arrived yet", "How do I book an appointment?", "Wie vereinbare ich einen Termin?", "How do I cancel my order?", "How do I contact support?", "What is the phone number of the operator?", "Welche Mitarbeiter sprechen Russisch?", "How long does an order take?", "It does not work", "Somebody stole my card", "I need a refund", "Do you speak English?", "Who delivers the parcels?", "Wer liefert die Pakete?", "What can I pay with?", "Who is the owner of the shop?", "Кто делает ремонт?", "Что входит в стоимость?", "Как оформить возврат?", "Есть ли гарантия?", "Какой у вас оператор связи?", "Можно оплатить картой?", "Kann ich mit Karte bezahlen?", "Puis-je payer par carte?", "¿Puedo pagar con tarjeta?";
};

/// The act of a message by the cosines of its vector with those of [`EXAMPLES`], in their order;
/// `None` where it is a question or cannot be told.
pub fn by_meaning(text: &str, likeness: &[f32]) -> Option<MessageAct> {
    if text.split_whitespace().count() > LONGEST {
        return None;
    }
    let mut nearest: Option<(MessageAct, f32)> = None;
    let mut question = f32::MIN;
    for (example, likeness) in EXAMPLES.iter().zip(likeness) {
        if example.act == MessageAct::Question {
            question = question.max(*likeness);
        } else if nearest.is_none_or(|(_, best)| *likeness > best) {
            nearest = Some((example.act, *likeness));
        }
    }

    let (act, near) = nearest?;
    (near >= NEAR && near - question >= MARGIN).then_some(act)
}
