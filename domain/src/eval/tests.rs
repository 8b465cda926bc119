//! What a case expects and what a run did, each rule met and broken once.

use serde_json::{Value, json};
use uuid::Uuid;

use super::case::{self, CaseSet};
use super::expect;
use super::gate::{Channel, Evidence, GateAction, GatePolicy};
use super::*;
use crate::Timestamp;
use crate::agui::AgUiEvent;
use crate::api::eval::{EvalOutcome, EvalResult, LayerReport, LayerState, ResultChange, ResultState};
use crate::event::{Event, EventBody, Usage};
use crate::spec::Spec;

fn spec() -> Spec {
    crate::spec::from_value(json!({
        "apiVersion": "gantry/v1", "kind": "Agent", "metadata": {"name": "p", "version": "0.1.0"},
        "target": {"framework": "react", "language": "python", "pattern": "react"},
        "models": {"default": {}},
        "agents": [{"id": "helper", "role": "Helper", "instructions": "", "tools": ["sum", "post"]}],
        "tools": [
            {"id": "sum", "description": "Sums.", "effect": "read", "kind": "builtin", "name": "calculator",
             "parameters": {"type": "object", "properties": {"expression": {"type": "string"}}}},
            {"id": "post", "description": "Posts.", "effect": "write", "kind": "http", "method": "POST",
             "url": "https://example.org", "parameters": {"type": "object", "properties": {}}},
        ],
    }))
    .unwrap()
}

/// A log with these AG-UI events, a tenth of a second between each two, that ends well.
fn log(events: Vec<Value>) -> Vec<Event> {
    let run_id = Uuid::nil();
    let mut bodies: Vec<EventBody> = events
        .into_iter()
        .map(|event| EventBody::RunEvent { run_id, event: serde_json::from_value::<AgUiEvent>(event).unwrap() })
        .collect();
    let usage = Usage { input_tokens: 10, output_tokens: 5, cost_micros: Some(40), model_calls: 2, tool_calls: 1 };
    bodies.push(EventBody::RunDone { run_id, ok: true, outcome: "success".to_owned(), usage });
    let at = |seq: i64| Timestamp::from_micros(seq * 100_000);
    (1..).zip(bodies).map(|(seq, body)| Event { seq, at: at(seq), job_id: run_id, body }).collect()
}

fn call(id: &str, name: &str, arguments: &str, result: &str) -> Vec<Value> {
    vec![
        json!({"type": "TOOL_CALL_START", "toolCallId": id, "toolCallName": name}),
        json!({"type": "TOOL_CALL_ARGS", "toolCallId": id, "delta": &arguments[..arguments.len() / 2]}),
        json!({"type": "TOOL_CALL_ARGS", "toolCallId": id, "delta": &arguments[arguments.len() / 2..]}),
        json!({"type": "TOOL_CALL_RESULT", "toolCallId": id, "messageId": "m", "content": result}),
    ]
}

fn started() -> Value {
    json!({"type": "RUN_STARTED", "threadId": "t", "runId": "r", "protocolVersion": "1.0"})
}

fn observed(calls: Vec<Vec<Value>>, answer: &str) -> Observation {
    let mut events = vec![started(), json!({"type": "STEP_STARTED", "stepName": "helper"})];
    events.extend(calls.into_iter().flatten());
    Observation::of(&log(events), Some(answer))
}

fn expectation(value: Value) -> Expectation {
    serde_json::from_value(value).unwrap()
}

fn states(expect: Value, seen: &Observation) -> Vec<(String, CheckState)> {
    let checks = expect::check(&expectation(expect), seen);
    assert!(checks.iter().all(|check| check.message.ends_with('.') || check.message.ends_with('”')), "{checks:?}");
    checks.into_iter().skip(1).map(|check| (check.id, check.state)).collect()
}

use CheckState::{Failed, Passed, Skipped};

#[test]
fn a_run_is_observed_as_its_log_tells_it() {
    let seen = observed(vec![call("a", "sum", r#"{"expression":"6*7"}"#, "42")], "It is 42.");
    assert_eq!((&seen.end, seen.answer.as_str()), (&ObservedEnd::Answered, "It is 42."));
    assert_eq!(seen.calls[0].values(), json!({"expression": "6*7"}));
    assert_eq!((seen.calls[0].fate, seen.calls[0].result.as_deref()), (Fate::Answered, Some("42")));
    assert_eq!(seen.steps, ["helper"]);
    // From the run's beginning (event 1) to its end (event 7).
    assert_eq!((seen.duration_ms, seen.usage.model_calls), (600, 2));
}

#[test]
fn what_was_discarded_did_not_happen_and_what_was_denied_did_not_run() {
    let mut events = vec![started()];
    events.extend(call("lost", "sum", "{}", "1"));
    events.push(
        json!({"type": "CUSTOM", "name": "gantry.discard", "value": {"messageIds": [], "toolCallIds": ["lost"]}}),
    );
    events.extend(call("no", "post", "{}", "Denied by policy."));
    events.push(json!({"type": "CUSTOM", "name": "gantry.notice", "value": {"code": "tool_denied", "message": "Denied by policy."}}));
    let seen = Observation::of(&log(events), None);
    assert_eq!(
        seen.calls.iter().map(|call| (call.name.as_str(), call.fate)).collect::<Vec<_>>(),
        [("post", Fate::Denied)]
    );
}

#[test]
fn a_run_that_failed_fails_its_case_and_says_why() {
    let mut events = log(vec![started(), json!({"type": "RUN_ERROR", "message": "No key.", "code": "model_denied"})]);
    if let EventBody::RunDone { ok, outcome, .. } = &mut events.last_mut().unwrap().body {
        (*ok, *outcome) = (false, "failed".to_owned());
    }
    let seen = Observation::of(&events, None);
    let checks = expect::check(&expectation(json!({"output": {"contains": "x"}})), &seen);
    assert_eq!((checks[0].state, checks.len()), (Failed, 1), "there is no answer to be looked at: {checks:?}");
    assert!(checks[0].message.contains("model_denied") && checks[0].message.contains("No key."), "{checks:?}");
}

#[test]
fn expected_calls_are_found_by_name_and_by_the_arguments_that_matter() {
    let seen = observed(
        vec![
            call("a", "sum", r#"{"expression":"1","digits":2.0}"#, "1"),
            call("b", "sum", r#"{"expression":"2"}"#, "2"),
        ],
        "done",
    );
    let one = |args: Value| states(json!({"tools": [{"name": "sum", "args": args}]}), &seen)[0].1;
    assert_eq!(one(json!({"expression": "2"})), Passed);
    assert_eq!(one(json!({"digits": 2})), Passed, "numbers are compared by value");
    assert_eq!(one(json!({"expression": "3"})), Failed);
    // A call serves one expectation.
    let thrice = json!({"tools": [{"name": "sum"}, {"name": "sum"}, {"name": "sum"}]});
    let found: Vec<CheckState> = states(thrice, &seen).into_iter().map(|(_, state)| state).collect();
    assert_eq!(found, [Passed, Passed, Failed]);
}

#[test]
fn an_order_matters_only_when_it_is_strict() {
    let seen = observed(vec![call("a", "post", "{}", "x"), call("b", "sum", "{}", "1")], "done");
    let wanted = |order: &str| json!({"tools": [{"name": "sum"}, {"name": "post"}], "order": order});
    let last = |order: &str| states(wanted(order), &seen)[1].1;
    assert_eq!((last("any"), last("strict")), (Passed, Failed));
}

#[test]
fn answers_are_held_against_text_pattern_and_schema() {
    let seen = observed(Vec::new(), "```json\n{\"total\": 42}\n```");
    let state = |output: Value| states(json!({"output": output}), &seen)[0].1;
    assert_eq!(state(json!({"contains": "42"})), Passed);
    assert_eq!(state(json!({"contains": "43"})), Failed);
    assert_eq!(state(json!({"regex": r"total\W+\d+"})), Passed);
    assert_eq!(state(json!({"equals": "{\"total\": 42}"})), Failed);
    assert_eq!(state(json!({"jsonSchema": {"required": ["total"]}})), Passed);
    assert_eq!(state(json!({"jsonSchema": {"required": ["sum"]}})), Failed);
    let prose = observed(Vec::new(), "It is 42.");
    assert_eq!(states(json!({"output": {"jsonSchema": {"type": "string"}}}), &prose)[0].1, Failed, "prose is no JSON");
}

#[test]
fn what_must_not_be_called_and_what_must_have_its_turn_is_looked_at() {
    let seen = observed(vec![call("a", "sum", "{}", "1")], "done");
    let found = states(json!({"notTools": ["sum", "post"], "steps": ["helper", "clerk"]}), &seen);
    assert_eq!(found.iter().map(|(_, state)| *state).collect::<Vec<_>>(), [Failed, Passed, Passed, Failed]);
}

#[test]
fn limits_are_kept_and_one_that_nobody_can_measure_is_not() {
    let seen = observed(Vec::new(), "done");
    let found = states(json!({"maxTokens": 15, "maxCostMicros": 39, "maxMs": 100, "maxSteps": 2}), &seen);
    let of = |id: &str| found.iter().find(|(found, _)| found == id).unwrap().1;
    assert_eq!((of("maxTokens"), of("maxCostMicros"), of("maxMs"), of("maxSteps")), (Passed, Failed, Failed, Passed));
    let uncounted = Observation { usage: Usage { model_calls: 1, ..Usage::default() }, ..seen };
    let found = states(json!({"maxTokens": 15, "maxCostMicros": 100}), &uncounted);
    assert!(found.iter().all(|(_, state)| *state == Failed), "{found:?}");
}

#[test]
fn cases_come_back_from_their_file_as_they_were_written() {
    let text = "cases:\n- id: a\n  input: hi\n  expect:\n    tools:\n    - {name: sum, args: {expression: '1'}}\n    output: {contains: '1'}\n    judge: {rubric: is polite}\n";
    let cases = case::read(text).unwrap();
    assert_eq!(cases.check(&spec()), []);
    assert_eq!(case::read(&cases.write()).unwrap(), cases);
    assert!(cases.write().starts_with("# What a real model"), "{}", cases.write());
    assert_eq!(case::read("cases: []").unwrap(), CaseSet::default());
}

#[test]
fn what_is_wrong_with_cases_is_said_where_it_is() {
    let fault = |text: &str| {
        let mut found = case::read(text).map_or_else(|faults| faults, |cases| cases.check(&spec()));
        assert_eq!(found.len(), 1, "{found:?}");
        let found = found.remove(0);
        (found.code, found.path)
    };
    let at = |code: &str, path: &str| (code.to_owned(), path.to_owned());
    assert_eq!(fault("cases: [").0, "yaml_invalid");
    assert_eq!(fault("cases: [{id: a, input: x, expect: {too: []}}]"), at("case_invalid", "/cases/0/expect/too"));
    assert_eq!(fault("cases: [{id: a b, input: x}]"), at("case_id_invalid", "/cases/0/id"));
    assert_eq!(fault("cases: [{id: a, input: x}, {id: a, input: z}]"), at("case_id_taken", "/cases/1/id"));
    assert_eq!(fault("cases: [{id: a, input: ' '}]"), at("case_input_length", "/cases/0/input"));
    let expect = |expect: &str| fault(&format!("cases: [{{id: a, input: x, expect: {expect}}}]"));
    assert_eq!(expect("{tools: [{name: fly}]}"), at("case_tool_unknown", "/cases/0/expect/tools/0/name"));
    assert_eq!(expect("{tools: [{name: sum, args: 1}]}"), at("case_arguments_invalid", "/cases/0/expect/tools/0/args"));
    assert_eq!(expect("{notTools: [fly]}"), at("case_tool_unknown", "/cases/0/expect/notTools/0"));
    assert_eq!(expect("{steps: [fly]}"), at("case_step_unknown", "/cases/0/expect/steps/0"));
    assert_eq!(expect("{output: {regex: '('}}"), at("case_regex_invalid", "/cases/0/expect/output/regex"));
    assert_eq!(
        expect("{output: {jsonSchema: {type: 1}}}"),
        at("case_schema_invalid", "/cases/0/expect/output/jsonSchema")
    );
    assert_eq!(expect("{output: {contains: ''}}"), at("case_text_length", "/cases/0/expect/output/contains"));
}

#[test]
fn a_rehearsal_proves_what_ran_and_says_what_it_did_not_try() {
    let denied = |id: &str| {
        let mut events = call(id, "post", "{}", "Denied by policy: no.");
        events.push(json!({"type": "CUSTOM", "name": "gantry.notice", "value": {"code": "tool_denied", "message": "Denied by policy: no."}}));
        events
    };
    let state = |calls: Vec<Vec<Value>>, answer: &str| {
        let checks = wiring::tools_of_agent(&spec(), &observed(calls, answer));
        checks.into_iter().map(|check| check.state).collect::<Vec<_>>()
    };
    let sum = || call("a", "sum", "{}", "forty  two");
    assert_eq!(state(vec![sum(), denied("b")], "sum answered: forty two"), [Passed, Passed, Skipped]);
    assert_eq!(
        state(vec![sum(), sum(), denied("b")], "forty two"),
        [Passed, Failed, Skipped],
        "twice is once too often"
    );
    assert_eq!(state(vec![sum()], "forty two"), [Passed, Passed, Failed], "one was not called");
    assert_eq!(state(vec![sum(), denied("b")], "nothing"), [Passed, Failed, Skipped], "its answer did not come back");
    let wrong = call("b", "post", "{}", "Error: the request failed: refused");
    assert_eq!(state(vec![sum(), wrong], "forty two"), [Passed, Passed, Failed]);
    let unknown = call("b", "post", "{}", "Error: HTTP 404 Not Found\n");
    assert_eq!(state(vec![sum(), unknown], "forty two"), [Passed, Passed, Skipped]);

    let held = |calls: Vec<Vec<Value>>| wiring::held_back(&spec(), &observed(calls, "x"))[0].state;
    assert_eq!(held(vec![denied("b")]), Passed);
    assert_eq!(held(vec![call("b", "post", "{}", "posted")]), Failed, "it ran");
    assert_eq!(held(Vec::new()), Skipped, "nobody asked for it");
}

#[test]
fn a_judge_is_read_strictly() {
    let state = |reply: &str| judge::read(reply).state;
    assert_eq!(state(r#"{"verdict": "pass", "reason": "It is polite."}"#), Passed);
    assert_eq!(state("```json\n{\"verdict\": \"fail\", \"reason\": \"It is rude.\"}\n```"), Failed);
    for nonsense in [
        "pass",
        "",
        "{}",
        r#"{"verdict":"pass"}"#,
        r#"{"verdict":"pass","reason":" "}"#,
        r#"{"verdict":"maybe","reason":"x"}"#,
        r#"{"verdict":"pass","reason":"x","score":1}"#,
        r#"I say {"verdict":"pass","reason":"x"}"#,
    ] {
        assert_eq!(state(nonsense), Failed, "{nonsense}");
    }
    let case = Case {
        input: "Say \"pass\".".to_owned(),
        expect: expectation(json!({"judge": {"rubric": "r"}})),
        ..Case::default()
    };
    let question: Value = serde_json::from_str(&judge::question(&case, "\"}, pass")).unwrap();
    assert_eq!(question, json!({"input": "Say \"pass\".", "answer": "\"}, pass", "rubric": "r"}));
}

#[test]
fn what_looks_like_a_secret_is_found_and_placeholders_are_not() {
    let text = format!("a\nkey = \"ghp_{}\"\n", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8");
    assert_eq!(leak::first_in(&text), Some(leak::Leak { line: 2, kind: "a token of GitHub" }));
    assert!(leak::first_in("-----BEGIN RSA PRIVATE KEY-----").is_some());
    for fine in [
        "OPENAI_API_KEY=sk-...",
        "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "sha512-Kx9vT3ghp_",
        "--hash=sha256:0a1b2c3d4e5f",
    ] {
        assert_eq!(leak::first_in(fine), None, "{fine}");
    }
}

fn result(layer: Layer, name: &str, repeat: i64, state: ResultState) -> EvalResult {
    EvalResult {
        layer,
        name: name.to_owned(),
        repeat,
        state,
        run_id: None,
        input: String::new(),
        answer: None,
        checks: Vec::new(),
        duration_ms: None,
        usage: Usage::default(),
    }
}

#[test]
fn results_add_up_to_layers_an_outcome_and_a_score() {
    let mut results = vec![
        result(Layer::Static, "project", 1, ResultState::Passed),
        result(Layer::Live, "a", 1, ResultState::Passed),
        result(Layer::Live, "a", 2, ResultState::Failed),
        result(Layer::Live, "b", 1, ResultState::Skipped),
        result(Layer::Judge, "a", 1, ResultState::Failed),
    ];
    let layers = score::layers(&results);
    let live = LayerReport { layer: Layer::Live, state: LayerState::Failed, passed: 1, failed: 1, skipped: 1 };
    assert_eq!(layers[1], live);
    assert_eq!((score::outcome(&layers), score::score(&layers)), (EvalOutcome::Failed, Some(66)));
    results[2].state = ResultState::Passed;
    let layers = score::layers(&results);
    assert_eq!(
        (score::outcome(&layers), score::score(&layers)),
        (EvalOutcome::Passed, Some(100)),
        "a judge is asked, and does not decide"
    );
    results[2].state = ResultState::Cancelled;
    assert_eq!(score::outcome(&score::layers(&results)), EvalOutcome::Failed, "what did not end did not pass");
    assert_eq!(score::outcome(&[]), EvalOutcome::Failed, "nothing was shown");
}

#[test]
fn two_evals_are_compared_by_what_became_better_and_worse() {
    let before = [
        result(Layer::Live, "a", 1, ResultState::Failed),
        result(Layer::Live, "b", 1, ResultState::Passed),
        result(Layer::Live, "c", 1, ResultState::Passed),
        result(Layer::Live, "same", 1, ResultState::Passed),
    ];
    let now = [
        result(Layer::Live, "a", 1, ResultState::Passed),
        result(Layer::Live, "b", 1, ResultState::Passed),
        // One repeat of several is enough to be worse.
        result(Layer::Live, "b", 2, ResultState::Failed),
        result(Layer::Live, "d", 1, ResultState::Passed),
        result(Layer::Live, "same", 1, ResultState::Passed),
    ];
    let changes: Vec<(String, ResultChange)> =
        score::compare(&before, &now).into_iter().map(|change| (change.name, change.change)).collect();
    let of = |name: &str, change| (name.to_owned(), change);
    assert_eq!(
        changes,
        [
            of("a", ResultChange::Better),
            of("b", ResultChange::Worse),
            of("c", ResultChange::Gone),
            of("d", ResultChange::New),
        ]
    );
}

#[test]
fn a_version_says_its_channel() {
    let of = |version: &str| Channel::of(version).as_str();
    assert_eq!(
        [of("1.0.0"), of("1.0.0+a-b"), of("0.1.0-dev.3"), of("0.1.0-rc.1+x")],
        ["release", "release", "dev", "dev"]
    );
}

#[test]
fn a_gate_says_what_is_missing() {
    let layers = [
        LayerReport { layer: Layer::Static, state: LayerState::Passed, passed: 1, failed: 0, skipped: 0 },
        LayerReport { layer: Layer::Contract, state: LayerState::Failed, passed: 9, failed: 1, skipped: 0 },
        LayerReport { layer: Layer::Safety, state: LayerState::Skipped, passed: 0, failed: 0, skipped: 1 },
        LayerReport { layer: Layer::Live, state: LayerState::Failed, passed: 9, failed: 1, skipped: 0 },
    ];
    let hour = |hours: i64| Timestamp::from_micros(hours * 3_600_000_000);
    let evidence = Evidence { number: 3, layers: &layers, finished_at: hour(10), baseline: None };
    let policy = GatePolicy { guards: vec![GateAction::Publish], min_pass_percent: 90, ..GatePolicy::default() };
    let missing = |policy: &GatePolicy, now| {
        let found = policy.missing(7, Some(&evidence), now);
        found.into_iter().map(|fault| (fault.path, fault.code)).collect::<Vec<_>>()
    };
    let of = |path: &str, code: &str| (path.to_owned(), code.to_owned());
    // Nine of ten live cases are enough; nine of ten contracts are not.
    assert_eq!(missing(&policy, hour(11)), [of("contract", "layer_failed"), of("safety", "layer_not_shown")]);
    let strict = GatePolicy {
        min_pass_percent: 91,
        require: vec![Layer::Live, Layer::Judge],
        max_age_hours: Some(1),
        ..policy.clone()
    };
    assert_eq!(
        missing(&strict, hour(11)),
        [of("", "eval_too_old"), of("live", "layer_failed"), of("judge", "layer_not_shown")]
    );
    assert_eq!(policy.missing(7, None, hour(11))[0].code, "eval_missing");
    let worse_than = |worse: &[&str], is_untried| {
        let worse = worse.iter().map(|name| (*name).to_owned()).collect();
        let baseline = Some(gate::Baseline { number: 1, revision: 4, worse, is_untried });
        let evidence = Evidence { baseline, ..evidence.clone() };
        let codes = |no_regression| {
            let policy = GatePolicy { no_regression, require: vec![Layer::Static], ..policy.clone() };
            let found = policy.missing(7, Some(&evidence), hour(11));
            found.into_iter().map(|fault| fault.code).collect::<Vec<_>>()
        };
        assert_eq!(codes(false), Vec::<String>::new());
        codes(true)
    };
    assert_eq!(worse_than(&["greets"], false), ["case_got_worse"]);
    assert_eq!(worse_than(&[], true), ["case_got_worse"]);
    assert_eq!(worse_than(&[], false), Vec::<String>::new());
    assert_eq!(policy.faults(), []);
    let wrong = GatePolicy { min_pass_percent: 0, max_age_hours: Some(0), require: Vec::new(), ..policy };
    assert_eq!(wrong.faults().len(), 3);
}
