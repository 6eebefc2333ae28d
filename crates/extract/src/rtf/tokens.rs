//! The pieces of RTF.

/// A piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'b> {
    Open,
    Close,
    /// A control word and its number.
    Word(&'b str, Option<i32>),
    /// A control symbol such as `\~`.
    Symbol(u8),
    /// A byte of text, from `\'hh` or as it is.
    Byte(u8),
}

/// Reads pieces one after another.
pub(super) struct Tokens<'b> {
    rest: &'b [u8],
}

impl<'b> Tokens<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self { rest: bytes }
    }

    fn word(&mut self) -> Token<'b> {
        let letters =
            self.rest.iter().take(32).take_while(|byte| byte.is_ascii_alphabetic()).count();
        let (name, rest) = self.rest.split_at(letters);
        let negative = rest.first() == Some(&b'-') && rest.get(1).is_some_and(u8::is_ascii_digit);
        let rest = &rest[usize::from(negative)..];
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (number, rest) = rest.split_at(digits);
        let value = (digits > 0).then(|| {
            let value = number
                .iter()
                .take(11)
                .fold(0_i64, |value, digit| value * 10 + i64::from(digit - b'0'));
            i32::try_from(if negative { -value } else { value }).unwrap_or(0)
        });
        self.rest = rest.strip_prefix(b" ").unwrap_or(rest);
        let name = std::str::from_utf8(name).unwrap_or_default();
        if name == "bin" {
            let skipped = usize::try_from(value.unwrap_or(0)).unwrap_or(0).min(self.rest.len());
            self.rest = &self.rest[skipped..];
        }
        Token::Word(name, value)
    }
}

impl<'b> Iterator for Tokens<'b> {
    type Item = Token<'b>;

    fn next(&mut self) -> Option<Token<'b>> {
        loop {
            let (first, rest) = self.rest.split_first()?;
            self.rest = rest;

            return Some(match first {
                b'{' => Token::Open,
                b'}' => Token::Close,
                b'\r' | b'\n' | 0 => continue,
                b'\\' => match rest.first() {
                    Some(byte) if byte.is_ascii_alphabetic() => self.word(),
                    Some(b'\'') => {
                        let digit = |at: usize| {
                            char::from(*rest.get(at)?)
                                .to_digit(16)
                                .and_then(|digit| u8::try_from(digit).ok())
                        };
                        let Some(value) = digit(1).zip(digit(2)).map(|(a, b)| a * 16 + b) else {
                            self.rest = &rest[1..];
                            continue;
                        };
                        self.rest = &rest[3..];
                        Token::Byte(value)
                    }
                    Some(symbol) => {
                        self.rest = &rest[1..];
                        Token::Symbol(*symbol)
                    }
                    None => return None,
                },
                byte => Token::Byte(*byte),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_cut_where_the_format_says() {
        let found: Vec<Token<'_>> =
            Tokens::new(b"{\\b0 x\\u-1\\'e9\\~\r\n\\bin3 }}}\\par}\\'zz\\").collect();
        assert_eq!(
            found,
            [
                Token::Open,
                Token::Word("b", Some(0)),
                Token::Byte(b'x'),
                Token::Word("u", Some(-1)),
                Token::Byte(0xE9),
                Token::Symbol(b'~'),
                Token::Word("bin", Some(3)),
                Token::Word("par", None),
                Token::Close,
                Token::Byte(b'z'),
                Token::Byte(b'z'),
            ]
        );
    }
}
