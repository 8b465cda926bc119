//! The fold of a run's events, told as small stories.

use gantry_domain::api::run::{PermissionMode, RunRuntime};
use gantry_domain::spec::Effect;
use serde_json::json;
use uuid::Uuid;

use super::*;

fn run() -> Run {
    Run {
        id: Uuid::nil(),
        project_id: Uuid::nil(),
        session_id: None,
        job_id: Uuid::nil(),
        input: "What is 2 + 2?".to_owned(),
        output: Some("4".to_owned()),
        mode: PermissionMode::Ask,
        provider_id: None,
        model: "rehearsal".to_owned(),
        runtime: RunRuntime::Native,
        revision: None,
        image: None,
        taken_from: None,
        state: JobState::Queued,
        reason: None,
        usage: Usage::default(),
        created_at: Timestamp::from_micros(0),
        started_at: None,
        finished_at: None,
    }
}

/// Events from their wire form, 10 milliseconds apart; a name in capitals is one of AG-UI's.
fn events(bodies: &[Value]) -> Vec<Event> {
    let envelope = |(index, body): (usize, &Value)| {
        let mut event = json!({
            "seq": index + 1,
            "at": Timestamp::from_micros(index as i64 * 10_000).to_string(),
            "jobId": Uuid::nil(),
        });
        let fields = event.as_object_mut().unwrap();
        if body["type"].as_str().unwrap().chars().all(|c| c.is_ascii_uppercase() || c == '_') {
            fields.insert("type".to_owned(), json!("run.event"));
            fields.insert("runId".to_owned(), json!(Uuid::nil()));
            fields.insert("event".to_owned(), body.clone());
        } else {
            fields.extend(body.as_object().unwrap().clone());
        }
        serde_json::from_value(event).unwrap()
    };
    bodies.iter().enumerate().map(envelope).collect()
}

fn fold(bodies: &[Value]) -> Turn {
    let mut turn = Turn::new(&run());
    for event in events(bodies) {
        turn.apply(&event);
    }
    turn
}

fn approval(decision: &str, arguments: Value) -> Value {
    json!({
        "id": Uuid::nil(), "runId": Uuid::nil(), "toolCallId": "c1", "tool": "send", "effect": Effect::Network,
        "arguments": arguments, "decision": decision, "requestedAt": "2026-11-21T08:00:00Z",
        "expiresAt": "2026-11-21T08:10:00Z", "decidedAt": null, "decidedBy": null,
    })
}

fn started() -> Vec<Value> {
    vec![
        json!({"type": "job.state", "state": "running", "attempt": 1}),
        json!({"type": "RUN_STARTED", "threadId": "t", "runId": "r", "protocolVersion": "1.0"}),
    ]
}

fn a_call() -> Vec<Value> {
    vec![
        json!({"type": "TOOL_CALL_START", "toolCallId": "c1", "toolCallName": "send"}),
        json!({"type": "TOOL_CALL_ARGS", "toolCallId": "c1", "delta": "{\"to\":"}),
        json!({"type": "TOOL_CALL_ARGS", "toolCallId": "c1", "delta": "\"a\"}"}),
        json!({"type": "TOOL_CALL_END", "toolCallId": "c1"}),
    ]
}

#[test]
fn text_and_calls_appear_in_the_order_in_which_they_came() {
    let mut log = started();
    log.extend([
        json!({"type": "TEXT_MESSAGE_START", "messageId": "m1", "role": "assistant"}),
        json!({"type": "TEXT_MESSAGE_CONTENT", "messageId": "m1", "delta": "Let me "}),
        json!({"type": "TEXT_MESSAGE_CONTENT", "messageId": "m1", "delta": "look."}),
        json!({"type": "TEXT_MESSAGE_END", "messageId": "m1"}),
    ]);
    log.extend(a_call());
    log.extend([
        json!({"type": "TOOL_CALL_RESULT", "messageId": "x", "toolCallId": "c1", "content": "4"}),
        json!({"type": "TEXT_MESSAGE_START", "messageId": "m2", "role": "assistant"}),
        json!({"type": "TEXT_MESSAGE_CONTENT", "messageId": "m2", "delta": "Four."}),
        json!({"type": "job.state", "state": "done", "attempt": 1}),
    ]);
    let turn = fold(&log);
    let keys: Vec<ItemKey> = turn.items.iter().map(Item::key).collect();
    let expected =
        [ItemKey::Message("m1".to_owned()), ItemKey::Call("c1".to_owned()), ItemKey::Message("m2".to_owned())];
    assert_eq!(keys, expected);
    assert_eq!(turn.text(), "Let me look.\n\nFour.");
    let call = turn.calls().next().unwrap();
    assert_eq!((call.state, call.duration_ms), (CallState::Done, Some(10)));
    assert_eq!(call.arguments, r#"{"to":"a"}"#);
    assert!(matches!(&turn.items[2], Item::Message(message) if message.complete));
    assert_eq!(turn.elapsed_ms(Timestamp::from_micros(i64::MAX)), Some((log.len() as i64 - 1) * 10));
    assert!(!turn.is_active());
}

#[test]
fn an_event_that_comes_twice_counts_once() {
    let mut log = started();
    log.push(json!({"type": "TEXT_MESSAGE_CONTENT", "messageId": "m1", "delta": "once"}));
    let mut turn = Turn::new(&run());
    for _ in 0..2 {
        for event in events(&log) {
            turn.apply(&event);
        }
    }
    assert_eq!(turn.text(), "once");
    assert_eq!(turn.last_seq, 3);
}

#[test]
fn a_held_call_waits_and_runs_with_the_arguments_that_the_person_gave() {
    let mut log = started();
    log.extend(a_call());
    log.push(json!({"type": "approval.requested", "approval": approval("pending", json!({"to": "a"}))}));
    assert_eq!(fold(&log).calls().next().unwrap().state, CallState::Waiting);

    log.push(json!({"type": "approval.decided", "approval": approval("approved", json!({"to": "b"}))}));
    let call = fold(&log).calls().next().unwrap().clone();
    assert_eq!((call.state, call.arguments.as_str()), (CallState::Running, r#"{"to":"b"}"#));

    log.push(json!({"type": "TOOL_CALL_RESULT", "messageId": "x", "toolCallId": "c1", "content": "sent"}));
    let call = fold(&log).calls().next().unwrap().clone();
    // The time that the person took is not the tool's.
    assert_eq!((call.state, call.duration_ms), (CallState::Done, Some(10)));
}

#[test]
fn a_denied_call_stays_denied_when_its_answer_says_so() {
    let mut log = started();
    log.extend(a_call());
    log.extend([
        json!({"type": "approval.requested", "approval": approval("pending", json!({}))}),
        json!({"type": "approval.decided", "approval": approval("expired", json!({}))}),
        json!({"type": "TOOL_CALL_RESULT", "messageId": "x", "toolCallId": "c1", "content": "denied"}),
    ]);
    let call = fold(&log).calls().next().unwrap().clone();
    assert_eq!((call.state, call.duration_ms), (CallState::Denied, None));
    assert_eq!(call.result.as_deref(), Some("denied"));
}

#[test]
fn a_stopped_run_leaves_nothing_open() {
    let mut log = started();
    log.push(json!({"type": "TEXT_MESSAGE_CONTENT", "messageId": "m1", "delta": "half"}));
    log.extend(a_call());
    let reason = json!({"code": "cancelled", "message": "Stopped."});
    log.push(json!({"type": "job.state", "state": "cancelled", "attempt": 1, "reason": reason}));
    let turn = fold(&log);
    assert!(matches!(&turn.items[0], Item::Message(message) if message.complete));
    assert_eq!(turn.calls().next().unwrap().state, CallState::Stopped);
    assert_eq!(turn.state, JobState::Cancelled);
}

#[test]
fn what_a_broken_attempt_began_is_forgotten() {
    let mut log = started();
    log.push(json!({"type": "TEXT_MESSAGE_CONTENT", "messageId": "m1", "delta": "half an ans"}));
    log.extend(a_call());
    log.extend([
        json!({"type": "CUSTOM", "name": "gantry.discard", "value": {"messageIds": ["m1"], "toolCallIds": ["c1"]}}),
        json!({"type": "TEXT_MESSAGE_CONTENT", "messageId": "m2", "delta": "a whole answer"}),
    ]);
    assert_eq!(fold(&log).text(), "a whole answer");
    assert_eq!(fold(&log).calls().count(), 0);
}

#[test]
fn usage_notices_and_errors_are_kept() {
    let usage = json!({"inputTokens": 5, "outputTokens": 7, "costMicros": 12, "modelCalls": 1, "toolCalls": 0});
    let mut log = started();
    log.extend([
        json!({"type": "CUSTOM", "name": "gantry.usage", "value": usage}),
        json!({"type": "CUSTOM", "name": "gantry.notice", "value": {"code": "slow", "message": "Slow today."}}),
        json!({"type": "CUSTOM", "name": "gantry.of_tomorrow", "value": 3}),
        json!({"type": "RUN_ERROR", "message": "The endpoint is away.", "code": "model_unreachable"}),
        json!({"type": "job.state", "state": "failed", "attempt": 1}),
    ]);
    let turn = fold(&log);
    assert_eq!((turn.usage.input_tokens, turn.usage.cost_micros), (5, Some(12)));
    assert!(matches!(&turn.items[..], [Item::Notice(notice)] if notice.code == "slow"));
    assert_eq!(turn.reason.unwrap().code, "model_unreachable");
}

#[test]
fn a_tool_that_answers_with_an_error_failed() {
    let mut log = started();
    log.extend(a_call());
    for content in [r#"{"error":"no such host"}"#, "Error: no such host"] {
        let mut log = log.clone();
        log.push(json!({"type": "TOOL_CALL_RESULT", "messageId": "x", "toolCallId": "c1", "content": content}));
        assert_eq!(fold(&log).calls().next().unwrap().state, CallState::Failed, "{content}");
    }
}

#[test]
fn a_call_that_the_mode_refuses_is_denied() {
    let mut log = started();
    log.extend(a_call());
    let text = "send is not run in Safe mode.";
    log.extend([
        json!({"type": "TOOL_CALL_RESULT", "messageId": "x", "toolCallId": "c1", "content": text}),
        json!({"type": "CUSTOM", "name": "gantry.notice", "value": {"code": "tool_denied", "message": text}}),
    ]);
    let call = fold(&log).calls().next().unwrap().clone();
    assert_eq!((call.state, call.duration_ms), (CallState::Denied, None));
}

#[test]
fn the_pieces_of_a_text_are_one_line_of_the_timeline() {
    let mut log = started();
    for _ in 0..40 {
        log.push(json!({"type": "TEXT_MESSAGE_CONTENT", "messageId": "m1", "delta": "x"}));
    }
    let turn = fold(&log);
    assert_eq!(turn.timeline.len(), 3);
    assert_eq!(turn.timeline[2].count, 40);
}

#[test]
fn a_record_shows_the_answer_before_its_events_are_here() {
    assert_eq!(Turn::from_record(&run()).text(), "4");
}
