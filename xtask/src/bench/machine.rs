//! What the figures were measured on, and what else it was doing.

use std::time::Duration;

/// Processor, memory and system, in a line.
pub(super) fn describe() -> String {
    let processor = std::fs::read_to_string("/proc/cpuinfo")
        .unwrap_or_default()
        .lines()
        .find_map(|line| {
            line.strip_prefix("model name").map(|rest| rest.trim_start_matches([' ', '\t', ':']).to_owned())
        })
        .unwrap_or_else(|| "unknown processor".to_owned());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = std::fs::read_to_string("/proc/meminfo")
        .unwrap_or_default()
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse::<f64>().ok())
        .map_or(0.0, |kilobytes| kilobytes / 1_048_576.0);
    let system = std::fs::read_to_string("/etc/os-release")
        .unwrap_or_default()
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME=").map(|name| name.trim_matches('"').to_owned()))
        .unwrap_or_else(|| std::env::consts::OS.to_owned());
    format!("{cores} cores ({processor}), {memory:.0} GiB, {system}; server, database and load share them")
}

/// What share of the processors is busy now, while nothing of ours works: 0 to 1.
pub(super) async fn busy_share() -> f64 {
    let before = times();
    tokio::time::sleep(Duration::from_millis(400)).await;
    let after = times();
    match (before, after) {
        (Some((busy, all)), Some((busy_then, all_then))) if all_then > all => {
            (busy_then - busy) as f64 / (all_then - all) as f64
        }
        _ => 0.0,
    }
}

/// Time that the processors were busy, and all their time, since the machine started (proc(5), `/proc/stat`).
fn times() -> Option<(u64, u64)> {
    let text = std::fs::read_to_string("/proc/stat").ok()?;
    let fields: Vec<u64> =
        text.lines().next()?.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    // user nice system idle iowait irq softirq steal; guest times are in user already.
    let all: u64 = fields.iter().take(8).sum();
    let idle: u64 = fields.iter().skip(3).take(2).sum();
    Some((all - idle, all))
}
