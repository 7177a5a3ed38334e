//! The languages and lanes a project can have, and what differs between them in words and paths.

use super::Name;

/// What a handler is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Rust,
    JavaScript,
    Python,
    C,
}

/// How the host calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// One synchronous call, bodies in memory.
    Lean,
    /// `wasi:http`: bodies are streams.
    Wasi,
}

impl Language {
    pub(super) const CHOICE: &str = "rust, js, python or c";

    #[cfg(test)]
    pub(super) const ALL: [Language; 4] = [Self::Rust, Self::JavaScript, Self::Python, Self::C];

    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "rust" => Ok(Self::Rust),
            "js" | "javascript" => Ok(Self::JavaScript),
            "python" => Ok(Self::Python),
            "c" => Ok(Self::C),
            other => Err(format!(
                "--lang is {}, not {other:?}; other languages can implement the world in wit/",
                Self::CHOICE
            )),
        }
    }

    /// Its name for people.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::JavaScript => "JavaScript",
            Self::Python => "Python",
            Self::C => "C",
        }
    }

    /// Its folder among the templates.
    pub(super) fn folder(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::JavaScript => "js",
            Self::Python => "python",
            Self::C => "c",
        }
    }

    /// The command that makes the component.
    pub(super) fn build_command(self) -> &'static str {
        match self {
            Self::Rust => "cargo build --release --target wasm32-unknown-unknown",
            Self::JavaScript => "npm run build",
            Self::Python => "python3 build.py",
            Self::C => "make",
        }
    }

    /// The command that runs the project's tests.
    pub(super) fn test_command(self) -> &'static str {
        match self {
            Self::Rust => "cargo test",
            Self::JavaScript => "npm test",
            Self::Python => "python3 -m unittest",
            Self::C => "make test",
        }
    }

    /// Where the component is then.
    pub(super) fn component(self, name: &Name) -> String {
        match self {
            Self::Rust => format!(
                "target/wasm32-unknown-unknown/release/{}.wasm",
                name.identifier()
            ),
            Self::JavaScript | Self::Python | Self::C => format!("dist/{name}.wasm"),
        }
    }
}

impl Lane {
    #[cfg(test)]
    pub(super) const ALL: [Lane; 2] = [Self::Lean, Self::Wasi];

    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "lean" => Ok(Self::Lean),
            "wasi" => Ok(Self::Wasi),
            other => Err(format!("--lane is lean or wasi, not {other:?}")),
        }
    }

    /// Its name, which is its folder among the templates as well.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Lean => "lean",
            Self::Wasi => "wasi",
        }
    }

    /// What it means for the author of a handler.
    pub(super) fn describe(self) -> &'static str {
        match self {
            Self::Lean => {
                "It is of the lean lane: one synchronous call, the whole\n\
                 request in, the whole response out."
            }
            Self::Wasi => {
                "It is of the wasi lane, `wasi:http`: bodies of any\n\
                 size pass through it piece by piece, and it may use what `config.toml` grants it."
            }
        }
    }
}
