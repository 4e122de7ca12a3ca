//! Which Adit this is.

use gateway::telemetry::Build;
use std::sync::LazyLock;

/// The version of the release.
const RELEASE: &str = env!("CARGO_PKG_VERSION");
/// The commit, where the program was built with the environment variable `ADIT_COMMIT`, as `make` and the Dockerfile do.
const COMMIT: Option<&str> = option_env!("ADIT_COMMIT");

static VERSION: LazyLock<String> = LazyLock::new(|| match COMMIT.filter(|commit| !commit.is_empty()) {
    Some(commit) => format!("{RELEASE} ({commit})"),
    None => RELEASE.to_owned(),
});

/// The version and the commit, such as `1.2.3 (0123456789ab)`.
pub(crate) fn version() -> &'static str {
    &VERSION
}

/// The same, for metrics.
pub(super) fn build() -> Build {
    Build { release: RELEASE.to_owned(), commit: COMMIT.unwrap_or_default().to_owned(), ..Build::default() }
}
