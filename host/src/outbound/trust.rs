//! Whom TLS trusts: the certificates of the system, those built into the host where the system has
//! none, and those of a file. Read once, when the host starts or its configuration changes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

/// TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The file of `outbound.ca` has no certificate that can be used.
    #[error("outbound.ca, {}: {reason}", path.display())]
    Certificates {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The library refused its own defaults.
    #[error("cannot set up TLS: {0}")]
    Library(#[from] rustls::Error),
}

/// What TLS connections are made with: TLS 1.2 and 1.3, and HTTP/1.1 above them.
pub(super) fn client_config(ca: Option<&Path>) -> Result<Arc<ClientConfig>, TrustError> {
    let mut roots = of_the_system();
    if let Some(path) = ca {
        add_file(&mut roots, path)?;
    }
    // Said here, for no default of the process may be relied on.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The system's store. One that is damaged in part is used for the rest; an empty one, as in
/// containers without any, is replaced by Mozilla's list of the day the host was built.
fn of_the_system() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::debug!("outbound: a certificate of the system cannot be read: {error}");
    }
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        tracing::debug!("outbound: the system has no certificates; those built in are used");
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}

fn add_file(roots: &mut RootCertStore, path: &Path) -> Result<(), TrustError> {
    let wrong = |reason: String| TrustError::Certificates {
        path: path.to_owned(),
        reason,
    };
    let found = CertificateDer::pem_file_iter(path).map_err(|error| wrong(error.to_string()))?;
    let mut added = 0;
    for certificate in found {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| wrong(error.to_string()))?;
        added += 1;
    }
    if added == 0 {
        return Err(wrong("it holds no certificate in PEM".to_owned()));
    }
    Ok(())
}
