//! The cards by which other agents know the instance and its agents (A2A 1.0, `AgentCard`). A card says only
//! what its endpoint does. The instance's is for everybody and names no agent; the one with all of them, and
//! each agent's own, are for those who may read.

use axum::extract::State;
use gantry_domain::api::project::Project;
use gantry_domain::api::token::Scope;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::app::App;
use crate::error::Result;
use crate::http::Path;
use crate::identity::{Actor, AskedAt};
use crate::project;

/// How many agents are named to somebody who named none.
const MOST_NAMED: usize = 50;

/// The card of the instance.
pub(super) async fn of_instance(AskedAt(address): AskedAt) -> axum::Json<Value> {
    axum::Json(instance(&address, &json!([asking()])))
}

/// The card of one agent.
pub(super) async fn of_agent(
    State(app): State<App>,
    actor: Actor,
    Path(project): Path<String>,
    AskedAt(address): AskedAt,
) -> Result<axum::Json<Value>> {
    actor.require(Scope::Read)?;
    let project = project::find(&app.db, &project).await?;
    Ok(axum::Json(agent(&address, &project)))
}

/// The card of the instance with a skill for each of its agents.
pub(super) async fn extended(app: &App, address: &str) -> Result<Value> {
    let mut skills = vec![asking()];
    for agent in project::names(&app.db).await? {
        skills.push(skill(&agent.name, &agent.description));
    }
    Ok(instance(address, &json!(skills)))
}

/// What somebody is told who did not say which agent is asked: a message that names them.
pub(super) async fn choice(app: &App) -> Result<Value> {
    let names: Vec<String> = project::names(&app.db).await?.into_iter().map(|agent| agent.name).collect();
    let text = if names.is_empty() {
        "There are no agents here yet.".to_owned()
    } else {
        let more = if names.len() > MOST_NAMED { ", and others" } else { "" };
        let some: Vec<&str> = names.iter().take(MOST_NAMED).map(String::as_str).collect();
        format!(
            "Say which agent is asked, as metadata {{\"agent\": \"{}\"}} of the message, or ask at /a2a/{}. There are: {}{more}.",
            some[0],
            some[0],
            some.join(", ")
        )
    };
    Ok(json!({
        "messageId": Uuid::now_v7(),
        "role": "ROLE_AGENT",
        "parts": [{ "text": text, "mediaType": "text/plain" }, { "data": { "agents": names } }],
    }))
}

/// What the instance does for whoever asks it.
fn asking() -> Value {
    json!({
        "id": "ask-an-agent",
        "name": "Ask an agent",
        "description": "Passes a message on to one of the agents of this Gantry, named in the message's metadata as \
                        agent. A message that names none is answered with the names of those that there are.",
        "tags": ["agents"],
    })
}

fn skill(name: &str, description: &str) -> Value {
    let description = description.trim();
    let about = if description.is_empty() { format!("The agent {name}.") } else { description.to_owned() };
    json!({ "id": name, "name": name, "description": about, "tags": ["agent"] })
}

fn instance(address: &str, skills: &Value) -> Value {
    let mut card = card(&format!("{address}/a2a"), skills);
    card["name"] = json!("Gantry");
    card["description"] = json!("A Gantry and the agents that it runs.");
    card["version"] = json!(env!("CARGO_PKG_VERSION"));
    card["capabilities"]["extendedAgentCard"] = json!(true);
    card
}

fn agent(address: &str, project: &Project) -> Value {
    let metadata = &project.spec.metadata;
    let name = project.summary.name.as_str();
    let only = skill(name, &metadata.description);
    let description = only["description"].clone();
    let mut card = card(&format!("{address}/a2a/{name}"), &json!([only]));
    card["name"] = json!(name);
    card["description"] = description;
    card["version"] = json!(metadata.version);
    card
}

/// What all cards have in common.
fn card(url: &str, skills: &Value) -> Value {
    json!({
        "supportedInterfaces": [{ "url": url, "protocolBinding": "JSONRPC", "protocolVersion": "1.0" }],
        "capabilities": { "streaming": true, "pushNotifications": false, "extendedAgentCard": false },
        "securitySchemes": { "token": { "httpAuthSecurityScheme": {
            "scheme": "Bearer", "description": "An API token, made in the web interface under Settings, Tokens.",
        } } },
        "securityRequirements": [{ "schemes": { "token": { "list": [] } } }],
        "defaultInputModes": ["text/plain"],
        "defaultOutputModes": ["text/plain"],
        "skills": skills,
    })
}
