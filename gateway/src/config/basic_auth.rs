use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// `auth-type: basic`: who may send requests, by name and password. Other requests get 401.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BasicAuth {
    /// `auth-realm`: what browsers show when they ask for the password. Default empty.
    pub realm: Arc<str>,
    /// The users.
    pub users: Users,
}

/// `auth-type: digest`: who may send requests, by name and password, without showing the password. Other requests get 401.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DigestAuth {
    /// `auth-realm`: what browsers show when they ask for the password. Default empty.
    pub realm: Arc<str>,
    /// The users, each with the MD5 digest of `user:realm:password` in hexadecimal digits.
    pub users: Users,
}

/// Users with the hashes of their passwords; in [`BasicAuth`] in any format of htpasswd. No hash is ever printed.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Users(pub BTreeMap<Box<str>, Box<str>>);

impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}
