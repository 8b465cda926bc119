//! What agents, tasks and models look like in Python, for every framework that writes them alike.
//!
//! [`agent`] fills a template of `agent.py`, [`model`] one of `model.py`. The slots that a template
//! of `agent.py` may use are in [`slot`], its conditions in [`conditions`]; a framework adds its own.

use gantry_domain::matrix::Pattern;
use gantry_domain::spec::{Condition, MemoryKind};

use super::language::{Language as _, Python};
use super::template::{self, fill};
use super::{File, Project, packaging, python};

/// A name in a template and what stands there.
pub(super) type Slot = (&'static str, Python);

/// A name in a template and whether it holds.
pub(super) type When = (&'static str, bool);

/// Fills a template of `agent.py`.
pub(super) fn agent(template: &str, project: &Project, own: Vec<Slot>) -> String {
    let conditions = conditions(project);
    let mut slots = own;
    for name in template::slots_of(template) {
        if slots.iter().all(|(known, _)| *known != name) {
            slots.extend(slot(project, name, &conditions));
        }
    }
    fill(template, &slots, &conditions)
}

/// Fills a part of `agent.py` for a slot of its template: without the line break at its end.
pub(super) fn part(template: &str, project: &Project) -> Python {
    Python::of(agent(template, project, Vec::new()).trim_end_matches('\n').to_owned())
}

/// What a template of `agent.py` may ask for.
///
/// `tools`: there are tools. `several`: the agents are in a table. `many`: agents know of one another.
/// `limited`: agents have a limit of steps. `calls`: a run tells of calls. `tasks`: there are tasks.
/// The others are patterns, or pieces of the spec.
pub(super) fn conditions(project: &Project) -> Vec<When> {
    let pattern = project.pattern();
    let mut conditions: Vec<When> = Pattern::ALL.into_iter().map(|known| (known.as_str(), known == pattern)).collect();
    conditions.extend([
        ("tools", project.has_tools()),
        ("several", project.has_steps()),
        ("many", !project.others().is_empty()),
        ("limited", project.has_tools() || !project.others().is_empty()),
        ("calls", project.has_calls()),
        ("tasks", project.has_tasks()),
        ("no_memory", project.spec.memory.kind == MemoryKind::None),
    ]);
    conditions
}

/// What a template of `agent.py` may have filled in.
///
/// * `docstring`; `package`; `window`: `[-1:]` if the agent remembers nothing, else empty.
/// * of the first agent: `first` (its id as a string), `instructions`, `model`, `max_steps`.
/// * `agents`, `tasks`, `edges`: the classes and tables of `templates/pieces`, as parts or as entries:
///   `{{ agents }}` is class and table, `{{ task }}` the class, `{{ tasks }}` the entries of the list,
///   `{{ edges_class }}` the class, `{{ edges }}` the entries; `{{ brief }}` and `{{ before }}` functions.
/// * of the graph: `start`, `graph_steps`.
fn slot(project: &Project, name: &str, conditions: &[When]) -> Option<Slot> {
    let first = project.agents.first()?;
    let spec = project.spec;
    let graph = spec.graph.as_ref();
    let piece = |template: &str, slots: &[Slot]| {
        Python::of(fill(template, slots, conditions).trim_end_matches('\n').to_owned())
    };
    Some(match name {
        "docstring" => {
            let about = if project.has_steps() {
                packaging::sentence(&packaging::summary(&spec.metadata.description, 200), spec.metadata.name.as_str())
            } else {
                packaging::sentence(&packaging::summary(&first.role, 200), "The agent")
            };
            ("docstring", python::docstring(&about, 0))
        }
        "package" => ("package", Python::of(project.package.clone())),
        "window" => {
            let window = match spec.memory.kind {
                MemoryKind::Thread => "",
                MemoryKind::None => "[-1:]",
            };
            ("window", Python::of(window.to_owned()))
        }
        "first" => ("first", python::string(&first.id)),
        "instructions" => ("instructions", python::text(&first.instructions, 0)),
        "model" => ("model", python::string(&first.model)),
        "max_steps" => ("max_steps", Python::of(first.max_steps.to_string())),
        "agents" => {
            let table = [("agents", agents(project))];
            ("agents", piece(include_str!("../../templates/pieces/agents.py"), &table))
        }
        "task" => ("task", piece(include_str!("../../templates/pieces/task.py"), &[])),
        "tasks" => ("tasks", tasks(project)),
        "brief" => ("brief", piece(include_str!("../../templates/pieces/brief.py"), &[])),
        "before" => ("before", piece(include_str!("../../templates/pieces/before.py"), &[])),
        "edges_class" => ("edges_class", piece(include_str!("../../templates/pieces/edges.py"), &[])),
        "edges" => ("edges", edges(project)),
        "start" => ("start", python::string(graph.map_or("", |graph| &graph.start))),
        "graph_steps" => ("graph_steps", Python::of(graph.map_or(0, |graph| graph.max_steps).to_string())),
        _ => return None,
    })
}

/// `streaming.py`, for frameworks that work asynchronously.
pub(super) fn streaming(project: &Project) -> File {
    File {
        path: project.source("streaming.py"),
        content: include_str!("../../templates/common/streaming.py").to_owned(),
    }
}

/// The entries of the table of agents.
fn agents(project: &Project) -> Python {
    let conditions = conditions(project);
    let holds = |name: &str| conditions.iter().any(|(known, holds)| *known == name && *holds);
    let entries: Vec<String> = project
        .agents
        .iter()
        .map(|agent| {
            let mut fields = Vec::new();
            if holds("many") {
                fields.push(("role", python::text(&agent.role, 8)));
            }
            fields.push(("instructions", python::text(&agent.instructions, 8)));
            fields.push(("model", python::string(&agent.model)));
            if holds("tools") {
                fields.push(("tools", python::tuple(&agent.tools)));
            }
            if holds("handoff") {
                fields.push(("handoffs", python::tuple(&agent.handoffs)));
            }
            if holds("limited") {
                fields.push(("max_steps", Python::of(agent.max_steps.to_string())));
            }
            call(&format!("\"{}\": Agent", agent.id), &fields)
        })
        .collect();
    Python::of(entries.join("\n"))
}

/// The entries of the list of tasks.
fn tasks(project: &Project) -> Python {
    let entries: Vec<String> = project
        .tasks
        .iter()
        .map(|task| {
            let mut fields = vec![
                ("name", python::string(&task.id)),
                ("agent", python::string(&task.agent)),
                ("description", python::text(&task.description, 8)),
            ];
            if !task.expected_output.trim().is_empty() {
                fields.push(("expected_output", python::text(&task.expected_output, 8)));
            }
            if project.pattern() == Pattern::Parallel && !task.depends_on.is_empty() {
                fields.push(("after", python::tuple(&task.depends_on)));
            }
            call("Task", &fields)
        })
        .collect();
    Python::of(entries.join("\n"))
}

/// The entries of the list of edges.
fn edges(project: &Project) -> Python {
    let edges = project.spec.graph.iter().flat_map(|graph| &graph.edges);
    let entries: Vec<String> = edges
        .map(|edge| {
            let condition = match &edge.when {
                None => String::new(),
                Some(Condition::Contains(text)) => format!(", contains={}", python::string(text).text()),
                Some(Condition::Lacks(text)) => format!(", lacks={}", python::string(text).text()),
            };
            let (source, target) = (python::string(&edge.from), python::string(&edge.to));
            format!("    Edge({}, {}{condition}),", source.text(), target.text())
        })
        .collect();
    Python::of(entries.join("\n"))
}

/// An entry of a table, one line for each field.
pub(super) fn call(head: &str, fields: &[(&str, Python)]) -> String {
    let lines: String = fields.iter().map(|(name, value)| format!("        {name}={},\n", value.text())).collect();
    format!("    {head}(\n{lines}    ),")
}

/// Fills a template of `model.py`; `own` are conditions beside `tools` and `offers` (functions are
/// offered to a model: tools, or other agents).
pub(super) fn model(template: &str, project: &Project, own: &[When]) -> String {
    let entries: Vec<String> = packaging::models(project)
        .into_iter()
        .map(|(key, model)| {
            let mut fields = vec![
                format!("base_url_variable={}", python::string(&model.base_url_variable).text()),
                format!("key_variable={}", python::string(&model.key_variable).text()),
            ];
            if !model.model.is_empty() {
                fields.push(format!("name={}", python::string(&model.model).text()));
            }
            if let Some(temperature) = model.temperature {
                fields.push(format!("temperature={temperature:?}"));
            }
            let line = format!("    \"{key}\": Model({}),", fields.join(", "));
            if line.chars().count() <= python::WIDTH {
                line
            } else {
                let lines: String = fields.iter().map(|field| format!("        {field},\n")).collect();
                format!("    \"{key}\": Model(\n{lines}    ),")
            }
        })
        .collect();
    let offers = project.has_tools() || !project.others().is_empty();
    let conditions = [&[("tools", project.has_tools()), ("offers", offers)], own].concat();
    fill(template, &[("models", Python::of(entries.join("\n")))], &conditions)
}
