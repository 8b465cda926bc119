//! The operations of evals, cases and gates.

use gantry_domain::api::eval::{
    CreateEval, Eval, EvalReport, Gate, GateOverride, OverriddenGate, OverrideGate, ProjectCases, ReplaceCases,
};
use gantry_domain::api::{Accepted, Page};
use gantry_domain::eval::gate::{Channel, GatePolicy};
use uuid::Uuid;

use super::{ApiResult, after, encode, get, post, put};

/// A project's evals, newest first.
pub(crate) async fn evals(project: &str, cursor: Option<String>) -> ApiResult<Page<Eval>> {
    get(&format!("/projects/{}/evals?limit=50{}", encode(project), after(cursor))).await
}

/// Begins an eval of a project as it is now.
pub(crate) async fn create_eval(project: &str, body: &CreateEval) -> ApiResult<Accepted> {
    post(&format!("/projects/{}/evals", encode(project)), body).await
}

/// One eval with its results.
pub(crate) async fn report(id: Uuid) -> ApiResult<EvalReport> {
    get(&format!("/evals/{id}")).await
}

/// Asks an eval to end.
pub(crate) async fn cancel_eval(id: Uuid) -> ApiResult<Eval> {
    post(&format!("/evals/{id}:cancel"), &()).await
}

/// A project's cases.
pub(crate) async fn cases(project: &str) -> ApiResult<ProjectCases> {
    get(&format!("/projects/{}/evals/cases", encode(project))).await
}

/// Writes a project's cases.
pub(crate) async fn replace_cases(project: &str, body: &ReplaceCases) -> ApiResult<ProjectCases> {
    put(&format!("/projects/{}/evals/cases", encode(project)), body).await
}

/// A project's gates.
pub(crate) async fn gates(project: &str) -> ApiResult<Page<Gate>> {
    get(&format!("/projects/{}/gates", encode(project))).await
}

/// Sets what a gate asks for.
pub(crate) async fn set_gate(project: &str, channel: Channel, body: &GatePolicy) -> ApiResult<Gate> {
    put(&format!("/projects/{}/gates/{}", encode(project), channel.as_str()), body).await
}

/// Lets something through a gate, once.
pub(crate) async fn override_gate(project: &str, channel: Channel, body: &OverrideGate) -> ApiResult<GateOverride> {
    post(&format!("/projects/{}/gates/{}:override", encode(project), channel.as_str()), body).await
}

/// What was let through the gates of all projects, newest first.
pub(crate) async fn overridden_gates(cursor: Option<String>) -> ApiResult<Page<OverriddenGate>> {
    get(&format!("/gates/overrides?limit=20{}", after(cursor))).await
}
