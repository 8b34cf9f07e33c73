//! Forms of text that files of several rooms have: durations.
//!
//! Named by the tables of `expect` and `stack`, whose decoders parse with the same functions.

use std::time::Duration;

use jiff::SignedDuration;

use super::shape::{Complaint, Format};

/// `1s`, `200ms`, `1m 30s`: a duration that is not negative.
pub static DURATION: Format =
    Format { what: "a duration such as `200ms` or `1m 30s`", pattern: r"^[^-]*[0-9]", check: |text| duration(text).map(drop) };

/// Parses a duration that is not negative.
pub fn duration(text: &str) -> Result<Duration, Complaint> {
    let wrong =
        |label: &str| Complaint::new(format!("`{text}` is not a duration"), label).help("write `200ms`, `5s` or `1m 30s`");
    let bare = text.trim().chars().all(|c| c.is_ascii_digit() || c == '.');
    if bare {
        return Err(wrong("its unit is missing"));
    }
    let parsed: SignedDuration = text.parse().map_err(|_| wrong("cannot be read"))?;
    Duration::try_from(parsed).map_err(|_| wrong("negative"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::duration;

    #[test]
    fn durations_have_a_unit_and_no_sign() {
        assert_eq!(duration("200ms"), Ok(Duration::from_millis(200)));
        assert_eq!(duration("1m 30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("0s"), Ok(Duration::ZERO));
        for wrong in ["", "5", "1.5", "-1s", "soon", "1 parsec", "P1Y"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
