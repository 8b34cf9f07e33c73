//! Files of `NAME=value` lines, as `.env` readers of other tools have them.
//!
//! Read for `env_file` by `stack` and for `--env-file` by `cli`. Values may be secrets: no error shows one.

/// A line that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} {why}")]
pub struct BadLine {
    /// Its number, from 1.
    pub line: usize,
    /// What is wrong with it, without its content.
    pub why: &'static str,
}

/// The variables of a file, in its order; a name that comes twice has its last value.
///
/// `export` before a name is left out. A value in single quotes stays as it is, in double quotes `\n`, `\"`, `\\` and `\$` mean what
/// they mean elsewhere; both may go on over lines. A plain value ends before a `#` that follows a blank.
pub fn parse(text: &str) -> Result<Vec<(String, String)>, BadLine> {
    let mut variables: Vec<(String, String)> = Vec::new();
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut line = 1;
    while !rest.is_empty() {
        let (first, after) = rest.split_once('\n').unwrap_or((rest, ""));
        let trimmed = first.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            (rest, line) = (after, line + 1);
            continue;
        }
        let bad = |why| BadLine { line, why };
        let (name, _) = trimmed.split_once('=').ok_or_else(|| bad("has no `=`"))?;
        let name = name.trim().strip_prefix("export ").unwrap_or(name).trim();
        if !is_name(name) {
            return Err(bad("has something else than a name before its `=`"));
        }
        let value = &rest[rest.find('=').unwrap_or_default() + 1..];
        let value = value.trim_start_matches([' ', '\t']);
        let (value, left) = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => quoted(&value[1..], quote).ok_or_else(|| bad("has a quote that is not closed"))?,
            _ => {
                let (value, left) = value.split_once('\n').unwrap_or((value, ""));
                (plain(value).to_owned(), left)
            }
        };
        line += rest[..rest.len() - left.len()].matches('\n').count();
        rest = left;
        variables.retain(|(known, _)| known != name);
        variables.push((name.to_owned(), value));
    }
    Ok(variables)
}

fn is_name(name: &str) -> bool {
    name.starts_with(|ch: char| ch.is_ascii_alphabetic() || ch == '_')
        && name.chars().all(|ch| ch.is_ascii_alphanumeric() || matches!(ch, '_' | '.' | '-'))
}

fn plain(value: &str) -> &str {
    let value = if value.starts_with('#') { "" } else { value };
    let end = value.find(" #").or_else(|| value.find("\t#")).unwrap_or(value.len());
    value[..end].trim()
}

/// The value up to the closing quote, and what comes on the lines after it.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, ch)) = chars.next() {
        match ch {
            _ if ch == quote => {
                let left = &text[at + 1..];
                return Some((value, left.split_once('\n').map_or("", |(_, left)| left)));
            }
            '\\' if quote == '"' => match chars.next()?.1 {
                'n' => value.push('\n'),
                'r' => value.push('\r'),
                't' => value.push('\t'),
                ch @ ('"' | '\\' | '$' | '`') => value.push(ch),
                other => value.extend(['\\', other]),
            },
            ch => value.push(ch),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn what_other_readers_take_is_taken() {
        let text = "# comment\n\nA=1\n export B = two words # why\nC='it #is $raw\\n'\nD=\"a\\nb\\\"c\" # x\nE=\nF=a#b\nG=\"x\ny\"\nA=2\r\n";
        let pairs = parse(text).unwrap();
        let value = |name: &str| pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        assert_eq!(value("A"), Some("2"));
        assert_eq!(value("B"), Some("two words"));
        assert_eq!(value("C"), Some("it #is $raw\\n"));
        assert_eq!(value("D"), Some("a\nb\"c"));
        assert_eq!(value("E"), Some(""));
        assert_eq!(value("F"), Some("a#b"));
        assert_eq!(value("G"), Some("x\ny"));
        assert_eq!(pairs.len(), 7);
    }

    #[test]
    fn a_bad_line_is_named_by_its_number_and_not_shown() {
        let told = |text| parse(text).unwrap_err().to_string();
        assert_eq!(told("A=\"x\ny\"\nhunter2"), "line 3 has no `=`");
        assert_eq!(told("A=1\n1B=hunter2"), "line 2 has something else than a name before its `=`");
        assert_eq!(told("A='hunter2"), "line 1 has a quote that is not closed");
    }
}
