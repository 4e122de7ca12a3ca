use crate::certificate::{CertificateError, KeyPair};
use crate::lookup::Lookup;
use crate::object::{Kind, ObjectKey};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

/// What a Secret comes to.
pub(super) type Reading = Result<KeyPair, CertificateError>;

/// The certificates of Secrets, read once for all hosts, which then share them. Each Secret that changes is to be passed to
/// [`Certificates::forget`].
#[derive(Debug, Default)]
pub(super) struct Certificates(RefCell<HashMap<ObjectKey, Arc<Reading>>>);

impl Certificates {
    /// The certificate of a Secret; `None` if there is no such Secret.
    pub(super) fn read(&self, namespace: &str, name: &str, lookup: &Lookup<'_>) -> Option<Arc<Reading>> {
        let secret = lookup.secret(namespace, name)?;
        let key = ObjectKey::new(Kind::Secret, namespace, name);
        let mut read = self.0.borrow_mut();
        let reading = read.entry(key).or_insert_with_key(|key| Arc::new(KeyPair::read(secret, key)));
        Some(Arc::clone(reading))
    }

    /// Reads a Secret anew the next time.
    pub(super) fn forget(&self, key: &ObjectKey) {
        self.0.borrow_mut().remove(key);
    }
}
