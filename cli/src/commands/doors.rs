//! `gantry project import`, `export` and `push`: projects that come from elsewhere and go elsewhere.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use gantry_domain::api::Accepted;
use gantry_domain::api::exchange::{GitSource, Import as Imported, ImportRequest, PushProject};
use gantry_domain::api::project::{CreateProject, Project as Detail};
use gantry_domain::api::secret::Secret;
use gantry_domain::event::EventBody;
use gantry_domain::spec::yaml;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use uuid::Uuid;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::project::{read_text, sentence};
use super::watch;
use crate::Server;
use crate::client::Connection;
use crate::failure::Failure;
use crate::output::{Output, bytes, printable};

/// How much of a folder is sent, in bytes; the server takes no more.
const LARGEST_FOLDER: u64 = 20 * 1024 * 1024;
/// Folders that hold nothing of the project's own.
const ASIDE: [&str; 9] =
    ["node_modules", ".git", ".venv", "venv", "__pycache__", "site-packages", "dist", "target", ".mypy_cache"];

/// Arguments of `gantry project import`.
#[derive(Args)]
pub(crate) struct Import {
    /// What to import: a document (Open Agent Spec, an AutoGen component or agent.gantry.yaml, as JSON or YAML; - for
    /// standard input), a folder, a .zip archive or a file of code of a project on the OpenAI Agents SDK or AutoGen, or
    /// a git repository (https://…, ssh://…, user@host:path).
    #[arg(value_name = "FILE|FOLDER|URL")]
    source: String,

    /// The branch or tag of a repository; its default branch when left out.
    #[arg(long, value_name = "BRANCH|TAG")]
    reference: Option<String>,

    /// The folder of the project within a repository.
    #[arg(long)]
    folder: Option<String>,

    #[command(flatten)]
    login: Login,

    /// Prints the spec as YAML and creates nothing.
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    server: Server,
}

/// What opens a git repository.
#[derive(Args)]
struct Login {
    /// The named secret that opens the repository: a token or password over https, a private key over ssh.
    #[arg(long, value_name = "NAME")]
    secret: Option<String>,

    /// Who signs in over https; git when left out.
    #[arg(long)]
    username: Option<String>,
}

/// Formats that `gantry project export` writes.
#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum ExportFormat {
    /// The generated files
    #[default]
    Zip,
    /// The agent as an Open Agent Spec document
    AgentSpec,
    /// The card that other agents are shown (A2A 1.0); needs --at
    A2aCard,
    /// What coding agents read before they work on the project
    AgentsMd,
    /// A folder that lets a coding agent ask this agent (Agent Skills), as a ZIP archive
    Skill,
    /// What a registry of MCP servers is told (server.json): this Gantry serves the agent at /mcp/<project>
    McpServer,
    /// A manifest that has kagent run the published image on Kubernetes (kagent.dev/v1alpha2, BYO)
    Kagent,
}

impl ExportFormat {
    /// The last parts of the address that it is got from, and what the file's name ends in.
    fn place(self) -> (&'static [&'static str], &'static str) {
        match self {
            Self::Zip => (&["export"], "zip"),
            Self::AgentSpec => (&["exports", "agent_spec"], "agent-spec.json"),
            Self::A2aCard => (&["exports", "a2a_card"], "agent-card.json"),
            Self::AgentsMd => (&["exports", "agents_md"], "AGENTS.md"),
            Self::Skill => (&["exports", "skill"], "skill.zip"),
            Self::McpServer => (&["exports", "mcp_server"], "server.json"),
            Self::Kagent => (&["exports", "kagent"], "kagent.yaml"),
        }
    }
}

/// Arguments of `gantry project export`.
#[derive(Args)]
pub(crate) struct Export {
    /// The project's name or id.
    project: String,

    /// What to write.
    #[arg(long, value_enum, default_value_t)]
    format: ExportFormat,

    /// Where the agent can be reached: for its A2A card the address of its service, for server.json that of this Gantry
    /// as others reach it (GANTRY_URL when left out).
    #[arg(long, value_name = "URL")]
    at: Option<String>,

    /// Whose server it is, for server.json, such as io.github.ada; made of the address's host when left out.
    #[arg(long)]
    namespace: Option<String>,

    /// The image that kagent runs, such as registry.example.com/weather@sha256:…; the one that was published last when
    /// left out.
    #[arg(long)]
    image: Option<String>,

    /// The file to write, or - for standard output; a name made of the project's in this directory when left out.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    #[command(flatten)]
    server: Server,
}

/// Arguments of `gantry project push`.
#[derive(Args)]
pub(crate) struct Push {
    /// The project's name or id.
    project: String,

    /// Where the repository is: https://…, ssh://… or user@host:path; never with a password in it.
    #[arg(long, value_name = "URL")]
    to: String,

    /// The branch; it is made when the repository does not have it.
    #[arg(long)]
    branch: String,

    /// What the commit says.
    #[arg(long, short)]
    message: Option<String>,

    #[command(flatten)]
    login: Login,

    #[command(flatten)]
    server: Server,
}

/// Creates a project from one of another kind, and says what could not be carried over.
pub(crate) async fn import(import: Import, output: &Output) -> Result<(), Failure> {
    let connection = import.server.connect()?;
    let path = PathBuf::from(&import.source);
    let imported: Imported = if is_repository(&import.source) {
        let git = GitSource {
            url: import.source,
            reference: import.reference,
            folder: import.folder,
            username: import.login.username,
            secret_id: secret(&connection, import.login.secret.as_deref()).await?,
        };
        connection.post(&["imports"], &ImportRequest { git: Some(git), ..ImportRequest::default() }).await?
    } else if path.is_dir() {
        upload(&connection, folder(&path)?).await?
    } else {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("zip") => upload(&connection, read(&path)?).await?,
            Some("py" | "ts" | "tsx" | "mts" | "js" | "mjs") => upload(&connection, one_file(&path)?).await?,
            _ => {
                let request = ImportRequest { document: Some(read_text(&path)?.into()), ..ImportRequest::default() };
                connection.post(&["imports"], &request).await?
            }
        }
    };
    eprintln!("read as {}", imported.format.title());
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

/// Whether a word is where a repository is, and no file here.
fn is_repository(source: &str) -> bool {
    let is_address = ["https://", "http://", "ssh://"].iter().any(|start| source.starts_with(start));
    let is_short = source
        .split_once(':')
        .is_some_and(|(host, path)| host.contains('@') && !host.contains('/') && !path.is_empty());
    is_address || (is_short && !Path::new(source).exists())
}

/// The id of a secret by its name.
async fn secret(connection: &Connection, named: Option<&str>) -> Result<Option<Uuid>, Failure> {
    let Some(named) = named else { return Ok(None) };
    let secrets: Vec<Secret> = connection.list(&["secrets"]).await?;
    match secrets.iter().find(|secret| secret.name == named || secret.id.to_string() == named) {
        Some(secret) => Ok(Some(secret.id)),
        None => Err(Failure::NotFound(format!(
            "there is no secret {named:?}; make one in the web interface under Settings, Secrets"
        ))),
    }
}

async fn upload(connection: &Connection, archive: Vec<u8>) -> Result<Imported, Failure> {
    let request = connection.request(Method::POST, &["imports", "archive"]);
    let response = connection.send(request.header(CONTENT_TYPE, "application/zip").body(archive)).await?;
    response.json().await.map_err(|error| Failure::failed(format!("the server's answer cannot be read: {error}")))
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}

fn one_file(path: &Path) -> Result<Vec<u8>, Failure> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("agent.py").to_owned();
    archive(vec![(name, read(path)?)])
}

/// A folder's texts as an archive. Links are not followed, so what is sent is what is in the folder.
fn folder(root: &Path) -> Result<Vec<u8>, Failure> {
    let mut files = Vec::new();
    let mut open = vec![root.to_owned()];
    let mut size = 0;
    while let Some(folder) = open.pop() {
        let failed = |error: std::io::Error| Failure::usage(format!("{}: {error}", folder.display()));
        let mut entries: Vec<_> =
            std::fs::read_dir(&folder).map_err(failed)?.collect::<Result<_, _>>().map_err(failed)?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let (path, kind) = (entry.path(), entry.file_type().map_err(failed)?);
            let name = entry.file_name().to_string_lossy().into_owned();
            if kind.is_dir() && !ASIDE.contains(&name.as_str()) {
                open.push(path);
            } else if kind.is_file() && is_text(&name) {
                let content = read(&path)?;
                size += content.len() as u64;
                if size > LARGEST_FOLDER {
                    return Err(Failure::usage(format!(
                        "{} has more than {} of text; import a smaller folder",
                        root.display(),
                        bytes(i64::try_from(LARGEST_FOLDER).unwrap_or(i64::MAX))
                    )));
                }
                let within = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
                files.push((within, content));
            }
        }
    }
    archive(files)
}

fn is_text(name: &str) -> bool {
    const ENDINGS: [&str; 14] =
        ["py", "ts", "tsx", "mts", "cts", "js", "jsx", "mjs", "cjs", "json", "yaml", "yml", "toml", "md"];
    name.rsplit_once('.').is_some_and(|(_, ending)| ENDINGS.contains(&ending))
}

fn archive(files: Vec<(String, Vec<u8>)>) -> Result<Vec<u8>, Failure> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, content) in files {
        let written = writer
            .start_file(path.as_str(), SimpleFileOptions::default())
            .map_err(std::io::Error::from)
            .and_then(|()| writer.write_all(&content));
        written.map_err(|error| Failure::failed(format!("{path} cannot be put into an archive: {error}")))?;
    }
    writer
        .finish()
        .map(Cursor::into_inner)
        .map_err(|error| Failure::failed(format!("the archive cannot be made: {error}")))
}

/// What an export is asked for with; what its format does not take is refused.
fn details(export: &Export, connection: &Connection) -> Result<Vec<(&'static str, String)>, Failure> {
    let at = match (export.format, &export.at) {
        (ExportFormat::A2aCard, None) => {
            return Err(Failure::usage(
                "an A2A card says where the agent is: give the address of its service with --at",
            ));
        }
        (ExportFormat::McpServer, None) => Some(connection.base().to_string()),
        (_, at) => at.clone(),
    };
    let takes = |name: &str| match export.format {
        ExportFormat::A2aCard => name == "at",
        ExportFormat::McpServer => matches!(name, "at" | "namespace"),
        ExportFormat::Kagent => name == "image",
        _ => false,
    };
    let given = [("at", at), ("namespace", export.namespace.clone()), ("image", export.image.clone())];
    let given: Vec<(&'static str, String)> =
        given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    match given.iter().find(|(name, _)| !takes(name)) {
        Some((name, _)) => Err(Failure::usage(format!("--{name} is not for this format"))),
        None => Ok(given),
    }
}

/// Downloads a project in a format.
pub(crate) async fn export(export: Export, output: &Output) -> Result<(), Failure> {
    let connection = export.server.connect()?;
    let project = connection.project(&export.project).await?;
    let id = project.summary.id.to_string();
    let (place, ending) = export.format.place();
    let segments: Vec<&str> = ["projects", id.as_str()].into_iter().chain(place.iter().copied()).collect();
    let query = details(&export, &connection)?;
    let request = connection.request(Method::GET, &segments).query(&query);
    let response = connection.send(request).await?;
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

pub(crate) async fn push(push: Push, output: &Output) -> Result<(), Failure> {
    let connection = push.server.connect()?;
    let project = connection.project(&push.project).await?;
    let id = project.summary.id.to_string();
    let body = PushProject {
        url: push.to,
        branch: push.branch,
        message: push.message,
        username: push.login.username,
        secret_id: secret(&connection, push.login.secret.as_deref()).await?,
    };
    let accepted: Accepted = connection.post(&["projects", &format!("{id}:push")], &body).await?;
    let mut progress = output.progress(format!("pushing {} to {}", project.summary.name, body.url));
    let mut done = None;
    let ended = watch::until_end(&connection, accepted.job_id, output, &mut progress, |body, progress| match body {
        EventBody::PushProgress { message } => progress.status(message, ""),
        EventBody::PushDone { url, branch, commit, changed } => {
            done = Some((commit.clone(), *changed));
            let text = if *changed {
                format!("{branch} of {url} was read back at {commit}")
            } else {
                format!("{branch} of {url} has these files already, at {commit}")
            };
            progress.say(&text);
        }
        _ => {}
    })
    .await?;
    drop(progress);
    if let Some((commit, changed)) = done {
        output.result(&serde_json::json!({ "commit": commit, "changed": changed }), |_| commit.clone());
    }
    ended.into_result("pushing")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_told_from_a_file() {
        for address in ["https://github.com/a/b", "ssh://git@host/x", "git@github.com:a/b.git"] {
            assert!(is_repository(address), "{address}");
        }
        for path in ["agent.yaml", "-", "a/b.zip", "C:/x.py", "./git@host:x/y"] {
            assert!(!is_repository(path), "{path}");
        }
    }

    #[test]
    fn a_folder_becomes_an_archive_of_its_texts() {
        let root = std::env::temp_dir().join(format!("gantry-doors-{}", std::process::id()));
        std::fs::create_dir_all(root.join("pkg/node_modules")).unwrap();
        std::fs::write(root.join("pkg/agents.py"), "x = 1").unwrap();
        std::fs::write(root.join("pkg/logo.png"), "x").unwrap();
        std::fs::write(root.join("pkg/node_modules/a.js"), "x").unwrap();
        let bytes = folder(&root).unwrap();
        std::fs::remove_dir_all(&root).unwrap();
        let archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        assert_eq!(archive.file_names().map(|name| name.unwrap().into_owned()).collect::<Vec<_>>(), ["pkg/agents.py"]);
    }
}
