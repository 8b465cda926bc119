//! Approvals: tool calls that wait for a person.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::Timestamp;
use crate::spec::Effect;

/// A held tool call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// Its id.
    pub id: Uuid,
    /// The run that waits.
    pub run_id: Uuid,
    /// The call within the run.
    pub tool_call_id: String,
    /// The tool's id in the spec.
    pub tool: String,
    /// What the tool may do to the world.
    pub effect: Effect,
    /// The arguments the model asked for, or the person's edited ones.
    pub arguments: Value,
    /// What was decided.
    pub decision: ApprovalDecision,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When it is denied by itself.
    pub expires_at: Timestamp,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
    /// Who decided: a user's or token's name; none when the time ran out.
    pub decided_by: Option<String>,
}

/// What was decided about a held tool call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "database", derive(sqlx::Type))]
#[cfg_attr(feature = "database", sqlx(type_name = "text", rename_all = "lowercase"))]
#[serde(rename_all = "lowercase")]
pub enum ApprovalDecision {
    /// Nobody has decided yet.
    Pending,
    /// The call may go ahead.
    Approved,
    /// The call is answered with "denied".
    Denied,
    /// The time ran out, which counts as denied.
    Expired,
    /// The run was stopped before anybody decided.
    Withdrawn,
}

/// A person's decision: the body of `POST /approvals/{id}:decide`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DecideApproval {
    /// `true` lets the call go ahead.
    pub approve: bool,
    /// Arguments to use in place of the model's.
    #[serde(default)]
    pub arguments: Option<Value>,
}
