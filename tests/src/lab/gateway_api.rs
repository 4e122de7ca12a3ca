use super::kubectl::kubectl;
use super::turn::Turn;
use anyhow::{Result, ensure};
use std::path::Path;
use tokio::sync::OnceCell;

/// Put there from the Go module of `tests/tools/gateway-conformance`.
const CRDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/tools/gateway-conformance/crds");

static INSTALLED: OnceCell<()> = OnceCell::const_new();

/// Installs the kinds of Gateway API, which a cluster does not have by itself: once for all tests, in whose time to work it falls.
///
/// # Errors
/// The files are missing, or the API server refuses.
pub async fn install_gateway_api() -> Result<()> {
    let _turn = Turn::together().await;
    INSTALLED.get_or_try_init(install).await.copied()
}

async fn install() -> Result<()> {
    ensure!(Path::new(CRDS).exists(), "{CRDS} is missing: `make test-cluster` makes it");
    kubectl(&format!("apply --server-side --filename={CRDS}")).await?;
    kubectl("wait crd --all --for=condition=Established --timeout=600s").await.map(drop)
}
