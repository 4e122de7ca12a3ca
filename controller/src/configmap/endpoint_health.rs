//! New endpoints, and those that fail.

use super::entry::Key;
use crate::registry::endpoint_health::{
    eject_after_failures, eject_max_percent, eject_slower_than, eject_time, slow_start,
};

pub(super) const KEYS: &[Key] = &[
    Key::full(
        "slow-start",
        "0",
        "Lets the share of a new endpoint grow for so long, evenly from a tenth to all of it. Time; 0 is at once. It counts with \
         `load-balance: round_robin` and `least_request`, and for endpoints that come when there are others. Adit's own.",
        |value, draft| slow_start(value, &mut draft.config.routes.upstream),
    ),
    Key::full(
        "eject-after-failures",
        "0",
        "Sets how many failures in a row eject an endpoint: it gets no requests for `eject-time`. A failure is no connection, no \
         head of a response (in time), one with the status 502, 503 or 504, or one that comes later than `eject-slower-than`. \
         Whole number from 0; 0 ejects none. Adit's own.",
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
        "Sets how long an endpoint is ejected the first time. Time above 0. Each time soon after another one it is so much longer, \
         up to ten times as long. Adit's own.",
        |value, draft| eject_time(value, &mut draft.config.routes.upstream),
    ),
    Key::full(
        "eject-max-percent",
        "50",
        "Limits how many endpoints of a backend are ejected at a time. Whole number of percent from 1 to 100. One of several may \
         always be ejected, the only one never; where all are, all are used. Adit's own.",
        |value, draft| eject_max_percent(value, &mut draft.config.routes.upstream),
    ),
];
