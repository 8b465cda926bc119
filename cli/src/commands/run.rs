//! `gantry run`: one execution of a project's agent. The answer goes to standard output as it
//! comes; tools, approvals and counters go to standard error.

use std::collections::HashMap;
use std::str::FromStr;

use clap::{Args, ValueEnum};
use gantry_domain::Digest;
use gantry_domain::agui::AgUiEvent;
use gantry_domain::api::Accepted;
use gantry_domain::api::provider::Provider;
use gantry_domain::api::run::{CreateRun, PermissionMode, Run as Detail, RunAgain, RunPoint, RunPoints, RunRuntime};
use gantry_domain::event::{EventBody, Usage};
use uuid::Uuid;

use super::watch;
use crate::Server;
use crate::client::Connection;
use crate::failure::Failure;
use crate::output::{Output, Progress, printable, table, to_stdout};

/// Arguments of `gantry run`.
#[derive(Args)]
pub(crate) struct Run {
    /// The project's name or id.
    #[arg(required_unless_present = "from")]
    project: Option<String>,

    /// What the agent is told.
    #[arg(required_unless_present = "from")]
    message: Option<String>,

    /// Does this run anew, as RUN or RUN:POINT; everything before the point is taken over, with the spec, mode
    /// and model that the run had.
    #[arg(long, value_name = "RUN[:POINT]", conflicts_with_all = ["project", "message", "mode", "provider", "model", "runtime", "image"])]
    from: Option<Origin>,

    /// What is said at that point instead: the input, the model's words, a call's arguments as JSON, a tool's result.
    #[arg(long, requires = "from")]
    input: Option<String>,

    /// Lists the points of the run, and does nothing.
    #[arg(long, requires = "from", conflicts_with = "input")]
    points: bool,

    /// What its tools may do without asking a person.
    #[arg(long, value_enum, default_value = "ask")]
    mode: Mode,

    /// The model provider's name or id; the built-in rehearsal model, which is not an LLM, when left out.
    #[arg(long)]
    provider: Option<String>,

    /// The model's name at the provider; the provider's default when left out.
    #[arg(long, requires = "provider")]
    model: Option<String>,

    /// What executes it: the server itself, the project's image in a container without a network, or the project as
    /// a plain process of the server's user, where that is allowed.
    #[arg(long, value_enum, default_value = "native")]
    runtime: Runtime,

    /// The image to run in a container, by its digest; the project's newest when left out.
    #[arg(long)]
    image: Option<Digest>,

    #[command(flatten)]
    pub(crate) server: Server,
}

/// The runtimes as words on the command line.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Runtime {
    /// The server interprets the spec
    Native,
    /// The generated project, out of its image
    Container,
    /// The generated project as a plain process of the server's user, with its rights and no sandbox
    Process,
}

impl From<Runtime> for RunRuntime {
    fn from(runtime: Runtime) -> Self {
        match runtime {
            Runtime::Native => Self::Native,
            Runtime::Container => Self::Container,
            Runtime::Process => Self::Process,
        }
    }
}

/// The permission modes as words on the command line.
#[derive(Clone, Copy, ValueEnum)]
enum Mode {
    /// Tools that read run; all others are denied
    Safe,
    /// Tools that read run; all others wait for an approval
    Ask,
    /// All tools run
    Dev,
}

impl From<Mode> for PermissionMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Safe => Self::Safe,
            Mode::Ask => Self::Ask,
            Mode::Dev => Self::Dev,
        }
    }
}

/// A run, and a point of it if one is named.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin {
    run: Uuid,
    point: Option<String>,
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (run, point) = match text.split_once(':') {
            Some((run, point)) => (run, Some(point.to_owned())),
            None => (text, None),
        };
        let run = run.parse().map_err(|_| {
            "expected the id of a run, alone or with a point of it, such as 019f….:call:call_1".to_owned()
        })?;
        Ok(Self { run, point })
    }
}

pub(crate) async fn run(run: Run, output: &Output) -> Result<(), Failure> {
    let connection = run.server.connect()?;
    if let Some(origin) = &run.from
        && run.points
    {
        return show_points(&connection, origin.run, output).await;
    }
    let (accepted, what) = begin(&connection, run).await?;

    let mut progress = output.progress(format!("running {what}"));
    let mut transcript = Transcript { stream_text: !output.is_json(), ..Transcript::default() };
    let ended = watch::until_end(&connection, accepted.job_id, output, &mut progress, |body, progress| {
        transcript.show(body, progress)
    })
    .await?;
    drop(progress);
    transcript.end_line();

    let finished: Detail = connection.get(&["runs", &accepted.id.to_string()]).await?;
    if output.is_json() {
        output.result(&finished, |_| String::new());
    } else {
        eprintln!("{}", summary(&finished.model, finished.usage));
    }
    ended.into_result("the run")
}

/// Asks the server for the run; what it is called while it is under way.
async fn begin(connection: &Connection, run: Run) -> Result<(Accepted, String), Failure> {
    if let Some(origin) = run.from {
        let body = RunAgain { from: origin.point, input: run.input };
        let accepted = connection.post(&["runs", &format!("{}:again", origin.run)], &body).await?;
        return Ok((accepted, "again".to_owned()));
    }
    let project = connection.project(&run.project.unwrap_or_default()).await?;
    let provider_id = match &run.provider {
        Some(named) => Some(provider(connection, named).await?),
        None => None,
    };
    let body = CreateRun {
        input: run.message.unwrap_or_default(),
        mode: run.mode.into(),
        provider_id,
        model: run.model,
        step: None,
        runtime: run.runtime.into(),
        image: run.image,
    };
    let accepted = connection.post(&["projects", &project.summary.id.to_string(), "runs"], &body).await?;
    Ok((accepted, project.summary.name.to_string()))
}

/// Where a run can be taken up.
async fn show_points(connection: &Connection, run: Uuid, output: &Output) -> Result<(), Failure> {
    let points: RunPoints = connection.get(&["runs", &run.to_string(), "points"]).await?;
    output.result(&points, |points| {
        let row = |point: &RunPoint| {
            let refusal = point.refusal.clone().unwrap_or_default();
            vec![point.name.clone(), point.label.clone(), refusal]
        };
        let mut text =
            table(&["POINT", "WHO OR WHAT", "NOT POSSIBLE BECAUSE"], &points.items.iter().map(row).collect::<Vec<_>>());
        if !points.differs.is_empty() {
            text.push_str(&format!("\nThe project's spec is another one by now: {}.", points.differs.join(", ")));
        }
        text
    });
    Ok(())
}

/// The id of the provider that a person named.
pub(super) async fn provider(connection: &Connection, named: &str) -> Result<Uuid, Failure> {
    let providers: Vec<Provider> = connection.list(&["providers"]).await?;
    let wanted = named.parse::<Uuid>().ok();
    providers
        .iter()
        .find(|provider| provider.name == named || Some(provider.id) == wanted)
        .map(|provider| provider.id)
        .ok_or_else(|| {
            let names: Vec<&str> = providers.iter().map(|provider| provider.name.as_str()).collect();
            Failure::NotFound(if names.is_empty() {
                "there are no model providers yet; add one in the web interface under Settings, Providers".to_owned()
            } else {
                format!("there is no model provider {named:?}; there are: {}", names.join(", "))
            })
        })
}

fn summary(model: &str, usage: Usage) -> String {
    let mut text = format!(
        "{model}: {} model calls, {} tool calls, {} tokens in, {} out",
        usage.model_calls, usage.tool_calls, usage.input_tokens, usage.output_tokens
    );
    if let Some(cost) = usage.cost_micros {
        text.push_str(&format!(", {:.4} USD", cost as f64 / 1e6));
    }
    text
}

/// What has been shown of a run, and what is still coming in pieces.
#[derive(Default)]
struct Transcript {
    stream_text: bool,
    in_line: bool,
    calls: HashMap<String, (String, String)>,
}

impl Transcript {
    fn show(&mut self, body: &EventBody, progress: &mut Progress) {
        let EventBody::RunEvent { event, .. } = body else { return };
        match event {
            AgUiEvent::TextMessageContent { delta, .. } if self.stream_text => {
                self.in_line = !delta.ends_with('\n');
                progress.suspended(|| to_stdout(&printable(delta)));
            }
            AgUiEvent::TextMessageEnd { .. } => progress.suspended(|| self.end_line()),
            AgUiEvent::ToolCallStart { tool_call_id, tool_call_name, .. } => {
                self.calls.insert(tool_call_id.clone(), (tool_call_name.clone(), String::new()));
                progress.status("calling tools", tool_call_name);
            }
            AgUiEvent::ToolCallArgs { tool_call_id, delta } => {
                if let Some((_, arguments)) = self.calls.get_mut(tool_call_id) {
                    arguments.push_str(delta);
                }
            }
            AgUiEvent::ToolCallEnd { tool_call_id } => {
                if let Some((name, arguments)) = self.calls.get(tool_call_id) {
                    let line = format!("> {name} {}", shortened(arguments));
                    progress.suspended(|| self.end_line());
                    progress.say(&line);
                }
            }
            AgUiEvent::ToolCallResult { tool_call_id, content, .. } => {
                let name = self.calls.remove(tool_call_id).map_or_else(String::new, |(name, _)| name);
                progress.say(&format!("< {name} {}", shortened(content)));
                progress.status("running", "");
            }
            AgUiEvent::Custom { name, value } if name == "gantry.notice" => {
                let text = value
                    .get("message")
                    .and_then(|message| message.as_str())
                    .map_or_else(|| value.to_string(), str::to_owned);
                progress.say(&text);
            }
            AgUiEvent::Custom { name, value } if name == "gantry.takenOver" => {
                let changed = if value["edited"] == true { ", changed" } else { "" };
                progress.suspended(|| self.end_line());
                progress.say(&format!("  (taken over from the run before{changed})"));
            }
            AgUiEvent::Custom { name, value } if name == "gantry.install" => {
                let lines = value.get("lines").and_then(|lines| lines.as_array());
                if let Some(line) = lines.and_then(|lines| lines.last()?.as_str()) {
                    progress.status("installing", &shortened(line));
                }
            }
            AgUiEvent::Custom { name, .. } if name == "gantry.discard" => {
                progress.suspended(|| self.end_line());
                progress.say("the model's answer broke off and is asked for again; what came so far does not count");
            }
            _ => {}
        }
    }

    /// Ends the line of text that was being written.
    fn end_line(&mut self) {
        if self.in_line {
            to_stdout("\n");
            self.in_line = false;
        }
    }
}

/// One line of at most 200 characters.
fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_results_become_one_short_line() {
        assert_eq!(shortened("a\n  b\t c"), "a b c");
        let long = shortened(&"ä".repeat(300));
        assert_eq!(long.chars().count(), 201);
    }

    #[test]
    fn a_run_is_named_alone_or_with_a_point_of_it() {
        let id = "019f0000-0000-7000-8000-000000000001";
        let run: Uuid = id.parse().unwrap();
        assert_eq!(id.parse::<Origin>(), Ok(Origin { run, point: None }));
        let point = Some("turn:2/review:0".to_owned());
        assert_eq!(format!("{id}:turn:2/review:0").parse::<Origin>(), Ok(Origin { run, point }));
        assert!("weather".parse::<Origin>().is_err());
    }

    #[test]
    fn the_cost_is_shown_only_when_it_is_known() {
        let usage = Usage { input_tokens: 12, output_tokens: 3, cost_micros: None, model_calls: 2, tool_calls: 1 };
        assert_eq!(summary("rehearsal", usage), "rehearsal: 2 model calls, 1 tool calls, 12 tokens in, 3 out");
        assert!(summary("m", Usage { cost_micros: Some(1_500), ..usage }).ends_with(", 0.0015 USD"));
    }
}
