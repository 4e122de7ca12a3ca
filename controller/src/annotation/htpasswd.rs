//! Files of htpasswd and htdigest, as nginx reads them.

use gateway::config::Users;
use gateway::policy::digest_auth::is_digest;
use gateway::policy::password::PasswordHash;

/// The users of a file, and what is wrong with others: sentences that go on after the name of the file's object.
#[derive(Clone, Debug, Default)]
pub struct Htpasswd {
    /// The users. Nobody can be one whose hash is invalid.
    pub users: Users,
    /// What is wrong. No hash gets in here.
    pub complaints: Vec<String>,
}

/// What stands behind the users.
#[derive(Clone, Copy, Debug)]
pub enum Hashes<'a> {
    /// A hash of the password, maybe with a colon and a comment behind.
    Htpasswd,
    /// A realm, a colon, and the MD5 digest of `user:realm:password`. Users of other realms are left out.
    Htdigest {
        /// The realm that counts.
        realm: &'a str,
    },
}

impl Htpasswd {
    /// Reads lines of a user, a colon and a hash. Empty lines and those that begin with `#` are left out.
    pub fn read(file: &[u8], hashes: Hashes<'_>) -> Self {
        let mut read = Self::default();
        for (index, line) in file.split(|byte| *byte == b'\n').enumerate() {
            if !matches!(line.first(), None | Some(b'#' | b'\r')) {
                read.line(line, &format!("line {} of data[auth]", index + 1), hashes);
            }
        }
        read
    }

    fn line(&mut self, line: &[u8], place: &str, hashes: Hashes<'_>) {
        let colon = line.iter().position(|byte| *byte == b':').filter(|colon| *colon > 0);
        match colon.map(|colon| (std::str::from_utf8(&line[..colon]), &line[colon + 1..])) {
            Some((Ok(user), hash)) => self.add(user, hash, place, hashes),
            _ => self.complaints.push(format!("names a Secret of which {place} is not \"user:hash\"; it is left out")),
        }
    }

    /// Adds a user, whose hash ends with the line. Of users with the same name the first counts, even if it is invalid.
    pub(super) fn add(&mut self, user: &str, text: &[u8], place: &str, hashes: Hashes<'_>) {
        let text = text.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
        let mut parts = text.split(|byte| *byte == b':').map(|part| std::str::from_utf8(part).unwrap_or_default());
        let (hash, fault) = match hashes {
            Hashes::Htpasswd => {
                let hash = parts.next().unwrap_or_default();
                (hash, PasswordHash::parse(hash).err().map(|error| error.to_string()))
            }
            Hashes::Htdigest { realm } => {
                if parts.next() != Some(realm) {
                    let other = format!("is of another realm than auth-realm, which is {realm:?}");
                    return self.complain(user, place, &other);
                }
                let digest = parts.next().unwrap_or_default();
                let fault = || "is no MD5 digest: expected 32 hexadecimal digits".to_owned();
                (digest, (!is_digest(digest)).then(fault))
            }
        };
        if let Some(fault) = fault {
            self.complain(user, place, &fault);
        }
        self.users.0.entry(user.into()).or_insert_with(|| hash.into());
    }

    fn complain(&mut self, user: &str, place: &str, fault: &str) {
        self.complaints.push(format!("names a Secret of which {place} {fault}; user {user:?} cannot come in"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_nginx_does() {
        let file =
            b"# users\n\n\r\nalice:{PLAIN}a :comment\r\nbob:{PLAIN}b\nalice:{PLAIN}c\ncarol\ndave:none\ndave:{PLAIN}d";
        let Htpasswd { users, complaints } = Htpasswd::read(file, Hashes::Htpasswd);
        let users: Vec<_> = users.0.iter().map(|(user, hash)| format!("{user}:{hash}")).collect();
        assert_eq!(users, ["alice:{PLAIN}a ", "bob:{PLAIN}b", "dave:none"]);
        assert_eq!(complaints.len(), 2, "{complaints:?}");
        assert!(complaints[0].contains("line 7 of data[auth] is not \"user:hash\""), "{complaints:?}");
        assert!(complaints[1].contains("user \"dave\"") && !complaints[1].contains("none"), "{complaints:?}");
    }

    #[test]
    fn what_is_no_user_is_left_out() {
        let Htpasswd { users, complaints } =
            Htpasswd::read(b":{PLAIN}a\n\xff:{PLAIN}a\nalice:{PLAIN}\xff\n", Hashes::Htpasswd);
        assert_eq!(users.0.into_iter().collect::<Vec<_>>(), [("alice".into(), "".into())]);
        assert_eq!(complaints.len(), 3, "{complaints:?}");
    }

    #[test]
    fn lines_of_htdigest_have_a_realm() {
        let digest = "939e7578ed9e3c518a452acee763bce9";
        let file = format!("alice:b:{digest}\nalice:a:{digest}:comment\r\nalice:a:other\nbob:a:hidden\ncarol:{digest}");
        let Htpasswd { users, complaints } = Htpasswd::read(file.as_bytes(), Hashes::Htdigest { realm: "a" });
        assert_eq!(users.0.get("alice").map(|digest| &**digest), Some(digest));
        assert_eq!(users.0.len(), 2);
        assert_eq!(complaints.len(), 4, "{complaints:?}");
        assert!(!complaints.concat().contains("hidden"), "{complaints:?}");
    }
}
