//! `gantry eval run | list | show`: holds a project against its cases. Exit code 1 says that it did not pass.

use clap::{Args, Subcommand, ValueEnum};
use gantry_domain::Digest;
use gantry_domain::api::eval::{
    CreateEval, Eval as Summary, EvalOutcome, EvalReport, EvalResult, Gate, LayerState, ResultChange, ResultState,
};
use gantry_domain::api::run::PermissionMode;
use gantry_domain::api::{Accepted, Page};
use gantry_domain::eval::CheckState;
use gantry_domain::eval::gate::Channel;
use gantry_domain::event::EventBody;
use uuid::Uuid;

use super::{run, watch};
use crate::Server;
use crate::client::Connection;
use crate::failure::Failure;
use crate::output::{Output, Progress, printable, table};

/// Commands of `gantry eval`.
#[derive(Subcommand)]
pub(crate) enum Eval {
    /// Runs an eval of a project as it is now, and waits for it. Exit code 1 when it does not pass.
    Run(Run),
    /// Lists a project's evals, newest first.
    List(List),
    /// Shows an eval with its results. Exit code 1 when it did not pass.
    Show(Show),
}

/// Arguments of `gantry eval run`.
#[derive(Args)]
pub(crate) struct Run {
    /// The project's name or id.
    project: String,

    /// The model provider's name or id; without one the live cases are left out.
    #[arg(long)]
    provider: Option<String>,

    /// The model's name at the provider; the provider's default when left out.
    #[arg(long, requires = "provider")]
    model: Option<String>,

    /// The provider of the judge, for cases with a rubric; the one of the cases when left out.
    #[arg(long, value_name = "PROVIDER", requires = "provider")]
    judge_provider: Option<String>,

    /// The judge's model; its provider's default when left out.
    #[arg(long, value_name = "MODEL", requires = "provider")]
    judge_model: Option<String>,

    /// What tools may do: nobody is there to be asked.
    #[arg(long, value_enum, default_value = "safe")]
    mode: Mode,

    /// What executes the runs: the server itself, or the project's image in containers without a network.
    #[arg(long, value_enum, default_value = "native")]
    runtime: run::Runtime,

    /// The image to run in containers, by its digest; the project's newest when left out.
    #[arg(long)]
    image: Option<Digest>,

    /// How often each case is run, 1 to 10.
    #[arg(long, value_name = "N", default_value_t = 1)]
    repeats: i64,

    /// Asks the gate of this channel instead of the eval alone whether it passed.
    #[arg(long, value_enum)]
    gate: Option<GateChannel>,

    #[command(flatten)]
    server: Server,
}

/// Arguments of `gantry eval list`.
#[derive(Args)]
pub(crate) struct List {
    /// The project's name or id.
    project: String,

    #[command(flatten)]
    server: Server,
}

/// Arguments of `gantry eval show`.
#[derive(Args)]
pub(crate) struct Show {
    /// The eval's id.
    eval: Uuid,

    #[command(flatten)]
    server: Server,
}

/// The permission modes of evals as words on the command line.
#[derive(Clone, Copy, ValueEnum)]
enum Mode {
    /// Tools that read run; all others are denied
    Safe,
    /// All tools run
    Dev,
}

/// The channels as words on the command line.
#[derive(Clone, Copy, ValueEnum)]
enum GateChannel {
    /// Versions that people rely on
    Release,
    /// Pre-release versions
    Dev,
}

pub(crate) async fn run(eval: Eval, output: &Output) -> Result<(), Failure> {
    match eval {
        Eval::Run(run) => self::begin(run, output).await,
        Eval::List(list) => self::list(list, output).await,
        Eval::Show(show) => {
            let connection = show.server.connect()?;
            let report = report(&connection, show.eval).await?;
            output.result(&report, told);
            verdict(&report)
        }
    }
}

async fn begin(run: Run, output: &Output) -> Result<(), Failure> {
    let connection = run.server.connect()?;
    let project = connection.project(&run.project).await?;
    let id = project.summary.id.to_string();
    let body = CreateEval {
        mode: Some(match run.mode {
            Mode::Safe => PermissionMode::Safe,
            Mode::Dev => PermissionMode::Dev,
        }),
        provider_id: provider(&connection, run.provider.as_deref()).await?,
        model: run.model,
        judge_provider_id: provider(&connection, run.judge_provider.as_deref()).await?,
        judge_model: run.judge_model,
        repeats: Some(run.repeats),
        runtime: run.runtime.into(),
        image: run.image,
    };
    let accepted: Accepted = connection.post(&["projects", &id, "evals"], &body).await?;
    let mut progress = output.progress(format!("evaluating {}", project.summary.name));
    let ended = watch::until_end(&connection, accepted.job_id, output, &mut progress, show).await?;
    drop(progress);
    let report = report(&connection, accepted.id).await?;
    output.result(&report, told);
    ended.into_result("the eval")?;
    match run.gate {
        None => verdict(&report),
        Some(channel) => gate(&connection, &id, channel).await,
    }
}

async fn provider(connection: &Connection, named: Option<&str>) -> Result<Option<Uuid>, Failure> {
    match named {
        Some(named) => run::provider(connection, named).await.map(Some),
        None => Ok(None),
    }
}

async fn report(connection: &Connection, id: Uuid) -> Result<EvalReport, Failure> {
    connection.get(&["evals", &id.to_string()]).await
}

/// Passed, or what did not.
fn verdict(report: &EvalReport) -> Result<(), Failure> {
    match report.eval.outcome {
        Some(EvalOutcome::Passed) => Ok(()),
        Some(EvalOutcome::Failed) => {
            let failed = report.results.iter().filter(|result| result.state == ResultState::Failed).count();
            Err(Failure::failed(format!(
                "eval {} did not pass: {failed} of {} results failed",
                report.eval.number,
                report.results.len()
            )))
        }
        None => Err(Failure::failed(format!("eval {} has not come to its end", report.eval.number))),
    }
}

async fn gate(connection: &Connection, project: &str, channel: GateChannel) -> Result<(), Failure> {
    let channel = match channel {
        GateChannel::Release => Channel::Release,
        GateChannel::Dev => Channel::Dev,
    };
    let gates: Page<Gate> = connection.page(&["projects", project, "gates"], None).await?;
    let gate = gates.items.into_iter().find(|gate| gate.channel == channel);
    let gate = gate.ok_or_else(|| Failure::NotFound(format!("the project has no gate {}", channel.as_str())))?;
    if gate.policy.guards.is_empty() {
        eprintln!("the gate {} is off: it stops nothing", channel.as_str());
    }
    if gate.passes {
        return Ok(());
    }
    let missing: Vec<String> = gate.missing.iter().map(|fault| format!("\n  {}", fault.message)).collect();
    Err(Failure::failed(format!(
        "revision {} does not pass the gate {}:{}",
        gate.revision,
        channel.as_str(),
        missing.concat()
    )))
}

async fn list(list: List, output: &Output) -> Result<(), Failure> {
    let connection = list.server.connect()?;
    let project = connection.project(&list.project).await?;
    let evals: Vec<Summary> = connection.list(&["projects", &project.summary.id.to_string(), "evals"]).await?;
    output.result(&evals, |evals| {
        let rows: Vec<Vec<String>> = evals.iter().map(row).collect();
        table(&["NUMBER", "REVISION", "RUNTIME", "OUTCOME", "SCORE", "MODEL", "WHEN", "ID"], &rows)
    });
    Ok(())
}

fn row(eval: &Summary) -> Vec<String> {
    vec![
        eval.number.to_string(),
        eval.revision.to_string(),
        eval.runtime.as_str().to_owned(),
        eval.outcome.map_or(eval.state.as_str(), outcome_word).to_owned(),
        eval.score.map_or_else(|| "-".to_owned(), |score| format!("{score} %")),
        if eval.model.is_empty() { "-".to_owned() } else { printable(&eval.model) },
        eval.created_at.to_string(),
        eval.id.to_string(),
    ]
}

fn outcome_word(outcome: EvalOutcome) -> &'static str {
    match outcome {
        EvalOutcome::Passed => "passed",
        EvalOutcome::Failed => "failed",
    }
}

fn state_word(state: ResultState) -> &'static str {
    match state {
        ResultState::Waiting => "waiting",
        ResultState::Running => "running",
        ResultState::Passed => "passed",
        ResultState::Failed => "FAILED",
        ResultState::Skipped => "skipped",
        ResultState::Cancelled => "cancelled",
    }
}

fn show(body: &EventBody, progress: &mut Progress) {
    let EventBody::EvalResult { layer, name, repeat, state, message } = body else { return };
    let name = format!("{} {name} #{repeat}", layer.as_str());
    match state {
        ResultState::Running => progress.status(&name, ""),
        _ if message.is_empty() => progress.say(&format!("{:<9} {name}", state_word(*state))),
        _ => progress.say(&format!("{:<9} {name}: {message}", state_word(*state))),
    }
}

/// A report as people read it in a terminal.
fn told(report: &EvalReport) -> String {
    let eval = &report.eval;
    let mut lines = vec![format!(
        "eval {} of revision {} ({}): {}{}",
        eval.number,
        eval.revision,
        eval.runtime.as_str(),
        eval.outcome.map_or(eval.state.as_str(), outcome_word),
        eval.score.map(|score| format!(", {score} %")).unwrap_or_default()
    )];
    for layer in &eval.layers {
        let state = match layer.state {
            LayerState::Open => "open",
            LayerState::Passed => "passed",
            LayerState::Failed => "FAILED",
            LayerState::Skipped => "skipped",
        };
        lines.push(format!(
            "  {state:<8} {:<9} {} passed, {} failed, {} skipped",
            layer.layer.as_str(),
            layer.passed,
            layer.failed,
            layer.skipped
        ));
    }
    lines.extend(report.results.iter().filter(|result| result.state == ResultState::Failed).map(failure_of));
    if let Some(before) = &report.compared_with {
        let of = |wanted: ResultChange| {
            let names =
                report.changes.iter().filter(|change| change.change == wanted).map(|change| change.name.as_str());
            names.collect::<Vec<_>>().join(", ")
        };
        for (what, names) in [("better", of(ResultChange::Better)), ("worse", of(ResultChange::Worse))] {
            if !names.is_empty() {
                lines.push(format!("  {what} than eval {}: {names}", before.number));
            }
        }
    }
    if let Some(other) = report.other_runtime.as_ref().filter(|_| !report.differences.is_empty()) {
        let names: Vec<&str> = report.differences.iter().map(|change| change.name.as_str()).collect();
        lines.push(format!(
            "  otherwise than in eval {} ({}): {}",
            other.number,
            other.runtime.as_str(),
            names.join(", ")
        ));
    }
    printable(&lines.join("\n"))
}

fn failure_of(result: &EvalResult) -> String {
    let failed = result.checks.iter().filter(|check| check.state == CheckState::Failed);
    let sentences: Vec<String> = failed.map(|check| format!("\n      {}", check.message)).collect();
    format!("  {} {} #{}{}", result.layer.as_str(), result.name, result.repeat, sentences.concat())
}
