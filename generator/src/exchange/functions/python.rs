//! What a Python function takes, as a JSON Schema made of its annotations and its docstring.

use std::collections::BTreeMap;

use gantry_domain::spec::is_python_identifier;
use serde_json::{Map, Value, json};

use super::is_context;
use crate::exchange::code::{Class, Code, Expr, Form, Function, Symbol};
use crate::exchange::draft::Draft;

/// How deep types are followed.
const DEEPEST: usize = 8;

/// What a function takes.
pub(super) struct Signature {
    /// The JSON Schema.
    pub(super) parameters: Value,
    /// The arguments' names in order.
    pub(super) names: Vec<String>,
    /// Lines that come before the body: defaults, and objects made of what the model sent.
    pub(super) before: Vec<String>,
    /// The names of classes that those lines need.
    pub(super) needs: Vec<String>,
}

pub(super) fn signature(
    code: &Code,
    function: &Function,
    described: &BTreeMap<String, String>,
    draft: &mut Draft,
) -> Signature {
    let at = code.line(function.at);
    let mut signature = Signature { parameters: json!({}), names: Vec::new(), before: Vec::new(), needs: Vec::new() };
    let mut properties = Map::new();
    let mut required: Vec<Value> = Vec::new();
    for parameter in &function.parameters {
        let name = parameter.name.as_str();
        if name == "self" || name == "cls" {
            draft.warn(
                "tool_of_object",
                &at,
                format!("{} belongs to an object, which does not come along", function.name),
            );
            continue;
        }
        if parameter.kind.as_ref().is_some_and(is_context) {
            draft.warn(
                "context_left_out",
                &at,
                format!("{} takes {name}, which the framework gave it; here it is not there", function.name),
            );
            continue;
        }
        if !is_python_identifier(name) || name.starts_with('_') {
            draft.warn(
                "argument_left_out",
                &at,
                format!("the argument {name} of {} is left out: expected a name of its own", function.name),
            );
            continue;
        }
        let mut property = match &parameter.kind {
            Some(kind) => schema(code, kind, 0),
            None => Some(Schema::of(json!({"type": "string"}))),
        }
        .unwrap_or_else(|| {
            let kind = parameter.kind.as_ref().map(|kind| code.excerpt(kind.at)).unwrap_or_default();
            draft.warn(
                "type_unknown",
                &at,
                format!("the type {kind} of {name} in {} cannot be read; it is taken to be any value", function.name),
            );
            Schema::of(json!({}))
        });
        if let Some(text) = described.get(name)
            && property.json.get("description").is_none()
        {
            property.json["description"] = json!(text);
        }
        match &parameter.default {
            None if !property.is_optional => required.push(json!(name)),
            None => {}
            Some(default) if matches!(default.form, Form::Nothing) => {}
            Some(default) => {
                match code.json(default) {
                    Some(value) => property.json["default"] = value,
                    None => property.is_optional = true,
                }
                signature.before.push(format!("if {name} is None:\n    {name} = {}", code.text(default.at)));
                signature.needs.extend(identifiers(code.text(default.at)));
            }
        }
        if let Some(class) = property.class {
            // An optional one that did not come stays away.
            signature.before.push(format!("if isinstance({name}, dict):\n    {name} = {class}(**{name})"));
            signature.needs.push(class);
        }
        signature.names.push(name.to_owned());
        properties.insert(name.to_owned(), property.json);
    }
    signature.parameters = json!({"type": "object", "properties": properties, "required": required});
    signature
}

/// A type as a schema.
struct Schema {
    json: Value,
    is_optional: bool,
    /// The class that an object of it is made into.
    class: Option<String>,
}

impl Schema {
    fn of(json: Value) -> Self {
        Self { json, is_optional: false, class: None }
    }
}

/// The schema of a class, if it is one with fields.
pub(in crate::exchange) fn class_schema(code: &Code, kind: &Expr) -> Option<Value> {
    schema(code, kind, 0).map(|schema| schema.json)
}

fn schema(code: &Code, kind: &Expr, depth: usize) -> Option<Schema> {
    if depth > DEEPEST {
        return None;
    }
    let of = |kind: &str| Some(Schema::of(json!({ "type": kind })));
    match &kind.form {
        Form::Nothing => of("null"),
        Form::Name(name) | Form::Member(_, name) => match name.as_str() {
            "str" | "Path" | "EmailStr" | "HttpUrl" | "bytes" => of("string"),
            "int" => of("integer"),
            "float" | "Decimal" => of("number"),
            "bool" => of("boolean"),
            "dict" | "Dict" | "Mapping" => of("object"),
            "list" | "List" | "tuple" | "set" | "Sequence" | "Iterable" => {
                Some(Schema::of(json!({"type": "array", "items": {}})))
            }
            "Any" | "object" => Some(Schema::of(json!({}))),
            "date" => Some(Schema::of(json!({"type": "string", "format": "date"}))),
            "datetime" => Some(Schema::of(json!({"type": "string", "format": "date-time"}))),
            "UUID" => Some(Schema::of(json!({"type": "string", "format": "uuid"}))),
            name => match code.look_up(name, kind.at)? {
                Symbol::Class(class) => of_class(code, &class, depth),
                Symbol::Value(value, _) => schema(code, &value, depth + 1),
                _ => None,
            },
        },
        // A type in quotes is a name that is defined later.
        Form::Text(_) => {
            let name = kind.as_plain()?;
            match code.look_up(&name, kind.at) {
                Some(Symbol::Class(class)) => of_class(code, &class, depth),
                _ => schema(code, &Expr { at: kind.at, form: Form::Name(name) }, depth + 1),
            }
        }
        Form::Operation(operator, kinds) if operator == "|" => union(code, kinds, depth),
        Form::Index(base, arguments) => {
            let arguments: Vec<Expr> = match &arguments.form {
                Form::List(items) => items.clone(),
                _ => vec![(**arguments).clone()],
            };
            let first = arguments.first()?;
            match base.last_name()? {
                "Optional" => {
                    let mut inner = schema(code, first, depth + 1)?;
                    inner.is_optional = true;
                    Some(inner)
                }
                "Union" => union(code, &arguments, depth),
                "list" | "List" | "set" | "Set" | "Sequence" | "Iterable" | "tuple" | "Tuple" | "frozenset" => {
                    let items = schema(code, first, depth + 1)?.json;
                    Some(Schema::of(json!({"type": "array", "items": items})))
                }
                "dict" | "Dict" | "Mapping" => {
                    let values = schema(code, arguments.get(1)?, depth + 1)?.json;
                    Some(Schema::of(json!({"type": "object", "additionalProperties": values})))
                }
                "Literal" => {
                    let values: Vec<Value> = arguments.iter().map(|value| code.json(value)).collect::<Option<_>>()?;
                    Some(Schema::of(with_kind_of_values(values)))
                }
                "Annotated" => {
                    let mut inner = schema(code, first, depth + 1)?;
                    for extra in &arguments[1..] {
                        describe(code, extra, &mut inner.json);
                    }
                    Some(inner)
                }
                "Required" | "NotRequired" | "ReadOnly" | "ClassVar" | "Final" => schema(code, first, depth + 1),
                _ => None,
            }
        }
        _ => None,
    }
}

fn with_kind_of_values(values: Vec<Value>) -> Value {
    match values.as_slice() {
        [] => json!({}),
        values if values.iter().all(Value::is_string) => json!({"type": "string", "enum": values}),
        values if values.iter().all(Value::is_i64) => json!({"type": "integer", "enum": values}),
        values => json!({ "enum": values }),
    }
}

fn union(code: &Code, kinds: &[Expr], depth: usize) -> Option<Schema> {
    let has_nothing = kinds.iter().any(|kind| matches!(kind.form, Form::Nothing));
    let mut options: Vec<Schema> = kinds
        .iter()
        .filter(|kind| !matches!(kind.form, Form::Nothing))
        .map(|kind| schema(code, kind, depth + 1))
        .collect::<Option<_>>()?;
    let is_optional = has_nothing || options.iter().any(|option| option.is_optional);
    if options.len() == 1 {
        let only = options.pop()?;
        return Some(Schema { is_optional, ..only });
    }
    let options: Vec<Value> = options.into_iter().map(|option| option.json).collect();
    Some(Schema { json: json!({ "anyOf": options }), is_optional, class: None })
}

/// What `Annotated` and `Field` say beside the type.
fn describe(code: &Code, extra: &Expr, property: &mut Value) {
    if let Some(words) = code.words(extra) {
        property["description"] = json!(words.text);
    }
    let Some(field) = extra.as_call().filter(|call| call.callee.last_name() == Some("Field")) else { return };
    let names = [
        ("description", "description"),
        ("ge", "minimum"),
        ("le", "maximum"),
        ("gt", "exclusiveMinimum"),
        ("lt", "exclusiveMaximum"),
        ("min_length", "minLength"),
        ("max_length", "maxLength"),
        ("pattern", "pattern"),
    ];
    for (there, here) in names {
        if let Some(value) = field.named(there).and_then(|value| code.json(value)) {
            property[here] = value;
        }
    }
}

fn of_class(code: &Code, class: &Class, depth: usize) -> Option<Schema> {
    let is_choice = class.bases.iter().any(|base| base.last_name().is_some_and(|name| name.ends_with("Enum")));
    if is_choice {
        let values: Vec<Value> =
            class.fields.iter().filter_map(|field| field.default.as_ref().and_then(|value| code.json(value))).collect();
        return Some(Schema { json: with_kind_of_values(values), is_optional: false, class: None });
    }
    if class.fields.is_empty() {
        return None;
    }
    let mut properties = Map::new();
    let mut required = Vec::new();
    for field in &class.fields {
        let Some(kind) = &field.kind else { continue };
        let inner = schema(code, kind, depth + 1)?;
        let mut property = inner.json;
        let mut is_required = !inner.is_optional;
        if let Some(default) = &field.default {
            let of_field = default.as_call().filter(|call| call.callee.last_name() == Some("Field"));
            match of_field {
                Some(call) => {
                    describe(code, default, &mut property);
                    let given = call.argument("default", 0);
                    is_required &= call.named("default_factory").is_none()
                        && given.is_none_or(|given| code.text(given.at) == "...");
                }
                None => is_required = false,
            }
        }
        if is_required {
            required.push(json!(field.name));
        }
        properties.insert(field.name.clone(), property);
    }
    let mut json = json!({"type": "object", "properties": properties, "required": required});
    if let Some(text) = &class.docstring {
        json["description"] = json!(text);
    }
    // A TypedDict is a dict already.
    let is_dict = class.bases.iter().any(|base| base.last_name() == Some("TypedDict"));
    Some(Schema { json, is_optional: false, class: (!is_dict).then(|| class.name.clone()) })
}

/// What a docstring says of the function, and of each argument (Google's and Sphinx's forms).
pub(in crate::exchange) fn docstring_of(text: &str) -> (String, BTreeMap<String, String>) {
    const SECTIONS: [&str; 8] =
        ["Args:", "Arguments:", "Parameters:", "Returns:", "Return:", "Raises:", "Yields:", "Example:"];
    let mut summary: Vec<&str> = Vec::new();
    let mut described: BTreeMap<String, String> = BTreeMap::new();
    let mut section = "";
    let mut last: Option<String> = None;
    for line in text.lines() {
        let trimmed = line.trim();
        if let Some(found) = SECTIONS.iter().find(|section| **section == trimmed) {
            section = found;
            last = None;
        } else if let Some(rest) = trimmed.strip_prefix(":param ") {
            section = ":";
            if let Some((name, about)) = rest.split_once(':') {
                let name = name.split_whitespace().last().unwrap_or_default().to_owned();
                described.insert(name.clone(), about.trim().to_owned());
                last = Some(name);
            }
        } else if trimmed.starts_with(":return") || trimmed.starts_with(":raises") || trimmed.starts_with(":rtype") {
            section = ":";
            last = None;
        } else if section.is_empty() {
            summary.push(line);
        } else if matches!(section, "Args:" | "Arguments:" | "Parameters:") {
            let named = trimmed.split_once(':').map(|(name, about)| {
                (name.split('(').next().unwrap_or_default().trim().trim_start_matches('*'), about.trim())
            });
            match (named, &last) {
                (Some((name, about)), _) if is_python_identifier(name) => {
                    described.insert(name.to_owned(), about.to_owned());
                    last = Some(name.to_owned());
                }
                (_, Some(name)) if !trimmed.is_empty() => {
                    if let Some(about) = described.get_mut(name) {
                        about.push_str(&format!(" {trimmed}"));
                    }
                }
                _ => {}
            }
        }
    }
    (summary.join("\n").trim().to_owned(), described)
}

/// The names in a piece of code, without those after a dot. Words within texts are among them: to take
/// along one name too many does no harm.
pub(super) fn identifiers(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut before = ' ';
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter.is_alphanumeric() || letter == '_' || letter == '$' {
            let mut name = String::from(letter);
            while let Some(next) = letters.next_if(|next| next.is_alphanumeric() || matches!(next, '_' | '$')) {
                name.push(next);
            }
            if before != '.' && !letter.is_ascii_digit() && !found.contains(&name) {
                found.push(name);
            }
            before = letter;
        } else if !letter.is_whitespace() {
            before = letter;
        }
    }
    found
}
