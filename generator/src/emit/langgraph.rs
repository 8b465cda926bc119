//! LangGraph: a graph of the model and its tools, or of one node per task.

use gantry_domain::matrix::Pattern;

use super::react::{fill_agent, fill_model};
use super::{File, Project};

pub(super) fn files(project: &Project) -> Vec<File> {
    let agent = match project.spec.target.pattern {
        Pattern::Sequential => include_str!("../../templates/langgraph/agent_sequential.py"),
        Pattern::React => include_str!("../../templates/langgraph/agent_react.py"),
        _ => include_str!("../../templates/langgraph/agent_single.py"),
    };
    vec![
        File { path: project.source("agent.py"), content: fill_agent(agent, project) },
        File {
            path: project.source("model.py"),
            content: fill_model(include_str!("../../templates/langgraph/model.py"), project),
        },
    ]
}
