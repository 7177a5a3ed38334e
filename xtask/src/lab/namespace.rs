//! A network namespace of the lab's own, so that the kernel's counters and settings belong to
//! the lab alone, and the few things done to it. No case is run here.

use std::{
    env, fs,
    net::IpAddr,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

/// The argument that tells this program that it already runs inside the namespace.
pub(crate) const INSIDE: &str = "--in-namespace";

const IPV4: &str = "/proc/sys/net/ipv4";

/// Runs this program again with the same arguments and `extra` inside a fresh user and network
/// namespace, where it may do to the network what it likes without being root outside.
///
/// # Errors
/// The system forbids user namespaces, or the inner run failed.
pub(crate) fn enter(extra: &[&Path]) -> Result<()> {
    ensure!(
        Command::new("unshare")
            .args(["-rn", "true"])
            .status()?
            .success(),
        "`unshare -rn` is not permitted here: allow unprivileged user namespaces, or run as root"
    );
    let status = Command::new("unshare")
        .arg("-rn")
        .arg(env::current_exe()?)
        .args(env::args_os().skip(1))
        .arg(INSIDE)
        .args(extra)
        .status()?;
    ensure!(status.success(), "the lab failed, see above");
    Ok(())
}

/// Brings up the loopback interface of the new namespace.
///
/// # Errors
/// `ip` fails, as it does outside a namespace of one's own without root.
pub(crate) fn loopback_up() -> Result<()> {
    ip(&["link", "set", "lo", "up"])
}

/// A setting of the namespace's TCP, put back when dropped.
pub(crate) struct Setting {
    name: &'static str,
    before: String,
}

impl Setting {
    /// Sets `net.ipv4.NAME` to `value`.
    ///
    /// # Errors
    /// The kernel does not have it in a namespace, or refuses the value.
    pub(crate) fn set(name: &'static str, value: &str) -> Result<Self> {
        let path = format!("{IPV4}/{name}");
        let before = fs::read_to_string(&path).with_context(|| format!("net.ipv4.{name}"))?;
        fs::write(&path, value).with_context(|| format!("net.ipv4.{name} = {value}"))?;
        Ok(Self { name, before })
    }
}

impl Drop for Setting {
    fn drop(&mut self) {
        if let Err(error) = fs::write(format!("{IPV4}/{}", self.name), &self.before) {
            eprintln!("cannot put net.ipv4.{} back: {error}", self.name);
        }
    }
}

/// A cut in the network: what is sent to one address is lost before it is on the wire.
pub(crate) struct Cut(String);

impl Cut {
    /// Loses everything sent to `address` until dropped.
    ///
    /// # Errors
    /// `ip route` fails.
    pub(crate) fn towards(address: IpAddr) -> Result<Self> {
        let address = address.to_string();
        ip(&["route", "add", "blackhole", &address, "table", "local"])?;
        Ok(Self(address))
    }
}

impl Drop for Cut {
    fn drop(&mut self) {
        if let Err(error) = ip(&["route", "del", "blackhole", &self.0, "table", "local"]) {
            eprintln!("the network stays cut: {error:#}");
        }
    }
}

/// Waits until the kernel holds no connection of `port` any more, in any state but TIME-WAIT.
///
/// # Errors
/// One is still there after `patience`.
pub(crate) fn wait_until_quiet(port: u16, patience: Duration) -> Result<()> {
    wait_for(
        patience,
        &format!("port {port} still has connections"),
        || connections().all(|known| !known.is_live() || !known.ends().contains(&port)),
    )
}

/// Waits until the kernel has forgotten the server's end of every connection of `port`.
///
/// # Errors
/// One is still there after `patience`.
pub(crate) fn wait_until_forgotten(port: u16, patience: Duration) -> Result<()> {
    wait_for(
        patience,
        &format!("the kernel still knows the connections of port {port}"),
        || connections().all(|known| !known.is_live() || known.local != port),
    )
}

/// Asks `condition` every few milliseconds until it holds.
///
/// # Errors
/// It does not hold after `patience`; the error says `otherwise`.
pub(crate) fn wait_for(
    patience: Duration,
    otherwise: &str,
    mut condition: impl FnMut() -> bool,
) -> Result<()> {
    let end = Instant::now() + patience;
    while !condition() {
        if Instant::now() > end {
            bail!("{otherwise} after {patience:?}");
        }
        std::thread::sleep(Duration::from_millis(3));
    }
    Ok(())
}

/// One line of `/proc/net/tcp`.
#[derive(Debug, PartialEq, Eq)]
struct Known {
    local: u16,
    remote: u16,
    state: u8,
}

impl Known {
    fn is_live(&self) -> bool {
        const TIME_WAIT: u8 = 0x06;
        const LISTEN: u8 = 0x0A;
        ![TIME_WAIT, LISTEN].contains(&self.state)
    }

    fn ends(&self) -> [u16; 2] {
        [self.local, self.remote]
    }
}

/// Every TCP socket of the namespace.
fn connections() -> impl Iterator<Item = Known> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let text: String = tables
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .collect();
    text.lines()
        .filter_map(parse_known)
        .collect::<Vec<_>>()
        .into_iter()
}

/// Reads a line of `/proc/net/tcp`; `None` for its heading.
fn parse_known(line: &str) -> Option<Known> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [_, local, remote, state, ..] = fields.as_slice() else {
        return None;
    };
    let port = |end: &str| u16::from_str_radix(end.rsplit_once(':')?.1, 16).ok();
    let state = u8::from_str_radix(state, 16).ok()?;
    Some(Known {
        local: port(local)?,
        remote: port(remote)?,
        state,
    })
}

fn ip(arguments: &[&str]) -> Result<()> {
    let output = Command::new("ip")
        .args(arguments)
        .output()
        .context("cannot start ip")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "ip {}: {}",
        arguments.join(" "),
        said.trim()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_kernels_table_is_read() {
        let line = "   0: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000";
        let known = parse_known(line).unwrap();
        assert_eq!(
            known,
            Known {
                local: 8080,
                remote: 50000,
                state: 1
            }
        );
        assert!(known.is_live() && known.ends().contains(&50000));
        assert_eq!(
            parse_known("  sl  local_address rem_address   st tx_queue"),
            None
        );
    }

    #[test]
    fn listeners_and_time_wait_are_not_live() {
        let live = |state| {
            Known {
                local: 1,
                remote: 2,
                state,
            }
            .is_live()
        };
        assert_eq!([1, 5, 6, 8, 10].map(live), [true, true, false, true, false]);
    }
}
