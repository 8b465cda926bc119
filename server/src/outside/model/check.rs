//! The test of a provider: asks its model as a run would, and when that fails finds out why.

use std::time::Duration;

use gantry_domain::api::provider::ProviderTest;
use gantry_domain::provider::{Finding, ProviderKind};
use reqwest::header::ACCEPT;
use serde_json::Value;
use tokio::time::Instant;

use super::endpoint::Endpoint;
use super::fault::ModelError;
use super::relay::read_body;
use super::{ChatRequest, Message, ask, token, wire};

/// How long the model may take for its first word: it may have to be loaded first.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a list of models, or another address, may take.
const SHORT_PATIENCE: Duration = Duration::from_secs(5);
/// How many models of a list are told.
const MOST_MODELS: usize = 100;
/// How many names are put into a sentence.
const MOST_NAMES: usize = 5;

/// Whether a provider's address, key and model work: asks the model for a word and hangs up at its first.
pub(crate) async fn test_connection(http: &reqwest::Client, endpoint: Endpoint) -> ProviderTest {
    let endpoint = Endpoint { idle_timeout: PATIENCE, attempts: 1, ..endpoint };
    let started = Instant::now();
    let asked = tokio::time::timeout(PATIENCE, word(http, &endpoint)).await;
    let asked = asked.unwrap_or_else(|_| Err(endpoint.timed_out()));
    let mut test = match asked {
        Ok(()) => answered(http, &endpoint).await,
        Err(error) => explained(http, &endpoint, error).await,
    };
    test.duration_ms = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
    test
}

async fn word(http: &reqwest::Client, endpoint: &Endpoint) -> Result<(), ModelError> {
    let messages = vec![Message::User("Answer with the word yes.".to_owned())];
    let request = ChatRequest { messages, tools: Vec::new(), temperature: None };
    ask(http, endpoint, &request).await?.next().await.map(drop)
}

async fn answered(http: &reqwest::Client, endpoint: &Endpoint) -> ProviderTest {
    let models = models(http, endpoint).await.unwrap_or_default();
    let model = &endpoint.model;
    let message = match (models.len(), models.contains(model)) {
        (0, _) => format!("The endpoint answers for {model}."),
        (1, true) => format!("The endpoint answers for {model}, the one model of its list."),
        (count, true) => format!("The endpoint answers for {model} and offers {count} models."),
        (count, false) => {
            format!("The endpoint answers for {model}, which is not among the {count} models of its list.")
        }
    };
    found(Finding::Works, message, models)
}

/// What else can be found out about a failure.
async fn explained(http: &reqwest::Client, endpoint: &Endpoint, error: ModelError) -> ProviderTest {
    match error.finding {
        Finding::ModelUnknown => {
            let models = models(http, endpoint).await.unwrap_or_default();
            let names = nearest(&endpoint.model, &models);
            let offer = if names.is_empty() { String::new() } else { format!(" It has {}.", names.join(", ")) };
            found(error.finding, format!("{}{offer}", error.message), models)
        }
        Finding::PathWrong | Finding::WebPage | Finding::NotACompletion => {
            let mut test = found(error.finding, error.message, Vec::new());
            for base_url in others(endpoint) {
                let other = Endpoint { base_url: base_url.clone(), idle_timeout: SHORT_PATIENCE, ..endpoint.clone() };
                let tried = tokio::time::timeout(SHORT_PATIENCE, word(http, &other)).await;
                let answers = match tried {
                    Ok(Ok(())) => true,
                    // A model, a key, a limit: somebody is there who understood.
                    Ok(Err(error)) => matches!(
                        error.finding,
                        Finding::ModelUnknown
                            | Finding::KeyMissing
                            | Finding::KeyRefused
                            | Finding::KeyNotAllowed
                            | Finding::RateLimited
                    ),
                    Err(_) => false,
                };
                if answers {
                    test.message = format!("{} Did you mean {base_url}? A model's API answers there.", test.message);
                    test.suggested_base_url = Some(base_url);
                    break;
                }
            }
            test
        }
        finding => found(finding, error.message, Vec::new()),
    }
}

fn found(code: Finding, message: String, models: Vec<String>) -> ProviderTest {
    let models = models.into_iter().take(MOST_MODELS).collect();
    ProviderTest { ok: code == Finding::Works, code, message, suggested_base_url: None, models, duration_ms: 0 }
}

/// Addresses on the same host that people often mean.
fn others(endpoint: &Endpoint) -> Vec<String> {
    let base = endpoint.base_url.trim_end_matches('/');
    let Ok(url) = url::Url::parse(base) else { return Vec::new() };
    let origin = url.origin().ascii_serialization();
    let mut others = match endpoint.kind {
        // Its paths begin at the host.
        ProviderKind::AzureOpenai | ProviderKind::Anthropic | ProviderKind::Ollama | ProviderKind::Ollabridge => {
            vec![origin]
        }
        ProviderKind::Gemini => vec![format!("{origin}/v1beta/openai")],
        ProviderKind::Bedrock => vec![format!("{origin}/openai/v1"), format!("{origin}/v1")],
        ProviderKind::Watsonx => vec![format!("{origin}/ml/gateway/v1")],
        ProviderKind::Openai | ProviderKind::OpenaiCompatible => {
            vec![format!("{base}/v1"), format!("{origin}/v1"), format!("{origin}/api/v1"), origin]
        }
    };
    others.retain(|other| other != base);
    others.dedup();
    others
}

/// The names in the endpoint's list of models, if it has one.
async fn models(http: &reqwest::Client, endpoint: &Endpoint) -> Option<Vec<String>> {
    let (url, headers) = wire::models_url(endpoint)?;
    let listed = async {
        let asked = token::exchanged(http, endpoint).await.ok()?;
        let request = asked.with_key(http.get(url).headers(headers)).header(ACCEPT, "application/json");
        let response = request.send().await.ok().filter(|response| response.status().is_success())?;
        let list: Value = serde_json::from_slice(&read_body(&asked, response).await.ok()?).ok()?;
        let names = list["data"].as_array()?.iter().filter_map(|model| model["id"].as_str());
        // Gemini puts this before the names by which it is asked.
        Some(names.map(|name| name.strip_prefix("models/").unwrap_or(name).to_owned()).collect())
    };
    tokio::time::timeout(SHORT_PATIENCE, listed).await.ok().flatten()
}

/// The names that are most like what was asked for: those with the longest common beginning.
fn nearest<'a>(model: &str, models: &'a [String]) -> Vec<&'a str> {
    let alike =
        |name: &str| name.chars().zip(model.chars()).take_while(|(one, other)| one.eq_ignore_ascii_case(other)).count();
    let mut names: Vec<&str> = models.iter().map(String::as_str).collect();
    names.sort_by_key(|name| std::cmp::Reverse(alike(name)));
    names.truncate(MOST_NAMES);
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outside::model::endpoint::sample;

    #[test]
    fn names_that_begin_alike_come_first() {
        let models: Vec<String> = ["qwen3", "llama3.1", "llama3.2:1b"].map(str::to_owned).into();
        assert_eq!(nearest("llama3.2", &models), ["llama3.2:1b", "llama3.1", "qwen3"]);
    }

    #[test]
    fn what_is_suggested_is_on_the_same_host_and_something_else() {
        let others = |kind, base| others(&sample(kind, base));
        assert_eq!(
            others(ProviderKind::OpenaiCompatible, "http://127.0.0.1:8000"),
            ["http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/api/v1"]
        );
        assert_eq!(others(ProviderKind::Anthropic, "https://a.example/v2/"), ["https://a.example"]);
        assert_eq!(others(ProviderKind::Gemini, "https://g.example/v1beta/openai"), Vec::<String>::new());
    }
}
