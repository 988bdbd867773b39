//! Rows of a CSV file, by the names in its head line.

use super::Judged;
use super::fields::Assignment;
use super::fields::Body;
use super::fields::Field;
use super::fields::Fields;
use super::fields::Record;
use super::tally::Fault;
use crate::cli::exit::Failure;
use csv::ByteRecord;
use std::io::Read;

/// Which field is read from which column.
type Columns = Vec<(Field, usize)>;

/// The records of a reader. Empty values count as not told.
pub(super) fn records<'a>(
    reader: impl Read + 'a,
    map: &[Assignment],
) -> Result<impl Iterator<Item = Result<Judged, Failure>> + 'a, Failure> {
    let mut rows = csv::ReaderBuilder::new().flexible(true).from_reader(reader);
    let header = rows.byte_headers().map_err(|fault| unreadable(&fault))?.clone();
    let columns = columns(&header, map)?;
    let width = header.len();
    let mut row = ByteRecord::new();
    Ok(std::iter::from_fn(move || match rows.read_byte_record(&mut row) {
        Ok(true) => Some(Ok(read(&row, &columns, width))),
        Ok(false) => None,
        Err(fault) => Some(Err(unreadable(&fault))),
    }))
}

fn unreadable(fault: &csv::Error) -> Failure {
    Failure::usage(format!("reading CSV: {fault}"))
}

/// Columns asked for, then those that have a field's own name. Every column asked for must be
/// there.
fn columns(header: &ByteRecord, map: &[Assignment]) -> Result<Columns, Failure> {
    let names: Vec<String> = header.iter().map(clean).collect();
    let mut columns = Columns::new();
    for Assignment { field, source } in map {
        let Some(place) = names.iter().position(|name| name == source.trim()) else {
            return Err(Failure::usage(format!("--map: no column `{source}`; the header has {}", names.join(", "))));
        };
        columns.push((field.clone(), place));
    }
    let mapped = |field: &Field, columns: &Columns| columns.iter().any(|(known, _)| same(known, field));
    for (place, name) in names.iter().enumerate() {
        match Field::parse(name) {
            Some(field) if !mapped(&field, &columns) => columns.push((field, place)),
            _ => {}
        }
    }
    if columns.is_empty() {
        return Err(Failure::usage(format!(
            "no column has the name of an event's field: say --map FIELD=COLUMN; the header has {}",
            names.join(", ")
        )));
    }
    Ok(columns)
}

/// Whether two fields fill the same place, such as `latency_s` and `latency_ms`.
fn same(a: &Field, b: &Field) -> bool {
    match (a, b) {
        (Field::Number(a, _), Field::Number(b, _)) => a == b,
        _ => a == b,
    }
}

/// A name of the header without the byte-order mark that spreadsheets put first.
fn clean(name: &[u8]) -> String {
    String::from_utf8_lossy(name).trim_start_matches('\u{feff}').trim().to_owned()
}

fn read(row: &ByteRecord, columns: &Columns, width: usize) -> Judged {
    let line = row.position().map_or(0, csv::Position::line);
    if row.len() != width {
        return Err(Fault::invalid(line, "", &format!("{} values under {width} columns", row.len())));
    }
    let mut fields = Fields::default();
    for (field, place) in columns {
        let Ok(value) = std::str::from_utf8(&row[*place]) else {
            return Err(Fault::invalid(line, "", &format!("column {} is not UTF-8", place + 1)));
        };
        if !value.trim().is_empty() {
            fields.fill(field, value);
        }
    }
    Ok(Record { line, body: Body::Fields(fields) })
}

#[cfg(test)]
mod tests {
    use super::super::fields::assignment;
    use super::*;

    fn rows(text: &str, map: &[&str]) -> Result<Vec<Result<String, String>>, String> {
        let map: Vec<Assignment> = map.iter().map(|text| assignment(text).unwrap()).collect();
        let told = |row: Result<Judged, Failure>| match row.unwrap() {
            Ok(Record { line, body: Body::Fields(fields) }) => {
                Ok(format!("{line}:{}", serde_json::to_string(&fields).unwrap()))
            }
            Ok(_) => unreachable!("rows become fields"),
            Err(fault) => Err(format!("{}: {}", fault.line, fault.detail)),
        };
        Ok(records(text.as_bytes(), &map).map_err(|failure| failure.to_string())?.map(told).collect())
    }

    #[test]
    fn columns_are_found_by_name() {
        let text = "\u{feff}who,status,took\nann,200,1.5\n\"b\nc\",,2\nshort\n";
        let found = rows(text, &["user=who", "latency_s=took"]).unwrap();
        assert_eq!(found[0], Ok(r#"2:{"latency_ms":"1500","status":"200","user":"ann"}"#.to_owned()));
        assert_eq!(found[1], Ok(r#"3:{"latency_ms":"2000","user":"b\nc"}"#.to_owned()));
        assert_eq!(found[2], Err("5: 1 values under 3 columns".to_owned()));
    }

    #[test]
    fn a_column_that_is_missing_is_named_with_those_that_are_there() {
        let error = rows("a,b\n1,2\n", &["user=c"]).unwrap_err();
        assert_eq!(error, "--map: no column `c`; the header has a, b");
        assert!(rows("a,b\n1,2\n", &[]).unwrap_err().contains("--map"));
    }
}
