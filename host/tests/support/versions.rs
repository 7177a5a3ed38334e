//! A guest whose component file changes while the host runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::process::Signal;
use tempfile::TempDir;

use super::configs::{complete, root};
use super::program::{Program, folder_with};
use super::requests::get;

/// What hello answers, and what the other versions do in its place: the same number of bytes, so
/// that a component can be made into another version by changing its data.
const GREETING: &str = "Hello world!";

/// The program with a guest `live` on `/live`, whose component is `live.wasm` in its folder.
pub(crate) struct Live(pub(crate) Program);

impl Live {
    /// Serves version "one". `keys` are the guest's, `sections` go into the configuration as well.
    #[track_caller]
    pub(crate) fn start(keys: &str, sections: &str) -> Live {
        Live::start_in(Live::folder(keys, sections))
    }

    /// A folder to serve version "one" from.
    pub(crate) fn folder(keys: &str, sections: &str) -> TempDir {
        let folder = folder_with("config.toml", &Live::config(keys, sections));
        fs::write(folder.path().join("live.wasm"), version("one")).unwrap();
        folder
    }

    /// Serves from such a folder.
    #[track_caller]
    pub(crate) fn start_in(folder: TempDir) -> Live {
        Live(Program::start_in(folder, Stdio::null(), ""))
    }

    /// Its configuration. Files are not watched unless `sections` say so: a test that asks for a
    /// reload must be the only one to do so.
    pub(crate) fn config(keys: &str, sections: &str) -> String {
        let reload = if sections.contains("[reload]") {
            ""
        } else {
            "[reload]\nwatch = false\n"
        };
        complete(&format!(
            "{sections}\n{reload}[guests.live]\ncomponent = \"live.wasm\"\n{keys}\n\
             [[routes]]\npath = \"/live\"\nguest = \"live\"\n"
        ))
    }

    /// Where its component is.
    pub(crate) fn component(&self) -> PathBuf {
        self.0.folder().join("live.wasm")
    }

    /// Puts a file in place of the component, as a deployment does: written aside, renamed over.
    pub(crate) fn put(&self, bytes: impl AsRef<[u8]>) {
        let aside = self.0.folder().join("live.wasm.new");
        fs::write(&aside, bytes).unwrap();
        fs::rename(aside, self.component()).unwrap();
    }

    /// Puts another configuration there.
    pub(crate) fn configure(&self, text: &str) {
        let aside = self.0.folder().join("config.toml.new");
        fs::write(&aside, text).unwrap();
        fs::rename(aside, self.0.folder().join("config.toml")).unwrap();
    }

    /// Has it reload, and waits for the log to say this.
    #[track_caller]
    pub(crate) fn reload_until(&self, says: &str) -> String {
        let before = self.0.log.count(|line| line.contains(says));
        self.0.signal(Signal::HUP);
        self.0.log.wait_for_number(before + 1, says)
    }

    /// The version that answers now.
    #[track_caller]
    pub(crate) fn version(&self) -> String {
        let response = self.0.request(get("/live")).expect(200);
        response.text()["Hello ".len()..]
            .trim_end_matches('!')
            .trim()
            .to_owned()
    }
}

/// The hello guest with another word than "world" in its answer: at most five letters.
pub(crate) fn version(word: &str) -> Vec<u8> {
    let mut bytes = component("hello");
    let place = bytes
        .windows(GREETING.len())
        .position(|window| window == GREETING.as_bytes())
        .expect("hello answers with its greeting");
    let text = format!("Hello {word:5}!");
    bytes[place..place + GREETING.len()].copy_from_slice(text.as_bytes());
    bytes
}

/// The component of a guest, by its name under guests/dist.
pub(crate) fn component(name: &str) -> Vec<u8> {
    let path: &Path = &root().join("guests/dist").join(format!("{name}.wasm"));
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A component with these fields in its core module; guest.wat says what they find there.
pub(crate) fn component_of(core: &str) -> String {
    include_str!("../../src/guest/tests/guest.wat").replace(";; CORE\n", core)
}
