//! "Did you mean": the known word nearest to a mistyped one. Pure text, no configuration here.

/// The candidate that a few typing mistakes could have turned into `word`, if there is one.
/// Case, `-` and `_` do not count as mistakes.
pub(super) fn nearest<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    let word = folded(word);
    candidates
        .into_iter()
        .map(|candidate| (distance(&word, &folded(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= mistakes_allowed(candidate))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A third of the word may be wrong: more would suggest words that have nothing to do with it.
fn mistakes_allowed(word: &str) -> usize {
    word.len().div_ceil(3)
}

fn folded(word: &str) -> Vec<char> {
    let lower = word.chars().flat_map(char::to_lowercase);
    lower.map(|c| if c == '-' { '_' } else { c }).collect()
}

/// Levenshtein's distance: the insertions, deletions and replacements between two words.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_the_textbook() {
        let cases = [
            ("", "", 0),
            ("a", "", 1),
            ("kitten", "sitting", 3),
            ("flaw", "lawn", 2),
        ];
        for (a, b, expected) in cases {
            assert_eq!(distance(&folded(a), &folded(b)), expected, "{a} {b}");
        }
    }

    #[test]
    fn only_near_words_are_suggested() {
        let known = ["body_max", "head_max", "buffered_max", "deadline"];
        assert_eq!(nearest("body-max", known), Some("body_max"));
        assert_eq!(nearest("Head_Max", known), Some("head_max"));
        assert_eq!(nearest("dedline", known), Some("deadline"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest("deadline", []), None);
    }
}
