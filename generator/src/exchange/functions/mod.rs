//! Functions of somebody's project as tools: what they take from their annotations, what they do from their
//! body, and with it what the body needs of the file around it.
//!
//! A tool's body stands alone in a spec, so imports, constants, functions and classes that it uses come
//! before it. What cannot come along is said.

mod carry;
mod python;
mod zod;

use gantry_domain::spec::{Effect, ToolSource};
use serde_json::Value;

use super::code::{Code, Expr, Function, Statement};
use super::draft::Draft;

pub(super) use python::{class_schema, docstring_of};
pub(super) use zod::schema as zod_schema;

/// How a function is offered to a model, where that differs from what it says of itself.
#[derive(Default)]
pub(super) struct Offer {
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
    pub(super) parameters: Option<Value>,
}

/// Adds a Python function as a tool; gives its id.
pub(super) fn python_tool(code: &Code, function: &Function, offer: Offer, draft: &mut Draft) -> String {
    let at = code.line(function.at);
    let (summary, described) = docstring_of(function.docstring.as_deref().unwrap_or_default());
    let signature = python::signature(code, function, &described, draft);
    let name = offer.name.unwrap_or_else(|| function.name.clone());
    let body = if has_no_body(&function.body) {
        draft.warn(
            "tool_without_body",
            &at,
            format!("{name} does nothing there: write its function before it is called"),
        );
        format!("raise NotImplementedError(\"write what {} does\")", function.name)
    } else {
        carry::python_body(code, function, &signature, &name, draft)
    };
    let description = offer.description.unwrap_or(summary);
    let parameters = offer.parameters.unwrap_or(signature.parameters);
    say_effect(draft);
    draft.tool(&name, &description, parameters, Effect::Exec, ToolSource::Python { body })
}

/// Adds a TypeScript function as a tool; gives its id.
pub(super) fn typescript_tool(
    code: &Code,
    function: &Function,
    name: &str,
    description: &str,
    parameters: Value,
    draft: &mut Draft,
) -> String {
    let body = if has_no_body(&function.body) {
        let at = code.line(function.at);
        draft.warn(
            "tool_without_body",
            at,
            format!("{name} does nothing there: write its function before it is called"),
        );
        format!("throw new Error({});", Value::from(format!("write what {name} does")))
    } else {
        carry::typescript_body(code, function, &parameters, name, draft)
    };
    say_effect(draft);
    draft.tool(name, description, parameters, Effect::Exec, ToolSource::Typescript { body })
}

fn say_effect(draft: &mut Draft) {
    draft.note(
        "effect_assumed",
        "/tools",
        "what a function does to the world cannot be read from its code: each is taken to run a program, \
         so that it is asked before; say read or network where that is true",
    );
}

/// Whether there is nothing but `pass`, `...` or a comment.
fn has_no_body(body: &[Statement]) -> bool {
    use super::code::Act;
    body.iter().all(|statement| match &statement.act {
        Act::Other => statement.at.end - statement.at.start <= "pass".len(),
        Act::Value(value) => matches!(value.form, super::code::Form::Other) && value.at.end - value.at.start == 3,
        _ => false,
    })
}

/// The types that frameworks pass to a tool beside its arguments.
fn is_context(kind: &Expr) -> bool {
    const CONTEXTS: [&str; 6] =
        ["RunContextWrapper", "RunContext", "ToolContext", "AgentHookContext", "CancellationToken", "MessageContext"];
    kind.last_name().is_some_and(|name| CONTEXTS.contains(&name))
}
