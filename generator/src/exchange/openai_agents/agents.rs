//! The agents: every `Agent(…)` of the code, wherever it stands.

use super::super::code::{Act, Code, Expr, Form, Place, Statement, Symbol, Tongue};
use super::super::functions::{class_schema, zod_schema};
use super::{Found, Given, Reader};

/// What an agent is told beside its name and instructions, that is read elsewhere or means nothing here.
const READ: [&str; 9] = [
    "name",
    "instructions",
    "handoff_description",
    "handoffs",
    "model",
    "model_settings",
    "tools",
    "output_type",
    "mcp_servers",
];

impl Reader<'_> {
    /// Reads every agent by itself, then what they have and to whom they pass on.
    pub(super) fn read_agents(&mut self) {
        let mut made = Vec::new();
        for statements in self.statements() {
            let mut calls = Vec::new();
            Code::calls(statements, &mut calls);
            made.extend(calls.into_iter().cloned());
        }
        made.retain(|call| self.is_agent(call));
        // A call within another, such as `Agent(handoffs=[Agent(…)])`, is found after it.
        made.sort_by_key(|call| (call.at.file, call.at.start));
        for expr in &made {
            self.read_agent(expr);
        }
        for expr in &made {
            let Some(index) = self.agents.iter().find(|agent| agent.at == expr.at).map(|agent| agent.index) else {
                continue;
            };
            let Some(call) = expr.as_call() else { continue };
            let given = Given::new(self.code, self.tongue, call);
            if let Some(tools) = given.get("tools", usize::MAX) {
                self.read_tools(index, &tools);
            }
            if let Some(others) = given.get("handoffs", usize::MAX) {
                for other in self.code.items(&others) {
                    self.read_handoff(index, &other);
                }
            }
        }
    }

    fn is_agent(&self, expr: &Expr) -> bool {
        let Some(call) = expr.as_call() else { return false };
        match &call.callee.form {
            // `Agent.create({ … })`
            Form::Member(base, method) if method == "create" => self.is_of_sdk(base, "Agent"),
            _ => self.is_of_sdk(&call.callee, "Agent"),
        }
    }

    fn read_agent(&mut self, expr: &Expr) {
        let Some(call) = expr.as_call() else { return };
        let at = self.code.line(expr.at);
        let given = Given::new(self.code, self.tongue, call);
        let Some(name) =
            given.get("name", 0).and_then(|name| self.code.words(&name)).filter(|name| name.open.is_empty())
        else {
            self.draft.warn(
                "agent_left_out",
                at,
                "an agent is left out: its name is only known at run time, so it may stand for several",
            );
            return;
        };
        let name = name.text;
        let mut instructions = match given.get("instructions", usize::MAX) {
            Some(instructions) => self.instructions(&name, &instructions),
            None => String::new(),
        };
        if let Some(output) = given.get("output_type", usize::MAX) {
            self.output_type(&name, &output, &mut instructions);
        }
        let role = given.text("handoff_description", usize::MAX).unwrap_or_default();
        let model = self.read_model(&given);
        for (other, place) in given.names().into_iter().filter(|(other, _)| !READ.contains(&other.as_str())) {
            let about = match other.as_str() {
                "input_guardrails" | "output_guardrails" => "its guardrails are code that decides whether to go on",
                "hooks" => "its hooks are code that is told what happens",
                "tool_use_behavior" => "here an agent always reads what its tools answered",
                "reset_tool_choice" => "which tool must be called is not said here",
                "mcp_config" => "how the schemas of its servers are read is not said here",
                "prompt" => "its prompt is kept at OpenAI and is not in the code",
                "**" => "more is spread into it at run time",
                _ => "a spec has no word for it",
            };
            self.draft.warn(
                "agent_option_left_out",
                self.code.line(place),
                format!("{other} of {name} is left out: {about}"),
            );
        }
        if let Some(servers) = given.get("mcp_servers", usize::MAX) {
            self.read_servers(&name, &servers);
        }
        let index = self.draft.agent(&name, &role, instructions, model);
        self.agents.push(Found { at: expr.at, index });
    }

    /// The instructions, as far as they stand in the code.
    fn instructions(&mut self, name: &str, expr: &Expr) -> String {
        let mut words = self.code.words(expr);
        if words.is_none()
            && let Some(function) = self.code.function(expr)
        {
            words = returned(&function.body).into_iter().find_map(|value| self.code.words(value));
            let outcome = if words.is_some() { "the text that it returns is kept" } else { "write them again" };
            self.draft.warn(
                "instructions_made",
                self.code.line(function.at),
                format!("the instructions of {name} are made by a function at run time; {outcome}"),
            );
            if words.is_none() {
                return String::new();
            }
        }
        let Some(words) = words else {
            self.draft.warn(
                "instructions_unknown",
                self.code.line(expr.at),
                format!("the instructions of {name} are only known at run time: {}", self.code.excerpt(expr.at)),
            );
            return String::new();
        };
        for place in &words.open {
            self.draft.warn(
                "instructions_with_places",
                self.code.line(*place),
                format!(
                    "the instructions of {name} have a value that is only known at run time; {{{}}} stands in its place",
                    self.code.excerpt(*place)
                ),
            );
        }
        if words.is_without_prefix {
            self.draft.note(
                "prefix_left_out",
                self.code.line(expr.at),
                format!("the SDK's own text about handoffs is left out of the instructions of {name}"),
            );
        }
        words.text.trim().to_owned()
    }

    /// A spec has no form of answers, so what is wanted is said in the instructions.
    fn output_type(&mut self, name: &str, expr: &Expr, instructions: &mut String) {
        let at = self.code.line(expr.at);
        let value = match expr.as_call() {
            // `AgentOutputSchema(Type, strict_json_schema=False)`
            Some(call) if call.callee.last_name() == Some("AgentOutputSchema") => {
                call.positional().next().unwrap_or(expr)
            }
            _ => expr,
        };
        if matches!(self.code.words(value), Some(words) if words.text == "text") || value.last_name() == Some("str") {
            return;
        }
        let schema = match self.tongue {
            Tongue::Python => class_schema(self.code, value),
            Tongue::Typescript => zod_schema(self.code, value).or_else(|| self.code.json(value)),
        };
        match schema {
            Some(schema) => {
                if !instructions.is_empty() {
                    instructions.push_str("\n\n");
                }
                instructions.push_str(&format!("Answer with nothing but one JSON value of this JSON Schema: {schema}"));
                self.draft.note(
                    "output_in_instructions",
                    at,
                    format!("{name} answers in a fixed form there; here its instructions ask for that form"),
                );
            }
            None => self.draft.warn(
                "output_left_out",
                at,
                format!("{name} answers in the form {}, which cannot be read", self.code.excerpt(expr.at)),
            ),
        }
    }

    /// The agent that an expression is or names; a function that makes one is looked into.
    pub(super) fn agent_of(&self, expr: &Expr) -> Option<usize> {
        let mut value = self.code.value(expr);
        for _ in 0..5 {
            if let Some(found) = self.agents.iter().find(|agent| agent.at == value.at) {
                return Some(found.index);
            }
            let call = value.as_call()?;
            let next = match &call.callee.form {
                // `Agent(…).clone()` is like the first.
                Form::Member(base, method) if method == "clone" => self.code.value(base),
                _ => {
                    let function = self.code.function(&call.callee)?;
                    let made = returned(&function.body);
                    self.code.value(made.first()?)
                }
            };
            value = next;
        }
        None
    }

    fn read_handoff(&mut self, from: usize, expr: &Expr) {
        let value = self.code.value(expr);
        if let Some(call) = value.as_call()
            && matches!(call.callee.last_name(), Some("handoff" | "Handoff"))
        {
            let target = call.argument("agent", 0).cloned();
            let given = match self.tongue {
                Tongue::Python => call
                    .arguments
                    .iter()
                    .filter_map(|(name, value)| name.clone().map(|name| (name, value.at)))
                    .collect(),
                Tongue::Typescript => call
                    .positional()
                    .nth(1)
                    .and_then(|options| match self.code.value(options).form {
                        Form::Map(entries) => {
                            Some(entries.iter().map(|(key, _)| (key.as_plain().unwrap_or_default(), key.at)).collect())
                        }
                        _ => None,
                    })
                    .unwrap_or_else(Vec::<(String, Place)>::new),
            };
            for (name, at) in given.into_iter().filter(|(name, _)| name != "agent") {
                self.draft.warn(
                    "handoff_option_left_out",
                    self.code.line(at),
                    format!("{name} of the handoff is left out: here a handoff passes the whole conversation on, and nothing else"),
                );
            }
            return match target {
                Some(target) => self.hand_on(from, &target),
                None => self.say_unread_handoff(from, expr),
            };
        }
        self.hand_on(from, expr);
    }

    fn hand_on(&mut self, from: usize, target: &Expr) {
        match self.agent_of(target) {
            Some(to) => self.draft.hand_on(from, to),
            None => self.say_unread_handoff(from, target),
        }
    }

    fn say_unread_handoff(&mut self, from: usize, expr: &Expr) {
        let from = self.draft.agents[from].id.clone();
        self.draft.warn(
            "handoff_left_out",
            self.code.line(expr.at),
            format!("{from} passes on to {}, which cannot be read", self.code.excerpt(expr.at)),
        );
    }

    /// What is changed of agents after they were made: `triage.handoffs.append(billing)`.
    pub(super) fn read_changes(&mut self) {
        let mut changes: Vec<(Expr, String, Vec<Expr>)> = Vec::new();
        for statements in self.statements() {
            changes_in(statements, &mut changes);
        }
        for (agent, what, values) in changes {
            let Some(index) = self.agent_of(&agent) else {
                if what == "handoffs" && self.code.module_of(&agent).is_none() {
                    self.draft.warn(
                        "handoff_left_out",
                        self.code.line(agent.at),
                        format!(
                            "handoffs of {} are set, and it is not known at reading whose they are",
                            self.code.excerpt(agent.at)
                        ),
                    );
                }
                continue;
            };
            for value in values {
                for item in self.code.items(&value) {
                    match what.as_str() {
                        "handoffs" => self.read_handoff(index, &item),
                        _ => self.read_tool(index, &item),
                    }
                }
            }
        }
    }
}

fn changes_in(statements: &[Statement], found: &mut Vec<(Expr, String, Vec<Expr>)>) {
    let list_of = |expr: &Expr| match &expr.form {
        Form::Member(agent, what) if what == "handoffs" || what == "tools" => Some(((**agent).clone(), what.clone())),
        _ => None,
    };
    for statement in statements {
        match &statement.act {
            Act::Set { target, value } => {
                if let Some((agent, what)) = list_of(target) {
                    found.push((agent, what, vec![value.clone()]));
                }
            }
            Act::Value(value) => {
                if let Some(call) = value.as_call()
                    && let Form::Member(list, method) = &call.callee.form
                    && matches!(method.as_str(), "append" | "extend" | "push")
                    && let Some((agent, what)) = list_of(list)
                {
                    found.push((agent, what, call.positional().cloned().collect()));
                }
            }
            Act::Define(function) => changes_in(&function.body, found),
            Act::Class(class) => changes_in(&class.body, found),
            Act::If(branches) => branches.iter().for_each(|(_, body)| changes_in(body, found)),
            Act::Loop { body, .. } | Act::Block(body) => changes_in(body, found),
            _ => {}
        }
    }
}

/// What a function returns.
pub(super) fn returned(body: &[Statement]) -> Vec<&Expr> {
    let mut found = Vec::new();
    for statement in body {
        match &statement.act {
            Act::Return(Some(value)) => found.push(value),
            Act::If(branches) => branches.iter().for_each(|(_, body)| found.extend(returned(body))),
            Act::Loop { body, .. } | Act::Block(body) => found.extend(returned(body)),
            _ => {}
        }
    }
    found
}

impl Reader<'_> {
    /// The function that a name stands for, with the decorators that it has.
    pub(super) fn decorated(&self, expr: &Expr) -> Option<super::super::code::Function> {
        let Form::Name(name) = &expr.form else { return self.code.function(expr) };
        match self.code.look_up(name, expr.at)? {
            Symbol::Function(function) => Some(*function),
            _ => self.code.function(expr),
        }
    }
}
