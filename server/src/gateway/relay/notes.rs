//! What the gateway itself tells in a run's log, beside what it saw: what was used, and what a person should know.

use gantry_domain::agui::AgUiEvent;
use gantry_domain::event::{EventBody, Usage};
use serde_json::{Value, json};
use uuid::Uuid;

use super::limits::worked_millis;
use crate::app::App;
use crate::gateway::scribe::clean;
use crate::gateway::store::Pass;

/// What the run has used in all.
pub(super) fn usage_event(app: &App, pass: &Pass, usage: Usage) -> EventBody {
    let mut value = serde_json::to_value(usage).unwrap_or_default();
    value["elapsedMs"] = json!(worked_millis(app, pass));
    custom(pass.run_id, "gantry.usage", value)
}

/// Something that a person should know, with its stable code.
pub(in crate::gateway) fn notice(run_id: Uuid, code: &str, message: &str) -> EventBody {
    custom(run_id, "gantry.notice", json!({ "code": code, "message": clean(message) }))
}

fn custom(run_id: Uuid, name: &str, value: Value) -> EventBody {
    EventBody::RunEvent { run_id, event: AgUiEvent::Custom { name: name.to_owned(), value } }
}
