//! Floating point numbers that survive JSON: NaN and the infinities travel as text, as OTLP/JSON writes them.
//!
//! Read by the model's types (`#[serde(with = "real")]`) and by whoever needs a total equality of numbers.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Equal for equal numbers: both zeroes share a key, and so do all NaNs.
pub fn key(number: f64) -> u64 {
    if number.is_nan() {
        f64::NAN.to_bits()
    } else if number == 0.0 {
        0
    } else {
        number.to_bits()
    }
}

/// Writes a number, or its name where JSON has none.
pub fn serialize<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    Wire::from(*number).serialize(serializer)
}

/// Reads what [`serialize`] wrote.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Wire::deserialize(deserializer)?.number().map_err(D::Error::custom)
}

/// The same for a number that may be absent.
pub mod option {
    use super::{Deserialize, Deserializer, Serialize, Serializer, Wire};
    use serde::de::Error as _;

    /// Writes `null` for none.
    pub fn serialize<S: Serializer>(number: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
        number.map(Wire::from).serialize(serializer)
    }

    /// Reads what [`serialize`] wrote.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
        Option::<Wire>::deserialize(deserializer)?.map(Wire::number).transpose().map_err(D::Error::custom)
    }
}

/// The same for a list of numbers.
pub mod list {
    use super::{Deserialize, Deserializer, Serializer, Wire};
    use serde::de::Error as _;

    /// Writes an array.
    pub fn serialize<S: Serializer>(numbers: &[f64], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(numbers.iter().copied().map(Wire::from))
    }

    /// Reads what [`serialize`] wrote.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
        Vec::<Wire>::deserialize(deserializer)?.into_iter().map(Wire::number).collect::<Result<_, _>>().map_err(D::Error::custom)
    }
}

/// A number as JSON can carry it.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Wire {
    Number(f64),
    Name(String),
}

impl From<f64> for Wire {
    fn from(number: f64) -> Self {
        if number.is_finite() {
            Self::Number(number)
        } else if number.is_nan() {
            Self::Name("NaN".to_owned())
        } else if number > 0.0 {
            Self::Name("Infinity".to_owned())
        } else {
            Self::Name("-Infinity".to_owned())
        }
    }
}

impl Wire {
    fn number(self) -> Result<f64, String> {
        match self {
            Self::Number(number) => Ok(number),
            Self::Name(name) => match name.as_str() {
                "NaN" => Ok(f64::NAN),
                "Infinity" => Ok(f64::INFINITY),
                "-Infinity" => Ok(f64::NEG_INFINITY),
                _ => Err(format!("`{name}` is not a number, `NaN`, `Infinity` or `-Infinity`")),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::model::Value;

    #[test]
    fn numbers_that_json_lacks_come_back_as_they_were() {
        for number in [0.1 + 0.2, f64::MIN_POSITIVE, f64::MAX, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let text = serde_json::to_string(&Value::Double(number)).unwrap();
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), Value::Double(number), "{text}");
        }
    }
}
