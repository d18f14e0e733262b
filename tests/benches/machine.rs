//! Which machine the figures come from.

use std::fs;
use std::process::Command;

/// Processor, cores, memory and kernel in one line.
pub(crate) fn describe() -> String {
    let cpu = field("/proc/cpuinfo", "model name");
    let memory = field("/proc/meminfo", "MemTotal");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel =
        Command::new("uname").arg("-r").output().map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned());
    format!("{cpu}, {cores} cores, {memory}, Linux {}", kernel.unwrap_or_default())
}

fn field(file: &str, name: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
}
