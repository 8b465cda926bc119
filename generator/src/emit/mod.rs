//! A spec becomes the files of a project.
//!
//! The files are templates whose slots take only text of the file's own language ([`language`]);
//! what depends on the framework is in the module of its name, what does not is in the others.
//!
//! # How a framework is added
//!
//! One module `<framework>.rs` with a `static KIT: Kit`, its templates in `templates/<framework>/`,
//! and a line in [`kit::of`]. Everything else follows from the kit:
//!
//! | part of the kit | who uses it |
//! |---|---|
//! | `means` | README and AGENTS.md: "Written {means}." |
//! | `python`, `dependencies`, `lock`, `modules` | `packaging`: pyproject, lock, and the package names that would hide a module |
//! | `environment` | `__init__.py` sets these before anything is imported (telemetry off, and the like) |
//! | `tools` | [`tools`]: what `tools.py` imports, and the registry `TOOLS` at its end |
//! | `wire` | `contract`: how it deviates on the wire from plain chat completions; the generated tests and stand-ins follow it |
//! | `files` | `agent.py` and `model.py`, and what else the framework needs |
//!
//! `agent.py` has `run(messages) -> Iterator[Event]`, `model.py` has `ConfigurationError` and
//! `ModelError`; the generated tests know no other name of either. [`pieces`] has what agents and
//! models look like in code for all who write them alike: use it, or write your own with the
//! constructors of [`python`]. What a spec means for a project is asked of [`Project`]: who has
//! something to do, in which order, with which tools.
//!
//! What every pattern does, whatever the framework (`templates/tests/contract_*.py` checks it):
//!
//! * sequential, parallel, graph: a step per task, named after it.
//! * router: a step around the chosen agent, named after it. A choice of nobody goes back as an error.
//! * supervisor: a step around each specialist that is asked, inside of `ToolCalled("ask_<agent>")` and its `ToolAnswered`.
//! * handoff: a step for each agent that has the conversation, the first one included.
//! * parallel with several last tasks: `## <task>`, an empty line, its result; for each, in the order of the spec.
//!
//! The TypeScript target shares packaging, documents and [`walk`]; its tools, events, server and
//! tests are in `typescript`.

mod agent_framework;
mod contract;
mod crewai;
mod crewai_flow;
mod documents;
mod google_adk;
mod kit;
mod langgraph;
mod language;
mod llamaindex;
mod openai_agents;
mod openai_agents_typescript;
mod packaging;
mod pieces;
mod pydantic_ai;
mod python;
mod react;
mod strands;
mod template;
mod tool_tests;
mod tools;
mod typescript;
mod typescript_tests;
mod walk;
mod watsonx_orchestrate;

use std::collections::BTreeSet;

use gantry_domain::matrix::diagnose::{diagnose, is_sound};
use gantry_domain::matrix::{Diagnostic, Framework, Language, Pattern};
use gantry_domain::spec::{self, Agent, Spec, Task, Tool};

use kit::Kit;

pub use kit::{Move, moves};
pub use packaging::package_name;
pub(crate) use packaging::summary;

/// A generated file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Path within the project, with `/` between its parts; relative and safe.
    pub path: String,
    /// Its text.
    pub content: String,
}

/// Writes a project's files, in the order of their paths. The same spec gives the same bytes.
///
/// # Errors
///
/// Everything found in the spec, when some of it is an error.
pub fn emit(spec: &Spec) -> Result<Vec<File>, Vec<Diagnostic>> {
    let found = diagnose(spec);
    // The diagnosis refuses what the matrix does not have, so a framework without a kit is refused as well.
    let Some(kit) = kit::of(spec.target.framework).filter(|_| is_sound(&found)) else {
        return Err(found);
    };
    let project = Project::new(spec, kit);
    let mut files = (kit.files)(&project);
    // What runs on IBM's service has nothing in common with what is run as a program.
    if spec.target.framework != Framework::WatsonxOrchestrate {
        files.extend(packaging::files(&project));
        files.extend(documents::files(&project));
        if spec.target.framework.language() == Language::Python {
            files.extend(tools::files(&project));
            files.extend(contract::files(&project));
        }
    }
    files.push(File { path: spec::FILE_NAME.to_owned(), content: spec::yaml::write(spec) });
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// What a project's agent tells other agents of itself (A2A 1.0, AgentCard), without the place where it is;
/// none for a framework whose projects serve no card.
pub fn agent_card(spec: &Spec) -> Option<serde_json::Value> {
    let kit = kit::of(spec.target.framework).filter(|_| spec.target.framework != Framework::WatsonxOrchestrate)?;
    Some(documents::card(&Project::new(spec, kit)))
}

/// A variable of the environment that a running project reads.
pub(crate) struct Setting {
    /// Its name.
    pub(crate) name: String,
    /// Whether nothing runs without it.
    pub(crate) is_required: bool,
}

/// What a project's image is told by its environment; none for a framework whose projects become no image.
pub(crate) fn settings(spec: &Spec) -> Option<Vec<Setting>> {
    let kit = kit::of(spec.target.framework).filter(|_| spec.target.framework != Framework::WatsonxOrchestrate)?;
    let variables = packaging::variables(&Project::new(spec, kit));
    // Where it listens is the image's own affair.
    let settings = variables.into_iter().filter(|(name, _, _)| !matches!(name.as_str(), "PORT" | "AGENT_URL"));
    Some(settings.map(|(name, meaning, _)| Setting { name, is_required: meaning.ends_with("(required)") }).collect())
}

/// A sound spec, seen from the project that it becomes.
struct Project<'a> {
    spec: &'a Spec,
    /// What the framework brings.
    kit: &'static Kit,
    /// The package's name: valid in Python and nobody else's.
    package: String,
    /// The tasks, none unless the pattern has tasks: for `sequential` in the order in which they are
    /// done, otherwise in the order of the spec.
    tasks: Vec<&'a Task>,
    /// The agents that get something to do, in the order of the spec; the first is the one that
    /// people talk to, unless the pattern has tasks.
    agents: Vec<&'a Agent>,
    /// The tools that one of these agents may call, in the order of the spec.
    tools: Vec<&'a Tool>,
}

impl<'a> Project<'a> {
    fn new(spec: &'a Spec, kit: &'static Kit) -> Self {
        let tasks: Vec<&Task> = match spec.target.pattern {
            Pattern::Sequential => {
                let order = spec::task_order(&spec.tasks).unwrap_or_default();
                order.into_iter().map(|index| &spec.tasks[index]).collect()
            }
            Pattern::Parallel | Pattern::Graph => spec.tasks.iter().collect(),
            _ => Vec::new(),
        };
        let agents: Vec<&Agent> = match spec.target.pattern {
            Pattern::Single | Pattern::React => spec.agents.iter().take(1).collect(),
            Pattern::Router | Pattern::Supervisor => spec.agents.iter().collect(),
            Pattern::Handoff => {
                let reached = reached(&spec.agents);
                spec.agents.iter().filter(|agent| reached.contains(agent.id.as_str())).collect()
            }
            Pattern::Sequential | Pattern::Parallel | Pattern::Graph => {
                spec.agents.iter().filter(|agent| tasks.iter().any(|task| task.agent == agent.id)).collect()
            }
        };
        let tools =
            spec.tools.iter().filter(|tool| agents.iter().any(|agent| agent.tools.contains(&tool.id))).collect();
        Self { spec, kit, package: package_name(spec.metadata.name.as_str()), tasks, agents, tools }
    }

    fn pattern(&self) -> Pattern {
        self.spec.target.pattern
    }

    fn agent(&self, id: &str) -> Option<&'a Agent> {
        self.agents.iter().find(|agent| agent.id == id).copied()
    }

    /// The agents beside the one that people talk to; none if the pattern has tasks.
    fn others(&self) -> &[&'a Agent] {
        match self.pattern() {
            Pattern::Router | Pattern::Supervisor | Pattern::Handoff => self.agents.get(1..).unwrap_or_default(),
            _ => &[],
        }
    }

    fn has_tasks(&self) -> bool {
        !self.tasks.is_empty()
    }

    /// The loop with tools is written for the pattern react even when there is none yet: the person
    /// chose it, and adds tools next.
    fn has_tools(&self) -> bool {
        !self.tools.is_empty() || self.pattern() == Pattern::React
    }

    /// Whether a run tells of calls: of tools, or of specialists.
    fn has_calls(&self) -> bool {
        self.has_tools() || self.pattern() == Pattern::Supervisor
    }

    /// Whether a run tells of steps.
    fn has_steps(&self) -> bool {
        !matches!(self.pattern(), Pattern::Single | Pattern::React)
    }

    /// The tasks that nothing waits for, in the order of the spec: their results are the answer of `parallel`.
    fn last_tasks(&self) -> Vec<&'a Task> {
        let is_last = |task: &&Task| !self.spec.tasks.iter().any(|other| other.depends_on.contains(&task.id));
        self.spec.tasks.iter().filter(is_last).collect()
    }

    /// The ids of the tasks that a task waits for, directly or not.
    fn before(&self, task: &'a Task) -> BTreeSet<&'a str> {
        let mut before = BTreeSet::new();
        let mut open = vec![task];
        while let Some(task) = open.pop() {
            for id in &task.depends_on {
                if before.insert(id.as_str()) {
                    open.extend(self.spec.tasks.iter().filter(|other| other.id == *id));
                }
            }
        }
        before
    }

    fn source(&self, name: &str) -> String {
        match self.spec.target.framework.language() {
            Language::Python => format!("src/{}/{name}", self.package),
            Language::Typescript => format!("src/{name}"),
        }
    }
}

/// The agents that the conversation can come to by handoffs.
fn reached(agents: &[Agent]) -> BTreeSet<&str> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&Agent> = agents.iter().take(1).collect();
    while let Some(agent) = open.pop() {
        if reached.insert(agent.id.as_str()) {
            open.extend(agents.iter().filter(|other| agent.handoffs.contains(&other.id)));
        }
    }
    reached
}
