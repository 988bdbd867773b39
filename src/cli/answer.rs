//! Answers of the server as tables.
//!
//! An answer is read as the raw JSON it is: members keep their order, which is the order of the
//! columns and of rankings, and numbers keep every digit.

use super::exit::Failure;
use super::table::Cell;
use super::table::Table;
use serde::Deserialize;
use serde::Deserializer;
use serde::de::MapAccess;
use serde::de::Visitor;
use serde_json::value::RawValue;
use std::fmt;

/// One value of an answer.
#[derive(Clone, Copy)]
pub(super) struct Node<'a>(&'a str);

/// The members of an object in their order.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

impl<'a> Node<'a> {
    /// Reads an answer.
    pub(super) fn parse(answer: &'a [u8]) -> Result<Self, Failure> {
        let raw: &RawValue = serde_json::from_slice(answer)
            .map_err(|fault| Failure::unreachable(format!("the answer is not JSON: {fault}")))?;
        Ok(Self(raw.get()))
    }

    /// The members of an object; of anything else none.
    pub(super) fn members(self) -> Vec<(String, Self)> {
        let members: Result<Members<'a>, _> = serde_json::from_str(self.0);
        members
            .map_or_else(|_| Vec::new(), |all| all.0.into_iter().map(|(name, raw)| (name, Self(raw.get()))).collect())
    }

    /// A member of an object.
    pub(super) fn get(self, name: &str) -> Option<Self> {
        self.members().into_iter().find(|(known, _)| known == name).map(|(_, node)| node)
    }

    /// The items of an array.
    pub(super) fn items(self) -> Option<Vec<Self>> {
        let items: Option<Vec<&'a RawValue>> = serde_json::from_str(self.0).ok();
        items.map(|items| items.into_iter().map(|raw| Self(raw.get())).collect())
    }

    /// The text of a string or number; nothing for `null`, objects and arrays.
    pub(super) fn text(self) -> Option<String> {
        match self.0.as_bytes().first()? {
            b'"' => serde_json::from_str(self.0).ok(),
            b'n' | b'{' | b'[' => None,
            _ => Some(self.0.to_owned()),
        }
    }

    fn is_object(self) -> bool {
        self.0.starts_with('{')
    }

    fn cell(self) -> Cell {
        match self.text() {
            None => Cell::default(),
            Some(text) if self.0.starts_with('"') => Cell::text(text),
            Some(text) => Cell::number(text),
        }
    }

    /// One row: objects within become columns of their own (`latency_ms_p95`, `cost_USD`); arrays
    /// are left out.
    pub(super) fn row(self) -> Vec<(String, Cell)> {
        let mut row = Vec::new();
        self.flatten("", &mut row);
        row
    }

    fn flatten(self, path: &str, row: &mut Vec<(String, Cell)>) {
        for (name, node) in self.members() {
            // A group's name stands for itself: `model`, not `group_model`.
            let path = if path.is_empty() || path == "group" { name } else { format!("{path}_{name}") };
            if node.is_object() {
                node.flatten(&path, row);
            } else if path == "error_rate" || path.ends_with("_error_rate") {
                row.push((path, node.text().map_or_else(Cell::default, Cell::share)));
            } else if is_money(&path) {
                row.push((path, node.text().map_or_else(Cell::default, Cell::money)));
            } else if !node.0.starts_with('[') {
                row.push((path, node.cell()));
            }
        }
    }
}

/// Money is an object by currency: `cost_USD`, `total_cost_CNY`.
fn is_money(path: &str) -> bool {
    let Some((name, code)) = path.rsplit_once('_') else {
        return path == "cost";
    };
    (name == "cost" || name.ends_with("_cost")) && code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase())
}

/// The span that an answer covers, if it says so: `FROM .. TO  resolution STEP`.
pub(super) fn span(answer: Node<'_>) -> Option<String> {
    let text = |name| answer.get(name).and_then(Node::text);
    Some(format!("{} .. {}  resolution {}", text("from")?, text("to")?, text("resolution")?))
}

/// A list of objects, at the top or in the first member that is one: a row each.
pub(super) fn rows(answer: Node<'_>) -> Table {
    let list = answer.items().or_else(|| answer.members().into_iter().find_map(|(_, node)| node.items()));
    let mut table = Table::under(span(answer));
    list.unwrap_or_default().into_iter().for_each(|item| table.push(item.row()));
    table
}

/// An object of objects: a row each, its name under `head`.
pub(super) fn named(answer: Node<'_>, head: &str) -> Table {
    let mut table = Table::default();
    for (name, node) in answer.members() {
        let row = if node.is_object() { node.row() } else { vec![("total".to_owned(), node.cell())] };
        table.push(std::iter::once((head.to_owned(), Cell::text(name))).chain(row));
    }
    table
}

/// An object of figures: a row each, the span above.
pub(super) fn figures(answer: Node<'_>) -> Table {
    let mut row = answer.row();
    let title = span(answer);
    if title.is_some() {
        row.retain(|(name, _)| !matches!(name.as_str(), "from" | "to" | "resolution" | "tz"));
    }
    let mut table = pairs(row, ["figure", "value"]);
    table.title = title;
    table
}

/// Names and values: a row each.
pub(super) fn pairs(row: Vec<(String, Cell)>, heads: [&str; 2]) -> Table {
    let mut table = Table::default();
    for (name, cell) in row {
        table.push([(heads[0].to_owned(), Cell::text(name)), (heads[1].to_owned(), cell)]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_their_order_and_numbers_their_digits() {
        let answer = br#"[{"z":340282366920938463463374607431768211455,"a":null,"cost":{"USD":"1.500000000"},
            "latency_ms":{"p95":1.25},"series":[{}],"group":{"model":"m"}}]"#;
        let table = rows(Node::parse(answer).unwrap());
        let expected =
            "z,a,cost_USD,latency_ms_p95,model\n340282366920938463463374607431768211455,,1.500000000,1.25,m\n";
        assert_eq!(table.csv(), expected);
    }

    #[test]
    fn each_shape_has_its_table() {
        let node = |text: &'static str| Node::parse(text.as_bytes()).unwrap();
        let summary =
            named(node(r#"{"calls_1m":{"total":3,"success":2},"calls_1h":{"total":4,"success":4}}"#), "window");
        assert_eq!(summary.csv(), "window,total,success\ncalls_1m,3,2\ncalls_1h,4,4\n");
        assert_eq!(named(node(r#"{"calls_1m":3}"#), "window").csv(), "window,total\ncalls_1m,3\n");
        let usage = pairs(node(r#"{"gpt":5,"a b":2}"#).row(), ["model", "calls"]);
        assert_eq!(usage.csv(), "model,calls\ngpt,5\na b,2\n");
        let user = figures(node(r#"{"total_calls":3,"from":"a","to":"b","resolution":"1s","tz":"UTC"}"#));
        assert_eq!(user.render(false), "a .. b  resolution 1s\nfigure       value\ntotal_calls      3\n");
        let calls = rows(node(r#"{"calls":[{"key":"k"}],"next_cursor":null}"#));
        assert_eq!(calls.csv(), "key\nk\n");
        assert!(Node::parse(b"<html>").is_err());
    }
}
