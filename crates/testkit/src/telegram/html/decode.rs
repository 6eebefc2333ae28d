//! Character entities and addresses within Telegram's HTML.

/// The character that the entity at the start of `source` stands for, and the entity's length in
/// bytes.
pub(super) fn decode(source: &str) -> Option<(char, usize)> {
    let body = source.strip_prefix('&')?;
    let (c, length) = if let Some(number) = body.strip_prefix('#') {
        let (digits, radix, prefix) = match number.strip_prefix('x') {
            Some(hex) => (hex, 16, 2),
            None => (number, 10, 1),
        };
        let end = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
        // Telegram reads at most ten bytes of a numeric entity.
        if end + prefix + 1 >= 10 {
            return None;
        }
        let code = u32::from_str_radix(&digits[..end], radix).ok().filter(|code| *code != 0)?;
        (char::from_u32(code)?, prefix + end)
    } else {
        let end = body.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(body.len());
        let c = match &body[..end] {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            _ => return None,
        };
        (c, end)
    };
    let semicolon = usize::from(body[length..].starts_with(';'));
    Some((c, 1 + length + semicolon))
}

/// The address that a link leads to, or nothing when it leads nowhere.
pub(super) fn link(target: &str) -> Option<String> {
    let target = target.trim();
    let absolute = if target.contains("://") || target.starts_with("tg:") {
        target.to_owned()
    } else {
        format!("http://{target}")
    };
    let url = url::Url::parse(&absolute).ok()?;
    match url.scheme() {
        "tg" | "ton" | "tonsite" => Some(url.into()),
        "http" | "https" | "ftp" if url.host_str()?.contains('.') => Some(url.into()),
        _ => None,
    }
}
