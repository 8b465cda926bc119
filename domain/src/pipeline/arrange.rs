//! Where nodes are put by themselves: what happens runs from the top down. Beside tasks, to the right,
//! are the agents that do them and what those use; agents that talk to one another have what they use
//! below.
//!
//! The same spec gives the same places. All arithmetic is on whole numbers, so that the server, the
//! browser and the tests agree to the pixel.

use std::collections::{BTreeMap, BTreeSet};

use super::edges::{Edge, EdgeId};
use super::has_tasks;
use super::node::{NodeId, Part};
use crate::spec::{Position, Spec};

/// Between two steps under one another; a condition is written there.
const STEP_GAP: i32 = 44;
/// Between the start or the end and the agent beside it.
const BESIDE_GAP: i32 = 72;
/// Between two nodes side by side.
const SIDE_GAP: i32 = 32;
/// Between what happens, who does it and what they use.
const BAND_GAP: i32 = 72;
/// Between two tools under one another.
const TOOL_GAP: i32 = 14;
/// How many tools of the same agents stand under one another.
const STACK: usize = 5;
/// How often the order within layers is improved.
const SWEEPS: usize = 6;
/// Where what nothing is connected with would like to be: last.
const LAST: i32 = i32::MAX / 4;

/// Places for all nodes.
pub(super) fn arrange(spec: &Spec, nodes: &[NodeId], edges: &[Edge]) -> BTreeMap<NodeId, Position> {
    let mut sheet = Sheet { spec, places: BTreeMap::new(), right: 0, bottom: 0 };
    if has_tasks(spec.target.pattern) {
        sheet.steps(nodes, edges);
        let agents: Vec<&NodeId> = nodes.iter().filter(|id| matches!(id, NodeId::Agent(_))).collect();
        sheet.column(agents.into_iter().map(|id| vec![id]).collect(), edges);
        sheet.column(groups(nodes, edges), edges);
    } else {
        sheet.rows_of_agents(nodes, edges);
        let tasks: Vec<&NodeId> = nodes.iter().filter(|id| matches!(id, NodeId::Task(_))).collect();
        sheet.band(tasks.into_iter().map(|id| vec![id]).collect(), edges);
        sheet.band(groups(nodes, edges), edges);
    }
    sheet.places
}

/// Tools and models, those together that the same agents use.
fn groups<'a>(nodes: &'a [NodeId], edges: &'a [Edge]) -> Vec<Vec<&'a NodeId>> {
    let mut groups: BTreeMap<(bool, Vec<&NodeId>), Vec<&NodeId>> = BTreeMap::new();
    for id in nodes.iter().filter(|id| matches!(id, NodeId::Tool(_) | NodeId::Model(_))) {
        let users =
            edges.iter().filter(|edge| edge.to == *id && matches!(edge.id, EdgeId::Calls { .. } | EdgeId::Thinks(_)));
        let users: BTreeSet<&NodeId> = users.map(|edge| &edge.from).collect();
        groups.entry((matches!(id, NodeId::Model(_)), users.into_iter().collect())).or_default().push(id);
    }
    groups.into_values().collect()
}

/// What was put where so far.
struct Sheet<'a> {
    spec: &'a Spec,
    places: BTreeMap<NodeId, Position>,
    /// To the right of everything that was put.
    right: i32,
    /// Below everything that was put.
    bottom: i32,
}

impl Sheet<'_> {
    fn size(&self, id: &NodeId) -> (i32, i32) {
        id.part(self.spec).size()
    }

    fn put(&mut self, id: &NodeId, x: i32, y: i32) {
        let (width, height) = self.size(id);
        self.right = self.right.max(x + width);
        self.bottom = self.bottom.max(y + height);
        self.places.insert(id.clone(), Position { x, y });
    }

    /// The middle of a node; none while it has no place.
    fn middle(&self, id: &NodeId) -> Option<(i32, i32)> {
        let (width, height) = self.size(id);
        self.places.get(id).map(|place| (place.x + width / 2, place.y + height / 2))
    }

    /// Start, tasks, branches and end: in layers by what comes after what.
    fn steps(&mut self, nodes: &[NodeId], edges: &[Edge]) {
        let flow: Vec<&NodeId> = nodes
            .iter()
            .filter(|id| matches!(id, NodeId::Start | NodeId::Task(_) | NodeId::Branch(_) | NodeId::End))
            .collect();
        let index: BTreeMap<&NodeId, usize> = flow.iter().enumerate().map(|(index, id)| (*id, index)).collect();
        // What the pattern does not follow says nothing about where its nodes belong.
        let links: Vec<(usize, usize)> = edges
            .iter()
            .filter(|edge| edge.id.is_flow() && edge.is_followed(self.spec.target.pattern))
            .filter_map(|edge| Some((*index.get(&edge.from)?, *index.get(&edge.to)?)))
            .collect();
        let end = flow.iter().position(|id| **id == NodeId::End);
        let layers = in_order(&layers(flow.len(), &links, end), &links);
        let sizes: Vec<(i32, i32)> = flow.iter().map(|id| self.size(id)).collect();
        let width = |layer: &[usize]| layer.iter().map(|node| sizes[*node].0 + SIDE_GAP).sum::<i32>() - SIDE_GAP;
        let widest = layers.iter().map(|layer| width(layer)).max().unwrap_or_default();
        let mut y = 0;
        for layer in &layers {
            let height = layer.iter().map(|node| sizes[*node].1).max().unwrap_or_default();
            let mut x = (widest - width(layer)) / 2;
            for node in layer {
                self.put(flow[*node], x, y + (height - sizes[*node].1) / 2);
                x += sizes[*node].0 + SIDE_GAP;
            }
            y += height + STEP_GAP;
        }
    }

    /// The first agent, and under it those that it talks to.
    fn rows_of_agents(&mut self, nodes: &[NodeId], edges: &[Edge]) {
        let agents: Vec<&NodeId> = nodes.iter().filter(|id| matches!(id, NodeId::Agent(_))).collect();
        let mut rows: Vec<Vec<&NodeId>> = Vec::new();
        let mut seen = BTreeSet::new();
        let mut row: Vec<&NodeId> = agents.first().copied().into_iter().collect();
        while !row.is_empty() {
            seen.extend(row.iter().copied());
            let next = agents.iter().copied().filter(|id| {
                !seen.contains(id)
                    && edges.iter().any(|edge| {
                        edge.to == **id
                            && edge.id.is_flow()
                            && edge.is_followed(self.spec.target.pattern)
                            && row.contains(&&edge.from)
                    })
            });
            let next = next.collect();
            rows.push(std::mem::replace(&mut row, next));
        }
        let idle: Vec<&NodeId> = agents.into_iter().filter(|id| !seen.contains(id)).collect();
        if !idle.is_empty() {
            rows.push(idle);
        }
        let (start_width, start_height) = Part::Start.size();
        let (agent_width, agent_height) = Part::Agent.size();
        let width = |row: &[&NodeId]| -> i32 {
            row.len().try_into().unwrap_or(i32::MAX / 1_000) * (agent_width + SIDE_GAP) - SIDE_GAP
        };
        let widest = rows.iter().map(|row| width(row)).max().unwrap_or_default();
        // The start is beside the first agent, so everything else makes room for it.
        let left = (start_width + BESIDE_GAP - (widest - agent_width).max(0) / 2).max(0);
        let mut y = 0;
        for row in &rows {
            let mut x = left + (widest - width(row)) / 2;
            for id in row {
                self.put(id, x, y);
                x += agent_width + SIDE_GAP;
            }
            y += agent_height + BAND_GAP;
        }
        let first = rows.first().and_then(|row| row.first()).and_then(|id| self.places.get(*id).copied());
        let first = first.unwrap_or(Position { x: start_width + BESIDE_GAP, y: 0 });
        let beside = first.y + (agent_height - start_height) / 2;
        self.put(&NodeId::Start, first.x - BESIDE_GAP - start_width, beside);
        if nodes.contains(&NodeId::End) {
            self.put(&NodeId::End, first.x + agent_width + BESIDE_GAP, beside);
        }
    }

    /// Groups side by side below everything, each as near as possible to what it is connected with.
    fn band(&mut self, groups: Vec<Vec<&NodeId>>, edges: &[Edge]) {
        let y = if self.places.is_empty() { 0 } else { self.bottom + BAND_GAP };
        let mut free = 0;
        for (middle, group) in self.by_wish(groups, edges, |(x, _)| x) {
            let (width, _) = self.block(&group);
            // What nothing is connected with follows the rest.
            let wanted = if middle == LAST { free } else { middle.saturating_sub(width / 2) };
            let x = free.max(wanted);
            self.put_block(&group, x, y);
            free = x + width + SIDE_GAP;
        }
    }

    /// Groups under one another beside everything, each as near as possible to what it is connected with.
    fn column(&mut self, groups: Vec<Vec<&NodeId>>, edges: &[Edge]) {
        let x = if self.places.is_empty() { 0 } else { self.right + BAND_GAP };
        let mut free = 0;
        for (middle, group) in self.by_wish(groups, edges, |(_, y)| y) {
            let (_, height) = self.block(&group);
            let wanted = if middle == LAST { free } else { middle.saturating_sub(height / 2) };
            let y = free.max(wanted);
            self.put_block(&group, x, y);
            free = y + height + SIDE_GAP;
        }
    }

    /// Groups in the order of where they would like to be along one direction: at the mean of what they
    /// are connected with.
    fn by_wish<'b>(
        &self,
        groups: Vec<Vec<&'b NodeId>>,
        edges: &[Edge],
        along: fn((i32, i32)) -> i32,
    ) -> Vec<(i32, Vec<&'b NodeId>)> {
        let wish = |id: &NodeId| -> Vec<i32> {
            let others = edges.iter().filter_map(|edge| match (edge.from == *id, edge.to == *id) {
                (true, false) => Some(&edge.to),
                (false, true) => Some(&edge.from),
                _ => None,
            });
            others.filter_map(|other| self.middle(other).map(along)).collect()
        };
        let mut wished: Vec<(i32, usize, Vec<&NodeId>)> = groups
            .into_iter()
            .enumerate()
            .map(|(index, group)| {
                let middles: Vec<i32> = group.iter().flat_map(|id| wish(id)).collect();
                (mean(&middles).unwrap_or(LAST), index, group)
            })
            .collect();
        wished.sort_by_key(|(middle, index, _)| (*middle, *index));
        wished.into_iter().map(|(middle, _, group)| (middle, group)).collect()
    }

    /// How large a group is when at most [`STACK`] of its nodes are under one another.
    fn block(&self, group: &[&NodeId]) -> (i32, i32) {
        let (width, height) = group.first().map(|id| self.size(id)).unwrap_or_default();
        let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX / 1_000_000);
        let (columns, rows) = (count(group.len().div_ceil(STACK)), count(group.len().min(STACK)));
        (columns * (width + SIDE_GAP) - SIDE_GAP, rows * (height + TOOL_GAP) - TOOL_GAP)
    }

    fn put_block(&mut self, group: &[&NodeId], x: i32, y: i32) {
        for (index, id) in group.iter().enumerate() {
            let (width, height) = self.size(id);
            let column = i32::try_from(index / STACK).unwrap_or_default();
            let row = i32::try_from(index % STACK).unwrap_or_default();
            self.put(id, x + column * (width + SIDE_GAP), y + row * (height + TOOL_GAP));
        }
    }
}

fn mean(values: &[i32]) -> Option<i32> {
    let count = i64::try_from(values.len()).ok().filter(|count| *count > 0)?;
    let sum: i64 = values.iter().map(|value| i64::from(*value)).sum();
    i32::try_from(sum / count).ok()
}

/// In which layer each node is: after everything that leads to it, as far as nothing leads back.
fn layers(count: usize, links: &[(usize, usize)], end: Option<usize>) -> Vec<usize> {
    let mut next = vec![Vec::new(); count];
    for (from, to) in links {
        next[*from].push(*to);
    }
    let (mut order, back) = in_depth(&next);
    order.reverse();
    // The start is before everything, also before what nothing leads to.
    let mut layers: Vec<usize> = (0..count).map(|node| usize::from(node > 0)).collect();
    for from in &order {
        for to in &next[*from] {
            if !back.contains(&(*from, *to)) {
                layers[*to] = layers[*to].max(layers[*from] + 1);
            }
        }
    }
    if let Some(end) = end {
        layers[end] = layers
            .iter()
            .enumerate()
            .filter(|(node, _)| *node != end)
            .map(|(_, layer)| layer + 1)
            .max()
            .unwrap_or_default();
    }
    layers
}

/// Nodes in the order in which a search in depth leaves them, and the links that lead back.
fn in_depth(next: &[Vec<usize>]) -> (Vec<usize>, BTreeSet<(usize, usize)>) {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Left,
    }
    let mut marks = vec![Mark::New; next.len()];
    let mut left = Vec::with_capacity(next.len());
    let mut back = BTreeSet::new();
    for root in 0..next.len() {
        if marks[root] != Mark::New {
            continue;
        }
        marks[root] = Mark::Open;
        let mut trail = vec![(root, 0)];
        while let Some((node, at)) = trail.pop() {
            let Some(to) = next[node].get(at).copied() else {
                marks[node] = Mark::Left;
                left.push(node);
                continue;
            };
            trail.push((node, at + 1));
            match marks[to] {
                Mark::New => {
                    marks[to] = Mark::Open;
                    trail.push((to, 0));
                }
                Mark::Open => {
                    back.insert((node, to));
                }
                Mark::Left => {}
            }
        }
    }
    (left, back)
}

/// The layers, each ordered so that lines cross little: by the mean of the neighbours' places, back
/// and forth.
fn in_order(layers: &[usize], links: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let count = layers.iter().max().map_or(0, |last| last + 1);
    let mut columns = vec![Vec::new(); count];
    for (node, layer) in layers.iter().enumerate() {
        columns[*layer].push(node);
    }
    let mut neighbours = vec![Vec::new(); layers.len()];
    for (from, to) in links {
        neighbours[*from].push(*to);
        neighbours[*to].push(*from);
    }
    let mut places = vec![0_i32; layers.len()];
    let note = |column: &[usize], places: &mut [i32]| {
        let middle = i32::try_from(column.len()).unwrap_or_default() * 1_000 / 2;
        for (place, node) in column.iter().enumerate() {
            places[*node] = i32::try_from(place).unwrap_or_default() * 1_000 + 500 - middle;
        }
    };
    for column in &columns {
        note(column, &mut places);
    }
    for sweep in 0..SWEEPS {
        for step in 0..count {
            let layer = if sweep % 2 == 0 { step } else { count - 1 - step };
            let mut keyed: Vec<(i32, usize)> = columns[layer]
                .iter()
                .enumerate()
                .map(|(place, node)| {
                    let seen: Vec<i32> = neighbours[*node].iter().map(|other| places[*other]).collect();
                    (mean(&seen).unwrap_or(places[*node]), place)
                })
                .collect();
            keyed.sort_unstable();
            columns[layer] = keyed.into_iter().map(|(_, place)| columns[layer][place]).collect();
            let column = columns[layer].clone();
            note(&column, &mut places);
        }
    }
    columns.retain(|column| !column.is_empty());
    columns
}
