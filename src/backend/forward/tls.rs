//! TLS to the next hop: the system's roots, and those of the address.

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::support::{address::Address, tls};

/// Why there can be no TLS to an address.
#[derive(Debug, thiserror::Error)]
pub(super) enum TlsError {
    /// The extra roots are no PEM.
    #[error("its CA certificates cannot be read: {0}")]
    Pem(rustls::pki_types::pem::Error),
    /// One of them is no certificate that can be trusted.
    #[error("its CA certificate cannot be used: {0}")]
    Certificate(rustls::Error),
    /// There is a CA without a certificate.
    #[error("its CA holds no certificate")]
    Empty,
}

/// How to talk TLS to an address. Reads the system's certificates when the address is an `https` one.
pub(super) fn config(address: &Address) -> Result<ClientConfig, TlsError> {
    tls::install();
    let mut roots = RootCertStore::empty();
    if address.url.starts_with("https") {
        // A machine may have some that cannot be read; the others count.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    if let Some(pem) = &address.ca {
        let own: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().map_err(TlsError::Pem)?;
        if own.is_empty() {
            return Err(TlsError::Empty);
        }
        for certificate in own {
            roots.add(certificate).map_err(TlsError::Certificate)?;
        }
    }
    Ok(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
}
