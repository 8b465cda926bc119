//! The agents: their names, and what they refer to.

use serde_json::json;

use super::{Findings, MAX_ENTRIES, MAX_INSTRUCTIONS, list_patch};
use crate::spec::{Spec, names};

pub(super) fn check(spec: &Spec, found: &mut Findings) {
    if spec.agents.is_empty() {
        found.error("agents_missing", "/agents", "expected at least one agent: the first is the one that people talk to").fix(
            "Add one",
            json!({"agents": [{"id": "assistant", "role": "Assistant", "instructions": "Help the person you talk to."}]}),
        );
    }
    if spec.agents.len() > MAX_ENTRIES {
        found.error("too_many", "/agents", format!("expected at most {MAX_ENTRIES} agents"));
    }
    for (index, agent) in spec.agents.iter().enumerate() {
        let path = format!("/agents/{index}");
        if !names::is_python_identifier(&agent.id) {
            found.error(
                "identifier_invalid",
                format!("{path}/id"),
                "expected a name of letters, digits and underscores that does not start with a digit and is no Python keyword",
            );
        }
        if let Some(first) = spec.agents[..index].iter().position(|other| other.id.eq_ignore_ascii_case(&agent.id)) {
            found.error(
                "identifier_duplicate",
                format!("{path}/id"),
                format!("/agents/{first} has this name already: every agent needs its own"),
            );
        }
        if agent.role.trim().is_empty() || agent.role.chars().count() > 200 {
            found.error(
                "role_invalid",
                format!("{path}/role"),
                "expected 1 to 200 characters that say what the agent is",
            );
        }
        if agent.instructions.trim().is_empty() || agent.instructions.chars().count() > MAX_INSTRUCTIONS {
            found.error(
                "instructions_invalid",
                format!("{path}/instructions"),
                format!("expected 1 to {MAX_INSTRUCTIONS} characters that tell the agent what to do"),
            );
        }
        if !spec.models.contains_key(&agent.model) {
            found
                .error(
                    "model_unknown",
                    format!("{path}/model"),
                    format!("there is no model {:?} in models", agent.model),
                )
                .fix(
                    "Use default",
                    list_patch("agents", &spec.agents, |agents| agents[index].model = "default".to_owned()),
                );
        }
        if !(1..=100).contains(&agent.max_steps) {
            found
                .error("limit_out_of_range", format!("{path}/maxSteps"), "expected 1 to 100 model calls")
                .fix("Use 8", list_patch("agents", &spec.agents, |agents| agents[index].max_steps = 8));
        }
        for (position, id) in agent.tools.iter().enumerate() {
            let path = format!("{path}/tools/{position}");
            let without = || list_patch("agents", &spec.agents, |agents| drop(agents[index].tools.remove(position)));
            if !spec.tools.iter().any(|tool| tool.id == *id) {
                found
                    .error("tool_unknown", path, format!("there is no tool named {id:?} in tools"))
                    .fix("Remove it", without());
            } else if agent.tools[..position].contains(id) {
                found.error("tool_listed_twice", path, "expected every tool once").fix("Remove it", without());
            }
        }
        for (position, id) in agent.handoffs.iter().enumerate() {
            let path = format!("{path}/handoffs/{position}");
            let without = || list_patch("agents", &spec.agents, |agents| drop(agents[index].handoffs.remove(position)));
            if *id == agent.id {
                found
                    .error("agent_itself", path, "expected another agent: this one has the conversation already")
                    .fix("Remove it", without());
            } else if !spec.agents.iter().any(|other| other.id == *id) {
                found
                    .error("agent_unknown", path, format!("there is no agent named {id:?} in agents"))
                    .fix("Remove it", without());
            } else if agent.handoffs[..position].contains(id) {
                found.error("agent_listed_twice", path, "expected every agent once").fix("Remove it", without());
            }
        }
    }
}
