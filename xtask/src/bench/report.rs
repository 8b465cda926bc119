//! Figures with their goals, as a table for people and as JSON for comparison.

use std::fmt::Write as _;

use anyhow::Result;
use serde::Serialize;

/// Up to this share of the processors other work does not disturb.
const QUIET: f64 = 0.15;

/// One thing measured.
#[derive(Serialize)]
pub(super) struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    goal: Option<Goal>,
    /// What else has to be known to read it.
    #[serde(skip_serializing_if = "String::is_empty")]
    note: String,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Goal {
    Below(f64),
    Above(f64),
}

impl Figure {
    pub(super) fn new(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { name: name.into(), value, unit, goal: None, note: String::new() }
    }

    /// The goal is a value below this one.
    pub(super) fn below(mut self, limit: f64) -> Self {
        self.goal = Some(Goal::Below(limit));
        self
    }

    /// The goal is a value above this one.
    pub(super) fn above(mut self, limit: f64) -> Self {
        self.goal = Some(Goal::Above(limit));
        self
    }

    /// What else has to be known to read it.
    pub(super) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    fn goal_cell(&self) -> (String, &'static str) {
        match self.goal {
            None => (String::new(), ""),
            Some(Goal::Below(limit)) => {
                (format!("< {}", number(limit)), if self.value < limit { "met" } else { "**missed**" })
            }
            Some(Goal::Above(limit)) => {
                (format!("> {}", number(limit)), if self.value > limit { "met" } else { "**missed**" })
            }
        }
    }
}

/// All figures of one run.
#[derive(Serialize)]
pub(super) struct Report {
    machine: String,
    commit: String,
    /// How the program was built.
    profile: String,
    figures: Vec<Figure>,
    /// What share of the processors was busy with other work just before a part.
    others: Vec<(String, f64)>,
    /// What could not be measured, and why.
    missing: Vec<(String, String)>,
}

impl Report {
    pub(super) fn new(machine: String, profile: String) -> Self {
        let commit = std::process::Command::new("git")
            .args(["describe", "--always", "--dirty"])
            .output()
            .ok()
            .and_then(|answer| String::from_utf8(answer.stdout).ok())
            .unwrap_or_default();
        Self {
            machine,
            commit: commit.trim().to_owned(),
            profile,
            figures: Vec::new(),
            others: Vec::new(),
            missing: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, figure: Figure) {
        eprintln!("{}: {} {} {}", figure.name, number(figure.value), figure.unit, figure.note);
        self.figures.push(figure);
    }

    /// Names what could not be measured.
    pub(super) fn missing(&mut self, name: &str, reason: &anyhow::Error) {
        eprintln!("{name}: not measured: {reason:#}");
        self.missing.push((name.to_owned(), format!("{reason:#}")));
    }

    /// Notes how busy the machine was before a part was measured.
    pub(super) fn others_before(&mut self, part: &str, share: f64) {
        self.others.push((part.to_owned(), share));
    }

    pub(super) fn json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)?)
    }

    pub(super) fn markdown(&self) -> String {
        let mut text = format!(
            "Measured on {}, at commit {}, profile {}.\n\n| what | figure | goal | |\n|---|---:|---:|---|\n",
            self.machine, self.commit, self.profile
        );
        for figure in &self.figures {
            let (goal, verdict) = figure.goal_cell();
            let note = if figure.note.is_empty() { String::new() } else { format!(" ({})", figure.note) };
            let _ = writeln!(
                text,
                "| {}{note} | {} {} | {goal} | {verdict} |",
                figure.name,
                number(figure.value),
                figure.unit
            );
        }
        for (name, reason) in &self.missing {
            let _ = writeln!(text, "| {name} | not measured: {reason} | | |");
        }
        let disturbed: Vec<String> = self
            .others
            .iter()
            .filter(|(_, share)| *share > QUIET)
            .map(|(part, share)| format!("{part}: {:.0} %", share * 100.0))
            .collect();
        if !disturbed.is_empty() {
            let _ = writeln!(
                text,
                "\nOther programs kept the processors busy just before these parts, so their figures are worse than \
                 the program's own: {}.",
                disturbed.join("; ")
            );
        }
        text
    }
}

/// Three digits are what such measurements are worth.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 1_000.0 => {
            let whole = format!("{value:.0}");
            let (head, tail) = whole.split_at(whole.len() - 3);
            format!("{head} {tail}")
        }
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
