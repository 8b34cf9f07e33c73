//! The form of an image's name: registry, repository, tag, digest.
//!
//! Called by `formats`. A tag or a digest must be there: without one the image of today and that of tomorrow have the same name.

use crate::support::yaml::shape::Complaint;

/// Checks `[REGISTRY[:PORT]/]NAME[/NAME…][:TAG][@sha256:…]`.
pub(super) fn image(text: &str) -> Result<(), Complaint> {
    let wrong = |label: &str| Complaint::new(format!("`{text}` is not an image"), label);
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (text, None),
    };
    let (path, tag) = match rest.rsplit_once(':') {
        Some((path, tag)) if !tag.contains('/') => (path, Some(tag)),
        _ => (rest, None),
    };
    if path.is_empty() {
        return Err(wrong("its name is missing"));
    }
    let mut parts: Vec<&str> = path.split('/').collect();
    if parts.len() > 1 && is_registry(parts[0]) {
        parts.remove(0);
    }
    if !parts.iter().all(|part| is_name(part)) {
        return Err(wrong("small letters, digits and single `.`, `_`, `-` between slashes"));
    }
    if tag.is_some_and(|tag| !is_tag(tag)) {
        return Err(wrong("its tag cannot be read"));
    }
    if digest.is_some_and(|digest| !is_digest(digest)) {
        return Err(wrong("its digest is not `sha256:` and 64 digits"));
    }
    if tag.is_none() && digest.is_none() {
        return Err(Complaint::new(format!("`{text}` does not say which version"), "no tag").help(format!("write `{text}:TAG`")));
    }
    Ok(())
}

/// The first part is a registry when it cannot be a folder: with a dot, a port, or `localhost`.
fn is_registry(part: &str) -> bool {
    let (host, port) = part.split_once(':').map_or((part, None), |(host, port)| (host, Some(port)));
    let looks_so = host == "localhost" || host.contains('.') || port.is_some();
    looks_so
        && !host.is_empty()
        && host.chars().all(|ch| ch.is_ascii_alphanumeric() || matches!(ch, '.' | '-'))
        && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

fn is_name(part: &str) -> bool {
    let edge = |ch: char| ch.is_ascii_lowercase() || ch.is_ascii_digit();
    part.starts_with(edge) && part.ends_with(edge) && part.chars().all(|ch| edge(ch) || matches!(ch, '.' | '_' | '-'))
}

fn is_tag(tag: &str) -> bool {
    let word = |ch: char| ch.is_ascii_alphanumeric() || ch == '_';
    tag.len() <= 128 && tag.starts_with(word) && tag.chars().all(|ch| word(ch) || matches!(ch, '.' | '-'))
}

fn is_digest(digest: &str) -> bool {
    let small_hex = |ch: char| ch.is_ascii_digit() || ('a'..='f').contains(&ch);
    digest.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 64 && hex.chars().all(small_hex))
}

#[cfg(test)]
mod tests {
    use super::image;

    #[test]
    fn images_say_which_version() {
        let digest = format!("a@sha256:{}", "0f".repeat(32));
        for right in ["redis:8", "grafana/tempo:3.0.3", "localhost:5000/a/b:x", "r.example.com/a_b/c-d:1_2", digest.as_str()] {
            assert_eq!(image(right), Ok(()), "{right}");
        }
        for wrong in [
            "",
            ":",
            "redis",
            "Redis:8",
            "a//b:1",
            "-a:1",
            "a:",
            "a:b c",
            "a@sha256:12",
            "a:1@md5:00",
            "host:x/a:1",
            "localhost:5000/a",
        ] {
            assert!(image(wrong).is_err(), "{wrong}");
        }
    }
}
