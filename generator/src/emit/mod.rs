//! A spec becomes the files of a project.
//!
//! The files are templates whose slots take only text of the file's own language ([`language`]);
//! what depends on the framework is in the module of its name, what does not is in the others.

mod contract;
mod documents;
mod langgraph;
mod language;
mod packaging;
mod python;
mod react;
mod template;
mod tools;

use gantry_domain::matrix::diagnose::{diagnose, is_sound};
use gantry_domain::matrix::{Diagnostic, Framework, Pattern};
use gantry_domain::spec::{self, Agent, Spec, Task, Tool};

pub use packaging::package_name;

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
    if !is_sound(&found) {
        return Err(found);
    }
    let project = Project::new(spec);
    let mut files = packaging::files(&project);
    files.extend(documents::files(&project));
    files.extend(tools::files(&project));
    files.extend(contract::files(&project));
    files.extend(match spec.target.framework {
        Framework::React => react::files(&project),
        Framework::Langgraph => langgraph::files(&project),
        // No cell of the matrix leads to another: the diagnosis refuses what has no emitter.
        _ => Vec::new(),
    });
    files.push(File { path: spec::FILE_NAME.to_owned(), content: spec::yaml::write(spec) });
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// A sound spec, seen from the project that it becomes.
struct Project<'a> {
    spec: &'a Spec,
    /// The package's name: valid in Python and nobody else's.
    package: String,
    /// The tasks in the order in which they are done; none unless the pattern has tasks.
    tasks: Vec<&'a Task>,
    /// The agents that get something to do, in the order of the spec.
    agents: Vec<&'a Agent>,
    /// The tools that one of these agents may call, in the order of the spec.
    tools: Vec<&'a Tool>,
}

impl<'a> Project<'a> {
    fn new(spec: &'a Spec) -> Self {
        let tasks: Vec<&Task> = if spec.target.pattern == Pattern::Sequential {
            let order = spec::task_order(&spec.tasks).unwrap_or_default();
            order.into_iter().map(|index| &spec.tasks[index]).collect()
        } else {
            Vec::new()
        };
        let agents: Vec<&Agent> = if tasks.is_empty() {
            spec.agents.iter().take(1).collect()
        } else {
            spec.agents.iter().filter(|agent| tasks.iter().any(|task| task.agent == agent.id)).collect()
        };
        let tools =
            spec.tools.iter().filter(|tool| agents.iter().any(|agent| agent.tools.contains(&tool.id))).collect();
        Self { spec, package: package_name(spec.metadata.name.as_str()), tasks, agents, tools }
    }

    fn is_sequential(&self) -> bool {
        !self.tasks.is_empty()
    }

    /// The loop with tools is written for the pattern react even when there is none yet: the person
    /// chose it, and adds tools next.
    fn has_tools(&self) -> bool {
        !self.tools.is_empty() || self.spec.target.pattern == Pattern::React
    }

    fn source(&self, name: &str) -> String {
        format!("src/{}/{name}", self.package)
    }
}
