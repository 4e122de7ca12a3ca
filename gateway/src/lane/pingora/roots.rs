//! The root certificates of Pingora's connectors.
//!
//! A connector reads root certificates when it is made: the system's, and panics if those cannot be read, or a file's.
//! Without any it fails every handshake, also those that verify nothing. No backend is verified against the system's, so
//! the connectors get a file with one root that has signed nothing, and what the machine has does not matter.

use rcgen::{CertificateParams, KeyPair};
use rustix::fs::{MemfdFlags, memfd_create};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsRawFd;

/// A file of root certificates, in memory: a container's file system may be read-only. It is there for as long as this
/// lives.
#[derive(Debug)]
pub(crate) struct Roots(File);

impl Roots {
    /// A placeholder: a root certificate that has signed nothing, and whose key is not kept.
    ///
    /// # Errors
    /// If the file or the key cannot be made.
    pub(crate) fn placeholder() -> io::Result<Self> {
        let root = KeyPair::generate().and_then(|key| CertificateParams::default().self_signed(&key));
        let mut file = File::from(memfd_create("roots", MemfdFlags::CLOEXEC)?);
        file.write_all(root.map_err(io::Error::other)?.pem().as_bytes())?;
        Ok(Self(file))
    }

    /// Where the file is, for this process.
    pub(crate) fn path(&self) -> String {
        format!("/proc/self/fd/{}", self.0.as_raw_fd())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::RootCertStore;
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;

    #[test]
    fn the_file_holds_one_root() {
        let roots = Roots::placeholder().expect("a file");
        let certificates: Vec<_> = CertificateDer::pem_file_iter(roots.path()).expect("a file").collect();
        let [Ok(root)] = &certificates[..] else { panic!("one certificate, not {certificates:?}") };
        assert_eq!(RootCertStore::empty().add(root.clone()), Ok(()));
    }
}
