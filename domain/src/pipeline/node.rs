//! Which nodes there are: their names, what they are, and how large they are drawn.

use std::fmt;
use std::str::FromStr;

use crate::matrix::Pattern;
use crate::spec::Spec;

/// Which node. Its text is the key of the spec's `layout.nodes`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NodeId {
    /// Where every run begins.
    Start,
    /// The task with this id.
    Task(String),
    /// Where the ways part after the task with this id, in the pattern `graph`.
    Branch(String),
    /// The agent with this id.
    Agent(String),
    /// Where a run ends.
    End,
    /// The tool with this id.
    Tool(String),
    /// The model with this key.
    Model(String),
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => f.write_str("start"),
            Self::End => f.write_str("end"),
            Self::Task(id) => write!(f, "task:{id}"),
            Self::Branch(id) => write!(f, "branch:{id}"),
            Self::Agent(id) => write!(f, "agent:{id}"),
            Self::Tool(id) => write!(f, "tool:{id}"),
            Self::Model(id) => write!(f, "model:{id}"),
        }
    }
}

impl FromStr for NodeId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (kind, id) = text.split_once(':').map_or((text, None), |(kind, id)| (kind, Some(id.to_owned())));
        match (kind, id) {
            ("start", None) => Ok(Self::Start),
            ("end", None) => Ok(Self::End),
            ("task", Some(id)) => Ok(Self::Task(id)),
            ("branch", Some(id)) => Ok(Self::Branch(id)),
            ("agent", Some(id)) => Ok(Self::Agent(id)),
            ("tool", Some(id)) => Ok(Self::Tool(id)),
            ("model", Some(id)) => Ok(Self::Model(id)),
            _ => Err(()),
        }
    }
}

impl NodeId {
    /// Whether a spec has what the node stands for, whatever its pattern shows just now: a place is
    /// kept while somebody tries another pattern.
    pub fn is_in(&self, spec: &Spec) -> bool {
        match self {
            Self::Start | Self::End => true,
            Self::Task(id) | Self::Branch(id) => spec.tasks.iter().any(|task| task.id == *id),
            Self::Agent(id) => spec.agents.iter().any(|agent| agent.id == *id),
            Self::Tool(id) => spec.tools.iter().any(|tool| tool.id == *id),
            Self::Model(key) => spec.models.contains_key(key),
        }
    }

    /// The name in the spec; none for the start, the end and branches, which have none of their own.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Start | Self::End | Self::Branch(_) => None,
            Self::Task(id) | Self::Agent(id) | Self::Tool(id) | Self::Model(id) => Some(id),
        }
    }

    /// What the node is, in a spec.
    pub fn part(&self, spec: &Spec) -> Part {
        match self {
            Self::Start => Part::Start,
            Self::End => Part::End,
            Self::Task(_) => Part::Task,
            Self::Branch(_) => Part::Branch,
            Self::Tool(_) => Part::Tool,
            Self::Model(_) => Part::Model,
            Self::Agent(id) => {
                let is_first = spec.agents.first().is_some_and(|agent| agent.id == *id);
                match spec.target.pattern {
                    Pattern::Router if is_first => Part::Router,
                    Pattern::Supervisor if is_first => Part::Supervisor,
                    _ => Part::Agent,
                }
            }
        }
    }
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// Where every run begins.
    Start,
    /// Where a run ends.
    End,
    /// Where the ways part by a task's result.
    Branch,
    /// An agent that does its work.
    Agent,
    /// The agent that chooses who answers.
    Router,
    /// The agent that gives work to others.
    Supervisor,
    /// A piece of work.
    Task,
    /// Something that agents call.
    Tool,
    /// What agents think with.
    Model,
}

impl Part {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Start => "Start",
            Self::End => "End",
            Self::Branch => "Branch",
            Self::Agent => "Agent",
            Self::Router => "Router",
            Self::Supervisor => "Supervisor",
            Self::Task => "Task",
            Self::Tool => "Tool",
            Self::Model => "Model",
        }
    }

    /// Width and height in pixels, as in the style sheet.
    pub fn size(self) -> (i32, i32) {
        match self {
            Self::Start | Self::End | Self::Branch => (152, 52),
            Self::Tool | Self::Model => (184, 52),
            _ => (208, 64),
        }
    }
}

/// Whether a pattern has one place where it ends. In the others whoever has the conversation answers.
pub(super) fn has_end(pattern: Pattern) -> bool {
    !matches!(pattern, Pattern::Router | Pattern::Supervisor | Pattern::Handoff)
}
