//! Whether a process that left its number behind is still there.

/// Whether the process runs; `None` where that cannot be found out.
pub(crate) fn is_running(pid: u32) -> Option<bool> {
    #[cfg(target_os = "linux")]
    {
        // Without /proc (some sandboxes) nothing can be said.
        std::path::Path::new("/proc/self").exists().then(|| std::path::Path::new(&format!("/proc/{pid}")).exists())
    }
    #[cfg(all(unix, not(target_os = "linux")))]
    {
        // `kill` is asked rather than the system itself, which would take unsafe code. It is seldom needed.
        let null = || std::process::Stdio::null();
        let mut kill = std::process::Command::new("/bin/kill");
        kill.args(["-0", &pid.to_string()]).stdin(null()).stdout(null()).stderr(null());
        kill.status().ok().map(|status| status.success())
    }
    #[cfg(not(unix))]
    {
        let _ = pid;
        None
    }
}

#[cfg(test)]
mod tests {
    #[test]
    #[cfg(unix)]
    fn this_process_runs_and_an_ended_one_does_not() {
        assert_eq!(super::is_running(std::process::id()), Some(true));
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = child.id();
        child.wait().unwrap();
        assert_eq!(super::is_running(pid), Some(false));
    }
}
