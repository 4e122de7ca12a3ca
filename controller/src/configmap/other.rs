//! The process, and settings of nginx that have no meaning for Adit.

use super::entry::Key;
use std::num::NonZero;
use std::time::Duration;

const NGINX: &str = "it tunes a part of nginx that Adit does not have";
const FLAGS: &str = "the flag --bind-address sets it";

pub(super) const KEYS: &[Key] = &[
    Key::full(
        "worker-processes",
        "auto",
        "Sets the number of workers, the threads that serve requests. A number from 1 to 1024, or `auto` for the \
         CPUs that the process may use. The flag `--workers` overrides it. Read at the start.",
        |value, draft| {
            draft.config.gateway.worker_processes = match value.text() {
                "auto" | "" => None,
                _ => Some(value.number(1..=1024, "\"auto\" or a number from 1 to 1024")?),
            };
            Ok(())
        },
    ),
    Key::full(
        "max-worker-connections",
        "16384",
        "Limits the client connections of each worker, those of TCP services included. Whole number; 0 leaves it to the \
         system's limit of open files. Further connections are closed at once.",
        |value, draft| {
            let most = value.number(0..=u32::MAX, "a whole number; 0 leaves it to the system's limit of open files")?;
            draft.config.gateway.connections.per_worker = NonZero::new(most as usize).unwrap_or(NonZero::<usize>::MAX);
            Ok(())
        },
    ),
    Key::full(
        "max-connections-per-client",
        "0",
        "Limits the connections of one client address (IPv6: of one /64 network), over all workers. Whole number; 0 \
         is no limit. Further connections are closed at once. Adit's own.",
        |value, draft| {
            let most = value.number(0..=u32::MAX, "a whole number; 0 is no limit")?;
            draft.config.gateway.connections.per_client = NonZero::new(most as usize);
            Ok(())
        },
    ),
    Key::ignored("max-worker-open-files", "0", NGINX, "Limits the files that a worker may open. Whole number."),
    Key::full(
        "worker-shutdown-timeout",
        "240s",
        "Sets how long requests, WebSockets and TCP sessions may go on when the process ends, after \
         `--shutdown-grace-period`. Time above 0. Then they are cut off.",
        |value, draft| {
            draft.config.gateway.shutdown_timeout = value.positive_time()?;
            Ok(())
        },
    ),
    Key::ignored("worker-cpu-affinity", "", NGINX, "Binds workers to CPUs."),
    Key::ignored(
        "reuse-port",
        "true",
        "each worker always has its own sockets",
        "Gives each worker sockets of its own to listen on. Boolean.",
    ),
    Key::ignored(
        "enable-multi-accept",
        "true",
        NGINX,
        "Lets a worker accept all waiting connections at once. Boolean.",
    ),
    Key::ignored("enable-aio-write", "true", NGINX, "Writes files asynchronously. Boolean."),
    Key::ignored(
        "enable-serial-reloads",
        "false",
        "there are no reloads",
        "Makes reloads wait for each other. Boolean.",
    ),
    Key::ignored("bind-address", "", FLAGS, "Sets the addresses to listen on."),
    Key::ignored("bind-address-ipv4", "", FLAGS, "Sets the IPv4 addresses to listen on."),
    Key::ignored("bind-address-ipv6", "", FLAGS, "Sets the IPv6 addresses to listen on."),
    Key::full(
        "disable-ipv6",
        "false",
        "Listens on IPv4 only, unless `--bind-address` is an IPv6 address. The admin port is not affected. Boolean. \
         Read at the start.",
        |value, draft| {
            draft.config.gateway.ipv6 = !value.bool()?;
            Ok(())
        },
    ),
    Key::full(
        "disable-ipv6-dns",
        "false",
        "Resolves names of backends to IPv4 addresses only. Boolean. A change counts from the next look-up of each name \
         on, at most five minutes later.",
        |value, draft| {
            draft.config.gateway.ipv6_dns = !value.bool()?;
            Ok(())
        },
    ),
    Key::ignored("server-name-hash-max-size", "1024", NGINX, "Sets the size of nginx's hash table of server names."),
    Key::ignored(
        "server-name-hash-bucket-size",
        "0",
        NGINX,
        "Sets the size of a bucket in nginx's hash table of server names.",
    ),
    Key::ignored("variables-hash-max-size", "2048", NGINX, "Sets the size of nginx's hash table of variables."),
    Key::ignored(
        "variables-hash-bucket-size",
        "256",
        NGINX,
        "Sets the size of a bucket in nginx's hash table of variables.",
    ),
    Key::ignored("map-hash-bucket-size", "64", NGINX, "Sets the size of a bucket in nginx's hash tables of maps."),
    Key::ignored("proxy-headers-hash-max-size", "512", NGINX, "Sets the size of nginx's hash table of headers."),
    Key::ignored(
        "proxy-headers-hash-bucket-size",
        "64",
        NGINX,
        "Sets the size of a bucket in nginx's hash table of headers.",
    ),
    Key::ignored("lua-shared-dicts", "", NGINX, "Sets the sizes of Lua's shared memory."),
    Key::full(
        "use-geoip2",
        "false",
        "Reads the GeoIP2 databases that the flag `--maxmind-edition-ids` names, for the variables `$geoip2_NAME` of log \
         formats, headers and snippets: what they know of the client's address. Boolean. Of a database that is not there, the \
         variables have no value, and a snippet that asks for one answers 500, so that no rule is passed by.",
        |value, draft| {
            draft.config.gateway.geo.is_enabled = value.bool()?;
            Ok(())
        },
    )
    .but("Databases are not downloaded: they have to be in the directory that the flag `--geoip-dir` names."),
    Key::full(
        "geoip2-autoreload-in-minutes",
        "0",
        "Sets how often GeoIP2 databases whose files have changed are read again. Minutes, at most 1440; 0 is never. A \
         database that cannot be read stays as it was.",
        |value, draft| {
            let minutes: u64 = value.number(0..=1440, "minutes from 0 to 1440; 0 is never")?;
            draft.config.gateway.geo.reload = Duration::from_secs(60 * minutes);
            Ok(())
        },
    ),
    Key::ignored(
        "debug-connections",
        "",
        NGINX,
        "Names client addresses and networks whose connections are logged in detail, separated by commas.",
    ),
];
