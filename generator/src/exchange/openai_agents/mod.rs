//! Projects on the OpenAI Agents SDK, in Python or TypeScript: what a person wrote, and what the hosted
//! builder gives out (its service ends on 2026-11-30).
//!
//! Agents, their instructions, models, handoffs, tools and the order in which code runs them become a
//! spec. The code is read and never run, so what is only known at run time is named with its file and line.

mod agents;
mod flow;
mod settings;
mod tools;

use std::cell::Cell;

use gantry_domain::matrix::{Diagnostic, Framework, Pattern, Severity};

use super::code::{Call, Code, Expr, Place, SourceFile, Statement, Tongue, Unread, entry};
use super::draft::Draft;
use super::{Imported, project, remark};

/// Whether files are a project on this SDK, by what they import.
pub fn is_here(files: &[SourceFile]) -> bool {
    language_of(files).is_some()
}

/// The language of the first file that imports the SDK.
fn language_of(files: &[SourceFile]) -> Option<Tongue> {
    files.iter().filter(|file| !super::code::is_aside(&file.path)).find_map(|file| {
        let tongue = super::code::tongue_of(&file.path)?;
        let imports = |line: &str| match tongue {
            Tongue::Python => ["from agents ", "from agents.", "import agents"]
                .iter()
                .any(|start| line.trim_start().starts_with(start)),
            Tongue::Typescript => line.contains("\"@openai/agents") || line.contains("'@openai/agents"),
        };
        file.text.lines().any(imports).then_some(tongue)
    })
}

/// Reads a project.
///
/// # Errors
///
/// When there is no agent in it that could be read.
pub fn import(files: &[SourceFile]) -> Result<Imported, Vec<Diagnostic>> {
    let Some(tongue) = language_of(files) else {
        return Err(vec![remark(
            Severity::Error,
            "format_unknown",
            "",
            "expected code that imports the OpenAI Agents SDK: agents in Python, @openai/agents in TypeScript",
        )]);
    };
    let (code, unread) = Code::read(files, tongue);
    let mut reader = Reader {
        code: &code,
        tongue,
        draft: Draft::default(),
        agents: Vec::new(),
        tools: Vec::new(),
        asked: Vec::new(),
        ids: Vec::new(),
        budget: Cell::new(100_000),
    };
    say_unread(&code, &unread, &mut reader.draft);
    reader.read_agents();
    if reader.agents.is_empty() {
        let mut found = reader.draft.found;
        found.push(remark(
            Severity::Error,
            "agents_missing",
            "",
            "expected at least one Agent(…) whose name and instructions stand in the code; an agent that is only \
             put together at run time cannot be read",
        ));
        return Err(found);
    }
    reader.read_changes();
    reader.ids = reader.draft.agents.iter().map(|agent| agent.id.clone()).collect();
    let pattern = reader.pattern();
    let framework = match tongue {
        Tongue::Python => Framework::OpenaiAgents,
        Tongue::Typescript => Framework::OpenaiAgentsTypescript,
    };
    let (name, description) =
        project::name_and_description(files, reader.draft.agents.first().map(|agent| agent.id.as_str()));
    Ok(reader.draft.finish(&name, description, framework, pattern))
}

/// Says which files were not read, or only in part.
pub(super) fn say_unread(code: &Code, unread: &[Unread], draft: &mut Draft) {
    for file in unread {
        draft.warn("file_left_out", &file.path, format!("{} was not read: {}", file.path, file.why));
    }
    for module in &code.modules {
        if let Some(line) = module.broken_at {
            draft.warn(
                "code_broken",
                format!("{}:{line}", module.path),
                "this is not valid code, so what stands around it may have been misread",
            );
        }
    }
}

/// An agent that was found.
struct Found {
    /// Where it is made.
    at: Place,
    /// Its index in the draft.
    index: usize,
}

struct Reader<'c> {
    code: &'c Code,
    tongue: Tongue,
    draft: Draft,
    agents: Vec<Found>,
    /// Tools that were read, by where they stand.
    tools: Vec<(Place, String)>,
    /// Who asks whom as a tool.
    asked: Vec<(usize, usize)>,
    /// The agents' ids by index, whatever their order becomes.
    ids: Vec<String>,
    /// How many more expressions the walk through the order of things may look at.
    budget: Cell<u32>,
}

/// The arguments of a call: named ones in Python, one object in TypeScript.
struct Given<'c> {
    code: &'c Code,
    call: &'c Call,
    options: Option<Expr>,
}

impl<'c> Given<'c> {
    fn new(code: &'c Code, tongue: Tongue, call: &'c Call) -> Self {
        let options = match tongue {
            Tongue::Python => None,
            Tongue::Typescript => call.positional().next().map(|first| code.value(first)),
        };
        Self { code, call, options }
    }

    /// An argument by its name in Python, and its position if it may stand there.
    fn get(&self, name: &str, position: usize) -> Option<Expr> {
        match &self.options {
            None => self.call.argument(name, position).cloned(),
            Some(options) => entry(options, &camel(name)),
        }
    }

    fn text(&self, name: &str, position: usize) -> Option<String> {
        self.get(name, position).and_then(|value| self.code.words(&value)).map(|words| words.text)
    }

    /// All names that are given.
    fn names(&self) -> Vec<(String, Place)> {
        use super::code::Form;
        match self.options.as_ref().map(|options| &options.form) {
            Some(Form::Map(entries)) => entries
                .iter()
                .map(|(key, value)| match value {
                    Some(_) => (snake(&key.as_plain().unwrap_or_default()), key.at),
                    None => ("**".to_owned(), key.at),
                })
                .collect(),
            Some(_) => Vec::new(),
            None => self
                .call
                .arguments
                .iter()
                .filter_map(|(name, value)| name.clone().map(|name| (name, value.at)))
                .collect(),
        }
    }
}

/// `handoff_description` as TypeScript writes it.
fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut letters = part.chars();
        if let Some(first) = letters.next() {
            whole.push(first.to_ascii_uppercase());
            whole.push_str(letters.as_str());
        }
    }
    whole
}

/// `handoffDescription` as Python writes it.
fn snake(name: &str) -> String {
    let mut whole = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            whole.push('_');
        }
        whole.push(letter.to_ascii_lowercase());
    }
    whole
}

impl Reader<'_> {
    /// Whether a call's callee is this name of the SDK's, and not one of the project's own.
    fn is_of_sdk(&self, callee: &Expr, name: &str) -> bool {
        // `Agent[Context](…)`
        let callee = match &callee.form {
            super::code::Form::Index(base, _) => base,
            _ => callee,
        };
        if callee.last_name() != Some(name) {
            return false;
        }
        match self.code.module_of(callee) {
            Some(module) => module == "agents" || module.starts_with("agents.") || module.starts_with("@openai/agents"),
            // `from agents import *`; a name that the project defines is its own.
            None => {
                matches!(&callee.form, super::code::Form::Name(name) if self.code.look_up(name, callee.at).is_none())
            }
        }
    }

    fn statements(&self) -> Vec<&[Statement]> {
        self.code.modules.iter().map(|module| module.statements.as_slice()).collect()
    }

    /// How the agents work together, with what that means for their order and tasks.
    fn pattern(&mut self) -> Pattern {
        let (runs, pattern) = self.read_flow();
        if let Some(pattern) = pattern {
            return pattern;
        }
        let has_handoffs = self.draft.agents.iter().any(|agent| !agent.handoffs.is_empty());
        if has_handoffs {
            for (from, to) in std::mem::take(&mut self.asked) {
                let (asking, asked) = (self.draft.agents[from].id.clone(), self.draft.agents[to].id.clone());
                self.draft.warn(
                    "tool_as_handoff",
                    "/agents",
                    format!(
                        "{asking} asks {asked} as a tool there; beside handoffs it passes the conversation on here"
                    ),
                );
                self.draft.hand_on(from, to);
            }
            let ids = self.draft.agents.iter().map(|agent| agent.id.clone());
            let never_given: Option<usize> = ids
                .enumerate()
                .find(|(_, id)| !self.draft.agents.iter().any(|agent| agent.handoffs.contains(id)))
                .map(|(index, _)| index);
            let with_handoffs = self.draft.agents.iter().position(|agent| !agent.handoffs.is_empty());
            let run = runs.iter().copied().find(|index| !self.draft.agents[*index].handoffs.is_empty());
            let never_given = never_given.filter(|index| !self.draft.agents[*index].handoffs.is_empty());
            self.draft.put_first(run.or(never_given).or(with_handoffs).unwrap_or(0));
            return Pattern::Handoff;
        }
        if let Some((from, _)) = self.asked.first().copied() {
            let nested = self.asked.iter().any(|(asking, _)| *asking != from);
            let top =
                runs.iter().copied().find(|run| self.asked.iter().any(|(asking, _)| asking == run)).unwrap_or(from);
            if nested {
                let top = self.draft.agents[top].id.clone();
                self.draft.warn(
                    "levels_flattened",
                    "/agents",
                    format!("several agents ask others as tools there; here {top} asks all of them"),
                );
            }
            self.draft.put_first(top);
            return Pattern::Supervisor;
        }
        self.draft.put_first(runs.first().copied().unwrap_or(0));
        let has_tools = self.draft.agents.first().is_some_and(|agent| !agent.tools.is_empty());
        if has_tools { Pattern::React } else { Pattern::Single }
    }
}
