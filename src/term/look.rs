//! What a stream can show and in which style: width, colour, UTF-8, links, and the named roles of text.
//!
//! Built once per stream by [`Ui`](super::Ui) from options and environment, read by everything that draws. Call sites name a
//! [`Role`], never a colour.

use std::str::FromStr;

use anstyle::{Ansi256Color, AnsiColor, Color, Style};

use crate::support::env::Env;

/// The width that every drawing must fit, and the one assumed where there is no terminal.
pub const DEFAULT_WIDTH: usize = 80;

/// Narrower terminals are drawn to as if they had this many columns.
const LEAST_WIDTH: usize = 40;

/// `--color`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColorOption {
    /// Colour on a terminal, unless the environment says otherwise (`NO_COLOR`, `CLICOLOR_FORCE`, `TERM=dumb`).
    #[default]
    Auto,
    /// Colour everywhere.
    Always,
    /// No colour and no links anywhere.
    Never,
}

/// A word that is none of [`ColorOption`]'s.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be `auto`, `always` or `never`")]
pub struct NotAColorOption;

/// What a stream can show. A plain value: tests and file formats make their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Columns.
    pub width: usize,
    /// Whether escape sequences for style may be written.
    pub color: bool,
    /// Whether more than ASCII can be shown.
    pub unicode: bool,
    /// Whether OSC 8 links are understood.
    pub links: bool,
}

/// What a piece of text is, from which follows how it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// A heading: the name of a case, a trace.
    Heading,
    /// Went well.
    Good,
    /// Went wrong.
    Bad,
    /// Could not be decided.
    Unsure,
    /// Worth a look.
    Warning,
    /// The word `error` of a message.
    Error,
    /// The word `hint` of a message, and what is suggested.
    Hint,
    /// Of less weight: counts, borders, times.
    Dim,
    /// Differs from what was expected.
    Changed,
    /// Expected and not there.
    Missing,
    /// There and not expected.
    Unexpected,
    /// The caret under text a user wrote.
    Caret,
}

impl FromStr for ColorOption {
    type Err = NotAColorOption;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "auto" => Ok(Self::Auto),
            "always" => Ok(Self::Always),
            "never" => Ok(Self::Never),
            _ => Err(NotAColorOption),
        }
    }
}

impl Role {
    fn style(self) -> Style {
        let colored = |color: AnsiColor| Style::new().fg_color(Some(color.into()));
        match self {
            Self::Heading => Style::new().bold(),
            Self::Good | Self::Unexpected => colored(AnsiColor::Green),
            Self::Bad | Self::Missing => colored(AnsiColor::Red),
            Self::Error => colored(AnsiColor::Red).bold(),
            Self::Unsure | Self::Warning | Self::Changed => colored(AnsiColor::Yellow),
            Self::Hint => colored(AnsiColor::Cyan),
            Self::Dim => Style::new().dimmed(),
            Self::Caret => colored(AnsiColor::Magenta),
        }
    }
}

/// Colours of services: of medium lightness, so that they read on dark and light backgrounds, and none of the colours that mean
/// good or bad. The web UI uses the same table.
pub const SERVICE_COLORS: [u8; 12] = [33, 172, 135, 37, 169, 99, 136, 74, 133, 67, 173, 30];

/// The entry of [`SERVICE_COLORS`] for a service: the same name gets the same colour everywhere, always (FNV-1a of the name).
pub fn service_color(service: &str) -> u8 {
    let hash =
        service.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    SERVICE_COLORS[(hash % SERVICE_COLORS.len() as u64) as usize]
}

impl Look {
    /// The look of a stream, decided from the option, the environment and whether it is a terminal (then with its columns).
    pub fn decide(option: ColorOption, env: &dyn Env, terminal: bool, columns: Option<usize>) -> Self {
        let color = color_wanted(option, env, terminal);
        let width = env.get("COLUMNS").and_then(|text| text.parse().ok()).or(columns).unwrap_or(DEFAULT_WIDTH).max(LEAST_WIDTH);
        Self { width, color, unicode: speaks_utf8(env), links: color && terminal && super::links::understood(env) }
    }

    /// No colour, no links, UTF-8, 80 columns: what files get.
    pub fn plain() -> Self {
        Self { width: DEFAULT_WIDTH, color: false, unicode: true, links: false }
    }

    /// The same with another width.
    #[must_use]
    pub fn wide(mut self, width: usize) -> Self {
        self.width = width.max(LEAST_WIDTH);
        self
    }

    /// `text` in the style of its role.
    pub fn paint(&self, role: Role, text: &str) -> String {
        self.styled(role.style(), text)
    }

    /// `text` in the colour of a service.
    pub fn paint_service(&self, service: &str, text: &str) -> String {
        self.styled(Style::new().fg_color(Some(Color::Ansi256(Ansi256Color(service_color(service))))), text)
    }

    /// The first where UTF-8 is shown, else the second.
    pub fn glyph<'a>(&self, unicode: &'a str, ascii: &'a str) -> &'a str {
        if self.unicode { unicode } else { ascii }
    }

    /// What stands for text that was left out.
    pub fn ellipsis(&self) -> &'static str {
        if self.unicode { "…" } else { "~" }
    }

    /// What separates facts on a line.
    pub fn dot(&self) -> &'static str {
        if self.unicode { "·" } else { "-" }
    }

    fn styled(&self, style: Style, text: &str) -> String {
        // Space at the end stays outside, where whoever ends the line can trim it.
        let words = text.trim_end();
        if !self.color || words.is_empty() {
            return text.to_owned();
        }
        format!("{}{words}{}{}", style.render(), style.render_reset(), &text[words.len()..])
    }
}

/// `NO_COLOR` (no-color.org) and `CLICOLOR_FORCE` (bixense.com/clicolors) decide only what the option leaves open.
fn color_wanted(option: ColorOption, env: &dyn Env, terminal: bool) -> bool {
    match option {
        ColorOption::Always => true,
        ColorOption::Never => false,
        ColorOption::Auto if env.get("NO_COLOR").is_some() => false,
        ColorOption::Auto if env.get("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
        ColorOption::Auto => terminal && !is_dumb(env) && env.get("CLICOLOR").is_none_or(|value| value != "0"),
    }
}

/// Whether the terminal says of itself that it can do nothing but lines.
pub(super) fn is_dumb(env: &dyn Env) -> bool {
    env.get("TERM").is_some_and(|term| term == "dumb")
}

/// POSIX: `LC_ALL` before `LC_CTYPE` before `LANG`. With none of them set, as in most containers, UTF-8 is what terminals speak.
fn speaks_utf8(env: &dyn Env) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| env.get(name));
    locale.is_none_or(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

#[cfg(test)]
mod tests {
    use super::{ColorOption, Look, Role, service_color};
    use crate::support::env::Map;

    fn env(pairs: &[(&str, &str)]) -> Map {
        pairs.iter().copied().collect()
    }

    fn colored(option: ColorOption, pairs: &[(&str, &str)], terminal: bool) -> bool {
        Look::decide(option, &env(pairs), terminal, None).color
    }

    #[test]
    fn the_option_beats_the_environment_which_beats_the_terminal() {
        assert!(colored(ColorOption::Auto, &[], true));
        assert!(!colored(ColorOption::Auto, &[], false));
        assert!(!colored(ColorOption::Auto, &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], true));
        assert!(!colored(ColorOption::Auto, &[("TERM", "dumb")], true));
        assert!(colored(ColorOption::Auto, &[("CLICOLOR_FORCE", "1")], false));
        assert!(!colored(ColorOption::Auto, &[("CLICOLOR_FORCE", "0")], false));
        assert!(colored(ColorOption::Always, &[("NO_COLOR", "1")], false));
        assert!(!colored(ColorOption::Never, &[("CLICOLOR_FORCE", "1")], true));
    }

    #[test]
    fn columns_come_from_the_environment_then_the_terminal_then_eighty() {
        let width = |pairs: &[(&str, &str)], columns| Look::decide(ColorOption::Auto, &env(pairs), true, columns).width;
        assert_eq!(width(&[("COLUMNS", "132")], Some(90)), 132);
        assert_eq!(width(&[("COLUMNS", "wide")], Some(90)), 90);
        assert_eq!(width(&[], None), 80);
        assert_eq!(width(&[], Some(7)), 40);
    }

    #[test]
    fn a_locale_without_utf_8_gets_ascii_and_no_locale_gets_utf_8() {
        let unicode = |pairs: &[(&str, &str)]| Look::decide(ColorOption::Auto, &env(pairs), true, None).unicode;
        assert!(unicode(&[]));
        assert!(unicode(&[("LANG", "de_DE.UTF-8")]));
        assert!(unicode(&[("LC_ALL", "C.utf8"), ("LANG", "C")]));
        assert!(!unicode(&[("LC_ALL", "C"), ("LANG", "de_DE.UTF-8")]));
    }

    #[test]
    fn plain_text_has_no_escapes_and_colour_ends_where_it_began() {
        assert_eq!(Look::plain().paint(Role::Bad, "no"), "no");
        let look = Look { color: true, ..Look::plain() };
        assert_eq!(look.paint(Role::Bad, "no"), "\u{1b}[31mno\u{1b}[0m");
        assert_eq!(look.paint(Role::Bad, ""), "");
    }

    #[test]
    fn the_services_of_the_guide_have_colours_of_their_own() {
        let colors = ["medicalcor-api", "medicalcor-trigger", "medicalcor-web", "devstack"].map(service_color);
        let distinct: std::collections::BTreeSet<_> = colors.iter().collect();
        assert_eq!(distinct.len(), colors.len(), "{colors:?}");
    }
}
