//! Which part of the graph is seen, and how large: numbers only.

/// The smallest and the largest zoom.
pub(super) const LEAST: f64 = 0.2;
pub(super) const MOST: f64 = 2.5;
/// Room around a graph that is made to fit, in pixels.
const MARGIN: f64 = 32.0;

/// Where the graph's origin is within the frame, in pixels, and how large a pixel of the graph is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Viewport {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) zoom: f64,
}

impl Viewport {
    /// A point of the frame as a point of the graph.
    pub(super) fn to_graph(self, (x, y): (f64, f64)) -> (f64, f64) {
        ((x - self.x) / self.zoom, (y - self.y) / self.zoom)
    }

    /// Moved by so many pixels of the frame.
    pub(super) fn moved(self, across: f64, down: f64) -> Self {
        Self { x: self.x + across, y: self.y + down, ..self }
    }

    /// Zoomed by a factor; the point of the frame stays where it is.
    pub(super) fn zoomed(self, factor: f64, (x, y): (f64, f64)) -> Self {
        let zoom = (self.zoom * factor).clamp(LEAST, MOST);
        let factor = zoom / self.zoom;
        Self { x: x - (x - self.x) * factor, y: y - (y - self.y) * factor, zoom }
    }

    /// So that a rectangle of the graph (left, top, right, bottom) is seen whole in a frame of this
    /// size, in the middle and never larger than it is.
    pub(super) fn fitting(bounds: (i32, i32, i32, i32), (width, height): (f64, f64)) -> Self {
        let (left, top, right, bottom) =
            (f64::from(bounds.0), f64::from(bounds.1), f64::from(bounds.2), f64::from(bounds.3));
        let (wide, high) = ((right - left).max(1.0), (bottom - top).max(1.0));
        let zoom = ((width - 2.0 * MARGIN) / wide).min((height - 2.0 * MARGIN) / high).clamp(LEAST, 1.0);
        Self { x: (width - wide * zoom) / 2.0 - left * zoom, y: (height - high * zoom) / 2.0 - top * zoom, zoom }
    }

    /// Moved as little as needed so that a rectangle of the graph is within the frame.
    pub(super) fn showing(self, bounds: (i32, i32, i32, i32), (width, height): (f64, f64)) -> Self {
        let along = |from: i32, to: i32, origin: f64, size: f64| {
            let (from, to) = (f64::from(from) * self.zoom + origin, f64::from(to) * self.zoom + origin);
            if from < MARGIN {
                MARGIN - from
            } else if to > size - MARGIN {
                (size - MARGIN - to).max(MARGIN - from)
            } else {
                0.0
            }
        };
        self.moved(along(bounds.0, bounds.2, self.x, width), along(bounds.1, bounds.3, self.y, height))
    }

    /// The value of CSS `transform`.
    pub(super) fn css(self) -> String {
        format!("translate({:.2}px, {:.2}px) scale({:.4})", self.x, self.y, self.zoom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zooming_keeps_the_point_under_the_pointer() {
        let view = Viewport { x: 30.0, y: -10.0, zoom: 0.5 };
        let point = (200.0, 120.0);
        let before = view.to_graph(point);
        for factor in [0.01, 0.7, 1.3, 100.0] {
            let after = view.zoomed(factor, point);
            assert!((LEAST..=MOST).contains(&after.zoom));
            let now = after.to_graph(point);
            assert!((now.0 - before.0).abs() < 1e-9 && (now.1 - before.1).abs() < 1e-9);
        }
    }

    #[test]
    fn a_graph_fits_in_the_middle_and_is_not_blown_up() {
        let view = Viewport::fitting((-100, 0, 100, 100), (400.0, 400.0));
        assert_eq!(view, Viewport { x: 200.0, y: 150.0, zoom: 1.0 });
        let view = Viewport::fitting((0, 0, 4_000, 100), (464.0, 400.0));
        assert!((view.zoom - LEAST).abs() < 1e-9);
    }

    #[test]
    fn what_is_shown_comes_in_by_the_shortest_way() {
        let view = Viewport { x: 0.0, y: 0.0, zoom: 1.0 };
        assert_eq!(view.showing((40, 40, 100, 100), (400.0, 300.0)), view);
        assert_eq!(view.showing((500, 40, 600, 100), (400.0, 300.0)).x, 400.0 - 32.0 - 600.0);
        assert_eq!(view.showing((-50, 40, 20, 100), (400.0, 300.0)).x, 82.0);
    }
}
