//! The process, and parts of nginx that have no counterpart.

use super::entry::Key;
use std::num::NonZero;

const NGINX: &str = "it tunes a part of nginx that has no counterpart";
const FLAGS: &str = "flags say where Adit listens";

pub(super) const KEYS: &[Key] = &[
    Key::full(
        "worker-processes",
        "auto",
        "How many workers there are: a number up to 1024, or `auto` for the CPUs that the process may use. Read at the start.",
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
        "Connections of clients that a worker has at most; one more is closed at once.",
        |value, draft| {
            let most = value.number(1..=u32::MAX, "a whole number, at least 1")?;
            draft.config.gateway.connections.per_worker = NonZero::new(most as usize).unwrap_or(NonZero::<usize>::MIN);
            Ok(())
        },
    ),
    Key::full(
        "max-connections-per-client",
        "0",
        "Connections that one client address has at most (IPv6: one /64 network); one more is closed at once. 0 is any \
         number.",
        |value, draft| {
            let most = value.number(0..=u32::MAX, "a whole number; 0 is any number")?;
            draft.config.gateway.connections.per_client = NonZero::new(most as usize);
            Ok(())
        },
    ),
    Key::ignored("max-worker-open-files", "0", NGINX, "Files that a worker may open."),
    Key::full(
        "worker-shutdown-timeout",
        "240s",
        "How long requests, tunnels and TCP sessions may go on after `--shutdown-grace-period`, before they are cut off.",
        |value, draft| {
            draft.config.gateway.shutdown_timeout = value.positive_time()?;
            Ok(())
        },
    ),
    Key::ignored("worker-cpu-affinity", "", NGINX, "The CPUs of workers."),
    Key::ignored(
        "reuse-port",
        "true",
        "each worker has its own listeners",
        "Workers have their own listeners. Boolean.",
    ),
    Key::ignored("enable-multi-accept", "true", NGINX, "A worker accepts all waiting connections. Boolean."),
    Key::ignored("enable-aio-write", "true", NGINX, "Files are written asynchronously. Boolean."),
    Key::ignored("enable-serial-reloads", "false", "there are no reloads", "Reloads wait for each other. Boolean."),
    Key::ignored("bind-address", "", FLAGS, "Addresses to listen on."),
    Key::ignored("bind-address-ipv4", "", FLAGS, "IPv4 addresses to listen on."),
    Key::ignored("bind-address-ipv6", "", FLAGS, "IPv6 addresses to listen on."),
    Key::full(
        "disable-ipv6",
        "false",
        "Clients are not served on IPv6, unless `--bind-address` is of it. Boolean. Read at the start.",
        |value, draft| {
            draft.config.gateway.ipv6 = !value.bool()?;
            Ok(())
        },
    ),
    Key::planned("disable-ipv6-dns", "false", "Names are not resolved to IPv6 addresses. Boolean."),
    Key::ignored("server-name-hash-max-size", "1024", NGINX, "A hash table's size."),
    Key::ignored("server-name-hash-bucket-size", "0", NGINX, "A hash table's buckets."),
    Key::ignored("variables-hash-max-size", "2048", NGINX, "A hash table's size."),
    Key::ignored("variables-hash-bucket-size", "256", NGINX, "A hash table's buckets."),
    Key::ignored("map-hash-bucket-size", "64", NGINX, "A hash table's buckets."),
    Key::ignored("proxy-headers-hash-max-size", "512", NGINX, "A hash table's size."),
    Key::ignored("proxy-headers-hash-bucket-size", "64", NGINX, "A hash table's buckets."),
    Key::ignored("lua-shared-dicts", "", NGINX, "Memory of Lua."),
    Key::planned("use-geoip2", "false", "Clients' countries are looked up. Boolean."),
    Key::planned("geoip2-autoreload-in-minutes", "0", "How often the database is read again."),
    Key::ignored("debug-connections", "", NGINX, "Clients whose connections are traced."),
];
