//! What an address carries besides its URL: headers that are keys, certificates to trust, how long to wait. Keys are never shown.

use std::{sync::Arc, time::Duration};

use devstack::{
    client::{ClientError, PrometheusClient, StoreAddress, StoreClient, StoreKind},
    model::TraceId,
    support::{address::Address, tls},
};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

pub(crate) const KEY: &str = "not-to-be-shown-4711";

/// A server behind TLS that answers only who sends the key; its address, and the authority that signed its certificate.
pub(crate) async fn guarded() -> (String, String) {
    tls::install();
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = authority.self_signed(&authority_key).unwrap().pem();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
    let certificate = certificate.signed_by(&key, &Issuer::new(authority, authority_key)).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap();

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // A client that does not trust the certificate ends here.
                let Ok(mut connection) = acceptor.accept(connection).await else { return };
                let mut request = Vec::new();
                while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                    let mut piece = [0; 1024];
                    let Ok(length @ 1..) = connection.read(&mut piece).await else { return };
                    request.extend_from_slice(&piece[..length]);
                }
                let request = String::from_utf8_lossy(&request).to_ascii_lowercase();
                let answer = if request.contains(&format!("x-key: {KEY}")) {
                    "200 OK\r\ncontent-length: 42\r\n\r\n{\"status\":\"success\",\"data\":[{\"up\":\"up\"}]} \n"
                } else {
                    // Tactless, as some servers are.
                    &format!("401 Unauthorized\r\nconnection: close\r\n\r\nwho is this? {request}")
                };
                connection.write_all(format!("HTTP/1.1 {answer}").as_bytes()).await.unwrap();
                connection.shutdown().await.unwrap();
            });
        }
    });
    (url, ca)
}

fn address(url: &str, key: Option<&str>, ca: Option<&str>) -> Address {
    let mut address = Address::plain(url);
    address.headers.extend(key.map(|key| ("x-key".to_owned(), key.to_owned())));
    address.ca = ca.map(str::to_owned);
    address
}

#[tokio::test]
async fn the_key_goes_along_where_the_certificate_is_trusted() {
    let (url, ca) = guarded().await;
    for url in [url.clone(), url.replace("127.0.0.1", "localhost")] {
        let known = PrometheusClient::new(&address(&url, Some(KEY), Some(&ca))).unwrap();
        assert_eq!(known.series(&["up"]).await.unwrap()[0]["up"], "up");
    }
    let without_key = PrometheusClient::new(&address(&url, None, Some(&ca))).unwrap().series(&["up"]).await.unwrap_err();
    assert!(matches!(without_key, ClientError::Status { status: 401, .. }), "{without_key}");
    let untrusted = PrometheusClient::new(&address(&url, Some(KEY), None)).unwrap().series(&["up"]).await.unwrap_err();
    assert!(untrusted.to_string().contains("certificate"), "{untrusted}");
}

#[tokio::test]
async fn keys_are_in_no_error_and_in_no_debug_text() {
    let (url, ca) = guarded().await;
    let with_password = url.replace("https://", &format!("https://jo:{KEY}@"));
    let mut texts = Vec::new();
    for url in [&url, &with_password, &"http://127.0.0.1:1".to_owned(), &format!("http://jo:{KEY}@127.0.0.1:1")] {
        let address = address(url, Some(KEY), None);
        let client = StoreClient::new(&StoreAddress { kind: StoreKind::Jaeger, at: address.clone() }).unwrap();
        let error = client.trace(TraceId::random()).await.unwrap_err();
        texts.extend([format!("{address:?}"), format!("{client:?}"), format!("{error:?}"), error.to_string()]);
    }
    let tactless = PrometheusClient::new(&address(&url, Some(&format!("Bearer {KEY}")), Some(&ca))).unwrap();
    for error in [tactless.series(&["up"]).await.unwrap_err(), tactless.ready().await.unwrap_err()] {
        assert!(error.to_string().contains("answered 401: who is this?"), "{error}");
        texts.push(format!("{error:?}"));
    }
    let refused = PrometheusClient::new(&address(&url, Some(&format!("{KEY}\n")), Some(&ca))).unwrap_err();
    assert!(matches!(refused, ClientError::Header { .. }), "{refused}");
    texts.extend([format!("{refused:?}"), refused.to_string()]);
    let odd = PrometheusClient::new(&address(&format!("ftp://jo:{KEY}@127.0.0.1"), None, None)).unwrap_err();
    texts.extend([format!("{odd:?}"), odd.to_string()]);
    for text in texts {
        assert!(!text.contains("not-to-be-shown"), "{text}");
    }
}

#[tokio::test]
async fn certificates_that_are_none_are_named() {
    for pem in ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let error = PrometheusClient::new(&address("https://127.0.0.1:1", None, Some(pem))).unwrap_err().to_string();
        assert!(error.contains("certificates to trust for `https://127.0.0.1:1`") || error.contains("HTTP client"), "{error}");
    }
}

#[tokio::test]
async fn an_address_waits_no_longer_than_it_says() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address =
        Address { timeout: Duration::from_millis(150), ..Address::plain(format!("http://{}", silent.local_addr().unwrap())) };
    let error = PrometheusClient::new(&address).unwrap().ready().await.unwrap_err();
    assert!(matches!(error, ClientError::Timeout { after, .. } if after == address.timeout), "{error}");
}
