//! The way to the API server: where it is, who we are, and when to leave it alone.

use super::failure::Cause;
use crate::settings::{ClusterSettings, Identity};
use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode, Uri};
use kube::client::ClientBuilder;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use parking_lot::Mutex;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tower::util::MapResponseLayer;

/// How long the API server may be silent on a connection before it counts as broken. Watches are renewed more often
/// than that, so that a healthy one ends by itself.
pub(crate) const SILENCE: Duration = Duration::from_secs(90);

/// The longest time that a server's `Retry-After` is honoured for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60);

/// Why there is no way to the API server.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Neither flags nor a Pod's environment say where it is.
    #[error(
        "nothing to serve: expected files or directories, --kubeconfig, --apiserver-host, or a Pod with a \
         ServiceAccount ({0})"
    )]
    Nowhere(kube::config::InClusterError),
    /// The kubeconfig cannot be used.
    #[error("--kubeconfig: {path}: {reason}")]
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: KubeconfigError,
    },
    /// There is no kubeconfig as kubectl has it.
    #[error("no cluster to read: {0}; expected files or directories, --kubeconfig, KUBECONFIG, or ~/.kube/config")]
    NoUser(KubeconfigError),
    /// The URL is none.
    #[error("--apiserver-host: {0:?} is not a URL: expected a form such as https://10.0.0.1:6443")]
    Url(String),
    /// The authorities cannot be read.
    #[error("--certificate-authority: cannot read {path}: {reason}")]
    CertificateAuthority {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// The TLS configuration or the credentials cannot be used.
    #[error("cannot make a client for the API server: {0}")]
    Client(kube::Error),
    /// The thread or its runtime cannot be created.
    #[error("cannot start watching a cluster: {0}")]
    Thread(std::io::Error),
}

/// A client that can be made anew when its credentials no longer are good. Clones share it.
#[derive(Clone)]
pub(crate) struct Access {
    settings: Arc<ClusterSettings>,
    server: Uri,
    current: Arc<Mutex<Generation>>,
    busy: Busy,
}

#[derive(Clone)]
struct Generation {
    number: u64,
    client: Client,
}

impl Access {
    /// Reads the flags' files. The client lives in the runtime that this is called in.
    pub(crate) async fn open(settings: ClusterSettings) -> Result<Self, AccessError> {
        let config = config(&settings).await?;
        let server = config.cluster_url.clone();
        let busy = Busy::default();
        let client = client(config, &busy)?;
        let current = Arc::new(Mutex::new(Generation { number: 0, client }));
        Ok(Self { settings: Arc::new(settings), server, current, busy })
    }

    /// The API server's URL.
    pub(crate) fn server(&self) -> &Uri {
        &self.server
    }

    /// Asks once. When the credentials or the authorities turn out to be no longer good, the next call has new ones.
    pub(crate) async fn call<T, F: Future<Output = kube::Result<T>>>(
        &self,
        ask: impl FnOnce(Client) -> F,
    ) -> kube::Result<T> {
        let (generation, client) = self.client();
        let outcome = ask(client).await;
        if outcome.as_ref().is_err_and(|error| Cause::of(error) == Cause::Unauthorized) {
            self.renew(generation).await;
        }
        outcome
    }

    /// The client, and the number to [`Self::renew`] it by.
    pub(crate) fn client(&self) -> (u64, Client) {
        let Generation { number, client } = self.current.lock().clone();
        (number, client)
    }

    /// Reads the credentials and the authorities again, unless somebody did since the client of this number was made.
    pub(crate) async fn renew(&self, number: u64) {
        if self.current.lock().number != number {
            return;
        }
        let renewed = match config(&self.settings).await {
            Ok(config) => client(config, &self.busy),
            Err(error) => Err(error),
        };
        match renewed {
            Ok(client) => {
                let mut current = self.current.lock();
                if current.number == number {
                    *current = Generation { number: number + 1, client };
                }
            }
            Err(error) => tracing::debug!(%error, "the credentials cannot be read again"),
        }
    }

    /// How long the server wants to be left alone.
    pub(crate) fn busy_for(&self) -> Duration {
        self.busy.remaining()
    }
}

/// Until when the server wants to be left alone: what its `Retry-After` said last.
#[derive(Clone, Debug, Default)]
struct Busy(Arc<Mutex<Option<Instant>>>);

impl Busy {
    fn record(&self, status: StatusCode, headers: &HeaderMap) {
        if let Some(wait) = retry_after(status, headers) {
            *self.0.lock() = Some(Instant::now() + wait);
        }
    }

    fn remaining(&self) -> Duration {
        self.0.lock().map(|until| until.saturating_duration_since(Instant::now())).unwrap_or_default()
    }
}

fn retry_after(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    if !matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        return None;
    }
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER))
}

fn client(mut config: Config, busy: &Busy) -> Result<Client, AccessError> {
    config.read_timeout = Some(SILENCE);
    config.reset_reader_on_write = true;
    // Retries hidden in the client would hide the server's health.
    config.default_retry = false;
    let busy = busy.clone();
    let recording = MapResponseLayer::new(move |response: http::Response<_>| {
        busy.record(response.status(), response.headers());
        response
    });
    Ok(ClientBuilder::try_from(config).map_err(AccessError::Client)?.with_layer(&recording).build())
}

/// As ingress-nginx (`clientcmd.BuildConfigFromFlags`): a kubeconfig, a URL, or both; without either, this Pod's cluster.
async fn config(settings: &ClusterSettings) -> Result<Config, AccessError> {
    let wrong = |path: &PathBuf, reason| AccessError::Kubeconfig { path: path.clone(), reason };
    if let Identity::User { context } = &settings.identity {
        let path = settings.kubeconfig.as_ref();
        return of_kubeconfig(path, context.as_deref()).await.map_err(|reason| match path {
            Some(path) => wrong(path, reason),
            None => AccessError::NoUser(reason),
        });
    }
    let url = settings.apiserver.as_deref().map(url).transpose()?;
    let mut config = match (&settings.kubeconfig, url) {
        (Some(path), url) => {
            let mut config = of_kubeconfig(Some(path), None).await.map_err(|reason| wrong(path, reason))?;
            config.cluster_url = url.unwrap_or(config.cluster_url);
            config
        }
        (None, Some(url)) => Config::new(url),
        (None, None) => Config::incluster_env().map_err(AccessError::Nowhere)?,
    };
    if let Some(path) = settings.certificate_authority.as_ref().filter(|_| settings.apiserver.is_some()) {
        let unreadable = |reason| AccessError::CertificateAuthority { path: path.clone(), reason };
        std::fs::File::open(path).map_err(unreadable)?;
        config.root_cert_file = Some(path.clone());
    }
    Ok(config)
}

/// What a kubeconfig says: as kubectl, `KUBECONFIG` or `~/.kube/config` unless there is a path, and its current context unless
/// there is another.
pub(crate) async fn of_kubeconfig(path: Option<&PathBuf>, context: Option<&str>) -> Result<Config, KubeconfigError> {
    let kubeconfig = path.map_or_else(Kubeconfig::read, Kubeconfig::read_from)?;
    let options = KubeConfigOptions { context: context.map(str::to_owned), ..KubeConfigOptions::default() };
    Config::from_custom_kubeconfig(kubeconfig, &options).await
}

fn url(text: &str) -> Result<Uri, AccessError> {
    let url = text.parse::<Uri>().ok().filter(|url| matches!(url.scheme_str(), Some("http" | "https")));
    url.ok_or_else(|| AccessError::Url(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn a_busy_server_is_left_alone_for_as_long_as_it_asks_within_reason() {
        let asked = |status: u16, text: &'static str| {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]);
            retry_after(StatusCode::from_u16(status).expect("a status"), &headers).map(|wait| wait.as_secs())
        };
        assert_eq!(asked(429, "7"), Some(7));
        assert_eq!(asked(503, " 1 "), Some(1));
        assert_eq!(asked(429, "86400"), Some(60));
        assert_eq!(asked(429, "Wed, 21 Oct 2026 07:28:00 GMT"), None);
        assert_eq!(asked(200, "7"), None);
        assert_eq!(retry_after(StatusCode::TOO_MANY_REQUESTS, &HeaderMap::new()), None);
        assert_eq!(Busy::default().remaining(), Duration::ZERO);
    }

    #[test]
    fn the_server_is_a_url() {
        assert_eq!(url("https://10.0.0.1:6443").expect("a URL").port_u16(), Some(6443));
        for text in ["", "10.0.0.1:6443", "ftp://x", "https://a b"] {
            assert!(url(text).is_err(), "{text:?}");
        }
    }
}
