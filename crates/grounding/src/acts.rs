//! Does an answer claim that something was done, or will be, that only a person or a tool can do?
//!
//! The assistant reads and writes; it books nothing, sends nothing and looks into no order. A
//! sentence that the sources have word for word tells of the business, not of the assistant.

use std::ops::Range;

use super::numbers::pattern;

macro_rules! done {
    () => {
        r"(?:booked|reserved|scheduled|rescheduled|cancell?ed|placed|sent|forwarded|passed|transferred|handed|refunded|returned|confirmed|registered|enrolled|signed|updated|changed|applied|issued|notified|informed|contacted|called|phoned|emailed|arranged|processed|created|opened|closed|added|removed|deleted|recorded|submitted|ordered|saved|activated|extended|moved|asked|requested|escalated|flagged|noted down|put you|set up|looked into|looked up|checked|verified|tracked|found your)"
    };
}
macro_rules! doing {
    () => {
        r"(?:book|reserve|schedule|reschedule|cancel|place|send|forward|pass|transfer|hand|refund|confirm|register|enroll|sign|update|change|apply|issue|notify|inform|contact|call|phone|email|arrange|process|create|add|remove|delete|record|submit|order|activate|extend|move|escalate|look into|check|verify|track)"
    };
}

// `I checked the price list` is reading.
pattern!(
    I_DID,
    concat!(
        r"(?i)\bI(?:'ve|’ve| have| had)?(?: just| already| now| successfully| also| gone ahead and)*\s",
        done!(),
        r"\b"
    )
);
pattern!(
    WE_DID,
    concat!(
        r"(?i)\bwe(?:'ve|’ve| have)(?: just| already| now| successfully| also)*\s",
        done!(),
        r"\b(?:\s\w+){0,3}?\s(?:you|your|this|it)\b"
    )
);
pattern!(
    I_WILL,
    concat!(
        r"(?i)\bI(?:'ll|’ll| will|'m going to| am going to|'m| am)(?: just| now| also| gladly| happily)*\s",
        doing!(),
        r"(?:k?ing)?\b(?:\s\w+){0,3}?\s(?:you|your|this|it|an?|the)\b"
    )
);
pattern!(
    IS_DONE,
    r"(?i)\byour (?:\w+ )?(?:order|parcel|package|shipment|appointment|booking|reservation|visit|refund|payment|request|return|subscription|ticket|slot|table|seat|place)\b(?: for [\w :]+?)? (?:has (?:already |now |just )?(?:been\b|left|arrived|shipped)|is (?:now |already )?(?:booked|confirmed|reserved|cancelled|canceled|on its way|on the way|in transit|shipped|scheduled|being prepared)|was (?:successfully )?(?:booked|confirmed|reserved|cancelled|canceled|shipped|sent|delivered|refunded|placed|processed))\b|\byou(?:'re|’re| are) (?:now |all )?(?:booked|registered|signed up|enrolled|set for)\b"
);
pattern!(
    DID_RU,
    r"(?i)(?:^|[^\w-])(?:(?:я|мы)\s(?:уже\s|только что\s|сейчас\s|для вас\s|вас\s|вам\s|ваш\w*\s(?:\w+\s)?|успешно\s|всё\s|все\s)*|(?:готово|отлично|хорошо|да|конечно|спасибо|сделано)[,.!:—–-]\s?(?:[—–-]\s)?(?:уже\s|вас\s|вам\s)?)(?:записал|забронировал|отменил|перен[её]с|оформил|заказал|отправил|передал|переслал|проверил|подтвердил|зарегистрировал|обновил|изменил|сообщил|уведомил|связал|позвонил|создал|добавил|удалил|верн[её]с|вернул|списал|начислил|активировал|продлил|внес|внёс|поставил|назначил|заброниров|нашл?а? ваш|наш[её]л ваш|посмотрел ваш|уточнил)(?:а|и|о|ся|ась|ись)?(?:\s|[.,!?:;]|$)"
);
pattern!(
    YOU_ARE_RU,
    r"(?i)(?:^|[^\w-])(?:записал[аи]?\sвас|вы\s(?:уже\s)?записаны|вас\s(?:уже\s)?записали|ваш(?:а|у|е)?\s(?:\w+\s)?(?:заказ|посылка|заявка|запись|бронь|бронирование|визит|платеж|платёж|возврат|обращение|столик|место)\s(?:№?\s?\d+\s)?(?:уже\s|успешно\s)*(?:отправлен|подтвержд[её]н|оформлен|принят|отмен[её]н|доставлен|передан|создан|забронирован|зарегистрирован|перенес[её]н|обработан|в пути|едет|выехал|покинул))"
);
pattern!(
    WILL_RU,
    r"(?i)(?:^|[^\w-])я\s(?:сейчас\s|уже\s|сразу\s|с радостью\s)?(?:вас\s|вам\s|ваш\w*\s(?:\w+\s)?)?(?:запишу|забронирую|отменю|перенесу|оформлю|отправлю|передам|перешлю|проверю|подтвержу|зарегистрирую|позвоню|перезвоню|сообщу|уведомлю|свяжусь|создам|верну)(?:\s|[.,!?:;]|$)"
);
// Of the price list, an act of reading.
pattern!(
    READING,
    r"(?i)^(?:\s(?:through|in|with|по|в))?\s(?:our |the |all |this |that |наш\w* |вс[её] |эт\w+ )?(?:\w+ )?(?:price ?lists?|prices|documents?|information|rules|terms|schedule|website|site|list|policy|conditions|прайс\w*|документ\w*|информаци\w*|правил\w*|услови\w*|расписани\w*|сайт\w*|списк\w*|прейскурант\w*)\b"
);
pattern!(
    CASE,
    r"(?i)\b(?:if|when|once|after|as soon as|until|before|unless|whether|whenever|если|когда|после того|как только|пока|прежде чем)\b[^.!?\n]*$"
);

/// The words by which an answer claims such an act; nothing where it does not.
pub(super) fn claimed(text: &str, is_told: impl Fn(&str) -> bool) -> Option<Range<usize>> {
    let patterns: [&regex::Regex; 7] =
        [&I_DID, &WE_DID, &I_WILL, &IS_DONE, &DID_RU, &YOU_ARE_RU, &WILL_RU];
    let found = patterns.iter().flat_map(|pattern| pattern.find_iter(text));
    let mut acts: Vec<Range<usize>> = found
        .filter(|act| {
            let sentence = text[..act.start()].rfind(['.', '!', '?', '\n']).map_or(0, |at| at + 1);
            let end = act.start() + act.as_str().trim_end().len();
            !READING.is_match(&text[end..])
                && !CASE.is_match(&text[sentence..act.start()])
                && !is_told(act.as_str())
        })
        .map(|act| act.range())
        .collect();
    acts.sort_by_key(|act| act.start);
    acts.into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assistant_without_tools_has_done_nothing() {
        for text in [
            "I have booked you for Tuesday at 10.",
            "I've cancelled your order.",
            "I have checked: your order has left our warehouse.",
            "Done, I just sent you a confirmation.",
            "We have cancelled your appointment.",
            "Your appointment is confirmed.",
            "Your order has been shipped.",
            "You're all set: you are booked.",
            "I will book an appointment for you.",
            "I'll forward your request to a manager.",
            "Я записала вас на вторник.",
            "Записал вас на среду.",
            "Готово, отменил.",
            "Я проверил: заказ в пути.",
            "Ваш заказ уже отправлен.",
            "Вы записаны на 10 утра.",
            "Я передам ваш вопрос менеджеру.",
        ] {
            assert!(claimed(text, |_| false).is_some(), "{text}");
        }
    }

    #[test]
    fn what_the_business_does_is_no_act_of_the_assistant() {
        for text in [
            "You can book by telephone. I found this in the price list.",
            "I checked the price list: whitening costs 240 euros.",
            "Once your order has been paid, we ship it within a day.",
            "If your appointment is cancelled later, we charge 15 euros.",
            "We have added two parking places.",
            "Orders paid before 15:00 leave our warehouse the same day.",
            "Your order is kept for 5 days.",
            "I am sure you will find a way. I will gladly help.",
            "Записаться можно по телефону.",
            "После того как ваш заказ отправлен, придёт письмо.",
            "Мы отправим заказ в день оплаты.",
            "Я проверил прайс: чистка стоит 60 евро.",
            "Запись ведём по телефону, отменить можно за сутки.",
        ] {
            assert_eq!(claimed(text, |_| false), None, "{text}");
        }
        assert_eq!(claimed("I have checked it.", |_| true), None);
    }
}
