//! `{{names}}` in a document and what they stand for.

use serde_json::Value;
use std::collections::BTreeMap;

/// What names stand for.
pub(super) struct Fill(BTreeMap<&'static str, Value>);

impl Fill {
    pub(super) fn new<const N: usize>(values: [(&'static str, Value); N]) -> Self {
        Self(values.into())
    }

    /// The document with every name replaced. A text that is one name becomes the value itself,
    /// and where that is a list within a list, its items; within a longer text it is told in words.
    pub(super) fn fill(&self, document: Value) -> Value {
        match document {
            Value::String(text) => self.whole(&text).cloned().unwrap_or_else(|| self.within(text).into()),
            Value::Array(items) => items.into_iter().flat_map(|item| self.item(item)).collect(),
            Value::Object(members) => members.into_iter().map(|(name, value)| (name, self.fill(value))).collect(),
            other => other,
        }
    }

    fn item(&self, item: Value) -> Vec<Value> {
        match item.as_str().and_then(|text| self.whole(text)) {
            Some(Value::Array(items)) => items.clone(),
            _ => vec![self.fill(item)],
        }
    }

    fn whole(&self, text: &str) -> Option<&Value> {
        self.0.get(text.strip_prefix("{{")?.strip_suffix("}}")?)
    }

    fn within(&self, text: String) -> String {
        if !text.contains("{{") {
            return text;
        }
        self.0.iter().fold(text, |text, (name, value)| {
            let told = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            text.replace(&format!("{{{{{name}}}}}"), &told)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_are_replaced_by_values_items_and_words() {
        let fill = Fill::new([("most", 7.into()), ("names", json!(["a", "b"])), ("version", "1.0".into())]);
        let filled = fill.fill(json!({
            "maximum": "{{most}}",
            "enum": "{{names}}",
            "list": ["first", "{{names}}", { "x": "{{most}}" }],
            "text": "at most {{most}}, of {{version}}",
            "{{most}}": "{{other}}",
        }));
        assert_eq!(
            filled,
            json!({
                "maximum": 7,
                "enum": ["a", "b"],
                "list": ["first", "a", "b", { "x": 7 }],
                "text": "at most 7, of 1.0",
                "{{most}}": "{{other}}",
            })
        );
    }
}
