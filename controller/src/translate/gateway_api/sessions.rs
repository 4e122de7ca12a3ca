//! The sessions of a rule: the requests of one client stay at one endpoint, by a cookie. The rule asks for them itself, or its
//! policies do.

use super::durations;
use super::wrong::{Read, Wrong};
use crate::gateway_api::{SessionCookie, SessionPersistence};
use gateway::config::{
    Action, Affinity, AffinityMode, Condition, CookieAttributes, PathKind, PathMatch, Route, RouteBackend, SameSite,
};
use std::sync::Arc;
use std::time::Duration;
use twox_hash::XxHash3_64;

/// Characters of a cookie's name and of its path at most, as the API has them.
const NAME_LIMIT: usize = 256;
const PATH_LIMIT: usize = 1024;
/// The shortest time that a cookie can be kept for, whose `Max-Age` has whole seconds.
const SECOND: Duration = Duration::from_secs(1);

/// The sessions that a rule asks for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RuleSessions {
    /// How its clients stay where they are. None: they do not.
    pub(super) affinity: Option<Arc<Affinity>>,
    /// What of it has no effect.
    pub(super) told: Option<Wrong>,
}

/// Reads what a rule asks for. `rule` tells it apart from all others, so that its sessions are not those of another one.
///
/// # Errors
/// A value that is malformed.
pub(super) fn parse(asked: &SessionPersistence, rule: &str) -> Read<RuleSessions> {
    match asked.kind.as_deref() {
        None | Some("Cookie") => {}
        Some(kind @ "Header") => {
            let message = "is not supported: clients do not stay at one endpoint; expected Cookie";
            return Ok(RuleSessions { affinity: None, told: Some(part("type", kind, message)) });
        }
        Some(kind) => return malformed("type", kind, "is not a type of session: expected Cookie"),
    }
    let default = SessionCookie::default();
    let cookie = asked.cookie.as_ref().unwrap_or(&default);
    let lifetime = asked.absolute_timeout.as_deref();
    let (max_age, told) = match cookie.lifetime_type.as_deref() {
        None | Some("Session") => (None, unheeded(lifetime)?),
        Some("Permanent") => (Some(max_age(lifetime)?), None),
        Some(other) => {
            return malformed("cookie.lifetimeType", other, "is not known: expected Session or Permanent");
        }
    };
    let path = Some(path(cookie.path.as_deref())?);
    let affinity = Affinity {
        cookie: name(cookie.name.as_deref(), rule)?,
        mode: AffinityMode::Persistent,
        change_on_failure: true,
        sets: Some(CookieAttributes {
            path,
            same_site: Some(SameSite::Strict),
            max_age,
            ..CookieAttributes::default()
        }),
    };
    Ok(RuleSessions { affinity: Some(Arc::new(affinity)), told })
}

/// For how many seconds browsers keep the cookie.
fn max_age(lifetime: Option<&str>) -> Read<i32> {
    let Some(text) = lifetime else {
        return malformed("absoluteTimeout", "", "is missing: a cookie that is Permanent is kept for so long");
    };
    let time = duration(text)?;
    if time < SECOND {
        return malformed("absoluteTimeout", text, "is shorter than a cookie can be kept: expected 1s or more");
    }
    Ok(i32::try_from(time.as_secs()).unwrap_or(i32::MAX))
}

/// A timeout that has no effect.
fn unheeded(lifetime: Option<&str>) -> Read<Option<Wrong>> {
    let Some(text) = lifetime else { return Ok(None) };
    duration(text)?;
    let message = "has no effect: a session lasts as long as the browser runs; expected it with a cookie.lifetimeType of \
                   Permanent";
    Ok(Some(part("absoluteTimeout", text, message)))
}

fn duration(text: &str) -> Read<Duration> {
    match durations::parse(text) {
        Some(time) => Ok(time),
        None => malformed("absoluteTimeout", text, "is not a duration: expected one such as 30s or 1h30m"),
    }
}

/// The name of the cookie.
fn name(asked: Option<&str>, rule: &str) -> Read<Arc<str>> {
    let Some(name) = asked else { return Ok(format!("adit-{:016x}", XxHash3_64::oneshot(rule.as_bytes())).into()) };
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if (1..=NAME_LIMIT).contains(&name.len()) && name.bytes().all(is_token) {
        return Ok(name.into());
    }
    let message =
        format!("is not the name of a cookie: expected 1 to {NAME_LIMIT} letters, digits and !#$%&'*+-.^_`|~");
    malformed("cookie.name", name, message)
}

/// The path of the cookie.
fn path(asked: Option<&str>) -> Read<Arc<str>> {
    let path = asked.filter(|path| !path.is_empty()).unwrap_or("/");
    let fits = |byte: u8| byte.is_ascii_graphic() && byte != b';';
    if path.len() <= PATH_LIMIT && path.starts_with('/') && path.bytes().all(fits) {
        return Ok(path.into());
    }
    let message =
        format!("is not the path of a cookie: expected '/' and up to {PATH_LIMIT} characters of ASCII without ';'");
    malformed("cookie.path", path, message)
}

fn part(field: &str, value: &str, message: impl Into<String>) -> Wrong {
    Wrong::new(format!("sessionPersistence.{field}"), value, message)
}

fn malformed<T>(field: &str, value: &str, message: impl Into<String>) -> Read<T> {
    Err(part(field, value, message))
}

/// Has the clients of a route stay, with whichever of its backends has begun a session: that comes before the weights.
pub(super) fn keep(route: &mut Route, affinity: &Arc<Affinity>) {
    let Action::Forward(backends) = &mut route.action else { return };
    let affinity = on_path(affinity, &route.matches.path);
    let stay = |backend: &RouteBackend| {
        let affinity = backend.backend.service().map(|_| Arc::clone(&affinity));
        RouteBackend { affinity, ..backend.clone() }
    };
    let by_weight: Vec<_> = backends.iter().map(stay).collect();
    let when = Condition::Session { cookie: Arc::clone(&affinity.cookie) };
    let several = by_weight.iter().filter(|backend| by_weight.len() > 1 && backend.affinity.is_some());
    let of_sessions = several.map(|backend| RouteBackend { weight: 0, when: Some(when.clone()), ..backend.clone() });
    *backends = of_sessions.chain(by_weight.iter().cloned()).collect();
}

/// No path begins with a regular expression: there, a cookie that does not say for which paths it is, is for all.
fn on_path(affinity: &Arc<Affinity>, path: &PathMatch) -> Arc<Affinity> {
    let attributes = affinity.sets.as_ref().filter(|attributes| attributes.path.is_none());
    let Some(attributes) = attributes.filter(|_| path.kind == PathKind::Regex) else { return Arc::clone(affinity) };
    let sets = Some(CookieAttributes { path: Some("/".into()), ..attributes.clone() });
    Arc::new(Affinity { sets, ..affinity.as_ref().clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cookie: its name, its path, and how long it is kept; or else what is told.
    fn of(yaml: &str) -> Result<String, String> {
        let asked = serde_saphyr::from_str(yaml).expect("a session");
        let shown = |wrong: &Wrong| format!("{}: {:?} {}", wrong.field, wrong.value, wrong.message);
        let read = parse(&asked, "default/route 0").map_err(|wrong| shown(&wrong))?;
        let cookie = read.affinity.iter().map(|affinity| {
            let sets = affinity.sets.as_ref().expect("a cookie that is set");
            format!("{} {:?} {:?}", affinity.cookie, sets.path.as_deref(), sets.max_age)
        });
        Ok(cookie.chain(read.told.iter().map(shown)).collect::<Vec<_>>().join("; "))
    }

    #[test]
    fn a_cookie_is_as_it_is_asked_for() {
        for (yaml, expected) in [
            ("{cookie: {name: x}}", "x Some(\"/\") None"),
            ("{type: Cookie, cookie: {name: x, path: /a, lifetimeType: Session}}", "x Some(\"/a\") None"),
            ("{absoluteTimeout: 1h, cookie: {name: x, lifetimeType: Permanent}}", "x Some(\"/\") Some(3600)"),
        ] {
            assert_eq!(of(yaml).as_deref(), Ok(expected), "{yaml}");
        }
    }

    #[test]
    fn a_name_is_of_one_rule() {
        let name = |rule| {
            let read = parse(&SessionPersistence::default(), rule).expect("sound");
            read.affinity.expect("a session").cookie.to_string()
        };
        assert_eq!(name("default/a 0"), name("default/a 0"));
        assert_ne!(name("default/a 0"), name("default/a 1"));
        assert!(name("default/a 0").starts_with("adit-"));
    }

    #[test]
    fn what_has_no_effect_is_told() {
        for (yaml, expected) in [
            ("{type: Header, header: {name: x}}", "sessionPersistence.type: \"Header\" is not supported"),
            (
                "{absoluteTimeout: 1h, cookie: {name: x}}",
                "x Some(\"/\") None; sessionPersistence.absoluteTimeout: \"1h\" has no",
            ),
        ] {
            let told = of(yaml).expect("sound");
            assert!(told.starts_with(expected), "{told}");
        }
    }

    #[test]
    fn what_is_malformed_is_named() {
        for (yaml, expected) in [
            ("{type: Query}", "type: \"Query\" is not a type of session"),
            ("{cookie: {name: 'a b'}}", "cookie.name: \"a b\" is not the name of a cookie"),
            ("{cookie: {name: ''}}", "cookie.name: \"\" is not the name of a cookie"),
            ("{cookie: {path: a}}", "cookie.path: \"a\" is not the path of a cookie"),
            ("{cookie: {path: /a;Domain=b}}", "cookie.path: \"/a;Domain=b\" is not the path of a cookie"),
            ("{absoluteTimeout: soon}", "absoluteTimeout: \"soon\" is not a duration"),
            ("{cookie: {lifetimeType: Permanent}}", "absoluteTimeout: \"\" is missing"),
            ("{absoluteTimeout: 9ms, cookie: {lifetimeType: Permanent}}", "absoluteTimeout: \"9ms\" is shorter"),
            ("{cookie: {lifetimeType: Ever}}", "cookie.lifetimeType: \"Ever\" is not known"),
        ] {
            let wrong = of(yaml).expect_err(yaml);
            assert!(wrong.starts_with(&format!("sessionPersistence.{expected}")), "{wrong}");
        }
    }
}
