//! `gantry project`: create from a sentence or a spec, list. What comes and goes is in [`super::doors`], what
//! changes in [`revision`].

use std::io::Read;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use gantry_domain::api::plan::{Plan, PlanConstraints, PlanRequest};
use gantry_domain::api::project::{CreateProject, Project as Detail, ProjectSummary};
use gantry_domain::matrix::{self, Diagnostic, Framework, Severity};
use gantry_domain::problem::FieldProblem;
use gantry_domain::spec::{Spec, yaml};

use super::revision;
use crate::Server;
use crate::client::Connection;
use crate::failure::Failure;
use crate::output::{Output, printable, table};

/// Commands of `gantry project`.
#[derive(Subcommand)]
pub(crate) enum Project {
    /// Creates a project from a sentence or from a spec.
    Create(Create),
    /// Lists the projects, the last changed first.
    List(List),
    /// Creates a project from one of another kind: a document, a folder, a ZIP archive or a git repository.
    Import(super::doors::Import),
    /// Downloads a project: its files as a ZIP archive, or the agent in another format.
    Export(super::doors::Export),
    /// Pushes a project's files to a branch of a git repository, on top of what it has.
    Push(super::doors::Push),
    /// Shows what changed in a project's files: between revisions, or by edits of what was generated.
    Diff(revision::Diff),
    /// Generates a project's files anew with the server's version and merges them with the edits.
    Regenerate(revision::Regenerate),
    /// Checks whether a project is sound: spec, generated files and edits, syntax, lock; with --run its own tests.
    Verify(super::verify::Verify),
    /// Lists a project's revisions, newest first.
    Revisions(revision::Revisions),
    /// Makes a project again what it was at a revision; nothing is lost.
    Restore(revision::Restore),
}

/// Arguments of `gantry project create`.
#[derive(Args)]
pub(crate) struct Create {
    #[command(flatten)]
    source: Source,

    /// The framework to write the code for; else the planner chooses.
    #[arg(long, value_parser = framework_words(), requires = "prompt")]
    framework: Option<String>,

    /// The project's name: lower-case letters, digits and hyphens; else the planner makes one.
    #[arg(long, requires = "prompt")]
    name: Option<String>,

    /// Prints the spec as YAML and creates nothing.
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    server: Server,
}

/// Where a new project's spec comes from: exactly one of these.
#[derive(Args)]
#[group(required = true, multiple = false)]
struct Source {
    /// What the agent is to do, in words.
    #[arg(long, value_name = "SENTENCE")]
    prompt: Option<String>,

    /// A spec: an agent.gantry.yaml file, or - for standard input.
    #[arg(long, value_name = "FILE")]
    spec: Option<PathBuf>,
}

/// The frameworks that there are, as words on the command line.
fn framework_words() -> PossibleValuesParser {
    PossibleValuesParser::new(matrix::generated().map(Framework::as_str))
}

/// A framework by its word; clap has refused all others.
fn framework_of(word: &str) -> Option<Framework> {
    Framework::ALL.into_iter().find(|framework| framework.as_str() == word)
}

/// Arguments of `gantry project list`.
#[derive(Args)]
pub(crate) struct List {
    #[command(flatten)]
    server: Server,
}

pub(crate) async fn run(project: Project, output: &Output) -> Result<(), Failure> {
    match project {
        Project::Create(create) => self::create(create, output).await,
        Project::List(list) => self::list(list, output).await,
        Project::Import(import) => super::doors::import(import, output).await,
        Project::Export(export) => super::doors::export(export, output).await,
        Project::Push(push) => super::doors::push(push, output).await,
        Project::Diff(diff) => revision::diff(diff, output).await,
        Project::Regenerate(regenerate) => revision::regenerate(regenerate, output).await,
        Project::Verify(verify) => super::verify::verify(verify, output).await,
        Project::Revisions(revisions) => revision::revisions(revisions, output).await,
        Project::Restore(restore) => revision::restore(restore, output).await,
    }
}

async fn create(create: Create, output: &Output) -> Result<(), Failure> {
    let connection = create.server.connect()?;
    let spec = match (create.source.prompt, create.source.spec) {
        (Some(prompt), _) => {
            let constraints = PlanConstraints {
                name: create.name,
                framework: create.framework.as_deref().and_then(framework_of),
                ..PlanConstraints::default()
            };
            plan(&connection, PlanRequest { prompt, constraints, ..PlanRequest::default() }).await?
        }
        (None, Some(path)) => read_spec(&path)?,
        (None, None) => return Err(Failure::usage("expected --prompt or --spec")),
    };
    if create.dry_run {
        output.result(&spec, |spec| yaml::write(spec).trim_end().to_owned());
        return Ok(());
    }
    let project: Detail = connection.post(&["projects"], &CreateProject { spec }).await?;
    output.result(&project, |project| project.summary.name.to_string());
    if !output.is_json() {
        let target = &project.spec.target;
        eprintln!(
            "created {} ({}), version {}",
            project.summary.name,
            target.framework.as_str(),
            project.summary.version
        );
    }
    Ok(())
}

/// Has the server make a spec of a sentence, and says what the planner thought of it.
async fn plan(connection: &Connection, request: PlanRequest) -> Result<Spec, Failure> {
    let plan: Plan = connection.post(&["plans"], &request).await?;
    for reason in &plan.provenance.reasons {
        eprintln!("{}", printable(reason));
    }
    for question in &plan.questions {
        eprintln!("question: {}", printable(question));
    }
    for diagnostic in &plan.diagnostics {
        eprintln!("{}", printable(&sentence(diagnostic)));
    }
    Ok(plan.spec)
}

pub(super) fn sentence(diagnostic: &Diagnostic) -> String {
    let severity = match diagnostic.severity {
        Severity::Info => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    };
    let mut text = format!("{severity}: {} ({})", diagnostic.message, diagnostic.path);
    for fix in &diagnostic.fixes {
        text.push_str(&format!("\n  to mend it: {}", fix.label));
    }
    text
}

/// Reads a spec from a file or standard input; every fault of its form is named with its path.
fn read_spec(path: &PathBuf) -> Result<Spec, Failure> {
    yaml::read(&read_text(path)?)
        .map_err(|faults| Failure::usage(format!("{} is not a spec:\n{}", path.display(), faults_as_lines(&faults))))
}

pub(super) fn read_text(path: &PathBuf) -> Result<String, Failure> {
    let mut text = String::new();
    let read = if path.as_os_str() == "-" {
        std::io::stdin().read_to_string(&mut text).map(|_| ())
    } else {
        std::fs::read_to_string(path).map(|content| text = content)
    };
    read.map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
    Ok(text)
}

fn faults_as_lines(faults: &[FieldProblem]) -> String {
    let lines: Vec<String> = faults
        .iter()
        .map(|fault| format!("  {}: {}", if fault.path.is_empty() { "/" } else { &fault.path }, fault.message))
        .collect();
    lines.join("\n")
}

async fn list(list: List, output: &Output) -> Result<(), Failure> {
    let projects: Vec<ProjectSummary> = list.server.connect()?.list(&["projects"]).await?;
    output.result(&projects, |projects| {
        if projects.is_empty() {
            return String::new();
        }
        let rows: Vec<Vec<String>> = projects.iter().map(row).collect();
        table(&["NAME", "FRAMEWORK", "VERSION", "LAST RUN", "LAST BUILD", "PUBLISHED", "CHANGED"], &rows)
    });
    if projects.is_empty() && !output.is_json() {
        eprintln!("No projects yet. Create one with:  gantry project create --prompt \"…\"");
    }
    Ok(())
}

fn row(project: &ProjectSummary) -> Vec<String> {
    let state = |mark: &Option<gantry_domain::api::project::ProgressMark>| {
        mark.as_ref().map_or("-", |mark| mark.state.as_str()).to_owned()
    };
    vec![
        project.name.to_string(),
        project.framework.as_str().to_owned(),
        project.version.clone(),
        state(&project.progress.last_run),
        state(&project.progress.last_build),
        state(&project.progress.last_publication),
        // To the second, without its fraction.
        project.updated_at.to_string().split('.').next().unwrap_or_default().trim_end_matches('Z').to_owned() + "Z",
    ]
}
