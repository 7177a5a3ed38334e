//! `[cache]`, `[reload]` and `[control]`: what is kept between starts, and how the host changes
//! while it serves. No file or socket is looked for here: that is the work of those who use them.

use std::path::PathBuf;
use std::time::Duration;

use super::reader::Section;
use super::sections::{MIB, TIB, TIMEOUT};

/// The longest path of a Unix socket in bytes: `sun_path` has room for 108 with the NUL behind it
/// (unix(7)).
const SOCKET_PATH_MAX: usize = 107;

/// `[cache]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Cache {
    /// Whether compiled components are kept on disk for the next start.
    pub enabled: bool,
    /// Where they are kept. Absent: `$CACHE_DIRECTORY`, else `$XDG_CACHE_HOME/httpd-host`, else
    /// `$HOME/.cache/httpd-host`.
    pub directory: Option<PathBuf>,
    /// Bytes they may take together; past it those unused for longest go.
    pub size_max: u64,
}

/// `[reload]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Reload {
    /// Whether changed files are noticed without being told.
    pub watch: bool,
    /// How long a changed file must stay the same before it counts as complete.
    pub settle: Duration,
    /// How often files are looked at even though the system reported nothing.
    pub poll: Duration,
}

/// `[control]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Control {
    /// The Unix socket that `httpd-host status` and `httpd-host reload` ask, at most 107 bytes
    /// long; none when absent.
    pub socket: Option<PathBuf>,
    /// How many may ask at once; more wait to be accepted.
    pub connections_max: usize,
    /// How long reading a question, and writing an answer, may each take.
    pub timeout: Duration,
}

impl Default for Cache {
    fn default() -> Cache {
        Cache {
            enabled: true,
            directory: None,
            size_max: 1 << 30,
        }
    }
}

impl Default for Reload {
    fn default() -> Reload {
        Reload {
            watch: true,
            settle: Duration::from_millis(100),
            poll: Duration::from_secs(2),
        }
    }
}

impl Default for Control {
    fn default() -> Control {
        Control {
            socket: None,
            connections_max: 8,
            timeout: Duration::from_secs(5),
        }
    }
}

pub(super) fn cache(mut section: Section<'_>) -> Cache {
    let default = Cache::default();
    let cache = Cache {
        enabled: section.flag("enabled", default.enabled),
        directory: section.path("directory", "the path of a directory", |_| Ok(())),
        size_max: section.size("size_max", default.size_max, MIB..=TIB),
    };
    section.finish();
    cache
}

pub(super) fn reload(mut section: Section<'_>) -> Reload {
    let default = Reload::default();
    // A file that is written without a pause of this length would never be taken.
    let settles = Duration::from_millis(1)..=Duration::from_mins(1);
    let polls = Duration::from_millis(10)..=*TIMEOUT.end();
    let reload = Reload {
        watch: section.flag("watch", default.watch),
        settle: section.duration("settle", default.settle, settles),
        poll: section.duration("poll", default.poll, polls),
    };
    section.finish();
    reload
}

pub(super) fn control(mut section: Section<'_>) -> Control {
    let default = Control::default();
    let control = Control {
        socket: section.path("socket", "the path of a Unix socket", |path| {
            let length = path.as_os_str().len();
            if length <= SOCKET_PATH_MAX {
                return Ok(());
            }
            Err(format!(
                "{} is {length} bytes long, and the path of a Unix socket at most \
                 {SOCKET_PATH_MAX}; choose a shorter one such as \"/run/httpd-host.sock\"",
                path.display()
            ))
        }),
        connections_max: section.number("connections_max", default.connections_max, 1..=1000),
        timeout: section.duration("timeout", default.timeout, TIMEOUT),
    };
    section.finish();
    control
}

#[cfg(test)]
mod tests;
