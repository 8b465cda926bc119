//! Makes steps and lines of what BuildKit reports.
//!
//! BuildKit repeats itself: a vertex comes with every change of any of its fields, and output comes
//! in pieces that end anywhere. What leaves here is one report per change of state and whole lines.

use std::collections::{BTreeMap, HashMap};

use bollard_buildkit_proto::google::protobuf::Timestamp;
use bollard_buildkit_proto::moby::buildkit::v1::{StatusResponse, Vertex, VertexStatus};
use gantry_domain::event::{BuildStep, BuildStepState, LogLevel};

use super::Progress;

/// How long a line may be, in bytes; the rest is cut off.
const LINE_LIMIT: usize = 8 * 1024;
/// How much of a build's output is passed on, in bytes; what comes after is left out, and said so.
const OUTPUT_LIMIT: usize = 10 << 20;
/// How many of a step's last lines are kept for the message of a failure.
const LAST_LINES: usize = 15;

/// The file descriptor of the standard error in BuildKit's reports.
const STANDARD_ERROR: i64 = 2;

/// Reads the reports of one build, in order.
#[derive(Default)]
pub(super) struct Reader {
    steps: HashMap<String, BuildStep>,
    /// Bytes of lines whose end has not come yet, by step and file descriptor.
    partial: BTreeMap<(String, i64), Vec<u8>>,
    last_lines: HashMap<String, Vec<String>>,
    reported_statuses: std::collections::HashSet<(String, String)>,
    failed: Option<String>,
    passed_on: usize,
}

impl Reader {
    /// What is new in a report.
    pub(super) fn read(&mut self, report: StatusResponse) -> Vec<Progress> {
        let mut out = Vec::new();
        for vertex in report.vertexes {
            self.vertex(vertex, &mut out);
        }
        for status in report.statuses {
            self.status(status, &mut out);
        }
        for log in report.logs {
            self.output(short(&log.vertex), log.stream, &log.msg, &mut out);
        }
        for warning in report.warnings {
            let mut text = String::from_utf8_lossy(&warning.short).into_owned();
            if !warning.url.is_empty() {
                text = format!("{text} ({})", warning.url);
            }
            self.line(short(&warning.vertex), LogLevel::Warning, text, &mut out);
        }
        out
    }

    /// The lines that never got their end.
    pub(super) fn finish(&mut self) -> Vec<Progress> {
        let mut out = Vec::new();
        for ((step, stream), bytes) in std::mem::take(&mut self.partial) {
            self.finish_line(step, stream, &bytes, &mut out);
        }
        out
    }

    /// The name and the last lines of the step that failed first.
    pub(super) fn failed_step(&self) -> Option<(String, Vec<String>)> {
        let id = self.failed.as_ref()?;
        let step = self.steps.get(id)?;
        Some((step.name.clone(), self.last_lines.get(id).cloned().unwrap_or_default()))
    }

    fn vertex(&mut self, vertex: Vertex, out: &mut Vec<Progress>) {
        let id = short(&vertex.digest);
        let state = if !vertex.error.is_empty() {
            BuildStepState::Failed
        } else if vertex.cached {
            BuildStepState::Cached
        } else if vertex.completed.is_some() {
            BuildStepState::Done
        } else if vertex.started.is_some() {
            BuildStepState::Running
        } else {
            BuildStepState::Queued
        };
        let duration_ms = match (&vertex.started, &vertex.completed) {
            (Some(started), Some(completed)) => Some((micros(completed) - micros(started)).max(0) / 1_000),
            _ => None,
        };
        // A step that was not reached because another failed carries the word "context canceled":
        // it did not fail, it was not done.
        let stopped = vertex.error.contains("context canceled");
        if state == BuildStepState::Failed && !stopped && self.failed.is_none() {
            self.failed = Some(id.clone());
        }
        let step = BuildStep {
            id: id.clone(),
            stage: stage(&vertex.name),
            name: vertex.name,
            state,
            duration_ms,
            error: (!vertex.error.is_empty()).then(|| clean(vertex.error.as_bytes())),
        };
        if self.steps.get(&id) != Some(&step) {
            self.steps.insert(id, step.clone());
            out.push(Progress::Step(step));
        }
    }

    /// Parts of a step, such as the layers that it pulls: one line when a part is done.
    fn status(&mut self, status: VertexStatus, out: &mut Vec<Progress>) {
        if status.completed.is_none() {
            return;
        }
        let step = short(&status.vertex);
        if !self.reported_statuses.insert((step.clone(), status.id.clone())) {
            return;
        }
        let text = if status.total > 0 {
            format!("{}: {} bytes", status.id, status.total)
        } else {
            format!("{}: done", status.id)
        };
        self.line(step, LogLevel::Info, text, out);
    }

    fn output(&mut self, step: String, stream: i64, bytes: &[u8], out: &mut Vec<Progress>) {
        let key = (step, stream);
        let mut pending = self.partial.remove(&key).unwrap_or_default();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            // What is beyond the limit is dropped here, so that a step without line ends cannot
            // fill the memory.
            let room = LINE_LIMIT.saturating_sub(pending.len());
            let ends = piece.ends_with(b"\n");
            let body = if ends { &piece[..piece.len() - 1] } else { piece };
            pending.extend_from_slice(&body[..body.len().min(room)]);
            if ends {
                let line = std::mem::take(&mut pending);
                self.finish_line(key.0.clone(), key.1, &line, out);
            }
        }
        if !pending.is_empty() {
            self.partial.insert(key, pending);
        }
    }

    fn finish_line(&mut self, step: String, stream: i64, bytes: &[u8], out: &mut Vec<Progress>) {
        let text = clean(bytes);
        let last = self.last_lines.entry(step.clone()).or_default();
        if !text.is_empty() {
            if last.len() == LAST_LINES {
                last.remove(0);
            }
            last.push(text.clone());
        }
        let level = if stream == STANDARD_ERROR { LogLevel::Warning } else { LogLevel::Info };
        self.line(step, level, text, out);
    }

    fn line(&mut self, step: String, level: LogLevel, text: String, out: &mut Vec<Progress>) {
        if self.passed_on > OUTPUT_LIMIT {
            return;
        }
        self.passed_on += text.len() + 1;
        if self.passed_on > OUTPUT_LIMIT {
            let text = format!("The output is over {} MiB; the rest is left out.", OUTPUT_LIMIT >> 20);
            out.push(Progress::Line { step: String::new(), level: LogLevel::Warning, text });
            return;
        }
        out.push(Progress::Line { step, level, text });
    }
}

/// The first twelve digits of a vertex's digest: unique within a build.
fn short(digest: &str) -> String {
    let hex = digest.split_once(':').map_or(digest, |(_, hex)| hex);
    hex.chars().take(12).collect()
}

fn micros(moment: &Timestamp) -> i64 {
    moment.seconds * 1_000_000 + i64::from(moment.nanos) / 1_000
}

/// The part of the build that a step belongs to, by the name that BuildKit gives it:
/// `[internal] load metadata for …`, `[stage-1 3/5] RUN …`, `[2/4] RUN …`, `exporting to image`.
fn stage(name: &str) -> String {
    let Some((group, what)) = name.strip_prefix('[').and_then(|rest| rest.split_once("] ")) else {
        // The context that we upload is unpacked by two steps without a group.
        return if name.starts_with("copy /context") { "context" } else { "export" }.to_owned();
    };
    if group == "internal" {
        return if what.starts_with("load metadata") { "base" } else { "context" }.to_owned();
    }
    if what.starts_with("FROM ") {
        return "base".to_owned();
    }
    match group.rsplit_once(' ') {
        Some((stage, position)) if position.contains('/') => stage.trim().to_owned(),
        _ if group.contains('/') => "stage-0".to_owned(),
        _ => group.to_owned(),
    }
}

/// A line as people read it: what a terminal would show after the last carriage return, without
/// escape sequences and control characters.
fn clean(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_end_matches('\r');
    let text = text.rsplit('\r').next().unwrap_or_default();
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\u{1b}' => {
                if characters.next_if_eq(&'[').is_some() {
                    // A control sequence ends with a character from @ to ~ (ECMA-48, 5.4).
                    for character in characters.by_ref() {
                        if ('@'..='~').contains(&character) {
                            break;
                        }
                    }
                } else {
                    characters.next();
                }
            }
            '\t' => out.push(character),
            character if character.is_control() => {}
            character => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use bollard_buildkit_proto::moby::buildkit::v1::VertexLog;

    use super::*;

    fn log(text: &[u8]) -> StatusResponse {
        let log = VertexLog {
            vertex: "sha256:0123456789abcdef".to_owned(),
            stream: 1,
            msg: text.to_vec(),
            ..VertexLog::default()
        };
        StatusResponse { logs: vec![log], ..StatusResponse::default() }
    }

    fn texts(reports: &[Progress]) -> Vec<&str> {
        reports
            .iter()
            .filter_map(|report| match report {
                Progress::Line { text, .. } => Some(text.as_str()),
                Progress::Step(_) => None,
            })
            .collect()
    }

    #[test]
    fn names_tell_the_stage() {
        for (name, expected) in [
            ("[internal] load metadata for docker.io/library/python:3.12-slim", "base"),
            ("[internal] load remote build context", "context"),
            ("copy /context /", "context"),
            ("[1/4] FROM docker.io/library/python:3.12-slim", "base"),
            ("[3/4] RUN pip install .", "stage-0"),
            ("[builder 2/3] COPY . .", "builder"),
            ("[stage-1 2/3] RUN true", "stage-1"),
            ("exporting to image", "export"),
        ] {
            assert_eq!(stage(name), expected, "{name}");
        }
    }

    #[test]
    fn pieces_become_whole_lines_even_within_a_character() {
        let mut reader = Reader::default();
        let bytes = "grüße\nzwei".as_bytes();
        let mut reports = reader.read(log(&bytes[..3]));
        assert!(texts(&reports).is_empty());
        reports = reader.read(log(&bytes[3..]));
        assert_eq!(texts(&reports), ["grüße"]);
        assert_eq!(texts(&reader.finish()), ["zwei"]);
    }

    #[test]
    fn terminals_tricks_are_taken_out() {
        assert_eq!(clean(b"10%\r50%\r100%\r"), "100%");
        assert_eq!(clean(b"\x1b[31mred\x1b[0m \x07bell\x1b]"), "red bell");
    }

    #[test]
    fn endless_output_is_cut_off_and_said_so() {
        let mut reader = Reader::default();
        let line = [vec![b'x'; LINE_LIMIT * 2], b"\n".to_vec()].concat();
        let first = reader.read(log(&line));
        assert_eq!(texts(&first)[0].len(), LINE_LIMIT);
        let mut reports = Vec::new();
        for _ in 0..OUTPUT_LIMIT / LINE_LIMIT + 10 {
            reports.extend(reader.read(log(&line)));
        }
        assert!(texts(&reports).last().unwrap().contains("left out"));
        assert!(texts(&reader.read(log(&line))).is_empty());
    }

    #[test]
    fn a_state_is_reported_once_and_the_first_failure_is_kept() {
        let mut reader = Reader::default();
        let vertex = |digest: &str, error: &str| Vertex {
            digest: digest.to_owned(),
            name: format!("[1/2] RUN {digest}"),
            error: error.to_owned(),
            started: Some(Timestamp { seconds: 1, nanos: 0 }),
            ..Vertex::default()
        };
        let report = |vertex: Vertex| StatusResponse { vertexes: vec![vertex], ..StatusResponse::default() };
        assert_eq!(reader.read(report(vertex("sha256:a", ""))).len(), 1);
        assert!(reader.read(report(vertex("sha256:a", ""))).is_empty());
        reader.read(report(vertex("sha256:b", "context canceled")));
        assert!(reader.failed_step().is_none());
        reader.read(report(vertex("sha256:a", "exit code: 1")));
        assert_eq!(reader.failed_step().unwrap().0, "[1/2] RUN sha256:a");
    }
}
