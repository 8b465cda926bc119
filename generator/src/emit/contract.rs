//! What is the same whatever the framework: events, the HTTP server, and the tests of the contract
//! between model and agents.

use gantry_domain::matrix::Pattern;
use gantry_domain::spec::{Builtin, Effect, Tool, ToolSource};

use super::kit::{Move, Output};
use super::language::{Language as _, Python};
use super::pieces::{Slot, When};
use super::template::fill;
use super::{File, Project, documents, packaging, python, tool_tests, tools, walk};

pub(super) fn files(project: &Project) -> Vec<File> {
    let conditions = [("calls", project.has_calls()), ("steps", project.has_steps())];
    let events = events(project);
    let mut sorted = events.clone();
    sorted.sort_unstable();
    let step = if project.has_tasks() { "A task" } else { "An agent's part" };
    let mut files = vec![
        File {
            path: project.source("events.py"),
            content: fill(
                include_str!("../../templates/common/events.py"),
                &[("union", Python::of(events.join(" | "))), ("step", Python::of(step.to_owned()))],
                &conditions,
            ),
        },
        File {
            path: project.source("server.py"),
            content: fill(
                include_str!("../../templates/common/server.py"),
                &[("event_names", Python::of(sorted.join(", ")))],
                &conditions,
            ),
        },
        File { path: project.source("a2a.py"), content: a2a(project) },
        File { path: "tests/fakes.py".to_owned(), content: fakes(project) },
        File { path: "tests/test_contract.py".to_owned(), content: test_contract(project) },
    ];
    files.extend(tool_tests::files(project));
    files
}

fn a2a(project: &Project) -> String {
    let card = python::value(&documents::card(project), 0, 7);
    fill(include_str!("../../templates/common/a2a.py"), &[("card", card)], &[])
}

/// The events that a run may tell of.
pub(super) fn events(project: &Project) -> Vec<&'static str> {
    let mut events = Vec::new();
    if project.has_steps() {
        events.extend(["StepStarted", "StepFinished"]);
    }
    if project.has_calls() {
        events.extend(["ToolCalled", "ToolAnswered"]);
    }
    events.push("Answered");
    events
}

fn fakes(project: &Project) -> String {
    let mut entries: Vec<String> = Vec::new();
    for (_, model) in packaging::models(project) {
        entries.push(format!("{}: address", python::string(&model.base_url_variable).text()));
        entries.push(format!("{}: \"no-key\"", python::string(&model.key_variable).text()));
    }
    entries.push("\"MODEL_NAME\": \"fake\"".to_owned());
    entries.sort_unstable();
    entries.dedup();
    let about = if tools::uses_http(project) {
        "Stand-ins on the loopback interface: a model's endpoint that answers with what a test has put in, and an HTTP endpoint for tools."
    } else {
        "A stand-in on the loopback interface: a model's endpoint that answers with what a test has put in."
    };
    let wire = &project.kit.wire;
    let key = match wire.output {
        Output::Plain => "",
        Output::Json(key) => key,
    };
    fill(
        include_str!("../../templates/tests/fakes.py"),
        &[
            (
                "docstring",
                python::docstring(&format!("{about} Importing this module makes the package importable, too."), 0),
            ),
            ("environment", Python::of(format!("{{{}}}", entries.join(", ")))),
            ("key", python::string(key)),
        ],
        &[
            ("http", tools::uses_http(project)),
            ("mcp", tools::uses_mcp(project)),
            ("calls", calls_functions(project)),
            ("outputs", has_outputs(project)),
            ("tools", !callable(project).is_empty()),
            ("parallel", project.pattern() == Pattern::Parallel),
            ("packed", wire.output != Output::Plain),
            ("streams", wire.streams),
        ],
    )
}

/// Whether a test makes the model call a function.
fn calls_functions(project: &Project) -> bool {
    let moves = match project.pattern() {
        Pattern::Router => (project.kit.wire.route)("somebody"),
        Pattern::Supervisor => (project.kit.wire.ask)("somebody"),
        Pattern::Handoff => (project.kit.wire.transfer)("somebody"),
        _ => Move::Say(String::new()),
    };
    !callable(project).is_empty() || matches!(moves, Move::Call { .. })
}

/// Whether a test looks at what functions returned.
fn has_outputs(project: &Project) -> bool {
    !callable(project).is_empty() || project.pattern() == Pattern::Supervisor
}

/// The tools that a test may call: not those whose body a person wrote and that do more than read.
pub(super) fn callable<'a>(project: &Project<'a>) -> Vec<&'a Tool> {
    let is_safe = |tool: &&&Tool| {
        !matches!(tool.source, ToolSource::Python { .. } | ToolSource::Typescript { .. }) || tool.effect == Effect::Read
    };
    project.tools.iter().filter(is_safe).copied().collect()
}

/// The text that the stand-in endpoint answers HTTP tools with.
pub(super) const ENDPOINT_ANSWER: &str = "the endpoint's answer";

fn test_contract(project: &Project) -> String {
    let callable = callable(project);
    let mut has_limit = false;
    let calls: Vec<String> = callable
        .iter()
        .filter_map(|tool| {
            let way = walk::to_tool(project, tool)?;
            let arguments = tools::sample_arguments(tool).to_string();
            let mut fields = vec![
                format!("\"{}\"", tool.id),
                python::string(&arguments).text().to_owned(),
                expected_output(tool).text().to_owned(),
            ];
            if project.has_steps() {
                fields.push(moves(&way.before).text().to_owned());
                fields.push(texts(&way.after).text().to_owned());
                // Where the model's calls can be counted: one agent at a time, and its failure ends the run.
                if !matches!(project.pattern(), Pattern::Parallel | Pattern::Supervisor) {
                    let most = project.agent(&way.agent).map_or(0, |agent| agent.max_steps);
                    fields.push((most + project.kit.wire.extra_steps).to_string());
                    has_limit = true;
                }
            }
            Some(entry(&fields))
        })
        .collect();

    let (mut slots, mut conditions) = (pattern_slots(project), pattern_conditions(project));
    conditions.extend(Pattern::ALL.into_iter().map(|known| (known.as_str(), known == project.pattern())));
    let first = project.agents.first();
    let most = first.map_or(0, |agent| agent.max_steps) + project.kit.wire.extra_steps;
    slots.extend([
        ("package", Python::of(project.package.clone())),
        ("most", Python::of(most.to_string())),
        ("calls", Python::of(calls.join("\n"))),
        ("setup", Python::of(set_up(&callable).join("\n"))),
        ("bad_arguments", python::string(project.kit.wire.bad_arguments.unwrap_or_default())),
        ("instructions", mark(first.map_or("", |agent| agent.instructions.as_str()))),
    ]);
    conditions.extend([
        ("calls", !calls.is_empty()),
        ("setup", callable.iter().any(|tool| tools::constant(tool).is_some())),
        ("several", project.has_steps()),
        ("limit", has_limit),
        ("mends", project.kit.wire.bad_arguments.is_some()),
    ]);
    let cases = match project.pattern() {
        Pattern::Single | Pattern::React => "",
        Pattern::Sequential => include_str!("../../templates/tests/contract_sequential.py"),
        Pattern::Parallel => include_str!("../../templates/tests/contract_parallel.py"),
        Pattern::Router => include_str!("../../templates/tests/contract_router.py"),
        Pattern::Supervisor => include_str!("../../templates/tests/contract_supervisor.py"),
        Pattern::Handoff => include_str!("../../templates/tests/contract_handoff.py"),
        Pattern::Graph => include_str!("../../templates/tests/contract_graph.py"),
    };
    // What is imported follows from what is used.
    let cases = fill(cases, &slots, &conditions);
    let tables = fill(include_str!("../../templates/tests/contract_tables.py"), &slots, &conditions);
    slots.extend([
        ("cases", Python::of(cases.trim_end_matches('\n').to_owned())),
        ("tables", Python::of(tables.trim_end_matches('\n').to_owned())),
    ]);
    conditions.extend([
        ("cases", !cases.is_empty()),
        ("tables", !tables.trim().is_empty()),
        ("mcp_endpoint", callable.iter().any(|tool| matches!(tool.source, ToolSource::McpOverHttp { .. }))),
    ]);
    let body = fill(include_str!("../../templates/tests/test_contract.py"), &slots, &conditions);
    let imported = imported(&body);
    let tools_module = if body.contains("patch.object(tools, ") { "a2a, server, tools" } else { "a2a, server" };
    slots.extend([
        ("fakes", imported(Import::Fakes)),
        ("events", imported(Import::Events)),
        ("modules", Python::of(tools_module.to_owned())),
        ("errors", imported(Import::Errors)),
    ]);
    let mut file = fill(include_str!("../../templates/tests/contract_imports.py"), &slots, &conditions);
    file.push_str(&body);
    file
}

/// Where the tests import a name from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Import {
    Fakes,
    Events,
    Errors,
}

/// What the tests may import, in the order of their `import`s.
const IMPORTS: [(Import, &str); 16] = [
    (Import::Fakes, "FAKE_MCP_SERVER"),
    (Import::Fakes, "FakeEndpoint"),
    (Import::Fakes, "FakeModel"),
    (Import::Fakes, "asked"),
    (Import::Fakes, "call_once"),
    (Import::Fakes, "outputs"),
    (Import::Fakes, "said"),
    (Import::Fakes, "text"),
    (Import::Fakes, "tool_call"),
    (Import::Events, "Answered"),
    (Import::Events, "StepFinished"),
    (Import::Events, "StepStarted"),
    (Import::Events, "ToolAnswered"),
    (Import::Events, "ToolCalled"),
    (Import::Errors, "ConfigurationError"),
    (Import::Errors, "ModelError"),
];

/// Those of [`IMPORTS`] that the code uses, for the `import` of each module: a function where it is called,
/// a class or a constant wherever it stands. Comments and the members of something else do not count.
fn imported(code: &str) -> impl Fn(Import) -> Python + use<> {
    let mut is_used = [false; IMPORTS.len()];
    for line in code.lines().filter(|line| !line.trim_start().starts_with('#')) {
        // Bytes, because this was most of what a project's files cost; what is not ASCII is in no name.
        let (line, mut start) = (line.as_bytes(), 0);
        for (end, &after) in line.iter().enumerate().filter(|(_, byte)| !IS_OF_WORD[usize::from(**byte)]) {
            let word = &line[start..end];
            let is_member = start > 0 && line[start - 1] == b'.';
            start = end + 1;
            if is_member || !matches!(after, b'(' | b')' | b' ' | b',' | b'.') {
                continue;
            }
            let is_it =
                |name: &str| name.len() == word.len() && name.as_bytes()[0] == word[0] && name.as_bytes() == word;
            if let Some(index) = IMPORTS.iter().position(|(_, name)| is_it(name)) {
                is_used[index] |= after == b'(' || !word[0].is_ascii_lowercase();
            }
        }
    }
    move |module| {
        let used = IMPORTS.iter().zip(is_used).filter(|((of, _), is_used)| *is_used && *of == module);
        Python::of(used.map(|((_, name), _)| *name).collect::<Vec<_>>().join(", "))
    }
}

/// Whether a byte is part of a name in Python.
const IS_OF_WORD: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = byte >= 128 || (byte as u8).is_ascii_alphanumeric() || byte as u8 == b'_';
        byte += 1;
    }
    table
};

/// A tuple on one line if it fits.
fn entry(fields: &[String]) -> String {
    let line = format!("    ({}),", fields.join(", "));
    if line.chars().count() <= python::WIDTH {
        return line;
    }
    let lines: String = fields.iter().map(|field| format!("        {field},\n")).collect();
    format!("    (\n{lines}    ),")
}

/// Messages of a model, as a list.
fn moves(moves: &[Move]) -> Python {
    let messages: Vec<String> = moves.iter().map(|said| message(said).text().to_owned()).collect();
    Python::of(format!("[{}]", messages.join(", ")))
}

fn message(said: &Move) -> Python {
    Python::of(match said {
        Move::Call { name, arguments } => {
            format!("tool_call({}, {})", python::string(name).text(), python::string(arguments).text())
        }
        Move::Say(text) => format!("text({})", python::string(text).text()),
    })
}

fn texts(texts: &[String]) -> Python {
    let texts: Vec<String> = texts.iter().map(|text| python::string(text).text().to_owned()).collect();
    Python::of(format!("[{}]", texts.join(", ")))
}

/// What tells a text from others: the beginning of its first line.
fn mark(text: &str) -> Python {
    python::string(&marked(text))
}

pub(super) fn marked(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    line.chars().take(60).collect::<String>().trim_end().to_owned()
}

/// Whether every one of these is found in itself only.
pub(super) fn are_distinct(marks: &[String]) -> bool {
    marks.iter().enumerate().all(|(index, mark)| {
        !mark.is_empty()
            && marks.iter().enumerate().all(|(other, text)| other == index || !text.contains(mark.as_str()))
    })
}

fn pattern_conditions(project: &Project) -> Vec<When> {
    let marks: Vec<String> = project.tasks.iter().map(|task| marked(&task.description)).collect();
    let at_once = project.tasks.iter().filter(|task| task.depends_on.is_empty()).count();
    let ways = walk::Ways::of(project);
    vec![
        ("distinct", are_distinct(&marks)),
        ("at_once", at_once > 1),
        ("one_end", project.last_tasks().len() == 1),
        ("walks", ways.as_ref().is_some_and(|ways| !ways.walks().is_empty())),
        ("endless", ways.as_ref().is_some_and(|ways| ways.endless().is_some())),
        ("circle", project.pattern() == Pattern::Handoff && walk::circle(project).is_some()),
        ("plain_ask", matches!((project.kit.wire.ask)("somebody"), Move::Call { .. })),
    ]
}

/// The tables that the tests of a pattern go by.
fn pattern_slots(project: &Project) -> Vec<Slot> {
    let wire = &project.kit.wire;
    let lines = |lines: Vec<String>| Python::of(lines.join("\n"));
    let named = |head: &str, value: &Python| format!("    \"{head}\": {},", value.text());
    let ways = walk::Ways::of(project);
    let endless = ways.as_ref().and_then(walk::Ways::endless).unwrap_or_default();
    let circle = if project.pattern() == Pattern::Handoff { walk::circle(project) } else { None };
    let (before_circle, circle) = circle.unwrap_or_default();
    // The transfers of a walk that began with an agent: all but the first are passed on to.
    let transfers = |path: &[&str]| moves(&path.iter().map(|id| (wire.transfer)(id)).collect::<Vec<_>>());
    let turned: Vec<&str> = circle.iter().skip(1).chain(circle.iter().take(1)).copied().collect();
    let to_circle: Vec<&str> =
        before_circle.iter().skip(1).chain(circle.first().filter(|_| !before_circle.is_empty())).copied().collect();
    vec![
        (
            "tasks",
            lines(
                project
                    .tasks
                    .iter()
                    .map(|task| {
                        let before: Vec<String> = project.before(task).into_iter().map(str::to_owned).collect();
                        let mut fields =
                            vec![python::string(&task.id).text().to_owned(), mark(&task.description).text().to_owned()];
                        if project.pattern() == Pattern::Parallel {
                            fields.push(texts(&before).text().to_owned());
                        }
                        entry(&fields)
                    })
                    .collect(),
            ),
        ),
        ("at_once", Python::of(project.tasks.iter().filter(|task| task.depends_on.is_empty()).count().to_string())),
        ("last", texts(&project.last_tasks().iter().map(|task| task.id.clone()).collect::<Vec<_>>())),
        ("agents", lines(project.agents.iter().map(|agent| named(&agent.id, &mark(&agent.instructions))).collect())),
        (
            "routes",
            lines(project.others().iter().map(|agent| named(&agent.id, &message(&(wire.route)(&agent.id)))).collect()),
        ),
        ("route_to_nobody", message(&(wire.route)("nobody_at_all"))),
        (
            "asks",
            lines(project.others().iter().map(|agent| named(&agent.id, &message(&(wire.ask)(&agent.id)))).collect()),
        ),
        ("request", python::string(super::kit::REQUEST)),
        (
            "paths",
            lines(
                walk::transfers(project)
                    .iter()
                    .map(|path| {
                        let names: Vec<String> = path.iter().map(|id| (*id).to_owned()).collect();
                        entry(&[texts(&names).text().to_owned(), transfers(&path[1..]).text().to_owned()])
                    })
                    .collect(),
            ),
        ),
        ("to_circle", transfers(&to_circle)),
        ("circle", transfers(&turned)),
        (
            "walks",
            lines(
                ways.as_ref()
                    .map(walk::Ways::walks)
                    .unwrap_or_default()
                    .iter()
                    .map(|walk| {
                        let steps: Vec<String> = walk
                            .iter()
                            .map(|step| {
                                format!(
                                    "({}, {})",
                                    python::string(step.task).text(),
                                    python::string(&step.result).text()
                                )
                            })
                            .collect();
                        let line = format!("    [{}],", steps.join(", "));
                        if line.chars().count() <= python::WIDTH {
                            return line;
                        }
                        format!(
                            "    [\n{}    ],",
                            steps.iter().map(|step| format!("        {step},\n")).collect::<String>()
                        )
                    })
                    .collect(),
            ),
        ),
        ("endless_before", texts(&endless.0)),
        ("endless", texts(&endless.1)),
        ("graph_steps", Python::of(project.spec.graph.as_ref().map_or(0, |graph| graph.max_steps).to_string())),
    ]
}

/// The lines that lead tools to the stand-ins.
fn set_up(tools: &[&Tool]) -> Vec<String> {
    let mut lines = Vec::new();
    if tools.iter().any(|tool| matches!(tool.source, ToolSource::Http { .. })) {
        lines.push(format!(
            "        endpoint = self.enterContext(FakeEndpoint({}))",
            python::string(ENDPOINT_ANSWER).text()
        ));
    }
    let http: Vec<&Tool> =
        tools.iter().filter(|tool| matches!(tool.source, ToolSource::Http { .. })).copied().collect();
    let secrets = tools::secrets(&http);
    if !secrets.is_empty() {
        lines.push(format!("        self.enterContext(patch.dict(os.environ, {}))", secret_values(&secrets)));
    }
    if tools.iter().any(|tool| matches!(tool.source, ToolSource::McpOverHttp { .. })) {
        let secrets = strings(&tools::secrets(tools));
        lines.push(format!("        mcp_endpoint = self.enterContext(FakeMcpEndpoint({secrets}))"));
    }
    for tool in tools {
        let Some(constant) = tools::constant(tool) else { continue };
        lines.push(match tool.source {
            ToolSource::McpOverHttp { .. } => {
                format!("        self.enterContext(patch.object(tools, \"{constant}\", mcp_endpoint.url))")
            }
            ToolSource::Http { .. } => {
                format!("        self.enterContext(patch.object(tools, \"{constant}\", endpoint.stand_in_for(tools.{constant})))")
            }
            _ => format!("        self.enterContext(patch.object(tools, \"{constant}\", FAKE_MCP_SERVER))"),
        });
    }
    lines
}

/// A dictionary in which each variable has the value that stand-ins look for.
pub(super) fn secret_values(variables: &[&str]) -> String {
    let entries: Vec<String> = variables.iter().map(|variable| format!("\"{variable}\": \"a secret\"")).collect();
    format!("{{{}}}", entries.join(", "))
}

/// A set of strings.
pub(super) fn set_of<T: AsRef<str>>(texts: &[T]) -> String {
    if texts.is_empty() { "set()".to_owned() } else { format!("{{{}}}", strings(texts)) }
}

/// Strings as arguments.
pub(super) fn strings<T: AsRef<str>>(texts: &[T]) -> String {
    texts.iter().map(|text| python::string(text.as_ref()).text().to_owned()).collect::<Vec<_>>().join(", ")
}

/// A regular expression for what the tool's output must be.
fn expected_output(tool: &Tool) -> Python {
    let raw = |pattern: &str| Python::of(format!("r\"{pattern}\""));
    match &tool.source {
        ToolSource::Builtin { name } => match name {
            Builtin::Calculator => raw("^20$"),
            Builtin::CurrentTime => raw(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+02:00$"),
            Builtin::TextStatistics => raw("characters.: 9, .words.: 2, .lines.: 1"),
        },
        ToolSource::Http { .. } => raw(&format!("^{ENDPOINT_ANSWER}$")),
        ToolSource::Mcp { .. } | ToolSource::McpOverHttp { .. } => raw("^called "),
        ToolSource::Python { .. } | ToolSource::Typescript { .. } => raw("^(?!Error: )"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_imported_is_what_the_code_uses() {
        let code = "    # FakeEndpoint()\nfake = FakeModel()\nerror.text(asked) or said(x)\nraise ModelError\n(Answered, a.ToolCalled)\n";
        let imported = imported(code);
        let names = [Import::Fakes, Import::Events, Import::Errors].map(|module| imported(module).text().to_owned());
        assert_eq!(names, ["FakeModel, said", "Answered", ""]);
    }
}
