//! UDP services: a socket towards an endpoint for each client of each listening socket.
//!
//! A session ends as in nginx: when every datagram of the client has been answered as often as
//! `proxy-stream-responses` says, or when nothing has moved for `proxy-stream-timeout`.

use super::Session;
use crate::config::StreamProtocol;
use crate::connection::socket::listen_udp;
use crate::connection::{ConnectionGuard, Stage};
use crate::worker::Worker;
use bytes::Bytes;
use socket2::SockRef;
use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{self, Read};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::JoinSet;

/// The largest datagram in bytes.
const DATAGRAM: usize = 65_535;
/// Datagrams of one client that may wait for its session: as many as tokio lets a socket receive in one go. More are
/// dropped, as by a socket whose buffer is full.
const WAITING: usize = 128;
/// Datagrams that another endpoint gets when the first one proves to be unreachable.
const RESENT: usize = 16;
/// How long a session waits for answers when its socket takes no more datagrams.
const LAST_ANSWERS: Duration = Duration::from_secs(2);
/// How long receiving pauses after an error.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves a port's socket until `closed` or the worker drains. Sessions get their last answers on sockets of their own.
pub(crate) async fn serve(
    socket: UdpSocket,
    port: u16,
    closed: impl Future<Output = ()>,
    worker: Arc<Worker>,
    _listening: ConnectionGuard,
) {
    let Ok(local) = socket.local_addr() else { return };
    let controls = worker.controls.clone();
    let (mut closed, mut draining) = (pin!(closed), pin!(controls.reached(Stage::Draining)));
    let mut clients = Clients::new(socket, local, port, worker);
    let mut buffer = vec![0; DATAGRAM];
    loop {
        tokio::select! {
            biased;
            () = &mut closed => break,
            () = &mut draining => break,
            received = clients.socket.recv_from(&mut buffer) => match received {
                Ok((length, client)) => clients.deliver(client, Bytes::copy_from_slice(&buffer[..length])),
                Err(error) => {
                    tracing::warn!(%error, port, "cannot receive datagrams; trying again");
                    tokio::time::sleep(PAUSE).await;
                }
            },
            Some(ended) = clients.tasks.join_next() => clients.forget(ended.ok()),
        }
    }
    // Lets the runtime poll the kernel for datagrams that have arrived.
    tokio::task::yield_now().await;
    while let Ok((length, client)) = clients.socket.try_recv_from(&mut buffer) {
        clients.deliver(client, Bytes::copy_from_slice(&buffer[..length]));
    }
    clients.detach_sessions();
}

/// The clients of one socket.
struct Clients {
    socket: Arc<UdpSocket>,
    local: SocketAddr,
    port: u16,
    worker: Arc<Worker>,
    /// The session of each client, by its number.
    sessions: HashMap<SocketAddr, (u64, mpsc::Sender<Bytes>), foldhash::fast::RandomState>,
    tasks: JoinSet<(SocketAddr, u64)>,
}

impl Clients {
    fn new(socket: UdpSocket, local: SocketAddr, port: u16, worker: Arc<Worker>) -> Self {
        Self { socket: Arc::new(socket), local, port, worker, sessions: HashMap::default(), tasks: JoinSet::new() }
    }

    /// Passes a datagram to its client's session, a new one if there is none.
    fn deliver(&mut self, client: SocketAddr, datagram: Bytes) {
        let undelivered = match self.sessions.get(&client) {
            Some((_, session)) => match session.try_send(datagram) {
                Ok(()) | Err(mpsc::error::TrySendError::Full(_)) => return,
                Err(mpsc::error::TrySendError::Closed(datagram)) => datagram,
            },
            None => datagram,
        };
        self.begin(client, undelivered);
    }

    fn begin(&mut self, client: SocketAddr, first: Bytes) {
        let addresses = (SocketAddr::new(client.ip().to_canonical(), client.port()), self.local);
        let Some(mut session) = Session::begin(&self.worker, StreamProtocol::Udp, self.port, addresses) else { return };
        session.relayed.received = first.len() as u64;
        let Ok(permit) = Arc::clone(&self.worker.udp_sessions).try_acquire_owned() else {
            session.status = Session::UNAVAILABLE;
            return;
        };
        let number = session.connection.id;
        let (sender, datagrams) = mpsc::channel(WAITING);
        let carrier = Carrier {
            session,
            client,
            listener: Arc::clone(&self.socket),
            datagrams,
            unanswered: vec![first],
            requests: 1,
            responses: 0,
            _permit: permit,
        };
        self.sessions.insert(client, (number, sender));
        self.tasks.spawn(async move {
            carrier.run().await;
            (client, number)
        });
    }

    /// A session has ended. Its client may have another one already.
    fn forget(&mut self, ended: Option<(SocketAddr, u64)>) {
        if let Some((client, number)) = ended
            && self.sessions.get(&client).is_some_and(|(current, _)| *current == number)
        {
            self.sessions.remove(&client);
        }
    }

    /// Closes the channels of all sessions, as no more datagrams come. The sessions end by themselves.
    fn detach_sessions(mut self) {
        self.sessions.clear();
        self.tasks.detach_all();
    }
}

/// Carries the datagrams of one session.
struct Carrier {
    session: Session,
    client: SocketAddr,
    listener: Arc<UdpSocket>,
    datagrams: mpsc::Receiver<Bytes>,
    /// What was sent to an endpoint that has never answered.
    unanswered: Vec<Bytes>,
    requests: u64,
    responses: u64,
    _permit: OwnedSemaphorePermit,
}

/// What happens to a session.
enum Event {
    /// The client sent a datagram.
    Request(Bytes),
    /// The client's datagrams do not come any more.
    NoMoreRequests,
    /// The endpoint sent so many bytes, which the client has now.
    Answer(io::Result<usize>),
    /// No datagram came for too long.
    Silence,
}

/// The outcome of a session with one endpoint.
enum EndpointOutcome {
    /// All datagrams have been answered.
    Answered,
    /// There is no answer, and will be none.
    Unanswered,
    /// Nothing listens there.
    Unreachable,
}

impl Carrier {
    async fn run(mut self) {
        while let Some(pick) = self.session.next_endpoint() {
            let outcome = match connect(pick.address()).await {
                Ok(endpoint) => self.carry(&endpoint).await,
                Err(error) => {
                    tracing::debug!(address = %pick.address(), %error, "cannot open a UDP socket towards an endpoint");
                    EndpointOutcome::Unreachable
                }
            };
            match outcome {
                EndpointOutcome::Answered => {
                    self.session.status = Session::OK;
                    return;
                }
                EndpointOutcome::Unanswered => break,
                EndpointOutcome::Unreachable => {}
            }
        }
        self.session.status = Session::BAD_GATEWAY;
    }

    async fn carry(&mut self, endpoint: &UdpSocket) -> EndpointOutcome {
        let mut silence = self.session.settings().timeout;
        let mut listening = true;
        for datagram in &self.unanswered {
            if let Err(error) = endpoint.send(datagram).await
                && is_unreachable(&error)
            {
                return EndpointOutcome::Unreachable;
            }
        }
        while !self.is_answered() {
            self.session.deadline.arm(silence);
            match self.next(endpoint, listening).await {
                Event::Request(datagram) => {
                    if let Err(error) = self.forward(datagram, endpoint).await
                        && is_unreachable(&error)
                    {
                        return self.lost();
                    }
                }
                Event::NoMoreRequests => {
                    listening = false;
                    self.leave_port().await;
                    silence = silence.min(LAST_ANSWERS);
                }
                Event::Answer(Ok(length)) => {
                    self.responses += 1;
                    self.session.relayed.sent += length as u64;
                    self.unanswered = Vec::new();
                }
                Event::Answer(Err(_)) => return self.lost(),
                Event::Silence => return EndpointOutcome::Unanswered,
            }
        }
        EndpointOutcome::Answered
    }

    /// Whether all that the client sent has its answers (nginx: ngx_stream_proxy_test_finalize).
    fn is_answered(&self) -> bool {
        let expected = u64::from(self.session.settings().responses).saturating_mul(self.requests);
        self.responses >= expected && self.datagrams.is_empty()
    }

    async fn next(&mut self, endpoint: &UdpSocket, listening: bool) -> Event {
        let Self { session, client, listener, datagrams, .. } = self;
        let event = async {
            tokio::select! {
                datagram = datagrams.recv(), if listening => datagram.map_or(Event::NoMoreRequests, Event::Request),
                answer = answer(endpoint, listener, *client) => Event::Answer(answer),
            }
        };
        session.deadline.limit(Stage::Stopped, event).await.unwrap_or(Event::Silence)
    }

    async fn forward(&mut self, datagram: Bytes, endpoint: &UdpSocket) -> io::Result<usize> {
        self.requests += 1;
        self.session.relayed.received += datagram.len() as u64;
        let sent = endpoint.send(&datagram).await;
        if self.responses == 0 && self.unanswered.len() < RESENT {
            self.unanswered.push(datagram);
        }
        sent
    }

    /// Answers the client on a socket of its own that receives only its datagrams, so that the port can be closed before
    /// the last answer, and its next owner gets all other datagrams.
    async fn leave_port(&mut self) {
        match only_of(&self.listener, self.client).await {
            Ok(socket) => self.listener = Arc::new(socket),
            Err(error) => tracing::debug!(client = %self.client, %error, "the port stays open for a session"),
        }
    }

    /// The endpoint is gone. Another one may serve a client that has had no answer yet.
    fn lost(&self) -> EndpointOutcome {
        if self.responses == 0 { EndpointOutcome::Unreachable } else { EndpointOutcome::Unanswered }
    }
}

/// A socket that is connected to this endpoint, and so gets an error if nothing listens there.
async fn connect(endpoint: SocketAddr) -> io::Result<UdpSocket> {
    let any = if endpoint.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0)).await?;
    socket.connect(endpoint).await?;
    Ok(socket)
}

/// A second socket of a listener's address, for one of its clients.
async fn only_of(listener: &UdpSocket, client: SocketAddr) -> io::Result<UdpSocket> {
    let socket = listen_udp(listener.local_addr()?)?;
    socket.connect(client)?;
    let socket = UdpSocket::from_std(socket)?;
    // The runtime takes a new socket for not writable until it has polled it, and answers would be dropped.
    socket.writable().await?;
    Ok(socket)
}

thread_local! {
    /// Buffer for one answer, so that a session that waits for one holds none.
    static ROOM: RefCell<Box<[u8]>> = RefCell::new(vec![0; DATAGRAM].into());
}

/// Takes one datagram from the endpoint to the client. One that does not fit into the listener's buffer is dropped, as
/// the network would.
async fn answer(endpoint: &UdpSocket, listener: &UdpSocket, client: SocketAddr) -> io::Result<usize> {
    loop {
        // An ICMP error (nothing listens there) does not make a socket readable.
        let ready = endpoint.ready(Interest::READABLE | Interest::ERROR).await?;
        let interest = if ready.is_readable() { Interest::READABLE } else { Interest::ERROR };
        let relayed: io::Result<_> = ROOM.with_borrow_mut(|room| {
            let length = endpoint.try_io(interest, || (&*SockRef::from(endpoint)).read(room))?;
            if let Err(error) = listener.try_send_to(&room[..length], client) {
                tracing::debug!(%client, %error, length, "dropped an answer");
            }
            Ok(length)
        });
        match relayed {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            relayed => return relayed,
        }
    }
}

/// Whether sending failed because nothing listens at the other end, and not because of the datagram.
fn is_unreachable(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable};
    matches!(error.kind(), ConnectionRefused | HostUnreachable | NetworkUnreachable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_that_waits_while_the_port_is_left_is_not_dropped() {
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let bound = || async { UdpSocket::bind(loopback).await.expect("a socket") };
        let (client, backend) = (bound().await, bound().await);
        let address = |socket: &UdpSocket| socket.local_addr().expect("an address");
        let port = listen_udp(loopback).and_then(UdpSocket::from_std).expect("a port");
        let endpoint = connect(address(&backend)).await.expect("a way to the endpoint");
        backend.send_to(b"answer", address(&endpoint)).await.expect("an answer");
        endpoint.readable().await.expect("an answer that waits");
        let left = only_of(&port, address(&client)).await.expect("a socket of the session's own");
        answer(&endpoint, &left, address(&client)).await.expect("an answer that is taken");
        let mut datagram = [0; 16];
        let received = tokio::time::timeout(Duration::from_secs(30), client.recv(&mut datagram)).await;
        let length = received.expect("an answer in time").expect("an answer");
        assert_eq!(&datagram[..length], b"answer");
    }
}
