//! Which processes belong together, and what they listen on, as Linux tells in `/proc` (`man 5 proc`).
//!
//! A process is known by its number and the moment in which it was started, never by the number alone: that is
//! given again to others. It belongs to a family when it is in the group that the family's first process
//! leads, when it carries the family's mark in its environment, or when a process that does started it. A program
//! that takes pains to have none of these is not found.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

/// One process, for as long as the machine runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Identity {
    pid: i32,
    /// When it was started, in ticks since the machine was.
    started: u64,
    /// Which start of the machine that was.
    boot: String,
}

impl Identity {
    /// The identity of a process that is there, also of one that has ended and that nobody has waited for.
    pub(super) fn of(pid: i32) -> Option<Self> {
        Some(Self { pid, started: Process::read(pid)?.started, boot: boot()? })
    }
}

/// What is known of a process.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Process {
    pub(super) pid: i32,
    parent: i32,
    group: i32,
    started: u64,
    /// It has ended, and nobody has waited for it.
    is_over: bool,
}

impl Process {
    fn read(pid: i32) -> Option<Self> {
        Self::parse(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// Reads `/proc/<pid>/stat`. The program's name, in parentheses, may hold anything, parentheses too.
    fn parse(pid: i32, stat: &str) -> Option<Self> {
        let (_, rest) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        Some(Self {
            pid,
            is_over: matches!(*fields.first()?, "Z" | "X" | "x"),
            parent: fields.get(1)?.parse().ok()?,
            group: fields.get(2)?.parse().ok()?,
            started: fields.get(19)?.parse().ok()?,
        })
    }

    /// Whether this very process is still there and can be killed.
    pub(super) fn is_still_there(&self) -> bool {
        Self::read(self.pid).is_some_and(|now| now.started == self.started && !now.is_over)
    }
}

/// The numbers below `/proc`: those of all processes.
fn numbers() -> Vec<i32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect()
}

fn boot() -> Option<String> {
    Some(fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_owned())
}

/// The entries of a process's environment that begin like this, as it was when the program was started. Those of
/// other users cannot be read.
fn environment(pid: i32, beginning: &str) -> Vec<String> {
    let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) else { return Vec::new() };
    environment
        .split(|byte| *byte == 0)
        .filter(|entry| entry.starts_with(beginning.as_bytes()))
        .map(|entry| String::from_utf8_lossy(entry).into_owned())
        .collect()
}

/// Every mark that begins like this and that some process carries.
pub(crate) fn marks(beginning: &str) -> HashSet<String> {
    numbers().into_iter().flat_map(|pid| environment(pid, beginning)).collect()
}

/// The processes of a family that have not ended. `mark` is an entry of their environment, or its beginning.
pub(super) fn members(leader: Option<&Identity>, mark: &str) -> Vec<Process> {
    let all: Vec<Process> = numbers().into_iter().filter_map(Process::read).collect();
    let led = leader.filter(|leader| {
        let is_here = |process: &Process| process.pid == leader.pid && process.started == leader.started;
        all.iter().any(is_here) && boot().as_ref() == Some(&leader.boot)
    });
    let mut found: HashSet<i32> = all
        .iter()
        .filter(|process| {
            led.is_some_and(|leader| leader.pid == process.group) || !environment(process.pid, mark).is_empty()
        })
        .map(|process| process.pid)
        .collect();
    // What they have started, and what that has started.
    loop {
        let before = found.len();
        let more: Vec<i32> =
            all.iter().filter(|process| found.contains(&process.parent)).map(|process| process.pid).collect();
        found.extend(more);
        if found.len() == before {
            break;
        }
    }
    let own = i32::try_from(std::process::id()).unwrap_or(0);
    let is_meant =
        |process: &Process| found.contains(&process.pid) && !process.is_over && process.pid > 1 && process.pid != own;
    all.into_iter().filter(is_meant).collect()
}

/// A port of the loopback interface that somebody accepts connections on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Listener {
    /// The port.
    pub(crate) port: u16,
    /// The socket: while it is open, nobody else accepts connections there.
    socket: u64,
}

/// What these processes listen on where the loopback interface reaches it.
pub(super) fn listeners(processes: &[Process]) -> Vec<Listener> {
    let mut sockets: HashMap<u64, u16> = HashMap::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let text = fs::read_to_string(table).unwrap_or_default();
        sockets.extend(text.lines().skip(1).filter_map(listening).map(|listener| (listener.socket, listener.port)));
    }
    let mut found = Vec::new();
    for process in processes {
        let Ok(files) = fs::read_dir(format!("/proc/{}/fd", process.pid)) else { continue };
        for file in files.flatten() {
            let Some(socket) = fs::read_link(file.path()).ok().and_then(|target| number_of(target.to_str()?)) else {
                continue;
            };
            if let Some(port) = sockets.remove(&socket) {
                found.push(Listener { port, socket });
            }
        }
    }
    found
}

/// The number in `socket:[12345]`.
fn number_of(target: &str) -> Option<u64> {
    target.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

/// Reads a line of `/proc/net/tcp` or `tcp6`; none when nobody listens there, or not for the loopback interface.
fn listening(line: &str) -> Option<Listener> {
    const LISTENS: &str = "0A";
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    if *fields.get(3)? != LISTENS {
        return None;
    }
    let (address, port) = fields.get(1)?.split_once(':')?;
    let is_reached = match address.len() {
        8 => {
            // As the machine has it in memory, where it is in the network's order.
            let address = Ipv4Addr::from(u32::from_str_radix(address, 16).ok()?.to_ne_bytes());
            address == Ipv4Addr::LOCALHOST || address.is_unspecified()
        }
        // The unspecified address of version 6 takes connections of version 4 as well.
        _ => address.bytes().all(|digit| digit == b'0'),
    };
    let port = u16::from_str_radix(port, 16).ok()?;
    is_reached.then_some(Listener { port, socket: fields.get(9)?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_s_name_may_be_anything() {
        let stat = "77 (a) S 1 (b)) R 1 2 3 0 -1 4194304 103 0 0 0 0 0 0 0 20 0 1 0 4711 5 6";
        let read = Process::parse(77, stat).unwrap();
        assert_eq!(read, Process { pid: 77, parent: 1, group: 2, started: 4711, is_over: false });
        assert!(Process::parse(77, "77 (x) Z 1 2 3 0 -1 0 0 0 0 0 0 0 0 0 0 0 1 0 9 0 0").unwrap().is_over);
        assert_eq!(Process::parse(77, "77 (x"), None);
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn only_what_listens_where_loopback_reaches_it_counts() {
        let line = |address: &str, state: &str| {
            format!(
                "   3: {address} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000  1000        0 4242 1 0 100 0 0 10 0"
            )
        };
        let found = Some(Listener { port: 8080, socket: 4242 });
        assert_eq!(listening(&line("0100007F:1F90", "0A")), found);
        assert_eq!(listening(&line("00000000:1F90", "0A")), found);
        assert_eq!(listening(&line("00000000000000000000000000000000:1F90", "0A")), found);
        assert_eq!(listening(&line("0100007F:1F90", "01")), None, "a connection");
        assert_eq!(listening(&line("0201A8C0:1F90", "0A")), None, "another address");
        assert_eq!(listening("  sl  local_address"), None);
    }

    #[test]
    fn this_process_is_told_from_another_that_has_its_number_later() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let own = Identity::of(pid).unwrap();
        assert_eq!(Identity::of(pid), Some(own.clone()));
        assert_ne!(Identity { started: own.started + 1, ..own.clone() }, own);
        assert!(members(Some(&own), "NOBODY_HAS_THIS=").iter().all(|process| process.pid != pid), "never itself");
    }
}
