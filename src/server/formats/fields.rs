//! The fields of one JSON object as raw texts, sorted by a table of names.

use super::Detail;
use super::Fault;
use super::scan::Scan;
use serde::Deserialize;
use serde::Deserializer;
use serde::de::Error;
use serde::de::IgnoredAny;
use serde::de::MapAccess;
use serde::de::Visitor;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// How deep an event may be nested, itself included; as deep as JSON parsers commonly go.
const MAX_DEPTH: usize = 128;

/// The fields an object may have, and where it stands in the event.
pub(super) struct Table<const N: usize> {
    /// JSON pointer of the object.
    pub(super) pointer: &'static str,
    /// Names of its fields.
    pub(super) names: [&'static str; N],
}

impl<const N: usize> Table<N> {
    /// The place of a name. Senders keep to an order, so the search begins after the field that
    /// came before.
    fn place(&self, name: &str, after: usize) -> Option<usize> {
        // A look at the first byte spares most comparisons of names of equal length.
        let is = |known: &&'static str| known.as_bytes().first() == name.as_bytes().first() && *known == name;
        let (before, rest) = self.names.split_at(after);
        rest.iter().position(is).map(|place| after + place).or_else(|| before.iter().position(is))
    }

    /// A fault of the field at a place.
    pub(super) fn fault(&self, place: usize, detail: impl Into<Detail>) -> Fault {
        Fault::new(format!("{}/{}", self.pointer, self.names[place]), detail)
    }

    /// A fault of the object as a whole.
    fn fault_here(&self, detail: impl Into<Detail>) -> Fault {
        Fault::new(self.pointer, detail)
    }
}

/// The known fields of an object: `values[i]` is the JSON text under `names[i]`.
pub(super) struct Fields<'a, const N: usize> {
    table: &'static Table<N>,
    values: [Option<&'a str>; N],
}

impl<'a, const N: usize> Fields<'a, N> {
    /// Splits the text of an object; `unknown` hears of every other name.
    ///
    /// # Errors
    /// [`Fault`] when the text is not one JSON object, or has a known field twice: parsers
    /// disagree on which of the two counts, and money is no place to guess.
    pub(super) fn split(text: &'a str, table: &'static Table<N>, mut unknown: impl FnMut(&str)) -> Result<Self, Fault> {
        let mut fields = Self::none(table);
        let (mut twice, mut after) = (None, 0);
        let mut scan = Scan::new(text);
        let quick = scan.object(|scan, name| {
            let raw = scan.raw()?;
            match table.place(name, after) {
                None => unknown(name),
                Some(place) => {
                    twice = twice.or(fields.values[place].replace(raw).map(|_| place));
                    after = place + 1;
                }
            }
            Some(())
        });
        let quick = quick.filter(|()| scan.is_done());
        match (quick, twice) {
            (Some(()), None) => return Ok(fields),
            (Some(()), Some(twice)) => return Err(table.fault(twice, "given twice")),
            (None, _) => fields = Self::none(table),
        }
        if is_too_deep(text) {
            return Err(table.fault_here(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        let mut json = serde_json::Deserializer::from_str(text);
        let split = json.deserialize_map(Splitter { fields: &mut fields, unknown });
        match split.and_then(|twice| json.end().map(|()| twice)) {
            Err(error) => Err(table.fault_here(malformed(&error))),
            Ok(Some(twice)) => Err(table.fault(twice, "given twice")),
            Ok(None) => Ok(fields),
        }
    }

    /// No fields at all, as of an object that is absent.
    pub(super) fn none(table: &'static Table<N>) -> Self {
        Self { table, values: [None; N] }
    }

    /// Reads the field at a place of the table; a fault names it.
    pub(super) fn get<T>(
        &self,
        place: usize,
        read: impl FnOnce(Option<&'a str>) -> Result<T, Detail>,
    ) -> Result<T, Fault> {
        read(self.values[place]).map_err(|detail| self.table.fault(place, detail))
    }

    /// The JSON text of a field, unless it is absent or null.
    pub(super) fn raw(&self, place: usize) -> Option<&'a str> {
        self.values[place].filter(|raw| *raw != "null")
    }

    /// Whether a field is there and says `null`.
    pub(super) fn is_null(&self, place: usize) -> bool {
        self.values[place] == Some("null")
    }
}

/// Whether brackets open deeper than events may be nested. Fields that nobody knows are passed over
/// at any depth without recursion, so this is a rule and no protection of the stack.
fn is_too_deep(text: &str) -> bool {
    if text.len() <= 2 * MAX_DEPTH {
        return false;
    }
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => depth += 1,
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return true;
        }
    }
    false
}

/// What is wrong with a text that is not JSON. The parser's own words are not used: some of them
/// quote the text.
pub(super) fn malformed(error: &serde_json::Error) -> Detail {
    match error.classify() {
        serde_json::error::Category::Data => "not a JSON object".into(),
        serde_json::error::Category::Eof => "malformed JSON: it ends too early".into(),
        _ if error.line() > 1 => format!("malformed JSON at line {}, column {}", error.line(), error.column()).into(),
        _ => format!("malformed JSON at column {}", error.column()).into(),
    }
}

/// Fills in the fields where they are kept: moving them about would cost more than finding them.
struct Splitter<'f, 'a, const N: usize, U> {
    fields: &'f mut Fields<'a, N>,
    unknown: U,
}

impl<'a, const N: usize, U: FnMut(&str)> Visitor<'a> for Splitter<'_, 'a, N, U> {
    /// The first field that was given twice.
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(mut self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut twice, mut after) = (None, 0);
        while let Some(Name(name)) = map.next_key()? {
            let Some(place) = self.fields.table.place(&name, after) else {
                (self.unknown)(&name);
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let raw: &'a RawValue = map.next_value()?;
            if self.fields.values[place].replace(raw.get()).is_some() {
                twice = twice.or(Some(place));
            }
            after = place + 1;
        }
        Ok(twice)
    }
}

/// A name, borrowed unless it is written with escapes.
struct Name<'a>(Cow<'a, str>);

impl<'a> Deserialize<'a> for Name<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'a> Visitor<'a> for Text {
            type Value = Name<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'a str) -> Result<Name<'a>, E> {
                Ok(Name(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Name<'a>, E> {
                Ok(Name(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// Every field of a small object whose names are not known beforehand.
pub(super) fn pairs(text: &str) -> serde_json::Result<Vec<(Cow<'_, str>, &str)>> {
    struct Pairs;
    impl<'a> Visitor<'a> for Pairs {
        type Value = Vec<(Cow<'a, str>, &'a str)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut pairs = Vec::new();
            while let Some((Name(name), raw)) = map.next_entry::<Name<'a>, &'a RawValue>()? {
                pairs.push((name, raw.get()));
            }
            Ok(pairs)
        }
    }
    serde_json::Deserializer::from_str(text).deserialize_map(Pairs)
}
