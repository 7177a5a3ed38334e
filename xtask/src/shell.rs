//! Running other programs, and telling the person who waits what is going on and for how long.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};

/// Says what begins, does it, and says how long it took.
///
/// # Errors
/// Those of `work`, with the step's name.
pub(crate) fn step<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let started = Instant::now();
    eprintln!("==> {what}");
    let outcome = work().with_context(|| format!("this step failed: {what}"))?;
    eprintln!(
        "    {what}: done in {:.1} s",
        started.elapsed().as_secs_f64()
    );
    Ok(outcome)
}

/// Runs a program with its output where ours goes and nothing to read.
///
/// # Errors
/// When it cannot be started or does not succeed; the message has the whole command.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| shown(command))?;
    if !status.success() {
        bail!("{}: {status}", shown(command));
    }
    Ok(())
}

/// Runs a program and returns what it prints, without the line break at the end.
///
/// # Errors
/// When it cannot be started, does not succeed, or prints what is not UTF-8.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| shown(command))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!(
            "{}: {}: {}",
            shown(command),
            output.status,
            complaint.trim_end()
        );
    }
    let printed = String::from_utf8(output.stdout).with_context(|| shown(command))?;
    Ok(printed.trim_end().to_owned())
}

/// Where a program is, looking also where administrators' programs are: `ip` is often only there.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
}

/// A command as a person would type it.
fn shown(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy()];
    words.extend(command.get_args().map(|word| word.to_string_lossy()));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_command_and_what_it_said() {
        let error = output(Command::new("sh").args(["-c", "echo no >&2; exit 3"])).unwrap_err();
        let message = format!("{error:#}");
        assert!(message.starts_with("sh -c echo no"), "{message}");
        assert!(message.contains("exit status: 3: no"), "{message}");
        assert!(run(Command::new("sh").args(["-c", "exit 1"])).is_err());
        assert!(run(&mut Command::new("no-such-program-anywhere")).is_err());
    }

    #[test]
    fn programs_are_found() {
        assert!(find("sh").is_some());
        assert_eq!(find("no-such-program-anywhere"), None);
    }
}
