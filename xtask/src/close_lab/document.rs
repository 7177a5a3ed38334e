//! docs/closing.md: a template of prose with places for what this run measured. Pure.
//!
//! A place is `{{name}}`, or `{{case ID}}` for a case's results.

use anyhow::{Context, Result, bail};

use super::{measure::Measured, report};

/// The prose around the results.
pub(crate) const TEMPLATE: &str = include_str!("closing.template.md");

/// What the document says about the run itself.
pub(crate) struct Facts {
    /// The kernel, such as `Linux 6.12.1`.
    pub(crate) kernel: String,
    /// curl's version.
    pub(crate) curl: String,
    /// tshark's version.
    pub(crate) tshark: String,
    /// Runs of each case with curl.
    pub(crate) repetitions: usize,
}

/// Fills the places of `template`. A case in `skipped` is said not to have been measured.
///
/// # Errors
/// The template names a place there is nothing for, or does not end one.
pub(crate) fn fill(
    template: &str,
    facts: &Facts,
    results: &[Measured],
    skipped: &[&str],
) -> Result<String> {
    let mut document = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").context("a place without its end")?;
        document.push_str(before);
        document.push_str(&place(name, facts, results, skipped)?);
        rest = after;
    }
    document.push_str(rest);
    Ok(document)
}

fn place(name: &str, facts: &Facts, results: &[Measured], skipped: &[&str]) -> Result<String> {
    if let Some(id) = name.strip_prefix("case ") {
        if skipped.contains(&id) {
            return Ok("Not measured in this run.".to_owned());
        }
        let result = results.iter().find(|result| result.id == id);
        return Ok(report::block(
            result.with_context(|| format!("no case {id:?}"))?,
        ));
    }
    Ok(match name {
        "table" => report::table(results).trim_end().to_owned(),
        "kernel" => facts.kernel.clone(),
        "curl" => facts.curl.clone(),
        "tshark" => facts.tshark.clone(),
        "repetitions" => facts.repetitions.to_string(),
        _ => bail!("no place is called {name:?}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::close_lab::{cases, resets};

    fn facts() -> Facts {
        let text = |text: &str| text.to_owned();
        Facts {
            kernel: text("K"),
            curl: text("C"),
            tshark: text("T"),
            repetitions: 2,
        }
    }

    fn ids() -> Vec<&'static str> {
        let lab = cases::LAB.iter().map(|case| case.id);
        let host = cases::HOST.iter().map(|case| case.id);
        lab.chain(host)
            .chain(resets::WAYS.iter().map(|way| way.id))
            .collect()
    }

    #[test]
    fn the_template_has_a_place_for_every_case_and_no_other() {
        for id in ids() {
            let place = format!("{{{{case {id}}}}}");
            assert_eq!(TEMPLATE.matches(&place).count(), 1, "{place}");
        }
        let results: Vec<Measured> = ids()
            .into_iter()
            .map(|id| Measured {
                id,
                ..Measured::default()
            })
            .collect();
        let document = fill(TEMPLATE, &facts(), &results, &[]).unwrap();
        assert!(!document.contains("{{") && !document.contains("}}"));
    }

    #[test]
    fn places_are_filled() {
        let filled = fill(
            "on {{kernel}}, {{repetitions}} runs: {{case x}}",
            &facts(),
            &[],
            &["x"],
        );
        assert_eq!(filled.unwrap(), "on K, 2 runs: Not measured in this run.");
    }

    #[test]
    fn unknown_and_open_places_are_refused() {
        for wrong in ["{{nope}}", "{{case nope}}", "{{kernel"] {
            assert!(fill(wrong, &facts(), &[], &[]).is_err(), "{wrong}");
        }
    }
}
