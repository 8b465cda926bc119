//! `/mcp`: Gantry as a server of the Model Context Protocol (2026-07-28 and before, streamable HTTP), so that
//! an assistant or an editor plans, makes, runs, builds and publishes agents.
//!
//! Every agent is a tool, too; `/mcp/{project}` is a server with that one tool, for who is to ask this agent and
//! nothing else. What a tool does is what the REST API does, with the same scopes; who asks is
//! resolved by the layer around the service.

use std::sync::Arc;

use axum::http::request::Parts;
use gantry_domain::Digest;
use gantry_domain::api::image::PublishImage;
use gantry_domain::api::plan::{PlanConstraints, PlanRequest};
use gantry_domain::api::project::Project;
use gantry_domain::api::run::PermissionMode;
use gantry_domain::api::token::Scope;
use gantry_domain::matrix::{Framework, Pattern};
use gantry_domain::spec::Spec;
use rmcp::handler::server::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData, Implementation, JsonObject,
    ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool, ToolAnnotations,
};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

use super::call::{self, StopWhenLeft};
use super::{Conversation, Said, Speaker};
use crate::app::App;
use crate::error::{Error, Result};
use crate::identity::{Actor, Standing};
use crate::project::ProjectName;
use crate::{build, image, project, registry, run};

/// How an agent's tool is called: this and the agent's name.
const AGENT: &str = "agent_";

/// Where it is.
const PLACE: &str = "/mcp";

/// The service, to be mounted at `/mcp` and `/mcp/{project}` behind the layer that knows who asks.
///
/// Without sessions: every request stands by itself, so that any node can answer it. Which host a request names
/// proves nothing here and is not looked at: the layer wants a token, or a cookie with what only a page of
/// Gantry's own knows.
pub(crate) fn service(app: &App) -> StreamableHttpService<Gantry, NeverSessionManager> {
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .disable_allowed_hosts()
        .with_cancellation_token(app.shutdown.clone());
    let app = app.clone();
    StreamableHttpService::new(move || Ok(Gantry { app: app.clone() }), Arc::default(), config)
}

/// What answers.
#[derive(Clone)]
pub(crate) struct Gantry {
    app: App,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanArguments {
    prompt: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    framework: Option<Framework>,
    #[serde(default)]
    pattern: Option<Pattern>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CreateArguments {
    spec: Spec,
}

/// What a run takes besides the agent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RunArguments {
    input: String,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    mode: PermissionMode,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BuildArguments {
    agent: String,
    #[serde(default)]
    no_cache: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GetBuildArguments {
    build: Uuid,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GetImageArguments {
    digest: Digest,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PublishArguments {
    digest: Digest,
    registry: String,
    #[serde(default)]
    tag: Option<gantry_domain::Tag>,
}

/// An object's schema for a tool's arguments.
fn schema(required: &[&str], properties: Value) -> Arc<JsonObject> {
    let schema = json!({
        "type": "object", "properties": properties, "required": required, "additionalProperties": false,
    });
    Arc::new(schema.as_object().cloned().unwrap_or_default())
}

/// The arguments that every run takes, with `more` in front.
fn run_properties(more: Value) -> Value {
    let mut properties = more;
    properties["input"] = json!({ "type": "string", "description": "What the agent is told." });
    properties["model"] = json!({
        "type": "string",
        "description": "A model provider's name, with /model behind it if it is not the default one, or rehearsal \
                        for the built-in model that is no LLM. The only provider when left out.",
    });
    properties["mode"] = json!({
        "type": "string", "enum": ["safe", "ask", "dev"],
        "description": "What the agent's tools may do: safe only reads, ask waits for a person in Gantry, dev does all. ask when left out.",
    });
    properties
}

/// The tools that there always are.
fn fixed_tools() -> Vec<Tool> {
    let reads = || ToolAnnotations::new().read_only(true).open_world(false);
    let acts = || ToolAnnotations::new().read_only(false).destructive(false).open_world(true);
    let agent = json!({ "type": "string", "description": "The agent's project, by name." });
    vec![
        Tool::new("list_agents", "Lists the agents of this Gantry.", schema(&[], json!({}))).with_annotations(reads()),
        Tool::new(
            "plan_agent",
            "Makes a plan for an agent from a sentence: a spec, what is wrong with it, and questions. Creates nothing.",
            schema(
                &["prompt"],
                json!({
                    "prompt": { "type": "string", "description": "What the agent is to do." },
                    "name": { "type": "string", "description": "The project's name." },
                    "framework": { "type": "string", "enum": Framework::ALL },
                    "pattern": { "type": "string", "enum": Pattern::ALL },
                }),
            ),
        )
        .with_annotations(reads()),
        Tool::new(
            "create_agent",
            "Creates a project from a spec, such as plan_agent gives, and generates its code.",
            schema(&["spec"], json!({ "spec": { "type": "object", "description": "The spec, gantry/v1." } })),
        )
        .with_annotations(acts()),
        Tool::new(
            "run_agent",
            "Runs an agent once and gives its answer.",
            schema(&["agent", "input"], run_properties(json!({ "agent": agent }))),
        )
        .with_annotations(acts()),
        Tool::new(
            "build_agent",
            "Begins to build an agent's image; ask get_build how it goes.",
            schema(
                &["agent"],
                json!({ "agent": agent, "no_cache": { "type": "boolean", "description": "Builds every step anew." } }),
            ),
        )
        .with_annotations(acts()),
        Tool::new(
            "get_build",
            "Says how a build stands, and the image's digest once it is done.",
            schema(&["build"], json!({ "build": { "type": "string", "description": "The build's id." } })),
        )
        .with_annotations(reads()),
        Tool::new(
            "publish_image",
            "Begins to push an image to a configured registry; ask get_image where it is published.",
            schema(
                &["digest", "registry"],
                json!({
                    "digest": { "type": "string", "description": "The image's digest, sha256:…" },
                    "registry": { "type": "string", "description": "The registry's name in Gantry." },
                    "tag": { "type": "string", "description": "The spec's version when left out." },
                }),
            ),
        )
        .with_annotations(acts()),
        Tool::new(
            "get_image",
            "Shows an image and where it was published.",
            schema(
                &["digest"],
                json!({ "digest": { "type": "string", "description": "The image's digest, sha256:…" } }),
            ),
        )
        .with_annotations(reads()),
    ]
}

fn parse<T: DeserializeOwned>(arguments: Option<JsonObject>) -> Result<T> {
    let value = Value::Object(arguments.unwrap_or_default());
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        Error::invalid(format!("/{}", path.replace('.', "/")), "invalid_value", format!("{}.", error.into_inner()))
    })
}

/// The agent that is the whole server, by the address that was asked; none at `/mcp` itself.
fn only_agent(context: &RequestContext<RoleServer>) -> Option<&str> {
    let path = context.extensions.get::<Parts>()?.uri.path();
    path.strip_prefix(PLACE)?.strip_prefix('/').filter(|name| !name.is_empty())
}

/// An agent as a tool.
fn agent_tool(ProjectName { name, description, .. }: ProjectName) -> Tool {
    let description = if description.is_empty() { format!("The agent {name}.") } else { description };
    Tool::new(format!("{AGENT}{name}"), description, schema(&["input"], run_properties(json!({}))))
        .with_title(name)
        .with_annotations(ToolAnnotations::new().read_only(false).open_world(true))
}

impl Gantry {
    async fn call(
        &self,
        name: &str,
        arguments: Option<JsonObject>,
        actor: &Actor,
        standing: Standing,
    ) -> Result<CallToolResult> {
        let app = &self.app;
        let answer = match name {
            "list_agents" => {
                actor.require(Scope::Read)?;
                let agents: Vec<Value> = project::names(&app.db)
                    .await?
                    .iter()
                    .map(|agent| json!({ "name": agent.name, "description": agent.description }))
                    .collect();
                json!({ "agents": agents })
            }
            "plan_agent" => {
                actor.require(Scope::Read)?;
                let PlanArguments { prompt, name, framework, pattern } = parse(arguments)?;
                crate::plan::check_prompt(&prompt)?;
                let constraints = PlanConstraints { name, framework, pattern, model: None };
                let request = PlanRequest { prompt, constraints, provider_id: None, planner_model: None };
                serde_json::to_value(gantry_generator::plan(&request))?
            }
            "create_agent" => {
                actor.require(Scope::Write)?;
                let CreateArguments { spec } = parse(arguments)?;
                serde_json::to_value(project::create(app, spec, &actor.name).await?.summary)?
            }
            "build_agent" => {
                actor.require(Scope::Build)?;
                let BuildArguments { agent, no_cache } = parse(arguments)?;
                let accepted = build::begin(app, &agent, no_cache, &actor.name).await?;
                json!({ "build": accepted.id, "job": accepted.job_id })
            }
            "get_build" => {
                actor.require(Scope::Read)?;
                let GetBuildArguments { build } = parse(arguments)?;
                serde_json::to_value(build::find(app, build).await?)?
            }
            "publish_image" => {
                actor.require(Scope::Publish)?;
                let PublishArguments { digest, registry, tag } = parse(arguments)?;
                let registry_id = registry::id_of(&app.db, &registry).await?;
                let wish = PublishImage { registry_id, repository: None, tag };
                let accepted = image::begin(app, &digest, wish, &actor.name).await?;
                json!({ "publication": accepted.id, "job": accepted.job_id })
            }
            "get_image" => {
                actor.require(Scope::Read)?;
                let GetImageArguments { digest } = parse(arguments)?;
                serde_json::to_value(image::find(app, &digest).await?)?
            }
            "run_agent" => {
                let mut arguments = arguments.unwrap_or_default();
                let Some(Value::String(agent)) = arguments.remove("agent") else {
                    return Err(Error::invalid("/agent", "invalid_value", "Expected the name of an agent."));
                };
                return self.run(&agent, parse(Some(arguments))?, actor, standing).await;
            }
            name => {
                let Some(agent) = name.strip_prefix(AGENT) else { return Err(Error::not_found("tool")) };
                return self.run(agent, parse(arguments)?, actor, standing).await;
            }
        };
        Ok(CallToolResult::structured(answer))
    }

    /// Runs an agent and waits for its answer. Whoever cancels the call, or leaves, stops the run.
    async fn run(
        &self,
        agent: &str,
        arguments: RunArguments,
        actor: &Actor,
        standing: Standing,
    ) -> Result<CallToolResult> {
        use futures::StreamExt;
        actor.require(Scope::Write)?;
        let app = &self.app;
        let project: Project = project::find(&app.db, agent).await?;
        let choice = call::choose_model(app, arguments.model.as_deref(), "/model").await?;
        let conversation = Conversation::of(vec![Said { by: Speaker::Person, text: arguments.input }])?;
        let accepted = call::start(app, actor, &project, conversation, arguments.mode, choice).await?;
        let mut guard = StopWhenLeft::new(app, accepted.job_id);
        let mut entries = call::listen(app, accepted.job_id, 0, standing).await?;
        while entries.next().await.is_some() {}
        let run = run::get(&app.db, accepted.id).await?;
        if run.state.is_final() {
            guard.keep();
        }
        Ok(match (&run.output, &run.reason) {
            (Some(output), _) => {
                let mut result = CallToolResult::success(vec![ContentBlock::text(output.clone())]);
                result.structured_content = Some(json!({ "answer": output, "run": run.id, "usage": run.usage }));
                result
            }
            (None, reason) => {
                let why = reason.as_ref().map_or("The run was stopped before the agent answered.", |why| &why.message);
                CallToolResult::error(vec![ContentBlock::text(format!("{why} (run {})", run.id))])
            }
        })
    }
}

/// Who asks, as the layer around the service found out.
fn asker(context: &RequestContext<RoleServer>) -> std::result::Result<(Actor, Standing), ErrorData> {
    let extensions = context.extensions.get::<Parts>().map(|parts| &parts.extensions);
    let found = extensions.and_then(|found| Some((found.get::<Actor>()?.clone(), *found.get::<Standing>()?)));
    found.ok_or_else(|| ErrorData::internal_error("nobody is signed in", None))
}

/// What went wrong, for the assistant to read: it may do better.
fn refused(error: &Error) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(format!("{} ({})", error.detail(), error.code()))])
}

impl ServerHandler for Gantry {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("gantry", env!("CARGO_PKG_VERSION")))
            .with_instructions(
                "Gantry takes an AI agent from a sentence to a published image: plan_agent, create_agent, run_agent, \
                 build_agent, publish_image. Every agent is also a tool by itself, agent_<name>.",
            )
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> std::result::Result<ListToolsResult, ErrorData> {
        let (actor, _) = asker(&context)?;
        let failed = |error: Error| ErrorData::internal_error(error.detail().to_owned(), None);
        actor.require(Scope::Read).map_err(failed)?;
        let Some(only) = only_agent(&context) else {
            let agents = project::names(&self.app.db).await.map_err(failed)?;
            let tools = fixed_tools().into_iter().chain(agents.into_iter().map(agent_tool)).collect();
            return Ok(ListToolsResult::with_all_items(tools));
        };
        let summary = project::find(&self.app.db, only).await.map_err(failed)?.summary;
        let (name, description) = (summary.name.to_string(), summary.description);
        let tool = agent_tool(ProjectName { name, description, created_at: summary.created_at });
        Ok(ListToolsResult::with_all_items(vec![tool]))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> std::result::Result<CallToolResponse, ErrorData> {
        let (actor, standing) = asker(&context)?;
        if only_agent(&context).is_some_and(|only| request.name.strip_prefix(AGENT) != Some(only)) {
            return Ok(refused(&Error::not_found("tool")).into());
        }
        let calling = self.call(&request.name, request.arguments, &actor, standing);
        let result = tokio::select! {
            // Dropped, a run that is under way is stopped.
            () = context.ct.cancelled() => return Err(ErrorData::internal_error("the call was cancelled", None)),
            result = calling => result.unwrap_or_else(|error| refused(&error)),
        };
        Ok(result.into())
    }
}
