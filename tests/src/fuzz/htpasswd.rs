//! Files of htpasswd: a user has the hash that nginx would find for it, and comparing passwords never panics.

use super::{lines, text};
use controller::annotation::{Hashes, Htpasswd};
use gateway::policy::password::PasswordHash;

/// The first line is a user, what follows is the file.
pub fn fuzz(input: &[u8]) {
    let mut lines = lines(input);
    let Some(user) = text(&mut lines) else { return };
    let file = lines.collect::<Vec<_>>().join(&b'\n');
    users_have_the_hashes_that_nginx_finds(user, &file);
}

/// The same hash is found for a user as nginx finds in the file, and nothing of a hash is said of those that are wrong.
pub fn users_have_the_hashes_that_nginx_finds(user: &str, file: &[u8]) {
    let Htpasswd { users, complaints } = Htpasswd::read(file, Hashes::Htpasswd);
    for user in users.0.keys().map(|user| &**user).chain([user]) {
        let found = users.0.get(user).map(|hash| hash.as_bytes());
        let expected = naive(user, file).filter(|_| !user.is_empty() && !user.contains([':', '\n']));
        // A hash that is no text is none.
        let expected = expected.map(|hash| if std::str::from_utf8(hash).is_ok() { hash } else { b"" });
        assert_eq!(found, expected, "{user:?}");
    }
    for hash in users.0.values().filter_map(|hash| PasswordHash::parse(hash).ok().filter(|_| is_quick(hash))) {
        hash.is_of(b"x");
        hash.is_of(file);
    }
    let lines = file.split(|byte| *byte == b'\n').count();
    assert!(complaints.len() <= lines, "{complaints:?}");
}

/// `ngx_http_auth_basic_handler`, for one user.
fn naive<'a>(user: &str, file: &'a [u8]) -> Option<&'a [u8]> {
    let is_left_out = |line: &[u8]| line.starts_with(b"#") || line.starts_with(b"\r");
    let lines = file.split(|byte| *byte == b'\n').filter(|line| !is_left_out(line));
    let mut hashes = lines.filter_map(|line| line.strip_prefix(user.as_bytes())?.strip_prefix(b":"));
    let hash = hashes.next()?;
    let end = hash.iter().position(|byte| matches!(byte, b'\r' | b':'));
    Some(&hash[..end.unwrap_or(hash.len())])
}

/// Whether a password is compared with it in no time, so that there can be many.
fn is_quick(hash: &str) -> bool {
    !hash.starts_with("$2") && !hash.contains("rounds=")
}
