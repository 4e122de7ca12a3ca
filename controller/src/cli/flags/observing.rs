//! The flags about logs, health and the dashboard.

use super::flag::{Flag, Shape};
use crate::cli::log::check_level;
use crate::settings::LogFormat;

pub(super) const FLAGS: &[Flag] = &[
    Flag::full(
        "healthz-port",
        Shape::Value("PORT"),
        "10254",
        "TCP port for health checks, metrics and debugging (the admin port), from 0 to 65535. With 0 the system \
         chooses one",
        |values, settings| {
            settings.serve.admin_port = values.port()?;
            settings.controller.own_ports.admin = settings.serve.admin_port;
            Ok(())
        },
    ),
    Flag::full(
        "healthz-host",
        Shape::Value("IP"),
        "",
        "IP address for the admin port to listen on. Without this flag all addresses of the machine",
        |values, settings| {
            settings.serve.admin_address = values.address()?;
            Ok(())
        },
    ),
    Flag::full(
        "health-check-path",
        Shape::Value("PATH"),
        "/healthz",
        "Path of the health checks in place of /healthz: on the admin port, and on the ports for HTTP and HTTPS, where no \
         Ingress names the host. It must begin with a slash",
        |values, settings| {
            if !values.last().starts_with('/') {
                return Err("is not a path: expected it to begin with a slash".into());
            }
            settings.serve.health_path = values.last().into();
            settings.controller.health_path.clone_from(&settings.serve.health_path);
            Ok(())
        },
    ),
    Flag::full(
        "enable-dashboard",
        Shape::Switch,
        "true",
        "Serve pages for people at /dashboard/ on the admin port: problems, hosts, backends, certificates, and why a \
         request goes where it goes. Only clients on the same machine get them, as through kubectl port-forward. With \
         false /dashboard/ answers 404",
        |values, settings| {
            settings.serve.dashboard = values.switch()?;
            Ok(())
        },
    ),
    Flag::full(
        "access-log-path",
        Shape::Value("FILE"),
        "",
        "File to which the access log is appended. Without this flag it goes to standard output",
        |values, settings| {
            settings.serve.access_log = values.last_unless_empty().map(Into::into);
            Ok(())
        },
    ),
    Flag::full(
        "log-level",
        Shape::Value("LEVEL"),
        "",
        "What is logged to standard error: error, warn, info, debug, trace or off, or directives such as \
         info,gateway=debug. What no directive names is logged at info. Without this flag the environment variable \
         RUST_LOG, or else info",
        |values, settings| {
            settings.log_level = values.last_unless_empty().map(str::to_owned);
            values.last_unless_empty().map_or(Ok(()), |level| Ok(check_level(level)?))
        },
    ),
    Flag::full(
        "log-format",
        Shape::Value("FORMAT"),
        "text",
        "Format of what is logged to standard error: text for people, json for programs, one object a line. The format \
         of the access log is the ConfigMap's log-format-upstream",
        |values, settings| {
            settings.log_format = match values.last() {
                "text" => LogFormat::Text,
                "json" => LogFormat::Json,
                _ => return Err("is not a format of the log: expected text or json".into()),
            };
            Ok(())
        },
    ),
    Flag::full(
        "v",
        Shape::Value("NUMBER"),
        "",
        "Verbosity, as in ingress-nginx: 0 and 1 are the log level info, 2 to 4 debug, 5 and more trace. --log-level \
         overrides it",
        |values, settings| {
            let level = match values.parse::<u32>("a verbosity: expected a number")? {
                0 | 1 => "info",
                2..=4 => "debug",
                _ => "trace",
            };
            settings.log_level.get_or_insert_with(|| level.into());
            Ok(())
        },
    ),
];
