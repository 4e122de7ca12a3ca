//! Hashes of passwords, in the formats that htpasswd and nginx know.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA1_OUTPUT_LEN, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crypt3_rs::crypt::{apr1, bcrypt, md5, sha256, sha512, unix};
use std::fmt;

/// The cost of bcrypt at most: 2 to the power of it is the number of its rounds. This one takes some seconds.
const BCRYPT_COST: u32 = 15;
/// Rounds of SHA-crypt at most. As many take about a second.
const SHA_CRYPT_ROUNDS: u32 = 1_000_000;

/// Bytes of a password at most that is compared with a hash of crypt(3). A longer one is wrong, as in musl, which
/// ingress-nginx uses: what SHA-crypt takes grows with it.
const PASSWORD_LIMIT: usize = 256;

/// The formats.
enum Format {
    /// `{PLAIN}`: the password itself.
    Plain(Box<[u8]>),
    /// `{SHA}`, or with a salt `{SSHA}`.
    Sha1 { digest: [u8; SHA1_OUTPUT_LEN], salt: Box<[u8]> },
    /// crypt(3), by the algorithm that it is of.
    Crypt(Algorithm, Box<str>),
}

/// Whether a password has a hash.
type Algorithm = fn(&[u8], &str) -> bool;

/// The hash of a password. It is never printed.
pub struct PasswordHash(Format);

/// The hash is in no format that htpasswd or nginx know, or takes too long to compare with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHash {
    /// It is in no known format.
    #[error("is no hash of a password: expected one of htpasswd, such as $apr1$... or $2y$...")]
    Format,
    /// Comparing a password with it would take too long.
    #[error(
        "takes too long to check: expected a cost of at most {BCRYPT_COST} for bcrypt, or at most {SHA_CRYPT_ROUNDS} rounds"
    )]
    Cost,
}

impl PasswordHash {
    /// Reads a hash.
    ///
    /// # Errors
    /// See [`InvalidHash`].
    pub fn parse(text: &str) -> Result<Self, InvalidHash> {
        if let Some(plain) = text.strip_prefix("{PLAIN}") {
            return Ok(Self(Format::Plain(plain.as_bytes().into())));
        }
        if let Some(encoded) = text.strip_prefix("{SHA}") {
            return sha1(encoded).filter(|(_, salt)| salt.is_empty()).map(Self::sha1).ok_or(InvalidHash::Format);
        }
        if let Some(encoded) = text.strip_prefix("{SSHA}") {
            return sha1(encoded).map(Self::sha1).ok_or(InvalidHash::Format);
        }
        let (algorithm, length) = algorithm(text).ok_or(InvalidHash::Format)?;
        let digest = text.rsplit('$').next().unwrap_or_default();
        // crypt3_rs counts on it that no control character is in a salt.
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidHash::Format);
        }
        if digest.len() != length || !digest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"./".contains(&byte)) {
            return Err(InvalidHash::Format);
        }
        match is_cheap(text) {
            Some(true) => Ok(Self(Format::Crypt(algorithm, text.into()))),
            Some(false) => Err(InvalidHash::Cost),
            None => Err(InvalidHash::Format),
        }
    }

    fn sha1((digest, salt): ([u8; SHA1_OUTPUT_LEN], Box<[u8]>)) -> Self {
        Self(Format::Sha1 { digest, salt })
    }

    /// Whether it is the hash of this password. Takes up to seconds of CPU.
    pub fn is_of(&self, password: &[u8]) -> bool {
        match &self.0 {
            Format::Plain(expected) => equal(expected, password),
            Format::Sha1 { digest: expected, salt } => {
                equal(expected, digest(&SHA1_FOR_LEGACY_USE_ONLY, &[password, salt].concat()).as_ref())
            }
            Format::Crypt(algorithm, hash) => password.len() <= PASSWORD_LIMIT && algorithm(password, hash),
        }
    }
}

fn equal(expected: &[u8], found: &[u8]) -> bool {
    verify_slices_are_equal(expected, found).is_ok()
}

/// A digest, and the salt behind it.
fn sha1(encoded: &str) -> Option<([u8; SHA1_OUTPUT_LEN], Box<[u8]>)> {
    let bytes = STANDARD.decode(encoded).ok()?;
    let (digest, salt) = bytes.split_first_chunk()?;
    Some((*digest, salt.into()))
}

/// The algorithm of a hash of crypt(3), and how many letters stand behind its last `$`.
fn algorithm(hash: &str) -> Option<(Algorithm, usize)> {
    let Some((prefix, _)) = hash.strip_prefix('$').and_then(|rest| rest.split_once('$')) else {
        return Some((|password, hash| unix::verify(password, hash), 13)); // DES
    };
    match prefix {
        "1" => Some((|password, hash| md5::verify(password, hash), 22)),
        "apr1" => Some((|password, hash| apr1::verify(password, hash), 22)),
        "2a" | "2b" | "2y" => Some((|password, hash| bcrypt::verify(password, hash), 53)),
        "5" => Some((|password, hash| sha256::verify(password, hash), 43)),
        "6" => Some((|password, hash| sha512::verify(password, hash), 86)),
        _ => None,
    }
}

/// Whether the cost that a hash declares is within bounds; `None` if it cannot be read.
fn is_cheap(hash: &str) -> Option<bool> {
    let mut parts = hash.split('$').skip(1);
    match (parts.next(), parts.next()) {
        (Some("2a" | "2b" | "2y"), Some(cost)) => Some(cost.parse::<u32>().ok()? <= BCRYPT_COST),
        (Some("5" | "6"), Some(rounds)) => match rounds.strip_prefix("rounds=") {
            Some(rounds) => Some(rounds.parse::<u32>().ok()? <= SHA_CRYPT_ROUNDS),
            None => Some(true),
        },
        _ => Some(true),
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `bar`, as htpasswd and openssl passwd hash it.
    const BAR: &[&str] = &[
        "$1$saltsalt$56ibbfTGLAsNdA0n6U1Nn/",
        "$apr1$saltsalt$HZb7DO9JU4769Nu3n58bv.",
        "$5$saltsalt$/CnP1OkUPI/YYxBjMGRYh.bV5VNRz1I7OKD4GRMrHm4",
        "$6$saltsalt$13ZWs86TCGWlKvPnoiZ5uGRk0I6FWQWsoBjy.0NUb9IUt/pnMWcsVBWPeXm2zbrm1/3NvnFsJFn2dIliX8SAJ/",
        "{SHA}Ys23Ag/5IOWqZCw9QGaVDdHwH00=",
        "{SSHA}aTajYe2SJsRWrbKsIV9ZttXLp9RzYWx0",
        "{PLAIN}bar",
        "salrRVtmwT6Wg",
        "$6$rounds=1000$saltsalt$/yEDPvr/G5kO/ONrJgIBrorKAPcRlD5q9E7M9XpyjfzX.gbPc/O2ZSjv8lajAaQY98s6cwJ8AvIhTZh26inJs/",
        "$2y$05$abcdefghijklmnopqrstuuUq7qXkDOZJ5Q8HA9wCOH0FErWp6q0b6",
    ];

    #[test]
    fn every_format_is_compared() {
        for hash in BAR {
            let parsed = PasswordHash::parse(hash).expect(hash);
            assert!(parsed.is_of(b"bar"), "{hash}");
            assert!(!parsed.is_of(b"baz") && !parsed.is_of(b"") && !parsed.is_of(&[b'x'; 9000]), "{hash}");
        }
    }

    #[test]
    fn long_passwords_are_wrong() {
        // Of DES the first eight letters count.
        let hash = PasswordHash::parse("b3fu4Hnjc/.dg").expect("a hash");
        assert!(
            hash.is_of(&[b'x'; 8]) && hash.is_of(&[b'x'; PASSWORD_LIMIT]) && !hash.is_of(&[b'x'; PASSWORD_LIMIT + 1])
        );
        let plain = PasswordHash::parse(&format!("{{PLAIN}}{}", "x".repeat(1000))).expect("a password");
        assert!(plain.is_of(&[b'x'; 1000]));
    }

    #[test]
    fn what_is_no_hash_is_refused() {
        for text in
            ["", "bar", "{SHA}bar", "{SHA}", "{SSHA}YmFy", "{MD5}bar", "$apr1$", "$7$x$y", "$2y$xx$", "$6$rounds=1"]
        {
            assert_eq!(PasswordHash::parse(text).err(), Some(InvalidHash::Format), "{text}");
        }
        let salted = |salt: &str| PasswordHash::parse(&format!("$5${salt}${}", "x".repeat(43))).is_ok();
        assert!(salted("salt") && !salted("sal\x17t") && !salted("sal\u{e9}t"), "crypt3_rs panics");
    }

    #[test]
    fn what_costs_too_much_is_refused() {
        let bcrypt = |cost| format!("$2y${cost}$bvIG6Nmid91Mu9RcmmWZfO5HJIMCT8riNW0hEp8f6/FuA2/mHZFpe");
        assert!(PasswordHash::parse(&bcrypt("15")).is_ok());
        assert_eq!(PasswordHash::parse(&bcrypt("16")).err(), Some(InvalidHash::Cost));
        let sha = |rounds| format!("$5$rounds={rounds}$saltstring${}", "x".repeat(43));
        assert!(PasswordHash::parse(&sha(1_000_000)).is_ok());
        assert_eq!(PasswordHash::parse(&sha(1_000_001)).err(), Some(InvalidHash::Cost));
    }
}
