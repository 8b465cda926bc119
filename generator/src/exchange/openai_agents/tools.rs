//! The tools: functions of the project, agents that are asked as tools, and tools that run at OpenAI.

use super::super::code::{Call, Expr, Form, Function, Tongue};
use super::super::functions::{Offer, python_tool, typescript_tool, zod_schema};
use super::{Given, Reader, snake};
use serde_json::{Value, json};

/// Tools that the SDK brings along, by their names in Python, and what they do.
const HOSTED: [(&str, &str); 11] = [
    ("web_search", "it searches the web at OpenAI"),
    ("file_search", "it searches files that are kept at OpenAI"),
    ("code_interpreter", "it runs code at OpenAI"),
    ("image_generation", "it makes images at OpenAI"),
    ("hosted_m_c_p", "its server is called by OpenAI; one that is started by a command can be added here"),
    ("hosted_mcp", "its server is called by OpenAI; one that is started by a command can be added here"),
    ("computer", "it operates a computer"),
    ("local_shell", "it runs commands on the machine"),
    ("shell", "it runs commands on the machine"),
    ("apply_patch", "it changes files on the machine"),
    ("tool_search", "it looks for tools at OpenAI"),
];

impl Reader<'_> {
    pub(super) fn read_tools(&mut self, agent: usize, tools: &Expr) {
        for item in self.code.items(tools) {
            self.read_tool(agent, &item);
        }
    }

    pub(super) fn read_tool(&mut self, agent: usize, expr: &Expr) {
        let value = self.code.value(expr);
        if let Some((_, id)) = self.tools.iter().find(|(at, _)| *at == value.at) {
            let id = id.clone();
            return self.draft.give(agent, &id);
        }
        if let Some(function) = self.decorated(&value)
            && !matches!(value.form, Form::Call(_))
        {
            return self.read_function(agent, &function);
        }
        let id = match value.as_call() {
            Some(call) => match &call.callee.form {
                Form::Member(base, method) if matches!(method.as_str(), "as_tool" | "asTool") => {
                    return self.read_agent_tool(agent, base, call);
                }
                _ => self.read_call(&value, call),
            },
            None => {
                self.draft.warn(
                    "tool_left_out",
                    self.code.line(expr.at),
                    format!("{} is left out: what it is is only known at run time", self.code.excerpt(expr.at)),
                );
                None
            }
        };
        if let Some(id) = id {
            self.tools.push((value.at, id.clone()));
            self.draft.give(agent, &id);
        }
    }

    /// A function with `@function_tool` on it.
    fn read_function(&mut self, agent: usize, function: &Function) {
        if let Some((_, id)) = self.tools.iter().find(|(at, _)| *at == function.at) {
            let id = id.clone();
            return self.draft.give(agent, &id);
        }
        let mut offer = Offer::default();
        for decorator in &function.decorators {
            let call = decorator.as_call();
            let name = call.map_or(decorator.last_name(), |call| call.callee.last_name());
            match (name, call) {
                (Some("function_tool"), Some(call)) => offer = self.offer(call, true),
                (Some("function_tool"), None) => {}
                _ => self.draft.warn(
                    "decorator_left_out",
                    self.code.line(decorator.at),
                    format!("@{} of {} is left out", self.code.excerpt(decorator.at), function.name),
                ),
            }
        }
        let id = python_tool(self.code, function, offer, &mut self.draft);
        self.tools.push((function.at, id.clone()));
        self.draft.give(agent, &id);
    }

    /// What `function_tool(…)` says of a function beside itself.
    fn offer(&mut self, call: &Call, is_decorator: bool) -> Offer {
        let text = |name: &str| call.named(name).and_then(|value| self.code.words(value)).map(|words| words.text);
        let offer = Offer { name: text("name_override"), description: text("description_override"), parameters: None };
        let known =
            ["name_override", "description_override", "func", "docstring_style", "use_docstring_info", "strict_mode"];
        for (name, value) in call.arguments.iter().filter_map(|(name, value)| name.as_ref().map(|name| (name, value))) {
            if !known.contains(&name.as_str()) {
                let kind = if is_decorator { "the decorator" } else { "function_tool" };
                self.draft.warn(
                    "tool_option_left_out",
                    self.code.line(value.at),
                    format!("{name} of {kind} is left out: a spec has no word for it"),
                );
            }
        }
        offer
    }

    fn read_call(&mut self, value: &Expr, call: &Call) -> Option<String> {
        let callee = call.callee.last_name().unwrap_or_default().to_owned();
        let at = self.code.line(value.at);
        match (callee.as_str(), self.tongue) {
            ("function_tool", Tongue::Python) => {
                let function = call.argument("func", 0).and_then(|function| self.code.function(function))?;
                let offer = self.offer(call, false);
                return Some(python_tool(self.code, &function, offer, &mut self.draft));
            }
            ("FunctionTool", Tongue::Python) => return self.read_whole_tool(call, &at),
            ("tool", Tongue::Typescript) => return self.read_typescript_tool(call, &at),
            _ => {}
        }
        let short = snake(&callee).trim_start_matches('_').replace("_tool", "");
        let about = HOSTED.iter().find(|(name, _)| *name == short).map(|(_, about)| *about);
        match about {
            Some(about) => self.draft.warn(
                "hosted_tool_left_out",
                at,
                format!("{callee} is left out: {about}, and has no counterpart that works with every model"),
            ),
            None => self.draft.warn(
                "tool_left_out",
                at,
                format!("{} is left out: what it makes is only known at run time", self.code.excerpt(value.at)),
            ),
        }
        None
    }

    /// `FunctionTool(name=…, params_json_schema=…, on_invoke_tool=…)`: its function takes the arguments as JSON.
    fn read_whole_tool(&mut self, call: &Call, at: &str) -> Option<String> {
        let given = Given::new(self.code, self.tongue, call);
        let name = given.text("name", 0)?;
        let description = given.text("description", 1).unwrap_or_default();
        let parameters = given
            .get("params_json_schema", 2)
            .and_then(|schema| self.code.json(&schema))
            .filter(|schema| schema["type"] == "object")
            .unwrap_or_else(|| json!({"type": "object", "properties": {}, "required": []}));
        self.draft.warn(
            "tool_without_body",
            at,
            format!("{name} is called with the SDK's own context there: write its function before it is called"),
        );
        let body = format!("raise NotImplementedError({})", Value::from(format!("write what {name} does")));
        let source = gantry_domain::spec::ToolSource::Python { body };
        Some(self.draft.tool(&name, &description, parameters, gantry_domain::spec::Effect::Exec, source))
    }

    fn read_typescript_tool(&mut self, call: &Call, at: &str) -> Option<String> {
        let given = Given::new(self.code, self.tongue, call);
        let execute = given.get("execute", usize::MAX).and_then(|execute| self.code.function(&execute));
        let Some(execute) = execute else {
            self.draft.warn("tool_left_out", at, "a tool is left out: the function that it calls cannot be found");
            return None;
        };
        let name = given.text("name", usize::MAX).unwrap_or_else(|| execute.name.clone());
        let description = given.text("description", usize::MAX).unwrap_or_default();
        let known = ["name", "description", "parameters", "execute", "strict"];
        for (option, place) in given.names().into_iter().filter(|(option, _)| !known.contains(&option.as_str())) {
            self.draft.warn(
                "tool_option_left_out",
                self.code.line(place),
                format!("{option} of the tool {name} is left out: a spec has no word for it"),
            );
        }
        if execute.parameters.len() > 1 {
            self.draft.warn(
                "context_left_out",
                self.code.line(execute.at),
                format!("{name} takes {}, which the SDK gave it; here it is not there", execute.parameters[1].name),
            );
        }
        let schema = given.get("parameters", usize::MAX);
        let parameters = schema
            .as_ref()
            .and_then(|schema| zod_schema(self.code, schema).or_else(|| self.code.json(schema)))
            .filter(|schema| schema["type"] == "object");
        let parameters = parameters.unwrap_or_else(|| {
            self.draft.warn(
                "type_unknown",
                at,
                format!("what {name} takes cannot be read from the code: write its parameters"),
            );
            json!({"type": "object", "properties": {}, "required": []})
        });
        Some(typescript_tool(self.code, &execute, &name, &description, parameters, &mut self.draft))
    }

    /// `other.as_tool(…)`: an agent that is asked.
    fn read_agent_tool(&mut self, agent: usize, other: &Expr, call: &Call) {
        let Some(asked) = self.agent_of(other) else {
            self.draft.warn(
                "tool_left_out",
                self.code.line(other.at),
                format!("{} is left out: which agent it is cannot be read", self.code.excerpt(other.at)),
            );
            return;
        };
        let given = Given::new(self.code, self.tongue, call);
        if let Some(text) = given.text("tool_description", 1)
            && !text.trim().is_empty()
        {
            // What it is asked for says best what it is.
            self.draft.agents[asked].role =
                text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect();
        }
        let known = ["tool_name", "tool_description"];
        for (option, place) in given.names().into_iter().filter(|(option, _)| !known.contains(&option.as_str())) {
            self.draft.warn(
                "tool_option_left_out",
                self.code.line(place),
                format!(
                    "{option} of an agent that is asked as a tool is left out: it is always asked the same way here"
                ),
            );
        }
        if !self.asked.contains(&(agent, asked)) {
            self.asked.push((agent, asked));
        }
    }
}
