//! TypeScript's and JavaScript's tree as ours.

use tree_sitter::Node;

use super::{
    Act, Call, Class, DEEPEST, Expr, Form, Function, Import, Lowering, Parameter, Piece, Statement, number, parts,
};

pub(super) fn statements(reader: &Lowering<'_>, node: Node<'_>, depth: usize) -> Vec<Statement> {
    if depth > DEEPEST {
        return Vec::new();
    }
    let mut found = Vec::new();
    for part in parts(node) {
        statement(reader, part, depth, &mut found);
    }
    found
}

/// The statements of a block, or the one that stands in its place.
fn body(reader: &Lowering<'_>, node: Option<Node<'_>>, depth: usize) -> Vec<Statement> {
    let Some(node) = node.filter(|_| depth <= DEEPEST) else { return Vec::new() };
    match node.kind() {
        "statement_block" => statements(reader, node, depth + 1),
        "else_clause" => body(reader, parts(node).first().copied(), depth + 1),
        _ => {
            let mut found = Vec::new();
            statement(reader, node, depth + 1, &mut found);
            found
        }
    }
}

fn statement(reader: &Lowering<'_>, node: Node<'_>, depth: usize, into: &mut Vec<Statement>) {
    if depth > DEEPEST {
        return;
    }
    let field = |name: &str| node.child_by_field_name(name);
    let value = |name: &str| field(name).map(|value| expression(reader, value, depth + 1));
    let act = match node.kind() {
        "export_statement" => match (field("declaration"), field("value")) {
            (Some(inner), _) => return statement(reader, inner, depth + 1, into),
            (None, Some(inner)) => Act::Set {
                target: Expr { at: reader.place(inner), form: Form::Name("default".to_owned()) },
                value: expression(reader, inner, depth + 1),
            },
            (None, None) => Act::Import(exported(reader, node)),
        },
        "lexical_declaration" | "variable_declaration" => {
            for declarator in parts(node) {
                let (Some(name), Some(value)) =
                    (declarator.child_by_field_name("name"), declarator.child_by_field_name("value"))
                else {
                    continue;
                };
                let act = Act::Set {
                    target: expression(reader, name, depth + 1),
                    value: expression(reader, value, depth + 1),
                };
                // The place is the whole statement's, so that it can be taken over as it stands.
                into.push(Statement { at: reader.place(node), act });
            }
            return;
        }
        "function_declaration" | "generator_function_declaration" => {
            Act::Define(Box::new(function(reader, node, depth)))
        }
        "class_declaration"
        | "abstract_class_declaration"
        | "interface_declaration"
        | "type_alias_declaration"
        | "enum_declaration" => Act::Class(Class {
            name: reader.field_text(node, "name"),
            at: reader.place(node),
            bases: Vec::new(),
            fields: Vec::new(),
            docstring: None,
            body: methods(reader, node, depth),
        }),
        "import_statement" => Act::Import(imports(reader, node)),
        "expression_statement" => match parts(node).first() {
            Some(only) if only.kind() == "assignment_expression" => {
                let side = |name: &str| {
                    only.child_by_field_name(name)
                        .map_or_else(|| reader.other(*only), |side| expression(reader, side, depth + 1))
                };
                Act::Set { target: side("left"), value: side("right") }
            }
            Some(only) => Act::Value(expression(reader, *only, depth + 1)),
            None => Act::Other,
        },
        "if_statement" => conditional(reader, node, depth),
        "switch_statement" => switched(reader, node, depth),
        "while_statement" | "do_statement" => {
            Act::Loop { over: value("condition"), body: body(reader, field("body"), depth) }
        }
        "for_statement" => Act::Loop { over: None, body: body(reader, field("body"), depth) },
        "for_in_statement" => Act::Loop { over: value("right"), body: body(reader, field("body"), depth) },
        "try_statement" => {
            let mut inside = body(reader, field("body"), depth);
            let last = field("finalizer").and_then(|last| last.child_by_field_name("body"));
            inside.extend(body(reader, last, depth));
            Act::Block(inside)
        }
        "statement_block" => Act::Block(statements(reader, node, depth + 1)),
        "return_statement" => Act::Return(parts(node).first().map(|value| expression(reader, *value, depth + 1))),
        "break_statement" => Act::Break,
        "empty_statement" => return,
        _ => Act::Other,
    };
    into.push(Statement { at: reader.place(node), act });
}

fn methods(reader: &Lowering<'_>, class: Node<'_>, depth: usize) -> Vec<Statement> {
    let inside = class.child_by_field_name("body").map(parts).unwrap_or_default();
    inside
        .into_iter()
        .filter(|part| part.kind() == "method_definition")
        .map(|part| Statement { at: reader.place(part), act: Act::Define(Box::new(function(reader, part, depth + 1))) })
        .collect()
}

fn conditional(reader: &Lowering<'_>, node: Node<'_>, depth: usize) -> Act {
    let mut branches = Vec::new();
    let mut next = Some(node);
    while let Some(node) = next.take() {
        let condition = node.child_by_field_name("condition").map(|condition| expression(reader, condition, depth + 1));
        branches.push((condition, body(reader, node.child_by_field_name("consequence"), depth)));
        match node.child_by_field_name("alternative").and_then(|other| parts(other).first().copied()) {
            Some(other) if other.kind() == "if_statement" => next = Some(other),
            Some(other) => branches.push((None, body(reader, Some(other), depth))),
            None => {}
        }
    }
    Act::If(branches)
}

/// `switch` as branches that compare; a case that falls through into the next is one branch with it.
fn switched(reader: &Lowering<'_>, node: Node<'_>, depth: usize) -> Act {
    let Some(subject) = node.child_by_field_name("value").map(|subject| expression(reader, subject, depth + 1)) else {
        return Act::Other;
    };
    let mut branches = Vec::new();
    for case in node.child_by_field_name("body").map(parts).unwrap_or_default() {
        let condition = case.child_by_field_name("value").map(|value| {
            let value = expression(reader, value, depth + 1);
            Expr { at: value.at, form: Form::Operation("==".to_owned(), vec![subject.clone(), value]) }
        });
        let mut inside: Vec<Statement> = Vec::new();
        for part in super::fields(case, "body") {
            statement(reader, part, depth + 1, &mut inside);
        }
        // The end of a case is no end of a loop around it.
        inside.retain(|statement| !matches!(statement.act, Act::Break));
        for statement in &mut inside {
            if let Act::Block(inner) = &mut statement.act {
                inner.retain(|statement| !matches!(statement.act, Act::Break));
            }
        }
        branches.push((condition, inside));
    }
    Act::If(branches)
}

fn imports(reader: &Lowering<'_>, node: Node<'_>) -> Vec<Import> {
    let Some(source) = node.child_by_field_name("source") else { return Vec::new() };
    let module = string(reader, source);
    let quoted = reader.text(source);
    let mut found = Vec::new();
    for clause in parts(node).into_iter().filter(|part| part.kind() == "import_clause") {
        for part in parts(clause) {
            let text = reader.text(part);
            match part.kind() {
                "identifier" => found.push(Import {
                    module: module.clone(),
                    name: Some("default".to_owned()),
                    alias: text.to_owned(),
                    alone: format!("const {{ default: {text} }} = await import({quoted});"),
                }),
                "namespace_import" => {
                    let alias = parts(part).first().map(|name| reader.text(*name)).unwrap_or_default();
                    found.push(Import {
                        module: module.clone(),
                        name: None,
                        alias: alias.to_owned(),
                        alone: format!("const {alias} = await import({quoted});"),
                    });
                }
                _ => {
                    for entry in parts(part) {
                        let name = reader.field_text(entry, "name");
                        let alias = reader.field_text(entry, "alias");
                        let alone = match alias.as_str() {
                            "" => format!("const {{ {name} }} = await import({quoted});"),
                            alias => format!("const {{ {name}: {alias} }} = await import({quoted});"),
                        };
                        let alias = if alias.is_empty() { name.clone() } else { alias };
                        found.push(Import { module: module.clone(), name: Some(name), alias, alone });
                    }
                }
            }
        }
    }
    found
}

/// `export { a as b } from "./c"`: names that pass through.
fn exported(reader: &Lowering<'_>, node: Node<'_>) -> Vec<Import> {
    let Some(source) = node.child_by_field_name("source") else { return Vec::new() };
    let module = string(reader, source);
    let mut found = Vec::new();
    for clause in parts(node).into_iter().filter(|part| part.kind() == "export_clause") {
        for entry in parts(clause) {
            let name = reader.field_text(entry, "name");
            let alias = reader.field_text(entry, "alias");
            let alias = if alias.is_empty() { name.clone() } else { alias };
            found.push(Import { module: module.clone(), name: Some(name), alias, alone: String::new() });
        }
    }
    found
}

fn function(reader: &Lowering<'_>, node: Node<'_>, depth: usize) -> Function {
    let at = reader.place(node);
    let inner = node.child_by_field_name("body");
    let is_block = inner.is_some_and(|inner| inner.kind() == "statement_block");
    let statements = match inner {
        Some(inner) if is_block => statements(reader, inner, depth + 1),
        Some(inner) => {
            let value = expression(reader, inner, depth + 1);
            vec![Statement { at: value.at, act: Act::Return(Some(value)) }]
        }
        None => Vec::new(),
    };
    let mut body_at = inner.map_or(at, |inner| reader.place(inner));
    if is_block {
        // Within the braces.
        body_at.start += 1;
        body_at.end = body_at.end.saturating_sub(1).max(body_at.start);
    }
    let parameters = match (node.child_by_field_name("parameters"), node.child_by_field_name("parameter")) {
        (Some(list), _) => parts(list).into_iter().map(|part| parameter(reader, part, depth)).collect(),
        (None, Some(only)) => vec![Parameter { name: reader.text(only).to_owned(), kind: None, default: None }],
        (None, None) => Vec::new(),
    };
    Function {
        name: reader.field_text(node, "name"),
        at,
        is_async: reader.text(node).starts_with("async"),
        parameters,
        returns: node
            .child_by_field_name("return_type")
            .and_then(|kind| parts(kind).first().copied())
            .map(|kind| reader.other(kind)),
        docstring: None,
        body: statements,
        body_at,
        is_expression: !is_block,
        decorators: Vec::new(),
    }
}

fn parameter(reader: &Lowering<'_>, node: Node<'_>, depth: usize) -> Parameter {
    Parameter {
        name: reader.field_text(node, "pattern"),
        kind: node
            .child_by_field_name("type")
            .and_then(|kind| parts(kind).first().copied())
            .map(|kind| reader.other(kind)),
        default: node.child_by_field_name("value").map(|value| expression(reader, value, depth + 1)),
    }
}

fn expression(reader: &Lowering<'_>, node: Node<'_>, depth: usize) -> Expr {
    if depth > DEEPEST {
        return reader.other(node);
    }
    let inner = |node: Node<'_>| expression(reader, node, depth + 1);
    let field = |name: &str| node.child_by_field_name(name).map_or_else(|| reader.other(node), inner);
    let form = match node.kind() {
        "string" => Form::Text(vec![Piece::Plain(string(reader, node))]),
        "template_string" => Form::Text(template(reader, node, depth)),
        "number" => number(reader.text(node)).map_or(Form::Other, Form::Number),
        "true" => Form::Flag(true),
        "false" => Form::Flag(false),
        "null" | "undefined" => Form::Nothing,
        "array" => Form::List(parts(node).into_iter().map(inner).collect()),
        "object" => Form::Map(parts(node).into_iter().map(|part| entry(reader, part, depth)).collect()),
        "identifier" | "property_identifier" | "type_identifier" | "shorthand_property_identifier" => {
            Form::Name(reader.text(node).to_owned())
        }
        "member_expression" => Form::Member(Box::new(field("object")), reader.field_text(node, "property")),
        "subscript_expression" => Form::Index(Box::new(field("object")), Box::new(field("index"))),
        "call_expression" => {
            let arguments = match node.child_by_field_name("arguments") {
                Some(list) if list.kind() == "arguments" => {
                    parts(list).into_iter().map(|part| (None, inner(part))).collect()
                }
                // A template with a function before it.
                Some(template) => vec![(None, inner(template))],
                None => Vec::new(),
            };
            Form::Call(Box::new(Call { callee: field("function"), arguments }))
        }
        "new_expression" => {
            let arguments = node.child_by_field_name("arguments").map(parts).unwrap_or_default();
            let arguments = arguments.into_iter().map(|part| (None, inner(part))).collect();
            Form::Call(Box::new(Call { callee: field("constructor"), arguments }))
        }
        "parenthesized_expression"
        | "await_expression"
        | "non_null_expression"
        | "as_expression"
        | "satisfies_expression" => match parts(node).first() {
            Some(only) => return inner(*only),
            None => Form::Other,
        },
        "binary_expression" => {
            Form::Operation(reader.field_text(node, "operator"), vec![field("left"), field("right")])
        }
        "unary_expression" => Form::Operation(reader.field_text(node, "operator"), vec![field("argument")]),
        "arrow_function" | "function_expression" | "method_definition" => {
            Form::Function(Box::new(function(reader, node, depth)))
        }
        _ => Form::Other,
    };
    Expr { at: reader.place(node), form }
}

fn entry(reader: &Lowering<'_>, node: Node<'_>, depth: usize) -> (Expr, Option<Expr>) {
    let named = |node: Node<'_>| {
        let text = match node.kind() {
            "string" => string(reader, node),
            _ => reader.text(node).to_owned(),
        };
        Expr { at: reader.place(node), form: Form::Text(vec![Piece::Plain(text)]) }
    };
    match node.kind() {
        "pair" => match (node.child_by_field_name("key"), node.child_by_field_name("value")) {
            (Some(key), Some(value)) => (named(key), Some(expression(reader, value, depth + 1))),
            _ => (reader.other(node), None),
        },
        "shorthand_property_identifier" => (named(node), Some(expression(reader, node, depth + 1))),
        "method_definition" => {
            let key = node.child_by_field_name("name").map_or_else(|| reader.other(node), named);
            (key, Some(expression(reader, node, depth + 1)))
        }
        "spread_element" => {
            let spread = parts(node).first().map(|spread| expression(reader, *spread, depth + 1));
            (spread.unwrap_or_else(|| reader.other(node)), None)
        }
        _ => (reader.other(node), None),
    }
}

fn string(reader: &Lowering<'_>, node: Node<'_>) -> String {
    parts(node)
        .into_iter()
        .map(|part| match part.kind() {
            "escape_sequence" => unescaped(reader.text(part)),
            _ => reader.text(part).to_owned(),
        })
        .collect()
}

fn template(reader: &Lowering<'_>, node: Node<'_>, depth: usize) -> Vec<Piece> {
    parts(node)
        .into_iter()
        .map(|part| match part.kind() {
            "template_substitution" => {
                let value = parts(part).first().map(|value| expression(reader, *value, depth + 1));
                Piece::Value(value.unwrap_or_else(|| reader.other(part)))
            }
            "escape_sequence" => Piece::Plain(unescaped(reader.text(part))),
            _ => Piece::Plain(reader.text(part).to_owned()),
        })
        .collect()
}

/// ECMAScript 2026, 12.9.4: escape sequences, one at a time.
fn unescaped(sequence: &str) -> String {
    let rest = sequence.strip_prefix('\\').unwrap_or(sequence);
    let code = |digits: &str| u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
    let letter = match rest.chars().next() {
        Some('n') => Some('\n'),
        Some('t') => Some('\t'),
        Some('r') => Some('\r'),
        Some('b') => Some('\u{8}'),
        Some('f') => Some('\u{c}'),
        Some('v') => Some('\u{b}'),
        Some('0') if rest.len() == 1 => Some('\0'),
        Some('\n') => return String::new(),
        Some('x' | 'u') => code(rest[1..].trim_start_matches('{').trim_end_matches('}')),
        other => other,
    };
    letter.map(String::from).unwrap_or_else(|| sequence.to_owned())
}
