//! CrewAI: agents that work alone, and a crew that does tasks one after another.

use gantry_domain::matrix::Pattern;

use super::kit::{Kit, Wire};
use super::{File, Project, crewai_flow, pieces, python};

pub(super) static KIT: Kit = Kit {
    means: "with [CrewAI](https://docs.crewai.com/)",
    python: ">=3.11,<3.14",
    dependencies: crewai_flow::DEPENDENCIES,
    lock: crewai_flow::LOCK,
    modules: crewai_flow::MODULES,
    environment: crewai_flow::ENVIRONMENT,
    tools: crewai_flow::tools,
    wire: Wire::PLAIN,
    files,
};

fn files(project: &Project) -> Vec<File> {
    let agent = match project.pattern() {
        Pattern::Sequential => include_str!("../../templates/crewai/agent_sequential.py"),
        Pattern::Supervisor => include_str!("../../templates/crewai/agent_supervisor.py"),
        Pattern::React => include_str!("../../templates/crewai/agent_react.py"),
        // The matrix has no others.
        _ => include_str!("../../templates/crewai/agent_single.py"),
    };
    let role = project.agents.first().map_or("", |agent| agent.role.as_str());
    let own = vec![("role", python::text(role, 0)), ("crew", crewai_flow::crew(project))];
    crewai_flow::project_files(project, pieces::agent(agent, project, own))
}
