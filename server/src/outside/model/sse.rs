//! Server-sent events (WHATWG HTML, section 9.2) out of bytes that arrive in any pieces.
//!
//! Only the `data` field matters to chat completions; the other fields are read over.

/// Takes bytes, gives the `data` of complete events.
#[derive(Default)]
pub(crate) struct SseParser {
    line: Vec<u8>,
    data: Option<String>,
    /// The last byte was a carriage return: a line feed right after it belongs to the same line end.
    after_return: bool,
    started: bool,
}

impl SseParser {
    /// Takes the next piece and gives the events that it completed.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut events = Vec::new();
        for byte in bytes {
            match byte {
                b'\n' if self.after_return => self.after_return = false,
                b'\n' => self.end_line(&mut events),
                b'\r' => {
                    self.end_line(&mut events);
                    self.after_return = true;
                }
                other => {
                    self.after_return = false;
                    self.line.push(*other);
                }
            }
        }
        events
    }

    /// Bytes held back until their line or event is complete.
    pub(crate) fn pending(&self) -> usize {
        self.line.len() + self.data.as_ref().map_or(0, String::len)
    }

    /// The stream ended: an event without its blank line is given all the same, because some
    /// endpoints leave the last one out.
    pub(crate) fn finish(&mut self) -> Vec<String> {
        let mut events = Vec::new();
        if !self.line.is_empty() {
            self.end_line(&mut events);
        }
        events.extend(self.data.take());
        events
    }

    fn end_line(&mut self, events: &mut Vec<String>) {
        let bytes = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&bytes);
        let mut line = text.as_ref();
        if !std::mem::replace(&mut self.started, true) {
            line = line.strip_prefix('\u{feff}').unwrap_or(line);
        }
        if line.is_empty() {
            events.extend(self.data.take());
            return;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        if field == "data" {
            let value = value.strip_prefix(' ').unwrap_or(value);
            match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pieces: &[&[u8]]) -> Vec<String> {
        let mut parser = SseParser::default();
        let mut events: Vec<String> = pieces.iter().flat_map(|piece| parser.push(piece)).collect();
        events.extend(parser.finish());
        events
    }

    const STREAM: &str =
        "\u{feff}: hello\r\nevent: x\r\ndata: {\"a\":\"é😀\"}\r\n\r\ndata:two\ndata: lines\n\n\rid: 3\r\rdata: last\n";

    #[test]
    fn the_events_do_not_depend_on_where_the_bytes_are_cut() {
        let bytes = STREAM.as_bytes();
        let expected = vec!["{\"a\":\"é😀\"}".to_owned(), "two\nlines".to_owned(), "last".to_owned()];
        assert_eq!(parse(&[bytes]), expected);
        for first in 0..bytes.len() {
            for second in first..bytes.len() {
                let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                assert_eq!(parse(&pieces), expected, "cut at {first} and {second}");
            }
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(parse(&single), expected);
    }

    #[test]
    fn comments_and_other_fields_give_no_events() {
        assert_eq!(parse(&[b": ping\n\nevent: x\nid: 1\nretry: 5\n\n"]), Vec::<String>::new());
    }
}
