//! Which headers go on to the next hop and which end here (RFC 9110, section 7.6.1).
//!
//! Asked by whatever passes requests on: the receiver (`backend`) and the recorder (`draft`).

use http::{
    HeaderMap, HeaderName,
    header::{
        CONNECTION, CONTENT_LENGTH, EXPECT, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING,
        UPGRADE,
    },
};

/// Those that speak of one connection only. `content-length` is written anew; `expect` was met when the body was read.
const HOP_BY_HOP: [HeaderName; 11] = [
    CONNECTION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    HOST,
    CONTENT_LENGTH,
    EXPECT,
    HeaderName::from_static("keep-alive"),
];

/// Takes out what concerned only the connection it came on, with what `connection` itself names.
pub fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    let ends_here = |name: &HeaderName| HOP_BY_HOP.contains(name) || named.contains(name);
    headers.iter().filter(|(name, _)| !ends_here(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn only_what_speaks_of_the_connection_is_taken_out() {
        let mut headers = HeaderMap::new();
        let all = [
            ("host", "localhost:4318"),
            ("connection", "keep-alive, X-Hop"),
            ("x-hop", "1"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("content-length", "12"),
            ("transfer-encoding", "chunked"),
            ("expect", "100-continue"),
            ("content-type", "application/json"),
            ("content-encoding", "gzip"),
            ("x-scope-orgid", "a"),
            ("x-scope-orgid", "b"),
            ("traceparent", "00-1-2-01"),
        ];
        for (name, value) in all {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let kept = end_to_end(&headers);
        let kept: Vec<_> = kept.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        assert_eq!(
            kept,
            [
                "content-type: application/json",
                "content-encoding: gzip",
                "x-scope-orgid: a",
                "x-scope-orgid: b",
                "traceparent: 00-1-2-01"
            ]
        );
    }
}
