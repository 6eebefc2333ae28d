//! One table for each act.

use replyx_acts::{MessageAct, calls_off, tell};

fn assert_all(act: MessageAct, messages: &[&str]) {
    let told = messages.iter().map(|text| (tell(text).act, *text));
    let wrong: Vec<_> = told.filter(|(told, _)| *told != act).collect();
    assert_eq!(wrong, [], "not {act}");
}

#[test]
fn greetings() {
    let messages = [
        "hi",
        "Hello!",
        "hey there",
        "Good morning",
        "Hi, how are you?",
        "Привет",
        "Здравствуйте!",
        "здраствуйте",
        "Добрый день",
        "доброго времени суток",
        "privet",
        "zdravstvuyte",
        "ghbdtn",
        "Hello Anna",
        "алло",
        "Добрый вечер, как дела?",
        "dobriy den",
        "Приветттт",
    ];
    assert_all(MessageAct::Greeting, &messages);
}

#[test]
fn thanks() {
    let messages = [
        "thanks",
        "Thank you so much!",
        "thx",
        "ok thanks",
        "thanks for the quick reply",
        "спасибо!",
        "Большое спасибо за помощь",
        "спс",
        "ок, спасибо",
        "spasibo",
        "благодарю вас",
        "спосибо",
        "Спасибо, Анна!",
        "that was very helpful, thanks",
        "no thanks",
        "Спасибо большое, вы мне очень помогли",
        "thank u",
        "cgfcb,j",
    ];
    assert_all(MessageAct::Thanks, &messages);
}

#[test]
fn agreements() {
    let messages = [
        "ok",
        "OK!",
        "yes",
        "sure",
        "got it",
        "sounds good",
        "ок",
        "хорошо",
        "да",
        "понятно",
        "все понятно",
        "ага",
        "ladno",
        "ясно",
        "+",
        "okay great",
        "no problem",
        "horosho",
    ];
    assert_all(MessageAct::Agreement, &messages);
}

#[test]
fn farewells() {
    let messages = [
        "bye",
        "Goodbye!",
        "see you later",
        "have a nice day",
        "thanks, bye",
        "пока",
        "До свидания",
        "всего доброго",
        "хорошего дня!",
        "спасибо, до свидания",
        "do svidaniya",
        "спокойной ночи",
        "that's all",
    ];
    assert_all(MessageAct::Farewell, &messages);
}

#[test]
fn messages_without_words() {
    assert_all(MessageAct::Emoji, &["👍", "🙂🙂", "❤️", ")))", ":)", "🙏", "😂"]);
    assert_all(MessageAct::Question, &["?", "???", "👍?", "...", ""]);
}

#[test]
fn who_is_asked() {
    let messages = [
        "who are you?",
        "are you a bot?",
        "Am I talking to a real person?",
        "what's your name",
        "кто ты",
        "ты бот?",
        "вы робот или человек?",
        "с кем я говорю?",
        "как вас зовут?",
        "kto ty",
        "Is this a bot?",
        "ты живой человек?",
        "are you a human or a robot",
    ];
    assert_all(MessageAct::WhoAreYou, &messages);
}

#[test]
fn what_it_can_do() {
    let messages = [
        "what can you do?",
        "help",
        "How can you help me?",
        "I have a question",
        "can you help me?",
        "что ты умеешь?",
        "помогите",
        "чем вы можете помочь?",
        "у меня вопрос",
        "можно вопрос?",
        "Здравствуйте, подскажите пожалуйста",
        "chto ty umeesh",
        "Hi, I need help",
        "Добрый день! Есть вопрос",
    ];
    assert_all(MessageAct::WhatCanYouDo, &messages);
}

#[test]
fn complaints() {
    let messages = [
        "это уже третий раз, ваш курьер опять не приехал! верните деньги!!!",
        "I want to file a complaint",
        "This is unacceptable! I am extremely disappointed",
        "вы меня обманули",
        "хочу пожаловаться на вашего врача",
        "Worst service ever",
        "Безобразие! Третий день жду ответа",
        "you are all scammers, give me my money back",
        "Ужасное обслуживание, больше никогда у вас не закажу",
        "Your courier was very rude to me",
        "мне нахамили на ресепшене",
        "буду жаловаться в роспотребнадзор",
        "я очень недовольна вашим сервисом",
    ];
    assert_all(MessageAct::Complaint, &messages);
}

#[test]
fn bookings() {
    let messages = [
        "хочу заказать доставку на завтра к 10 утра",
        "I'd like to book an appointment",
        "Запишите меня к врачу на пятницу",
        "можно записаться на завтра?",
        "хочу записаться на чистку",
        "Can I book a table for tomorrow at 7?",
        "please cancel my appointment",
        "перенесите мою запись на вторник",
        "забронируйте столик на двоих",
        "reschedule my visit please",
        "хочу отменить запись",
        "Book me in for Monday",
        "zapishite menya na zavtra",
    ];
    assert_all(MessageAct::Booking, &messages);
}

#[test]
fn orders() {
    let messages = [
        "where is my order?",
        "Где мой заказ?",
        "когда придёт моя посылка",
        "статус заказа 12345",
        "track my order",
        "Has my order shipped yet?",
        "my parcel hasn't arrived",
        "gde moy zakaz",
        "What's the status of my order #5512?",
        "Когда мне привезут мой заказ?",
        "что с моим заказом?",
        "Мой заказ ещё не пришёл",
        "where's my package",
    ];
    assert_all(MessageAct::OrderStatus, &messages);
}

#[test]
fn abuse() {
    let messages = [
        "fuck you",
        "you stupid bot",
        "идиот",
        "тупой бот",
        "пошел нахуй",
        "you are useless idiots",
        "вы дебилы",
    ];
    assert_all(MessageAct::Abuse, &messages);
}

#[test]
fn an_act_with_a_question_is_a_question() {
    for (text, beside) in [
        ("Hi! What does delivery cost?", Some(MessageAct::Greeting)),
        ("Здравствуйте, сколько стоит чистка?", Some(MessageAct::Greeting)),
        ("thanks, and how long does it take", Some(MessageAct::Thanks)),
        ("спасибо а в субботу работаете", Some(MessageAct::Thanks)),
        ("How do I book an appointment?", None),
        ("Как отследить заказ?", None),
        ("how long does it last", None),
        ("and does it hurt?", None),
        ("а курьером?", None),
        ("болит зуб сил нет, примете сейчас?", None),
        ("ok?", None),
    ] {
        let told = tell(text);
        assert_eq!(told.act, MessageAct::Question, "{text}");
        assert_eq!(told.beside, beside, "{text}");
    }
}

#[test]
fn what_is_endless_is_told_as_well() {
    for text in ["оператор ".repeat(10_000), "?".repeat(100_000), "hello ".repeat(50_000)] {
        tell(&text);
    }
}

#[test]
fn a_request_for_a_human_is_taken_back_by_words_that_say_nothing_else() {
    let takes_back = [
        "cancel",
        "Cancel, please!",
        "never mind",
        "No need anymore, thanks",
        "I don't need an operator",
        "no longer need a human",
        "I've changed my mind",
        "отмена",
        "Отмените, пожалуйста",
        "уже не надо",
        "Больше не нужен, спасибо",
        "оператор больше не нужен",
        "не зовите никого",
        "я передумала",
        "otmena",
        "jnvtyf",
    ];
    for text in takes_back {
        assert!(calls_off(text), "{text}");
    }

    let goes_on = [
        "",
        "no",
        "нет",
        "please",
        "cancel my order",
        "how do I cancel?",
        "I want to cancel my subscription",
        "отмените мой заказ",
        "не нужен ли паспорт?",
        "не надо звонить, напишите",
        "I don't need a bot, I need a human",
        "need a human",
        "want an operator",
        "мне нужен оператор",
        "are you there?",
    ];
    for text in goes_on {
        assert!(!calls_off(text), "{text}");
    }
}
