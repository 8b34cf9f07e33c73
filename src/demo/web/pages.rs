//! The pages, as HTML.
//!
//! Filled by `service` with what the API answered; every value is escaped.

use serde_json::Value;

/// The page one arrives at.
pub(super) fn start() -> String {
    page("MedicalCor", "<p>Open a lead by its id: <code>/leads/&lt;id&gt;</code>.</p>")
}

/// A lead.
pub(super) fn lead(lead: &Value) -> String {
    let row = |label: &str, key: &str| match lead.get(key) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => format!("<dt>{label}</dt><dd>{}</dd>", escaped(text)),
        Some(other) => format!("<dt>{label}</dt><dd>{}</dd>", escaped(&other.to_string())),
    };
    let rows = [row("Lead", "id"), row("CRM id", "externalId"), row("Name", "name"), row("Updated", "updatedAt")].concat();
    page("Lead", &format!("<dl>{rows}</dl>"))
}

fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title></head><body><h1>{title}</h1>{body}</body></html>\n"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn a_name_is_text_and_never_markup() {
        let page = super::lead(&json!({"id": "1", "name": "<script>alert(1)</script>"}));
        assert!(page.contains("&lt;script&gt;") && !page.contains("<script>"));
    }
}
