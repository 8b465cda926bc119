//! AgentChat's code: agents, teams, how they end, and the edges of a graph.

use gantry_domain::matrix::{Diagnostic, Severity};
use gantry_domain::spec::Condition;

use super::super::code::{Call, Code, Expr, Form, Place, SourceFile, Tongue, conditions};
use super::super::draft::Draft;
use super::super::functions::{Offer, class_schema, python_tool};
use super::super::openai_agents::say_unread;
use super::super::{Imported, project, remark};
use super::{Kind, Team};

/// Agents of AutoGen's that have no counterpart, and what they do.
const OTHERS: [(&str, &str); 8] = [
    ("UserProxyAgent", "a person takes part there; here a person writes between runs, and approves tools"),
    ("CodeExecutorAgent", "it runs code that agents write"),
    ("SocietyOfMindAgent", "a team within a team has no counterpart"),
    ("MessageFilterAgent", "which messages an agent hears is not said here"),
    ("OpenAIAssistantAgent", "it is kept at OpenAI"),
    ("MultimodalWebSurfer", "it operates a browser"),
    ("FileSurfer", "it reads files of the machine"),
    ("VideoSurfer", "it watches videos"),
];

struct Found {
    at: Place,
    name: String,
    index: usize,
}

struct Reader<'c> {
    code: &'c Code,
    draft: Draft,
    agents: Vec<Found>,
    tools: Vec<(Place, String)>,
}

pub(super) fn import(files: &[SourceFile]) -> Result<Imported, Vec<Diagnostic>> {
    let (code, unread) = Code::read(files, Tongue::Python);
    let mut reader = Reader { code: &code, draft: Draft::default(), agents: Vec::new(), tools: Vec::new() };
    say_unread(&code, &unread, &mut reader.draft);
    let mut calls: Vec<Expr> = Vec::new();
    for module in &code.modules {
        let mut found = Vec::new();
        Code::calls(&module.statements, &mut found);
        calls.extend(found.into_iter().cloned());
    }
    calls.sort_by_key(|call| (call.at.file, call.at.start));
    for expr in &calls {
        reader.agent(expr);
    }
    if reader.agents.is_empty() {
        let mut found = reader.draft.found;
        found.push(remark(
            Severity::Error,
            "agents_missing",
            "",
            "expected at least one AssistantAgent(…) whose name stands in the code; an agent that is only put together \
             at run time cannot be read",
        ));
        return Err(found);
    }
    reader.handoffs(&calls);
    let team = reader.team(&calls);
    let first = reader.draft.agents.first().map(|agent| agent.id.clone());
    let (name, description) = project::name_and_description(files, first.as_deref());
    Ok(super::finish(reader.draft, team, &name, description))
}

impl Reader<'_> {
    fn agent(&mut self, expr: &Expr) {
        let Some(call) = expr.as_call() else { return };
        let kind = call.callee.last_name().unwrap_or_default();
        let at = self.code.line(expr.at);
        if let Some((_, about)) = OTHERS.iter().find(|(name, _)| *name == kind) {
            let name = self.text(call, "name", 0).unwrap_or_else(|| kind.to_owned());
            self.draft.warn("agent_left_out", at, format!("{name} ({kind}) is left out: {about}"));
            return;
        }
        if kind != "AssistantAgent" {
            return;
        }
        let Some(name) =
            call.argument("name", 0).and_then(|name| self.code.words(name)).filter(|name| name.open.is_empty())
        else {
            self.draft.warn(
                "agent_left_out",
                at,
                "an agent is left out: its name is only known at run time, so it may stand for several",
            );
            return;
        };
        let mut told = String::new();
        if let Some(message) = call.named("system_message") {
            match self.code.words(message) {
                Some(words) => {
                    for place in &words.open {
                        self.draft.warn(
                            "instructions_with_places",
                            self.code.line(*place),
                            format!(
                                "the instructions of {} have a value that is only known at run time; {{{}}} stands in its place",
                                name.text,
                                self.code.excerpt(*place)
                            ),
                        );
                    }
                    told = words.text.trim().to_owned();
                }
                None if matches!(self.code.value(message).form, Form::Nothing) => {}
                None => self.draft.warn(
                    "instructions_unknown",
                    self.code.line(message.at),
                    format!(
                        "the instructions of {} are only known at run time: {}",
                        name.text,
                        self.code.excerpt(message.at)
                    ),
                ),
            }
        }
        if let Some(output) = call.named("output_content_type") {
            match class_schema(self.code, output) {
                Some(schema) => {
                    if !told.is_empty() {
                        told.push_str("\n\n");
                    }
                    told.push_str(&format!("Answer with nothing but one JSON value of this JSON Schema: {schema}"));
                    self.draft.note(
                        "output_in_instructions",
                        self.code.line(output.at),
                        format!("{} answers in a fixed form there; here its instructions ask for that form", name.text),
                    );
                }
                None => self.draft.warn(
                    "output_left_out",
                    self.code.line(output.at),
                    format!("{} answers in the form {}, which cannot be read", name.text, self.code.excerpt(output.at)),
                ),
            }
        }
        let role = self.text(call, "description", usize::MAX).unwrap_or_default();
        let model = self.model(call.argument("model_client", 1));
        let index = self.draft.agent(&name.text, &role, told, model);
        let steps =
            call.named("max_tool_iterations").and_then(|steps| self.code.json(steps)).and_then(|steps| steps.as_u64());
        if let Some(steps) = steps.and_then(|steps| u32::try_from(steps).ok()).filter(|steps| *steps > 1) {
            self.draft.agents[index].max_steps = steps.saturating_add(1).clamp(1, 100);
        }
        for (option, value) in
            call.arguments.iter().filter_map(|(option, value)| option.as_ref().map(|option| (option, value)))
        {
            let about = match option.as_str() {
                "memory" => "what it looks up in a memory is code",
                "model_context" => "here an agent reads the whole thread, or none of it",
                "workbench" => "add the tools of its server here: which ones there are is only known when it runs",
                "tool_call_summary_format" | "tool_call_summary_formatter" | "output_content_type_format" => {
                    "here an agent always reads what its tools answered"
                }
                "**" => "more is spread into it at run time",
                _ => continue,
            };
            self.draft.warn(
                "agent_option_left_out",
                self.code.line(value.at),
                format!("{option} of {} is left out: {about}", name.text),
            );
        }
        if let Some(tools) = call.named("tools") {
            for tool in self.code.items(tools) {
                self.tool(index, &tool);
            }
        }
        self.agents.push(Found { at: expr.at, name: name.text, index });
    }

    fn text(&self, call: &Call, name: &str, position: usize) -> Option<String> {
        call.argument(name, position).and_then(|value| self.code.words(value)).map(|words| words.text)
    }

    fn model(&mut self, client: Option<&Expr>) -> String {
        let Some(client) = client else { return self.draft.model("", None) };
        let value = self.code.value(client);
        let Some(call) = value.as_call() else {
            self.draft.note(
                "model_from_environment",
                self.code.line(client.at),
                format!("the model is {}, known at run time: it is left to MODEL_NAME", self.code.excerpt(client.at)),
            );
            return self.draft.model("", None);
        };
        let name = call
            .named("model")
            .or_else(|| call.named("azure_deployment"))
            .and_then(|name| self.code.words(name))
            .filter(|words| words.open.is_empty())
            .map(|words| words.text);
        let kind = call.callee.last_name().unwrap_or_default().to_owned();
        if kind != "OpenAIChatCompletionClient" || call.named("base_url").is_some() {
            self.draft.note(
                "address_from_environment",
                self.code.line(value.at),
                format!("where {kind} answers is not kept in a spec: set OPENAI_BASE_URL and OPENAI_API_KEY in the environment, or a provider here"),
            );
        }
        let key = call.named("api_key").and_then(|key| self.code.words(key)).filter(|key| key.open.is_empty());
        if key.is_some_and(|key| !key.text.is_empty() && key.text != "None") {
            self.draft.warn(
                "key_left_out",
                self.code.line(value.at),
                "the code has a key in it; it was left out: keep it as a secret",
            );
        }
        if name.is_none() {
            self.draft.note(
                "model_from_environment",
                self.code.line(value.at),
                "the name of the model is only known at run time: it is left to MODEL_NAME",
            );
        }
        let temperature =
            call.named("temperature").and_then(|number| self.code.json(number)).and_then(|number| number.as_f64());
        self.draft.model(&name.unwrap_or_default(), temperature.filter(|number| (0.0..=2.0).contains(number)))
    }

    fn tool(&mut self, agent: usize, expr: &Expr) {
        let value = self.code.value(expr);
        let mut offer = Offer::default();
        let function = match value.as_call() {
            Some(call) if call.callee.last_name() == Some("FunctionTool") => {
                offer.name = self.text(call, "name", usize::MAX);
                offer.description = self.text(call, "description", 1);
                call.argument("func", 0).and_then(|function| self.code.function(function))
            }
            Some(_) => None,
            None => self.code.function(&value),
        };
        let Some(function) = function else {
            self.draft.warn(
                "tool_left_out",
                self.code.line(expr.at),
                format!("{} is left out: it is no function of the project", self.code.excerpt(value.at)),
            );
            return;
        };
        let id = match self.tools.iter().find(|(at, _)| *at == function.at) {
            Some((_, id)) => id.clone(),
            None => {
                let id = python_tool(self.code, &function, offer, &mut self.draft);
                self.tools.push((function.at, id.clone()));
                id
            }
        };
        self.draft.give(agent, &id);
    }

    fn handoffs(&mut self, calls: &[Expr]) {
        for expr in calls {
            let Some(from) = self.agents.iter().find(|agent| agent.at == expr.at).map(|agent| agent.index) else {
                continue;
            };
            let Some(list) = expr.as_call().and_then(|call| call.named("handoffs")) else { continue };
            for item in self.code.items(list) {
                let value = self.code.value(&item);
                // `Handoff(target="…")`, or the target's name.
                let target = match value.as_call() {
                    Some(call) => self.text(call, "target", 0),
                    None => self.code.words(&value).map(|words| words.text),
                };
                let to = target
                    .as_ref()
                    .and_then(|name| self.agents.iter().find(|agent| agent.name == *name))
                    .map(|agent| agent.index);
                match to {
                    Some(to) => self.draft.hand_on(from, to),
                    None => {
                        let from = self.draft.agents[from].id.clone();
                        let target = target.unwrap_or_else(|| self.code.excerpt(item.at));
                        self.draft.warn(
                            "handoff_left_out",
                            self.code.line(item.at),
                            format!("{from} passes on to {target}, who is left out or a person"),
                        );
                    }
                }
            }
        }
    }

    fn agent_of(&self, expr: &Expr) -> Option<usize> {
        let value = self.code.value(expr);
        self.agents.iter().find(|agent| agent.at == value.at).map(|agent| agent.index)
    }

    /// The team with the most members; others are said.
    fn team(&mut self, calls: &[Expr]) -> Option<Team> {
        let mut teams: Vec<Team> = Vec::new();
        for expr in calls {
            let Some(call) = expr.as_call() else { continue };
            let Some(kind) = call.callee.last_name().and_then(Kind::of) else { continue };
            let mut team = Team::new(kind, self.code.line(expr.at));
            if kind == Kind::Graph {
                self.graph(calls, &mut team);
            }
            if let Some(members) = call.argument("participants", 0)
                && !(kind == Kind::Graph && matches!(self.code.value(members).form, Form::Call(_)))
            {
                for member in self.code.items(members) {
                    match self.agent_of(&member) {
                        Some(agent) if !team.members.contains(&agent) => team.members.push(agent),
                        Some(_) => {}
                        None => {
                            let at = self.code.line(member.at);
                            self.draft.warn(
                                "member_left_out",
                                at,
                                format!("{} of a team is left out", self.code.excerpt(member.at)),
                            );
                        }
                    }
                }
            }
            if let Some(condition) = call.named("termination_condition") {
                let condition = condition.clone();
                self.termination(&condition, 0, &mut team);
            }
            if let Some(turns) =
                call.named("max_turns").and_then(|turns| self.code.json(turns)).and_then(|turns| turns.as_u64())
            {
                team.max_turns = u32::try_from(turns).ok();
            }
            team.prompt = self.text(call, "selector_prompt", usize::MAX);
            for option in ["selector_func", "candidate_func"] {
                if let Some(value) = call.named(option) {
                    self.draft.warn(
                        "selector_left_out",
                        self.code.line(value.at),
                        format!("{option} is code that chooses who speaks; here the agent that leads chooses"),
                    );
                }
            }
            teams.push(team);
        }
        let largest = teams
            .iter()
            .enumerate()
            .max_by_key(|(index, team)| (team.members.len(), usize::MAX - index))
            .map(|(index, _)| index)?;
        let team = teams.swap_remove(largest);
        for other in teams {
            self.draft.warn(
                "team_left_out",
                &other.at,
                "a second team is left out: a project has one; import it on its own",
            );
        }
        (!team.members.is_empty()).then_some(team)
    }

    fn termination(&mut self, expr: &Expr, depth: usize, team: &mut Team) {
        let value = self.code.value(expr);
        if depth > 12 {
            return;
        }
        if let Form::Operation(operator, sides) = &value.form
            && operator == "|"
        {
            for side in sides {
                self.termination(side, depth + 1, team);
            }
            return;
        }
        let call = value.as_call();
        match call.and_then(|call| call.callee.last_name()) {
            Some("TextMentionTermination") => {
                team.end_texts.extend(call.and_then(|call| self.text(call, "text", 0)));
            }
            Some("MaxMessageTermination") => {
                let count =
                    call.and_then(|call| call.argument("max_messages", 0)).and_then(|count| self.code.json(count));
                let count = count.and_then(|count| count.as_u64()).and_then(|count| u32::try_from(count).ok());
                // The person's message is one of them.
                team.max_turns = team.max_turns.or(count.map(|count| count.saturating_sub(1).max(1)));
            }
            _ => self.draft.warn(
                "termination_left_out",
                self.code.line(expr.at),
                format!(
                    "{} is left out: here a text in an answer or a number of turns ends a team",
                    self.code.excerpt(value.at)
                ),
            ),
        }
    }

    /// The nodes and edges that a builder is given.
    fn graph(&mut self, calls: &[Expr], team: &mut Team) {
        // A chain of calls stands around its first one, so what is called last comes first.
        let mut ordered: Vec<&Expr> = calls.iter().collect();
        ordered.sort_by_key(|call| (call.at.file, call.at.end));
        for expr in ordered {
            let Some(call) = expr.as_call() else { continue };
            let Form::Member(_, method) = &call.callee.form else { continue };
            match method.as_str() {
                "add_node" => {
                    if let Some(agent) = call.argument("agent", 0).and_then(|agent| self.agent_of(agent))
                        && !team.members.contains(&agent)
                    {
                        team.members.push(agent);
                    }
                }
                "add_edge" => {
                    let side = |name: &str, position: usize| {
                        call.argument(name, position).and_then(|agent| self.agent_of(agent))
                    };
                    let (Some(from), Some(to)) = (side("source", 0), side("target", 1)) else {
                        let at = self.code.line(expr.at);
                        self.draft.warn(
                            "edge_left_out",
                            at,
                            format!("an edge is left out: {}", self.code.excerpt(expr.at)),
                        );
                        continue;
                    };
                    let found: Option<Vec<Option<Condition>>> = match call.argument("condition", 2) {
                        None => Some(vec![None]),
                        Some(condition) => match self.code.words(condition) {
                            Some(words) => Some(vec![Some(Condition::Contains(words.text))]),
                            None => match self.code.function(condition) {
                                Some(function) => {
                                    let expr = Expr { at: condition.at, form: Form::Function(Box::new(function)) };
                                    conditions(self.code, &expr).map(|found| found.into_iter().map(Some).collect())
                                }
                                None => None,
                            },
                        },
                    };
                    match found {
                        Some(found) => team.edges.extend(found.into_iter().map(|when| (from, to, when))),
                        None => {
                            self.draft.warn(
                                "condition_left_out",
                                self.code.line(expr.at),
                                format!(
                                    "the condition of {} cannot be said as a text in an answer: write one",
                                    self.code.excerpt(expr.at)
                                ),
                            );
                            team.edges.push((from, to, None));
                        }
                    }
                }
                "set_entry_point" => {
                    if let Some(agent) = call.argument("agent", 0).and_then(|agent| self.agent_of(agent)) {
                        team.members.retain(|member| *member != agent);
                        team.members.insert(0, agent);
                    }
                }
                _ => {}
            }
        }
    }
}
