//! What a log becomes: a whole run, one that waits for a person, ones that break off, and any log at all.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::event::Event;

/// A log of these bodies, ten milliseconds apart.
fn log(bodies: Vec<Value>) -> Vec<Event> {
    let job = "019f0000-0000-7000-8000-000000000001";
    let entries = bodies.into_iter().enumerate().map(|(index, mut body)| {
        let seq = i64::try_from(index).unwrap() + 1;
        let envelope = body.as_object_mut().unwrap();
        envelope.insert("seq".to_owned(), json!(seq));
        envelope.insert("at".to_owned(), json!(at(seq)));
        envelope.insert("jobId".to_owned(), json!(job));
        serde_json::from_value(body).unwrap()
    });
    entries.collect()
}

/// When the event with this number is.
fn at(seq: i64) -> Timestamp {
    Timestamp::from_micros(1_795_000_000_000_000).plus_millis(seq * 10)
}

fn agui(event: Value) -> Value {
    json!({"type": "run.event", "runId": "019f0000-0000-7000-8000-000000000002", "event": event})
}

fn state(word: &str) -> Value {
    json!({"type": "job.state", "state": word, "attempt": i64::from(word != "queued")})
}

fn started() -> Value {
    agui(json!({"type": "RUN_STARTED", "threadId": "t", "runId": "r", "protocolVersion": "1.0"}))
}

fn finished(kind: &str) -> Value {
    agui(json!({"type": "RUN_FINISHED", "threadId": "t", "runId": "r", "outcome": {"type": kind}}))
}

fn step(kind: &str, name: &str) -> Value {
    agui(json!({"type": kind, "stepName": name}))
}

fn text(id: &str, text: &str) -> Vec<Value> {
    vec![
        agui(json!({"type": "TEXT_MESSAGE_START", "messageId": id, "role": "assistant"})),
        agui(json!({"type": "TEXT_MESSAGE_CONTENT", "messageId": id, "delta": text})),
        agui(json!({"type": "TEXT_MESSAGE_END", "messageId": id})),
    ]
}

fn call(id: &str, message: &str) -> Vec<Value> {
    vec![
        agui(
            json!({"type": "TOOL_CALL_START", "toolCallId": id, "toolCallName": "writer", "parentMessageId": message}),
        ),
        agui(json!({"type": "TOOL_CALL_ARGS", "toolCallId": id, "delta": "{\"text\":1}"})),
        agui(json!({"type": "TOOL_CALL_END", "toolCallId": id})),
    ]
}

fn result(id: &str, content: &str) -> Value {
    agui(json!({"type": "TOOL_CALL_RESULT", "messageId": "m", "toolCallId": id, "content": content, "role": "tool"}))
}

fn usage(input: i64, output: i64, cost: i64) -> Value {
    let used =
        json!({"inputTokens": input, "outputTokens": output, "costMicros": cost, "modelCalls": 1, "toolCalls": 0});
    agui(json!({"type": "CUSTOM", "name": "gantry.usage", "value": used}))
}

fn turn_done(key: &str, message: &str, millis: i64) -> Value {
    json!({"type": "step.done", "step": format!("turn:{key}"), "output": {"messageId": message, "elapsedMs": millis}})
}

fn approval(decision: &str) -> Value {
    let kind = if decision == "pending" { "approval.requested" } else { "approval.decided" };
    let decided = decision != "pending";
    json!({"type": kind, "approval": {
        "id": "019f0000-0000-7000-8000-000000000003", "runId": "019f0000-0000-7000-8000-000000000002",
        "toolCallId": "c1", "tool": "writer", "effect": "write", "arguments": {"text": if decided { 2 } else { 1 }},
        "decision": decision, "requestedAt": at(1), "expiresAt": at(900),
        "decidedAt": decided.then(|| at(12)), "decidedBy": decided.then_some("ada"),
    }})
}

/// A run that asked for a tool, waited for a person, and answered.
fn whole_run() -> Vec<Event> {
    let mut bodies = vec![state("queued"), state("running"), started(), step("STEP_STARTED", "helper")];
    bodies.extend(call("c1", "m1"));
    bodies.extend([usage(10, 5, 100), turn_done("helper:0", "m1", 60), approval("pending")]);
    bodies.extend([step("STEP_FINISHED", "helper"), finished("interrupt"), state("waiting"), state("queued")]);
    bodies.extend([state("running"), approval("approved"), started(), step("STEP_STARTED", "helper")]);
    bodies.push(json!({"type": "step.done", "step": "start:c1"}));
    bodies.push(result("c1", "42"));
    bodies.push(json!({"type": "step.done", "step": "call:c1", "output": {"content": "42", "elapsedMs": 7}}));
    bodies.extend(text("m2", "It is 42."));
    bodies.extend([usage(30, 9, 250), turn_done("helper:1", "m2", 40)]);
    bodies.extend([step("STEP_FINISHED", "helper"), finished("success")]);
    let used = json!({"inputTokens": 30, "outputTokens": 9, "costMicros": 250, "modelCalls": 2, "toolCalls": 1});
    bodies.push(json!({"type": "run.done", "runId": "019f0000-0000-7000-8000-000000000002", "ok": true,
        "outcome": "success", "usage": used}));
    bodies.push(state("done"));
    log(bodies)
}

/// What every trace obeys, whatever its log was.
#[track_caller]
fn assert_sound(events: &[Event]) -> Trace {
    let trace = Trace::of(events);
    let mut owned: Vec<i64> = trace.spans().iter().flat_map(|span| span.events.clone()).collect();
    owned.sort_unstable();
    let all: Vec<i64> = events.iter().map(|event| event.seq).collect();
    assert_eq!(owned, all, "every event is in exactly one span");
    for (index, span) in trace.spans().iter().enumerate() {
        assert_eq!(span.parent.is_none(), index == 0);
        assert!(span.parent.is_none_or(|parent| parent < index), "{span:?}");
        assert!(span.ended_at.is_none_or(|end| end >= span.began_at), "{span:?}");
        assert_eq!(span.ended_at.is_none(), span.state.is_open(), "{span:?}");
        assert!(span.events.iter().all(|seq| trace.owner(*seq) == Some(index)));
    }
    let mut order: Vec<usize> = trace.in_order().into_iter().map(|(index, _)| index).collect();
    order.sort_unstable();
    assert_eq!(order, (0..trace.spans().len()).collect::<Vec<_>>(), "the tree has every span once");
    if events.last().is_some_and(|event| event.body.is_last()) {
        assert!(trace.spans().iter().all(|span| !span.state.is_open()), "{:?}", trace.spans());
    }
    trace
}

fn one<'trace>(trace: &'trace Trace, kind: SpanKind, key: &str) -> &'trace Span {
    let found: Vec<_> = trace.spans().iter().filter(|span| span.kind == kind && span.key == key).collect();
    assert_eq!(found.len(), 1, "{kind:?} {key}: {:?}", trace.spans());
    found[0]
}

#[test]
fn a_run_that_waited_for_a_person_is_one_tree() {
    let events = whole_run();
    let trace = assert_sound(&events);
    let tree: Vec<(SpanKind, usize)> =
        trace.in_order().into_iter().map(|(index, depth)| (trace.spans()[index].kind, depth)).collect();
    use SpanKind::{Approval, ModelTurn, Queue, Run, Step, ToolCall};
    assert_eq!(
        tree,
        [(Run, 0), (Queue, 1), (Step, 1), (ModelTurn, 2), (ToolCall, 2), (Approval, 3), (ModelTurn, 2), (Queue, 1)]
    );
    assert!(trace.spans().iter().all(|span| span.state == SpanState::Done), "{:?}", trace.spans());
    let first = one(&trace, SpanKind::ModelTurn, "m1");
    assert_eq!((first.input_tokens, first.output_tokens, first.cost_micros), (10, 5, Some(100)));
    assert_eq!(first.millis(at(999)), 50, "from when it was asked, which the record says, and not before its step");
    let second = one(&trace, SpanKind::ModelTurn, "m2");
    assert_eq!((second.input_tokens, second.output_tokens, second.cost_micros), (20, 4, Some(150)));
    assert_eq!((second.output.as_str(), second.worked_ms), ("It is 42.", Some(40)));
    let call = one(&trace, SpanKind::ToolCall, "c1");
    assert_eq!((call.name.as_str(), call.input.as_str(), call.output.as_str()), ("writer", "{\"text\":2}", "42"));
    assert_eq!(call.worked_ms, Some(7));
    let asked = &trace.spans()[5];
    assert_eq!((asked.kind, asked.note.as_str()), (Approval, "Approved by ada."));
    assert_eq!(asked.ended_at, Some(at(12)), "when the person decided, not when the run went on");
    let run = &trace.spans()[0];
    assert_eq!((run.input_tokens, run.output_tokens, run.cost_micros), (30, 9, Some(250)));
    assert_eq!((run.began_at, run.ended_at), (at(1), Some(at(events.len() as i64))));
}

#[test]
fn while_a_person_decides_the_call_waits() {
    let events = whole_run();
    let trace = assert_sound(&events[..13]);
    for kind in [SpanKind::Run, SpanKind::Step, SpanKind::ToolCall, SpanKind::Approval] {
        let span = trace.spans().iter().find(|span| span.kind == kind).unwrap();
        assert_eq!(span.state, SpanState::Waiting, "{kind:?}");
    }
}

#[test]
fn what_arrives_twice_counts_once_and_live_is_as_read() {
    let events = whole_run();
    let mut live = Trace::default();
    for event in &events {
        assert!(live.apply(event).is_some());
        assert!(live.apply(event).is_none());
    }
    assert_eq!(live, Trace::of(&events));
    assert_eq!(live.last_seq(), events.len() as i64);
}

#[test]
fn what_broke_off_is_unfinished_and_says_why() {
    let mut bodies = vec![state("queued"), state("running"), started(), step("STEP_STARTED", "helper")];
    bodies.extend(text("m1", "It is"));
    bodies.push(step("STEP_FINISHED", "helper"));
    bodies.push(agui(json!({"type": "RUN_ERROR", "message": "The model went away.", "code": "model_gone"})));
    bodies.push(state("failed"));
    let trace = assert_sound(&log(bodies));
    assert_eq!(one(&trace, SpanKind::ModelTurn, "m1").state, SpanState::Unfinished);
    let step = one(&trace, SpanKind::Step, "helper");
    assert_eq!((step.state, step.note.as_str()), (SpanState::Failed, "The model went away."));
    assert_eq!((trace.spans()[0].state, trace.spans()[0].note.as_str()), (SpanState::Failed, "The model went away."));
}

#[test]
fn a_turn_that_a_crash_cut_off_is_discarded_and_the_next_one_counts() {
    let mut bodies = vec![state("queued"), state("running"), started(), step("STEP_STARTED", "helper")];
    bodies.extend(text("m1", "Half").into_iter().take(2));
    bodies.push(state("running"));
    bodies.push(agui(json!({"type": "TEXT_MESSAGE_END", "messageId": "m1"})));
    let void = json!({"messageIds": ["m1"], "toolCallIds": []});
    bodies.push(agui(json!({"type": "CUSTOM", "name": "gantry.discard", "value": void})));
    bodies.extend(text("m2", "Whole."));
    bodies.extend([
        turn_done("helper:0", "m2", 20),
        step("STEP_FINISHED", "helper"),
        finished("success"),
        state("done"),
    ]);
    let trace = assert_sound(&log(bodies));
    assert_eq!(one(&trace, SpanKind::ModelTurn, "m1").state, SpanState::Discarded);
    assert_eq!(one(&trace, SpanKind::ModelTurn, "m2").state, SpanState::Done);
}

#[test]
fn answers_of_tools_say_how_it_went() {
    for (content, expected) in [
        ("42", SpanState::Done),
        ("Error: no such city.", SpanState::Failed),
        ("{\"error\":\"no such city\"}", SpanState::Failed),
        ("{\"error\":null}", SpanState::Done),
        ("Stopped before it answered.", SpanState::Unfinished),
        ("[A person changed the arguments to {} and approved.]\nError: no.", SpanState::Failed),
    ] {
        let mut bodies = vec![started(), step("STEP_STARTED", "helper")];
        bodies.extend(call("c1", "m1"));
        bodies.push(result("c1", content));
        assert_eq!(one(&assert_sound(&log(bodies)), SpanKind::ToolCall, "c1").state, expected, "{content}");
    }
    let mut bodies = vec![started(), step("STEP_STARTED", "helper")];
    bodies.extend(call("c1", "m1"));
    bodies.push(result("c1", "Denied by policy: never."));
    let notice = json!({"code": "tool_denied", "message": "Denied by policy: never."});
    bodies.push(agui(json!({"type": "CUSTOM", "name": "gantry.notice", "value": notice})));
    assert_eq!(one(&assert_sound(&log(bodies)), SpanKind::ToolCall, "c1").state, SpanState::Denied);
}

#[test]
fn turns_that_nobody_records_end_where_the_next_thing_begins() {
    // A project in a container speaks AG-UI and knows nothing of our journal.
    let mut bodies = vec![started(), step("STEP_STARTED", "one")];
    bodies.extend(call("c1", "m1"));
    bodies.push(result("c1", "42"));
    bodies.extend(text("m2", "Done."));
    bodies.extend([step("STEP_FINISHED", "one"), finished("success"), state("done")]);
    let trace = assert_sound(&log(bodies));
    for key in ["m1", "m2"] {
        assert_eq!(one(&trace, SpanKind::ModelTurn, key).state, SpanState::Done);
    }
}

#[test]
fn where_two_steps_work_at_once_turns_and_calls_are_in_their_own() {
    let mut bodies = vec![started(), step("STEP_STARTED", "left"), step("STEP_STARTED", "right")];
    bodies.extend(text("m1", "Left."));
    bodies.extend(call("c1", "m1"));
    let mut record = turn_done("left:0", "m1", 10);
    record["output"]["calls"] = json!([{"id": "c1"}]);
    bodies.push(record);
    let trace = assert_sound(&log(bodies));
    for (kind, key) in [(SpanKind::ModelTurn, "m1"), (SpanKind::ToolCall, "c1")] {
        let parent = one(&trace, kind, key).parent.unwrap();
        assert_eq!(trace.spans()[parent].key, "left", "{kind:?}");
    }
}

/// Any event, in any place: what no runtime writes must not lose anything either.
fn any_body() -> impl Strategy<Value = Vec<Value>> {
    let id = prop_oneof![Just("a"), Just("b")];
    prop_oneof![
        prop_oneof![Just("queued"), Just("running"), Just("waiting"), Just("done"), Just("failed"), Just("cancelled")]
            .prop_map(|word| vec![state(word)]),
        Just(vec![started()]),
        prop_oneof![Just("success"), Just("interrupt"), Just("cancelled")].prop_map(|kind| vec![finished(kind)]),
        Just(vec![agui(json!({"type": "RUN_ERROR", "message": "No."}))]),
        id.clone().prop_map(|name| vec![step("STEP_STARTED", name)]),
        id.clone().prop_map(|name| vec![step("STEP_FINISHED", name)]),
        (id.clone(), 1..4_usize).prop_map(|(id, most)| text(id, "x").into_iter().take(most).collect()),
        (id.clone(), 1..4_usize).prop_map(|(id, most)| call(id, "a").into_iter().take(most).collect()),
        id.clone().prop_map(|id| vec![result(id, "Error: x")]),
        (0..50_i64).prop_map(|tokens| vec![usage(tokens, 1, 1)]),
        (id.clone(), 0..99_999_i64).prop_map(|(id, millis)| vec![turn_done("a:0", id, millis)]),
        prop_oneof![Just("pending"), Just("approved"), Just("denied"), Just("expired"), Just("withdrawn")]
            .prop_map(|word| vec![approval(word)]),
        id.prop_map(|id| vec![agui(
            json!({"type": "CUSTOM", "name": "gantry.discard", "value": {"messageIds": [id]}})
        )]),
        Just(vec![json!({"type": "of.tomorrow"})]),
    ]
}

proptest! {
    #[test]
    fn every_event_of_any_log_is_in_exactly_one_span(bodies in proptest::collection::vec(any_body(), 0..40)) {
        assert_sound(&log(bodies.concat()));
    }
}

#[test]
fn what_is_taken_over_from_another_run_says_so_and_used_nothing() {
    let taken = |value: Value| agui(json!({"type": "CUSTOM", "name": "gantry.takenOver", "value": value}));
    let mut bodies = vec![state("queued"), state("running"), started(), step("STEP_STARTED", "helper")];
    bodies.extend(call("c1", "m1"));
    bodies.push(taken(json!({"runId": "r", "messageId": "m1", "toolCallIds": ["c1"], "edited": false})));
    bodies.push(turn_done("helper:0", "m1", 0));
    bodies.push(result("c1", "43"));
    bodies.push(taken(json!({"runId": "r", "toolCallIds": ["c1"], "edited": true})));
    bodies.push(json!({"type": "step.done", "step": "call:c1", "output": {"content": "43", "elapsedMs": 0}}));
    bodies.extend(text("m2", "It is 43."));
    bodies.extend([usage(20, 4, 150), turn_done("helper:1", "m2", 40)]);
    bodies.extend([step("STEP_FINISHED", "helper"), finished("success"), state("done")]);
    let trace = assert_sound(&log(bodies));
    let of = |kind, key| {
        let span = one(&trace, kind, key);
        (span.taken, span.state, span.input_tokens)
    };
    assert_eq!(of(SpanKind::ModelTurn, "m1"), (Some(Taken::AsItWas), SpanState::Done, 0));
    assert_eq!(of(SpanKind::ToolCall, "c1"), (Some(Taken::Edited), SpanState::Done, 0));
    assert_eq!(of(SpanKind::ModelTurn, "m2"), (None, SpanState::Done, 20));
}

fn told(id: &str, parent: &str, began_ms: i64, ended_ms: i64) -> Value {
    let at = |millis: i64| at(0).plus_millis(millis);
    let value = json!({"traceId": "t", "spanId": id, "parentId": parent, "name": format!("span {id}"), "service": "bot",
        "beganAt": at(began_ms), "endedAt": at(ended_ms), "failed": id == "bad", "message": if id == "bad" { "it broke" } else { "" },
        "attributes": {"gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 5, "gen_ai.tool.call.arguments": "{}"}});
    agui(json!({"type": "CUSTOM", "name": "gantry.span", "value": value}))
}

#[test]
fn spans_of_the_project_find_their_parents_whichever_is_told_first() {
    let mut bodies = vec![state("queued"), state("running"), started()];
    bodies.push(told("leaf", "branch", 30, 40));
    bodies.push(told("bad", "root", 20, 45));
    bodies.push(told("branch", "root", 25, 50));
    bodies.push(told("root", "elsewhere", 20, 60));
    bodies.push(told("late", "branch", 45, 48));
    bodies.push(told("root", "", 1, 2));
    bodies.push(finished("success"));
    bodies.push(state("done"));
    let events = log(bodies);
    let trace = Trace::of(&events);
    let told: Vec<&Span> = trace.spans().iter().filter(|span| span.kind == SpanKind::Project).collect();
    assert_eq!(told.len(), 5, "a span is told once");
    let parent = |key: &str| {
        let span = told.iter().find(|span| span.key == key).unwrap();
        trace.spans()[span.parent.unwrap()].key.clone()
    };
    assert_eq!([parent("leaf"), parent("branch"), parent("late"), parent("root")], ["branch", "root", "branch", ""]);
    let bad = told.iter().find(|span| span.key == "bad").unwrap();
    assert_eq!((bad.state, bad.note.as_str()), (SpanState::Failed, "it broke"));
    assert_eq!((bad.input_tokens, bad.output_tokens, bad.input.as_str()), (7, 5, "{}"));
    assert_eq!(told[0].millis(at(0)), 10);
    let order: Vec<&str> = trace.in_order().iter().map(|(index, _)| trace.spans()[*index].key.as_str()).collect();
    assert_eq!(order.len(), trace.spans().len(), "every span is found from the run");
    let place = |key: &str| order.iter().position(|known| *known == key).unwrap();
    assert!(place("root") < place("branch") && place("branch") < place("leaf"));
    let mut owned: Vec<i64> = trace.spans().iter().flat_map(|span| span.events.clone()).collect();
    owned.sort_unstable();
    assert_eq!(owned.len(), events.len(), "no event is without a span");
}

#[test]
fn a_clock_that_is_wrong_is_shown_and_moves_nothing_else() {
    let hour = 3_600_000;
    let bodies = vec![
        state("running"),
        started(),
        told("early", "", -hour, 5),
        told("late", "", 5, hour),
        told("turned", "", 20, 10),
        state("done"),
    ];
    let trace = Trace::of(&log(bodies));
    let note = |key: &str| trace.spans().iter().find(|span| span.key == key).unwrap().note.clone();
    assert!(note("early").contains("before the run did") && note("late").contains("after it was told of"));
    assert!(note("turned").contains("before it began"));
    let early = trace.spans().iter().find(|span| span.key == "early").unwrap();
    assert_eq!(early.began_at, at(0).plus_millis(-hour), "as it said");
    let (began, ended) = trace.reach(at(100)).unwrap();
    assert!(ended.millis_since(began) < 1_000, "the run is drawn in its own time");
}

#[test]
fn spans_that_are_each_in_the_other_are_still_found() {
    let bodies =
        vec![state("running"), told("a", "b", 1, 2), told("b", "c", 1, 2), told("c", "a", 1, 2), told("d", "d", 1, 2)];
    let trace = Trace::of(&log(bodies));
    assert_eq!(trace.in_order().len(), trace.spans().len());
}
