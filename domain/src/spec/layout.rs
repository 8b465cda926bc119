//! Where people put the nodes of the pipeline that shows a spec. Nothing is generated from it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Where people put the nodes of the pipeline; those that are not named are arranged by themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Layout {
    /// By node: `start`, `end`, or `agent:`, `task:`, `branch:`, `tool:` or `model:` with an id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub nodes: BTreeMap<String, Position>,
}

impl Layout {
    /// Whether nothing was put anywhere.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
}

/// The upper left corner of a node, in pixels at a zoom of 100 %, right and down from the origin.
///
/// In a spec they are `left` and `top`: YAML 1.1 takes a bare `y` for a yes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Position {
    /// Pixels to the right, -20 000 to 20 000.
    #[serde(rename = "left")]
    pub x: i32,
    /// Pixels down, -20 000 to 20 000.
    #[serde(rename = "top")]
    pub y: i32,
}

impl Position {
    /// How far from the origin a node may be in either direction, in pixels.
    pub const FARTHEST: i32 = 20_000;

    /// At a point, or at the nearest one that is allowed.
    pub fn at(x: i32, y: i32) -> Self {
        let within = |value: i32| value.clamp(-Self::FARTHEST, Self::FARTHEST);
        Self { x: within(x), y: within(y) }
    }

    /// Whether it is where a node may be.
    pub fn is_allowed(self) -> bool {
        Self::at(self.x, self.y) == self
    }
}
