//! What a lab demands of its results: each demand is printed with the figure, and those that are
//! missed make the lab fail. Pure but for the printing.

use anyhow::{Result, bail};

/// The demands of one lab.
#[derive(Debug, Default)]
pub(crate) struct Bounds {
    missed: Vec<String>,
}

impl Bounds {
    /// Demands that `figure`, what `name` came to, is at most `most`.
    pub(crate) fn at_most(&mut self, name: &str, figure: f64, most: f64) {
        let said = format!("{name}: {}, at most {}", short(figure), short(most));
        self.demand(&said, figure <= most);
    }

    /// Demands that `figure` is at least `least`.
    pub(crate) fn at_least(&mut self, name: &str, figure: f64, least: f64) {
        let said = format!("{name}: {}, at least {}", short(figure), short(least));
        self.demand(&said, figure >= least);
    }

    /// Demands that something that is counted never happened.
    pub(crate) fn none(&mut self, name: &str, count: u64) {
        self.demand(&format!("{name}: {count}, none allowed"), count == 0);
    }

    /// Whether every demand was met so far.
    pub(crate) fn are_met(&self) -> bool {
        self.missed.is_empty()
    }

    /// Ends the lab.
    ///
    /// # Errors
    /// The demands that were missed.
    pub(crate) fn judge(self) -> Result<()> {
        if !self.are_met() {
            bail!("missed:\n  {}", self.missed.join("\n  "));
        }
        Ok(())
    }

    fn demand(&mut self, said: &str, met: bool) {
        println!("{} {said}", if met { "met   " } else { "MISSED" });
        if !met {
            self.missed.push(said.to_owned());
        }
    }
}

/// A figure with as many digits as a person wants.
fn short(figure: f64) -> String {
    let text = format!("{figure:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missed_is_named_with_its_figure() {
        let mut bounds = Bounds::default();
        bounds.at_most("ratio", 2.0, 2.0);
        bounds.at_least("share", 0.5, 0.5);
        bounds.none("failures", 0);
        assert!(bounds.are_met());
        bounds.at_most("ratio", 2.126, 2.0);
        bounds.at_least("share", f64::NAN, 0.5);
        bounds.none("failures", 3);
        let expected = "missed:\n  ratio: 2.13, at most 2\n  share: NaN, at least 0.5\n  \
                        failures: 3, none allowed";
        assert_eq!(bounds.judge().unwrap_err().to_string(), expected);
    }
}
