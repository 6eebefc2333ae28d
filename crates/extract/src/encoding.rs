//! Bytes become characters, in the encodings that people have.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_16BE, UTF_16LE, WINDOWS_1251, WINDOWS_1252};

/// How much is looked at to recognise UTF-16 or a declaration, bytes.
const HEAD: usize = 16 * 1024;

/// Characters of a file without a declared encoding: UTF-8, UTF-16 with or without a byte order
/// mark, or a legacy encoding recognised by its letters.
pub(crate) fn decode(bytes: &[u8]) -> String {
    decode_as(bytes, None)
}

/// Characters of an HTML or XML file, which may say what it is encoded in.
pub fn decode_markup(bytes: &[u8]) -> String {
    decode_as(bytes, declared(bytes))
}

/// Is it UTF-16 without a byte order mark?
pub(crate) fn utf16(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = &bytes[..bytes.len().min(HEAD)];
    // Blanks and line ends alone make every text hold zeros.
    if head.len() < 4 || !head.contains(&0) {
        return None;
    }
    let plausible = |read: fn([u8; 2]) -> u16| {
        let units = head.as_chunks::<2>().0;
        let good = units.iter().filter(|unit| is_common(read(**unit))).count();
        good * 100 >= units.len() * 95
    };
    match (plausible(u16::from_le_bytes), plausible(u16::from_be_bytes)) {
        (true, false) => Some(UTF_16LE),
        (false, true) => Some(UTF_16BE),
        _ => None,
    }
}

/// Letters of European scripts, their punctuation and signs.
fn is_common(unit: u16) -> bool {
    matches!(unit, 9 | 10 | 13 | 0x20..=0x24F | 0x370..=0x5FF | 0x2000..=0x206F | 0x20A0..=0x20CF | 0x2100..=0x214F)
}

fn decode_as(bytes: &[u8], declared: Option<&'static Encoding>) -> String {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(&bytes[mark..]).0.into_owned();
    }
    if let Some(encoding) = utf16(bytes) {
        return encoding.decode_without_bom_handling(bytes).0.into_owned();
    }
    let lossy = String::from_utf8_lossy(bytes);
    if !is_damaged_utf8(&lossy) && !escapes(bytes, declared) {
        // What is valid UTF-8 is UTF-8, whatever a declaration says that was copied from elsewhere.
        return undone(&lossy).unwrap_or_else(|| lossy.into_owned());
    }
    // A declared encoding that the bytes cannot be in is a lie as well.
    let believed = declared.and_then(|encoding| {
        encoding.decode_without_bom_handling_and_without_replacement(bytes).map(Into::into)
    });
    believed.unwrap_or_else(|| guess(bytes).decode_without_bom_handling(bytes).0.into_owned())
}

/// The text as it was before a program took its UTF-8 for an older encoding and wrote it once more,
/// line by line; `None` where no line is like that. Real words never come out as UTF-8 again.
fn undone(text: &str) -> Option<String> {
    let mut changed = false;
    let lines = text.split('\n').map(|line| {
        let found =
            [WINDOWS_1252, WINDOWS_1251].into_iter().find_map(|page| undone_line(line, page));
        changed |= found.is_some();
        found.unwrap_or_else(|| line.to_owned())
    });
    let lines: Vec<String> = lines.collect();
    changed.then(|| lines.join("\n"))
}

fn undone_line(line: &str, page: &'static Encoding) -> Option<String> {
    /// Fewer signs may be what they are.
    const FEWEST: usize = 4;
    if line.chars().filter(|c| !c.is_ascii()).take(FEWEST).count() < FEWEST {
        return None;
    }
    let mut bytes = Vec::with_capacity(line.len());
    for c in line.chars() {
        // Bytes without a sign were taken for control characters.
        if let Ok(byte) = u8::try_from(c)
            && (byte.is_ascii() || (0x80..0xA0).contains(&byte))
        {
            bytes.push(byte);
            continue;
        }
        let mut buffer = [0; 4];
        let (coded, _, unknown) = page.encode(c.encode_utf8(&mut buffer));
        if unknown {
            return None;
        }
        bytes.extend_from_slice(&coded);
    }
    String::from_utf8(bytes).ok()
}

/// Is it declared to be in an encoding that writes everything in ASCII bytes?
fn escapes(bytes: &[u8], declared: Option<&'static Encoding>) -> bool {
    declared == Some(encoding_rs::ISO_2022_JP) && bytes.contains(&0x1B)
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    // The hint only breaks ties: short Cyrillic texts look like other alphabets.
    let encoding = detector.guess(Some(b"ru"), Utf8Detection::Deny);
    let (mixed, shouted) = oddities(&encoding.decode_without_bom_handling(bytes).0);
    if !mixed && !shouted {
        return encoding;
    }
    let western = detector.guess(None, Utf8Detection::Deny);
    let still_mixed = || oddities(&western.decode_without_bom_handling(bytes).0).0;
    if mixed && still_mixed() { WINDOWS_1252 } else { western }
}

/// Signs of letters that were misread as Cyrillic: they stand inside Latin words; most are capitals
/// inside words, some of which begin with a small letter.
fn oddities(text: &str) -> (bool, bool) {
    let mut latin = 0_usize;
    let mut capitals = 0_usize;
    let mut small = 0_usize;
    let mut all = 0_usize;
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if matches!(c, '\u{400}'..='\u{4FF}') {
            all += 1;
            let beside = |c: char| c.is_ascii_alphabetic();
            latin += usize::from(beside(before) || chars.peek().copied().is_some_and(beside));
            capitals += usize::from(before.is_alphabetic() && c.is_uppercase());
            small += usize::from(c.is_lowercase());
        }
        before = c;
    }
    (latin * 2 > all, capitals * 2 > all && small > 0)
}

/// A few broken characters are a damaged UTF-8 file; many are another encoding.
fn is_damaged_utf8(lossy: &str) -> bool {
    let mut broken = 0_usize;
    let mut whole = 0_usize;
    for c in lossy.chars().filter(|c| !c.is_ascii()) {
        if c == char::REPLACEMENT_CHARACTER {
            broken += 1;
        } else {
            whole += 1;
        }
    }
    broken * 10 > whole
}

/// What `<meta charset>`, its older form, or an XML declaration says.
fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = bytes[..bytes.len().min(HEAD)].to_ascii_lowercase();
    let head = String::from_utf8_lossy(&head);
    let xml = head.starts_with("<?xml").then(|| head.split_once("?>")).flatten();
    let label = xml
        .and_then(|(declaration, _)| declaration.split_once("encoding"))
        .or_else(|| head.split_once("charset"))
        .map(|(_, rest)| rest)?;
    let label = label.trim_start().strip_prefix('=')?.trim_start();
    let label = label.trim_start_matches(['"', '\'']);
    let end = label.find(['"', '\'', ' ', ';', '>', '/', '?']).unwrap_or(label.len());
    let encoding = Encoding::for_label(&label.as_bytes()[..end])?;
    // Its declaration could be read as single bytes, so it is not UTF-16.
    (encoding != UTF_16LE && encoding != UTF_16BE).then_some(encoding)
}

#[cfg(test)]
mod tests {
    use encoding_rs::{IBM866, KOI8_R, WINDOWS_1250, WINDOWS_1253};

    use super::*;

    const SHOP: &str = "Доставка по городу стоит 290 рублей. Ёлки не возвращаем.";
    const LONG: &str = "Мы работаем ежедневно с 9 до 21 часа без перерывов и выходных. Заказы, оформленные до полудня, \
        курьер привозит в тот же день; стоимость доставки — 290 рублей, а при покупке от 5 000 рублей она бесплатна.\n";
    const MENU: &str =
        "Café crème, Müsli und Brötchen, jalapeño, garçon, déjà vu — voilà l’été à Zürich";

    fn utf16(text: &str, of: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(of).collect()
    }

    #[test]
    fn text_that_was_encoded_twice_is_read_as_it_was_meant() {
        for page in [WINDOWS_1252, WINDOWS_1251] {
            for text in [SHOP, "Тёплый приём, 5 €"] {
                let misread = page.decode_without_bom_handling(text.as_bytes()).0;
                let mixed = format!("{misread}\n{LONG}");
                assert_eq!(decode(mixed.as_bytes()), format!("{text}\n{LONG}"), "{misread}");
            }
        }
        for text in [SHOP, LONG, MENU, "РџСЂРё — РџСЂРё, ЎўЄє Ѓѓ"] {
            assert_eq!(decode(text.as_bytes()), text);
        }
    }

    #[test]
    fn texts_in_the_encodings_of_russia_are_recognised() {
        for text in [
            SHOP,
            LONG,
            "Режим работы: с 9 до 18",
            "Цена 290 руб.",
            "Привет",
            "ПРАЙС-ЛИСТ на 2026 ГОД",
        ] {
            for bytes in [
                text.as_bytes().to_vec(),
                [b"\xEF\xBB\xBF", text.as_bytes()].concat(),
                WINDOWS_1251.encode(text).0.into_owned(),
                utf16(&format!("\u{FEFF}{text}"), u16::to_be_bytes),
                utf16(&format!("\u{FEFF}{text}"), u16::to_le_bytes),
            ] {
                assert_eq!(decode(&bytes), text);
            }
        }
        for text in [SHOP, LONG, "Режим работы: с 9 до 18", "Доставка бесплатна"]
        {
            assert_eq!(
                decode(&KOI8_R.encode(text.replace('—', "-").as_str()).0),
                text.replace('—', "-")
            );
            assert_eq!(decode(&utf16(text, u16::to_be_bytes)), text);
            assert_eq!(decode(&utf16(text, u16::to_le_bytes)), text);
        }
        assert_eq!(decode(&IBM866.encode(SHOP).0), SHOP);
    }

    #[test]
    fn western_text_is_not_taken_for_russian() {
        for text in [MENU, "Café", "Über uns", "Größe: 42, Preis: 19 €", "à la carte", "niño"]
        {
            assert_eq!(decode(&WINDOWS_1252.encode(text).0), text);
        }
        let czech = "Příliš žluťoučký kůň úpěl ďábelské ódy. Doprava zboží je zdarma při nákupu nad tisíc korun.";
        assert_eq!(decode(&WINDOWS_1250.encode(czech).0), czech);
        let greek = "Η παράδοση είναι δωρεάν για παραγγελίες άνω των πενήντα ευρώ και διαρκεί τρεις ημέρες.";
        assert_eq!(decode(&WINDOWS_1253.encode(greek).0), greek);
    }

    #[test]
    fn a_declaration_is_believed_unless_the_bytes_say_otherwise() {
        for head in [
            "<meta charset=\"koi8-r\">",
            "<META http-equiv=Content-Type content='text/html; charset=KOI8-R'>",
            "<?xml version=\"1.0\" encoding='koi8-r'?>",
        ] {
            let page = format!("{head}<p>Ёж</p>");
            assert_eq!(decode_markup(&KOI8_R.encode(&page).0), page);
            assert_eq!(decode_markup(page.as_bytes()), page);
        }
        let lie = format!("<meta charset=utf-8><p>{SHOP}</p>");
        assert_eq!(decode_markup(&WINDOWS_1251.encode(&lie).0), lie);
        let nonsense = "<meta charset=x-unknown><p>plain</p>";
        assert_eq!(decode_markup(nonsense.as_bytes()), nonsense);
    }

    #[test]
    fn bytes_of_a_program_are_not_utf_16() {
        let noise: Vec<u8> =
            (0..4_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        assert_eq!(super::utf16(&noise), None);
        assert_eq!(super::utf16(b"plain text"), None);
        assert_eq!(super::utf16(&[0; 64]), None);
    }
}
