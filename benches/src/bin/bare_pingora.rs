//! The peer that shows what Adit adds to Pingora: the same runtime, allocator, TLS library and profile, Pingora's
//! `HttpProxy`, and nothing else. `bare_pingora HTTP HTTPS BACKEND CERTIFICATE KEY`: three addresses and two PEM files.

use anyhow::{Context, bail};
use async_trait::async_trait;
use pingora_core::Result;
use pingora_core::apps::ServerApp;
use pingora_core::listeners::tls::Acceptor;
use pingora_core::modules::http::HttpModules;
use pingora_core::protocols::l4::stream::Stream;
use pingora_core::server::configuration::ServerConf;
use pingora_core::upstreams::peer::HttpPeer;
use pingora_proxy::{HttpProxy, ProxyHttp, Session, http_proxy};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Bare {
    backend: SocketAddr,
}

#[async_trait]
impl ProxyHttp for Bare {
    type CTX = ();

    fn new_ctx(&self) {}

    fn init_downstream_modules(&self, _modules: &mut HttpModules) {}

    async fn upstream_peer(&self, _session: &mut Session, (): &mut ()) -> Result<Box<HttpPeer>> {
        Ok(Box::new(HttpPeer::new(self.backend, false, String::new())))
    }
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, http, https, backend, certificate, key] = arguments.as_slice() else {
        bail!("usage: bare_pingora HTTP HTTPS BACKEND CERTIFICATE KEY");
    };
    let acceptor = Arc::new(acceptor(certificate, key)?);
    let conf = ServerConf { threads: 1, upstream_keepalive_pool_size: 320, ..ServerConf::default() };
    let proxy = Arc::new(http_proxy(&Arc::new(conf), Bare { backend: backend.parse()? }));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (http, https) = (TcpListener::bind(http).await?, TcpListener::bind(https).await?);
        tokio::select! {
            result = serve(http, None, proxy.clone()) => result,
            result = serve(https, Some(acceptor), proxy) => result,
        }
    })
}

async fn serve(
    listener: TcpListener,
    acceptor: Option<Arc<Acceptor>>,
    proxy: Arc<HttpProxy<Bare>>,
) -> anyhow::Result<()> {
    let (_shutdown, watch) = watch::channel(false);
    loop {
        let (tcp, _) = listener.accept().await?;
        tcp.set_nodelay(true)?;
        let (acceptor, proxy, watch) = (acceptor.clone(), proxy.clone(), watch.clone());
        tokio::spawn(async move {
            let stream = Stream::from(tcp);
            match acceptor {
                None => drop(proxy.process_new(Box::new(stream), &watch).await),
                Some(acceptor) => {
                    if let Ok(stream) = acceptor.tls_handshake(stream).await {
                        proxy.process_new(Box::new(stream), &watch).await;
                    }
                }
            }
        });
    }
}

/// TLS as Adit has it: rustls with aws-lc, HTTP/2 if the client has it.
fn acceptor(certificate: &str, key: &str) -> anyhow::Result<Acceptor> {
    let chain = CertificateDer::pem_file_iter(certificate)?.collect::<Result<Vec<_>, _>>().context("a certificate")?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from_pem_file(key)?)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Acceptor::from_server_config(Arc::new(config)))
}
