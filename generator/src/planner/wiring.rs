//! Which tools an agent gets: Gantry's own by words, HTTP tools by addresses. What would need
//! something that the text does not give becomes a question, never a tool that does nothing.

use std::collections::BTreeMap;

use gantry_domain::spec::{Builtin, Effect, Tool, ToolSource, check, is_python_identifier, url_placeholders};
use serde_json::{Map, json};

use super::lexicon::{self, Shape, Words, quoted};

/// What was found.
pub(super) struct Wiring {
    pub(super) tools: Vec<Tool>,
    pub(super) questions: Vec<String>,
}

/// The words that ask for a builtin tool.
const BUILTIN_WORDS: [(Builtin, &[&str]); 3] = [
    (
        Builtin::CurrentTime,
        &[
            "time",
            "date",
            "today",
            "now",
            "clock",
            "timezone",
            "timezones",
            "utc",
            "weekday",
            "deadline",
            "uhrzeit",
            "heure",
            "hora",
        ],
    ),
    (
        Builtin::Calculator,
        &[
            "calculate",
            "calculates",
            "calculator",
            "calculation",
            "calculations",
            "compute",
            "computes",
            "arithmetic",
            "math",
            "maths",
            "mathematics",
            "sum",
            "sums",
            "total",
            "totals",
            "percentage",
            "percent",
            "multiply",
            "divide",
            "average",
            "rechne",
            "berechne",
            "calcule",
            "calcula",
        ],
    ),
    (
        Builtin::TextStatistics,
        &["count", "counts", "counting", "characters", "statistics", "length", "wordcount", "zähle"],
    ),
];

/// Words that ask for something which takes an address or a server, and the question to put.
const MISSING: [(&[&str], &str); 6] = [
    (
        &["search", "google", "web", "internet"],
        "Which search API should it use? Give its address, such as https://api.example.com/search?q={query}.",
    ),
    (
        &["email", "emails", "mail", "inbox", "gmail"],
        "How should it reach the mail: through an HTTP API (its address) or an MCP server (its command)?",
    ),
    (
        &["slack", "teams", "discord", "telegram", "whatsapp"],
        "What is the address of the webhook or API that it should post messages to?",
    ),
    (
        &["database", "sql", "postgres", "mysql", "sqlite"],
        "How should it reach the database: an HTTP API (its address) or an MCP server (its command)?",
    ),
    (
        &["pdf", "pdfs", "file", "files", "document", "documents", "folder"],
        "How should it get at the files: an MCP server (its command), or should people paste the text?",
    ),
    (
        &["calendar", "crm", "jira", "github", "notion", "salesforce"],
        "What is the address of the API that it should use?",
    ),
];

pub(super) fn tools(prompt: &str, words: &Words, shape: Option<&Shape>, reasons: &mut Vec<String>) -> Wiring {
    let mut tools: Vec<Tool> = Vec::new();
    for (builtin, asking) in BUILTIN_WORDS {
        let hits: Vec<&str> = asking.iter().copied().filter(|word| words.has(word)).collect();
        if !hits.is_empty() {
            reasons.push(format!("Tool {}: the text says {}.", builtin.as_str(), quoted(&hits)));
            tools.push(builtin.tool());
        }
    }
    let mut questions = Vec::new();
    for (url, sentence) in addresses(prompt) {
        if tools.len() >= check::MAX_ENTRIES {
            break;
        }
        let about = lexicon::shape(&Words::of(&sentence), &mut Vec::new()).or(shape);
        match http_tool(&url, &sentence, about, &tools) {
            Some(tool) => {
                if !tools.iter().any(|known| known.source == tool.source) {
                    reasons.push(format!("Tool {}: the text gives the address {url}.", tool.id));
                    tools.push(tool);
                }
            }
            None => questions.push(format!("{url} is not an address that a tool can call: what is the right one?")),
        }
    }
    let has_http = tools.iter().any(|tool| matches!(tool.source, ToolSource::Http { .. }));
    if !has_http {
        for (asking, question) in MISSING {
            if let Some(word) = words.first_of(asking) {
                questions.push(format!("You say \"{word}\". {question}"));
            }
        }
    }
    Wiring { tools, questions }
}

/// Every address in a text with the words just before it.
fn addresses(prompt: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = prompt[from..].find("http") {
        let start = from + at;
        let rest = &prompt[start..];
        if !(rest.starts_with("https://") || rest.starts_with("http://")) {
            from = start + 4;
            continue;
        }
        let end = rest
            .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '\\' | '|' | '^'))
            .unwrap_or(rest.len());
        let mut url = &rest[..end];
        // Full stops and closing brackets end the sentence, not the address.
        loop {
            let trimmed = url.trim_end_matches(['.', ',', ';', ':', '!', '?']);
            let trimmed = match trimmed.strip_suffix(')') {
                Some(inner) if !inner.contains('(') => inner,
                _ => trimmed.strip_suffix(']').filter(|inner| !inner.contains('[')).unwrap_or(trimmed),
            };
            if trimmed == url {
                break;
            }
            url = trimmed;
        }
        let before = &prompt[..start];
        let sentence = before.rsplit(['.', '\n', ';']).next().unwrap_or_default();
        found.push((url.replace('<', "{").replace('>', "}"), sentence.to_lowercase()));
        from = start + end.max(4);
    }
    found
}

fn http_tool(url: &str, sentence: &str, shape: Option<&Shape>, known: &[Tool]) -> Option<Tool> {
    let url: String = url.split('#').next().unwrap_or_default().to_owned();
    let placeholders = url_placeholders(&url);
    if placeholders.iter().any(|name| !is_python_identifier(name) || name.starts_with('_')) {
        return None;
    }
    let (method, effect) = method(sentence);
    let mut properties = Map::new();
    for name in &placeholders {
        properties.insert(
            (*name).to_owned(),
            json!({"type": "string", "description": format!("The {}.", name.replace('_', " "))}),
        );
    }
    let mut required: Vec<&str> = Vec::new();
    for name in &placeholders {
        if !required.contains(name) {
            required.push(name);
        }
    }
    if method == "POST" || method == "PUT" || method == "PATCH" {
        properties.insert("text".to_owned(), json!({"type": "string", "description": "What to send."}));
        if !required.contains(&"text") {
            required.push("text");
        }
    }
    let parameters =
        json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false});
    let subject = shape.map_or_else(|| subject_of(&url), |shape| shape.subject.to_owned());
    let verb = match method {
        "GET" => "get",
        "DELETE" => "delete",
        _ => "send",
    };
    let id = unique(&format!("{verb}_{subject}"), known);
    let host = url.split("://").nth(1)?.split(['/', '?']).next()?.to_owned();
    let what = subject.replace('_', " ");
    let description = match method {
        "GET" => format!("Get the {what} from {host}."),
        "DELETE" => format!("Delete the {what} at {host}."),
        _ => format!("Send the {what} to {host}."),
    };
    let tool = Tool {
        id,
        description,
        parameters,
        effect,
        timeout_ms: 10_000,
        source: ToolSource::Http { method: method.to_owned(), url, headers: BTreeMap::new() },
    };
    check::is_sound_tool(&tool).then_some(tool)
}

/// What the words before an address ask for: to change something, or to look.
fn method(sentence: &str) -> (&'static str, Effect) {
    let last = sentence
        .split(|c: char| !c.is_alphanumeric())
        .filter_map(|word| match word {
            "post" | "posts" | "create" | "creates" | "send" | "sends" | "submit" | "submits" | "add" | "adds"
            | "notify" | "publish" => Some(("POST", Effect::Write)),
            "update" | "updates" | "put" | "replace" | "replaces" => Some(("PUT", Effect::Write)),
            "delete" | "deletes" | "remove" | "removes" | "cancel" | "cancels" => Some(("DELETE", Effect::Write)),
            "get" | "gets" | "fetch" | "fetches" | "read" | "reads" | "look" | "query" | "find" | "finds"
            | "search" | "ask" | "asks" => Some(("GET", Effect::Network)),
            _ => None,
        })
        .next_back();
    last.unwrap_or(("GET", Effect::Network))
}

/// What an address is about: its last telling part, else its host's name.
fn subject_of(url: &str) -> String {
    let rest = url.split("://").nth(1).unwrap_or_default();
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let path = path.split('?').next().unwrap_or_default();
    let is_telling = |part: &&str| {
        part.len() > 2
            && part.chars().all(|c| c.is_ascii_alphabetic() || matches!(c, '-' | '_'))
            && !matches!(*part, "api" | "rest" | "json" | "latest")
    };
    let host = host.split(':').next().unwrap_or_default();
    let host_name = host
        .split('.')
        .filter(|part| !matches!(*part, "www" | "api"))
        .find(|part| part.len() > 2 && part.chars().all(|c| c.is_ascii_alphabetic()));
    let name = path.split('/').rev().find(is_telling).or(host_name).unwrap_or("resource");
    name.to_ascii_lowercase().replace('-', "_").trim_matches('_').chars().take(40).collect()
}

/// `id`, with a number after it if it is taken.
fn unique(id: &str, known: &[Tool]) -> String {
    let is_free = |id: &str| !known.iter().any(|tool| tool.id == id);
    if is_free(id) {
        return id.to_owned();
    }
    (2..).map(|number| format!("{id}_{number}")).find(|id| is_free(id)).unwrap_or_else(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wired(prompt: &str) -> Wiring {
        tools(prompt, &Words::of(prompt), None, &mut Vec::new())
    }

    #[test]
    fn an_address_becomes_a_tool_with_its_places_as_arguments() {
        let wiring = wired("Fetch an order from https://api.example.com/v1/orders/{order_id}?full=true.");
        let tool = &wiring.tools[0];
        assert_eq!(tool.id, "get_order");
        assert_eq!(tool.parameters["required"], json!(["order_id"]));
        assert_eq!(
            tool.source,
            ToolSource::Http {
                method: "GET".to_owned(),
                url: "https://api.example.com/v1/orders/{order_id}?full=true".to_owned(),
                headers: BTreeMap::new(),
            }
        );
        assert_eq!(tool.effect, Effect::Network);
    }

    #[test]
    fn a_verb_before_an_address_says_what_is_done_there() {
        let wiring = wired("Read https://a.example/notes. Then post the digest to https://b.example/hooks/news");
        let methods: Vec<&str> = wiring
            .tools
            .iter()
            .filter_map(|tool| match &tool.source {
                ToolSource::Http { method, .. } => Some(method.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(methods, ["GET", "POST"]);
        assert_eq!(wiring.tools[1].effect, Effect::Write);
    }

    #[test]
    fn what_cannot_be_wired_is_asked_and_never_invented() {
        let wiring = wired("Search the web and email me a PDF");
        assert!(wiring.tools.is_empty());
        assert_eq!(wiring.questions.len(), 3);
        for bad in [
            "https://",
            "http://user:pw@x.example/",
            "https://{host}/x",
            "https://x.example/{a b}",
            "http://x.example/{class}",
        ] {
            let wiring = wired(&format!("Call {bad}"));
            assert!(wiring.tools.is_empty(), "{bad}");
        }
    }

    #[test]
    fn builtin_tools_come_by_words() {
        let ids: Vec<String> = wired("What time is it, and calculate the total; count the characters")
            .tools
            .into_iter()
            .map(|tool| tool.id)
            .collect();
        assert_eq!(ids, ["current_time", "calculator", "text_statistics"]);
    }
}
