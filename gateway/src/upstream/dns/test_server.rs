//! A name server on loopback that answers from a list of records.

use hickory_resolver::proto::op::{Message, OpCode, ResponseCode};
use hickory_resolver::proto::rr::rdata::CNAME;
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use parking_lot::Mutex;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::net::UdpSocket;

/// What the server knows; it can change while it serves.
#[derive(Clone)]
pub(super) struct Zone(Arc<Mutex<Vec<Record>>>);

impl Zone {
    pub(super) fn new(records: impl Into<Vec<Record>>) -> Self {
        Self(Arc::new(Mutex::new(records.into())))
    }

    pub(super) fn replace(&self, records: impl Into<Vec<Record>>) {
        *self.0.lock() = records.into();
    }

    fn answer(&self, request: &Message) -> Message {
        let mut response = Message::response(request.id, OpCode::Query);
        for query in &request.queries {
            response.add_query(query.clone());
            let records = self.0.lock();
            let of_name = |record: &&Record| record.name == *query.name();
            let of_type = |r: &&Record| r.record_type() == query.query_type() || r.record_type() == RecordType::CNAME;
            if !records.iter().any(|record| of_name(&record)) {
                response.metadata.response_code = ResponseCode::NXDomain;
            }
            response.add_answers(records.iter().filter(of_name).filter(of_type).cloned());
        }
        response
    }
}

/// Serves a zone over UDP until the test's runtime ends.
pub(super) async fn serve(zone: Zone) -> SocketAddr {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("loopback has a free port");
    let address = socket.local_addr().expect("the socket is bound");
    tokio::spawn(async move {
        let mut buffer = [0; 4096];
        while let Ok((length, client)) = socket.recv_from(&mut buffer).await {
            let request = Message::from_vec(&buffer[..length]).expect("the resolver sends DNS messages");
            let response = zone.answer(&request).to_vec().expect("the response fits");
            socket.send_to(&response, client).await.expect("the client is on loopback");
        }
    });
    address
}

/// An A or AAAA record.
pub(super) fn address(name: &str, ttl: u32, address: &str) -> Record {
    record(name, ttl, address.parse::<IpAddr>().expect("is an address").into())
}

pub(super) fn cname(name: &str, ttl: u32, target: &str) -> Record {
    record(name, ttl, RData::CNAME(CNAME(Name::from_ascii(target).expect("is a name"))))
}

fn record(name: &str, ttl: u32, data: RData) -> Record {
    Record::from_rdata(Name::from_ascii(name).expect("is a name"), ttl, data)
}
