use super::kubectl::{get, get_path, kubectl};
use crate::connection::Connection;
use crate::tls::Offer;
use crate::wire::{Headers, header};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

/// A place where a gateway can be reached from outside of the cluster: an address and its two ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where HTTP is spoken.
    pub http: SocketAddr,
    /// Where HTTPS is spoken.
    pub https: SocketAddr,
}

/// What came of a request.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Headers,
    /// The body.
    pub body: Vec<u8>,
}

impl Entry {
    /// The ports of a NodePort or LoadBalancer Service, `namespace/name`, on every node, in the order of their names.
    ///
    /// # Errors
    /// There is no such Service, or it has no node ports.
    pub async fn node_ports(service: &str) -> Result<Vec<Self>> {
        let (namespace, name) = service.split_once('/').context("a Service is named namespace/name")?;
        let service = get(&format!("service {name} --namespace={namespace}")).await?;
        let (http, https) = (node_port(&service, "http")?, node_port(&service, "https")?);
        let at = |address| Self { http: (address, http).into(), https: (address, https).into() };
        Ok(nodes().await?.into_iter().map(at).collect())
    }

    /// Each Pod of the Adit in a namespace that is not on its way out, past all Services.
    ///
    /// # Errors
    /// A Pod has no address yet.
    pub async fn pods(namespace: &str) -> Result<Vec<Self>> {
        const SELECTOR: &str = "app.kubernetes.io/name=adit,app.kubernetes.io/component=controller";
        let pods = get(&format!("pods --namespace={namespace} --selector={SELECTOR}")).await?;
        let pods = pods["items"].as_array().context("no list of Pods")?;
        let stay = pods.iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null());
        stay.map(|pod| pod["status"]["podIP"].as_str().context("a Pod without an address"))
            .map(|address| Ok(Self::standard_ports(address?.parse()?)))
            .collect()
    }

    /// The ports 80 and 443 of an address.
    pub fn standard_ports(address: IpAddr) -> Self {
        Self { http: (address, 80).into(), https: (address, 443).into() }
    }

    /// GETs `http://HOST/PATH` there.
    ///
    /// # Errors
    /// There is no well-formed answer.
    pub async fn get(&self, host: &str, path: &str) -> Result<Answer> {
        self.request("GET", host, path, &[]).await
    }

    /// Makes a request on a connection of its own.
    ///
    /// # Errors
    /// There is no well-formed answer.
    pub async fn request(&self, method: &str, host: &str, path: &str, headers: &[(&str, &str)]) -> Result<Answer> {
        ask(&mut Connection::open(self.http).await?, method, host, path, headers).await
    }

    /// GETs `https://HOST/PATH` there, and believes any certificate; the answer comes with it, as DER.
    ///
    /// # Errors
    /// There is no handshake, or no well-formed answer.
    pub async fn get_tls(&self, host: &str, path: &str) -> Result<(Answer, Vec<u8>)> {
        let mut connection = self.connect_tls(host).await?;
        let certificate = connection.tls().context("no handshake")?.certificate.clone();
        Ok((ask(&mut connection, "GET", host, path, &[]).await?, certificate))
    }

    pub(super) async fn connect_tls(&self, host: &str) -> Result<Connection> {
        let offer = Offer { server_name: Some(host.to_owned()), ..Offer::default() };
        Connection::open_tls(self.https, &offer).await
    }
}

/// Gives a LoadBalancer Service, `namespace/name`, an address where nobody else does, as in the lab.
///
/// # Errors
/// There is no such Service.
pub async fn give_address(service: &str, address: &str) -> Result<()> {
    let (namespace, name) = service.split_once('/').context("a Service is named namespace/name")?;
    let service = format!("service {name} --namespace={namespace}");
    if get_path(&service, ".status.loadBalancer.ingress").await?.is_empty() {
        let patch = format!(r#"{{"status":{{"loadBalancer":{{"ingress":[{{"ip":"{address}"}}]}}}}}}"#);
        kubectl(&format!("patch {service} --subresource=status --type=merge --patch={patch}")).await?;
    }
    Ok(())
}

/// Makes a request on a connection.
pub(super) async fn ask(
    connection: &mut Connection,
    method: &str,
    host: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> Result<Answer> {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    connection.send(format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n")).await?;
    let response = connection.response(method).await?;
    Ok(Answer { status: response.status, headers: response.headers, body: response.body })
}

impl Answer {
    /// A header's first value.
    pub fn header(&self, name: &str) -> Option<String> {
        header(&self.headers, name)
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// What the echo server says in an answer with status 200.
    ///
    /// # Errors
    /// Another status, or another body.
    pub fn said(&self) -> Result<Value> {
        ensure!(self.status == 200, "status {}: {}", self.status, self.text());
        serde_json::from_slice(&self.body).with_context(|| format!("not from an echo server: {}", self.text()))
    }

    /// The Service whose echo server answered with 200.
    ///
    /// # Errors
    /// As [`Self::said`].
    pub fn service(&self) -> Result<String> {
        Ok(self.said()?["service"].as_str().context("it does not name its Service")?.to_owned())
    }

    /// The Pod whose echo server answered with 200.
    ///
    /// # Errors
    /// As [`Self::said`].
    pub fn pod(&self) -> Result<String> {
        Ok(self.said()?["pod"].as_str().context("it does not name its Pod")?.to_owned())
    }
}

/// The addresses of all nodes, in the order of their names.
///
/// # Errors
/// A node has none.
pub async fn nodes() -> Result<Vec<IpAddr>> {
    let nodes = get("nodes --sort-by=.metadata.name").await?;
    let nodes = nodes["items"].as_array().context("no list of nodes")?;
    nodes.iter().map(|node| internal_address(node).context("a node without an address")).collect()
}

/// The address from which this process reaches the nodes, and by which the cluster reaches it.
///
/// # Errors
/// There is no node.
pub async fn own_address() -> Result<IpAddr> {
    let node = *nodes().await?.first().context("a cluster without nodes")?;
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    // No packet is sent: the kernel only chooses the address.
    socket.connect((node, 9))?;
    Ok(socket.local_addr()?.ip())
}

fn internal_address(node: &Value) -> Option<IpAddr> {
    let addresses = node["status"]["addresses"].as_array()?;
    addresses.iter().find(|address| address["type"] == "InternalIP")?["address"].as_str()?.parse().ok()
}

fn node_port(service: &Value, name: &str) -> Result<u16> {
    let ports = service["spec"]["ports"].as_array().context("a Service without ports")?;
    let port = ports.iter().find(|port| port["name"] == name).and_then(|port| port["nodePort"].as_u64());
    let port = port.with_context(|| format!("a Service without a node port named {name}: {service}"))?;
    Ok(port.try_into()?)
}
