//! A Kubernetes API server in memory, as far as Adit asks anything of one, that fails as it is told to.
//!
//! It speaks HTTP over a real socket, keeps versions and the history of changes, pages its lists, and forgets.

mod discovery;
mod objects;
mod request;
mod watches;
mod writes;

use crate::backend::scripted;
use crate::connection::{Connection, PATIENCE};
use anyhow::{Context, Result, ensure};
use discovery::Discovery;
use objects::Objects;
use parking_lot::Mutex;
use request::Request;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use tokio::sync::watch;
use tokio::time::timeout;

/// How the server answers one request, in place of what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This status, as a `Status` object.
    Status(u16),
    /// 429 in plain text with this `Retry-After`, as overload protection answers.
    Busy(u64),
    /// 403, as for what is to be created in a namespace that is being deleted.
    Ending,
    /// Half of the answer, and the end of the connection.
    Cut,
    /// Not before [`ApiServer::release`].
    Held,
}

/// What the server does to the watches that are open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Ends them in the middle of an event.
    Cut,
    /// Sends an error of this code within the stream, and ends it.
    Error(u16),
    /// Sends a bookmark.
    Bookmark,
    /// Sends what is not JSON.
    Garble,
}

/// A running server; it ends with its runtime.
#[derive(Clone, Debug)]
pub struct ApiServer {
    url: String,
    state: Arc<Mutex<State>>,
    changes: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    objects: Objects,
    discovery: Discovery,
    /// Next answers, by the resource's name in URLs, with the subresource: `ingresses/status`.
    faults: HashMap<String, VecDeque<Fault>>,
    refused: HashSet<String>,
    token: Option<String>,
    held: usize,
    /// The orders to the watches of each resource.
    orders: HashMap<String, Vec<Order>>,
    /// Objects in one page of a list.
    page: Option<usize>,
    requests: Vec<String>,
    /// The method and the path of each request that changed something.
    writes: Vec<String>,
}

impl ApiServer {
    /// Starts with these objects, a YAML stream.
    ///
    /// # Errors
    /// If a port cannot be had, or the objects are malformed.
    pub async fn start(manifests: &str) -> Result<Self> {
        let mut state = State::default();
        for object in documents(manifests)? {
            state.objects.apply(object)?;
        }
        let mut server =
            Self { url: String::new(), state: Arc::new(Mutex::new(state)), changes: watch::Sender::new(0) };
        let serving = server.clone();
        let address = scripted(move |_, connection| serving.clone().serve(connection)).await?;
        server.url = format!("http://{address}");
        Ok(server)
    }

    /// Its URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// All objects now, as one list.
    pub fn objects(&self) -> String {
        json!({"apiVersion": "v1", "kind": "List", "items": self.state.lock().objects.all()}).to_string()
    }

    /// All objects of a resource now.
    pub fn objects_of(&self, resource: &str) -> Vec<Value> {
        self.state.lock().objects.of(resource)
    }

    /// Waits until the objects of a resource fit.
    ///
    /// # Errors
    /// If they do not come to that in time.
    pub async fn comes_to(&self, resource: &str, mut fits: impl FnMut(&[Value]) -> bool) -> Result<()> {
        let outcome = self.wait_for(|server| fits(&server.objects_of(resource))).await;
        outcome.with_context(|| format!("{resource} did not come to that: {:#?}", self.objects_of(resource)))
    }

    /// Creates or changes objects, a YAML stream.
    ///
    /// # Errors
    /// If one is malformed.
    pub fn apply(&self, manifests: &str) -> Result<()> {
        let documents = documents(manifests)?;
        self.change(|state| documents.into_iter().try_for_each(|object| state.objects.apply(object)))
    }

    /// Has these kinds of Gateway API, by their names in URLs, in a version; none: no longer this version.
    pub fn offer(&self, version: &str, resources: &[&str]) {
        self.change(|state| state.discovery.offer(discovery::GATEWAY_API, version, resources));
    }

    /// Has AditPolicies.
    pub fn offer_policies(&self) {
        self.change(|state| state.discovery.offer(discovery::OWN, "v1alpha1", &["aditpolicies"]));
    }

    /// Deletes an object.
    ///
    /// # Errors
    /// If there is none.
    pub fn delete(&self, resource: &str, namespace: &str, name: &str) -> Result<()> {
        self.change(|state| state.objects.delete(resource, namespace, name)).context("no such object")
    }

    /// Answers the next requests about a resource in this way.
    pub fn fail(&self, resource: &str, faults: impl IntoIterator<Item = Fault>) {
        self.change(|state| state.faults.entry(resource.to_owned()).or_default().extend(faults));
    }

    /// Answers all requests about a resource with 403, or no longer.
    pub fn refuse(&self, resource: &str, is_refused: bool) {
        self.change(|state| match is_refused {
            true => state.refused.insert(resource.to_owned()),
            false => state.refused.remove(resource),
        });
    }

    /// Answers all requests without this bearer token with 401, and ends open watches.
    pub fn expect_token(&self, token: &str) {
        let resources: Vec<_> = self.change(|state| {
            state.token = Some(token.to_owned());
            state.objects.resources().map(str::to_owned).collect()
        });
        resources.iter().for_each(|resource| self.order(resource, Order::Cut));
    }

    /// Lists in pages of so many objects.
    pub fn page(&self, objects: usize) {
        self.change(|state| state.page = Some(objects));
    }

    /// Tells the open watches of a resource to do something.
    pub fn order(&self, resource: &str, order: Order) {
        self.change(|state| state.orders.entry(resource.to_owned()).or_default().push(order));
    }

    /// Forgets the changes so far: whoever watches from before now gets 410.
    pub fn forget(&self) {
        self.change(|state| state.objects.forget());
    }

    /// Lets held requests go on.
    pub fn release(&self) {
        self.change(|state| state.held = 0);
    }

    /// The targets of all requests so far.
    pub fn targets(&self) -> Vec<String> {
        self.state.lock().requests.clone()
    }

    /// How many requests about a resource there were, of lists or of watches.
    pub fn requests(&self, resource: &str, is_watch: bool) -> usize {
        let state = self.state.lock();
        let matches = |target: &&String| {
            target.contains("watch=true") == is_watch
                && target.split('?').next().is_some_and(|path| path.ends_with(resource))
        };
        state.requests.iter().filter(matches).count()
    }

    /// Waits until so many requests about a resource were made.
    ///
    /// # Errors
    /// If they are not made in time.
    pub async fn asked(&self, resource: &str, is_watch: bool, count: usize) -> Result<()> {
        self.wait_for(|server| server.requests(resource, is_watch) >= count)
            .await
            .with_context(|| format!("no {count} requests about {resource}: {:?}", self.targets()))
    }

    /// Waits until all faults have been met, and a request is held if one was to be.
    ///
    /// # Errors
    /// If they are not in time.
    pub async fn failed(&self) -> Result<()> {
        let is_empty = |server: &Self| server.state.lock().faults.values().all(VecDeque::is_empty);
        self.wait_for(is_empty).await.context("nobody met the faults")
    }

    /// One object as it is now.
    pub fn object(&self, resource: &str, namespace: &str, name: &str) -> Option<Value> {
        self.state.lock().objects.find(resource, namespace, name).cloned()
    }

    /// All that one object ever was.
    pub fn history(&self, resource: &str, namespace: &str, name: &str) -> Vec<Value> {
        self.state.lock().objects.history(resource, namespace, name).into_iter().cloned().collect()
    }

    /// The method and the path of each request that changed something so far.
    pub fn writes(&self) -> Vec<String> {
        self.state.lock().writes.clone()
    }

    /// Waits until something is the case here.
    ///
    /// # Errors
    /// If it is not in time.
    pub async fn wait_for(&self, mut fits: impl FnMut(&Self) -> bool) -> Result<()> {
        let mut changes = self.changes.subscribe();
        timeout(PATIENCE, changes.wait_for(|_| fits(self))).await??;
        Ok(())
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.state.lock());
        self.changes.send_modify(|number| *number += 1);
        result
    }

    async fn serve(self, mut connection: Connection) -> Result<()> {
        while let Some(head) = connection.request().await? {
            let body = connection.request_body(&head).await?;
            if let Some(answer) = self.discovered(&head.target) {
                let (code, answer) = answer.map_or_else(|| (404, status(404)), |answer| (200, answer));
                connection.send(response(code, "", &answer.to_string())).await?;
                continue;
            }
            let mut request = Request::parse(&head, &body)?;
            match self.fault(&mut request) {
                None => {}
                Some(Fault::Held) => self.wait_for(|server| server.state.lock().held == 0).await?,
                Some(fault) => {
                    self.answer_badly(&mut connection, &request, fault).await?;
                    continue;
                }
            }
            if request.is_watch {
                return self.watch(&mut connection, &request).await;
            }
            let (code, answer) = self.answer(&request)?;
            connection.send(response(code, "", &answer.to_string())).await?;
        }
        Ok(())
    }

    fn discovered(&self, target: &str) -> Option<Option<Value>> {
        self.change(|state| {
            let answer = state.discovery.answer(target);
            if answer.is_some() {
                state.requests.push(target.to_owned());
            }
            answer
        })
    }

    fn answer(&self, request: &Request) -> Result<(u16, Value)> {
        if request.method == "GET" && request.name.is_none() {
            return Ok((200, self.list(request)));
        }
        let answer = self.change(|state| {
            let version = state.objects.version();
            let answer = writes::answer(&mut state.objects, request);
            if state.objects.version() != version {
                let path = request.target.split('?').next().unwrap_or_default();
                state.writes.push(format!("{} {path}", request.method));
            }
            answer
        })?;
        Ok(match answer {
            Ok(object) => (200, object),
            Err(code) => (code, status(code)),
        })
    }

    fn fault(&self, request: &mut Request) -> Option<Fault> {
        self.change(|state| {
            state.requests.push(request.target.clone());
            // From here on, orders are for this request, too.
            request.orders = state.orders.get(&request.resource).map_or(0, Vec::len);
            if state.token.is_some() && state.token != request.token {
                return Some(Fault::Status(401));
            }
            if state.refused.contains(&request.rule) {
                return Some(Fault::Status(403));
            }
            if request.is_malformed {
                return Some(Fault::Status(400));
            }
            let fault = state.faults.get_mut(&request.rule)?.pop_front();
            state.held += usize::from(fault == Some(Fault::Held));
            fault
        })
    }

    async fn answer_badly(&self, connection: &mut Connection, request: &Request, fault: Fault) -> Result<()> {
        match fault {
            Fault::Status(code) => connection.send(response(code, "", &status(code).to_string())).await,
            Fault::Ending => {
                let mut refusal = status(403);
                refusal["details"] = json!({"causes": [{"reason": "NamespaceTerminating"}]});
                connection.send(response(403, "", &refusal.to_string())).await
            }
            Fault::Busy(seconds) => {
                connection.send(response(429, &format!("Retry-After: {seconds}\r\n"), "Too many requests.")).await
            }
            Fault::Cut => {
                let whole = response(200, "", &self.list(request).to_string());
                connection.send(&whole[..whole.len() - whole.len() / 4]).await?;
                connection.finish().await
            }
            Fault::Held => Ok(()),
        }
    }

    fn list(&self, request: &Request) -> Value {
        let state = self.state.lock();
        let found = state.objects.select(request);
        let page = state.page.unwrap_or(usize::MAX);
        let items: Vec<_> = found.iter().skip(request.offset).take(page).collect();
        let next = request.offset + items.len();
        let token = if next < found.len() { next.to_string() } else { String::new() };
        json!({"metadata": {"resourceVersion": state.objects.version().to_string(), "continue": token}, "items": items})
    }
}

fn documents(manifests: &str) -> Result<Vec<Value>> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(manifests)?;
    ensure!(documents.iter().all(Value::is_object), "not objects: {manifests}");
    Ok(documents)
}

fn response(status: u16, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{headers}Content-Length: {length}\r\n\r\n{body}")
}

fn status(code: u16) -> Value {
    let message = format!("told to answer {code}");
    // Clients tell by this whether there is no such object.
    let reason = if code == 404 { "NotFound" } else { "" };
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": reason, "code": code})
}
