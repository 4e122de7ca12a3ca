//! Mirrors, which get copies of requests.

use super::entry::{Annotation, Invalid, Scope};
use crate::registry::{ValueError, server_url};
use crate::route_defaults::Risk;

pub(super) const ANNOTATIONS: &[Annotation] = &[
    Annotation::full(
        "mirror-target",
        Scope::Path,
        Risk::High,
        Invalid::FallsBack, // no copies
        "Sets the URL to which a copy of each request is sent that goes to a backend. An absolute URL with `http://` or \
         `https://`; path and query may contain nginx variables, such as `$request_uri` right behind the host. The request \
         never waits for its copy, whose response is dropped. Default: not set, no copies.",
        |value, draft| {
            // The routes are as safe without copies, so nobody has to be turned away.
            draft.mirror.url = Some(server_url(value.text()).map_err(|error| match error {
                ValueError::Refused(why) => ValueError::Invalid(why),
                error => error,
            })?);
            Ok(())
        },
    )
    .but(
        "Copies have the headers that tell backends of the client, such as `X-Forwarded-For`, and `X-Adit-Mirrored`, by which \
         one that comes back is not copied again. They have no password that `auth-type` asks for. Where the mirror does not \
         keep up, copies are dropped and counted: see [bounds.md](bounds.md#mirrors). A URL without a path gets path and query \
         of the request. A host with variables is refused.",
    ),
    Annotation::full(
        "mirror-host",
        Scope::Path,
        Risk::High,
        Invalid::FallsBack,
        "Sets the `Host` header of the copies; it may contain nginx variables such as `$host`. Default: the host of \
         `mirror-target`, without its port.",
        |value, draft| {
            draft.mirror.host = Some(value.host()?);
            Ok(())
        },
    ),
    Annotation::full(
        "mirror-request-body",
        Scope::Path,
        Risk::Low,
        Invalid::FallsBack,
        "Sets whether the copies have the body of the request: `on` or `off`. Default `on`.",
        |value, draft| {
            draft.mirror.sends_body = value.one_of(&["on", "off"], "\"on\" or \"off\"")? == "on";
            Ok(())
        },
    ),
];
