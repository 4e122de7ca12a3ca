//! The peer that shows what Adit adds to Pingora: the same runtime, allocator and profile, Pingora's `HttpProxy`, and
//! nothing else. `bare_pingora LISTEN BACKEND`.

use async_trait::async_trait;
use pingora_core::Result;
use pingora_core::apps::ServerApp;
use pingora_core::modules::http::HttpModules;
use pingora_core::protocols::l4::stream::Stream;
use pingora_core::server::configuration::ServerConf;
use pingora_core::upstreams::peer::HttpPeer;
use pingora_proxy::{ProxyHttp, Session, http_proxy};
use std::net::SocketAddr;
use std::sync::Arc;

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
    let [_, listen, backend] = arguments.as_slice() else {
        anyhow::bail!("usage: bare_pingora LISTEN BACKEND");
    };
    let backend = backend.parse()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let conf = ServerConf { threads: 1, upstream_keepalive_pool_size: 320, ..ServerConf::default() };
        let proxy = Arc::new(http_proxy(&Arc::new(conf), Bare { backend }));
        let (_shutdown, watch) = tokio::sync::watch::channel(false);
        let listener = tokio::net::TcpListener::bind(listen).await?;
        loop {
            let (tcp, _) = listener.accept().await?;
            tcp.set_nodelay(true)?;
            let (proxy, watch) = (proxy.clone(), watch.clone());
            tokio::spawn(async move { proxy.process_new(Box::new(Stream::from(tcp)), &watch).await });
        }
    })
}
