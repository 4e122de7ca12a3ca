//! The filter `RequestMirror`.

use super::backends::Destination;
use super::wrong::{Read, wrong};
use crate::gateway_api::{RequestMirrorFilter, RouteBackendRef};
use gateway::config::{Mirror, Piece, Share, Template, Variable};
use std::num::NonZero;
use std::sync::Arc;

/// A mirror that a rule asks for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct MirrorFilter {
    pub(super) reference: RouteBackendRef,
    /// Where that is: `filters[0].requestMirror.backendRef`.
    pub(super) field: String,
    share: Option<Share>,
}

/// Reads the filter that is at this place.
///
/// # Errors
/// The share is none.
pub(super) fn parse(filter: &RequestMirrorFilter, index: usize) -> Read<MirrorFilter> {
    let reference = filter.backend_ref.clone().into();
    let field = format!("filters[{index}].requestMirror.backendRef");
    Ok(MirrorFilter { reference, field, share: share(filter)? })
}

/// `None`: all requests.
fn share(filter: &RequestMirrorFilter) -> Read<Option<Share>> {
    let (numerator, denominator) = match (filter.percent, &filter.fraction) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            return wrong("requestMirror.percent", "", "is beside fraction: expected one of them");
        }
        (Some(percent), None) => (percent, 100),
        (None, Some(fraction)) => (fraction.numerator, fraction.denominator.unwrap_or(100)),
    };
    let share = u32::try_from(numerator).ok().zip(u32::try_from(denominator).ok().and_then(NonZero::new));
    match share.filter(|(numerator, denominator)| *numerator <= denominator.get()) {
        Some((numerator, denominator)) if numerator == denominator.get() => Ok(None),
        Some((numerator, denominator)) => Ok(Some(Share { numerator, denominator })),
        None if filter.percent.is_some() => {
            wrong("requestMirror.percent", &numerator.to_string(), "is not a share: expected 0 to 100")
        }
        None => {
            let message = "is not a share: expected a numerator from 0 to the denominator, which is 1 at least";
            wrong("requestMirror.fraction", &format!("{numerator}/{denominator}"), message)
        }
    }
}

impl MirrorFilter {
    /// The mirror, at the place that its reference leads to.
    pub(super) fn at(&self, destination: &Destination, mark: &Arc<str>) -> Mirror {
        let service = &destination.id;
        let variable = |variable| Template([Piece::Variable(variable)].into());
        Mirror {
            backend: service.clone().into(),
            share: self.share,
            http2: destination.protocol.is_http2(),
            tls: destination.protocol.uses_tls(false),
            tls_settings: destination.tls.clone(),
            server_name: format!("{}.{}.svc", service.service, service.namespace).into(),
            target: variable(Variable::RequestUri),
            host: variable(Variable::HttpHost),
            sends_body: true,
            mark: Arc::clone(mark),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(yaml: &str) -> Result<Option<(u32, u32)>, String> {
        let filter = serde_saphyr::from_str(yaml).expect("a filter");
        let share = share(&filter).map(|share| share.map(|share| (share.numerator, share.denominator.get())));
        share.map_err(|wrong| format!("{}: {:?} {}", wrong.field, wrong.value, wrong.message))
    }

    #[test]
    fn a_share_is_a_percentage_or_a_fraction() {
        for (yaml, share) in [
            ("{}", None),
            ("{percent: 0}", Some((0, 100))),
            ("{percent: 20}", Some((20, 100))),
            ("{percent: 100}", None),
            ("{fraction: {numerator: 25, denominator: 50}}", Some((25, 50))),
            ("{fraction: {numerator: 5}}", Some((5, 100))),
            ("{fraction: {numerator: 7, denominator: 7}}", None),
        ] {
            assert_eq!(of(yaml), Ok(share), "{yaml}");
        }
    }

    #[test]
    fn what_is_no_share_is_named() {
        for (yaml, expected) in [
            ("{percent: 101}", "requestMirror.percent: \"101\" is not a share: expected 0 to 100"),
            ("{percent: -1}", "requestMirror.percent: \"-1\" "),
            ("{fraction: {numerator: 2, denominator: 1}}", "requestMirror.fraction: \"2/1\" "),
            ("{fraction: {numerator: 0, denominator: 0}}", "requestMirror.fraction: \"0/0\" "),
            ("{percent: 1, fraction: {numerator: 1}}", "requestMirror.percent: \"\" is beside fraction"),
        ] {
            let wrong = of(yaml).expect_err(yaml);
            assert!(wrong.starts_with(expected), "{wrong}");
        }
    }
}
