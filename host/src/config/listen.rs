//! `server.listen` and `server.unix_mode`: where to listen, as the file says it. Nothing here
//! opens a socket, and no name is looked up.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use toml::de::DeValue;

use super::reader::Section;
use super::report::Report;
use super::values::{Value, expect_str, expected};

/// What an entry for a Unix socket begins with.
const UNIX: &str = "unix:";
/// The longest path that `sockaddr_un` holds (unix(7)): 108 bytes, the last of them a NUL.
const SOCKET_PATH_BYTES_MAX: usize = 107;
/// Everything that chmod(2) may grant on a file.
const MODE_MAX: u32 = 0o777;

/// One place to listen at. It displays as the configuration writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// A TCP port of an address; 0 lets the kernel choose one.
    Tcp(SocketAddr),
    /// A Unix socket. Relative paths of the configuration are resolved against its own directory.
    Unix(PathBuf),
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "{UNIX}{}", path.display()),
        }
    }
}

/// The places to listen at; each wrong one is a problem of its own.
pub(super) fn listen(section: &mut Section<'_>, default: Vec<Listen>) -> Vec<Listen> {
    let Some(value) = section.take("listen") else {
        return default;
    };
    let DeValue::Array(array) = value.get_ref() else {
        let wanted = "a list of addresses such as [\"127.0.0.1:8080\", \"unix:/run/x.sock\"]";
        section.wrong("listen", value, expected(wanted, value));
        return default;
    };
    if array.is_empty() {
        section.wrong("listen", value, "must name at least one address".to_owned());
    }
    let report = section.report();
    let mut places = Vec::new();
    for item in array {
        match place(item, report).and_then(|place| unused(place, &places)) {
            Ok(place) => places.push(place),
            Err(message) => section.wrong("listen", item, message),
        }
    }
    places
}

/// The permissions of Unix sockets.
pub(super) fn unix_mode(section: &mut Section<'_>, default: u32) -> u32 {
    section.get("unix_mode", default, |value| {
        let wanted = "octal permissions as a text, such as \"0660\"";
        let text = expect_str(value, wanted)?;
        let digits = (3..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        u32::from_str_radix(text, 8)
            .ok()
            .filter(|mode| digits && *mode <= MODE_MAX)
            .ok_or_else(|| format!("{text:?} is not {wanted}, up to \"0777\""))
    })
}

fn place(value: &Value<'_>, report: &Report<'_>) -> Result<Listen, String> {
    let wanted = "an IP address and a port, such as \"127.0.0.1:8080\" or \"[::1]:8080\", or a \
                  Unix socket, such as \"unix:/run/x.sock\"";
    let text = expect_str(value, wanted)?;
    if let Some(path) = text.strip_prefix(UNIX) {
        return socket(path, report);
    }
    let advice =
        "names are not looked up: localhost is 127.0.0.1 or [::1], all are 0.0.0.0 or [::]";
    let address = text.parse();
    address
        .map(Listen::Tcp)
        .map_err(|_| format!("{text:?} is not {wanted}; {advice}"))
}

fn socket(path: &str, report: &Report<'_>) -> Result<Listen, String> {
    if path.is_empty() || path.ends_with('/') || path.contains('\0') {
        return Err(format!(
            "unix: is followed by the path of a socket, not by {path:?}"
        ));
    }
    let path = report.resolve(path)?;
    let bytes = path.as_os_str().len();
    if bytes > SOCKET_PATH_BYTES_MAX {
        return Err(format!(
            "{} has {bytes} bytes, and the path of a Unix socket has at most \
             {SOCKET_PATH_BYTES_MAX}; choose a shorter one",
            path.display()
        ));
    }
    Ok(Listen::Unix(path))
}

/// Port 0 lets the kernel choose, a different port each time.
fn unused(place: Listen, used: &[Listen]) -> Result<Listen, String> {
    let chosen_by_kernel = matches!(place, Listen::Tcp(address) if address.port() == 0);
    if !chosen_by_kernel && used.contains(&place) {
        return Err(format!("{place} is named twice"));
    }
    Ok(place)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::tests::{parse, valid};
    use super::*;

    fn listening(entries: &str) -> Vec<Listen> {
        let text = format!("[server]\nlisten = {entries}");
        let config = super::super::Config::parse(&text, Path::new("/etc/httpd/config.toml"));
        config
            .unwrap_or_else(|error| panic!("{error}"))
            .server
            .listen
    }

    #[test]
    fn addresses_and_sockets_are_told_apart() {
        let places = listening("['127.0.0.1:80', 'unix:/run/x.sock', 'unix:../y', '[::1]:0']");
        let shown: Vec<_> = places.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "127.0.0.1:80",
                "unix:/run/x.sock",
                "unix:/etc/httpd/../y",
                "[::1]:0"
            ]
        );
        assert_eq!(places[1], Listen::Unix("/run/x.sock".into()));
    }

    #[test]
    fn only_port_0_may_be_named_twice() {
        assert_eq!(listening("['127.0.0.1:0', '127.0.0.1:0']").len(), 2);
        for twice in ["['[::1]:80', '[::1]:80']", "['unix:/run/x', 'unix:/run/x']"] {
            let error = parse(&format!("[server]\nlisten = {twice}")).expect_err(twice);
            assert!(error.to_string().contains("named twice"), "{error}");
        }
    }

    #[test]
    fn paths_that_no_socket_can_have() {
        let long = format!("unix:/{}", "x".repeat(SOCKET_PATH_BYTES_MAX));
        for (entry, why) in [
            ("unix:", "the path of a socket"),
            ("unix:/run/", "the path of a socket"),
            ("unix:/run/\\u0000x", "the path of a socket"),
            (&long, "at most 107"),
        ] {
            let error = parse(&format!("[server]\nlisten = [\"{entry}\"]")).expect_err(entry);
            assert!(error.to_string().contains(why), "{error}");
        }
        assert_eq!(
            listening(&format!("['{}']", &long[..long.len() - 1])).len(),
            1
        );
    }

    #[test]
    fn modes_are_octal() {
        for (text, mode) in [("0660", 0o660), ("600", 0o600), ("0777", 0o777), ("000", 0)] {
            let config = valid(&format!("[server]\nunix_mode = '{text}'"));
            assert_eq!(config.server.unix_mode, mode);
        }
        for value in [
            "'0680'", "'1777'", "'66'", "'+660'", "'u=rw'", "432", "0o660", "''",
        ] {
            let error = parse(&format!("[server]\nunix_mode = {value}")).expect_err(value);
            let message = error.to_string();
            assert!(
                message.starts_with("config.toml:2: server.unix_mode:"),
                "{message}"
            );
            assert!(message.contains("such as \"0660\""), "{message}");
        }
    }
}
