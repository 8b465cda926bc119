//! How a line is drawn from one node to another: where it leaves, where it arrives, and the curve
//! between. Pure, so that a moving node needs no more than this each frame.

use super::edges::EdgeId;
use super::node::Part;
use crate::spec::Position;

/// A node as geometry sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The left edge.
    pub left: i32,
    /// The upper edge.
    pub top: i32,
    /// How wide it is.
    pub width: i32,
    /// How high it is.
    pub height: i32,
}

impl Frame {
    /// The frame of a part at a position.
    pub fn of(part: Part, position: Position) -> Self {
        let (width, height) = part.size();
        Self { left: position.x, top: position.y, width, height }
    }

    fn middle(self) -> (i32, i32) {
        (self.left + self.width / 2, self.top + self.height / 2)
    }

    /// The middle of a side, moved along it.
    fn anchor(self, side: Side, along: i32) -> (i32, i32) {
        let (x, y) = self.middle();
        match side {
            Side::Left => (self.left, y + along),
            Side::Right => (self.left + self.width, y + along),
            Side::Top => (x + along, self.top),
            Side::Bottom => (x + along, self.top + self.height),
        }
    }
}

/// A line as it is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// SVG path data.
    pub path: String,
    /// Where its label is: the middle of the curve.
    pub label: (i32, i32),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
    Top,
    Bottom,
}

impl Side {
    fn outward(self) -> (i32, i32) {
        match self {
            Self::Left => (-1, 0),
            Self::Right => (1, 0),
            Self::Top => (0, -1),
            Self::Bottom => (0, 1),
        }
    }
}

/// How far two lines between the same nodes are apart from the middle.
const APART: i32 = 10;

/// From how far a line goes around what may be between its ends, in pixels.
const LONG: i32 = 110;

/// The line of an edge between two frames. `has_twin` says that there is an edge the other way, and
/// `beside` that what belongs to something stands beside it rather than below.
pub fn line(edge: &EdgeId, from: Frame, to: Frame, has_twin: bool, beside: bool) -> Line {
    if from == to {
        return around(from);
    }
    let (gap_across, gap_down) = gaps(from, to);
    let ((from_x, from_y), (to_x, to_y)) = (from.middle(), to.middle());
    if !edge.is_flow() {
        let sides = match beside {
            true if gap_across >= 0 && to_x > from_x => (Side::Right, Side::Left),
            false if gap_down >= 0 && to_y > from_y => (Side::Bottom, Side::Top),
            _ => facing(from, to),
        };
        return curve(from.anchor(sides.0, 0), sides.0, to.anchor(sides.1, 0), sides.1);
    }
    let along = if has_twin { if (from.left, from.top) < (to.left, to.top) { -APART } else { APART } } else { 0 };
    let is_above = gap_down >= 0 && to_y < from_y;
    let is_far = gap_down >= LONG && (to_x - from_x).abs() < from.width;
    let sides = if beside && gap_down >= 0 && (is_above || is_far) {
        // Back, or past others: around them, on the side where nothing else is.
        (Side::Left, Side::Left)
    } else if gap_down >= 0 && to_y > from_y {
        (Side::Bottom, Side::Top)
    } else {
        facing(from, to)
    };
    curve(from.anchor(sides.0, along), sides.0, to.anchor(sides.1, along), sides.1)
}

/// A line from a node's middle right to a point, while somebody draws it.
pub fn line_to_point(from: Frame, point: (i32, i32)) -> Line {
    let to = Frame { left: point.0, top: point.1, width: 0, height: 0 };
    let (side, _) = facing(from, to);
    let start = from.anchor(side, 0);
    let entry = match side {
        Side::Left => Side::Right,
        Side::Right => Side::Left,
        Side::Top => Side::Bottom,
        Side::Bottom => Side::Top,
    };
    curve(start, side, point, entry)
}

/// The gaps between two frames, across and down; below zero where they overlap.
fn gaps(from: Frame, to: Frame) -> (i32, i32) {
    let ((from_x, from_y), (to_x, to_y)) = (from.middle(), to.middle());
    let across = (to_x - from_x).abs() - (from.width + to.width) / 2;
    let down = (to_y - from_y).abs() - (from.height + to.height) / 2;
    (across, down)
}

/// The sides that look at each other, across the larger gap: there the line has room.
fn facing(from: Frame, to: Frame) -> (Side, Side) {
    let ((from_x, from_y), (to_x, to_y)) = (from.middle(), to.middle());
    let (gap_across, gap_down) = gaps(from, to);
    if gap_across >= gap_down {
        if to_x >= from_x { (Side::Right, Side::Left) } else { (Side::Left, Side::Right) }
    } else if to_y >= from_y {
        (Side::Bottom, Side::Top)
    } else {
        (Side::Top, Side::Bottom)
    }
}

fn curve(from: (i32, i32), leaves: Side, to: (i32, i32), arrives: Side) -> Line {
    let distance = (to.0 - from.0).abs().max((to.1 - from.1).abs());
    let arch = leaves == arrives;
    let reach = if arch { (distance / 4).clamp(112, 220) } else { (distance / 2).clamp(20, 120) };
    let control = |point: (i32, i32), side: Side| {
        let (x, y) = side.outward();
        (point.0 + x * reach, point.1 + y * reach)
    };
    let (first, second) = (control(from, leaves), control(to, arrives));
    let path = format!("M{} {}C{} {} {} {} {} {}", from.0, from.1, first.0, first.1, second.0, second.1, to.0, to.1);
    // The point at one half of a cubic Bézier curve.
    let half = |a: i32, b: i32, c: i32, d: i32| (a + 3 * b + 3 * c + d) / 8;
    Line { path, label: (half(from.0, first.0, second.0, to.0), half(from.1, first.1, second.1, to.1)) }
}

/// A line from a node to itself: a loop above it.
fn around(frame: Frame) -> Line {
    let (x, _) = frame.middle();
    let (left, right, top) = (x - 32, x + 32, frame.top);
    Line {
        path: format!("M{right} {top}C{} {} {} {} {left} {top}", right + 24, top - 56, left - 24, top - 56),
        label: (x, top - 42),
    }
}
