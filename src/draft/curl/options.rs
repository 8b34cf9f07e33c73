//! curl's options: which there are, which hold a value, and how a word of a command line is taken apart.
//!
//! Read by [`super`].

/// Without a value, and nothing of the request changes by them.
const SILENT: &str = "-s --silent -S --show-error -i --include -v --verbose -k --insecure -L --location -f --fail --compressed -N \
    --no-buffer -# --progress-bar --http1.1 --http2 -O -g --globoff --fail-with-body -q";
/// With a value, and nothing of the request changes by them.
const SILENT_VALUE: &str = "-o --output -m --max-time --connect-timeout --retry -w --write-out --cacert -x --proxy --resolve --retry-delay \
    -D";
/// With a value that is looked at, or left out with a word.
const READ: &str = "-X --request --url -H --header -A --user-agent -e --referer -b --cookie -u --user -d --data --data-ascii \
    --data-binary --data-raw --json --data-urlencode --oauth2-bearer";
/// Options with a value, by their first letter, that may stand together with it: `-XPOST`.
const LETTERS: &str = "XHduAebomwxDF";

fn has(list: &str, option: &str) -> bool {
    list.split(' ').any(|known| known == option)
}

/// Whether it has no value and changes nothing.
pub(super) fn is_silent(option: &str) -> bool {
    has(SILENT, option)
}

/// `-XPOST` and `--request=POST` hold their value.
pub(super) fn taken_apart(word: &str) -> (&str, Option<&str>) {
    if word.starts_with("--") {
        return word.split_once('=').map_or((word, None), |(option, value)| (option, Some(value)));
    }
    match word.char_indices().nth(2) {
        Some((at, _)) if word[1..].starts_with(|letter| LETTERS.contains(letter)) => (&word[..at], Some(&word[at..])),
        _ => (word, None),
    }
}

/// `-sSik`: several letters that change nothing.
pub(super) fn is_bundle(word: &str) -> bool {
    !word.starts_with("--") && word.len() > 2 && word[1..].chars().all(|letter| is_silent(&format!("-{letter}")))
}

/// Whether a value follows; what is not known has none.
pub(super) fn takes_value(option: &str) -> bool {
    has(READ, option) || has(SILENT_VALUE, option)
}
