//! Columns of text, as wide as their longest cell: text to the left, figures to the right.

/// A table that grows by rows.
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// With nothing but its head.
    pub(super) fn new(heads: &[&str]) -> Self {
        Self { rows: vec![heads.iter().map(|head| (*head).to_owned()).collect()] }
    }

    /// Adds a row, as long as the head.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Lines of text.
    pub(super) fn text(&self) -> String {
        let columns = self.rows[0].len();
        let cells = |at: usize| self.rows.iter().map(move |row| &row[at]);
        let widths: Vec<usize> = (0..columns)
            .map(|at| cells(at).map(|cell| cell.chars().count()).max().unwrap_or(0))
            .collect();
        let is_figure =
            |cell: &String| cell.chars().all(|char| char.is_ascii_digit() || ",.-".contains(char));
        let right: Vec<bool> = (0..columns)
            .map(|at| self.rows.len() > 1 && cells(at).skip(1).all(is_figure))
            .collect();
        let mut out = String::new();
        for row in &self.rows {
            let line = row.iter().enumerate().map(|(at, cell)| match right[at] {
                true => format!("{cell:>width$}", width = widths[at]),
                false => format!("{cell:<width$}", width = widths[at]),
            });
            out.push_str(line.collect::<Vec<_>>().join("  ").trim_end());
            out.push('\n');
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_stand_right_and_text_left_under_their_heads() {
        let mut table = Table::new(&["name", "count"]);
        table.row(["a".to_owned(), "1".to_owned()]);
        table.row(["longer".to_owned(), "1,000,000".to_owned()]);
        assert_eq!(table.text(), "name        count\na               1\nlonger  1,000,000\n");
    }
}
