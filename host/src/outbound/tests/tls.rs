//! HTTPS, with certificates made for the test.

use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::super::{Connector, TrustError};
use super::support::*;
use crate::guest::OutboundError;

/// A server with a certificate for `localhost`, and the file of who vouches for it.
struct Secure {
    port: u16,
    ca: PathBuf,
    _directory: TempDir,
}

impl Secure {
    async fn start() -> Secure {
        let directory = tempfile::tempdir().unwrap();
        let mut issuer = CertificateParams::new(Vec::new()).unwrap();
        issuer.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(issuer, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let names = vec!["localhost".to_owned()];
        let certificate = CertificateParams::new(names).unwrap();
        let certificate = certificate.signed_by(&key, &issuer).unwrap();
        let ca = directory.path().join("ca.pem");
        std::fs::write(&ca, issuer.pem()).unwrap();

        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(serve(listener, TlsAcceptor::from(Arc::new(config))));
        Secure {
            port,
            ca,
            _directory: directory,
        }
    }
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor) {
    while let Ok((stream, _)) = listener.accept().await {
        let Ok(mut stream) = acceptor.accept(stream).await else {
            continue;
        };
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let Ok(byte) = stream.read_u8().await else {
                break;
            };
            head.push(byte);
        }
        let protocol = stream.get_ref().1.protocol_version();
        let answer = format!("{protocol:?} {}", String::from_utf8_lossy(&head).len());
        let length = answer.len();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{answer}");
        let _ = stream.write_all(head.as_bytes()).await;
        let _ = stream.shutdown().await;
    }
}

#[tokio::test]
async fn a_certificate_is_accepted_if_its_issuer_is_trusted_and_the_name_is_its_own() {
    let server = Secure::start().await;
    let names = Names::of(&[
        ("localhost", &["127.0.0.1"]),
        ("other.example", &["127.0.0.1"]),
    ]);
    let trusting = Limits {
        ca: Some(server.ca.clone()),
        ..limits()
    };
    let grants = ["localhost:*", "127.0.0.1:*", "other.example:*"];
    let ours = format!("https://localhost:{}/", server.port);

    let client = client_with(&grants, trusting.clone(), names.clone());
    let (response, body) = exchange(&client, get(&ours)).await.unwrap();
    assert_eq!(response.status, 200);
    assert!(body.starts_with("Some(TLSv1_3)"), "{body}");

    for host in ["other.example", "127.0.0.1"] {
        let url = format!("https://{host}:{}/", server.port);
        let error = exchange(&client, get(&url)).await.unwrap_err();
        assert!(
            matches!(error, OutboundError::Certificate(_)),
            "{host}: {error}"
        );
    }
    let distrusting = client_with(&grants, limits(), names);
    let error = exchange(&distrusting, get(&ours)).await.unwrap_err();
    assert!(matches!(error, OutboundError::Certificate(_)), "{error}");
}

#[tokio::test]
async fn a_server_without_tls_is_not_spoken_to() {
    let server = Server::start(|mut peer| async move {
        peer.say("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
            .await;
        peer
    })
    .await;
    let url = format!("https://{}", server.address);
    let client = client(&[&url]);
    let error = exchange(&client, get(&url)).await.unwrap_err();
    assert!(matches!(error, OutboundError::Tls(_)), "{error}");
}

#[test]
fn a_file_without_certificates_is_told_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let ca = directory.path().join("ca.pem");
    for content in [
        "",
        "not a certificate",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        std::fs::write(&ca, content).unwrap();
        let limits = Limits {
            ca: Some(ca.clone()),
            ..limits()
        };
        let error = Connector::new(limits).err().unwrap();
        assert!(matches!(error, TrustError::Certificates { .. }), "{error}");
        assert!(error.to_string().contains("ca.pem"), "{error}");
    }
}
