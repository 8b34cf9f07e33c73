//! Deliveries out of an HTTP archive (HAR 1.2), as browsers and proxies save them.
//!
//! Called by `cli` for `devstack from har`.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde::Deserialize;

use super::{Answer, Delivery, curl::path_of, forms::percent_encoded};

/// Why an archive cannot be read. Nothing of it is quoted.
#[derive(Debug, thiserror::Error)]
pub enum HarError {
    /// It is no JSON, or has no `log.entries`.
    #[error("it is not an HTTP archive (HAR 1.2): line {line}, column {column}")]
    NotHar {
        /// Where it stops being one.
        line: usize,
        /// Where in the line.
        column: usize,
    },
}

/// The deliveries of an archive, and what could not be used.
#[derive(Debug)]
pub struct Read {
    /// Those that were asked for, in order.
    pub deliveries: Vec<Delivery>,
    /// How many entries there are.
    pub entries: usize,
    /// Sentences about entries that cannot be used, by their number.
    pub notes: Vec<String>,
}

#[derive(Deserialize)]
struct Archive {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    request: Request,
    response: Option<Response>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<Pair>,
    post_data: Option<PostData>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostData {
    #[serde(default)]
    mime_type: String,
    text: Option<String>,
    #[serde(default)]
    params: Vec<Param>,
    encoding: Option<String>,
}

#[derive(Deserialize)]
struct Pair {
    name: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Param {
    name: String,
    #[serde(default)]
    value: String,
    file_name: Option<String>,
}

#[derive(Deserialize)]
struct Response {
    status: i64,
    #[serde(default)]
    headers: Vec<Pair>,
    content: Option<Content>,
}

#[derive(Deserialize)]
struct Content {
    text: Option<String>,
    encoding: Option<String>,
}

/// Reads the entries whose path contains `wanted`; without it every POST.
pub fn read(text: &str, wanted: Option<&str>) -> Result<Read, HarError> {
    let text = text.trim_start_matches('\u{feff}');
    let archive: Archive =
        serde_json::from_str(text).map_err(|error| HarError::NotHar { line: error.line(), column: error.column() })?;
    let entries = archive.log.entries.len();
    let (mut deliveries, mut notes) = (Vec::new(), Vec::new());
    for (at, entry) in archive.log.entries.into_iter().enumerate() {
        let path = path_of(&entry.request.url).ok();
        let asked = match (wanted, &path) {
            (Some(wanted), Some(path)) => path.contains(wanted),
            (None, _) => entry.request.method.eq_ignore_ascii_case("POST"),
            (Some(_), None) => false,
        };
        if !asked {
            continue;
        }
        match path.ok_or("its address cannot be read").and_then(|path| delivery(entry, path)) {
            Ok(delivery) => deliveries.push(delivery),
            Err(why) => notes.push(format!("Entry {} was left out: {why}.", at + 1)),
        }
    }
    Ok(Read { deliveries, entries, notes })
}

fn delivery(entry: Entry, path: String) -> Result<Delivery, &'static str> {
    let method =
        Method::from_bytes(entry.request.method.to_ascii_uppercase().as_bytes()).map_err(|_| "its method cannot be read")?;
    let mut headers = headers(&entry.request.headers);
    let body = match entry.request.post_data {
        Some(data) => {
            if let Ok(media) = HeaderValue::try_from(data.mime_type.as_str())
                && !data.mime_type.is_empty()
            {
                headers.entry(header::CONTENT_TYPE).or_insert(media);
            }
            posted(data)?
        }
        None => Vec::new(),
    };
    // An archive has bodies as they were after decoding.
    headers.remove(header::CONTENT_ENCODING);
    let answer = entry.response.and_then(answered);
    Ok(Delivery { method, path, headers, body, answer, trace: None })
}

fn posted(data: PostData) -> Result<Vec<u8>, &'static str> {
    if let Some(text) = data.text.filter(|text| !text.is_empty()) {
        return decoded(text, data.encoding.as_deref()).ok_or("its body cannot be decoded");
    }
    if data.params.iter().any(|param| param.file_name.is_some()) {
        return Err("it uploads a file that the archive does not have");
    }
    let pair = |param: &Param| format!("{}={}", percent_encoded(&param.name, true), percent_encoded(&param.value, true));
    Ok(data.params.iter().map(pair).collect::<Vec<_>>().join("&").into_bytes())
}

/// A response with status 0 never came.
fn answered(response: Response) -> Option<Answer> {
    let status = StatusCode::from_u16(u16::try_from(response.status).ok()?).ok()?;
    let content = response.content.and_then(|content| decoded(content.text?, content.encoding.as_deref()));
    Some(Answer { status, headers: headers(&response.headers), body: content.unwrap_or_default() })
}

fn decoded(text: String, encoding: Option<&str>) -> Option<Vec<u8>> {
    match encoding {
        Some("base64") => STANDARD.decode(text).ok(),
        _ => Some(text.into_bytes()),
    }
}

/// HTTP/2's pseudo headers (`:path`) are none.
fn headers(pairs: &[Pair]) -> HeaderMap {
    let read =
        |pair: &Pair| Some((HeaderName::try_from(pair.name.as_str()).ok()?, HeaderValue::try_from(pair.value.as_str()).ok()?));
    let mut headers = HeaderMap::new();
    for (name, value) in pairs.iter().filter_map(read) {
        headers.append(name, value);
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    const HAR: &str = r#"{"log": {"version": "1.2", "entries": [
      {"request": {"method": "GET", "url": "http://a/page", "headers": []}, "response": {"status": 200, "headers": []}},
      {"request": {"method": "POST", "url": "http://a/hooks/orders?x=1", "headers": [{"name": ":path", "value": "/"}, {"name": "X-Event-Type", "value": "order.created"}],
        "postData": {"mimeType": "application/json", "text": "{\"a\":1}"}},
       "response": {"status": 202, "headers": [], "content": {"text": "eyJvayI6dHJ1ZX0=", "encoding": "base64"}}},
      {"request": {"method": "post", "url": "http://a/form", "postData": {"mimeType": "application/x-www-form-urlencoded", "params": [{"name": "a b", "value": "c&d"}]}},
       "response": {"status": 0}},
      {"request": {"method": "POST", "url": "http://a/up", "postData": {"params": [{"name": "f", "fileName": "x.png"}]}}, "response": null}
    ]}}"#;

    #[test]
    fn posts_are_taken_with_their_answers() {
        let read = read(HAR, None).unwrap();
        assert_eq!((read.entries, read.deliveries.len()), (4, 2));
        assert_eq!(read.notes, ["Entry 4 was left out: it uploads a file that the archive does not have."]);
        let [order, form] = &read.deliveries[..] else { panic!() };
        assert_eq!((order.path.as_str(), order.body.as_slice()), ("/hooks/orders?x=1", &b"{\"a\":1}"[..]));
        assert_eq!(order.headers["content-type"], "application/json");
        let answer = order.answer.as_ref().unwrap();
        assert_eq!((answer.status.as_u16(), answer.body.as_slice()), (202, &b"{\"ok\":true}"[..]));
        assert_eq!((form.method.as_str(), form.body.as_slice(), form.answer.is_none()), ("POST", &b"a+b=c%26d"[..], true));
    }

    #[test]
    fn a_path_selects_whatever_the_method() {
        let read = |wanted| read(HAR, Some(wanted)).unwrap().deliveries.len();
        assert_eq!((read("/page"), read("/hooks/"), read("/none")), (1, 1, 0));
        for wrong in ["", "[]", "{\"log\":{}}", "hunter2"] {
            let error = super::read(wrong, None).unwrap_err().to_string();
            assert!(error.starts_with("it is not an HTTP archive") && !error.contains("hunter2"), "{error}");
        }
    }
}
