//! The form of one case. What it cannot be is said by the server, which has the rules for regular expressions
//! and schemas; here is only what has to be read before it can be sent.

use gantry_domain::api::eval::ProjectCases;
use gantry_domain::eval::{Case, Expectation, ExpectedAnswer, ExpectedCall, Order, Rubric};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use serde_json::Value;

use super::cases::CaseList;
use crate::parts::{Button, ButtonKind, CheckField, ErrorLine, Submission, TextArea, TextField, use_toaster};

/// What is in the fields.
#[derive(Clone, Copy)]
struct Fields {
    id: RwSignal<String>,
    input: RwSignal<String>,
    contains: RwSignal<String>,
    regex: RwSignal<String>,
    equals: RwSignal<String>,
    schema: RwSignal<String>,
    calls: RwSignal<String>,
    in_order: RwSignal<bool>,
    not_called: RwSignal<String>,
    steps: RwSignal<String>,
    rubric: RwSignal<String>,
    max_steps: RwSignal<String>,
    max_tokens: RwSignal<String>,
    max_cost: RwSignal<String>,
    max_ms: RwSignal<String>,
}

impl Fields {
    fn of(case: &Case) -> Self {
        let expect = &case.expect;
        let output = expect.output.clone().unwrap_or_default();
        let text = |text: Option<String>| RwSignal::new(text.unwrap_or_default());
        let number = |number: Option<u64>| RwSignal::new(number.map(|number| number.to_string()).unwrap_or_default());
        let calls: Vec<String> = expect.tools.iter().map(call_line).collect();
        Self {
            id: RwSignal::new(case.id.clone()),
            input: RwSignal::new(case.input.clone()),
            contains: text(output.contains),
            regex: text(output.regex),
            equals: text(output.equals),
            schema: text(output.json_schema.and_then(|schema| serde_json::to_string_pretty(&schema).ok())),
            calls: RwSignal::new(calls.join("\n")),
            in_order: RwSignal::new(expect.order == Order::Strict),
            not_called: RwSignal::new(expect.not_tools.join(", ")),
            steps: RwSignal::new(expect.steps.join(", ")),
            rubric: text(expect.judge.as_ref().map(|judge| judge.rubric.clone())),
            max_steps: number(expect.max_steps),
            max_tokens: number(expect.max_tokens),
            max_cost: number(expect.max_cost_micros),
            max_ms: number(expect.max_ms),
        }
    }

    /// The case, with the tags that it had; or what cannot be read, with the field's name.
    fn read(self, before: &Case) -> Result<Case, String> {
        let text = |signal: RwSignal<String>| Some(signal.get_untracked()).filter(|text| !text.trim().is_empty());
        let number = |signal: RwSignal<String>, what: &str| {
            text(signal)
                .map(|text| text.trim().parse::<u64>().map_err(|_| format!("{what}: expected a whole number.")))
                .transpose()
        };
        let schema = text(self.schema)
            .map(|text| serde_json::from_str(&text).map_err(|error| format!("JSON Schema: {error}.")))
            .transpose()?;
        let output = ExpectedAnswer {
            contains: text(self.contains),
            regex: text(self.regex),
            equals: text(self.equals),
            json_schema: schema,
        };
        let expect = Expectation {
            tools: read_calls(&self.calls.get_untracked())?,
            order: if self.in_order.get_untracked() { Order::Strict } else { Order::Any },
            not_tools: names(&self.not_called.get_untracked()),
            steps: names(&self.steps.get_untracked()),
            output: (output != ExpectedAnswer::default()).then_some(output),
            judge: text(self.rubric).map(|rubric| Rubric { rubric }),
            max_steps: number(self.max_steps, "Questions to a model")?,
            max_tokens: number(self.max_tokens, "Tokens")?,
            max_cost_micros: number(self.max_cost, "Cost")?,
            max_ms: number(self.max_ms, "Milliseconds")?,
        };
        Ok(Case {
            id: self.id.get_untracked().trim().to_owned(),
            input: self.input.get_untracked(),
            expect,
            tags: before.tags.clone(),
        })
    }
}

/// A call as a line: its name, and its arguments as JSON behind it.
fn call_line(call: &ExpectedCall) -> String {
    match &call.args {
        Some(args) => format!("{} {args}", call.name),
        None => call.name.clone(),
    }
}

fn read_calls(text: &str) -> Result<Vec<ExpectedCall>, String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let (name, args) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            let args: Option<Value> = match args.trim() {
                "" => None,
                json => Some(serde_json::from_str(json).map_err(|error| format!("Calls, {name}: {error}."))?),
            };
            Ok(ExpectedCall { name: name.to_owned(), args })
        })
        .collect()
}

fn names(text: &str) -> Vec<String> {
    text.split([',', '\n']).map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// The form in the dialog.
#[component]
pub(super) fn CaseForm(list: CaseList) -> impl IntoView {
    let before = list.current().unwrap_or_default();
    let fields = Fields::of(&before);
    let before = StoredValue::new(before);
    let unread = RwSignal::new(None::<String>);
    let submission = Submission::new();
    let toaster = use_toaster();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        match before.with_value(|before| fields.read(before)) {
            Err(why) => unread.set(Some(why)),
            Ok(case) => {
                unread.set(None);
                submission.run(list.saving(case), move |written: ProjectCases| {
                    toaster.good(format!("Saved as revision {}.", written.revision));
                    list.adopt(written);
                });
            }
        }
    };
    view! {
        <form novalidate on:submit=submit>
            <div class="dialog-body">
                <TextField label="Id" code=true value=fields.id focus=true required=true hint="Letters, digits, _, - and ."/>
                <TextArea label="Input" value=fields.input rows=3 hint="What the agent is told."/>
                <h3>"What must come of it"</h3>
                <TextField label="The answer contains" value=fields.contains/>
                <TextField label="The answer matches" code=true value=fields.regex hint="A regular expression, without look-around."/>
                <TextField label="The answer is" value=fields.equals/>
                <TextArea label="Calls" code=true value=fields.calls rows=2 placeholder="calculator {\"expression\": \"1 + 1\"}" hint="One a line: the tool, and arguments that it must have."/>
                <CheckField label="In this order" checked=fields.in_order/>
                <TextField label="Does not call" code=true value=fields.not_called hint="Tools, with commas between them."/>
                <details>
                    <summary>"More: schema, turns, limits, judge"</summary>
                    <TextArea label="The answer is JSON of this schema" code=true value=fields.schema rows=4/>
                    <TextField label="Have their turn" code=true value=fields.steps hint="Agents or tasks, with commas between them."/>
                    <TextField label="Questions to a model, at most" kind="number" value=fields.max_steps/>
                    <TextField label="Tokens, at most" kind="number" value=fields.max_tokens/>
                    <TextField label="Cost, at most" kind="number" value=fields.max_cost hint="In millionths of a US dollar."/>
                    <TextField label="Milliseconds, at most" kind="number" value=fields.max_ms/>
                    <TextArea label="Rubric for a judge" value=fields.rubric rows=3 hint="When the answer is good, in words. A model is asked; what it says is advice unless a gate requires it."/>
                </details>
                <p class="field-error" role="alert">{move || unread.get()}</p>
                <ErrorLine error=submission.error/>
            </div>
            <footer class="dialog-actions">
                <Button on_press=move |()| list.form_open.set(false)>"Cancel"</Button>
                <Button kind=ButtonKind::Primary submit=true busy=submission.busy>"Save"</Button>
            </footer>
        </form>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn calls_are_lines_of_a_name_and_arguments() {
        let calls = read_calls(" sum {\"a\": 1}\n\n order\n").unwrap();
        assert_eq!(calls[0], ExpectedCall { name: "sum".to_owned(), args: Some(json!({"a": 1})) });
        assert_eq!((calls[1].name.as_str(), &calls[1].args), ("order", &None));
        assert_eq!(call_line(&calls[0]), "sum {\"a\":1}");
        assert!(read_calls("sum {a}").unwrap_err().starts_with("Calls, sum: "));
        assert_eq!(names(" a, b ,\nc,"), ["a", "b", "c"]);
    }
}
