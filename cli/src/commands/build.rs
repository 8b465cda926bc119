//! `gantry build`: one build of a project's image. The digest goes to standard output.

use std::collections::VecDeque;

use clap::Args;
use gantry_domain::api::Accepted;
use gantry_domain::api::build::{Build as Detail, CreateBuild};
use gantry_domain::event::{BuildStep, BuildStepState, EventBody, LogLine};

use super::watch;
use crate::Server;
use crate::failure::Failure;
use crate::output::{Output, Progress, bytes};

/// How many lines of the log are shown after a failure on a terminal, where the log is not shown as it comes.
const LAST_LINES: usize = 40;

/// Arguments of `gantry build`.
#[derive(Args)]
pub(crate) struct Build {
    /// The project's name or id.
    project: String,

    /// Builds every step anew.
    #[arg(long)]
    no_cache: bool,

    /// Shows the whole log on a terminal too; in a file it is always there.
    #[arg(long)]
    log: bool,

    #[command(flatten)]
    server: Server,
}

pub(crate) async fn run(build: Build, output: &Output) -> Result<(), Failure> {
    let connection = build.server.connect()?;
    let project = connection.project(&build.project).await?;
    let body = CreateBuild { no_cache: build.no_cache };
    let accepted: Accepted = connection.post(&["projects", &project.summary.id.to_string(), "builds"], &body).await?;

    let mut progress = output.progress(format!("building {} {}", project.summary.name, project.summary.version));
    let mut log = Log { all: build.log || !progress.is_terminal(), last: VecDeque::new() };
    let ended = watch::until_end(&connection, accepted.job_id, output, &mut progress, |body, progress| {
        log.show(body, progress)
    })
    .await?;
    drop(progress);

    let finished: Detail = connection.get(&["builds", &accepted.id.to_string()]).await?;
    let result = ended.into_result("the build");
    if result.is_err() && !log.all {
        for line in &log.last {
            eprintln!("  {}", crate::output::printable(line));
        }
    }
    output.result(&finished, |build| build.digest.as_ref().map(ToString::to_string).unwrap_or_default());
    if let (Some(size), false) = (finished.size, output.is_json()) {
        eprintln!("build {} of {}: {} compressed", finished.number, project.summary.name, bytes(size));
    }
    result
}

/// What is shown of a build's log, and its last lines.
struct Log {
    all: bool,
    last: VecDeque<String>,
}

impl Log {
    fn show(&mut self, body: &EventBody, progress: &mut Progress) {
        match body {
            EventBody::BuildStep { step } => show_step(step, progress),
            EventBody::BuildLog { lines, .. } => {
                for LogLine { text, .. } in lines {
                    if self.all {
                        progress.say(&format!("  {text}"));
                    } else {
                        if self.last.len() == LAST_LINES {
                            self.last.pop_front();
                        }
                        self.last.push_back(text.clone());
                    }
                }
            }
            _ => {}
        }
    }
}

fn show_step(step: &BuildStep, progress: &mut Progress) {
    let took = step.duration_ms.map(|ms| format!(" ({:.1} s)", ms as f64 / 1e3)).unwrap_or_default();
    match step.state {
        BuildStepState::Queued => {}
        BuildStepState::Running => progress.status(&step.name, ""),
        BuildStepState::Done => progress.say(&format!("done    {}{took}", step.name)),
        BuildStepState::Cached => progress.say(&format!("cached  {}", step.name)),
        BuildStepState::Failed => {
            progress.say(&format!(
                "failed  {}{took}: {}",
                step.name,
                step.error.as_deref().unwrap_or("no reason given")
            ));
        }
    }
}
