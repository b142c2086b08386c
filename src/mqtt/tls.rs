//! TLS to the broker: a pre-shared key, or certificates from memory. The context is made once for a configuration.

use crate::config::{ClientCertificate, Security, crl};
use crate::model::Failure;
use crate::mqtt::tls_error::{self, Verdict};
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::ssl::{
    ConnectConfiguration, SslConnector, SslConnectorBuilder, SslFiletype, SslMethod, SslRef, SslVerifyMode, SslVersion,
};
use openssl::x509::store::{X509Lookup, X509Store, X509StoreBuilder};
use openssl::x509::verify::X509VerifyFlags;
use openssl::x509::{X509, X509Ref, X509VerifyResult};
use rustix::fs::{MemfdFlags, memfd_create};
use std::fs::File;
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::fd::AsRawFd;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpStream;
use tokio_openssl::SslStream;
use zeroize::Zeroizing;

/// How the two sides prove who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// By a key that both know.
    Psk,
    /// By the broker's certificate, and ours if we have one to show.
    Certificate {
        /// Whether we have one.
        ours: bool,
    },
}

/// A TLS client for one configuration.
pub(crate) struct Tls {
    connector: SslConnector,
    proof: Proof,
}

/// Protocol and cipher of a connection.
pub(crate) fn described(ssl: &SslRef) -> String {
    format!("{} {}", ssl.version_str(), ssl.current_cipher().map_or("", |cipher| cipher.name()))
}

/// TLS 1.2 suites: elliptic curves first, plain PSK next. DHE comes last, it costs 30-50 ms of a small CPU each time.
const PSK_SUITES: &str = "ECDHE-PSK-CHACHA20-POLY1305:ECDHE-PSK-AES256-CBC-SHA384:ECDHE-PSK-AES128-CBC-SHA256:\
    PSK-AES256-GCM-SHA384:PSK-AES128-GCM-SHA256:PSK-CHACHA20-POLY1305:PSK-AES256-CBC-SHA384:PSK-AES128-CBC-SHA256:\
    PSK-AES256-CBC-SHA:PSK-AES128-CBC-SHA:DHE-PSK-AES256-GCM-SHA384:DHE-PSK-AES128-GCM-SHA256:DHE-PSK-CHACHA20-POLY1305";

impl Tls {
    /// A client for this configuration, `None` without encryption.
    pub(crate) fn new(security: &Security) -> Result<Option<Self>, Failure> {
        let made = match security {
            Security::None => return Ok(None),
            Security::Psk { identity, key } => {
                psk(identity.clone(), key.0.clone()).map(|connector| Self { connector, proof: Proof::Psk })
            }
            Security::Certificate { ca, client } => {
                let proof = Proof::Certificate { ours: client.is_some() };
                certificate(ca.as_deref(), client.as_ref()).map(|connector| Self { connector, proof })
            }
        };
        made.map(Some).map_err(|error| tls_error::set_up(&error))
    }

    /// The handshake.
    pub(crate) async fn connect(&self, host: &str, tcp: TcpStream) -> Result<SslStream<TcpStream>, Failure> {
        let set_up = |error: ErrorStack| tls_error::set_up(&error);
        let mut connection = self.connector.configure().map_err(set_up)?;
        // With a pre-shared key there is no certificate that could hold a name.
        connection.set_verify_hostname(self.proof != Proof::Psk);
        let verdict = judge(&mut connection, host);
        let ssl = connection.into_ssl(host).map_err(set_up)?;
        let mut stream = SslStream::new(ssl, tcp).map_err(set_up)?;
        match Pin::new(&mut stream).connect().await {
            Ok(()) => Ok(stream),
            Err(error) => {
                let verdict = verdict.lock().unwrap_or_else(PoisonError::into_inner).take();
                Err(tls_error::handshake(&error, stream.ssl(), self.proof, verdict))
            }
        }
    }

    /// What an error while reading or writing says about our credentials, if it does: with TLS 1.3 the broker's refusal
    /// comes after the handshake.
    pub(crate) fn refused(&self, error: &io::Error) -> Option<Failure> {
        let ssl = error.get_ref()?.downcast_ref::<openssl::ssl::Error>()?;
        Some(tls_error::later(ssl, self.proof))
    }
}

fn builder() -> Result<SslConnectorBuilder, ErrorStack> {
    let mut builder = SslConnector::builder(SslMethod::tls_client())?;
    builder.set_min_proto_version(Some(SslVersion::TLS1_2))?;
    Ok(builder)
}

fn psk(identity: String, key: Zeroizing<Vec<u8>>) -> Result<SslConnector, ErrorStack> {
    let mut builder = builder()?;
    builder.set_cipher_list(PSK_SUITES)?;
    builder.set_psk_client_callback(move |_, _hint, identity_out, key_out| {
        let end = identity.len();
        // Zero is "no key": the handshake fails rather than that a cut one is used.
        let (Some(place), Some(key_place)) = (identity_out.get_mut(..=end), key_out.get_mut(..key.len())) else {
            return Ok(0);
        };
        place[..end].copy_from_slice(identity.as_bytes());
        place[end] = 0;
        key_place.copy_from_slice(&key);
        Ok(key.len())
    });
    // TLS 1.3 lets the server fall back to a certificate. No certificate is trusted here, so that one is refused, instead
    // of the password being told to whoever answers.
    builder.set_cert_store(X509StoreBuilder::new()?.build());
    builder.set_verify(SslVerifyMode::PEER);
    Ok(builder.build())
}

fn certificate(ca: Option<&str>, client: Option<&ClientCertificate>) -> Result<SslConnector, ErrorStack> {
    let mut builder = builder()?;
    if let Some(pem) = ca {
        let lists = crl::lists(pem);
        builder.set_cert_store(store(pem, &lists)?);
        if !lists.is_empty() {
            builder.verify_param_mut().set_flags(X509VerifyFlags::CRL_CHECK | X509VerifyFlags::CRL_CHECK_ALL)?;
        }
    }
    // A certificate that was pasted is trusted itself, even if it is not a CA's: the guide says "copy and paste the server
    // certificate".
    builder.verify_param_mut().set_flags(X509VerifyFlags::PARTIAL_CHAIN)?;
    builder.set_verify(SslVerifyMode::PEER);
    if let Some(client) = client {
        let mut chain = X509::stack_from_pem(client.chain.as_bytes())?.into_iter();
        if let Some(leaf) = chain.next() {
            builder.set_certificate(&leaf)?;
        }
        for issuer in chain {
            builder.add_extra_chain_cert(issuer)?;
        }
        // The callback keeps OpenSSL from asking a terminal for a passphrase.
        builder.set_private_key(&*PKey::private_key_from_pem_callback(client.key.expose().as_bytes(), |_| Ok(0))?)?;
        builder.check_private_key()?;
    }
    Ok(builder.build())
}

fn store(pem: &str, lists: &str) -> Result<X509Store, ErrorStack> {
    let mut store = X509StoreBuilder::new()?;
    for certificate in X509::stack_from_pem(crl::without(pem).as_bytes())? {
        store.add_cert(certificate)?;
    }
    if !lists.is_empty() {
        // The crate reads CRLs from files only. One in memory has a name, too; without it OpenSSL says that it cannot be read.
        let file = in_memory(lists).ok();
        let descriptor = file.as_ref().map_or(-1, AsRawFd::as_raw_fd);
        let lookup = store.add_lookup(X509Lookup::file())?;
        lookup.load_crl_file(format!("/proc/self/fd/{descriptor}"), SslFiletype::PEM)?;
    }
    Ok(store.build())
}

fn in_memory(text: &str) -> io::Result<File> {
    let mut file = File::from(memfd_create("crl", MemfdFlags::CLOEXEC)?);
    file.write_all(text.as_bytes())?;
    Ok(file)
}

/// Remembers what the verification finds wrong first. The guide's own certificate holds the broker's IP address as common name
/// and no alternative names, which OpenSSL accepts for DNS names only. Mosquitto's clients take it too.
fn judge(connection: &mut ConnectConfiguration, host: &str) -> Arc<Mutex<Option<Verdict>>> {
    let verdict = Arc::new(Mutex::new(None));
    let (found, address) = (Arc::clone(&verdict), host.parse::<IpAddr>().is_ok().then(|| host.to_owned()));
    connection.set_verify_callback(SslVerifyMode::PEER, move |good, context| {
        if good {
            return true;
        }
        // The broker's own certificate needs a CRL if there are any; the CAs above it are checked where theirs is there.
        if context.error().as_raw() == tls_error::NO_CRL && context.error_depth() > 0 {
            context.set_error(X509VerifyResult::OK);
            return true;
        }
        let other_address = context.error().as_raw() == tls_error::IP_ADDRESS_MISMATCH;
        let named = |host: &String| context.current_cert().is_some_and(|leaf| is_named(leaf, host));
        if other_address && address.as_ref().is_some_and(named) {
            context.set_error(X509VerifyResult::OK);
            return true;
        }
        found.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| Verdict::of(context));
        false
    });
    verdict
}

fn is_named(leaf: &X509Ref, host: &str) -> bool {
    let mut names = leaf.subject_name().entries_by_nid(Nid::COMMONNAME);
    leaf.subject_alt_names().is_none()
        && names.next().and_then(|name| name.data().to_string().ok()).is_some_and(|name| name == host)
}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
