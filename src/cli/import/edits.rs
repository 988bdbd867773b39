//! What is done to every record before it is sent: constants, zones, success words, ids, times.

use super::fields::Assignment;
use super::fields::Body;
use super::fields::Field;
use super::fields::Fields;
use super::fields::Record;
use super::pace::Rebase;
use super::tally::Fault;
use crate::engine::event::MAX_ID_BYTES;
use crate::engine::time::Timestamp;
use crate::engine::time::Zone;

/// A record ready to be sent.
pub(super) struct Line {
    pub(super) number: u64,
    pub(super) json: Vec<u8>,
    /// Its time as the file has it, for the pace.
    pub(super) time: Option<Timestamp>,
}

/// The edits of one import.
#[derive(Default)]
pub(super) struct Edits {
    sets: Vec<Assignment>,
    success: Vec<String>,
    zone: Option<Zone>,
    /// The name that ids begin with.
    ids: Option<String>,
    /// Known only when the file has been read once.
    pub(super) rebase: Option<Rebase>,
    /// Whether the pace must know the time.
    pub(super) timed: bool,
}

const NO_OFFSET: &str =
    "not a Unix time nor an RFC 3339 date-time; for times without an offset say their zone with --tz";

impl Edits {
    pub(super) fn new(sets: &[Assignment], success: Vec<String>, zone: Option<Zone>, ids: Option<String>) -> Self {
        let ids = ids.map(|name| shortened(&name).to_owned());
        Self { sets: sets.to_vec(), success, zone, ids, rebase: None, timed: false }
    }

    /// The time of a record, where it has one that can be read.
    pub(super) fn time(&self, record: &Record) -> Option<Timestamp> {
        let text = match &record.body {
            Body::Fields(fields) => self.time_text(fields),
            Body::Json(json) => self.time_text(&serde_json::from_slice(json).ok()?),
        };
        self.instant(&text?).ok()
    }

    fn time_text(&self, fields: &Fields) -> Option<String> {
        let set = self.sets.iter().find(|set| set.field == Field::Timestamp);
        set.map(|set| set.source.clone()).or_else(|| fields.text("timestamp"))
    }

    fn instant(&self, text: &str) -> Result<Timestamp, &'static str> {
        let zone = self.zone.as_ref();
        text.parse().or_else(|_| zone.and_then(|zone| zone.wall_clock(text).ok()).ok_or(NO_OFFSET))
    }

    /// The line to send for a record.
    pub(super) fn line(&self, record: Record) -> Result<Line, Fault> {
        let number = record.line;
        let mut fields = match record.body {
            Body::Fields(fields) => fields,
            // A line that is no JSON object is sent as it stands, for the server to judge.
            Body::Json(json) => match self.needed().then(|| serde_json::from_slice(&json)) {
                Some(Ok(fields)) => fields,
                Some(Err(_)) | None => return Ok(Line { number, json, time: None }),
            },
        };
        self.sets.iter().for_each(|set| fields.fill(&set.field, &set.source));
        self.name_success(&mut fields);
        self.give_id(&mut fields, number);
        let time = self.move_time(&mut fields, number)?;
        let json = serde_json::to_vec(&fields).expect("fields are JSON");
        Ok(Line { number, json, time })
    }

    fn needed(&self) -> bool {
        let told = !self.sets.is_empty() || !self.success.is_empty();
        told || self.zone.is_some() || self.ids.is_some() || self.rebase.is_some() || self.timed
    }

    fn name_success(&self, fields: &mut Fields) {
        if fields.text("status").is_some_and(|status| self.success.contains(&status)) {
            fields.set_text("status", crate::engine::event::status::SUCCESS);
        }
    }

    fn give_id(&self, fields: &mut Fields, number: u64) {
        if let Some(name) = &self.ids
            && fields.text("id").is_none_or(|id| id.is_empty())
        {
            fields.set_text("id", &format!("{name}:{number}"));
        }
    }

    /// Rewrites the time as an instant. A time that can't be read is refused here, where it can be
    /// said that `--tz` is missing.
    fn move_time(&self, fields: &mut Fields, number: u64) -> Result<Option<Timestamp>, Fault> {
        let Some(text) = fields.text("timestamp") else {
            return Ok(None);
        };
        let fault = |detail: &str| Fault::invalid(number, "/timestamp", detail);
        let time = self.instant(&text).map_err(fault)?;
        let moved = match &self.rebase {
            Some(rebase) => rebase.apply(time).map_err(|error| fault(&error.to_string()))?,
            None => time,
        };
        fields.set_text("timestamp", &moved.to_string());
        Ok(Some(time))
    }
}

/// As much of a name as leaves room for a line number in an id.
fn shortened(name: &str) -> &str {
    let room = MAX_ID_BYTES - 21;
    let end = name.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= room).last();
    &name[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::super::fields::assignment;
    use super::*;

    fn line(edits: &Edits, json: &str) -> Result<String, String> {
        let record = Record { line: 7, body: Body::Json(json.as_bytes().to_vec()) };
        let line = edits.line(record).map_err(|fault| fault.detail)?;
        Ok(String::from_utf8(line.json).unwrap())
    }

    #[test]
    fn without_edits_a_line_stays_as_it_is() {
        for json in [r#"{ "cost": 0.1, "cost": 0.2 }"#, "not json"] {
            assert_eq!(line(&Edits::default(), json).unwrap(), json);
        }
    }

    #[test]
    fn edits_change_what_they_name() {
        let sets = [assignment("endpoint=/v1/images").unwrap()];
        let zone = Zone::parse("Asia/Shanghai").unwrap();
        let edits = Edits::new(&sets, vec!["DONE".to_owned()], Some(zone), Some("a.csv".to_owned()));
        let json = r#"{"timestamp":"2024-11-15 16:57:50","status":"DONE","cost":0.30000000000000000001}"#;
        assert_eq!(
            line(&edits, json).unwrap(),
            r#"{"cost":0.30000000000000000001,"endpoint":"/v1/images","id":"a.csv:7","status":"success","timestamp":"2024-11-15T08:57:50Z"}"#
        );
        assert!(line(&edits, r#"{"id":"x","status":"FAILED"}"#).unwrap().contains(r#""id":"x","status":"FAILED""#));
        assert_eq!(line(&edits, "not json").unwrap(), "not json");
    }

    #[test]
    fn a_time_without_offset_needs_a_zone() {
        let edits = Edits::new(&[], Vec::new(), None, Some("f".to_owned()));
        assert!(line(&edits, r#"{"timestamp":"2024-11-15 16:57:50"}"#).unwrap_err().contains("--tz"));
    }

    #[test]
    fn ids_fit_their_limit() {
        let name = "é".repeat(100);
        let edits = Edits::new(&[], Vec::new(), None, Some(name));
        let record = Record { line: u64::MAX, body: Body::Json(b"{}".to_vec()) };
        let line = edits.line(record).ok().unwrap();
        let fields: Fields = serde_json::from_slice(&line.json).unwrap();
        assert!(fields.text("id").unwrap().len() <= MAX_ID_BYTES);
    }
}
