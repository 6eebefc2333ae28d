//! Entries as CSV (RFC 4180).

use std::fmt::Write;

use chrono::SecondsFormat;
use uuid::Uuid;

use super::entry::EntryView;

/// The names of the columns.
const COLUMNS: &str = "seq,created_at,kind,source,target,amount,answers,available_after,held_after,\
                       hold_id,credit_id,assistant_id,dialog_id,message_id,document_id,channel,model,\
                       prompt_tokens,completion_tokens,price_version,reason";

/// A line with the names, then a line for each entry.
pub(super) fn of(entries: &[EntryView]) -> String {
    let mut table = String::with_capacity(COLUMNS.len() + 2 + entries.len() * 320);
    table.push_str(COLUMNS);
    table.push_str("\r\n");
    for entry in entries {
        line(&mut table, entry);
    }
    table
}

fn line(table: &mut String, entry: &EntryView) {
    let id = |id: Option<Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
    let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
    let version = entry.price_version.map(|version| version.to_string());
    let cells = [
        entry.seq.to_string(),
        entry.created_at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        entry.kind.to_string(),
        entry.source.to_string(),
        entry.target.to_string(),
        entry.amount.clone(),
        entry.answers.to_string(),
        entry.available_after.clone(),
        entry.held_after.clone(),
        id(entry.hold_id),
        id(entry.credit_id),
        id(entry.assistant_id),
        id(entry.dialog_id),
        id(entry.message_id),
        id(entry.document_id),
        text(entry.channel.as_deref()),
        text(entry.model.as_deref()),
        number(entry.prompt_tokens),
        number(entry.completion_tokens),
        version.unwrap_or_default(),
        text(entry.reason.as_deref()),
    ];

    let _ = write!(table, "{}\r\n", cells.join(","));
}

/// A text in quotes. One that a spreadsheet would take for a formula begins with an apostrophe.
fn text(text: Option<&str>) -> String {
    let Some(text) = text else { return String::new() };
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let mark = if formula { "'" } else { "" };
    format!("\"{mark}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_and_formulas_are_none() {
        assert_eq!(text(None), "");
        assert_eq!(text(Some("a, \"b\"\r\nc")), "\"a, \"\"b\"\"\r\nc\"");
        assert_eq!(text(Some("=1+1")), "\"'=1+1\"");
        assert_eq!(text(Some("@SUM(A1)")), "\"'@SUM(A1)\"");
    }
}
