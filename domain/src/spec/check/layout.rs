//! The layout: that its nodes are there, and where a node may be.

use serde_json::json;

use super::Findings;
use crate::pipeline::NodeId;
use crate::spec::{Position, Spec, read};

/// How many nodes may have a place: every agent, task, branch, tool and model of the largest spec.
const MAX_NODES: usize = 600;

pub(super) fn check(spec: &Spec, found: &mut Findings) {
    if spec.layout.nodes.len() > MAX_NODES {
        found
            .error("too_many", "/layout/nodes", format!("expected at most {MAX_NODES} nodes"))
            .fix("Arrange all nodes anew", json!({"layout": null}));
        return;
    }
    for (name, position) in &spec.layout.nodes {
        let path = format!("/layout/nodes/{}", read::escape(name));
        let forget = json!({"layout": {"nodes": {name: null}}});
        if !name.parse::<NodeId>().is_ok_and(|node| node.is_in(spec)) {
            found
                .warning("node_unknown", &path, format!("the spec has nothing named {name:?} to put anywhere"))
                .fix("Forget its place", forget);
        } else if !position.is_allowed() {
            let farthest = Position::FARTHEST;
            found
                .error("limit_out_of_range", &path, format!("expected left and top from -{farthest} to {farthest}"))
                .fix("Forget its place", forget);
        }
    }
}
