//! The fixtures themselves: that they can be read, that none is missing, and that the harness sees what it must.

use anyhow::Result;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use tests::case::{Case, Mode, Request};
use tests::client::Client;
use tests::cluster::{Cluster, Network};
use tests::echo::{self, Identity, Journal, Speaks};
use tokio::net::TcpListener;

/// The cases of the ingress-nginx list that must be there.
const INGRESS_NGINX: &str = "
    P03 P05 P06 P07 P08 P09 P10 P11 P12 P13 P14 P15 P17 P21 P22 P25 P27 P28 P29 P30 P32 P33 P34 P35 P36 P38 P40 P43 P46 P47 P48
    X01 X02 X03 X04 X05 X06 X07 X08 X09 X14 X15 X17 X19 X20
    W01 W04 W05 W07 W09 W10 W12 W13 W14 W15 W16 W18 W19
    D02 D05 D08 D09 D10 D13 D14 D16 D19 D20 D21 D23 D24
    T01 T02 T03 T04 T05 T07 T11 T15 T16 T17 T19 T20 T21 T24 T25 T26 T28 T29 T32 T33 T34 T38 T39 T41 T46 T47 T48
    C02 C03 C04 C05 C06 C07 C09 C10 C12 C13 C14 C15 C16 C18 C20 C21 C23 C24 C26 C28 C29 C30
    N01 N04 N06 N08 N09
    G01 G03 G08 G11 G12 G13 G14 G21 G22 G24 G25 G26 G28 G30 G31 G33 G37 G39 G40 G41 G42
    H02 H05 H06 H07 H08 H11 H12 H13 H14 H17 H19 H22 H25 H26 H32 H33 H37
    Q02 Q03 Q04 Q05 Q07 Q10
    K01 K02 K03 K04 K06 K07 K09 K10 K11 K12 K13 K14 K15 K16 K17 K20 K22 K23 K24 K25 K28 K31
    S01 S03 S05 S06 S08 S09 S10 S13 S14 S18 S24
    L01 L02 L05 L07 L08 L12 L13 L14 L16 L17 L18 L20 L21 L22 L23 L24 L25
    B01 B03 B04 B10 B14 B15 B16 B18 B19 B25
    U01 U06 U09 U10 U12 U13 U14
    I12 I13 I16 I17
    J01 J02 J03 J04 J05 J06 J08 J10 J11
    A01 A02 A05 A06 A07 A10 A12 A15 A17 A18
    V14 V16 V18 V22 V23 V24
    Z02 Z03 Z05 Z06 Z08 Z09 Z11
    S2b";

fn cases() -> Vec<Case> {
    Case::load_all(&Path::new(env!("CARGO_MANIFEST_DIR")).join("cases")).expect("the cases can be read")
}

#[test]
fn no_case_is_missing() {
    let cases = cases();
    let of = |ingress_v1: bool| -> BTreeSet<String> {
        let of_list = cases.iter().filter(|case| case.name.starts_with("ingress-v1/") == ingress_v1);
        of_list.flat_map(|case| case.spec.source.iter().cloned()).collect()
    };
    let rows = |letter: char, last: usize| (1..=last).map(move |row| format!("{letter}{row:02}"));
    let ingress_v1: BTreeSet<String> =
        rows('A', 67).chain(rows('B', 26)).chain(rows('C', 11)).chain(rows('D', 13)).collect();
    assert_eq!(of(true), ingress_v1);
    assert_eq!(of(false), INGRESS_NGINX.split_whitespace().map(str::to_owned).collect());
}

/// The beginnings of the names of tests in this binary that are reference cases, but no fixtures. Those that need a
/// cluster are in `tests/lab/fixtures.rs`.
const IN_SUITE: &[&str] = &[
    "admin::j16_",
    "admin::j17_",
    "admin::j18_",
    "admission::clients::v11_",
    "admission::reviews::v01_",
    "admission::reviews::v02_",
    "admission::reviews::v03_",
    "admission::reviews::v05_",
    "admission::reviews::v06_",
    "admission::reviews::v08_",
    "admission::reviews::v09_",
    "admission::reviews::v12_",
    "admission::reviews::v17_",
    "admission::reviews::v20_",
    "affinity::changes::s19_",
    "affinity::changes::s20_",
    "affinity::changes::s21_",
    "affinity::minted::s17_",
    "backend_tls::proxy_ssl::u03_",
    "client_certificates::conformance::m01_",
    "client_certificates::conformance::m07_",
    "client_certificates::conformance::m08_",
    "client_certificates::conformance::m09_",
    "client_certificates::conformance::m10_",
    "client_certificates::conformance::m11_",
    "client_certificates::conformance::m12_",
    "client_certificates::conformance::m13_",
    "client_certificates::conformance::m14_",
    "client_certificates::conformance::m17_",
    "ending::http1::b23_",
    "ending::http1::j24_",
    "grpc::u06_",
    "grpc::u08_",
    "limits::in_progress::q11_",
    "passthrough::t44_",
    "status::i20_",
    "streams::ports::j19_",
    "streams::ports::j21_",
    "streams::tcp::j22_",
    "websocket::h34_",
    "websocket::h35_",
];

#[test]
fn no_case_of_the_suite_is_missing() -> Result<()> {
    assert_eq!(tests::listed::missing(IN_SUITE)?, [""; 0]);
    Ok(())
}

/// What users and attackers have found, each line of which is a kind with a test of its own: `fault_m1_...` or
/// `attack_07_...` in this binary, or a case in a directory `fault-m1-...`.
#[test]
fn every_known_fault_and_attack_has_a_test() -> Result<()> {
    let rows = |kind: &'static str, last: usize, digits: usize| {
        (1..=last).map(move |number| format!("{kind}{number:0digits$}"))
    };
    let faults = [rows("h", 3, 1), rows("m", 5, 1), rows("l", 7, 1), rows("f", 18, 2), rows("n", 12, 2)];
    let faults = faults.into_iter().flatten().map(|fault| format!("fault_{fault}_"));
    let expected: BTreeSet<String> = faults.chain(rows("attack_", 44, 2).map(|attack| format!("{attack}_"))).collect();

    let mut names = tests::listed::active()?;
    names.extend(cases().into_iter().map(|case| case.name.replace('-', "_").replace('/', "::")));
    let last_part = |name: &String| name.rsplit("::").next().unwrap_or(name).to_owned();
    let found: BTreeSet<String> = names.iter().map(last_part).collect();
    let missing = expected.iter().filter(|id| !found.iter().any(|name| name.starts_with(*id)));
    // Only nodes that die can show it: tests/lab/fixtures.rs demands it.
    let missing: Vec<_> = missing.filter(|id| *id != "fault_n11_").collect();
    assert_eq!(missing, [""; 0]);
    Ok(())
}

#[test]
fn every_ingress_v1_case_runs_in_both_modes() {
    for case in cases().iter().filter(|case| case.name.starts_with("ingress-v1/")) {
        assert_eq!(case.spec.modes, [Mode::Nginx, Mode::Strict], "{}", case.name);
    }
}

#[tokio::test]
async fn objects_are_understood_and_endpoints_stay_where_they_are() -> Result<()> {
    for case in cases() {
        let mut cluster = Cluster::new(Network::imaginary(), &case.spec.dns).await?;
        for object in case.objects {
            cluster.apply(object)?;
        }
        assert_eq!(cluster.documents().await?, cluster.documents().await?, "{}: endpoints moved", case.name);
    }
    Ok(())
}

#[tokio::test]
async fn the_echo_reports_what_the_client_sends() -> Result<()> {
    let (mut client, journal) = client_of_an_echo().await?;
    let request = request(
        "{method: POST, url: 'http://h:8080/x/../%61?b', headers: {X-A: '1'}, body: {size: 100KiB, chunked: true}}",
    );
    for _ in 0..2 {
        let response = client.send(&request, &journal).await?;
        assert_eq!(response.status, 200);
        let [received] = &journal.take()[..] else { panic!("expected one request") };
        assert_eq!((received.service.as_str(), received.pod.as_str()), ("echo", "echo-0"));
        assert_eq!((received.method.as_str(), received.target.as_str()), ("POST", "/x/../%61?b"));
        assert_eq!(received.body_length, 100 << 10);
        for header in [("host", "h:8080"), ("x-a", "1"), ("transfer-encoding", "chunked")] {
            assert!(received.headers.contains(&(header.0.to_owned(), header.1.to_owned())), "{header:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn chunks_come_one_by_one() -> Result<()> {
    let (mut client, journal) = client_of_an_echo().await?;
    let response = client.send(&request("{url: 'http://h/', chunks: 3}"), &journal).await?;
    assert_eq!(response.body, b"chunk 0\nchunk 1\nchunk 2\n");
    Ok(())
}

#[tokio::test]
async fn the_client_sends_bytes_as_they_are_and_sees_the_connection_close() -> Result<()> {
    let (mut client, journal) = client_of_an_echo().await?;
    let request = request(r#"{raw: "GET /raw HTTP/1.1\r\nConnection: close\r\n\r\n", byte_by_byte: true}"#);
    let response = client.send(&request, &journal).await?;
    assert_eq!(journal.take()[0].target, "/raw");
    assert!(response.closed);
    Ok(())
}

async fn client_of_an_echo() -> Result<(Client, Arc<Journal>)> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let client = Client::new(listener.local_addr()?, None);
    let journal = Arc::new(Journal::default());
    let identity = Identity { service: "echo".to_owned(), pod: "echo-0".to_owned() };
    echo::serve(listener, Speaks::Http, identity, journal.clone())?;
    Ok((client, journal))
}

fn request(yaml: &str) -> Request {
    serde_saphyr::from_str(yaml).expect("a request")
}
