//! What a request says: the message, who is meant, and how it is to be answered.

use gantry_domain::api::approval::DecideApproval;
use gantry_domain::api::run::PermissionMode;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::Refused;

/// A2A's `SendMessageRequest`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SendParams {
    /// The agent, where the instance is asked.
    #[serde(default)]
    tenant: String,
    pub(super) message: Message,
    #[serde(default)]
    pub(super) configuration: Configuration,
    /// `{"gantry": {"model": "provider/model", "mode": "safe|ask|dev"}}`, `{"agent": "name"}`; all may be left out.
    #[serde(default)]
    metadata: Value,
}

/// A2A's `SendMessageConfiguration`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Configuration {
    accepted_output_modes: Vec<String>,
    pub(super) task_push_notification_config: Option<Value>,
    pub(super) history_length: Option<i64>,
    pub(super) return_immediately: bool,
}

/// A2A's `Message`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Message {
    #[serde(default)]
    context_id: String,
    #[serde(default)]
    task_id: String,
    #[serde(default)]
    role: String,
    #[serde(default)]
    parts: Vec<Part>,
    #[serde(default)]
    metadata: Value,
}

/// A2A's `Part`.
#[derive(Deserialize)]
struct Part {
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    data: Option<Value>,
}

/// A2A's `GetTaskRequest`, `CancelTaskRequest` and `SubscribeToTaskRequest`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TaskParams {
    pub(super) id: String,
    #[serde(default)]
    pub(super) history_length: Option<i64>,
}

/// Who answers, and what tools may do.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    pub(super) model: Option<String>,
    pub(super) mode: Option<PermissionMode>,
}

/// What was decided about held calls.
pub(super) enum Answers {
    /// The same about all.
    All(bool),
    /// About some, by their ids.
    Some(Vec<(Uuid, DecideApproval)>),
}

/// A decision, as a part of data.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Decision {
    interrupt_id: Option<Uuid>,
    approved: bool,
    #[serde(default)]
    arguments: Option<Value>,
}

const EXPECTED_DECISION: &str = "The task waits for an approval: expected a part with data {\"approved\": true} or {\"approved\": false}, with interruptId for one of several calls and arguments to use in place of the model's, or the text approve or deny.";

impl SendParams {
    /// Refuses what could not be answered as it is asked for.
    pub(super) fn check(&self) -> Result<(), Refused> {
        if !matches!(self.message.role.as_str(), "ROLE_USER" | "ROLE_UNSPECIFIED" | "") {
            return Err(Refused::invalid("Expected a message whose role is ROLE_USER."));
        }
        let modes = &self.configuration.accepted_output_modes;
        let takes_text =
            |mode: &String| matches!(mode.as_str(), "text/plain" | "text/*" | "*/*" | "text" | "text/markdown");
        if !modes.is_empty() && !modes.iter().any(takes_text) {
            return Err(Refused::new(
                -32_005,
                "CONTENT_TYPE_NOT_SUPPORTED",
                "Agents here answer with text: expected text/plain among acceptedOutputModes.",
            ));
        }
        Ok(())
    }

    /// The agent that is named, where the instance is asked.
    pub(super) fn agent(&self) -> Option<&str> {
        let named =
            [Some(self.tenant.as_str()), self.message.metadata["agent"].as_str(), self.metadata["agent"].as_str()];
        named.into_iter().flatten().map(str::trim).find(|name| !name.is_empty())
    }

    pub(super) fn wanted(&self) -> Result<Wanted, Refused> {
        let given =
            [&self.metadata["gantry"], &self.message.metadata["gantry"]].into_iter().find(|given| !given.is_null());
        match given {
            None => Ok(Wanted::default()),
            Some(given) => Wanted::deserialize(given).map_err(|error| {
                Refused::invalid(format!(
                    "metadata.gantry cannot be read ({error}): expected model and mode, safe, ask or dev."
                ))
            }),
        }
    }
}

impl Message {
    pub(super) fn task_id(&self) -> Option<&str> {
        Some(self.task_id.as_str()).filter(|id| !id.is_empty())
    }

    pub(super) fn context_id(&self) -> Option<&str> {
        Some(self.context_id.as_str()).filter(|id| !id.is_empty())
    }

    /// What is said.
    pub(super) fn text(&self) -> Result<String, Refused> {
        if self.parts.iter().any(|part| part.text.is_none() && part.data.is_none()) {
            return Err(Refused::new(
                -32_005,
                "CONTENT_TYPE_NOT_SUPPORTED",
                "Agents here read text: expected parts with text or data, no files.",
            ));
        }
        let said = self.parts.iter().map(|part| match (&part.text, &part.data) {
            (Some(text), _) => text.clone(),
            (None, Some(data)) => data.to_string(),
            (None, None) => String::new(),
        });
        let text = said.collect::<Vec<_>>().join("\n");
        if text.contains('\0') {
            return Err(Refused::invalid("The text has the character U+0000. Take it out."));
        }
        Ok(text)
    }

    /// What was decided about the calls that wait.
    pub(super) fn answers(&self) -> Result<Answers, Refused> {
        let data: Vec<&Value> = self.parts.iter().filter_map(|part| part.data.as_ref()).collect();
        if data.is_empty() {
            return match self.text()?.trim().to_ascii_lowercase().as_str() {
                "approve" => Ok(Answers::All(true)),
                "deny" => Ok(Answers::All(false)),
                _ => Err(Refused::invalid(EXPECTED_DECISION)),
            };
        }
        let mut decided = Vec::with_capacity(data.len());
        for value in &data {
            let decision = Decision::deserialize(*value).map_err(|_| Refused::invalid(EXPECTED_DECISION))?;
            let Some(id) = decision.interrupt_id else {
                return match (data.len(), decision.arguments) {
                    (1, None) => Ok(Answers::All(decision.approved)),
                    _ => Err(Refused::invalid(EXPECTED_DECISION)),
                };
            };
            decided.push((id, DecideApproval { approve: decision.approved, arguments: decision.arguments }));
        }
        Ok(Answers::Some(decided))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(parts: Value) -> Message {
        serde_json::from_value(json!({ "messageId": "m", "role": "ROLE_USER", "parts": parts })).unwrap()
    }

    #[test]
    fn what_is_said_is_text_and_data() {
        let said = message(json!([{"text": "a", "mediaType": "text/plain"}, {"data": {"b": 1}}])).text().unwrap();
        assert_eq!(said, "a\n{\"b\":1}");
        assert_eq!(message(json!([{"raw": "AAAA", "filename": "x"}])).text().unwrap_err().code, -32_005);
        assert_eq!(message(json!([{"text": "\u{0}"}])).text().unwrap_err().code, -32_602);
    }

    #[test]
    fn a_decision_is_a_word_or_data() {
        assert!(matches!(message(json!([{"text": " Approve "}])).answers(), Ok(Answers::All(true))));
        assert!(matches!(message(json!([{"data": {"approved": false}}])).answers(), Ok(Answers::All(false))));
        let id = Uuid::now_v7();
        let one = json!([{"data": {"interruptId": id, "approved": true, "arguments": {"a": 1}}}]);
        let Ok(Answers::Some(decided)) = message(one).answers() else { panic!("no decision") };
        assert_eq!(decided, [(id, DecideApproval { approve: true, arguments: Some(json!({"a": 1})) })]);
        for wrong in [
            json!([{"text": "maybe"}]),
            json!([{"data": {"yes": 1}}]),
            json!([{"data": {"approved": true, "arguments": {}}}]),
        ] {
            assert!(message(wrong.clone()).answers().is_err(), "{wrong}");
        }
    }
}
