//! The access log.

use super::entry::Key;
use crate::registry::ValueError;
use gateway::config::{AccessLog, Escape, Template};

const STDOUT: &str = "logs go to standard output and standard error; see the flag --access-log-path";

pub(super) const KEYS: &[Key] = &[
    Key::full(
        "log-format-upstream",
        AccessLog::DEFAULT_FORMAT,
        "Sets the format of the access log for HTTP requests. Text with the variables that are listed at the end of \
         this page.",
        |value, draft| {
            draft.config.gateway.access_log.format = Template::parse(value.text()).map_err(ValueError::Template)?;
            Ok(())
        },
    )
    .but("With a variable that is not listed, the default format stays in effect."),
    Key::full(
        "log-format-escape-json",
        "false",
        "Escapes values in the access log for HTTP as in JSON strings; a value that is absent is empty. Boolean. It \
         takes precedence over `log-format-escape-none`. With false, quotes, backslashes and bytes outside of \
         printable ASCII become `\\xHH`, and a value that is absent is `-`.",
        |value, draft| {
            if value.bool()? {
                draft.config.gateway.access_log.escape = Escape::Json;
            }
            Ok(())
        },
    ),
    Key::full(
        "log-format-escape-none",
        "false",
        "Writes values in the access log for HTTP without escapes; a value that is absent is empty. Boolean.",
        |value, draft| {
            // JSON comes first in the alphabet and in ingress-nginx's template.
            if value.bool()? && draft.config.gateway.access_log.escape == Escape::Default {
                draft.config.gateway.access_log.escape = Escape::None;
            }
            Ok(())
        },
    ),
    Key::full(
        "disable-access-log",
        "false",
        "Turns off the access log for HTTP, and for TCP and UDP services. Boolean.",
        |value, draft| {
            let enabled = !value.bool()?;
            draft.config.gateway.access_log.enabled &= enabled;
            draft.config.gateway.streams.log.enabled &= enabled;
            Ok(())
        },
    ),
    Key::full("disable-http-access-log", "false", "Turns off the access log for HTTP. Boolean.", |value, draft| {
        draft.config.gateway.access_log.enabled &= !value.bool()?;
        Ok(())
    }),
    Key::full(
        "disable-stream-access-log",
        "false",
        "Turns off the access log for TCP and UDP services. Boolean.",
        |value, draft| {
            draft.config.gateway.streams.log.enabled &= !value.bool()?;
            Ok(())
        },
    ),
    Key::planned("enable-access-log-for-default-backend", "false", "Logs requests that no rule matches. Boolean."),
    Key::planned("enable-auth-access-log", "false", "Logs auth requests. Boolean."),
    Key::planned("skip-access-log-urls", "", "Names paths whose requests are not logged, separated by commas."),
    Key::full(
        "log-format-stream",
        "[$remote_addr] [$time_local] $protocol $status $bytes_sent $bytes_received $session_time",
        "Sets the format of the access log for TCP and UDP services. Text with the variables that are listed at the \
         end of this page. Values are always escaped as without `log-format-escape-json` and \
         `log-format-escape-none`.",
        |value, draft| {
            draft.config.gateway.streams.log.format = Template::parse(value.text()).map_err(ValueError::Template)?;
            Ok(())
        },
    )
    .but("Variables of HTTP are `-`. With a variable that is not listed, the default format stays in effect."),
    Key::ignored("access-log-path", "/var/log/nginx/access.log", STDOUT, "Sets the file of the access log. A path."),
    Key::ignored("http-access-log-path", "", STDOUT, "Sets the file of the access log for HTTP. A path."),
    Key::ignored(
        "stream-access-log-path",
        "",
        STDOUT,
        "Sets the file of the access log for TCP and UDP services. A path.",
    ),
    Key::ignored("access-log-params", "", STDOUT, "Sets more parameters of nginx's directive `access_log`."),
    Key::ignored("error-log-path", "/var/log/nginx/error.log", STDOUT, "Sets the file of the error log. A path."),
    Key::ignored(
        "error-log-level",
        "notice",
        "the flag --log-level sets what is logged",
        "Sets the lowest level of messages in the error log.",
    ),
    Key::planned("enable-syslog", "false", "Sends logs to syslog. Boolean."),
    Key::planned("syslog-host", "", "Sets the host of syslog."),
    Key::planned("syslog-port", "514", "Sets the port of syslog."),
];
