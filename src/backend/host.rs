//! Refuses requests that are addressed to a name which is not ours.
//!
//! A web page can point a name of its own at 127.0.0.1 and then talk to what listens there (DNS rebinding); its requests still
//! carry that name. Every HTTP interface of the backend runs behind this check. An address is nobody's to point anywhere, so that a
//! listener which was asked to listen elsewhere than on the loopback interface answers for any address.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::traffic::Observer;
use crate::support::host::{is_loopback, without_port};

/// What is let in besides the loopback interface.
#[derive(Debug, Clone)]
pub(super) struct Allowed {
    /// These host names.
    pub(super) names: Arc<[String]>,
    /// Any address.
    pub(super) addresses: bool,
    /// Who is told of what is not let in.
    pub(super) observer: Option<Observer>,
}

/// Lets a request pass when it names the loopback interface or what is allowed.
pub(super) async fn check(State(allowed): State<Allowed>, request: Request, next: Next) -> Response {
    match addressed_to(&request) {
        Some(host) if !is_ours(&host, &allowed) => {
            let words = format!("this backend does not answer for host `{host}`; allow it with --allow-host\n");
            if let Some(observer) = &allowed.observer {
                observer.unreadable(&words);
            }
            (StatusCode::FORBIDDEN, words).into_response()
        }
        _ => next.run(request).await,
    }
}

/// The host a request names, without its port; HTTP/2 has it in the target, HTTP/1 in a header, HTTP/1.0 perhaps nowhere.
fn addressed_to(request: &Request) -> Option<String> {
    let named = match request.uri().authority() {
        Some(authority) => authority.as_str(),
        None => match request.headers().get(header::HOST)?.to_str() {
            Ok(text) => text,
            Err(_) => return Some("(not text)".to_owned()),
        },
    };
    Some(without_port(named).to_ascii_lowercase())
}

fn is_ours(host: &str, allowed: &Allowed) -> bool {
    let named = || allowed.names.iter().any(|name| name.eq_ignore_ascii_case(host));
    let address = || allowed.addresses && host.parse::<IpAddr>().is_ok();
    is_loopback(host) || named() || address()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn named(host: &str) -> Option<String> {
        addressed_to(&Request::builder().uri("/ready").header(header::HOST, host).body(Body::empty()).unwrap())
    }

    fn allowed(names: &[&str], addresses: bool) -> Allowed {
        Allowed { names: names.iter().map(|name| (*name).to_owned()).collect(), addresses, observer: None }
    }

    #[test]
    fn one_that_listens_elsewhere_answers_for_addresses_and_for_no_other_names() {
        for (host, ours) in [("10.0.0.1:4318", true), ("[fd00::2]:4318", true), ("tempo:4318", true), ("evil.example", false)] {
            assert_eq!(is_ours(&named(host).unwrap(), &allowed(&["tempo"], true)), ours, "{host}");
        }
    }

    #[test]
    fn loopback_names_pass_and_strangers_do_not() {
        for host in ["localhost", "LOCALHOST:4318", "127.0.0.1:1", "127.8.8.8", "[::1]:4318"] {
            assert!(is_ours(&named(host).unwrap(), &allowed(&[], false)), "{host}");
        }
        for host in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "10.0.0.1", "[::2]", ""] {
            assert!(!is_ours(&named(host).unwrap(), &allowed(&[], false)), "{host}");
        }
        assert!(is_ours(&named("stack.example:4318").unwrap(), &allowed(&["Stack.Example"], false)));
    }

    #[test]
    fn the_target_of_http2_counts_more_than_the_header() {
        let request = Request::builder().uri("http://evil.example/ready").header(header::HOST, "localhost").body(Body::empty());
        assert_eq!(addressed_to(&request.unwrap()).as_deref(), Some("evil.example"));
    }
}
