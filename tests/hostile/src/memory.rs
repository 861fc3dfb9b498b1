//! The memory of this process.

/// Anonymous resident memory of this process in KiB (`RssAnon`, proc(5)).
///
/// # Errors
/// Where `/proc` does not tell.
pub fn resident_kib() -> Result<u64, String> {
    let status = std::fs::read_to_string("/proc/self/status").map_err(|error| error.to_string())?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"))
        .and_then(|rest| rest.trim().strip_suffix("kB"))
        .and_then(|number| number.trim().parse().ok())
        .ok_or_else(|| "no RssAnon in /proc/self/status".to_owned())
}
