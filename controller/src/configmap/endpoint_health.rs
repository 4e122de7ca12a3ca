//! New endpoints, and those that fail.

use super::entry::Key;
use crate::registry::endpoint_health::{
    eject_after_failures, eject_max_percent, eject_slower_than, eject_time, slow_start,
};

pub(super) const KEYS: &[Key] = &[
    Key::full(
        "slow-start",
        "0",
        "Sets how long a new endpoint gets less than its share of requests: the share grows evenly, from a tenth to all of it. \
         Time; with 0 it gets all of it at once. It applies with `load-balance: round_robin` and `least_request`, and to \
         endpoints that are added to others. Adit's own.",
        |value, draft| slow_start(value, &mut draft.config.routes.upstream),
    ),
    Key::full(
        "eject-after-failures",
        "0",
        "Sets how many failures in a row eject an endpoint: it gets no requests for `eject-time`. A failure is: no connection; \
         no head of a response, or not in time; a response with the status 502, 503 or 504; or one that comes later than \
         `eject-slower-than`. Whole number from 0; with 0 none is ejected. Adit's own.",
        |value, draft| eject_after_failures(value, &mut draft.config.routes.upstream),
    ),
    Key::full(
        "eject-slower-than",
        "0",
        "Makes a response whose head comes later than this a failure for `eject-after-failures`. It is passed on all the same. \
         Time from the start of the attempt; 0 sets no limit. Adit's own.",
        |value, draft| eject_slower_than(value, &mut draft.config.routes.upstream),
    ),
    Key::full(
        "eject-time",
        "30",
        "Sets how long an endpoint is ejected. Time above 0. If it is ejected again soon after, that is twice as long, then \
         three times, and at most ten times. Adit's own.",
        |value, draft| eject_time(value, &mut draft.config.routes.upstream),
    ),
    Key::full(
        "eject-max-percent",
        "50",
        "Limits how many endpoints of a backend are ejected at a time. Whole number of percent from 1 to 100. Of several \
         endpoints one may always be ejected, whatever the number; the only endpoint of a backend never is. If all are ejected, \
         all get requests. Adit's own.",
        |value, draft| eject_max_percent(value, &mut draft.config.routes.upstream),
    ),
];
