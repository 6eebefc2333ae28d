//! How https is spoken to others: one configuration for every client of the process.
//!
//! The certificates that the system trusts are some hundred, and are read and parsed when the first
//! server shows its own, once for all clients. A program that speaks to nobody does not read them.

use std::sync::{Arc, OnceLock};

use reqwest::{Client, ClientBuilder};
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use rustls_platform_verifier::Verifier;

/// Which protocols a client offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocols {
    /// HTTP/1.1 alone: each call under way has a connection of its own.
    Http1,
    /// HTTP/2, or HTTP/1.1.
    Any,
}

/// A client that speaks https, to be finished by the caller. Without a rustls crypto provider in
/// the process, finishing it fails.
pub fn client(protocols: Protocols) -> ClientBuilder {
    let client = match protocols {
        Protocols::Http1 => Client::builder().http1_only(),
        Protocols::Any => Client::builder(),
    };
    match config(protocols) {
        Ok(config) => client.tls_backend_preconfigured(config),
        // The client's own configuration fails for the same reason.
        Err(_) => client,
    }
}

fn config(protocols: Protocols) -> Result<ClientConfig, Error> {
    let provider = CryptoProvider::get_default().map(Arc::clone);
    let provider =
        provider.ok_or_else(|| Error::General("no TLS provider is installed".to_owned()))?;
    let trusted = Arc::new(SystemCertificates { provider: Arc::clone(&provider) });
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(trusted)
        .with_no_client_auth();
    config.alpn_protocols = match protocols {
        Protocols::Http1 => vec![b"http/1.1".to_vec()],
        Protocols::Any => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
    };
    Ok(config)
}

/// What the system trusts, as soon as somebody has asked and it could be read.
static READ: OnceLock<Verifier> = OnceLock::new();

/// Trusts the servers that the system trusts.
#[derive(Debug)]
struct SystemCertificates {
    provider: Arc<CryptoProvider>,
}

impl SystemCertificates {
    fn verifier(&self) -> Result<&'static Verifier, Error> {
        if let Some(read) = READ.get() {
            return Ok(read);
        }
        // What failed, for want of open files perhaps, is tried again with the next handshake.
        let read = Verifier::new(Arc::clone(&self.provider))?;
        Ok(READ.get_or_init(|| read))
    }
}

impl ServerCertVerifier for SystemCertificates {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verifier = self.verifier()?;
        verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One test: what is read is read once for the whole process.
    #[test]
    fn certificates_are_read_when_the_first_server_shows_its_own() {
        assert!(config(Protocols::Any).is_err(), "there is no provider yet");
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http1 = config(Protocols::Http1).expect("a configuration");
        assert_eq!(http1.alpn_protocols, [b"http/1.1"]);
        assert_eq!(config(Protocols::Any).expect("a configuration").alpn_protocols.len(), 2);
        client(Protocols::Http1).build().expect("a client");
        client(Protocols::Any).build().expect("a client");
        assert!(READ.get().is_none(), "nobody was asked");

        let provider = CryptoProvider::get_default().map(Arc::clone).expect("a provider");
        let trusted = SystemCertificates { provider };
        let name = ServerName::try_from("example.org").expect("a name");
        let nonsense = CertificateDer::from_slice(b"not a certificate");
        let refused = trusted.verify_server_cert(&nonsense, &[], &name, &[], UnixTime::now());
        assert!(refused.is_err(), "it is no certificate");
        assert!(READ.get().is_some(), "they were read to find that out");
    }
}
