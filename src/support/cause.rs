//! The cause at the end of a chain of errors: clients say that they could not connect, the operating system says why.

use std::error::Error;

/// The words of the last cause.
pub fn innermost(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
