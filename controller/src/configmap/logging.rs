//! The access log and traces.

use super::entry::Key;
use super::error::KeyError;
use gateway::config::{Escape, Template};

const STDOUT: &str = "logs go to standard output and standard error";

pub(super) const KEYS: &[Key] = &[
    Key::full("log-format-upstream", "", "The format of the access log, with nginx variables.", |value, draft| {
        draft.config.gateway.access_log.format = Template::parse(value.text()).map_err(KeyError::Template)?;
        Ok(())
    })
    .but("The variables that the documentation lists; with another one the default format stays."),
    Key::full("log-format-escape-json", "false", "Values are escaped as in JSON. Boolean.", |value, draft| {
        if value.bool()? {
            draft.config.gateway.access_log.escape = Escape::Json;
        }
        Ok(())
    }),
    Key::full("log-format-escape-none", "false", "Values are not escaped. Boolean.", |value, draft| {
        // JSON comes first in the alphabet and in ingress-nginx's template.
        if value.bool()? && draft.config.gateway.access_log.escape == Escape::Default {
            draft.config.gateway.access_log.escape = Escape::None;
        }
        Ok(())
    }),
    Key::full("disable-access-log", "false", "There is no access log. Boolean.", |value, draft| {
        let enabled = !value.bool()?;
        draft.config.gateway.access_log.enabled &= enabled;
        draft.config.gateway.streams.log.enabled &= enabled;
        Ok(())
    }),
    Key::full("disable-http-access-log", "false", "There is none for HTTP. Boolean.", |value, draft| {
        draft.config.gateway.access_log.enabled &= !value.bool()?;
        Ok(())
    }),
    Key::full(
        "disable-stream-access-log",
        "false",
        "There is none for TCP and UDP services. Boolean.",
        |value, draft| {
            draft.config.gateway.streams.log.enabled &= !value.bool()?;
            Ok(())
        },
    ),
    Key::planned("enable-access-log-for-default-backend", "false", "Unmatched requests are logged. Boolean."),
    Key::planned("enable-auth-access-log", "false", "Questions to authentication servers are logged. Boolean."),
    Key::planned("skip-access-log-urls", "", "Paths that are not logged."),
    Key::full(
        "log-format-stream",
        "[$remote_addr] [$time_local] $protocol $status $bytes_sent $bytes_received $session_time",
        "The format for TCP and UDP services, with nginx variables. Escapes are always the default ones.",
        |value, draft| {
            draft.config.gateway.streams.log.format = Template::parse(value.text()).map_err(KeyError::Template)?;
            Ok(())
        },
    )
    .but("Variables of HTTP are `-`; with one that Adit does not know the default format stays."),
    Key::ignored("access-log-path", "/var/log/nginx/access.log", STDOUT, "The access log's file."),
    Key::ignored("http-access-log-path", "", STDOUT, "Its file for HTTP."),
    Key::ignored("stream-access-log-path", "", STDOUT, "Its file for TCP and UDP services."),
    Key::ignored("access-log-params", "", STDOUT, "More parameters of nginx's `access_log`."),
    Key::ignored("error-log-path", "/var/log/nginx/error.log", STDOUT, "The error log's file."),
    Key::ignored("error-log-level", "notice", "`--log` says what is logged", "The error log's level."),
    Key::planned("enable-syslog", "false", "Logs go to syslog. Boolean."),
    Key::planned("syslog-host", "", "Its host."),
    Key::planned("syslog-port", "514", "Its port."),
    Key::planned("enable-opentelemetry", "false", "Requests are traced. Boolean."),
    Key::planned("opentelemetry-trust-incoming-span", "true", "Traces continue those of clients. Boolean."),
    Key::planned("opentelemetry-operation-name", "", "The name of spans."),
    Key::planned("opentelemetry-config", "/etc/ingress-controller/telemetry/opentelemetry.toml", "Its file."),
    Key::planned("otlp-collector-host", "", "The collector's host."),
    Key::planned("otlp-collector-port", "4317", "The collector's port."),
    Key::planned("otel-service-name", "nginx", "The service's name in traces."),
    Key::planned("otel-sampler", "AlwaysOn", "Which requests are traced."),
    Key::planned("otel-sampler-ratio", "0.01", "The share that is."),
    Key::planned("otel-sampler-parent-based", "true", "The client decides. Boolean."),
    Key::planned("otel-max-queuesize", "2048", "Spans that wait."),
    Key::planned("otel-schedule-delay-millis", "5000", "How long they wait."),
    Key::planned("otel-max-export-batch-size", "512", "Spans sent at once."),
];
