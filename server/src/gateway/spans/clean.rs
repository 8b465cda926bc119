//! A span as the log takes it: of a size that can be shown, and without what nobody may know.

use std::collections::BTreeMap;

use gantry_domain::Timestamp;
use gantry_domain::trace::ToldSpan;
use serde_json::Value;

use super::otlp::{KeyValue, Span};
use crate::gateway::{PREFIX, clean};

/// Attributes of a span.
const MOST_ATTRIBUTES: usize = 64;
/// Bytes of all the attributes of a span.
const LARGEST_ATTRIBUTES: usize = 16 * 1024;
/// Bytes of one text.
const LONGEST_TEXT: usize = 4 * 1024;
/// Characters of a name.
const LONGEST_NAME: usize = 200;
/// What stands for what nobody may know.
const HIDDEN: &str = "[hidden]";
/// How the names of attributes end whose values nobody may know.
const SECRET_ENDINGS: [&str; 9] =
    ["authorization", "api_key", "api-key", "apikey", "password", "passwd", "secret", "cookie", "token"];

/// Who told of a span.
pub(super) struct Teller {
    pub(super) service: String,
    pub(super) scope: String,
}

/// Makes a span one of the log's; none when it has no valid ids (the specification wants them not to be zero).
pub(super) fn told(span: &Span, teller: &Teller) -> Option<ToldSpan> {
    let is_id = |id: &[u8], length: usize| id.len() == length && id.iter().any(|byte| *byte != 0);
    if !is_id(&span.trace_id, 16) || !is_id(&span.span_id, 8) {
        return None;
    }
    let parent = if is_id(&span.parent_span_id, 8) { hex::encode(&span.parent_span_id) } else { String::new() };
    let failed = span.status.as_ref().is_some_and(|status| status.code == 2);
    let said = span.status.as_ref().map(|status| status.message.clone()).filter(|message| !message.is_empty());
    let (attributes, left_out) = attributes(&span.attributes);
    Some(ToldSpan {
        trace_id: hex::encode(&span.trace_id),
        span_id: hex::encode(&span.span_id),
        parent_id: parent,
        name: name(&span.name),
        service: name(&teller.service),
        scope: name(&teller.scope),
        began_at: moment(span.start_time_unix_nano),
        ended_at: moment(span.end_time_unix_nano),
        failed,
        message: if failed { text(&said.or_else(|| exception(span)).unwrap_or_default()) } else { String::new() },
        attributes,
        left_out: left_out.saturating_add(span.dropped_attributes_count),
    })
}

/// What a span says of the exception that ended it.
fn exception(span: &Span) -> Option<String> {
    let event = span.events.iter().rev().find(|event| event.name == "exception")?;
    let (attributes, _) = attributes(&event.attributes);
    let of = |name: &str| attributes.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    match (of("exception.type"), of("exception.message")) {
        (Some(kind), Some(message)) => Some(format!("{kind}: {message}")),
        (one, other) => one.or(other).map(str::to_owned),
    }
}

/// A moment; the latest one that the wire can say is in the year 2554.
fn moment(nanoseconds: u64) -> Timestamp {
    Timestamp::from_micros(i64::try_from(nanoseconds / 1_000).unwrap_or(i64::MAX))
}

/// Attributes, and how many were too many. What the conventions of generative AI name comes first.
fn attributes(given: &[KeyValue]) -> (BTreeMap<String, Value>, u32) {
    let mut kept = BTreeMap::new();
    let (mut left_out, mut size) = (0_u32, 0);
    let (first, rest): (Vec<&KeyValue>, Vec<&KeyValue>) =
        given.iter().partition(|pair| pair.key.starts_with("gen_ai."));
    for pair in first.into_iter().chain(rest) {
        let key = name(&pair.key);
        let value = pair.value.as_ref().map_or(Value::Null, |value| value.plain());
        let value = bounded(&key, value);
        let bytes = key.len() + value.to_string().len();
        if kept.len() == MOST_ATTRIBUTES || size + bytes > LARGEST_ATTRIBUTES {
            left_out += 1;
            continue;
        }
        size += bytes;
        kept.insert(key, value);
    }
    (kept, left_out)
}

/// A value whose texts are short enough and hide what they must.
fn bounded(key: &str, value: Value) -> Value {
    let is_secret = {
        let key = key.to_ascii_lowercase();
        SECRET_ENDINGS.iter().any(|ending| key.ends_with(ending))
    };
    match value {
        Value::String(_) | Value::Array(_) | Value::Object(_) if is_secret => Value::String(HIDDEN.to_owned()),
        Value::String(said) => Value::String(text(&said)),
        Value::Array(values) => values.into_iter().map(|value| bounded("", value)).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(field, value)| {
                let value = bounded(&field, value);
                (name(&field), value)
            })
            .collect::<serde_json::Map<String, Value>>()
            .into(),
        other => other,
    }
}

fn name(given: &str) -> String {
    without_tokens(&clean(&given.chars().take(LONGEST_NAME).collect::<String>()))
}

fn text(given: &str) -> String {
    let whole = without_tokens(&clean(given));
    if whole.len() <= LONGEST_TEXT {
        return whole;
    }
    let cut = (0..=LONGEST_TEXT).rev().find(|at| whole.is_char_boundary(*at)).unwrap_or(0);
    format!("{} [cut off after 4 KiB]", &whole[..cut])
}

/// Hides the tokens of runs, wherever a library writes down what it sends.
fn without_tokens(given: &str) -> String {
    let mut parts = given.split(PREFIX);
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|letter: char| !letter.is_ascii_alphanumeric() && !matches!(letter, '-' | '_'));
        shown.push_str(HIDDEN);
        shown.push_str(end.map_or("", |end| &part[end..]));
    }
    shown
}
