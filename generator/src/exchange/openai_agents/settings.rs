//! The model of an agent, its settings, and the servers that it is connected to.

use super::super::code::{Expr, Form};
use super::{Given, Reader};

impl Reader<'_> {
    /// The key of an agent's model.
    pub(super) fn read_model(&mut self, given: &Given<'_>) -> String {
        let name = match given.get("model", usize::MAX) {
            Some(model) => self.model_name(&model),
            None => String::new(),
        };
        let temperature = given.get("model_settings", usize::MAX).and_then(|settings| self.temperature(&settings));
        self.draft.model(&name, temperature)
    }

    fn model_name(&mut self, expr: &Expr) -> String {
        if let Some(words) = self.code.words(expr).filter(|words| words.open.is_empty()) {
            return words.text;
        }
        let value = self.code.value(expr);
        let at = self.code.line(expr.at);
        let Some(call) = value.as_call() else {
            self.draft.note(
                "model_from_environment",
                at,
                format!("the model is {}, known at run time: it is left to MODEL_NAME", self.code.excerpt(expr.at)),
            );
            return String::new();
        };
        let callee = call.callee.last_name().unwrap_or_default();
        let is_model = callee.ends_with("Model") || callee == "aisdk";
        let name = if is_model {
            let given =
                match &call.named("model").or_else(|| call.positional().next()).map(|first| self.code.value(first)) {
                    // JavaScript's take the client first.
                    Some(first) if self.code.words(first).is_none() => call.positional().nth(1).cloned(),
                    first => first.clone(),
                };
            given.and_then(|name| self.code.words(&name)).filter(|words| words.open.is_empty()).map(|words| words.text)
        } else {
            None
        };
        self.draft.note(
            "address_from_environment",
            at,
            format!(
                "where {} answers is not kept in a spec: set OPENAI_BASE_URL and OPENAI_API_KEY in the environment, or a provider here",
                self.code.excerpt(call.callee.at)
            ),
        );
        name.unwrap_or_default()
    }

    fn temperature(&mut self, settings: &Expr) -> Option<f64> {
        let value = self.code.value(settings);
        let entries: Vec<(String, Expr)> = match &value.form {
            Form::Call(call) => call
                .arguments
                .iter()
                .filter_map(|(name, value)| name.clone().map(|name| (name, value.clone())))
                .collect(),
            Form::Map(entries) => {
                entries.iter().filter_map(|(key, value)| Some((key.as_plain()?, value.clone()?))).collect()
            }
            _ => Vec::new(),
        };
        let mut temperature = None;
        let mut others: Vec<String> = Vec::new();
        for (name, value) in entries {
            match self.code.json(&value).and_then(|value| value.as_f64()) {
                Some(number) if name == "temperature" && (0.0..=2.0).contains(&number) => temperature = Some(number),
                // What is stored at OpenAI is nothing that an agent does.
                _ if name == "store" => {}
                _ => others.push(name),
            }
        }
        if !others.is_empty() {
            self.draft.warn(
                "model_setting_left_out",
                self.code.line(settings.at),
                format!("{} of a model's settings are left out: a spec keeps its temperature", others.join(", ")),
            );
        }
        temperature
    }

    /// Servers of the Model Context Protocol: which tools they have is only known when they run.
    pub(super) fn read_servers(&mut self, agent: &str, servers: &Expr) {
        for server in self.code.items(servers) {
            let value = self.code.value(&server);
            let call = value.as_call();
            let command = call.and_then(|call| {
                let options = call
                    .named("params")
                    .or_else(|| call.positional().next())
                    .map(|options| self.code.value(options))?;
                let part = |name: &str| super::entry(&options, name).and_then(|value| self.code.json(&value));
                let mut command = match part("command").or_else(|| part("fullCommand"))? {
                    serde_json::Value::String(program) => vec![program],
                    _ => return None,
                };
                for argument in part("args").and_then(|list| list.as_array().cloned()).unwrap_or_default() {
                    command.push(argument.as_str().map_or_else(|| argument.to_string(), str::to_owned));
                }
                Some(command.join(" "))
            });
            let about = match command {
                Some(command) => format!(
                    "add the tools of the server `{command}` to it here: which ones there are is only known when it runs"
                ),
                None => format!(
                    "{} is not started by a command that could be read; servers are reached over standard input and output here",
                    self.code.excerpt(server.at)
                ),
            };
            self.draft.warn(
                "server_left_out",
                self.code.line(server.at),
                format!("a server of {agent} is left out: {about}"),
            );
        }
    }
}
