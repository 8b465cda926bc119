//! Conditions of code as conditions of a graph: what text an answer must have in it.

use gantry_domain::spec::Condition;

use super::{Act, Code, Expr, Form};

/// A condition as texts, one of which must be, or must not be, in an answer; none if it says something else.
pub(in crate::exchange) fn conditions(code: &Code, expr: &Expr) -> Option<Vec<Condition>> {
    let text = |expr: &Expr| {
        code.words(expr).filter(|words| words.open.is_empty() && !words.text.is_empty()).map(|words| words.text)
    };
    match &expr.form {
        Form::Operation(operator, sides) => match (operator.as_str(), sides.as_slice()) {
            ("==" | "===" | "is", [left, right]) => {
                text(right).or_else(|| text(left)).map(|text| vec![Condition::Contains(text)])
            }
            ("!=" | "!==" | "is not", [left, right]) => {
                text(right).or_else(|| text(left)).map(|text| vec![Condition::Lacks(text)])
            }
            ("in", [left, right]) => match text(left) {
                Some(text) => Some(vec![Condition::Contains(text)]),
                // One of several values.
                None => code.items(right).iter().map(|item| text(item).map(Condition::Contains)).collect(),
            },
            ("not in", [left, _]) => text(left).map(|text| vec![Condition::Lacks(text)]),
            ("or" | "||", [left, right]) => {
                let mut all = conditions(code, left)?;
                all.extend(conditions(code, right)?);
                Some(all)
            }
            ("not" | "!", [only]) => match conditions(code, only)?.as_slice() {
                [Condition::Contains(text)] => Some(vec![Condition::Lacks(text.clone())]),
                [Condition::Lacks(text)] => Some(vec![Condition::Contains(text.clone())]),
                _ => None,
            },
            _ => None,
        },
        Form::Call(call) => {
            let method = call.callee.last_name()?;
            matches!(method, "includes" | "startswith" | "startsWith" | "endswith" | "endsWith")
                .then(|| call.positional().next().and_then(text))
                .flatten()
                .map(|text| vec![Condition::Contains(text)])
        }
        // `lambda message: "APPROVE" in message.to_model_text()`
        Form::Function(function) => match function.body.as_slice() {
            [statement] => match &statement.act {
                Act::Return(Some(value)) => conditions(code, value),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}
