//! What was changed, so that it can be taken back: whole specs, which makes going back exact.

use std::collections::VecDeque;

use super::apply::{Operation, Refusal, apply};
use super::node::NodeId;
use crate::spec::Spec;

/// How many changes can be taken back.
const MOST: usize = 200;

/// A spec with the changes that led to it.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    past: VecDeque<Spec>,
    present: Spec,
    future: Vec<Spec>,
    /// What the last change was about, while the next one of the same kind goes with it.
    gesture: Option<Gesture>,
}

/// What several changes have in common that people take for one.
#[derive(Clone, Debug, PartialEq)]
enum Gesture {
    /// The same fields of the same thing are written.
    Field(NodeId, Vec<String>),
    /// The condition of the same edge is written.
    Condition(usize),
    /// The same nodes are moved.
    Move(Vec<NodeId>),
}

impl History {
    /// A spec that was not changed yet.
    pub fn new(spec: Spec) -> Self {
        Self { past: VecDeque::new(), present: spec, future: Vec::new(), gesture: None }
    }

    /// The spec as it is now.
    pub fn present(&self) -> &Spec {
        &self.present
    }

    /// Whether there is a change to take back.
    pub fn can_undo(&self) -> bool {
        !self.past.is_empty()
    }

    /// Whether there is a change that was taken back.
    pub fn can_redo(&self) -> bool {
        !self.future.is_empty()
    }

    /// Makes a change. One that changes nothing leaves no trace; text that is written into a field, or
    /// a node that is moved on and on, is one change.
    ///
    /// # Errors
    /// Why the change cannot be made; nothing has changed then.
    pub fn apply(&mut self, operation: &Operation) -> Result<(), Refusal> {
        let changed = apply(&self.present, operation)?;
        if changed == self.present {
            return Ok(());
        }
        let gesture = self.gesture_of(operation);
        let goes_on = gesture.is_some() && gesture == self.gesture;
        let before = std::mem::replace(&mut self.present, changed);
        if !goes_on {
            self.past.push_back(before);
            if self.past.len() > MOST {
                self.past.pop_front();
            }
        }
        self.future.clear();
        self.gesture = gesture;
        Ok(())
    }

    /// Goes to another spec as a whole, as one change.
    pub fn go_to(&mut self, spec: Spec) {
        if spec != self.present {
            self.past.push_back(std::mem::replace(&mut self.present, spec));
            if self.past.len() > MOST {
                self.past.pop_front();
            }
            self.future.clear();
        }
        self.gesture = None;
    }

    /// The next change is one by itself, whatever it is about.
    pub fn seal(&mut self) {
        self.gesture = None;
    }

    /// Takes the last change back.
    pub fn undo(&mut self) -> bool {
        let Some(before) = self.past.pop_back() else { return false };
        self.future.push(std::mem::replace(&mut self.present, before));
        self.gesture = None;
        true
    }

    /// Makes the change again that was taken back last.
    pub fn redo(&mut self) -> bool {
        let Some(after) = self.future.pop() else { return false };
        self.past.push_back(std::mem::replace(&mut self.present, after));
        self.gesture = None;
        true
    }

    fn gesture_of(&self, operation: &Operation) -> Option<Gesture> {
        let field = |node: NodeId, before: Option<serde_json::Value>, after: serde_json::Result<serde_json::Value>| {
            let (before, after) = (before?, after.ok()?);
            let (before, after) = (before.as_object()?, after.as_object()?);
            let names = before.keys().chain(after.keys()).filter(|key| before.get(*key) != after.get(*key));
            let mut names: Vec<String> = names.cloned().collect();
            names.sort_unstable();
            names.dedup();
            Some(Gesture::Field(node, names))
        };
        let value = |value: Option<serde_json::Result<serde_json::Value>>| value.and_then(Result::ok);
        let spec = &self.present;
        match operation {
            Operation::ReplaceAgent(agent) => {
                let before = spec.agents.iter().find(|known| known.id == agent.id).map(serde_json::to_value);
                field(NodeId::Agent(agent.id.clone()), value(before), serde_json::to_value(agent))
            }
            Operation::ReplaceTask(task) => {
                let before = spec.tasks.iter().find(|known| known.id == task.id).map(serde_json::to_value);
                field(NodeId::Task(task.id.clone()), value(before), serde_json::to_value(task))
            }
            Operation::ReplaceTool(tool) => {
                let before = spec.tools.iter().find(|known| known.id == tool.id).map(serde_json::to_value);
                field(NodeId::Tool(tool.id.clone()), value(before), serde_json::to_value(tool))
            }
            Operation::ReplaceModel { key, model } => {
                let before = spec.models.get(key).map(serde_json::to_value);
                field(NodeId::Model(key.clone()), value(before), serde_json::to_value(model))
            }
            Operation::SetCondition { edge, .. } => Some(Gesture::Condition(*edge)),
            Operation::Place(places) => Some(Gesture::Move(places.keys().cloned().collect())),
            _ => None,
        }
    }
}
