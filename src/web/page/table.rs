//! Tables that become a list of cards where the screen is narrow. There each cell shows its column,
//! and roles say that it is a table all the same.

use maud::{Markup, html};

/// A column; figures are aligned to the right.
#[derive(Clone, Copy)]
pub(super) struct Column {
    name: &'static str,
    class: &'static str,
}

/// A column of text.
pub(super) const fn text(name: &'static str) -> Column {
    Column { name, class: "text" }
}

/// A column of figures.
pub(super) const fn number(name: &'static str) -> Column {
    Column { name, class: "number" }
}

/// A column of pictures.
pub(super) const fn picture(name: &'static str) -> Column {
    Column { name, class: "picture" }
}

/// A whole table. `live` names its rows for updates; without it they stay as they are.
pub(super) fn table(
    class: &str,
    caption: &Markup,
    columns: &[Column],
    live: Option<&str>,
    rows: &Markup,
) -> Markup {
    html! {
        table class=(class) role="table" {
            caption { (caption) }
            thead role="rowgroup" {
                tr role="row" {
                    @for column in columns {
                        th class=(column.class) scope="col" role="columnheader" { (column.name) }
                    }
                }
            }
            tbody role="rowgroup" data-live=[live] data-rows=[live.map(|_| "")] { (rows) }
        }
    }
}

/// A row: the first cell is its header. `key` tells it apart from the others of its table, and
/// `version` says which row of the same key is news.
pub(super) fn row(key: &str, version: &str, columns: &[Column], cells: &[Markup]) -> Markup {
    html! {
        tr role="row" data-key=(key) data-version=(version) {
            @for (i, (column, content)) in columns.iter().zip(cells).enumerate() {
                @if i == 0 {
                    th class=(column.class) scope="row" role="rowheader" { (content) }
                } @else {
                    td class=(column.class) role="cell" data-column=(column.name) { div { (content) } }
                }
            }
        }
    }
}

/// The one row of a table without any.
pub(super) fn nothing(columns: &[Column], why: &str) -> Markup {
    html! { tr role="row" data-key="" { td role="cell" colspan=(columns.len()) { (why) } } }
}
