//! `auth-type`: names and passwords, which a Secret has; and how they combine with other ways to let a request in.

use super::entry::{Annotation, EMPTY, Invalid, Scope};
use super::password_settings::Scheme;
use crate::object::Kind;
use crate::registry::ValueError;
use crate::route_defaults::Risk;
use gateway::config::Satisfy;

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::guard(
        "auth-type",
        Risk::Low,
        "Requires a user name and a password: `basic` or `digest` authentication. Default: not set, none is required. A \
         request without valid credentials is answered with 401, and with 503 while 64 others for the same users wait \
         to be verified. The backend gets no `Authorization` header.",
        |value, draft| {
            draft.passwords.scheme = Some(match value.one_of(&["basic", "digest"], "\"basic\" or \"digest\"")? {
                "digest" => Scheme::Digest,
                _ => Scheme::Basic,
            });
            Ok(())
        },
    ),
    Annotation::guard(
        "auth-secret",
        Risk::Medium,
        "Names the Secret with the users and their password hashes, as `name` or `namespace/name`. Required with \
         `auth-type`. Hashes are those of htpasswd and crypt(3): DES, `$1$`, `$apr1$`, `$5$`, `$6$`, `$2y$`, `{SHA}`, \
         `{SSHA}` and `{PLAIN}`, with at most a cost of 15 or 1,000,000 rounds. A user with another hash cannot come \
         in. The namespace is the Ingress's, unless the ConfigMap's `allow-cross-namespace-resources` is set.",
        |value, draft| {
            draft.passwords.secret = Some(value.secret().cloned());
            Ok(())
        },
    )
    .refers_to(Kind::Secret),
    Annotation::full(
        "auth-secret-type",
        Scope::Path,
        Risk::Low,
        Invalid::RejectsIngress,
        "Sets the format of the Secret. `auth-file`: its key `auth` has lines of htpasswd, or with `digest` of htdigest. \
         `auth-map`: each key is a \
         user, and its value the password hash. Default `auth-file`.",
        |value, draft| {
            let format = value.one_of(&["auth-file", "auth-map"], "\"auth-file\" or \"auth-map\"")?;
            draft.passwords.is_map = format == "auth-map";
            Ok(())
        },
    ),
    Annotation::full(
        "auth-realm",
        Scope::Path,
        Risk::Medium,
        Invalid::RejectsIngress,
        "Sets the realm in the `WWW-Authenticate` header of 401 responses. Text of letters, digits, spaces and \
         `-._~/:`. Default empty.",
        |value, draft| {
            let is_allowed = |c: char| c.is_ascii_alphanumeric() || " -._~/:".contains(c);
            if !value.text().chars().all(is_allowed) {
                return Err(ValueError::Expected("letters, digits, spaces and -._~/:"));
            }
            draft.passwords.realm = value.text().into();
            Ok(())
        },
    ),
    Annotation::guard(
        "satisfy",
        Risk::Low,
        "Sets how address lists, passwords and external authentication combine, which are asked in this order. With \
         `all` a request must pass all of them. With `any` the first that allows it is enough; if none does, the answer \
         is 401 where a password or the auth server asked for credentials, else 403. Default `all`.",
        |value, draft| {
            draft.policies.satisfy = match value.one_of(&["all", "any"], "\"all\" or \"any\"")? {
                "any" => Satisfy::Any,
                _ => Satisfy::All,
            };
            Ok(())
        },
    )
    .unless(EMPTY),
];
