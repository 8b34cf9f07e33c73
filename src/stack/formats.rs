//! Forms of text in stack files: images, paths in containers, names, sizes, addresses with variables.
//!
//! The tables name them; the decoder parses with the same functions.

use std::sync::LazyLock;

use regex::Regex;

use super::{expand, image::image};
use crate::support::yaml::shape::{Complaint, Format};

/// An image with its tag or digest.
pub(super) static IMAGE: Format = Format {
    what: "an image such as `grafana/tempo:3.0.3`",
    pattern: r"^[a-z0-9A-Z][^\s]*(:[A-Za-z0-9_][A-Za-z0-9_.-]*|@sha256:[0-9a-f]{64})$",
    check: image,
};

/// An absolute path in a container.
pub(super) static CONTAINER_PATH: Format =
    Format { what: "an absolute path in the container", pattern: "^/[^/].*$", check: container_path };

/// The name of a component: it becomes a host name.
pub(super) static COMPONENT_NAME: Format =
    Format { what: "a component's name", pattern: "^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$", check: component_name };

/// The name of a port, a volume or a stack.
pub(super) static NAME: Format = Format { what: "a name", pattern: "^[A-Za-z0-9][A-Za-z0-9_.-]*$", check: name };

/// The name of an environment variable.
pub(super) static VARIABLE: Format = Format { what: "a variable", pattern: r"^[A-Za-z_][A-Za-z0-9_.-]*$", check: variable };

/// The name of an HTTP header.
pub(super) static HEADER: Format = Format { what: "a header name", pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", check: header_name };

/// So many bytes.
pub(super) static MEMORY: Format =
    Format { what: "a size such as `400MiB`", pattern: r"^[0-9]+ *([KMG]i?B)$", check: |text| memory(text).map(drop) };

/// A regular expression.
pub(super) static REGEX: Format = Format { what: "a regular expression", pattern: "", check: |text| regex(text).map(drop) };

/// `user`, `user:group`, also as numbers.
pub(super) static USER: Format = Format {
    what: "a user such as `10001:10001`",
    pattern: r"^[A-Za-z0-9_][A-Za-z0-9_.-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?$",
    check: user,
};

/// An address, or text that becomes one when its variables are replaced.
pub(super) static ADDRESS: Format =
    Format { what: "an address such as `http://tempo.example.com:3200`", pattern: r"^https?://[^\s]+$|\$\{", check: address };

/// Text that may have variables.
pub(super) static EXPANDED: Format = Format { what: "text", pattern: "", check: |text| expand::parts(text).map(drop) };

/// A path on the host's side of an HTTP request.
pub(super) static URL_PATH: Format = Format { what: "a path such as `/ready`", pattern: "^/[!-~]*$", check: url_path };

/// The least memory an engine gives a container: 6 MiB.
const LEAST_MEMORY: u64 = 6 * 1024 * 1024;

fn container_path(text: &str) -> Result<(), Complaint> {
    let wrong = |label: &str| Complaint::new(format!("`{text}` is not a path in a container"), label);
    match text {
        "/" => Err(wrong("the root itself")),
        text if !text.starts_with('/') => Err(wrong("relative").help(format!("it begins with a slash: `/{text}`"))),
        text if text.split('/').any(|part| part == ".." || part == ".") => Err(wrong("with a `.` or `..` in it")),
        text if text.ends_with('/') || text.contains("//") => Err(wrong("a slash too many")),
        _ => Ok(()),
    }
}

fn component_name(text: &str) -> Result<(), Complaint> {
    static FORM: LazyLock<Regex> =
        LazyLock::new(|| Regex::new("^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$").expect("the pattern is fixed"));
    let wrong = |label: &str| Complaint::new(format!("`{text}` cannot be a component's name"), label);
    if text == "devstack" {
        return Err(wrong("devstack's own receiver is called that"));
    }
    if FORM.is_match(text) {
        return Ok(());
    }
    Err(wrong("it becomes a host name").help("small letters, digits and dashes, a letter first, at most 63"))
}

fn name(text: &str) -> Result<(), Complaint> {
    let fits = text.starts_with(|ch: char| ch.is_ascii_alphanumeric())
        && text.chars().all(|ch| ch.is_ascii_alphanumeric() || matches!(ch, '_' | '.' | '-'));
    if fits {
        return Ok(());
    }
    let complaint = Complaint::new(format!("`{text}` cannot be a name"), "not a name");
    Err(complaint.help("letters, digits, `_`, `-` and `.`, beginning with a letter or a digit"))
}

/// Checks the name of a variable.
pub(super) fn variable(text: &str) -> Result<(), Complaint> {
    let fits = text.starts_with(|ch: char| ch.is_ascii_alphabetic() || ch == '_')
        && text.chars().all(|ch| ch.is_ascii_alphanumeric() || matches!(ch, '_' | '.' | '-'));
    let complaint = || Complaint::new(format!("`{text}` cannot be a variable's name"), "not a name");
    if fits { Ok(()) } else { Err(complaint().help("letters, digits and `_`, beginning with a letter")) }
}

fn header_name(text: &str) -> Result<(), Complaint> {
    let complaint = |_| Complaint::new(format!("`{text}` cannot be the name of a header"), "not a header name");
    http::HeaderName::try_from(text).map(drop).map_err(complaint)
}

/// Parses so many bytes: `400MiB`, `1GiB`; also decimal, `400MB`.
pub(super) fn memory(text: &str) -> Result<u64, Complaint> {
    let wrong = |label: &str| Complaint::new(format!("`{text}` is not a size"), label).help("write `400MiB` or `2GiB`");
    let digits = text.len() - text.trim_start_matches(|ch: char| ch.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let unit: u64 = match unit.trim_start_matches(' ') {
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "" => return Err(wrong("its unit is missing")),
        _ => return Err(wrong("the unit is one of KiB, MiB, GiB, KB, MB, GB")),
    };
    let number: u64 = number.parse().map_err(|_| wrong("no number"))?;
    let bytes = number.checked_mul(unit).filter(|bytes| i64::try_from(*bytes).is_ok()).ok_or_else(|| wrong("too large"))?;
    if bytes < LEAST_MEMORY {
        return Err(Complaint::new(format!("`{text}` is too little memory"), "at least 6MiB, or the engine refuses it"));
    }
    Ok(bytes)
}

/// Compiles a regular expression.
pub(super) fn regex(text: &str) -> Result<Regex, Complaint> {
    Regex::new(text).map_err(|error| {
        let error = error.to_string();
        // The crate draws the pattern with a caret of its own and says what is wrong in the last line.
        let what = error.lines().last().unwrap_or_default().trim();
        let what = what.strip_prefix("error: ").unwrap_or(what);
        Complaint::new(format!("bad regular expression: {what}"), "in this pattern")
    })
}

fn user(text: &str) -> Result<(), Complaint> {
    let mut parts = text.split(':');
    let fits = parts.by_ref().take(2).all(|part| name(part).is_ok() || (part.starts_with('_') && part.len() > 1));
    if fits && parts.next().is_none() {
        return Ok(());
    }
    Err(Complaint::new(format!("`{text}` is not a user"), "not a user").help("write `USER` or `USER:GROUP`, names or numbers"))
}

fn url_path(text: &str) -> Result<(), Complaint> {
    let wrong = |label: &str| Complaint::new(format!("`{text}` is not a path"), label);
    if !text.starts_with('/') {
        return Err(wrong("it begins with a slash"));
    }
    if text.chars().all(|ch| ch.is_ascii_graphic()) { Ok(()) } else { Err(wrong("blanks and other signs are written `%20`")) }
}

fn address(text: &str) -> Result<(), Complaint> {
    // What has variables can be looked at only when they are replaced.
    if expand::parts(text)?.iter().any(|part| matches!(part, expand::Part::Variable { .. })) {
        return Ok(());
    }
    url(text).map_err(|label| {
        // Not the address itself, which may hold a password.
        let complaint = Complaint::new("this is not an address", label);
        if text.contains("://") || text.contains('@') { complaint } else { complaint.help(format!("write `http://{text}`")) }
    })
}

/// Checks an address whose variables are replaced; the error says what is wrong with it without showing it, because it may hold a secret.
pub(super) fn url(text: &str) -> Result<(), &'static str> {
    let uri: http::Uri = text.parse().map_err(|_| "cannot be read")?;
    if !text.starts_with("http://") && !text.starts_with("https://") {
        return Err("it begins with neither `http://` nor `https://`");
    }
    let authority = uri.authority().ok_or("it has no host")?;
    if authority.as_str().contains('@') {
        return Err("a password would be shown: use `headers`");
    }
    if authority.host().is_empty() {
        return Err("it has no host");
    }
    if authority.as_str().len() > authority.host().len() && uri.port_u16().is_none_or(|port| port == 0) {
        return Err("its port is no number from 1 to 65535");
    }
    if uri.query().is_some() || text.contains('#') {
        return Err("only host, port and path, without `?` and `#`");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{address, component_name, container_path, memory, url, user};

    #[test]
    fn sizes_have_a_unit() {
        assert_eq!(memory("400MiB"), Ok(400 * 1024 * 1024));
        assert_eq!(memory("1 GB"), Ok(1_000_000_000));
        for wrong in ["", "400", "MiB", "400 mib", "1KiB", "-1MiB", "99999999999999999999GiB", "9999999999999GiB"] {
            assert!(memory(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn addresses_have_a_scheme_and_a_host_and_no_secret() {
        for right in ["http://tempo:3200", "https://a.example.com/tempo/", "http://[::1]:9090", "${X}", "http://${X:-a}:1"] {
            assert_eq!(address(right), Ok(()), "{right}");
        }
        for wrong in [
            "",
            "tempo:3200",
            "tempo",
            "ftp://a",
            "http://",
            "http://a:b",
            "http://a:99999",
            "http://u:p@a",
            "http://a?b=c",
            "${X",
        ] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
        assert_eq!(url("http://u:p@a"), Err("a password would be shown: use `headers`"));
    }

    #[test]
    fn names_become_host_names() {
        for right in ["tempo", "my-store2", "a"] {
            assert_eq!(component_name(right), Ok(()), "{right}");
        }
        for wrong in ["", "Tempo", "a_b", "a.b", "-a", "a-", "devstack", "2a"] {
            assert!(component_name(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn container_paths_are_absolute() {
        assert_eq!(container_path("/etc/tempo.yaml"), Ok(()));
        for wrong in ["", "/", "etc/x", "./x", "/a/../b", "/a/", "//a"] {
            assert!(container_path(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn users_have_at_most_a_group() {
        assert_eq!(user("10001:10001"), Ok(()));
        assert_eq!(user("nobody"), Ok(()));
        for wrong in ["", ":", "a:", "a:b:c", "a b"] {
            assert!(user(wrong).is_err(), "{wrong}");
        }
    }
}
