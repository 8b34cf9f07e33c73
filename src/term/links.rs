//! OSC 8 links: text that a terminal opens on a click.
//!
//! Written only where the terminal is known to understand them; elsewhere the text stands alone.

use std::path::Path;

use super::{Look, look::is_dumb};
use crate::support::env::Env;

/// VTE terminals before 0.50 printed the sequence as text.
const FIRST_VTE: u32 = 5000;

/// Whether the terminal of this environment understands OSC 8. `FORCE_HYPERLINK` decides where it is set.
pub fn understood(env: &dyn Env) -> bool {
    if let Some(forced) = env.get("FORCE_HYPERLINK") {
        return forced != "0";
    }
    if is_dumb(env) {
        return false;
    }
    let term = env.get("TERM").unwrap_or_default();
    // Multiplexers inherit the variables of the terminal around them without passing links on.
    if term.starts_with("screen") || term.starts_with("tmux") {
        return false;
    }
    let vte = env.get("VTE_VERSION").and_then(|text| text.parse::<u32>().ok()).is_some_and(|version| version >= FIRST_VTE);
    let program = env.get("TERM_PROGRAM").unwrap_or_default();
    vte || ["iTerm.app", "WezTerm", "vscode", "ghostty", "Hyper", "Tabby"].contains(&program.as_str())
        || ["WT_SESSION", "KITTY_WINDOW_ID", "KONSOLE_VERSION", "DOMTERM"].iter().any(|name| env.get(name).is_some())
        || ["kitty", "alacritty", "foot", "ghostty", "wezterm"].iter().any(|name| term.contains(name))
}

/// `text` as a link to `target`, where links are understood.
pub fn link(look: &Look, target: &str, text: &str) -> String {
    if look.links { format!("\u{1b}]8;;{target}\u{1b}\\{text}\u{1b}]8;;\u{1b}\\") } else { text.to_owned() }
}

/// `text` as a link to a file, which must be absolute to be one.
pub fn file_link(look: &Look, path: &Path, text: &str) -> String {
    if look.links && path.is_absolute() { link(look, &file_url(path), text) } else { text.to_owned() }
}

fn file_url(path: &Path) -> String {
    let mut url = String::from("file://");
    for byte in path.to_string_lossy().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => url.push(char::from(byte)),
            other => {
                url.push('%');
                url.push_str(&const_hex::encode_upper([other]));
            }
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{file_link, link, understood};
    use crate::{support::env::Map, term::Look};

    #[test]
    fn terminals_that_have_links_are_known_and_multiplexers_are_not_trusted() {
        let with = |pairs: &[(&str, &str)]| understood(&pairs.iter().copied().collect::<Map>());
        assert!(with(&[("VTE_VERSION", "7003")]));
        assert!(!with(&[("VTE_VERSION", "4205")]));
        assert!(with(&[("TERM", "xterm-kitty")]));
        assert!(!with(&[("TERM", "tmux-256color"), ("VTE_VERSION", "7003")]));
        assert!(with(&[("TERM", "tmux-256color"), ("FORCE_HYPERLINK", "1")]));
        assert!(!with(&[("TERM", "xterm-kitty"), ("FORCE_HYPERLINK", "0")]));
        assert!(!with(&[]));
    }

    #[test]
    fn a_link_wraps_its_text_and_a_path_is_escaped() {
        let look = Look { links: true, ..Look::plain() };
        assert_eq!(link(&look, "http://x/", "x"), "\u{1b}]8;;http://x/\u{1b}\\x\u{1b}]8;;\u{1b}\\");
        assert!(file_link(&look, Path::new("/a b/ö.yaml"), "f").contains("file:///a%20b/%C3%B6.yaml"));
        assert_eq!(file_link(&look, Path::new("a.yaml"), "f"), "f");
        assert_eq!(link(&Look::plain(), "http://x/", "x"), "x");
    }
}
