//! What a framework's module tells the common parts, and how it speaks with a model.

use gantry_domain::matrix::Framework;
use gantry_domain::spec::Spec;

use super::{
    File, Project, agent_framework, crewai, crewai_flow, google_adk, langgraph, llamaindex, openai_agents,
    openai_agents_typescript, pydantic_ai, react, strands, walk, watsonx_orchestrate,
};

/// The kit of a framework; none if nothing is generated for it.
pub(super) fn of(framework: Framework) -> Option<&'static Kit> {
    match framework {
        Framework::React => Some(&react::KIT),
        Framework::Langgraph => Some(&langgraph::KIT),
        Framework::PydanticAi => Some(&pydantic_ai::KIT),
        Framework::GoogleAdk => Some(&google_adk::KIT),
        Framework::AgentFramework => Some(&agent_framework::KIT),
        Framework::OpenaiAgents => Some(&openai_agents::KIT),
        Framework::OpenaiAgentsTypescript => Some(&openai_agents_typescript::KIT),
        Framework::Strands => Some(&strands::KIT),
        Framework::Llamaindex => Some(&llamaindex::KIT),
        Framework::WatsonxOrchestrate => Some(&watsonx_orchestrate::KIT),
        Framework::Crewai => Some(&crewai::KIT),
        Framework::CrewaiFlow => Some(&crewai_flow::KIT),
    }
}

/// What a framework brings.
pub(super) struct Kit {
    /// Ends the sentence "Written …." in documents, as Markdown.
    pub means: &'static str,
    /// The versions of Python that it runs on (PEP 440).
    pub python: &'static str,
    /// What pyproject.toml asks for (PEP 508), by name; for TypeScript `name@range`.
    pub dependencies: &'static [&'static str],
    /// requirements.lock or package-lock.json, every package at an exact version and no address in it.
    pub lock: &'static str,
    /// The modules that installing the lock brings, in words: a package of the same name would hide one.
    pub modules: &'static str,
    /// Environment variables that have to be set before the framework is imported, in order.
    pub environment: &'static [(&'static str, &'static str)],
    /// What surrounds the functions in `tools.py`.
    pub tools: fn(&Project) -> ToolModule,
    /// How it speaks with a model.
    pub wire: Wire,
    /// `agent.py`, `model.py`, and what else it needs.
    pub files: fn(&Project) -> Vec<File>,
}

/// What surrounds the functions in `tools.py`.
#[derive(Default)]
pub(super) struct ToolModule {
    /// Import lines of Python's own modules; sorted and made one with those of the functions.
    pub standard: Vec<&'static str>,
    /// Import lines of installed packages, in order.
    pub installed: Vec<&'static str>,
    /// Import lines of the project's own modules, in order; after those of the functions.
    pub own: Vec<&'static str>,
    /// The end of the module, with the registry `TOOLS`.
    pub end: String,
}

/// How a framework's requests differ from plain chat completions. Start from [`Wire::PLAIN`].
#[derive(Clone, Copy)]
pub(super) struct Wire {
    /// It asks for a stream of server-sent events, at least sometimes.
    pub streams: bool,
    /// How a tool's output is packed in the message that takes it back.
    pub output: Output,
    /// What goes back to the model for arguments that are not JSON, as a regular expression; none if
    /// the framework gives up, which has to be a `ModelError`.
    pub bad_arguments: Option<&'static str>,
    /// How many more calls of the model than `maxSteps` there may be before it is stopped.
    pub extra_steps: u32,
    /// How the model of a router chooses an agent.
    pub route: fn(&str) -> Move,
    /// How the model of a supervisor asks an agent; the request is [`REQUEST`].
    pub ask: fn(&str) -> Move,
    /// How a model passes the conversation on to an agent.
    pub transfer: fn(&str) -> Move,
}

/// What the tests let a supervisor ask for.
pub(super) const REQUEST: &str = "Please look into it";

impl Wire {
    /// What is told in `BRIEF`: functions of the names `transfer_to_<agent>` and `ask_<agent>`.
    pub(super) const PLAIN: Self = Self {
        streams: false,
        output: Output::Plain,
        bad_arguments: Some("^Error: .*JSON"),
        extra_steps: 0,
        route: |agent| Move::call(format!("transfer_to_{agent}"), "{}"),
        ask: |agent| Move::call(format!("ask_{agent}"), format!("{{\"request\": \"{REQUEST}\"}}")),
        transfer: |agent| Move::call(format!("transfer_to_{agent}"), "{}"),
    };
}

/// How a tool's output is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Output {
    /// The text itself.
    Plain,
    /// A JSON object that has it under this key.
    Json(&'static str),
}

/// What a model says to bring a run forward.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move {
    /// It calls a function.
    Call {
        /// The function's name.
        name: String,
        /// Its arguments as JSON.
        arguments: String,
    },
    /// It answers with a text.
    Say(String),
}

impl Move {
    pub(super) fn call(name: impl Into<String>, arguments: impl Into<String>) -> Self {
        Self::Call { name: name.into(), arguments: arguments.into() }
    }
}

/// What a model has to say before the agent with this tool is asked, and what after the tool has
/// returned for the run to end; none if no way leads there. For those who play the model.
pub fn moves(spec: &Spec, tool: &str) -> Option<(Vec<Move>, Vec<String>)> {
    let project = Project::new(spec, of(spec.target.framework)?);
    let tool = project.tools.iter().find(|other| other.id == tool)?;
    let way = walk::to_tool(&project, tool)?;
    Some((way.before, way.after))
}
