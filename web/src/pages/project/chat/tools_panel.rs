//! What the agent may call, and what becomes of a call in the mode that is chosen.

use gantry_domain::api::run::PermissionMode;
use gantry_domain::matrix::Pattern;
use gantry_domain::spec::{Effect, Spec, Tool, ToolSource};
use leptos::prelude::*;

use super::mode::ModePicker;
use super::state::Chat;
use crate::pages::project::CurrentProject;
use crate::pages::project::labels::{effect_word, source_text};
use crate::parts::{Icon, icon};

/// What becomes of a call of a tool, by the rules that the server keeps.
fn verdict(spec: &Spec, tool: &Tool, mode: PermissionMode) -> &'static str {
    if matches!(tool.source, ToolSource::Python { .. } | ToolSource::Typescript { .. }) {
        return "does not run here, only in the project's image";
    }
    if spec.guardrails.deny.contains(&tool.id) {
        return "never runs: the guardrails deny it";
    }
    match (mode, tool.effect) {
        (PermissionMode::Dev, _) | (_, Effect::Read) => "runs",
        (PermissionMode::Ask, _) => "asks you first",
        (PermissionMode::Safe, _) => "is refused",
    }
}

/// How many tools the agents are given.
pub(super) fn tool_count(spec: &Spec) -> usize {
    offered(spec).len()
}

/// The tools that any agent is given; the pattern `single` gives none.
fn offered(spec: &Spec) -> Vec<&Tool> {
    if spec.target.pattern == Pattern::Single {
        return Vec::new();
    }
    spec.tools.iter().filter(|tool| spec.agents.iter().any(|agent| agent.tools.contains(&tool.id))).collect()
}

/// The tools with their effects, and the choice of the mode.
#[component]
pub(super) fn ToolsPanel(chat: Chat) -> impl IntoView {
    let project = CurrentProject::expect();
    let rows = move || {
        let mode = chat.mode.get();
        project.loader.value.with(|project| {
            let spec = &project.as_ref()?.spec;
            let tools = offered(spec);
            if tools.is_empty() {
                let why = if spec.target.pattern == Pattern::Single && !spec.tools.is_empty() {
                    "The pattern of this project gives its agent no tools."
                } else {
                    "This agent has no tools: it answers from what its model knows."
                };
                return Some(view! { <p class="hint">{why}</p> }.into_any());
            }
            let rows = tools.into_iter().map(|tool| {
                view! {
                    <li>
                        <p>{icon(Icon::Tool)} <code>{tool.id.clone()}</code> " " <span class="effect">{effect_word(tool.effect)}</span> <span class="grow"></span> <b>{verdict(spec, tool, mode)}</b></p>
                        <p class="hint">{tool.description.clone()} " " <code>{source_text(&tool.source)}</code></p>
                    </li>
                }
            });
            Some(view! { <ul class="tools-list">{rows.collect_view()}</ul> }.into_any())
        })
    };
    view! {
        <div class="tools-panel" role="region" aria-label="Tools of the agent">
            <div class="row"><span class="muted">"A call"</span> <ModePicker chat/></div>
            {rows}
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn spec(pattern: &str) -> Spec {
        let tool = |id: &str, effect: &str| json!({"id": id, "description": "", "effect": effect, "kind": "builtin", "name": "calculator", "parameters": {}});
        serde_json::from_value(json!({
            "apiVersion": "gantry/v1", "kind": "Agent",
            "metadata": {"name": "a", "version": "0.1.0", "description": ""},
            "target": {"framework": "react", "language": "python", "pattern": pattern},
            "models": {"default": {"model": ""}},
            "agents": [{"id": "helper", "role": "Helper", "instructions": "", "tools": ["look", "send", "drop"]}],
            "tools": [tool("look", "read"), tool("send", "write"), tool("drop", "exec"), tool("nobodys", "read")],
            "guardrails": {"deny": ["drop"]},
        }))
        .unwrap()
    }

    #[test]
    fn the_panel_says_what_the_server_does() {
        let spec = spec("react");
        let in_mode = |mode| offered(&spec).into_iter().map(|tool| verdict(&spec, tool, mode)).collect::<Vec<_>>();
        let never = "never runs: the guardrails deny it";
        assert_eq!(in_mode(PermissionMode::Safe), ["runs", "is refused", never]);
        assert_eq!(in_mode(PermissionMode::Ask), ["runs", "asks you first", never]);
        assert_eq!(in_mode(PermissionMode::Dev), ["runs", "runs", never]);
        assert_eq!(tool_count(&self::spec("single")), 0);
    }
}
