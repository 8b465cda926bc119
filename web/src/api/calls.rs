//! One function per operation of the REST interface. Types are the server's own (`gantry_domain::api`).

use gantry_domain::api::Page;
use gantry_domain::api::compatibility::Compatibility;
use gantry_domain::api::exchange::{Import, ImportRequest};
use gantry_domain::api::identity::{Login, Me, Setup, SetupState};
use gantry_domain::api::job::Job;
use gantry_domain::api::mcp::{DiscoverMcpServer, McpServer};
use gantry_domain::api::openapi::{DiscoverOpenApi, OpenApiDocument};
use gantry_domain::api::project::{
    CreateProject, Project, ProjectFile, ProjectFileContent, ProjectSummary, ReplaceSpec,
};
use gantry_domain::api::provider::{PairProvider, Provider, ProviderTest, SaveProvider, Unpaired};
use gantry_domain::api::registry::{ConnectionTest, Registry, SaveRegistry};
use gantry_domain::api::secret::{CreateSecret, CreateSecretVersion, Secret};
use gantry_domain::api::system::System;
use gantry_domain::api::token::{CreateToken, CreatedToken, Token};
use gantry_domain::api::usage::UsageReport;
use uuid::Uuid;

use super::{ApiResult, after, delete, encode, get, post, put};

/// Who is asking.
pub(crate) async fn me() -> ApiResult<Me> {
    get("/auth/me").await
}

/// Signs in.
pub(crate) async fn login(body: &Login) -> ApiResult<Me> {
    post("/auth/login", body).await
}

/// Signs out.
pub(crate) async fn logout() -> ApiResult<()> {
    post("/auth/logout", &()).await
}

/// Whether the first account is still to be made.
pub(crate) async fn setup_state() -> ApiResult<SetupState> {
    get("/setup").await
}

/// Makes the first account.
pub(crate) async fn setup(body: &Setup) -> ApiResult<Me> {
    post("/setup", body).await
}

/// What goes with what on this instance: the built-in matrix with what the operator added.
pub(crate) async fn compatibility() -> ApiResult<Compatibility> {
    get("/compatibility").await
}

/// What the instance runs on.
pub(crate) async fn system() -> ApiResult<System> {
    get("/system").await
}

/// One page of projects, newest first, filtered by a part of the name and by state; empty words do
/// not narrow the list down.
pub(crate) async fn projects(words: &str, state: &str, cursor: Option<String>) -> ApiResult<Page<ProjectSummary>> {
    let state = if state.is_empty() { String::new() } else { format!("&state={state}") };
    get(&format!("/projects?q={}{state}{}", encode(words), after(cursor))).await
}

/// One project, by name or id.
pub(crate) async fn project(name: &str) -> ApiResult<Project> {
    get(&format!("/projects/{}", encode(name))).await
}

/// Creates a project from a spec.
pub(crate) async fn create_project(body: &CreateProject) -> ApiResult<Project> {
    post("/projects", body).await
}

/// Says what spec a document or a repository becomes; nothing is kept.
pub(crate) async fn import(body: &ImportRequest) -> ApiResult<Import> {
    post("/imports", body).await
}

/// Says what spec the project in a ZIP archive becomes; nothing is kept.
pub(crate) async fn import_archive(file: web_sys::File) -> ApiResult<Import> {
    super::upload("/imports/archive", "application/zip", file).await
}

/// Replaces a project's spec.
pub(crate) async fn replace_spec(id: Uuid, body: &ReplaceSpec) -> ApiResult<Project> {
    put(&format!("/projects/{id}/spec"), body).await
}

/// Deletes a project with all that belongs to it.
pub(crate) async fn delete_project(id: Uuid) -> ApiResult<()> {
    delete(&format!("/projects/{id}")).await
}

/// The names and sizes of a project's files.
pub(crate) async fn project_files(name: &str) -> ApiResult<Page<ProjectFile>> {
    get(&format!("/projects/{}/files", encode(name))).await
}

/// One file of a project.
pub(crate) async fn project_file(name: &str, path: &str) -> ApiResult<ProjectFileContent> {
    let path: Vec<String> = path.split('/').map(encode).collect();
    get(&format!("/projects/{}/files/{}", encode(name), path.join("/"))).await
}

/// A page of the tokens of the person who asks, newest first.
pub(crate) async fn tokens(cursor: Option<String>) -> ApiResult<Page<Token>> {
    get(&format!("/tokens?limit=50{}", after(cursor))).await
}

/// Makes a token; the answer is the only showing of its secret part.
pub(crate) async fn create_token(body: &CreateToken) -> ApiResult<CreatedToken> {
    post("/tokens", body).await
}

/// Makes a token useless at once.
pub(crate) async fn delete_token(id: Uuid) -> ApiResult<()> {
    delete(&format!("/tokens/{id}")).await
}

/// What runs asked of models on the last days.
pub(crate) async fn usage(days: i64) -> ApiResult<UsageReport> {
    get(&format!("/usage?days={days}")).await
}

/// A page of the model providers, by name.
pub(crate) async fn providers(cursor: Option<String>) -> ApiResult<Page<Provider>> {
    get(&format!("/providers?limit=50{}", after(cursor))).await
}

/// Adds a model provider, or changes the one with this id.
pub(crate) async fn save_provider(id: Option<Uuid>, body: &SaveProvider) -> ApiResult<Provider> {
    match id {
        None => post("/providers", body).await,
        Some(id) => put(&format!("/providers/{id}"), body).await,
    }
}

/// Removes a model provider.
pub(crate) async fn delete_provider(id: Uuid) -> ApiResult<()> {
    delete(&format!("/providers/{id}")).await
}

/// Asks the provider's endpoint for an answer.
pub(crate) async fn test_provider(id: Uuid) -> ApiResult<ProviderTest> {
    post(&format!("/providers/{id}:test"), &()).await
}

/// Pairs this instance with the provider by a code that it shows.
pub(crate) async fn pair_provider(id: Uuid, code: String) -> ApiResult<Provider> {
    post(&format!("/providers/{id}:pair"), &PairProvider { code }).await
}

/// Forgets the key that came from pairing, and has the provider forget this instance.
pub(crate) async fn unpair_provider(id: Uuid) -> ApiResult<Unpaired> {
    post(&format!("/providers/{id}:unpair"), &()).await
}

/// A page of the registries, by name.
pub(crate) async fn registries(cursor: Option<String>) -> ApiResult<Page<Registry>> {
    get(&format!("/registries?limit=50{}", after(cursor))).await
}

/// Adds a registry, or changes the one with this id.
pub(crate) async fn save_registry(id: Option<Uuid>, body: &SaveRegistry) -> ApiResult<Registry> {
    match id {
        None => post("/registries", body).await,
        Some(id) => put(&format!("/registries/{id}"), body).await,
    }
}

/// Removes a registry.
pub(crate) async fn delete_registry(id: Uuid) -> ApiResult<()> {
    delete(&format!("/registries/{id}")).await
}

/// Tries the registry's address and credential.
pub(crate) async fn test_registry(id: Uuid) -> ApiResult<ConnectionTest> {
    post(&format!("/registries/{id}:test"), &()).await
}

/// A page of the secrets, by name and without their values.
pub(crate) async fn secrets(cursor: Option<String>) -> ApiResult<Page<Secret>> {
    get(&format!("/secrets?limit=50{}", after(cursor))).await
}

/// Stores a secret.
pub(crate) async fn create_secret(body: &CreateSecret) -> ApiResult<Secret> {
    post("/secrets", body).await
}

/// Stores a new value for a secret.
pub(crate) async fn create_secret_version(id: Uuid, body: &CreateSecretVersion) -> ApiResult<Secret> {
    post(&format!("/secrets/{id}/versions"), body).await
}

/// Removes a secret.
pub(crate) async fn delete_secret(id: Uuid) -> ApiResult<()> {
    delete(&format!("/secrets/{id}")).await
}

/// One job.
pub(crate) async fn job(id: Uuid) -> ApiResult<Job> {
    get(&format!("/jobs/{id}")).await
}

/// Says which operations of an OpenAPI document could be tools.
pub(crate) async fn discover_openapi_document(body: &DiscoverOpenApi) -> ApiResult<OpenApiDocument> {
    post("/openapi-documents:discover", body).await
}

/// Asks an MCP server, which is a program on the server or an address, for its tools.
pub(crate) async fn discover_mcp_server(body: &DiscoverMcpServer) -> ApiResult<McpServer> {
    post("/mcp-servers:discover", body).await
}
