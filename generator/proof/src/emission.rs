//! How long it takes from a spec to the files of its project.

use std::time::Instant;

use anyhow::{Result, anyhow};

use crate::{Cell, cells};

/// How often each project is written.
const ROUNDS: u32 = 50;

/// Milliseconds of each cell, slowest first: the fastest of fifty rounds, in which nobody else had the
/// processor.
///
/// # Errors
///
/// When a spec is refused, which is our mistake.
pub fn emission() -> Result<Vec<(Cell, f64)>> {
    let mut figures = Vec::new();
    for cell in cells() {
        let spec = cell.spec("https://example.com")?;
        let mut milliseconds = f64::INFINITY;
        for _ in 0..ROUNDS {
            let started = Instant::now();
            std::hint::black_box(gantry_generator::emit(&spec).map_err(|found| anyhow!("{cell}: {found:?}"))?);
            milliseconds = milliseconds.min(started.elapsed().as_secs_f64() * 1000.0);
        }
        figures.push((cell, milliseconds));
    }
    figures.sort_by(|a, b| b.1.total_cmp(&a.1));
    Ok(figures)
}
