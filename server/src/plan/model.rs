//! A plan that a model writes.
//!
//! The endpoint is asked in the strictest way that it knows: with a JSON Schema, else with a tool that
//! it must call, else in words. Its document is checked like a spec that a person wrote; what is wrong
//! goes back to it, twice at most. If nothing comes of it the rules make the plan, and the plan says so.

use gantry_domain::api::plan::{Plan, PlanAttempt, PlanEvent, PlanMethod, PlanRequest};
use serde_json::{Value, json};

use crate::outside::model::{self, Endpoint};

/// How often the model may mend its document.
const REPAIRS: usize = 2;
/// The name of the schema, and of the tool.
const DOCUMENT: &str = "agent_plan";

/// What was asked, and who is told of it as it happens.
struct Attempts<Tell> {
    made: Vec<PlanAttempt>,
    tell: Tell,
}

impl<Tell: FnMut(PlanEvent)> Attempts<Tell> {
    fn asking(&mut self, method: PlanMethod) {
        let number = u32::try_from(self.made.len() + 1).unwrap_or(u32::MAX);
        (self.tell)(PlanEvent::Asked { method, number });
    }

    fn answered(&mut self, method: PlanMethod, problems: Vec<String>) {
        let attempt = PlanAttempt { method, problems };
        (self.tell)(PlanEvent::Answered { attempt: attempt.clone() });
        self.made.push(attempt);
    }
}

/// Has a model write the plan; `tell` hears what is asked and what comes of it, without the plan.
pub(super) async fn plan(
    http: &reqwest::Client,
    endpoint: &Endpoint,
    request: &PlanRequest,
    tell: impl FnMut(PlanEvent) + Send,
) -> Plan {
    let schema = gantry_generator::draft_schema(&request.constraints);
    let mut conversation = vec![
        json!({"role": "system", "content": gantry_generator::draft_task(request)}),
        json!({"role": "user", "content": request.prompt}),
    ];
    let mut attempts = Attempts { made: Vec::new(), tell };
    let mut method = PlanMethod::JsonSchema;
    let mut repairs = 0;
    let reason = loop {
        let body = body(method, endpoint, &conversation, &schema);
        attempts.asking(method);
        let answer = match model::complete(http, endpoint, &body).await {
            Ok(answer) => answer,
            Err(error) => {
                attempts.answered(method, vec![error.message.clone()]);
                // An endpoint that does not know a way of asking says that the request is bad.
                let is_unknown = matches!(error.code(), "model_bad_response" | "model_request_unsupported");
                match next(method).filter(|_| is_unknown) {
                    Some(next) => {
                        method = next;
                        continue;
                    }
                    None => break error.message,
                }
            }
        };
        let (text, found) = match document(&answer) {
            Some((text, document)) => (text, gantry_generator::lower(document, request, &endpoint.model)),
            None => {
                let text = said(&answer);
                // Asked for a document and answered with prose: this way of asking had no effect.
                if let Some(next) = next(method).filter(|_| !text.contains('{')) {
                    let problem = "the endpoint answered in words instead of with the document".to_owned();
                    attempts.answered(method, vec![problem]);
                    method = next;
                    continue;
                }
                (text, Err(vec!["expected one JSON document and nothing else".to_owned()]))
            }
        };
        match found {
            Ok(mut plan) => {
                attempts.answered(method, Vec::new());
                plan.provenance.attempts = attempts.made;
                return plan;
            }
            Err(problems) => {
                attempts.answered(method, problems.clone());
                if repairs == REPAIRS {
                    break format!("{} wrote no sound plan, and {REPAIRS} repairs did not mend it", endpoint.model);
                }
                repairs += 1;
                conversation.push(json!({"role": "assistant", "content": text}));
                conversation.push(json!({"role": "user", "content": format!(
                    "That document cannot be used. Write the whole document again with these mended:\n{}",
                    problems.iter().map(|problem| format!("- {problem}")).collect::<Vec<_>>().join("\n"),
                )}));
            }
        }
    };
    let mut plan = gantry_generator::plan(request);
    plan.provenance.model = Some(endpoint.model.clone());
    plan.provenance.attempts = attempts.made;
    plan.provenance.fallback = Some(reason);
    plan
}

/// The next less strict way of asking.
fn next(method: PlanMethod) -> Option<PlanMethod> {
    match method {
        PlanMethod::JsonSchema => Some(PlanMethod::ForcedTool),
        PlanMethod::ForcedTool => Some(PlanMethod::Text),
        PlanMethod::Text => None,
    }
}

/// The request, as OpenAI's API reference has it ("Structured model outputs", "Function calling").
fn body(method: PlanMethod, endpoint: &Endpoint, conversation: &[Value], schema: &Value) -> Value {
    let mut body = json!({"model": endpoint.model, "messages": conversation});
    match method {
        PlanMethod::JsonSchema => {
            body["response_format"] =
                json!({"type": "json_schema", "json_schema": {"name": DOCUMENT, "strict": true, "schema": schema}});
        }
        PlanMethod::ForcedTool => {
            let function = json!({
                "name": DOCUMENT, "description": "Takes the plan of the agent.", "strict": true, "parameters": schema,
            });
            body["tools"] = json!([{"type": "function", "function": function}]);
            body["tool_choice"] = json!({"type": "function", "function": {"name": DOCUMENT}});
        }
        PlanMethod::Text => {
            if let Some(messages) = body["messages"].as_array_mut() {
                messages.insert(
                    1,
                    json!({"role": "system", "content": format!(
                        "Answer with one JSON document that fits this JSON Schema, and with nothing else:\n{schema}"
                    )}),
                );
            }
        }
    }
    body
}

/// The document of an answer, and the text that it was taken from.
fn document(answer: &Value) -> Option<(String, Value)> {
    let message = &answer["choices"][0]["message"];
    let called = message["tool_calls"][0]["function"]["arguments"].as_str();
    let text = called.map_or_else(|| said(answer), str::to_owned);
    let document = serde_json::from_str(&text).ok().or_else(|| enclosed(&text))?;
    let is_object = matches!(document, Value::Object(_));
    is_object.then_some((text, document))
}

fn said(answer: &Value) -> String {
    answer["choices"][0]["message"]["content"].as_str().unwrap_or_default().to_owned()
}

/// The first JSON object within a text, such as one in a fenced block. Braces inside its strings do
/// not count, which is why a parser looks for its end.
fn enclosed(text: &str) -> Option<Value> {
    text.match_indices('{').take(20).find_map(|(start, _)| {
        let mut values = serde_json::Deserializer::from_str(&text[start..]).into_iter::<Value>();
        values.next()?.ok().filter(|value| value.as_object().is_some_and(|object| object.len() > 1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_found_within_words() {
        let text = "Sure {ok}! ```json\n{\"a\": \"}\", \"b\": {\"c\": 1}}\n``` Anything else?";
        assert_eq!(enclosed(text).unwrap(), json!({"a": "}", "b": {"c": 1}}));
        assert_eq!(enclosed("nothing { here"), None);
    }

    #[test]
    fn a_tool_call_counts_before_what_was_said() {
        let answer = json!({"choices": [{"message": {"content": "{\"x\": 1}",
            "tool_calls": [{"function": {"name": DOCUMENT, "arguments": "{\"y\": 2}"}}]}}]});
        assert_eq!(document(&answer).unwrap().1, json!({"y": 2}));
        let answer = json!({"choices": [{"message": {"content": "no"}}]});
        assert_eq!(document(&answer), None);
    }
}
