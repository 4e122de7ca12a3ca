//! The access log.

use super::builder::ConfigBuilder;
use super::entry::Key;
use super::map_values::map_values;
use crate::registry::{Value, ValueError};
use gateway::config::{AccessLog, Escape, Template};

const STDOUT: &str = "logs go to standard output and standard error; see the flag --access-log-path";

pub(super) const KEYS: &[Key] = &[
    Key::full(
        "log-format-upstream",
        AccessLog::DEFAULT_FORMAT,
        "Sets the format of the access log for HTTP requests. Text with the variables that are listed at the end of \
         this page.",
        |value, draft| {
            draft.config.gateway.access_log.format = format("log-format-upstream", value, draft)?;
            Ok(())
        },
    )
    .but("Other variables have no value, but for those that snippets set, or make by `map` and `geo`."),
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
    Key::full(
        "enable-access-log-for-default-backend",
        "false",
        "Sets whether requests are logged for which there is no rule: neither for their host nor without a host. Boolean. \
         Requests for a host with rules are always logged, also where no path matches.",
        |value, draft| {
            draft.config.gateway.access_log.unmatched = value.bool()?;
            Ok(())
        },
    ),
    Key::full(
        "enable-auth-access-log",
        "false",
        "Logs auth requests: a line each, before that of the request, with the status and the address of the auth server. \
         Boolean.",
        |value, draft| {
            draft.config.gateway.access_log.auth = value.bool()?;
            Ok(())
        },
    ),
    Key::full(
        "skip-access-log-urls",
        "",
        "Names requests that are not logged, by path and query as clients send them, separated by commas: texts, without \
         regard to case, or `~` (or `~*`, without regard to case) and a regular expression that matches anywhere.",
        |value, draft| {
            const EXPECTED: &str = "URLs such as \"/health\", or \"~\" and regular expressions, separated by commas";
            draft.config.gateway.access_log.skipped = map_values(value).ok_or(ValueError::Expected(EXPECTED))?;
            Ok(())
        },
    ),
    Key::full(
        "log-format-stream",
        "[$remote_addr] [$time_local] $protocol $status $bytes_sent $bytes_received $session_time",
        "Sets the format of the access log for TCP and UDP services. Text with the variables that are listed at the \
         end of this page. Values are always escaped as without `log-format-escape-json` and \
         `log-format-escape-none`.",
        |value, draft| {
            draft.config.gateway.streams.log.format = format("log-format-stream", value, draft)?;
            Ok(())
        },
    )
    .but("Variables of HTTP, and those that are not listed, are `-`."),
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
    Key::full(
        "enable-syslog",
        "false",
        "Sends the access log for HTTP to the syslog server of `syslog-host` by UDP, as RFC 3164 has it, in place of \
         standard output. Boolean. Lines that cannot be sent are counted in `adit_access_log_dropped_lines_total`.",
        |value, draft| {
            draft.syslog.enabled = value.bool()?;
            Ok(())
        },
    )
    .but("Adit's own messages stay on standard error."),
    Key::full(
        "syslog-host",
        "",
        "Sets the host of the syslog server: a DNS name, or an IP address.",
        |value, draft| {
            let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':' | '_');
            if !value.text().chars().all(is_host) {
                return Err(ValueError::Expected("a DNS name, or an IP address without brackets"));
            }
            draft.syslog.host = value.text().into();
            Ok(())
        },
    ),
    Key::full("syslog-port", "514", "Sets the UDP port of the syslog server. From 1 to 65535.", |value, draft| {
        draft.syslog.port = value.number(1..=u16::MAX, "a port from 1 to 65535")?;
        Ok(())
    }),
];

/// A format, whose variables are judged when all snippets have been read.
fn format(key: &'static str, value: Value<'_>, draft: &mut ConfigBuilder) -> Result<Template, ValueError> {
    let (format, unknown) = Template::parse_with_unknown(value.text())?;
    draft.unknown_variables.extend(unknown.into_iter().map(|name| (key, name)));
    Ok(format)
}
