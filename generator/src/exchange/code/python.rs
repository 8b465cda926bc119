//! Python's tree as ours.

use tree_sitter::Node;

use super::{
    Act, Call, Class, DEEPEST, Expr, Form, Function, Import, Lowering, Parameter, Piece, Place, Statement, fields,
    number, parts,
};

pub(super) fn statements(reader: &Lowering<'_>, node: Node<'_>, depth: usize) -> Vec<Statement> {
    if depth > DEEPEST {
        return Vec::new();
    }
    parts(node).into_iter().map(|part| statement(reader, part, depth)).collect()
}

fn block(reader: &Lowering<'_>, node: Node<'_>, field: &str, depth: usize) -> Vec<Statement> {
    node.child_by_field_name(field).map(|body| statements(reader, body, depth + 1)).unwrap_or_default()
}

fn statement(reader: &Lowering<'_>, node: Node<'_>, depth: usize) -> Statement {
    let act = match node.kind() {
        "expression_statement" => match parts(node).as_slice() {
            [only] => simple(reader, *only, depth),
            _ => Act::Other,
        },
        "import_statement" => Act::Import(whole_modules(reader, node)),
        "import_from_statement" => Act::Import(names(reader, node)),
        "function_definition" => Act::Define(Box::new(function(reader, node, Vec::new(), depth))),
        "class_definition" => Act::Class(class(reader, node, depth)),
        "decorated_definition" => decorated(reader, node, depth),
        "if_statement" => conditional(reader, node, depth),
        "while_statement" => Act::Loop {
            over: node.child_by_field_name("condition").map(|over| expression(reader, over, depth + 1)),
            body: block(reader, node, "body", depth),
        },
        "for_statement" => Act::Loop {
            over: node.child_by_field_name("right").map(|over| expression(reader, over, depth + 1)),
            body: block(reader, node, "body", depth),
        },
        "match_statement" => matched(reader, node, depth),
        "with_statement" => {
            let mut inside = Vec::new();
            // What is opened is a statement of its own: `async with MCPServerStdio(…) as server`.
            with_items(reader, node, depth, &mut inside);
            inside.extend(block(reader, node, "body", depth));
            Act::Block(inside)
        }
        "try_statement" => {
            let mut inside = block(reader, node, "body", depth);
            for part in parts(node).into_iter().filter(|part| part.kind() == "finally_clause") {
                for body in parts(part) {
                    inside.extend(statements(reader, body, depth + 1));
                }
            }
            Act::Block(inside)
        }
        "return_statement" => Act::Return(parts(node).first().map(|value| expression(reader, *value, depth + 1))),
        "break_statement" => Act::Break,
        _ => Act::Other,
    };
    Statement { at: reader.place(node), act }
}

fn simple(reader: &Lowering<'_>, node: Node<'_>, depth: usize) -> Act {
    match node.kind() {
        "assignment" => {
            let (Some(left), Some(right)) = (node.child_by_field_name("left"), node.child_by_field_name("right"))
            else {
                return Act::Other;
            };
            Act::Set { target: expression(reader, left, depth + 1), value: expression(reader, right, depth + 1) }
        }
        _ => Act::Value(expression(reader, node, depth + 1)),
    }
}

fn with_items(reader: &Lowering<'_>, node: Node<'_>, depth: usize, into: &mut Vec<Statement>) {
    if depth > DEEPEST {
        return;
    }
    for part in parts(node) {
        match part.kind() {
            "with_clause" | "with_item" => with_items(reader, part, depth + 1, into),
            "as_pattern" => {
                if let [value, alias] = parts(part).as_slice() {
                    let target = parts(*alias).first().copied().unwrap_or(*alias);
                    let act = Act::Set {
                        target: expression(reader, target, depth + 1),
                        value: expression(reader, *value, depth + 1),
                    };
                    into.push(Statement { at: reader.place(part), act });
                }
            }
            "block" => {}
            _ => into.push(Statement { at: reader.place(part), act: Act::Value(expression(reader, part, depth + 1)) }),
        }
    }
}

fn conditional(reader: &Lowering<'_>, node: Node<'_>, depth: usize) -> Act {
    let condition = |node: Node<'_>| {
        node.child_by_field_name("condition").map(|condition| expression(reader, condition, depth + 1))
    };
    let mut branches = vec![(condition(node), block(reader, node, "consequence", depth))];
    for other in fields(node, "alternative") {
        match other.kind() {
            "elif_clause" => branches.push((condition(other), block(reader, other, "consequence", depth))),
            _ => branches.push((None, block(reader, other, "body", depth))),
        }
    }
    Act::If(branches)
}

/// `match` as branches: a case that is one text is a comparison, anything else is only kept in place.
fn matched(reader: &Lowering<'_>, node: Node<'_>, depth: usize) -> Act {
    let Some(subject) = node.child_by_field_name("subject").map(|subject| expression(reader, subject, depth + 1))
    else {
        return Act::Other;
    };
    let mut branches = Vec::new();
    for case in node.child_by_field_name("body").map(parts).unwrap_or_default() {
        let pattern = parts(case).into_iter().find(|part| part.kind() == "case_pattern");
        let body = block(reader, case, "consequence", depth);
        let text = pattern.map(|pattern| reader.text(pattern).trim()).unwrap_or_default();
        let condition = match pattern {
            Some(_) if text == "_" => None,
            Some(pattern) => {
                let value = parts(pattern)
                    .first()
                    .map_or_else(|| reader.other(pattern), |value| expression(reader, *value, depth + 1));
                let at = reader.place(pattern);
                Some(Expr { at, form: Form::Operation("==".to_owned(), vec![subject.clone(), value]) })
            }
            None => None,
        };
        branches.push((condition, body));
    }
    Act::If(branches)
}

fn decorated(reader: &Lowering<'_>, node: Node<'_>, depth: usize) -> Act {
    let decorators: Vec<Expr> = parts(node)
        .into_iter()
        .filter(|part| part.kind() == "decorator")
        .filter_map(|part| parts(part).first().map(|inner| expression(reader, *inner, depth + 1)))
        .collect();
    match node.child_by_field_name("definition") {
        Some(inner) if inner.kind() == "function_definition" => {
            Act::Define(Box::new(function(reader, inner, decorators, depth)))
        }
        Some(inner) => Act::Class(class(reader, inner, depth)),
        None => Act::Other,
    }
}

fn whole_modules(reader: &Lowering<'_>, node: Node<'_>) -> Vec<Import> {
    fields(node, "name")
        .into_iter()
        .map(|name| {
            let (module, alias) = match name.kind() {
                "aliased_import" => (reader.field_text(name, "name"), reader.field_text(name, "alias")),
                _ => {
                    let module = reader.text(name).to_owned();
                    let first = module.split('.').next().unwrap_or_default().to_owned();
                    (module, first)
                }
            };
            let alone = format!("import {}", reader.text(name));
            Import { module, name: None, alias, alone }
        })
        .collect()
}

fn names(reader: &Lowering<'_>, node: Node<'_>) -> Vec<Import> {
    let module = reader.field_text(node, "module_name");
    fields(node, "name")
        .into_iter()
        .map(|entry| {
            let (name, alias) = match entry.kind() {
                "aliased_import" => (reader.field_text(entry, "name"), reader.field_text(entry, "alias")),
                _ => (reader.text(entry).to_owned(), reader.text(entry).to_owned()),
            };
            let alone = format!("from {module} import {}", reader.text(entry));
            Import { module: module.clone(), name: Some(name), alias, alone }
        })
        .collect()
}

fn function(reader: &Lowering<'_>, node: Node<'_>, decorators: Vec<Expr>, depth: usize) -> Function {
    let body = node.child_by_field_name("body");
    let mut inside = body.map(|body| statements(reader, body, depth + 1)).unwrap_or_default();
    let mut body_at = body.map(|body| reader.place(body)).unwrap_or_default();
    let docstring = match inside.first() {
        Some(Statement { act: Act::Value(value), .. }) => value.as_plain().map(|text| clean(&text)),
        _ => None,
    };
    if docstring.is_some() {
        inside.remove(0);
        match inside.first() {
            Some(next) => body_at = Place { line: next.at.line, start: next.at.start, ..body_at },
            None => body_at = Place { start: body_at.end, ..body_at },
        }
    }
    Function {
        name: reader.field_text(node, "name"),
        at: reader.place(node),
        is_async: reader.text(node).starts_with("async"),
        parameters: node
            .child_by_field_name("parameters")
            .map(|list| parameters(reader, list, depth))
            .unwrap_or_default(),
        returns: node.child_by_field_name("return_type").map(|kind| annotation(reader, kind, depth)),
        docstring,
        body: inside,
        body_at,
        is_expression: false,
        decorators,
    }
}

fn parameters(reader: &Lowering<'_>, node: Node<'_>, depth: usize) -> Vec<Parameter> {
    let mut found = Vec::new();
    for part in parts(node) {
        let kind = part.child_by_field_name("type").map(|kind| annotation(reader, kind, depth));
        let default = part.child_by_field_name("value").map(|value| expression(reader, value, depth + 1));
        let name = match part.kind() {
            "identifier" | "list_splat_pattern" | "dictionary_splat_pattern" => reader.text(part).to_owned(),
            "typed_parameter" => parts(part).first().map(|name| reader.text(*name)).unwrap_or_default().to_owned(),
            "default_parameter" | "typed_default_parameter" => reader.field_text(part, "name"),
            _ => continue,
        };
        found.push(Parameter { name, kind, default });
    }
    found
}

fn class(reader: &Lowering<'_>, node: Node<'_>, depth: usize) -> Class {
    let mut fields = Vec::new();
    let mut docstring = None;
    for (index, part) in node.child_by_field_name("body").map(parts).unwrap_or_default().into_iter().enumerate() {
        let Some(inner) =
            (part.kind() == "expression_statement").then(|| parts(part)).and_then(|inner| inner.first().copied())
        else {
            continue;
        };
        match inner.kind() {
            "assignment" => fields.push(Parameter {
                name: reader.field_text(inner, "left"),
                kind: inner.child_by_field_name("type").map(|kind| annotation(reader, kind, depth)),
                default: inner.child_by_field_name("right").map(|value| expression(reader, value, depth + 1)),
            }),
            "string" if index == 0 => {
                docstring = expression(reader, inner, depth + 1).as_plain().map(|text| clean(&text))
            }
            _ => {}
        }
    }
    Class {
        name: reader.field_text(node, "name"),
        at: reader.place(node),
        bases: node
            .child_by_field_name("superclasses")
            .map(|list| parts(list).into_iter().map(|base| expression(reader, base, depth + 1)).collect())
            .unwrap_or_default(),
        fields,
        docstring,
        body: block(reader, node, "body", depth),
    }
}

/// A type, in whichever of the grammar's forms, as an expression: `list[str]`, `str | None`.
fn annotation(reader: &Lowering<'_>, node: Node<'_>, depth: usize) -> Expr {
    if depth > DEEPEST {
        return reader.other(node);
    }
    let at = reader.place(node);
    match node.kind() {
        "type" => match parts(node).first() {
            Some(inner) => annotation(reader, *inner, depth + 1),
            None => reader.other(node),
        },
        "generic_type" => {
            let parts = parts(node);
            let [base, arguments] = parts.as_slice() else { return reader.other(node) };
            let arguments: Vec<Expr> =
                super::parts(*arguments).into_iter().map(|part| annotation(reader, part, depth + 1)).collect();
            let list = Expr { at: reader.place(node), form: Form::List(arguments) };
            Expr { at, form: Form::Index(Box::new(expression(reader, *base, depth + 1)), Box::new(list)) }
        }
        "union_type" => {
            let kinds = parts(node).into_iter().map(|part| annotation(reader, part, depth + 1)).collect();
            Expr { at, form: Form::Operation("|".to_owned(), kinds) }
        }
        _ => expression(reader, node, depth + 1),
    }
}

pub(super) fn expression(reader: &Lowering<'_>, node: Node<'_>, depth: usize) -> Expr {
    if depth > DEEPEST {
        return reader.other(node);
    }
    let inner = |node: Node<'_>| expression(reader, node, depth + 1);
    let field = |name: &str| node.child_by_field_name(name).map_or_else(|| reader.other(node), inner);
    let form = match node.kind() {
        "string" => Form::Text(pieces(reader, node, depth)),
        "concatenated_string" => {
            Form::Text(parts(node).into_iter().flat_map(|part| pieces(reader, part, depth)).collect())
        }
        "integer" | "float" => number(reader.text(node)).map_or(Form::Other, Form::Number),
        "true" => Form::Flag(true),
        "false" => Form::Flag(false),
        "none" => Form::Nothing,
        "list" | "tuple" | "set" | "expression_list" | "pattern_list" | "tuple_pattern" => {
            Form::List(parts(node).into_iter().map(inner).collect())
        }
        "dictionary" => Form::Map(
            parts(node)
                .into_iter()
                .map(|part| match (part.child_by_field_name("key"), part.child_by_field_name("value")) {
                    (Some(key), Some(value)) => (inner(key), Some(inner(value))),
                    _ => (parts(part).first().map_or_else(|| reader.other(part), |spread| inner(*spread)), None),
                })
                .collect(),
        ),
        "identifier" => Form::Name(reader.text(node).to_owned()),
        "attribute" => Form::Member(Box::new(field("object")), reader.field_text(node, "attribute")),
        "subscript" => {
            let keys: Vec<Expr> = fields(node, "subscript").into_iter().map(inner).collect();
            let key = match <[Expr; 1]>::try_from(keys) {
                Ok([key]) => key,
                Err(keys) => Expr { at: reader.place(node), form: Form::List(keys) },
            };
            Form::Index(Box::new(field("value")), Box::new(key))
        }
        "call" => Form::Call(Box::new(Call { callee: field("function"), arguments: arguments(reader, node, depth) })),
        "parenthesized_expression" | "await" => match parts(node).first() {
            Some(only) => return inner(*only),
            None => Form::Other,
        },
        "named_expression" => return field("value"),
        "binary_operator" => Form::Operation(reader.field_text(node, "operator"), vec![field("left"), field("right")]),
        "boolean_operator" => Form::Operation(reader.field_text(node, "operator"), vec![field("left"), field("right")]),
        "unary_operator" => Form::Operation(reader.field_text(node, "operator"), vec![field("argument")]),
        "not_operator" => Form::Operation("not".to_owned(), vec![field("argument")]),
        "comparison_operator" => {
            let operators: Vec<String> =
                fields_of_any(node, "operators").into_iter().map(|part| reader.text(part).to_owned()).collect();
            Form::Operation(operators.join(" "), parts(node).into_iter().map(inner).collect())
        }
        "lambda" => Form::Function(Box::new(lambda(reader, node, depth))),
        _ => Form::Other,
    };
    Expr { at: reader.place(node), form }
}

fn fields_of_any<'t>(node: Node<'t>, field: &str) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    node.children_by_field_name(field, &mut cursor).collect()
}

fn lambda(reader: &Lowering<'_>, node: Node<'_>, depth: usize) -> Function {
    let value = node.child_by_field_name("body").map(|body| expression(reader, body, depth + 1));
    let at = reader.place(node);
    Function {
        name: String::new(),
        at,
        is_async: false,
        parameters: node
            .child_by_field_name("parameters")
            .map(|list| parameters(reader, list, depth))
            .unwrap_or_default(),
        returns: None,
        docstring: None,
        body_at: value.as_ref().map_or(at, |value| value.at),
        body: value.map(|value| Statement { at: value.at, act: Act::Return(Some(value)) }).into_iter().collect(),
        is_expression: true,
        decorators: Vec::new(),
    }
}

fn arguments(reader: &Lowering<'_>, node: Node<'_>, depth: usize) -> Vec<(Option<String>, Expr)> {
    let Some(list) = node.child_by_field_name("arguments") else { return Vec::new() };
    if list.kind() != "argument_list" {
        return vec![(None, reader.other(list))];
    }
    parts(list)
        .into_iter()
        .map(|part| match part.kind() {
            "keyword_argument" => {
                let value = part.child_by_field_name("value");
                let value = value.map_or_else(|| reader.other(part), |value| expression(reader, value, depth + 1));
                (Some(reader.field_text(part, "name")), value)
            }
            "dictionary_splat" => (Some("**".to_owned()), reader.other(part)),
            _ => (None, expression(reader, part, depth + 1)),
        })
        .collect()
}

/// A string's text and the values in it.
fn pieces(reader: &Lowering<'_>, node: Node<'_>, depth: usize) -> Vec<Piece> {
    if depth > DEEPEST {
        return vec![Piece::Value(reader.other(node))];
    }
    let mut found = Vec::new();
    let mut is_raw = false;
    let mut is_formatted = false;
    for part in parts(node) {
        match part.kind() {
            "string_start" => {
                let start = reader.text(part).to_ascii_lowercase();
                is_raw = start.contains('r');
                is_formatted = start.contains('f');
            }
            "string_content" => {
                let text = reader.text(part);
                let text = if is_raw { text.to_owned() } else { unescaped(text) };
                // Doubled braces are one brace in a formatted string, and a `{{` of a plain one is two.
                let text = if is_formatted { text.replace("{{", "{").replace("}}", "}") } else { text };
                found.push(Piece::Plain(text));
            }
            "interpolation" => {
                let value = part.child_by_field_name("expression");
                let value = value.map_or_else(|| reader.other(part), |value| expression(reader, value, depth + 1));
                found.push(Piece::Value(value));
            }
            _ => {}
        }
    }
    found
}

/// Python 3.14, "String and Bytes literals", table of escape sequences.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            plain.push(letter);
            continue;
        }
        let Some(next) = letters.next() else { break };
        let mut code = |length: usize| {
            let digits: String = letters.clone().take(length).collect();
            let found =
                u32::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == length).and_then(char::from_u32);
            if found.is_some() {
                letters.nth(length - 1);
            }
            found
        };
        match next {
            '\n' => {}
            'n' => plain.push('\n'),
            't' => plain.push('\t'),
            'r' => plain.push('\r'),
            '\\' | '\'' | '"' => plain.push(next),
            'x' => push_or_keep(&mut plain, code(2), "\\x"),
            'u' => push_or_keep(&mut plain, code(4), "\\u"),
            'U' => push_or_keep(&mut plain, code(8), "\\U"),
            other => plain.extend(['\\', other]),
        }
    }
    plain
}

fn push_or_keep(text: &mut String, code: Option<char>, otherwise: &str) {
    match code {
        Some(letter) => text.push(letter),
        None => text.push_str(otherwise),
    }
}

/// A docstring without its indentation (PEP 257, "Handling Docstring Indentation").
pub(super) fn clean(text: &str) -> String {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default().trim();
    let rest: Vec<&str> = lines.collect();
    let margin = rest
        .iter()
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.len() - line.trim_start().len())
        .min()
        .unwrap_or(0);
    let mut cleaned = vec![first];
    cleaned.extend(rest.iter().map(|line| line.get(margin..).unwrap_or_default().trim_end()));
    cleaned.join("\n").trim().to_owned()
}
