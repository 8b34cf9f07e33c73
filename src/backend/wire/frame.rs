//! gRPC's frame around a message: a flag that says whether it is packed, and its length.

use bytes::{BufMut, Bytes, BytesMut};

/// Flag and length before a message, in bytes.
pub(in crate::backend) const PREFIX: usize = 5;

/// Why a body is not the one message of a unary call.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::backend) enum FrameError {
    /// Nothing came, or less than it announced.
    #[error("the message is cut short: {got} of {announced} bytes came")]
    Short {
        /// How many bytes came, with flag and length.
        got: usize,
        /// How many should have come, with flag and length.
        announced: usize,
    },
    /// More than one message.
    #[error("{more} bytes follow the message; an export is one message")]
    More {
        /// How many bytes.
        more: usize,
    },
    /// The flag is neither 0 nor 1.
    #[error("the compression flag of the message is {flag}, not 0 or 1")]
    Flag {
        /// What it is.
        flag: u8,
    },
}

/// The message in the body of a unary call, and whether it is packed. Shares the body's memory.
pub(in crate::backend) fn unframe(body: &Bytes) -> Result<(Bytes, bool), FrameError> {
    let [flag, a, b, c, d, ..] = body[..] else {
        return Err(FrameError::Short { got: body.len(), announced: PREFIX });
    };
    let announced = u32::from_be_bytes([a, b, c, d]) as usize + PREFIX;
    if flag > 1 {
        Err(FrameError::Flag { flag })
    } else if body.len() < announced {
        Err(FrameError::Short { got: body.len(), announced })
    } else if body.len() > announced {
        Err(FrameError::More { more: body.len() - announced })
    } else {
        Ok((body.slice(PREFIX..), flag == 1))
    }
}

/// A message as the body of a unary call.
pub(in crate::backend) fn frame(message: &[u8], packed: bool) -> Bytes {
    let mut body = BytesMut::with_capacity(PREFIX + message.len());
    body.put_u8(u8::from(packed));
    body.put_u32(message.len() as u32);
    body.put_slice(message);
    body.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_goes_in_and_comes_out() {
        for (message, packed) in [(&b"hello"[..], true), (b"", false)] {
            assert_eq!(unframe(&frame(message, packed)), Ok((Bytes::copy_from_slice(message), packed)));
        }
    }

    #[test]
    fn what_is_no_single_message_is_named() {
        let whole = frame(b"hello", false);
        assert_eq!(unframe(&Bytes::new()), Err(FrameError::Short { got: 0, announced: 5 }));
        assert_eq!(unframe(&whole.slice(..8)), Err(FrameError::Short { got: 8, announced: 10 }));
        assert_eq!(unframe(&[whole.clone(), whole].concat().into()), Err(FrameError::More { more: 10 }));
        assert_eq!(unframe(&Bytes::from_static(b"{\"a\":1}")), Err(FrameError::Flag { flag: b'{' }));
    }
}
