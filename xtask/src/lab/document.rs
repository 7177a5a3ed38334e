//! A lab's document: a template of prose with places, `{{name}}`, for what a run measured.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Fills the places of `template`.
///
/// # Errors
/// The template names a place there is nothing for, or does not end one.
pub(crate) fn fill(template: &str, values: &[(&str, String)]) -> Result<String> {
    let mut document = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").context("a place without its end")?;
        let value = values.iter().find(|(known, _)| *known == name);
        let (_, value) = value.with_context(|| format!("no place is called {name:?}"))?;
        document.push_str(before);
        document.push_str(value.trim_end());
        rest = after;
    }
    document.push_str(rest);
    Ok(document)
}

/// Writes the filled template to `path` and says so.
///
/// # Errors
/// Those of [`fill`] and of the system.
pub(crate) fn write(path: &Path, template: &str, values: &[(&str, String)]) -> Result<()> {
    fs::write(path, fill(template, values)?).with_context(|| path.display().to_string())?;
    println!("Wrote {}.", path.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled() {
        let values = [("kernel", "K".to_owned()), ("table", "| a |\n".to_owned())];
        let filled = fill("on {{kernel}}:\n{{table}}\nend", &values).unwrap();
        assert_eq!(filled, "on K:\n| a |\nend");
    }

    #[test]
    fn unknown_and_open_places_are_refused() {
        for wrong in ["{{nope}}", "{{kernel"] {
            assert!(
                fill(wrong, &[("kernel", String::new())]).is_err(),
                "{wrong}"
            );
        }
    }
}
