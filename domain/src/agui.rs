//! The events of a run, in the language of AG-UI 1.0 (frozen 2026-09-17; the JSON Schema ships with
//! the npm package `@ag-ui/core` 1.0.0).
//!
//! Only the events that Gantry writes are here. They travel inside `run.event` of the envelope in
//! [`crate::event`].

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One AG-UI event. The wire form is `{"type":"TEXT_MESSAGE_CONTENT","messageId":…,"delta":…}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
pub enum AgUiEvent {
    /// A run begins, or continues after an interrupt.
    #[serde(rename_all = "camelCase")]
    RunStarted {
        /// The chat session, or the run itself when there is none.
        thread_id: String,
        /// The run.
        run_id: String,
        /// Always `1.0`.
        protocol_version: String,
    },
    /// A run ended, by success or by an interrupt that waits for a person.
    #[serde(rename_all = "camelCase")]
    RunFinished {
        /// The chat session.
        thread_id: String,
        /// The run.
        run_id: String,
        /// How it ended: `{"type":"success"}`, `{"type":"cancelled"}` or `{"type":"interrupt","interrupts":[…]}`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        outcome: Option<Value>,
    },
    /// A run failed.
    RunError {
        /// What went wrong and what to do, as a sentence.
        message: String,
        /// The stable code.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<String>,
    },
    /// An agent or task begins.
    #[serde(rename_all = "camelCase")]
    StepStarted {
        /// Its id in the spec.
        step_name: String,
    },
    /// An agent or task ended.
    #[serde(rename_all = "camelCase")]
    StepFinished {
        /// Its id in the spec.
        step_name: String,
    },
    /// A message begins.
    #[serde(rename_all = "camelCase")]
    TextMessageStart {
        /// The message.
        message_id: String,
        /// Whose it is: `assistant`.
        role: String,
        /// The id of the agent that speaks, when the pattern has several.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    /// A piece of a message's text.
    #[serde(rename_all = "camelCase")]
    TextMessageContent {
        /// The message.
        message_id: String,
        /// The piece; never empty.
        delta: String,
    },
    /// A message is complete.
    #[serde(rename_all = "camelCase")]
    TextMessageEnd {
        /// The message.
        message_id: String,
    },
    /// The model asks for a tool.
    #[serde(rename_all = "camelCase")]
    ToolCallStart {
        /// The call.
        tool_call_id: String,
        /// The tool's id in the spec.
        tool_call_name: String,
        /// The message that the call belongs to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parent_message_id: Option<String>,
    },
    /// A piece of the call's arguments, as JSON text.
    #[serde(rename_all = "camelCase")]
    ToolCallArgs {
        /// The call.
        tool_call_id: String,
        /// The piece.
        delta: String,
    },
    /// The call's arguments are complete.
    #[serde(rename_all = "camelCase")]
    ToolCallEnd {
        /// The call.
        tool_call_id: String,
    },
    /// What the tool answered.
    #[serde(rename_all = "camelCase")]
    ToolCallResult {
        /// The message that carries the result.
        message_id: String,
        /// The call.
        tool_call_id: String,
        /// The result as text.
        content: String,
        /// Always `tool`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        role: Option<String>,
    },
    /// What AG-UI has no word for.
    ///
    /// * `gantry.usage`: a [`crate::event::Usage`], what the run used so far, after each call of the model.
    /// * `gantry.notice`: `{"code":…,"message":…}`, something that a person should know.
    /// * `gantry.install`: `{"lines":[…]}`, what the installer of a project's packages wrote, in order.
    /// * `gantry.discard`: `{"messageIds":[…],"toolCallIds":[…]}`, what an attempt that broke off had
    ///   begun and the next one does anew: readers forget it.
    /// * `gantry.takenOver`: `{"runId":…,"messageId":…,"toolCallIds":[…],"edited":…}`, what comes from the log of
    ///   another run: a turn, or without `messageId` the answer of the one call. No model was asked for it, no
    ///   tool was run, and it used nothing.
    Custom {
        /// Which of Gantry's own kinds.
        name: String,
        /// Its content.
        value: Value,
    },
}
