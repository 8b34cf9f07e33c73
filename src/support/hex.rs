//! Fixed-size ids in lower-case hex.
//!
//! Read by `model` for trace and span ids.

/// Parses exactly `2 * N` hex digits of either case; `None` for anything else.
pub fn parse<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || text.starts_with("0x") {
        return None;
    }
    const_hex::decode_to_array(text).ok()
}
