//! A certificate in files, as a volume of a Secret holds it. Files that change are read again.

use super::shown::Shown;
use parking_lot::Mutex;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A certificate and its key in two files.
#[derive(Debug)]
pub(super) struct FileCertificate {
    certificate: PathBuf,
    key: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The files, as they were when they were read last; `None` if they could not be found.
    read: Option<[Stamp; 2]>,
    is_told: bool,
    /// The last that could be read.
    shown: Option<Shown>,
}

/// What tells one content of a file from another.
type Stamp = (u64, i64, i64, u64);

impl FileCertificate {
    /// One that is read when it is needed first.
    pub(super) fn new(certificate: PathBuf, key: PathBuf) -> Self {
        Self { certificate, key, state: Mutex::default() }
    }

    /// The certificate, read again if its files have changed. One that cannot be read leaves the one before.
    fn current(&self) -> Option<Arc<CertifiedKey>> {
        let mut state = self.state.lock();
        let found = self.stamps().ok();
        let has_changed = found != state.read;
        if has_changed || state.shown.is_none() {
            state.read = found;
            match self.read() {
                Ok(shown) => {
                    let file = self.certificate.display();
                    tracing::info!(%file, expires = %shown.expires, "the admission webhook has a certificate");
                    (state.shown, state.is_told) = (Some(shown), false);
                }
                Err(why) => {
                    if has_changed || !state.is_told {
                        let otherwise = match state.shown {
                            Some(_) => "it shows the one that it has",
                            None => "it cannot answer",
                        };
                        tracing::warn!("the certificate of the admission webhook cannot be read: {why}; {otherwise}");
                    }
                    state.is_told = true;
                }
            }
        }
        state.shown.as_mut().map(Shown::show)
    }

    fn stamps(&self) -> io::Result<[Stamp; 2]> {
        Ok([stamp(&self.certificate)?, stamp(&self.key)?])
    }

    fn read(&self) -> Result<Shown, String> {
        let read = |path: &Path| fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
        let shown = Shown::read(&read(&self.certificate)?, &read(&self.key)?);
        shown.map_err(|why| format!("{why} ({} and {})", self.certificate.display(), self.key.display()))
    }
}

fn stamp(path: &Path) -> io::Result<Stamp> {
    let metadata = fs::metadata(path)?;
    Ok((metadata.ino(), metadata.mtime(), metadata.mtime_nsec(), metadata.len()))
}

impl ResolvesServerCert for FileCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.current()
    }
}
