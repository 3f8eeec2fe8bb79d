//! Answers as tables for people, and as JSON, YAML or names for programs.

use super::Failure;
use crate::cli::Output;
use comfy_table::{CellAlignment, Table, presets};
use serde_json::Value;
use std::io::{self, Write};

/// Longest text of a table's cell, characters; `--output json` has all of it.
const CELL_CHARS_MAX: usize = 60;

/// A column of a table, and the member of an answer that it shows.
pub(super) struct Column {
    head: &'static str,
    member: &'static str,
    is_number: bool,
}

impl Column {
    pub const fn text(head: &'static str, member: &'static str) -> Self {
        Self {
            head,
            member,
            is_number: false,
        }
    }

    pub const fn number(head: &'static str, member: &'static str) -> Self {
        Self {
            head,
            member,
            is_number: true,
        }
    }
}

/// Prints an answer: a list has a row for each element. `name` prints the first column alone.
pub(super) fn print(output: Output, answer: &Value, columns: &[Column]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match output {
        Output::Json => writeln!(out, "{answer:#}")?,
        Output::Yaml => {
            let yaml = serde_yaml_ng::to_string(answer).map_err(io::Error::other)?;
            out.write_all(yaml.as_bytes())?;
        }
        Output::Name => {
            for row in rows(answer) {
                let member = columns.first().map_or("", |column| column.member);
                writeln!(out, "{}", cell(row, member))?;
            }
        }
        Output::Table => writeln!(out, "{}", table(answer, columns))?,
    }
    Ok(())
}

fn rows(answer: &Value) -> &[Value] {
    match answer {
        Value::Array(rows) => rows,
        one => std::slice::from_ref(one),
    }
}

fn table(answer: &Value, columns: &[Column]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(columns.iter().map(|column| column.head));
    for row in rows(answer) {
        table.add_row(
            columns
                .iter()
                .map(|column| short(&cell(row, column.member))),
        );
    }
    for (at, column) in columns.iter().enumerate() {
        if let Some(shown) = table.column_mut(at) {
            shown.set_padding((0, 2));
            if column.is_number {
                shown.set_cell_alignment(CellAlignment::Right);
            }
        }
    }
    let lines: Vec<String> = table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    lines.join("\n")
}

fn cell(row: &Value, member: &str) -> String {
    match &row[member] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// One line, without what a terminal would act on.
fn short(text: &str) -> String {
    let plain = text
        .chars()
        .map(|char| if char.is_control() { ' ' } else { char });
    let mut short: String = plain.clone().take(CELL_CHARS_MAX).collect();
    if plain.count() > CELL_CHARS_MAX {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tables_are_plain_and_safe() {
        let columns = [Column::text("NAME", "name"), Column::number("N", "n")];
        let rows = json!([
            { "name": "a\u{1b}[31mb", "n": 7 },
            { "name": "x".repeat(100), "n": 1234 },
            { "n": null },
        ]);
        let long = "x".repeat(CELL_CHARS_MAX);
        let pad = " ".repeat(CELL_CHARS_MAX + 1);
        let cell = |text: &str| format!("{text}{}", &pad[text.chars().count()..]);
        let expected = [
            format!("{}     N", cell("NAME")),
            format!("{}     7", cell("a [31mb")),
            format!("{}  1234", cell(&format!("{long}…"))),
            String::new(),
        ];
        assert_eq!(table(&rows, &columns), expected.join("\n"));
    }
}
