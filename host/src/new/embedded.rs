//! The files of the repository that the program has in it; `build.rs` gathers them.

/// Names from the repository's root with contents, in the names' order; bindings for C, which are
/// made when the program is built, are in `bindings/`.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// The files of a folder, named from there.
pub(super) fn folder(name: &str) -> impl Iterator<Item = (&'static str, &'static [u8])> {
    FILES.iter().filter_map(move |(path, content)| {
        let inside = path.strip_prefix(name)?.strip_prefix('/')?;
        Some((inside, *content))
    })
}

/// A file.
///
/// # Errors
/// When it is not there, which a test of every language would show.
pub(super) fn file(name: &str) -> Result<&'static [u8], String> {
    let found = FILES.iter().find(|(path, _)| *path == name);
    found
        .map(|(_, content)| *content)
        .ok_or_else(|| format!("this program was built without {name}"))
}

/// A file of text.
///
/// # Errors
/// When it is not there, or not UTF-8.
pub(super) fn text(name: &str) -> Result<&'static str, String> {
    std::str::from_utf8(file(name)?).map_err(|error| format!("{name}: {error}"))
}
