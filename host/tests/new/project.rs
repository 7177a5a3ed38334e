//! A project on its way from the program to a component. What was built stays for the next run of
//! the tests, in the target folder, as long as the project's files are the same.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use crate::support::*;

/// What a project's commands leave in it.
const MADE: [&str; 7] = [
    ".venv",
    "__pycache__",
    "build",
    "dist",
    "node_modules",
    "target",
    "built-from",
];

pub(crate) struct Project {
    pub(crate) name: String,
    folder: PathBuf,
    language: String,
    pub(crate) lane: String,
    /// As the program has printed them.
    build: String,
    test: String,
    component: String,
    /// Changes when a file does.
    fingerprint: String,
}

impl Project {
    /// Has the program make a project, and lays it where the one of the last run is.
    pub(crate) fn make(language: &str, lane: &str) -> Project {
        let name = format!("made-{language}-{lane}");
        let temporary = tempfile::tempdir().unwrap();
        let arguments = ["new", &name, "--lang", language, "--lane", lane];
        let told = run_in(temporary.path(), &arguments);
        assert_eq!(told.code, Some(0), "{}", told.err);
        let line = |what: &str| {
            let lines = told.out.lines().map(str::trim);
            let mut fitting = lines.filter_map(|line| line.split_once(what));
            let (command, rest) = fitting.next().unwrap_or_else(|| panic!("{}", told.out));
            (command.trim().to_owned(), rest.trim().to_owned())
        };
        let (build, component) = line(" builds ");
        let (test, _) = line(" runs its tests");
        let mut files = BTreeMap::new();
        read(&temporary.path().join(&name), "", &mut files);
        edit(language, lane, &mut files);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("new")
            .join(&name);
        lay(&files, &folder);
        if language == "rust" {
            // What the project's own guests have built is not built again.
            link(&target().join("guests"), &folder.join("target"));
        }
        let mut hasher = DefaultHasher::new();
        files.hash(&mut hasher);
        Project {
            folder,
            language: language.to_owned(),
            lane: lane.to_owned(),
            build,
            test,
            component,
            fingerprint: format!("{:016x}", hasher.finish()),
            name,
        }
    }

    /// Takes over the tools that another project has installed, where they are the same; what an
    /// installation does is shown by that one. StarlingMonkey's, which nobody has, are those of
    /// the fixtures: `npm ci` has installed them from the very lock that projects have a part of.
    pub(crate) fn borrow_tools(&self, other: &Project) {
        let fixtures = target().join("tools/npm/node_modules");
        let modules = match self.language.as_str() {
            "js" => fixtures,
            _ => other.folder.join("node_modules"),
        };
        for (name, from) in [
            ("node_modules", modules),
            (".venv", other.folder.join(".venv")),
        ] {
            if from.exists() {
                link(&from, &self.folder.join(name));
            }
        }
    }

    /// Runs the command that the program has printed for this.
    pub(crate) fn build(&self) {
        let stamp = self.folder.join("built-from");
        let is_built = fs::read_to_string(&stamp).is_ok_and(|from| from == self.fingerprint);
        if is_built && self.component().is_file() {
            return;
        }
        self.run(&self.build);
        let component = fs::read(self.component()).expect("there is no component");
        let is_component = component.starts_with(b"\0asm\x0d\0\x01\0");
        assert!(
            is_component,
            "{} of {} is no component",
            self.component, self.name
        );
        fs::write(stamp, &self.fingerprint).unwrap();
    }

    /// Runs the command for its tests.
    pub(crate) fn test(&self) {
        self.run(&self.test);
    }

    /// Where the component is.
    pub(crate) fn component(&self) -> PathBuf {
        self.folder.join(&self.component)
    }

    /// A folder with the project's configuration and its component, and a port that is free.
    pub(crate) fn deployed(&self) -> TempDir {
        let config = fs::read_to_string(self.folder.join("config.toml")).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let component = folder.path().join(&self.component);
        fs::create_dir_all(component.parent().unwrap()).unwrap();
        fs::copy(self.component(), component).unwrap();
        let listen = config.replace("127.0.0.1:8080", "127.0.0.1:0");
        assert_ne!(listen, config);
        fs::write(folder.path().join("config.toml"), listen).unwrap();
        folder
    }

    /// Runs a command as a user would, in the project's folder.
    fn run(&self, command: &str) {
        let bin = target().join("sdks/bin");
        assert!(
            bin.join("cargo").is_file(),
            "nothing is set up for projects: run `cargo xtask sdks` first"
        );
        let path = std::env::var("PATH").unwrap_or_default();
        let output = Command::new("sh")
            .args(["-c", command])
            .current_dir(&self.folder)
            .env("PATH", format!("{}:{path}", bin.display()))
            // Zig compiles its libc once for all projects and fixtures.
            .env(
                "ZIG_GLOBAL_CACHE_DIR",
                target().join("fixtures/c/zig-cache"),
            )
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let printed = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(
            output.status.success(),
            "{command} in {} of the {} lane: {}\n{}\n{}",
            self.language,
            self.lane,
            output.status,
            printed(&output.stdout),
            printed(&output.stderr)
        );
    }
}

/// What a handler gives as the reason when it fails.
pub(crate) const REASON: &str = "a failure of the test";

/// Does what a user does next: the handler does something more, it fails at `/fail`.
fn edit(language: &str, lane: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    let (file, first_line, fail) = match (language, lane) {
        ("rust", _) => (
            "src/lib.rs",
            "fn handle(",
            format!("if request.path() == \"/fail\" {{ panic!(\"{REASON}\"); }}"),
        ),
        ("js", lane) => (
            "src/app.js",
            "function handle(",
            format!(
                "if ({} === \"/fail\") throw new Error(\"{REASON}\");",
                match lane {
                    "lean" => "request.path",
                    _ => "path(request)",
                }
            ),
        ),
        ("python", _) => (
            "app.py",
            "def handle(",
            format!("    if request.path == \"/fail\": raise RuntimeError(\"{REASON}\")"),
        ),
        _ => (
            "handler.c",
            "void httpd_handle(",
            format!(
                "if (httpd_equal(httpd_path(exchange), \"/fail\")) {{\
                 httpd_log(HTTPD_ERROR, \"{REASON}\"); httpd_fail(exchange); return; }}"
            ),
        ),
    };
    let content = files.get_mut(file).expect("no file with a handler");
    let text = str::from_utf8(content).unwrap();
    let is_first = |line: &&str| line.contains(first_line);
    let line = text.lines().find(is_first).expect("no handler");
    *content = text
        .replacen(line, &format!("{line}\n{fail}"), 1)
        .into_bytes();
}

/// The workspace's target folder.
fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// Lays a link, unless it is there.
fn link(to: &Path, at: &Path) {
    if fs::symlink_metadata(at).is_err() {
        symlink(to, at).unwrap();
    }
}

/// Reads all files of a folder, by their path from there.
fn read(folder: &Path, path: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder.join(path)).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if path.is_empty() && MADE.contains(&name.as_str()) {
            continue;
        }
        let inside = Path::new(path).join(name).to_str().unwrap().to_owned();
        if folder.join(&inside).is_dir() {
            read(folder, &inside, files);
        } else {
            files.insert(inside.clone(), fs::read(folder.join(&inside)).unwrap());
        }
    }
}

/// Makes a folder have these files. Those that are the same are not touched, so that tools which
/// go by times do not do their work again.
fn lay(files: &BTreeMap<String, Vec<u8>>, folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let mut there = BTreeMap::new();
    read(folder, "", &mut there);
    for path in there.keys().filter(|path| !files.contains_key(*path)) {
        fs::remove_file(folder.join(path)).unwrap();
    }
    for (path, content) in files {
        if there.get(path) != Some(content) {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, content).unwrap();
        }
    }
    for (lock, tools) in [
        ("package-lock.json", "node_modules"),
        ("requirements.txt", ".venv"),
    ] {
        let Some(content) = files.get(lock) else {
            continue;
        };
        if there.get(lock) != Some(content) {
            remove_tools(&folder.join(tools));
        }
        // Tools that are borrowed were installed before the lock was laid.
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
        let file = File::options().write(true).open(folder.join(lock));
        file.unwrap().set_modified(long_ago).unwrap();
    }
}

/// Tools of another lock. Those that were borrowed are the lender's.
fn remove_tools(folder: &Path) {
    match fs::symlink_metadata(folder) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(folder).unwrap(),
        Ok(_) => fs::remove_file(folder).unwrap(),
        Err(_) => {}
    }
}
