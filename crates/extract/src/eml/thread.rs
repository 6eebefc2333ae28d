//! What is new in a mail, and what only repeats the mails before it.

/// Words that a forwarded mail's subject begins with, in lower case.
const FORWARDED: [&str; 8] = ["fwd:", "fw:", "wg:", "tr:", "пересл:", "переслано:", "rv:", "i:"];
/// What programs put above a repeated mail, in lower case.
const ORIGINAL: [&str; 9] = [
    "original message",
    "исходное сообщение",
    "исходное письмо",
    "пересылаемое сообщение",
    "ursprüngliche nachricht",
    "message d'origine",
    "mensaje original",
    "оригинальное сообщение",
    "original-nachricht",
];
/// Verbs behind the date and the name above a repeated mail, in lower case.
const WROTE: [&str; 12] = [
    "wrote:",
    "writes:",
    "написал:",
    "написала:",
    "написал(а):",
    "пишет:",
    "писал:",
    "писал(а):",
    "schrieb:",
    "a écrit :",
    "escribió:",
    "ha scritto:",
];
/// The fields of a repeated mail's head, in lower case.
const FIELDS: [[&str; 3]; 4] = [
    ["from:", "sent:", "subject:"],
    ["from:", "date:", "subject:"],
    ["от:", "отправлено:", "тема:"],
    ["von:", "gesendet:", "betreff:"],
];
/// Marks in the pages of mail programs where the repeated mail begins.
const PAGE_MARKS: [&str; 8] = [
    "id=\"divRplyFwdMsg\"",
    "id=\"appendonsend\"",
    "id=divRplyFwdMsg",
    "class=\"gmail_quote",
    "class=\"yahoo_quoted\"",
    "class=\"moz-cite-prefix\"",
    "border-top:solid #E1E1E1 1.0pt",
    "border-top:solid #B5C4DF 1.0pt",
];
/// How many lines a repeated mail's head may take.
const HEAD: usize = 8;
/// A mail says something of its own with so many letters and digits.
const FEWEST: usize = 2;
/// Words shorter than this are in every text, characters.
const SHORTEST_WORD: usize = 4;

/// Does the subject say that another mail is what it is about?
pub(super) fn is_forwarded(subject: &str) -> bool {
    let subject = subject.trim().to_lowercase();
    FORWARDED.iter().any(|word| subject.starts_with(word))
}

/// The lines of a mail without those it repeats. A quoted question stays with the answer below it.
/// A mail that says nothing else stays as it is.
pub(super) fn own(text: &str) -> String {
    let all: Vec<&str> = text.lines().collect();
    let mut end = (0..all.len()).find(|at| repeats_from(&all[*at..])).unwrap_or(all.len());
    let is_line = |line: &str| line.trim().chars().all(|c| matches!(c, '_' | '-'));
    while end < all.len() && end > 0 && is_line(all[end - 1]) {
        end -= 1;
    }
    let lines = &all[..end];

    let mut kept: Vec<&str> = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        if !is_quoted(lines[at]) {
            kept.push(lines[at]);
            at += 1;
            continue;
        }
        let length = lines[at..].iter().take_while(|line| is_quoted(line)).count();
        let quoted = &lines[at..at + length];
        let answered = lines[at + length..].iter().find(|line| !line.trim().is_empty());
        let asks = quoted
            .iter()
            .rev()
            .find(|line| !bare(line).is_empty())
            .is_some_and(|line| line.trim_end().ends_with('?'));
        if asks && answered.is_some() {
            kept.extend(quoted.iter().map(|line| bare(line)));
        } else if kept.last().is_some_and(|line| says_who_wrote(line)) {
            kept.pop();
        }
        at += length;
    }

    let own = kept.join("\n");
    let says = own.chars().filter(|c| c.is_alphanumeric()).take(FEWEST).count() == FEWEST;
    if says { own } else { text.to_owned() }
}

/// The part of a page before the mail that it repeats.
pub(super) fn own_page(page: &str) -> &str {
    let end = PAGE_MARKS.iter().filter_map(|mark| page.find(mark)).min();
    let Some(end) = end else { return page };
    let begin = page[..end].rfind('<').unwrap_or(end);
    let own = &page[..begin];
    // Everything in it may be the repeated mail, as in one that was forwarded.
    let mut in_tag = false;
    let body = own.find("<body").map_or(0, |at| at);
    let says = own[body..].chars().filter(|c| {
        in_tag = *c == '<' || in_tag && *c != '>';
        !in_tag && c.is_alphanumeric()
    });
    if says.take(FEWEST).count() == FEWEST { own } else { page }
}

/// Does the plain form of a mail leave out most of what its page says, as `your program shows no
/// HTML` does?
pub(super) fn is_stub(plain: &str, page: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric())
            .filter(|word| {
                word.chars().count() >= SHORTEST_WORD || word.contains(|c: char| c.is_ascii_digit())
            })
            .map(str::to_lowercase)
            .collect()
    };
    let told: std::collections::HashSet<String> = words(plain).into_iter().collect();
    let page = words(page);
    let missing = page.iter().filter(|word| !told.contains(*word)).count();
    missing * 2 > page.len()
}

/// Does a repeated mail begin with these lines, and go on to the end?
fn repeats_from(lines: &[&str]) -> bool {
    let first = lines[0].trim();
    let lower = first.to_lowercase();
    let ruled = first.starts_with("--") || first.starts_with("__");
    if ruled && ORIGINAL.iter().any(|words| lower.contains(words)) {
        return true;
    }
    let head: Vec<String> = lines
        .iter()
        .take(HEAD)
        .map(|line| line.trim().trim_start_matches(['*', ' ']).to_lowercase())
        .collect();
    let has_fields = FIELDS.iter().any(|fields| {
        head[0].starts_with(fields[0])
            && fields[1..].iter().all(|field| head.iter().any(|line| line.starts_with(field)))
    });
    if has_fields {
        return true;
    }
    if is_quoted(first) || !says_who_wrote(first) {
        return false;
    }
    // Above quoted lines, and nothing else.
    let mut below = lines[1..].iter().filter(|line| !line.trim().is_empty()).peekable();
    below.peek().is_some() && below.all(|line| is_quoted(line))
}

fn says_who_wrote(line: &str) -> bool {
    let lower = line.trim().to_lowercase();
    WROTE.iter().any(|verb| lower.ends_with(verb))
        && lower.contains(|c: char| c.is_ascii_digit() || c == '@')
}

fn is_quoted(line: &str) -> bool {
    line.trim_start().starts_with('>')
}

fn bare(line: &str) -> &str {
    line.trim_start().trim_start_matches(['>', ' '])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mails_before_are_left_out() {
        let new = "From today a canoe costs 48 euros a day.\n\nAnna\n";
        for old in [
            "\nOn Thu, 5 Jun 2025 at 09:12, Ben <ben@shop.example> wrote:\n> a canoe costs 35 euros\n>\n> Ben\n",
            "\n-----Original Message-----\nFrom: Ben\nThe room rate is 95 euros.\n",
            "\n________________________________\nFrom: Ben\nSent: Monday\nTo: Anna\nSubject: Rate\n\n95 euros\n",
            "\n5 июня 2025 г. Бен <ben@shop.example> написал(а):\n> 35 евро\n",
            "\n-------- Исходное сообщение --------\nОт: Бен\n35 евро\n",
        ] {
            assert_eq!(own(&format!("{new}{old}")).trim(), new.trim(), "{old}");
        }
    }

    #[test]
    fn questions_answered_below_them_and_mails_of_quotes_alone_stay() {
        let between = "Hello,\n> Do you deliver?\nYes, for 5 euros.\n> old words\n> 35 euros\nBye";
        assert_eq!(own(between), "Hello,\nDo you deliver?\nYes, for 5 euros.\nBye");
        let quotes = "> a canoe costs 35 euros";
        assert_eq!(own(quotes), quotes);
        assert_eq!(own("She wrote:\nWe open at 9."), "She wrote:\nWe open at 9.");
        assert!(is_forwarded("FW: prices") && !is_forwarded("Re: prices"));
    }

    #[test]
    fn pages_end_where_the_mail_before_begins() {
        let reply =
            "<html><body><p>118 euros</p><div class=\"gmail_quote\">95 euros</div></body></html>";
        assert_eq!(own_page(reply), "<html><body><p>118 euros</p>");
        let forwarded = "<html><body><div class=\"gmail_quote\">95 euros</div></body></html>";
        assert_eq!(own_page(forwarded), forwarded);
    }

    #[test]
    fn a_stub_says_nothing_of_what_the_page_says() {
        let page = "Window cleaning costs 5.20 euros per window until 30 April.";
        assert!(is_stub("Your e-mail program does not show HTML.", page));
        assert!(!is_stub("Window cleaning costs 5.20 euros per window until 30 April!", page));
        assert!(!is_stub("Anything", ""));
    }
}
