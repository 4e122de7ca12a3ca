//! A DNS server that knows a handful of names and denies the rest.

use anyhow::Result;
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use tokio::net::UdpSocket;

/// How long the answers hold, in seconds: short, so that a changed name is seen within a case.
const TTL: u32 = 1;

/// Answers queries on a loopback port for as long as the runtime lives. Names are in lower case, without a trailing dot.
///
/// # Errors
/// If no port can be had.
pub async fn serve(names: BTreeMap<String, IpAddr>) -> Result<SocketAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = socket.local_addr()?;
    tokio::spawn(async move {
        let mut buffer = [0; 4096];
        while let Ok((length, client)) = socket.recv_from(&mut buffer).await {
            let answer =
                Message::from_vec(&buffer[..length]).ok().and_then(|query| answer(query, &names).to_vec().ok());
            if let Some(answer) = answer {
                // A client that has gone asks again or not at all.
                socket.send_to(&answer, client).await.ok();
            }
        }
    });
    Ok(address)
}

fn answer(query: Message, names: &BTreeMap<String, IpAddr>) -> Message {
    let mut answer = query.into_response();
    let Some(question) = answer.queries.first() else { return answer };
    let (name, kind) = (question.name().clone(), question.query_type());
    match names.get(&spelling(&name)) {
        None => answer.metadata.response_code = ResponseCode::NXDomain,
        Some(address) => {
            let data = match (address, kind) {
                (IpAddr::V4(address), RecordType::A) => Some(RData::A(A(*address))),
                (IpAddr::V6(address), RecordType::AAAA) => Some(RData::AAAA(AAAA(*address))),
                _ => None,
            };
            answer.add_answers(data.map(|data| Record::from_rdata(name, TTL, data)));
        }
    }
    answer
}

fn spelling(name: &Name) -> String {
    name.to_ascii().trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_proto::op::Query;

    fn ask(name: &str, kind: RecordType) -> Message {
        let mut query = Message::query();
        query.add_query(Query::query(Name::from_ascii(name).expect("valid"), kind));
        let names = BTreeMap::from([("db.example.com".to_owned(), IpAddr::from([127, 0, 0, 9]))]);
        answer(query, &names)
    }

    #[test]
    fn answers_what_it_knows() {
        let answer = ask("DB.example.com.", RecordType::A);
        assert_eq!(answer.metadata.response_code, ResponseCode::NoError);
        assert_eq!(answer.answers[0].data, RData::A(A(Ipv4Addr::new(127, 0, 0, 9))));
        assert!(ask("db.example.com.", RecordType::AAAA).answers.is_empty());
    }

    #[test]
    fn denies_the_rest() {
        assert_eq!(ask("other.example.com.", RecordType::A).metadata.response_code, ResponseCode::NXDomain);
    }
}
