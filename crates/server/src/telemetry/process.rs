//! What the kernel says of this process, and which build it is, in the text form of Prometheus. The
//! names are those of every client library.

use std::{fmt::Write, fs};

use rustix::{
    param::{clock_ticks_per_second, page_size},
    process::{Resource, getrlimit},
};

/// Writes the figures of this moment. What the kernel does not tell is left out.
pub(super) fn write(text: &mut String) {
    let version = env!("CARGO_PKG_VERSION");
    let label = format!("{{version=\"{version}\"}}");
    family(
        text,
        "replyx_build_info",
        "gauge",
        "The version of the program; always 1.",
        &label,
        "1",
    );

    let stat = Stat::read();
    let figures = [
        ("process_cpu_seconds_total", "counter", "Processor time used, in seconds.", stat.cpu()),
        (
            "process_start_time_seconds",
            "gauge",
            "When the process started, in seconds since 1970.",
            stat.started(),
        ),
        ("process_resident_memory_bytes", "gauge", "Resident memory, in bytes.", stat.resident()),
        ("process_virtual_memory_bytes", "gauge", "Virtual memory, in bytes.", stat.virtual_size()),
        ("process_threads", "gauge", "Threads of the process.", stat.number(17)),
        ("process_open_fds", "gauge", "Open file descriptors.", open_files()),
        ("process_max_fds", "gauge", "The most file descriptors.", most_files()),
    ];

    for (name, kind, help, value) in figures {
        if let Some(value) = value {
            family(text, name, kind, help, "", &value.to_string());
        }
    }
}

fn family(text: &mut String, name: &str, kind: &str, help: &str, labels: &str, value: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name}{labels} {value}\n");
}

/// `/proc/self/stat` from its third field on: the second is a name that may hold anything.
struct Stat(Vec<String>);

impl Stat {
    fn read() -> Self {
        let text = fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let fields = text.rsplit_once(") ").map_or("", |(_, fields)| fields);
        Self(fields.split_whitespace().map(str::to_owned).collect())
    }

    /// A field by its place after the name, as `man proc` numbers them from 3.
    fn number(&self, place: usize) -> Option<f64> {
        self.0.get(place)?.parse().ok()
    }

    fn cpu(&self) -> Option<f64> {
        Some((self.number(11)? + self.number(12)?) / ticks())
    }

    fn started(&self) -> Option<f64> {
        let stat = fs::read_to_string("/proc/stat").ok()?;
        let boot = stat.lines().find_map(|line| line.strip_prefix("btime "))?;
        Some(boot.trim().parse::<f64>().ok()? + self.number(19)? / ticks())
    }

    fn virtual_size(&self) -> Option<f64> {
        self.number(20)
    }

    #[expect(clippy::cast_precision_loss, reason = "a page is some kilobytes")]
    fn resident(&self) -> Option<f64> {
        Some(self.number(21)? * page_size() as f64)
    }
}

#[expect(clippy::cast_precision_loss, reason = "it is about a hundred")]
fn ticks() -> f64 {
    clock_ticks_per_second() as f64
}

#[expect(clippy::cast_precision_loss, reason = "it is far below 2^52")]
fn open_files() -> Option<f64> {
    // One of them reads the folder.
    Some(fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1) as f64)
}

#[expect(clippy::cast_precision_loss, reason = "it is far below 2^52")]
fn most_files() -> Option<f64> {
    getrlimit(Resource::Nofile).current.map(|most| most as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_are_those_of_this_process() {
        let mut text = String::new();
        write(&mut text);
        let value = |name: &str| {
            let line = text.lines().find(|line| line.starts_with(&format!("{name} ")));
            let line = line.unwrap_or_else(|| panic!("{name}: {text}"));
            line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
        };
        let now = replyx_core::clock::Clock::system().now();
        let age = (now - chrono::DateTime::UNIX_EPOCH).as_seconds_f64()
            - value("process_start_time_seconds");
        assert!((-2.0..86_400.0).contains(&age), "{age}");
        assert!(value("process_resident_memory_bytes") > 1e6);
        assert!(value("process_virtual_memory_bytes") >= value("process_resident_memory_bytes"));
        assert!(value("process_cpu_seconds_total") >= 0.0);
        assert!(value("process_threads") >= 1.0);
        assert!((3.0..value("process_max_fds")).contains(&value("process_open_fds")));
        assert!(text.contains("replyx_build_info{version=\"0.1.0\"} 1"), "{text}");
    }
}
