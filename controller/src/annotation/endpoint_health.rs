//! New endpoints, and those that fail.

use super::entry::{Annotation, Invalid, Scope};
use super::read::Reader;
use crate::registry::endpoint_health::{
    eject_after_failures, eject_max_percent, eject_slower_than, eject_time, slow_start,
};
use gateway::config::Balance;

const SLOW_START: &str = "slow-start";
const FAILURES: &str = "eject-after-failures";
const SLOWER_THAN: &str = "eject-slower-than";
const TIME: &str = "eject-time";
const MAX_PERCENT: &str = "eject-max-percent";

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::own(
        SLOW_START,
        Scope::Upstream,
        Invalid::FallsBack,
        "Sets how long a new endpoint gets less than its share of requests, so that a program that has just started is not \
         overloaded: the share grows evenly, from a tenth to all of it. Time; with 0 it gets all of it at once. It applies with \
         `load-balance: round_robin` and `least_request`, and to endpoints that are added to others. Default: the ConfigMap's \
         `slow-start` (0). The oldest Ingress that uses the Service port decides for all.",
        |value, draft| slow_start(value, &mut draft.upstream),
    ),
    Annotation::own(
        FAILURES,
        Scope::Upstream,
        Invalid::FallsBack,
        "Sets how many failures in a row eject an endpoint: it gets no requests for `eject-time`. A failure is: no connection; \
         no head of a response, or not in time; a response with the status 502, 503 or 504; or one that comes later than \
         `eject-slower-than`. Any other response sets the count to zero. Sessions of `affinity` and keys of `upstream-hash-by` \
         that lead to an ejected endpoint are served by another one meanwhile. Whole number from 0; with 0 none is ejected. \
         Default: the ConfigMap's `eject-after-failures` (0). The oldest Ingress that uses the Service port decides for all. \
         Each replica of Adit counts by itself.",
        |value, draft| eject_after_failures(value, &mut draft.upstream),
    ),
    Annotation::own(
        SLOWER_THAN,
        Scope::Upstream,
        Invalid::FallsBack,
        "Makes a response whose head comes later than this a failure for `eject-after-failures`, so that an endpoint that has \
         become slow is spared. It is passed on all the same. Time from the start of the attempt; 0 sets no limit. Default: the \
         ConfigMap's `eject-slower-than` (0). Not for backends that let clients wait on purpose, as long polling does.",
        |value, draft| eject_slower_than(value, &mut draft.upstream),
    ),
    Annotation::own(
        TIME,
        Scope::Upstream,
        Invalid::FallsBack,
        "Sets how long `eject-after-failures` ejects an endpoint. Time above 0. If it is ejected again soon after, that is twice \
         as long, then three times, and ten times at most; each `eject-time` in which it was not ejected makes up for one. \
         Default: the ConfigMap's `eject-time` (30).",
        |value, draft| eject_time(value, &mut draft.upstream),
    ),
    Annotation::own(
        MAX_PERCENT,
        Scope::Upstream,
        Invalid::FallsBack,
        "Limits how many of the endpoints `eject-after-failures` may eject at a time, so that those that are left can serve. \
         Whole number of percent from 1 to 100. Of several endpoints one may always be ejected, whatever the number; the only \
         endpoint of a backend never is. If all are ejected, all get requests. Default: the ConfigMap's `eject-max-percent` \
         (50).",
        |value, draft| eject_max_percent(value, &mut draft.upstream),
    ),
];

impl Reader<'_> {
    /// Says which of them have no effect beside the other annotations.
    pub(super) fn endpoint_health(&mut self) {
        let settings = &self.reading.settings;
        let ejects = settings.upstream.ejection.failures.is_some();
        let by_turn = settings.upstream.balance != Balance::Ewma
            && settings.upstream.hash_by.is_none()
            && settings.affinity.cookie.is_none();
        if !by_turn {
            self.without_effect(SLOW_START, "has no effect with affinity, upstream-hash-by or load-balance: ewma");
        }
        if !ejects {
            [SLOWER_THAN, TIME, MAX_PERCENT]
                .into_iter()
                .for_each(|key| self.without_effect(key, "has no effect without eject-after-failures"));
        }
    }
}
