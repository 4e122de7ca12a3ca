//! The log of the process, on standard error.

use crate::settings::{LogFormat, Settings};
use crate::suggestion::{did_you_mean, nearest};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// Starts to log at `--log-level`, else as the environment says, else at `info`.
///
/// # Errors
/// The environment variable `RUST_LOG` has no log level.
pub(super) fn start(settings: &Settings) -> anyhow::Result<()> {
    let level = match &settings.log_level {
        Some(level) => level.clone(),
        None => from_environment()?.unwrap_or_else(|| "info".to_owned()),
    };
    // What is not named stays at info. Pingora reports every client that goes away; what matters of that is in the access
    // log and the metrics. kube reports every failure, and with an answer that it cannot parse the whole answer, Secrets
    // and all. The firewall's engine tells of each of the core rules that it knows only in part.
    let filter = EnvFilter::try_new(format!("info,pingora_core=warn,kube_client=off,zentinel_modsec=error,{level}"))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false);
    match settings.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).with_current_span(false).with_span_list(false).init(),
    }
    Ok(())
}

fn from_environment() -> anyhow::Result<Option<String>> {
    let Some(level) = std::env::var(EnvFilter::DEFAULT_ENV).ok().filter(|level| !level.is_empty()) else {
        return Ok(None);
    };
    check_level(&level).map_err(|error| anyhow::anyhow!("{}: {level:?} {error}", EnvFilter::DEFAULT_ENV))?;
    Ok(Some(level))
}

/// Checks a level, or directives with a level each.
///
/// # Errors
/// A directive has no level. `EnvFilter` takes such a word for the name of a module, and then nothing is logged.
pub(super) fn check_level(directives: &str) -> Result<(), String> {
    const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];
    for directive in directives.split(',').map(str::trim) {
        let level = directive.rsplit_once('=').map_or(directive, |(_, level)| level);
        if level.is_empty() || level.parse::<LevelFilter>().is_err() {
            let near = did_you_mean(nearest(level, LEVELS));
            return Err(format!(
                "is not a log level: expected error, warn, info, debug, trace or off, or directives such as \
                 info,gateway=debug{near}"
            ));
        }
    }
    EnvFilter::try_new(directives).map(drop).map_err(|error| format!("is not a log level: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_directive_has_a_level() {
        for directives in ["info", "WARN", "off", "info,gateway=debug", "gateway::listener=trace, warn"] {
            assert_eq!(check_level(directives), Ok(()), "{directives}");
        }
        for directives in ["wran", "gateway", "gateway=dbug", "gateway=", "info,", "", "verbose", "a b=c=d"] {
            let error = check_level(directives).expect_err(directives);
            assert!(error.contains("expected error, warn"), "{error}");
        }
        assert!(check_level("wran").expect_err("no level").ends_with("did you mean \"warn\"?"));
    }
}
