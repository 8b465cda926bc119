//! `gantry project`: create from a sentence or a spec, list, export.

use std::io::{Read, Write};
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand, ValueEnum};
use gantry_domain::api::exchange::{Import as Imported, ImportRequest};
use gantry_domain::api::plan::{Plan, PlanConstraints, PlanRequest};
use gantry_domain::api::project::{CreateProject, Project as Detail, ProjectSummary};
use gantry_domain::matrix::{self, Diagnostic, Framework, Severity};
use gantry_domain::problem::FieldProblem;
use gantry_domain::spec::{Spec, yaml};
use reqwest::Method;

use crate::Server;
use crate::client::Connection;
use crate::failure::Failure;
use crate::output::{Output, bytes, printable, table};

/// Commands of `gantry project`.
#[derive(Subcommand)]
pub(crate) enum Project {
    /// Creates a project from a sentence or from a spec.
    Create(Create),
    /// Lists the projects, the last changed first.
    List(List),
    /// Creates a project from a document of another format.
    Import(Import),
    /// Downloads a project: its files as a ZIP archive, or the agent in another format.
    Export(Export),
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

/// Arguments of `gantry project import`.
#[derive(Args)]
pub(crate) struct Import {
    /// The document, or - for standard input: Open Agent Spec as JSON or YAML, or an agent.gantry.yaml.
    #[arg(value_name = "FILE")]
    document: PathBuf,

    /// Prints the spec as YAML and creates nothing.
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    server: Server,
}

/// Formats that `gantry project export` writes.
#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum ExportFormat {
    /// The generated files
    #[default]
    Zip,
    /// The agent as an Open Agent Spec document
    AgentSpec,
}

/// Arguments of `gantry project export`.
#[derive(Args)]
pub(crate) struct Export {
    /// The project's name or id.
    project: String,

    /// What to write.
    #[arg(long, value_enum, default_value_t)]
    format: ExportFormat,

    /// The file to write, or - for standard output; NAME.zip or NAME.agent-spec.json in this directory when left out.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    #[command(flatten)]
    server: Server,
}

pub(crate) async fn run(project: Project, output: &Output) -> Result<(), Failure> {
    match project {
        Project::Create(create) => self::create(create, output).await,
        Project::List(list) => self::list(list, output).await,
        Project::Import(import) => self::import(import, output).await,
        Project::Export(export) => self::export(export, output).await,
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

/// Creates a project from a document of another format, and says what could not be carried over.
async fn import(import: Import, output: &Output) -> Result<(), Failure> {
    let connection = import.server.connect()?;
    let request = ImportRequest { format: None, document: read_text(&import.document)?.into() };
    let imported: Imported = connection.post(&["imports"], &request).await?;
    for diagnostic in &imported.diagnostics {
        eprintln!("{}", printable(&sentence(diagnostic)));
    }
    if import.dry_run {
        output.result(&imported.spec, |spec| yaml::write(spec).trim_end().to_owned());
        return Ok(());
    }
    let project: Detail = connection.post(&["projects"], &CreateProject { spec: imported.spec }).await?;
    output.result(&project, |project| project.summary.name.to_string());
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

fn sentence(diagnostic: &Diagnostic) -> String {
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

fn read_text(path: &PathBuf) -> Result<String, Failure> {
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

async fn export(export: Export, output: &Output) -> Result<(), Failure> {
    let connection = export.server.connect()?;
    let project = connection.project(&export.project).await?;
    let id = project.summary.id.to_string();
    let (segments, ending): (&[&str], &str) = match export.format {
        ExportFormat::Zip => (&["projects", &id, "export"], "zip"),
        ExportFormat::AgentSpec => (&["projects", &id, "exports", "agent_spec"], "agent-spec.json"),
    };
    let response = connection.send(connection.request(Method::GET, segments)).await?;
    let archive = response.bytes().await.map_err(|error| connection.unreachable(&error))?;
    let path = export.output.unwrap_or_else(|| PathBuf::from(format!("{}.{ending}", project.summary.name)));
    if path.as_os_str() == "-" {
        return std::io::stdout()
            .lock()
            .write_all(&archive)
            .map_err(|error| Failure::failed(format!("standard output: {error}")));
    }
    std::fs::write(&path, &archive).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
    let size = archive.len();
    output.result(&serde_json::json!({ "file": path, "size": size }), |_| path.display().to_string());
    if !output.is_json() {
        eprintln!(
            "{} of {}, revision {}",
            bytes(i64::try_from(size).unwrap_or(i64::MAX)),
            project.summary.name,
            project.revision
        );
    }
    Ok(())
}
