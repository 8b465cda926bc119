//! Schemas of a document as schemas that stand by themselves: references followed, the older form of 3.0
//! made the newer, and what nobody needs left out.

use serde_json::{Map, Value, json};

/// How deep a schema is followed.
const DEEPEST: usize = 8;
/// How many parts the schemas of one operation may have together.
const MOST_PARTS: usize = 2_000;
/// How many references may lead on to one another.
const MOST_STEPS: usize = 32;
/// The keywords that are carried over as they are.
const KEPT: [&str; 16] = [
    "type",
    "description",
    "enum",
    "const",
    "default",
    "format",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "multipleOf",
    "minItems",
    "maxItems",
    "uniqueItems",
    "title",
];

/// What follows references, for one operation.
pub(super) struct Schemas<'a> {
    document: &'a Value,
    parts: usize,
    /// What was left out, as sentences.
    pub(super) notes: Vec<String>,
}

impl<'a> Schemas<'a> {
    pub(super) fn new(document: &'a Value) -> Self {
        Self { document, parts: 0, notes: Vec::new() }
    }

    /// What a reference stands for, and anything else as it is; nothing for one that leads nowhere.
    pub(super) fn follow(&self, value: &Value) -> Value {
        self.followed(value).unwrap_or(Value::Null)
    }

    /// What a reference stands for, and anything else as it is.
    ///
    /// # Errors
    /// Where the reference leads instead, as a sentence.
    pub(super) fn followed(&self, value: &Value) -> Result<Value, String> {
        let mut value = value;
        for _ in 0..MOST_STEPS {
            let Some(reference) = value.get("$ref") else { return Ok(value.clone()) };
            value = self.found(reference.as_str().unwrap_or_default())?;
        }
        Err("It refers to something that refers to itself.".to_owned())
    }

    fn found(&self, reference: &str) -> Result<&'a Value, String> {
        let pointer = reference
            .strip_prefix('#')
            .ok_or_else(|| format!("It refers to {reference:.100}, and what is in other documents is not fetched."))?;
        self.document
            .pointer(pointer)
            .ok_or_else(|| format!("It refers to {reference:.100}, which is not in the document."))
    }

    /// A schema by itself.
    ///
    /// # Errors
    /// Why there is none, as a sentence.
    pub(super) fn schema(&mut self, value: &Value) -> Result<Value, String> {
        self.part(value, &mut Vec::new())
    }

    fn part(&mut self, value: &Value, within: &mut Vec<String>) -> Result<Value, String> {
        self.parts += 1;
        if self.parts > MOST_PARTS {
            return Err("What it takes is too large to be told to a model.".to_owned());
        }
        if value.is_boolean() {
            return Ok(value.clone());
        }
        let Some(stated) = value.as_object() else { return Ok(json!({})) };
        if let Some(reference) = stated.get("$ref") {
            return self.referred(reference.as_str().unwrap_or_default(), within);
        }
        if within.len() > DEEPEST {
            self.note("What it takes goes deeper than is told to a model: below that anything is taken.");
            return Ok(json!({}));
        }
        within.push(String::new());
        let made = self.object(stated, within);
        within.pop();
        made
    }

    fn referred(&mut self, reference: &str, within: &mut Vec<String>) -> Result<Value, String> {
        if within.iter().any(|known| known == reference) {
            self.note("What it takes contains itself: where it does so anything is taken.");
            return Ok(json!({}));
        }
        let found = self.found(reference)?;
        within.push(reference.to_owned());
        let made = self.part(found, within);
        within.pop();
        made
    }

    fn object(&mut self, stated: &Map<String, Value>, within: &mut Vec<String>) -> Result<Value, String> {
        let mut made = Map::new();
        for name in KEPT {
            if let Some(value) = stated.get(name) {
                made.insert(name.to_owned(), value.clone());
            }
        }
        // In 3.0 these are words beside the limit; in 3.1 they are the limit.
        for (word, limit) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
            match stated.get(word) {
                Some(Value::Bool(true)) => {
                    if let Some(value) = made.remove(limit) {
                        made.insert(word.to_owned(), value);
                    }
                }
                Some(value @ Value::Number(_)) => {
                    made.insert(word.to_owned(), value.clone());
                }
                _ => {}
            }
        }
        for name in ["items", "not", "additionalProperties"] {
            if let Some(value) = stated.get(name) {
                made.insert(name.to_owned(), self.part(value, within)?);
            }
        }
        for name in ["anyOf", "oneOf", "allOf"] {
            if let Some(Value::Array(options)) = stated.get(name) {
                let options: Vec<Value> =
                    options.iter().map(|option| self.part(option, within)).collect::<Result<_, _>>()?;
                if !options.is_empty() {
                    made.insert(name.to_owned(), Value::Array(options));
                }
            }
        }
        if let Some(Value::Object(properties)) = stated.get("properties") {
            let mut kept = Map::new();
            for (name, property) in properties {
                // What the service fills in itself is nothing to be asked for.
                if self.is_read_only(property) {
                    continue;
                }
                kept.insert(name.clone(), self.part(property, within)?);
            }
            if let Some(Value::Array(required)) = stated.get("required") {
                let mut names: Vec<&Value> = Vec::new();
                for name in required {
                    if name.as_str().is_some_and(|name| kept.contains_key(name)) && !names.contains(&name) {
                        names.push(name);
                    }
                }
                if !names.is_empty() {
                    made.insert("required".to_owned(), json!(names));
                }
            }
            made.insert("properties".to_owned(), Value::Object(kept));
        }
        if stated.get("nullable") == Some(&Value::Bool(true)) {
            if let Some(Value::String(kind)) = made.get("type") {
                made.insert("type".to_owned(), json!([kind, "null"]));
            }
            if let Some(Value::Array(values)) = made.get_mut("enum")
                && !values.contains(&Value::Null)
            {
                values.push(Value::Null);
            }
        }
        Ok(Value::Object(made))
    }

    fn is_read_only(&self, property: &Value) -> bool {
        property["readOnly"] == true || (property.get("$ref").is_some() && self.follow(property)["readOnly"] == true)
    }

    fn note(&mut self, note: &str) {
        if !self.notes.iter().any(|known| known == note) {
            self.notes.push(note.to_owned());
        }
    }
}
