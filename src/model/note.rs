//! The short note beside a span: the one fact of its attributes that a person looks for first.
//!
//! Read by `term` (waterfall) and `check` (compared tree).

use super::{Span, Value};

/// Attributes worth a note, in order of preference.
const NOTED: [&str; 7] = [
    "http.response.status_code",
    "http.status_code",
    "rpc.grpc.status_code",
    "medicalcor.lead.classification",
    "db.rows_affected",
    "gen_ai.request.model",
    "medicalcor.openai.model",
];

/// The note of a span: `429`, `HOT`, `1 row`, `gpt-4o`; empty when nothing is worth one.
pub fn note_of(span: &Span) -> String {
    let noted = NOTED.iter().find_map(|key| span.attributes.get(key).map(|value| (*key, value)));
    match noted {
        Some(("db.rows_affected", Value::Int(1))) => "1 row".to_owned(),
        Some(("db.rows_affected", rows)) => format!("{rows} rows"),
        Some((_, value)) => value.to_string(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::note_of;
    use crate::model::{SpanKind, sample::span};

    #[test]
    fn the_status_comes_before_all_and_rows_are_counted() {
        let db = span(1, 0, "api", SpanKind::Client, 0, 1);
        assert_eq!(note_of(&db.clone().with("db.rows_affected", 1).0), "1 row");
        assert_eq!(note_of(&db.clone().with("db.rows_affected", 3).0), "3 rows");
        assert_eq!(note_of(&db.clone().with("db.rows_affected", 1).with("http.status_code", 429).0), "429");
        assert_eq!(note_of(&db.0), "");
    }
}
