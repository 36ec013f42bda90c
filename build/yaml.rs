//! Parses YAML text into a JSON value, keeping the order of keys.

use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use serde_json::{Map, Number, Value};

use super::error::{Error, segment};

/// Plain scalars that some YAML tools (version 1.1) do not read as strings.
const MISREAD: [&str; 10] = ["y", "n", "yes", "no", "on", "off", "~", "=", "<<", "null"];

/// Reads one document. Rejects duplicate keys, anchors, tags, and plain scalars on which YAML 1.1
/// and 1.2 disagree.
pub(super) fn parse(spec: &str, text: &str) -> Result<Value, Error> {
    let mut reader = Reader { spec, events: Parser::new_from_str(text), pointer: Vec::new() };
    loop {
        match reader.next()? {
            (Event::StreamStart | Event::DocumentStart(_), _) => {}
            (event, span) => return reader.value(event, span),
        }
    }
}

struct Reader<'a> {
    spec: &'a str,
    events: Parser<'a, saphyr_parser::StrInput<'a>>,
    pointer: Vec<String>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Error> {
        match self.events.next() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(self.error(error.to_string())),
            None => Err(self.error("the document ends too early")),
        }
    }

    fn error(&self, message: impl Into<String>) -> Error {
        let pointer: String = self.pointer.iter().map(|key| segment(key)).collect();
        Error::new(self.spec, &pointer, message)
    }

    fn value(&mut self, event: Event<'a>, span: Span) -> Result<Value, Error> {
        match event {
            Event::Scalar(text, style, 0, None) => self.scalar(&text, style, span),
            Event::SequenceStart(0, None) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => return Ok(Value::Array(items)),
                        (event, span) => {
                            self.pointer.push(items.len().to_string());
                            items.push(self.value(event, span)?);
                            self.pointer.pop();
                        }
                    }
                }
            }
            Event::MappingStart(0, None) => self.mapping(),
            _ => Err(self.error(format!(
                "line {}: anchors, aliases and tags are not supported",
                span.start.line()
            ))),
        }
    }

    fn mapping(&mut self) -> Result<Value, Error> {
        let mut map = Map::new();
        loop {
            let key = match self.next()? {
                (Event::MappingEnd, _) => return Ok(Value::Object(map)),
                (Event::Scalar(key, _, 0, None), _) => key.into_owned(),
                (_, span) => {
                    return Err(
                        self.error(format!("line {}: a key must be a scalar", span.start.line()))
                    );
                }
            };
            self.pointer.push(key.clone());
            let (event, span) = self.next()?;
            let value = self.value(event, span)?;
            if map.insert(key, value).is_some() {
                return Err(self.error(format!("line {}: the key occurs twice", span.start.line())));
            }
            self.pointer.pop();
        }
    }

    fn scalar(&self, text: &str, style: ScalarStyle, span: Span) -> Result<Value, Error> {
        if style != ScalarStyle::Plain {
            return Ok(text.into());
        }
        match text {
            "true" => return Ok(true.into()),
            "false" => return Ok(false.into()),
            "null" => return Ok(Value::Null),
            _ => {}
        }
        let sexagesimal =
            text.contains(':') && text.chars().all(|c| c.is_ascii_digit() || c == ':' || c == '.');
        let folded = text.to_ascii_lowercase();
        if text.is_empty()
            || sexagesimal
            || MISREAD.contains(&folded.as_str())
            || ["true", "false"].contains(&folded.as_str())
        {
            return Err(self.error(format!(
                "line {}: quote `{text}`: YAML tools read it in different ways",
                span.start.line()
            )));
        }
        // A leading zero or plus is octal to some tools and decimal to others.
        let digits = text.strip_prefix('-').unwrap_or(text);
        if !digits.starts_with(|c: char| c.is_ascii_digit()) {
            return Ok(text.into());
        }
        match text.parse::<Number>() {
            Ok(number) => Ok(Value::Number(number)),
            Err(_) if digits.bytes().all(|b| b.is_ascii_digit()) => Err(self.error(format!(
                "line {}: quote `{text}`: YAML tools read it in different ways",
                span.start.line()
            ))),
            Err(_) => Ok(text.into()),
        }
    }
}
