//! Gathers what `httpd-host new` puts into projects: the SDKs, templates and WIT of this
//! repository, and the bindings for C that wit-bindgen makes of that WIT. The program has them in
//! it, and so needs no repository.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use wit_bindgen_core::Files;
use wit_bindgen_core::wit_parser::Resolve;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Files and folders, from the repository's root.
const SOURCES: [&str; 16] = [
    "Cargo.toml",
    "guests/Cargo.lock",
    "guest-sdk/Cargo.toml",
    "guest-sdk/src",
    "guest-sdk/wit",
    "guest-sdk/wit-p2",
    "guest-sdk/macros/Cargo.toml",
    "guest-sdk/macros/src",
    "guest-sdk/js/lean",
    "guest-sdk/js/wasi",
    "guest-sdk/js/package-lock.json",
    "guest-sdk/python/httpd_guest",
    "guest-sdk/python/wit",
    "guest-sdk/c/src",
    "guest-sdk/templates",
    "wit",
];

/// What interpreters and others leave behind.
const STRAY: [&str; 3] = ["__pycache__", "node_modules", "target"];

fn main() -> Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("..");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let mut list = List::default();
    for source in SOURCES {
        println!("cargo::rerun-if-changed={}", root.join(source).display());
        list.gather(&root, source)?;
    }
    list.bindings(&root.join("wit"), "handler", &out.join("bindings"))?;
    list.bindings(
        &root.join("guest-sdk/wit-p2"),
        "service",
        &out.join("bindings"),
    )?;
    fs::write(out.join("embedded.rs"), list.rust())?;
    Ok(())
}

/// Names in the program, and the files they are read from.
#[derive(Default)]
struct List(Vec<(String, PathBuf)>);

impl List {
    /// Adds a file, or all files in a folder.
    fn gather(&mut self, root: &Path, name: &str) -> Result<()> {
        let path = root.join(name);
        if path.is_file() {
            self.0.push((name.to_owned(), path.canonicalize()?));
            return Ok(());
        }
        for entry in fs::read_dir(&path).map_err(|error| format!("{name}: {error}"))? {
            let file = entry?.file_name();
            let file = file.to_str().ok_or("a name that is not UTF-8")?;
            if !STRAY.contains(&file) {
                self.gather(root, &format!("{name}/{file}"))?;
            }
        }
        Ok(())
    }

    /// Makes the bindings of a world for C, `bindings/WORLD/...`.
    fn bindings(&mut self, wit: &Path, world: &str, out: &Path) -> Result<()> {
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_path(wit)?;
        let world_id = resolve.select_world(&[package], Some(world))?;
        let mut files = Files::default();
        wit_bindgen_c::Opts::default()
            .build()
            .generate(&mut resolve, world_id, &mut files)?;
        let folder = out.join(world);
        fs::create_dir_all(&folder)?;
        for (name, content) in files.iter() {
            let path = folder.join(name);
            fs::write(&path, content)?;
            self.0.push((format!("bindings/{world}/{name}"), path));
        }
        Ok(())
    }

    /// The list as a slice of names and contents, in the names' order.
    fn rust(mut self) -> String {
        self.0.sort();
        let mut text = String::from("&[\n");
        for (name, path) in &self.0 {
            let _ = writeln!(text, "    ({name:?}, include_bytes!({path:?})),");
        }
        text + "]\n"
    }
}
