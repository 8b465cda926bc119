//! The cases of a project: what its agent is told, and what must come of it.
//!
//! They are a file of the project (`evals/cases.yaml` unless its spec says otherwise), so that they travel
//! with it: the generator writes them, people change them, and nothing else keeps a copy.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::problem::FieldProblem;
use crate::spec::{Spec, yaml};

/// How many cases a project may have.
pub const MOST_CASES: usize = 200;
/// How long what an agent is told may be, in bytes.
const LONGEST_INPUT: usize = 65_536;
/// How long a rubric, a regular expression or an expected text may be, in bytes.
const LONGEST_TEXT: usize = 8_192;

/// What stands at the top of the file.
const HEADER: &str = "\
# What a real model should get right. `expect` has what must be: `tools`, calls with these names and arguments;
# `steps`, agents or tasks that had their turn; `output`, what the answer has in it.
";

/// All cases of a project.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CaseSet {
    /// In the order in which they are run.
    pub cases: Vec<Case>,
}

/// One case.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Case {
    /// Unique among the cases: 1 to 100 letters, digits, `_`, `-` and `.`.
    pub id: String,
    /// What the agent is told.
    pub input: String,
    /// What must come of it.
    #[serde(default)]
    pub expect: Expectation,
    /// Free words to group cases by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

/// What must come of a case. Everything that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Expectation {
    /// Calls that must be there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<ExpectedCall>,
    /// Whether they must come in this order.
    #[serde(default, skip_serializing_if = "Order::is_any")]
    pub order: Order,
    /// Names of tools that must not be called.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_tools: Vec<String>,
    /// Agents or tasks that must have had their turn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<String>,
    /// What the answer must be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<ExpectedAnswer>,
    /// What a model is asked to judge the answer by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judge: Option<Rubric>,
    /// How often models may be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_steps: Option<u64>,
    /// Input and output tokens together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// Millionths of a US dollar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_cost_micros: Option<u64>,
    /// Milliseconds from the beginning of the run to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_ms: Option<u64>,
}

/// A call that must be there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExpectedCall {
    /// The tool's name.
    pub name: String,
    /// Arguments that it must have; it may have others besides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args: Option<Value>,
}

/// Whether expected calls must come in their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// They may come in any order, with others between them.
    #[default]
    Any,
    /// They come in this order, with others between them.
    Strict,
}

impl Order {
    fn is_any(&self) -> bool {
        *self == Self::Any
    }
}

/// What an answer must be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExpectedAnswer {
    /// It has this text in it, letter for letter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
    /// This regular expression is found in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regex: Option<String>,
    /// It is this text, but for blanks around it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equals: Option<String>,
    /// It is JSON that fits this JSON Schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json_schema: Option<Value>,
}

/// What a model is asked to judge an answer by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rubric {
    /// When the answer is good, in words.
    pub rubric: String,
}

impl CaseSet {
    /// The cases as the file that they are in.
    pub fn write(&self) -> String {
        write(&self.cases.iter().map(|case| serde_json::to_value(case).unwrap_or_default()).collect::<Vec<_>>())
    }

    /// Everything that is wrong with the cases; `spec` says what tools and steps there are.
    pub fn check(&self, spec: &Spec) -> Vec<FieldProblem> {
        let mut found = Vec::new();
        if self.cases.len() > MOST_CASES {
            let message = format!("Expected at most {MOST_CASES} cases, got {}.", self.cases.len());
            found.push(FieldProblem::new("/cases", "too_many_cases", message));
        }
        let mut ids = HashSet::new();
        for (index, case) in self.cases.iter().enumerate() {
            let at = |rest: &str| format!("/cases/{index}{rest}");
            if !is_id(&case.id) {
                let message = "Expected 1 to 100 letters, digits, _, - and . that begin with a letter or digit.";
                found.push(FieldProblem::new(at("/id"), "case_id_invalid", message));
            } else if !ids.insert(case.id.as_str()) {
                let message = format!("There is another case called {}: each needs an id of its own.", case.id);
                found.push(FieldProblem::new(at("/id"), "case_id_taken", message));
            }
            if case.input.trim().is_empty() || case.input.len() > LONGEST_INPUT {
                let message = format!("Expected something to say, 1 to {LONGEST_INPUT} bytes.");
                found.push(FieldProblem::new(at("/input"), "case_input_length", message));
            }
            check_expectation(&case.expect, spec, &at, &mut found);
        }
        found
    }
}

/// Writes cases as the file that they are in: what [`read`] reads.
pub fn write(cases: &[Value]) -> String {
    format!("{HEADER}{}", yaml::write_value(&json!({ "cases": cases })))
}

/// Reads the file of a project's cases.
///
/// # Errors
/// What is wrong with the text, with its line, or with the cases' form, with a JSON Pointer.
#[cfg(feature = "yaml")]
pub fn read(text: &str) -> Result<CaseSet, Vec<FieldProblem>> {
    let value = yaml::read_value(text)?;
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path: String = error
            .path()
            .iter()
            .filter_map(|segment| match segment {
                serde_path_to_error::Segment::Seq { index } => Some(format!("/{index}")),
                serde_path_to_error::Segment::Map { key } => Some(format!("/{key}")),
                _ => None,
            })
            .collect();
        vec![FieldProblem::new(path, "case_invalid", crate::problem::sentence(&error.into_inner().to_string()))]
    })
}

/// JSON as models like to give it, without the fence around it.
pub(super) fn unfenced(text: &str) -> &str {
    let text = text.trim();
    let Some(inner) = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```")) else { return text };
    inner.split_once('\n').map_or(inner, |(_, rest)| rest).trim()
}

fn check_expectation(expect: &Expectation, spec: &Spec, at: &impl Fn(&str) -> String, found: &mut Vec<FieldProblem>) {
    for (index, call) in expect.tools.iter().enumerate() {
        let path = at(&format!("/expect/tools/{index}"));
        check_tool(&call.name, spec, format!("{path}/name"), found);
        if call.args.as_ref().is_some_and(|args| !args.is_object()) {
            let message = "Expected an object with the arguments that the call must have.";
            found.push(FieldProblem::new(format!("{path}/args"), "case_arguments_invalid", message));
        }
    }
    for (index, name) in expect.not_tools.iter().enumerate() {
        check_tool(name, spec, at(&format!("/expect/notTools/{index}")), found);
    }
    for (index, step) in expect.steps.iter().enumerate() {
        let is_known =
            spec.agents.iter().any(|agent| agent.id == *step) || spec.tasks.iter().any(|task| task.id == *step);
        if !is_known {
            let message = format!("The spec has no agent or task called {step:?}.");
            found.push(FieldProblem::new(at(&format!("/expect/steps/{index}")), "case_step_unknown", message));
        }
    }
    let output = expect.output.as_ref();
    let texts = [
        ("/expect/output/contains", output.and_then(|output| output.contains.as_ref())),
        ("/expect/output/regex", output.and_then(|output| output.regex.as_ref())),
        ("/expect/output/equals", output.and_then(|output| output.equals.as_ref())),
        ("/expect/judge/rubric", expect.judge.as_ref().map(|judge| &judge.rubric)),
    ];
    for (place, text) in texts.into_iter().filter_map(|(place, text)| text.map(|text| (place, text))) {
        // An answer may have to be empty; that everything contains nothing says nothing.
        let may_be_empty = place.ends_with("/equals");
        if (text.trim().is_empty() && !may_be_empty) || text.len() > LONGEST_TEXT {
            let message = format!("Expected a text of 1 to {LONGEST_TEXT} bytes, or leave it out.");
            found.push(FieldProblem::new(at(place), "case_text_length", message));
        }
    }
    #[cfg(feature = "eval")]
    if let Some(output) = output {
        found.extend(super::expect::faults_of(output).into_iter().map(|mut fault| {
            fault.path = at(&format!("/expect/output{}", fault.path));
            fault
        }));
    }
}

fn check_tool(name: &str, spec: &Spec, path: String, found: &mut Vec<FieldProblem>) {
    let is_agent = name.strip_prefix("ask_").is_some_and(|id| spec.agents.iter().any(|agent| agent.id == id));
    if !is_agent && !spec.tools.iter().any(|tool| tool.id == name) {
        let names: Vec<&str> = spec.tools.iter().map(|tool| tool.id.as_str()).collect();
        let known = if names.is_empty() { "It has none.".to_owned() } else { format!("It has: {}.", names.join(", ")) };
        found.push(FieldProblem::new(
            path,
            "case_tool_unknown",
            format!("The spec has no tool called {name:?}. {known}"),
        ));
    }
}

fn is_id(id: &str) -> bool {
    (1..=100).contains(&id.len())
        && id.starts_with(|c: char| c.is_ascii_alphanumeric())
        && id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}
