//! Results as Markdown, for the terminal and the document alike. Pure.

use super::measure::{Measured, Tally};

/// All cases in one table.
pub(crate) fn table(results: &[Measured]) -> String {
    let mut table = String::from(
        "| case | runs | what the client saw | order of FIN and RST | the kernel counted |\n\
         | --- | --- | --- | --- | --- |\n",
    );
    for result in results {
        let row = [
            result.title.to_owned(),
            result.runs.to_string(),
            list(&result.outcomes, result.runs, "<br>"),
            list(&result.closing, result.runs, "<br>"),
            counted(&result.counters),
        ];
        table.push_str(&format!("| {} |\n", row.join(" | ")));
    }
    table
}

/// One case in full: tallies, and one connection as a timeline.
pub(crate) fn block(result: &Measured) -> String {
    let Measured { runs, .. } = *result;
    format!(
        "- What the client saw: {}\n- Order of FIN and RST: {}\n- The kernel counted: {}\n\n\
         ```text\n{}\n```",
        list(&result.seen, runs, "; "),
        list(&result.closing, runs, "; "),
        counted(&result.counters),
        result.timeline.join("\n"),
    )
}

/// A tally as text; how often is said only where there was more than one run.
fn list(tally: &Tally, runs: usize, separator: &str) -> String {
    let row = |(what, count): (&str, usize)| match runs {
        1 => what.to_owned(),
        _ => format!("{count} of {runs}: {what}"),
    };
    tally
        .rows()
        .into_iter()
        .map(row)
        .collect::<Vec<_>>()
        .join(separator)
}

fn counted(counters: &[(String, u64)]) -> String {
    if counters.is_empty() {
        return "nothing".to_owned();
    }
    let each = counters
        .iter()
        .map(|(name, count)| format!("{name} {count}"));
    each.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(runs: usize) -> Measured {
        let mut measured = Measured {
            title: "title",
            runs,
            ..Measured::default()
        };
        for run in 0..runs {
            let end = if run == 0 { "server RST" } else { "server FIN" };
            measured.closing.add(end.to_owned());
            measured.outcomes.add("complete".to_owned());
            measured.seen.add("everything".to_owned());
        }
        measured.timeline = vec!["first".to_owned(), "second".to_owned()];
        measured
    }

    #[test]
    fn a_row_of_several_runs_says_how_often() {
        let expected = "| title | 3 | 3 of 3: complete | 2 of 3: server FIN<br>1 of 3: server RST \
                        | nothing |";
        assert_eq!(table(&[measured(3)]).lines().nth(2), Some(expected));
    }

    #[test]
    fn a_block_of_one_run_says_what_and_not_how_often() {
        let mut one = measured(1);
        one.counters = vec![("OutRsts".to_owned(), 2)];
        let expected = "- What the client saw: everything\n- Order of FIN and RST: server RST\n\
                        - The kernel counted: OutRsts 2\n\n```text\nfirst\nsecond\n```";
        assert_eq!(block(&one), expected);
    }
}
