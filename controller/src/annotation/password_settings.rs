//! What the annotations of passwords come to, once all of them are known.

use super::htpasswd::{Hashes, Htpasswd};
use crate::registry::ValueError;
use gateway::config::{BasicAuth, DigestAuth, RoutePolicies};
use k8s_openapi::api::core::v1::Secret;
use std::sync::Arc;

/// The key of a Secret that has lines of htpasswd.
const FILE: &str = "auth";
/// Faults of a Secret that are reported one by one.
const MAX_COMPLAINTS: usize = 10;

/// How clients show who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    /// By name and password.
    Basic,
    /// By what only the password can make of a nonce.
    Digest,
}

/// What the annotations say of passwords.
#[derive(Clone, Debug, Default)]
pub(super) struct PasswordSettings {
    /// `auth-type`. Without it, the others ask for nothing.
    pub(super) scheme: Option<Scheme>,
    /// `auth-realm`.
    pub(super) realm: Arc<str>,
    /// The Secret that `auth-secret` names, or why there is none.
    pub(super) secret: Option<Result<Arc<Secret>, ValueError>>,
    /// `auth-secret-type` is `auth-map`.
    pub(super) is_map: bool,
}

impl PasswordSettings {
    /// What is wrong with a Secret that nothing asks for.
    pub(super) fn unused_fault(&self) -> Option<&ValueError> {
        let secret = self.secret.as_ref().filter(|_| self.scheme.is_none());
        secret.and_then(|secret| secret.as_ref().err())
    }

    /// Sets what the annotations come to. What is wrong with single users goes to `complaints`.
    ///
    /// # Errors
    /// The annotation at fault, and why there are no users.
    pub(super) fn build(
        self,
        policies: &mut RoutePolicies,
        complaints: &mut Vec<String>,
    ) -> Result<(), (&'static str, ValueError)> {
        let Some(scheme) = self.scheme else { return Ok(()) };
        let secret = self.secret.ok_or(("auth-type", "needs the annotation auth-secret: expected both".into()))?;
        let secret = secret.map_err(|error| ("auth-secret", error))?;
        let realm = self.realm;
        let hashes = match scheme {
            Scheme::Basic => Hashes::Htpasswd,
            Scheme::Digest => Hashes::Htdigest { realm: &realm },
        };
        let data = secret.data.iter().flatten().map(|(key, value)| (key.as_str(), value.0.as_slice()));
        let read = if self.is_map {
            let mut map = Htpasswd::default();
            data.for_each(|(user, hash)| map.add(user, hash, &format!("data[{user}]"), hashes));
            map
        } else {
            let file = data.into_iter().find(|(key, _)| *key == FILE).map(|(_, file)| file);
            let missing = "names a Secret without data[auth]: expected lines of htpasswd or htdigest there";
            Htpasswd::read(file.ok_or(("auth-secret", missing.into()))?, hashes)
        };
        if read.users.0.is_empty() {
            complaints.push("names a Secret without users: nobody can come in".to_owned());
        }
        let more = read.complaints.len().saturating_sub(MAX_COMPLAINTS);
        complaints.extend(read.complaints.into_iter().take(MAX_COMPLAINTS));
        complaints.extend((more > 0).then(|| format!("names a Secret with {more} more faults")));
        let users = read.users;
        match scheme {
            Scheme::Basic => policies.basic_auth = Some(Arc::new(BasicAuth { realm, users })),
            Scheme::Digest => policies.digest_auth = Some(Arc::new(DigestAuth { realm, users })),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::ByteString;

    fn built(is_map: bool, data: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
        let data = data.iter().map(|(key, value)| ((*key).to_owned(), ByteString(value.as_bytes().into())));
        let secret = Secret { data: Some(data.collect()), ..Secret::default() };
        let (scheme, secret) = (Some(Scheme::Basic), Some(Ok(Arc::new(secret))));
        let settings = PasswordSettings { scheme, secret, is_map, ..Default::default() };
        let (mut policies, mut complaints) = (RoutePolicies::default(), Vec::new());
        settings.build(&mut policies, &mut complaints).expect("users");
        let auth = policies.basic_auth.expect("required");
        (auth.users.0.iter().map(|(user, hash)| format!("{user}:{hash}")).collect(), complaints)
    }

    #[test]
    fn a_map_has_a_user_for_each_key() {
        let (users, complaints) = built(true, &[("alice", "{PLAIN}a\nmallory:{PLAIN}m"), ("bob", "")]);
        assert_eq!(users, ["alice:{PLAIN}a", "bob:"]);
        assert_eq!(complaints.len(), 1);
    }

    #[test]
    fn what_is_missing_is_named() {
        let (mut policies, mut complaints) = (RoutePolicies::default(), Vec::new());
        let mut build = |settings: PasswordSettings| settings.build(&mut policies, &mut complaints);
        assert_eq!(build(PasswordSettings::default()), Ok(()));
        for scheme in [Scheme::Basic, Scheme::Digest] {
            let required = PasswordSettings { scheme: Some(scheme), ..Default::default() };
            assert_eq!(build(required.clone()).expect_err("no Secret").0, "auth-type");
            let empty = PasswordSettings { secret: Some(Ok(Arc::default())), ..required };
            assert_eq!(build(empty).expect_err("no file").0, "auth-secret");
        }
        assert_eq!(policies, RoutePolicies::default());
        assert_eq!(complaints, [""; 0]);
    }

    #[test]
    fn the_faults_of_a_secret_are_reported_up_to_a_bound() {
        let (users, complaints) = built(false, &[("auth", "# nobody\n")]);
        assert_eq!((users, complaints.len()), (vec![], 1), "{complaints:?}");
        let (_, complaints) = built(false, &[("auth", &"alice:none\n".repeat(1000))]);
        assert_eq!(complaints.len(), MAX_COMPLAINTS + 1);
        assert_eq!(complaints[MAX_COMPLAINTS], "names a Secret with 990 more faults");
    }
}
