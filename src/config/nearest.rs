//! "Did you mean": the nearest of the names that exist, by optimal string alignment distance
//! (insert, delete, change, or swap two neighbours), the slips that fingers make.

/// The candidate nearest to `name` by at most two slips, and at most one in a third of its letters;
/// the first of several equally near. Upper and lower case count as equal.
#[must_use]
pub fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let name: Vec<char> = name.to_lowercase().chars().take(LENGTH_MAX).collect();
    let distance_max = 2.min(name.len().div_ceil(3));
    candidates
        .into_iter()
        .map(|candidate| (distance(&name, candidate), candidate))
        .filter(|(distance, _)| *distance <= distance_max)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn distance(name: &[char], candidate: &str) -> usize {
    let other: Vec<char> = candidate.to_lowercase().chars().take(LENGTH_MAX).collect();
    if name.len().abs_diff(other.len()) > 2 {
        return usize::MAX;
    }
    // Three rows of the matrix: two letters back (for swaps), one back, and this letter.
    let mut before = vec![0; other.len() + 1];
    let mut above: Vec<usize> = (0..=other.len()).collect();
    let mut row = vec![0; other.len() + 1];
    for i in 1..=name.len() {
        row[0] = i;
        for j in 1..=other.len() {
            let change = above[j - 1] + usize::from(name[i - 1] != other[j - 1]);
            row[j] = change.min(above[j] + 1).min(row[j - 1] + 1);
            let swapped =
                i > 1 && j > 1 && name[i - 1] == other[j - 2] && name[i - 2] == other[j - 1];
            if swapped {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        std::mem::swap(&mut before, &mut above);
        std::mem::swap(&mut above, &mut row);
    }
    above[other.len()]
}

/// Names of the language are at most 64 characters; longer ones are compared by their beginning.
const LENGTH_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_names_one_or_two_slips_away() {
        let names = ["untrust", "trust", "dmz", "web-server"];
        assert_eq!(nearest("turst", names), Some("trust"));
        assert_eq!(nearest("web-srever", names), Some("web-server"));
        assert_eq!(nearest("Untrsut", names), Some("untrust"));
        assert_eq!(nearest("dmx", names), Some("dmz"));
    }

    #[test]
    fn suggests_nothing_far() {
        assert_eq!(nearest("guest", ["untrust", "dmz"]), None);
        assert_eq!(nearest("ab", ["cd"]), None);
        assert_eq!(nearest("", ["dmz"]), None);
    }
}
