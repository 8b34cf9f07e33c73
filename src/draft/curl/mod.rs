//! A curl command as the delivery that it would send.
//!
//! Called by `cli` for `devstack from curl`. Options that say nothing of the request (`-s`, `-i`, `--max-time`) are passed over; one that
//! nobody here knows is refused, because its value would be taken for the address.

mod options;

use std::path::{Path, PathBuf};

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};

use self::options::{is_bundle, is_silent, taken_apart, takes_value};
use super::{Delivery, forms::percent_encoded};
use crate::{fixture::LARGEST_BODY, support::disk};

/// A delivery, and what of the command was left out.
#[derive(Debug)]
pub struct Read {
    /// The delivery.
    pub delivery: Delivery,
    /// Sentences about what was left out.
    pub notes: Vec<String>,
}

/// Why a command is no delivery. No value of it is quoted.
#[derive(Debug, thiserror::Error)]
pub enum CurlError {
    /// The quotes do not match.
    #[error("the command's quotes do not match")]
    Quotes,
    /// It is some other command.
    #[error("it does not begin with `curl`")]
    NotCurl,
    /// An option that is not known.
    #[error("`{option}` is not an option that devstack reads")]
    Option {
        /// The option, without its value.
        option: String,
    },
    /// An option stands at the end and wants a value.
    #[error("`{option}` has no value")]
    Value {
        /// The option.
        option: String,
    },
    /// No address, or several.
    #[error("there must be one address, and there are {found}")]
    Address {
        /// How many there are.
        found: usize,
    },
    /// The address is none.
    #[error("its address cannot be read")]
    Url,
    /// A header is none; its value is not told.
    #[error("the {nth}. header cannot be read")]
    Header {
        /// Which, from 1.
        nth: usize,
    },
    /// The method is none.
    #[error("its method cannot be read")]
    Method,
    /// A file with data cannot be read.
    #[error("cannot read the data in `{}`: {why}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// It sends a form with files.
    #[error("`--form` sends multipart bodies, which are not drafted; save the body and give it with `--data-binary @FILE`")]
    Form,
}

#[derive(Default)]
struct Reading {
    method: Option<String>,
    urls: Vec<String>,
    headers: Vec<String>,
    data: Vec<Vec<u8>>,
    json: bool,
    get: bool,
    head: bool,
    notes: Vec<String>,
}

/// Reads a command; `@FILE`s of its data lie below `folder` unless they are absolute.
pub fn read(command: &str, folder: &Path) -> Result<Read, CurlError> {
    // Copied from a browser or a manual, with lines continued.
    let joined = command.replace("\\\r\n", " ").replace("\\\n", " ");
    let words = shell_words::split(joined.trim().trim_start_matches("$ ")).map_err(|_| CurlError::Quotes)?;
    let mut words = words.into_iter();
    if words.next().is_none_or(|first| Path::new(&first).file_stem().is_none_or(|name| name != "curl")) {
        return Err(CurlError::NotCurl);
    }
    let mut reading = Reading::default();
    while let Some(word) = words.next() {
        reading.word(&word, &mut words, folder)?;
    }
    reading.finish()
}

impl Reading {
    fn word(&mut self, word: &str, rest: &mut impl Iterator<Item = String>, folder: &Path) -> Result<(), CurlError> {
        if !word.starts_with('-') || word == "-" {
            self.urls.push(word.to_owned());
            return Ok(());
        }
        if is_silent(word) {
            return Ok(());
        }
        let (option, attached) = taken_apart(word);
        match option {
            "-G" | "--get" => self.get = true,
            "-I" | "--head" => self.head = true,
            "-F" | "--form" | "--form-string" => return Err(CurlError::Form),
            _ if is_bundle(word) => {}
            _ => {
                let known = takes_value(option);
                if !known {
                    // What follows a single letter may be a value.
                    let letters = if option.starts_with("--") { usize::MAX } else { 2 };
                    return Err(CurlError::Option { option: option.chars().take(letters).collect() });
                }
                let value = attached.map(str::to_owned).or_else(|| rest.next());
                let value = value.ok_or_else(|| CurlError::Value { option: option.to_owned() })?;
                self.option(option, value, folder)?;
            }
        }
        Ok(())
    }

    fn option(&mut self, option: &str, value: String, folder: &Path) -> Result<(), CurlError> {
        match option {
            "-X" | "--request" => self.method = Some(value),
            "--url" => self.urls.push(value),
            "-H" | "--header" => self.headers.push(value),
            "-b" | "--cookie" => self.headers.push(format!("cookie: {value}")),
            "-u" | "--user" | "--oauth2-bearer" => {
                self.notes.push(format!("`{option}` was left out: a fixture holds no credentials."));
            }
            "-d" | "--data" | "--data-ascii" => {
                let bytes = data(&value, folder, true)?;
                // curl takes line breaks out of files here, and only here.
                let from_file = value.starts_with('@');
                self.data.push(bytes.into_iter().filter(|byte| !from_file || !matches!(byte, b'\r' | b'\n')).collect());
            }
            "--data-binary" => self.data.push(data(&value, folder, true)?),
            "--data-raw" => self.data.push(value.into_bytes()),
            "--json" => {
                self.json = true;
                self.data.push(data(&value, folder, true)?);
            }
            "--data-urlencode" => self.data.push(encoded(&value, folder)?),
            // The sender's name and page, and what changes nothing.
            _ => {}
        }
        Ok(())
    }

    fn finish(self) -> Result<Read, CurlError> {
        let [url] = self.urls.as_slice() else { return Err(CurlError::Address { found: self.urls.len() }) };
        let mut path = path_of(url)?;
        let joint: &[u8] = if self.json { b"" } else { b"&" };
        let mut body = self.data.join(joint);
        let has_data = !self.data.is_empty();
        if self.get && has_data {
            let query = String::from_utf8(std::mem::take(&mut body)).map_err(|_| CurlError::Url)?;
            path.push(if path.contains('?') { '&' } else { '?' });
            path.push_str(&query);
        }
        let mut headers = headers(&self.headers)?;
        if has_data && !self.get && !headers.contains_key(header::CONTENT_TYPE) {
            let media = if self.json { "application/json" } else { "application/x-www-form-urlencoded" };
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
        }
        let usual = match (self.head, has_data && !self.get) {
            (true, _) => "HEAD",
            (_, true) => "POST",
            _ => "GET",
        };
        let method = self.method.as_deref().unwrap_or(usual);
        let method = Method::from_bytes(method.as_bytes()).map_err(|_| CurlError::Method)?;
        let delivery = Delivery { method, path, headers, body, answer: None, trace: None };
        Ok(Read { delivery, notes: self.notes })
    }
}

fn data(value: &str, folder: &Path, may_name_file: bool) -> Result<Vec<u8>, CurlError> {
    let Some(name) = value.strip_prefix('@').filter(|_| may_name_file) else { return Ok(value.as_bytes().to_vec()) };
    let path = folder.join(name);
    disk::read(&path, LARGEST_BODY).map_err(|error| CurlError::File { path: PathBuf::from(name), why: error.to_string() })
}

/// `content`, `=content`, `name=content`, `@file`, `name@file`: only the content is encoded.
fn encoded(value: &str, folder: &Path) -> Result<Vec<u8>, CurlError> {
    let at = value.find(['=', '@']);
    let (name, content) = match at {
        Some(at) if value[at..].starts_with('=') => (&value[..at], value.as_bytes()[at + 1..].to_vec()),
        Some(at) => (&value[..at], data(&value[at..], folder, true)?),
        None => ("", value.as_bytes().to_vec()),
    };
    let content = percent_encoded(&String::from_utf8_lossy(&content), false);
    Ok(if name.is_empty() { content } else { format!("{name}={content}") }.into_bytes())
}

/// The path and the query of an address, with or without its scheme.
pub(super) fn path_of(url: &str) -> Result<String, CurlError> {
    let whole = if url.contains("://") || url.starts_with('/') { url.to_owned() } else { format!("http://{url}") };
    let whole = whole.split('#').next().unwrap_or_default();
    let uri: Uri = whole.parse().map_err(|_| CurlError::Url)?;
    Ok(uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string))
}

fn headers(lines: &[String]) -> Result<HeaderMap, CurlError> {
    let mut headers = HeaderMap::new();
    for (at, line) in lines.iter().enumerate() {
        let wrong = CurlError::Header { nth: at + 1 };
        // `-H 'Accept:'` takes a header away, `-H 'X-Empty;'` sends it empty.
        let (name, value) = match line.split_once(':') {
            Some((_, value)) if value.trim().is_empty() => continue,
            Some((name, value)) => (name, value.trim()),
            None => (line.trim_end_matches(';'), ""),
        };
        match (HeaderName::try_from(name.trim()), HeaderValue::try_from(value)) {
            (Ok(name), Ok(value)) => drop(headers.append(name, value)),
            _ => return Err(wrong),
        }
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(command: &str) -> Delivery {
        read(command, Path::new("/nowhere")).unwrap_or_else(|error| panic!("{command}: {error}")).delivery
    }

    #[test]
    fn commands_are_read_as_curl_would_send_them() {
        for (command, method, path, body, content_type) in [
            ("curl http://a/x", "GET", "/x", "", ""),
            ("curl a.example:3000/x?y=1#z", "GET", "/x?y=1", "", ""),
            ("curl -X POST http://a", "POST", "/", "", ""),
            ("curl -XPUT http://a -d a=1 -d b=2", "PUT", "/", "a=1&b=2", "application/x-www-form-urlencoded"),
            ("curl http://a --json '{\"a\": \"it'\\''s\"}'", "POST", "/", "{\"a\": \"it's\"}", "application/json"),
            ("curl -sSi http://a --data-raw '@x' -H 'Content-Type: text/plain'", "POST", "/", "@x", "text/plain"),
            ("curl -G http://a/s?p=1 --data-urlencode 'q=a b&c'", "GET", "/s?p=1&q=a%20b%26c", "", ""),
            (
                "$ curl --request=POST \\\n  --url http://a/y \\\n  --data \"$'x'\"",
                "POST",
                "/y",
                "$'x'",
                "application/x-www-form-urlencoded",
            ),
            ("curl -I http://a/z", "HEAD", "/z", "", ""),
        ] {
            let got = delivery(command);
            let media = got.headers.get("content-type").map_or("", |value| value.to_str().unwrap());
            let body_got = String::from_utf8(got.body.clone()).unwrap();
            assert_eq!(
                (got.method.as_str(), got.path.as_str(), body_got.as_str(), media),
                (method, path, body, content_type),
                "{command}"
            );
        }
    }

    #[test]
    fn credentials_are_left_out_with_a_word() {
        let read = read("curl -u ana:hunter2 http://a -H 'X-A: 1' -H 'x-a: 2' -H 'Accept:'", Path::new(".")).unwrap();
        assert_eq!(read.notes, ["`-u` was left out: a fixture holds no credentials."]);
        assert_eq!(read.delivery.headers.get_all("x-a").iter().count(), 2);
        assert!(!read.delivery.headers.contains_key("accept"));
    }

    #[test]
    fn what_is_wrong_is_said_without_values() {
        for (command, words) in [
            ("curl 'http://a", "the command's quotes do not match"),
            ("wget http://a", "it does not begin with `curl`"),
            ("curl --hunter2 http://a", "`--hunter2` is not an option that devstack reads"),
            ("curl -Zhunter2 http://a", "`-Z` is not an option that devstack reads"),
            ("curl http://a -H", "`-H` has no value"),
            ("curl http://a http://b", "there must be one address, and there are 2"),
            ("curl -X POST", "there must be one address, and there are 0"),
            ("curl http://a -H 'no colon and spaces hunter2'", "the 1. header cannot be read"),
            ("curl http://a -d @missing.json", "cannot read the data in `missing.json`: it is not there"),
            (
                "curl http://a -F file=@x",
                "`--form` sends multipart bodies, which are not drafted; save the body and give it with `--data-binary @FILE`",
            ),
        ] {
            assert_eq!(read(command, Path::new("/nowhere")).unwrap_err().to_string(), words, "{command}");
        }
    }
}
