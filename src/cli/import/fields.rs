//! The fields of an event as import writes them.

use serde_json::value::RawValue;
use serde_json::value::to_raw_value;

/// `FIELD=SOMETHING` of `--map` and `--set`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Assignment {
    pub(super) field: Field,
    pub(super) source: String,
}

/// Reads `FIELD=SOMETHING`.
pub(super) fn assignment(text: &str) -> Result<Assignment, String> {
    let (field, source) = text.split_once('=').ok_or("expected FIELD=COLUMN or FIELD=VALUE")?;
    let field = Field::parse(field.trim()).ok_or_else(|| {
        format!(
            "`{field}` is no field of an event; there are {}, label.NAME",
            Field::names().collect::<Vec<_>>().join(", ")
        )
    })?;
    Ok(Assignment { field, source: source.to_owned() })
}

/// A field of an event that import can fill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// The instant of the call.
    Timestamp,
    /// How it ended; `--success` applies.
    Status,
    /// A text, by its name in JSON.
    Text(&'static str),
    /// A number, by its name in JSON, and how many decimal places its unit lies above that one's.
    Number(&'static str, i32),
    /// A label.
    Label(String),
}

/// Names on the command line, and what they fill.
const FIELDS: [(&str, Field); 24] = [
    ("timestamp", Field::Timestamp),
    ("key", Field::Text("key")),
    ("user", Field::Text("user")),
    ("model", Field::Text("model")),
    ("provider", Field::Text("provider")),
    ("endpoint", Field::Text("endpoint")),
    ("status", Field::Status),
    ("latency_ms", Field::Number("latency_ms", 0)),
    ("latency_s", Field::Number("latency_ms", 3)),
    ("latency_us", Field::Number("latency_ms", -3)),
    ("ttft_ms", Field::Number("ttft_ms", 0)),
    ("ttft_s", Field::Number("ttft_ms", 3)),
    ("ttft_us", Field::Number("ttft_ms", -3)),
    ("input_tokens", Field::Number("input_tokens", 0)),
    ("output_tokens", Field::Number("output_tokens", 0)),
    ("cache_read_tokens", Field::Number("cache_read_tokens", 0)),
    ("cache_write_tokens", Field::Number("cache_write_tokens", 0)),
    ("reasoning_tokens", Field::Number("reasoning_tokens", 0)),
    ("total_tokens", Field::Number("total_tokens", 0)),
    ("cost", Field::Number("cost", 0)),
    ("currency", Field::Text("currency")),
    ("id", Field::Text("id")),
    ("job_id", Field::Text("job_id")),
    ("error", Field::Text("error")),
];

impl Field {
    fn names() -> impl Iterator<Item = &'static str> {
        FIELDS.iter().map(|(name, _)| *name)
    }

    /// The field of a name.
    pub(super) fn parse(name: &str) -> Option<Self> {
        if let Some(label) = name.strip_prefix("label.").filter(|label| !label.is_empty()) {
            return Some(Self::Label(label.to_owned()));
        }
        FIELDS.iter().find(|(known, _)| *known == name).map(|(_, field)| field.clone())
    }

    /// Its name in JSON.
    fn json_name(&self) -> &str {
        match self {
            Self::Timestamp => "timestamp",
            Self::Status => "status",
            Self::Text(name) | Self::Number(name, _) => name,
            Self::Label(_) => "labels",
        }
    }
}

/// A record of the file.
#[derive(Debug)]
pub(super) struct Record {
    /// The line it begins on, from 1.
    pub(super) line: u64,
    pub(super) body: Body,
}

/// What a record says.
#[derive(Debug)]
pub(super) enum Body {
    /// A line of NDJSON, as it stands.
    Json(Vec<u8>),
    /// An event put together.
    Fields(Fields),
}

/// The fields of one event, each value as JSON text so that no number loses a digit.
#[derive(Debug, Default, serde::Deserialize, serde::Serialize)]
#[serde(transparent)]
pub(super) struct Fields(std::collections::BTreeMap<String, Box<RawValue>>);

impl Fields {
    /// The text of a field: of a string its content, of a number its digits.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let raw = self.0.get(name)?.get();
        match raw.as_bytes().first()? {
            b'"' => serde_json::from_str(raw).ok(),
            b'0'..=b'9' | b'-' => Some(raw.to_owned()),
            _ => None,
        }
    }

    /// Sets a text.
    pub(super) fn set_text(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), to_raw_value(value).expect("a string is JSON"));
    }

    /// Fills a field from a text. What is no number stays as it is: the server refuses it, and
    /// says why.
    pub(super) fn fill(&mut self, field: &Field, value: &str) {
        match field {
            Field::Number(name, places) => self.set_text(name, &shifted(value.trim(), *places)),
            Field::Label(label) => self.set_label(label, value),
            _ => self.set_text(field.json_name(), value),
        }
    }

    fn set_label(&mut self, label: &str, value: &str) {
        let labels = self.0.get("labels").and_then(|raw| serde_json::from_str::<Fields>(raw.get()).ok());
        let mut labels = labels.unwrap_or_default();
        labels.set_text(label, value);
        self.0.insert("labels".to_owned(), to_raw_value(&labels).expect("fields are JSON"));
    }
}

/// A decimal number times a power of ten, without passing through a float. A fraction of zeros is
/// dropped (`63.0`, as data frames write whole numbers); any other text stays as it is.
fn shifted(text: &str, places: i32) -> String {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return text.to_owned();
    }
    let all = format!("{whole}{fraction}");
    let point = i32::try_from(whole.len()).unwrap_or(0) + places;
    let (whole, fraction) = match usize::try_from(point) {
        Ok(point) if point <= all.len() => (all[..point].to_owned(), all[point..].to_owned()),
        Ok(point) => (format!("{all:0<point$}"), String::new()),
        Err(_) => (String::new(), "0".repeat(point.unsigned_abs() as usize) + &all),
    };
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    match fraction.trim_end_matches('0') {
        "" => whole.to_owned(),
        fraction => format!("{whole}.{fraction}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_changed_digit_by_digit() {
        let cases = [
            ("32.0", 3, "32000"),
            ("0.0123456", 3, "12.3456"),
            ("7", 3, "7000"),
            ("1234567", -3, "1234.567"),
            ("5", -3, "0.005"),
            ("63.0", 0, "63"),
            ("007.50", 0, "7.5"),
            ("0", 3, "0"),
        ];
        for (text, places, expected) in cases {
            assert_eq!(shifted(text, places), expected, "{text} by {places}");
        }
        for text in ["", "nan", "-1", "1e3", "1.2.3", ".", "1,5"] {
            assert_eq!(shifted(text, 3), text);
        }
    }

    #[test]
    fn a_field_that_is_none_is_refused_with_the_names_of_those_that_are() {
        assert_eq!(assignment("latency_s=a=b").unwrap().source, "a=b");
        assert_eq!(assignment("label.team=x").unwrap().field, Field::Label("team".to_owned()));
        assert!(assignment("latency=x").unwrap_err().contains("latency_ms"));
        assert!(assignment("user").is_err());
        assert!(assignment("label.=x").is_err());
    }

    #[test]
    fn labels_are_added_to_those_there() {
        let mut fields: Fields = serde_json::from_str(r#"{"labels":{"a":"1"},"cost":0.10000000000000000001}"#).unwrap();
        fields.fill(&Field::Label("b".to_owned()), "2");
        let text = serde_json::to_string(&fields).unwrap();
        assert_eq!(text, r#"{"cost":0.10000000000000000001,"labels":{"a":"1","b":"2"}}"#);
    }
}
