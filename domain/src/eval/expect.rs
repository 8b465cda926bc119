//! Whether a run did what its case expects.

use regex::RegexBuilder;
use serde_json::Value;

use super::case::{Expectation, ExpectedAnswer, ExpectedCall, Order};
use super::observe::{Observation, ObservedCall, ObservedEnd};
use super::{Check, quoted};
use crate::problem::FieldProblem;

/// What a compiled regular expression may take, in bytes: the expression is somebody's input.
const LARGEST_REGEX: usize = 1 << 20;
/// How many faults of an answer against its schema are told.
const MOST_FAULTS: usize = 3;

/// Holds what a run did against what was expected of it. The first check is whether it answered at all.
pub fn check(expect: &Expectation, seen: &Observation) -> Vec<Check> {
    let mut checks = vec![answered(seen)];
    let is_over = seen.end == ObservedEnd::Answered;
    checks.extend(calls(expect, seen));
    checks.extend(expect.not_tools.iter().map(|name| not_called(name, seen)));
    checks.extend(expect.steps.iter().map(|step| {
        let had = seen.steps.contains(step);
        let message = if had { format!("{step} had its turn.") } else { format!("{step} never had its turn.") };
        Check::decided(format!("step:{step}"), had, message)
    }));
    if let Some(output) = expect.output.as_ref().filter(|_| is_over) {
        checks.extend(answer(output, &seen.answer));
    }
    checks.extend(limits(expect, seen));
    checks
}

/// Whether a run came to an answer.
pub fn answered(seen: &Observation) -> Check {
    match &seen.end {
        ObservedEnd::Answered => Check::passed("answered", format!("It answered {}.", quoted(&seen.answer))),
        ObservedEnd::Failed(code, message) => Check::failed("answered", format!("The run failed ({code}): {message}")),
        ObservedEnd::Stopped => Check::failed("answered", "The run was stopped before it answered."),
    }
}

/// What of an expected answer cannot be used, with paths within it.
pub fn faults_of(output: &ExpectedAnswer) -> Vec<FieldProblem> {
    let mut found = Vec::new();
    if let Some(Err(error)) = output.regex.as_deref().map(regex) {
        found.push(FieldProblem::new("/regex", "case_regex_invalid", error));
    }
    if let Some(Err(error)) = output.json_schema.as_ref().map(jsonschema::validator_for) {
        let message = format!("This is not a JSON Schema: {error}.");
        found.push(FieldProblem::new("/jsonSchema", "case_schema_invalid", message));
    }
    found
}

fn regex(pattern: &str) -> Result<regex::Regex, String> {
    RegexBuilder::new(pattern).size_limit(LARGEST_REGEX).build().map_err(|error| {
        let reason = error.to_string();
        let last = reason.lines().last().unwrap_or_default().trim().trim_start_matches("error: ").to_owned();
        format!("The regular expression cannot be used: {last}. It has no look-around and no back-references.")
    })
}

fn calls(expect: &Expectation, seen: &Observation) -> Vec<Check> {
    let mut used = vec![false; seen.calls.len()];
    let mut from = 0;
    let mut checks = Vec::new();
    for wanted in &expect.tools {
        let start = if expect.order == Order::Strict { from } else { 0 };
        let at = (start..seen.calls.len()).find(|at| !used[*at] && fits_call(wanted, &seen.calls[*at]));
        let id = format!("tool:{}", wanted.name);
        match at {
            Some(at) => {
                used[at] = true;
                from = at + 1;
                let message = format!("{} was called with {}.", wanted.name, quoted(&seen.calls[at].arguments));
                checks.push(Check::passed(id, message));
            }
            None => checks.push(Check::failed(id, why_missing(wanted, seen, expect.order))),
        }
    }
    checks
}

fn why_missing(wanted: &ExpectedCall, seen: &Observation, order: Order) -> String {
    let with = wanted.args.as_ref().map(|args| format!(" with {}", quoted(&args.to_string()))).unwrap_or_default();
    let others: Vec<String> = seen.calls_of(&wanted.name).map(|call| quoted(&call.arguments)).collect();
    if !others.is_empty() {
        let place = if order == Order::Strict { " at this place" } else { "" };
        return format!("Expected a call of {}{with}{place}; it was called with {}.", wanted.name, others.join(", "));
    }
    let names: Vec<&str> = seen.calls.iter().map(|call| call.name.as_str()).collect();
    let there =
        if names.is_empty() { "no tool was called".to_owned() } else { format!("called were: {}", names.join(", ")) };
    format!("Expected a call of {}{with}; {there}.", wanted.name)
}

fn fits_call(wanted: &ExpectedCall, call: &ObservedCall) -> bool {
    wanted.name == call.name && wanted.args.as_ref().is_none_or(|args| fits(args, &call.values()))
}

/// Whether what is wanted is there: objects may have more in them, numbers are compared by value.
fn fits(wanted: &Value, there: &Value) -> bool {
    match (wanted, there) {
        (Value::Object(wanted), Value::Object(there)) => {
            wanted.iter().all(|(key, value)| there.get(key).is_some_and(|other| fits(value, other)))
        }
        (Value::Array(wanted), Value::Array(there)) => {
            wanted.len() == there.len() && wanted.iter().zip(there).all(|(one, other)| fits(one, other))
        }
        (Value::Number(wanted), Value::Number(there)) => wanted == there || wanted.as_f64() == there.as_f64(),
        _ => wanted == there,
    }
}

fn not_called(name: &str, seen: &Observation) -> Check {
    let count = seen.calls_of(name).count();
    let message = match count {
        0 => format!("{name} was not called."),
        _ => format!("{name} must not be called, and was called {count} times."),
    };
    Check::decided(format!("notTool:{name}"), count == 0, message)
}

fn answer(wanted: &ExpectedAnswer, answer: &str) -> Vec<Check> {
    let mut checks = Vec::new();
    let said = quoted(answer);
    if let Some(text) = &wanted.contains {
        let has = answer.contains(text.as_str());
        let verb = if has { "has" } else { "does not have" };
        checks.push(Check::decided(
            "output.contains",
            has,
            format!("The answer {verb} {} in it: {said}.", quoted(text)),
        ));
    }
    if let Some(text) = &wanted.equals {
        let is = answer.trim() == text.trim();
        let message = if is {
            format!("The answer is {said}.")
        } else {
            format!("Expected the answer {}, got {said}.", quoted(text))
        };
        checks.push(Check::decided("output.equals", is, message));
    }
    if let Some(pattern) = &wanted.regex {
        checks.push(match regex(pattern) {
            Ok(regex) if regex.is_match(answer) => {
                Check::passed("output.regex", format!("{} is found in the answer.", quoted(pattern)))
            }
            Ok(_) => Check::failed("output.regex", format!("{} is not found in the answer {said}.", quoted(pattern))),
            Err(fault) => Check::failed("output.regex", fault),
        });
    }
    if let Some(schema) = &wanted.json_schema {
        checks.push(against_schema(schema, answer));
    }
    checks
}

fn against_schema(schema: &Value, answer: &str) -> Check {
    let id = "output.jsonSchema";
    let value: Value = match serde_json::from_str(super::case::unfenced(answer)) {
        Ok(value) => value,
        Err(error) => return Check::failed(id, format!("The answer is not JSON ({error}): {}.", quoted(answer))),
    };
    let validator = match jsonschema::validator_for(schema) {
        Ok(validator) => validator,
        Err(error) => return Check::failed(id, format!("The case's JSON Schema cannot be used: {error}.")),
    };
    let faults: Vec<String> = validator
        .iter_errors(&value)
        .take(MOST_FAULTS)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    if faults.is_empty() {
        Check::passed(id, "The answer is JSON that fits the schema.")
    } else {
        Check::failed(id, format!("The answer does not fit the schema: {}.", faults.join("; ")))
    }
}

fn limits(expect: &Expectation, seen: &Observation) -> Vec<Check> {
    let whole = |number: i64| u64::try_from(number).unwrap_or_default();
    let tokens = whole(seen.usage.input_tokens.saturating_add(seen.usage.output_tokens));
    let mut checks = Vec::new();
    let mut at_most = |id: &str, limit: Option<u64>, used: u64, what: &str| {
        if let Some(limit) = limit {
            let message = format!("It took {used} {what}; {limit} are allowed.");
            checks.push(Check::decided(id, used <= limit, message));
        }
    };
    at_most("maxSteps", expect.max_steps, whole(seen.usage.model_calls), "questions to a model");
    at_most("maxMs", expect.max_ms, whole(seen.duration_ms), "ms");
    if tokens > 0 || seen.usage.model_calls == 0 {
        at_most("maxTokens", expect.max_tokens, tokens, "tokens");
    } else if expect.max_tokens.is_some() {
        // A limit that nobody can measure is not kept.
        checks.push(Check::failed("maxTokens", "The model's endpoint does not say how many tokens it used."));
    }
    match (expect.max_cost_micros, seen.usage.cost_micros) {
        (None, _) => {}
        (Some(limit), Some(cost)) => {
            let message = format!("It cost {cost} millionths of a US dollar; {limit} are allowed.");
            checks.push(Check::decided("maxCostMicros", whole(cost) <= limit, message));
        }
        (Some(_), None) => checks.push(Check::failed(
            "maxCostMicros",
            "What it cost is not known: enter the model's prices with its provider.",
        )),
    }
    checks
}
