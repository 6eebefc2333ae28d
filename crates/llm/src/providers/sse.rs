//! Server-sent events, read from bytes that come in any pieces.
//!
//! Lines end with `\n`, `\r\n` or `\r`; comments and unknown fields are skipped
//! (<https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream>). One
//! liberty is taken: an event that the end of the stream cuts before its empty line is an event,
//! because some servers close right after the last line.

/// One event: the `data` lines joined.
pub(super) type Data = String;

/// A line that is not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotUtf8;

/// A reader of events. Its memory is bounded by the one that bounds the stream.
#[derive(Debug, Default)]
pub(super) struct Reader {
    line: Vec<u8>,
    data: Option<String>,
    after_return: bool,
    begun: bool,
}

impl Reader {
    /// Takes the next bytes and gives the events they complete.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Vec<Data>, NotUtf8> {
        let mut events = Vec::new();
        let mut rest = bytes;
        while let Some(&first) = rest.first() {
            // The second half of `\r\n`, which may come in another piece.
            if std::mem::take(&mut self.after_return) && first == b'\n' {
                rest = &rest[1..];
                continue;
            }
            let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
                self.line.extend_from_slice(rest);
                break;
            };
            self.line.extend_from_slice(&rest[..end]);
            self.after_return = rest[end] == b'\r';
            rest = &rest[end + 1..];
            events.extend(self.end_line()?);
        }
        Ok(events)
    }

    /// The stream is over: the event that was being read.
    pub(super) fn end(&mut self) -> Result<Option<Data>, NotUtf8> {
        if !self.line.is_empty() {
            self.end_line()?;
        }
        Ok(self.data.take())
    }

    fn end_line(&mut self) -> Result<Option<Data>, NotUtf8> {
        let line = std::mem::take(&mut self.line);
        let line = std::str::from_utf8(&line).map_err(|_| NotUtf8)?;
        let line = if std::mem::replace(&mut self.begun, true) {
            line
        } else {
            line.strip_prefix('\u{FEFF}').unwrap_or(line)
        };
        if line.is_empty() {
            return Ok(self.data.take());
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        if field == "data" {
            let value = value.strip_prefix(' ').unwrap_or(value);
            match &mut self.data {
                None => self.data = Some(value.to_owned()),
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = "\u{FEFF}: hello\n\ndata: one\r\ndata: more\r\n\r\nevent: x\rdata:two\ndata: é→я\n\n\n\
                          id\ndata\n\ndata: last";

    fn read(pieces: &[&[u8]]) -> Vec<String> {
        let mut reader = Reader::default();
        let mut events = Vec::new();
        for piece in pieces {
            events.extend(reader.push(piece).unwrap());
        }
        events.extend(reader.end().unwrap());
        events
    }

    #[test]
    fn events_are_the_same_wherever_the_stream_is_cut() {
        let bytes = STREAM.as_bytes();
        let whole = read(&[bytes]);
        assert_eq!(whole, ["one\nmore", "two\né→я", "", "last"]);
        for first in 0..=bytes.len() {
            for second in first..=bytes.len() {
                let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                assert_eq!(read(&pieces), whole, "{first} {second}");
            }
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(read(&single), whole);
    }

    #[test]
    fn a_line_that_is_not_text_is_told() {
        assert_eq!(Reader::default().push(b"data: \xff\n"), Err(NotUtf8));
    }
}
