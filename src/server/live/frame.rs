//! The text of server-sent events.

use serde::Serialize;

/// A line that says nothing but "still here".
pub(super) const HEARTBEAT: &str = ": nothing new\n\n";

/// One event. JSON as it is written here has no line breaks, so its data is one line.
pub(super) fn event(name: &str, data: &impl Serialize) -> serde_json::Result<String> {
    Ok(format!("event: {name}\ndata: {}\n\n", serde_json::to_string(data)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_can_begin_a_line_of_its_own() {
        let told = event("calls", &["a\n\nevent: end\ndata: {}\r\n\r\n\u{2028}"]).unwrap();
        assert_eq!(told.lines().count(), 3, "{told:?}");
        assert!(told.ends_with("\"]\n\n") && !told.contains('\r'), "{told:?}");
    }
}
