//! The columns of a list: on a narrow screen the less important ones give way, so that those that
//! are left can be read.

use ratatui::layout::Constraint;
use ratatui::style::{Modifier, Style};
use ratatui::widgets::{Cell, Row, Table};

/// One column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    pub title: &'static str,
    /// Without so many cells it cannot be read.
    pub width: u16,
    /// Takes what others leave.
    pub wide: bool,
    /// Those of the highest rank give way first; rank 0 never does.
    pub rank: u8,
}

/// A column of `width` cells.
pub(super) const fn column(title: &'static str, width: u16, rank: u8) -> Column {
    Column { title, width, wide: false, rank }
}

impl Column {
    /// As it is, and wider where there is room.
    pub const fn wide(self) -> Self {
        Self { wide: true, ..self }
    }
}

/// A list of `rows`, each with a cell for every column, on `available` cells.
pub(super) fn table(
    columns: &[Column],
    rows: impl Iterator<Item = Vec<Cell<'static>>>,
    available: u16,
    spacing: u16,
) -> Table<'static> {
    let rank = highest(columns, available, spacing);
    let kept = |column: &Column| column.rank <= rank;
    let cut = |cells: Vec<Cell<'static>>| {
        let cells = columns.iter().zip(cells).filter(|(column, _)| kept(column));
        Row::new(cells.map(|(_, cell)| cell).collect::<Vec<_>>())
    };
    let width = |column: &Column| {
        if column.wide { Constraint::Fill(1) } else { Constraint::Length(column.width) }
    };
    let widths: Vec<_> = columns.iter().filter(|c| kept(c)).map(width).collect();
    let header = cut(columns.iter().map(|column| Cell::from(column.title)).collect());
    let header = header.style(Style::new().add_modifier(Modifier::BOLD));
    Table::new(rows.map(cut), widths).header(header).column_spacing(spacing)
}

/// The highest rank with which the columns up to it have room.
fn highest(columns: &[Column], available: u16, spacing: u16) -> u8 {
    let fits = |rank: u8| {
        let widths = columns.iter().filter(|c| c.rank <= rank).map(|c| c.width + spacing);
        widths.sum::<u16>() <= available.saturating_add(spacing)
    };
    let ranks = columns.iter().map(|column| column.rank);
    ranks.filter(|rank| fits(*rank)).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_important_give_way_first() {
        let columns = [column("A", 10, 0).wide(), column("B", 5, 2), column("C", 5, 1)];
        let check = |available, rank| assert_eq!(highest(&columns, available, 1), rank);
        check(100, 2);
        check(22, 2);
        check(21, 1);
        check(16, 1);
        check(15, 0);
        check(1, 0);
    }
}
