//! Tables: each row becomes a sentence.

use super::Markdown;
use crate::text::speakable::cursor::{Cursor, Look};
use crate::text::speakable::words::is_han;

/// How many columns are named in the sentences of the rows.
const MAX_COLUMNS: usize = 24;

impl Markdown {
    /// Reads a row. The first cell names what the row is about, the others follow the names of their columns:
    /// "Basic: Price $5, Calls 100."
    pub(super) fn row(&mut self, ahead: &mut Cursor<'_>, out: &mut String) -> Look<bool> {
        let mut end = *ahead;
        let row = end.run(|c| c != '\n')?;
        end.eat('\n')?;
        if is_delimiter(row) {
            self.plain.remove_indent();
            *ahead = end;
            return Ok(true);
        }
        let cells: Vec<String> = cells(row).map(|cell| self.inline_text(cell.trim())).collect();
        let mut next = end;
        let is_header = self.columns.is_none() && {
            next.run(|c| c == ' ')?;
            let delimiter = next.run(|c| "|:- \t".contains(c))?;
            is_delimiter(delimiter) && next.peek()?.is_none_or(|c| c == '\n' || c == '\r')
        };
        if is_header {
            next.eat('\r')?;
            next.eat('\n')?;
            self.columns = Some(cells.into_iter().take(MAX_COLUMNS).collect());
            *ahead = next;
            self.plain.remove_indent();
            return Ok(true);
        }
        let columns = self.columns.get_or_insert_default();
        let text = sentence(&cells, columns);
        self.plain.remove_indent();
        self.plain.end_with_pause();
        self.plain.text(&text, out);
        self.next_line('\n', out);
        *ahead = end;
        Ok(true)
    }
}

fn cells(row: &str) -> impl Iterator<Item = &str> {
    let row = row.trim();
    let row = row.strip_prefix('|').unwrap_or(row);
    row.strip_suffix('|').unwrap_or(row).split('|')
}

fn is_delimiter(row: &str) -> bool {
    row.contains('-') && row.contains('|') && row.chars().all(|c| "|:- \t\r".contains(c))
}

fn sentence(cells: &[String], columns: &[String]) -> String {
    let chinese = cells.iter().chain(columns).any(|text| text.contains(is_han));
    let (colon, comma) = if chinese { ("：", "，") } else { (": ", ", ") };
    let mut text = String::new();
    for (at, cell) in cells.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
        let column = columns.get(at).filter(|column| at > 0 && !column.is_empty());
        text.push_str(match (text.is_empty(), at, column) {
            (true, ..) => "",
            (false, 1, Some(_)) => colon,
            (false, ..) => comma,
        });
        if let Some(column) = column {
            text.push_str(column);
            // Words need a space between them.
            let words = [column.chars().next_back(), cell.chars().next()];
            if !chinese || words.into_iter().flatten().any(|c| c.is_ascii_alphanumeric()) {
                text.push(' ');
            }
        }
        text.push_str(cell);
    }
    text
}
