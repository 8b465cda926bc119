//! The arguments of a tool, and its address: out of an operation's parameters and its body.

use gantry_domain::spec::{is_python_identifier, url_placeholders};
use serde_json::{Map, Value, json};

use super::schema::Schemas;
use crate::exchange::names::identifier;

/// What an operation takes.
pub(super) struct Arguments {
    /// A JSON Schema of type `object`.
    pub(super) schema: Value,
    /// The path and query, with places for arguments.
    pub(super) address: String,
}

/// What is gathered on the way.
#[derive(Default)]
struct Taken {
    properties: Map<String, Value>,
    required: Vec<String>,
}

impl Taken {
    /// Adds an argument of any name; gives the name that it got.
    fn add(&mut self, wanted: &str, schema: Value, is_required: bool) -> String {
        let known: Vec<String> = self.properties.keys().cloned().collect();
        let is_free = is_argument(wanted) && !self.properties.contains_key(wanted);
        let name = if is_free { wanted.to_owned() } else { identifier(wanted, &known) };
        self.properties.insert(name.clone(), schema);
        if is_required {
            self.required.push(name.clone());
        }
        name
    }
}

fn is_argument(name: &str) -> bool {
    is_python_identifier(name) && !name.starts_with('_')
}

/// Reads what an operation takes.
///
/// # Errors
/// Why a tool cannot give it that, as a sentence.
pub(super) fn arguments(
    schemas: &mut Schemas<'_>,
    method: &str,
    path: &str,
    item: &Value,
    operation: &Value,
    notes: &mut Vec<String>,
) -> Result<Arguments, String> {
    let has_body = !matches!(method, "GET" | "DELETE");
    let mut taken = Taken::default();
    // The body's names are those of its JSON, so they come first and the others make way.
    if has_body {
        body(schemas, operation, &mut taken, notes)?;
    } else if operation["requestBody"]["required"] == true {
        return Err(format!("It wants a body, which a tool does not send with {method}."));
    }
    let mut address = path.to_owned();
    // The arguments that have a place in the address, each of them its own.
    let mut placed: Vec<String> = Vec::new();
    for parameter in parameters(schemas, item, operation)? {
        let name = parameter["name"].as_str().unwrap_or_default().to_owned();
        let place = parameter["in"].as_str().unwrap_or_default().to_owned();
        let is_required = parameter["required"] == true || place == "path";
        match place.as_str() {
            "path" => {
                let schema = of_parameter(schemas, &parameter).and_then(|schema| {
                    plain(schema).ok_or_else(|| format!("{name} in its path is a list or an object."))
                })?;
                let argument = taken.add(&name, schema, true);
                address = address.replace(&format!("{{{name}}}"), &format!("{{{argument}}}"));
                placed.push(argument);
            }
            "query" => {
                let made = of_parameter(schemas, &parameter);
                let schema = match made.map(plain) {
                    Ok(Some(schema)) => schema,
                    _ if !is_required => {
                        notes.push(format!("{name} of its query is left out: it is a list or an object."));
                        continue;
                    }
                    Ok(None) => return Err(format!("{name} in its query is a list or an object.")),
                    Err(why) => return Err(why),
                };
                let keeps_its_name = is_argument(&name) && !taken.properties.contains_key(&name);
                if !has_body && keeps_its_name {
                    taken.add(&name, schema, is_required);
                } else if is_required {
                    // What has no name that an argument can have, or no query of its own, gets a place.
                    let argument = taken.add(&name, schema, true);
                    let mark = if address.contains('?') { '&' } else { '?' };
                    address.push_str(&format!("{mark}{}={{{argument}}}", encoded(&name)));
                    placed.push(argument);
                } else {
                    notes.push(format!("{name} of its query is left out: a tool has no place for it."));
                }
            }
            "header" if is_own_header(&name) => {}
            "header" | "cookie" if is_required => {
                return Err(format!("It wants the {place} {name} with each call, which a model cannot give."));
            }
            _ => notes.push(format!("The {place} {name} is left out.")),
        }
    }
    for place in url_placeholders(&address).into_iter().map(str::to_owned).collect::<Vec<_>>() {
        if placed.contains(&place) {
            continue;
        }
        // A place that nobody describes takes a text, and not what a field of the body is called like.
        let argument = taken.add(&place, json!({"type": "string"}), true);
        address = address.replace(&format!("{{{place}}}"), &format!("{{{argument}}}"));
    }
    let schema = json!({
        "type": "object", "properties": taken.properties, "required": taken.required, "additionalProperties": false,
    });
    Ok(Arguments { schema, address })
}

/// The parameters: those of the operation, and those of its path that it does not have itself.
fn parameters(schemas: &Schemas<'_>, item: &Value, operation: &Value) -> Result<Vec<Value>, String> {
    let mut found: Vec<Value> = Vec::new();
    for place in [operation, item] {
        for parameter in place["parameters"].as_array().into_iter().flatten() {
            let parameter = schemas.followed(parameter)?;
            let is_there =
                found.iter().any(|known| known["name"] == parameter["name"] && known["in"] == parameter["in"]);
            if !is_there {
                found.push(parameter);
            }
        }
    }
    Ok(found)
}

/// The schema of a parameter, with what is said about it.
fn of_parameter(schemas: &mut Schemas<'_>, parameter: &Value) -> Result<Value, String> {
    // Without a schema it is a text in a form of its own.
    let mut schema = match &parameter["schema"] {
        Value::Null => json!({"type": "string"}),
        stated => schemas.schema(stated)?,
    };
    if let (Some(description), Some(schema)) = (parameter["description"].as_str(), schema.as_object_mut()) {
        schema.entry("description").or_insert_with(|| json!(description));
    }
    Ok(schema)
}

/// A schema of something that fits into an address.
fn plain(schema: Value) -> Option<Value> {
    let is_compound = |kind: &Value| matches!(kind.as_str(), Some("array" | "object"));
    let compound = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().any(is_compound),
        kind => is_compound(kind),
    };
    (!compound && schema["properties"].is_null() && schema["items"].is_null()).then_some(schema)
}

/// Headers that a client sends by itself; what is said of them counts for nothing (OpenAPI, "Parameter Object").
fn is_own_header(name: &str) -> bool {
    ["accept", "content-type", "authorization"].contains(&name.to_ascii_lowercase().as_str())
}

/// The arguments that are the fields of a JSON body.
fn body(
    schemas: &mut Schemas<'_>,
    operation: &Value,
    taken: &mut Taken,
    notes: &mut Vec<String>,
) -> Result<(), String> {
    let body = schemas.followed(&operation["requestBody"])?;
    let Some(content) = body["content"].as_object().filter(|content| !content.is_empty()) else { return Ok(()) };
    let is_required = body["required"] == true;
    let json = content.iter().find(|(kind, _)| {
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        kind == "application/json" || kind.ends_with("+json") || kind == "*/*" || kind == "application/*"
    });
    let Some((_, media)) = json else {
        let kinds = content.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        if is_required {
            return Err(format!("Its body is {kinds:.100}, and a tool sends JSON."));
        }
        notes.push(format!("Its body is left out: it is {kinds:.100}, and a tool sends JSON."));
        return Ok(());
    };
    let schema = merged(schemas.schema(&media["schema"])?);
    let unfit = match (&schema["type"], schema.get("oneOf").or(schema.get("anyOf"))) {
        (Value::String(kind), None) if kind == "object" => None,
        (Value::Null, None) if schema["properties"].is_object() => None,
        (_, Some(_)) => Some("Its body has one of several forms."),
        _ => Some("Its body is no JSON object."),
    };
    if let Some(unfit) = unfit {
        if is_required {
            return Err(unfit.to_owned());
        }
        notes.push(format!("{} It is optional and left out.", unfit));
        return Ok(());
    }
    let empty = Map::new();
    let properties = schema["properties"].as_object().unwrap_or(&empty);
    if properties.is_empty() && is_required {
        return Err("Its body is an object of any form, which a tool's arguments are not.".to_owned());
    }
    for (name, property) in properties {
        let wanted = is_required
            && schema["required"]
                .as_array()
                .is_some_and(|required| required.iter().any(|known| known == name.as_str()));
        if is_argument(name) {
            taken.add(name, property.clone(), wanted);
        } else if wanted {
            return Err(format!("{name:.60} in its body is no name that an argument can have."));
        } else {
            notes.push(format!("{name:.60} of its body is left out: it is no name that an argument can have."));
        }
    }
    Ok(())
}

/// An object whose parts are all objects, as one.
fn merged(mut schema: Value) -> Value {
    let Some(Value::Array(parts)) = schema.get("allOf").cloned() else { return schema };
    let parts: Vec<Value> = parts.into_iter().map(merged).collect();
    let is_object = |part: &Value| {
        (part["type"] == "object" || (part["type"].is_null() && part["properties"].is_object()))
            && part.get("oneOf").is_none()
            && part.get("anyOf").is_none()
    };
    if !parts.iter().all(is_object) {
        return schema;
    }
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for part in parts.iter().chain([&schema]) {
        properties.extend(part["properties"].as_object().into_iter().flatten().map(|(n, v)| (n.clone(), v.clone())));
        for name in part["required"].as_array().into_iter().flatten() {
            if !required.contains(name) {
                required.push(name.clone());
            }
        }
    }
    required.retain(|name| name.as_str().is_some_and(|name| properties.contains_key(name)));
    if let Some(object) = schema.as_object_mut() {
        object.remove("allOf");
        object.insert("type".to_owned(), json!("object"));
        object.insert("properties".to_owned(), Value::Object(properties));
        object.insert("required".to_owned(), Value::Array(required));
    }
    schema
}

/// A name as it stands in a query.
fn encoded(name: &str) -> String {
    name.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}
