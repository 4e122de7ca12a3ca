//! Request lines, headers and hosts.

use super::refused;
use crate::attacks::world::{DOORS, World};
use anyhow::{Context, Result};
use serde_json::json;
use tests::frames::{Answer, END_HEADERS, END_STREAM, Kind, answers, beginning, block, frame, literal};
use tests::recorder::recorded_answering;

fn get(lines: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: h\r\n{lines}\r\n")
}

#[tokio::test]
async fn probe_request_lines_that_are_none() -> Result<()> {
    let lines: &[&[u8]] = &[
        b"GET  / HTTP/1.1",
        b"GET /  HTTP/1.1",
        b"GET / HTTP/1.1 ",
        b" GET / HTTP/1.1",
        b"GET\t/ HTTP/1.1",
        b"GET /\tHTTP/1.1",
        b"GET /\x0bHTTP/1.1",
        b"GET HTTP/1.1",
        b"GET",
        b"GET /",
        b"GET / HTTP/1.1 HTTP/1.1",
        b"GET /a b HTTP/1.1",
        b"GET /\0 HTTP/1.1",
        b"GET /\x7f HTTP/1.1",
        b"GET /\nHTTP/1.1",
        b"GET ! HTTP/1.1",
        b"\0 / HTTP/1.1",
        b"G\xc3\x89T / HTTP/1.1",
        b"G=\":<>(e),[T];?\" / HTTP/1.1",
        b"G@T / HTTP/1.1",
        b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
        b"\x80\x9c\xff\x01",
    ];
    let mut world = World::new().await?;
    for line in lines {
        // Where the last word is not a version, that is what is said of it.
        world.refuses_with_any(&[line, &b"\r\nHost: h\r\n\r\n"[..]].concat(), &[400, 505]).await?;
    }
    Ok(())
}

#[tokio::test]
async fn probe_versions_that_are_none() -> Result<()> {
    let mut world = World::new().await?;
    for version in [
        "HTTP/9.9",
        "HTTP/1.2",
        "HTTP/1.32",
        "HTTP/1.",
        "HTTP/1",
        "HTTP/.1",
        "HTTP/01.01",
        "HTTP/ 1.1",
        "http/ 1.1",
        "HTTP/1.1x",
        "HTTP/11",
        "HTTP/0.9",
        "HTTP/4294967297.1",
        "HTTP/4294967295.255",
        "http/1.1",
        "Http/1.1",
        "HTTP/............0596.7407.",
    ] {
        world.refuses_with_any(format!("GET / {version}\r\nHost: h\r\n\r\n").as_bytes(), &[400, 505]).await?;
    }
    Ok(())
}

/// Where HTTP/2 may begin, these are no beginning of it, and no HTTP/1 either: nobody would understand an answer.
#[tokio::test]
async fn probe_first_lines_that_are_not_http() -> Result<()> {
    let mut world = World::new().await?;
    for line in ["   ", "GET / HTTPS/1.1", "GET / RTSP/1.0", "SSH-2.0 a b"] {
        let mut connection = world.connect(DOORS[0]).await?;
        connection.send(format!("{line}\r\nHost: h\r\n\r\n")).await?;
        assert!(connection.is_closed().await, "{line:?}");
    }
    assert_eq!(world.recording.all(), "");
    world.counts("adit_http2_connection_errors_total", "invalid-preface").await?;
    world.serves_others().await
}

/// Methods are names in which case matters, and backends may have some of their own.
#[tokio::test]
async fn probe_methods_are_passed_as_they_are() -> Result<()> {
    let mut world = World::new().await?;
    for method in ["get", "FOOBAR", "GETT", "M-SEARCH", "!#$%&'*+-.^_`|~0", "PROPFIND"] {
        for got in world.forwards(format!("{method} / HTTP/1.1\r\nHost: h\r\n\r\n")).await? {
            let got = String::from_utf8_lossy(&got);
            assert!(got.starts_with(&format!("{method} / HTTP/1.1\r\n")), "{method} became {got}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn probe_headers_that_are_none() -> Result<()> {
    let lines: &[&[u8]] = &[
        b" \r\n",
        b"\t\r\n",
        b":\r\n",
        b": \r\nX: a\r\n",
        b"Bad[Name: a\r\n a\r\n",
        b"Content-Length 5\r\n",
        b"Content\tLength: 5\r\n",
        b"Content-Length : 5\r\n",
        b"Content-Length\xa0: 5\r\n",
        b"Transfer-\r\nEncoding: chunked\r\n",
        b"Te\nst: a\r\n",
        b"X: a\x07\x08\x0bb\r\n",
        b"X: a\x7fb\r\n",
        b"X:\n\nGET / HTTP/1.1\r\n",
        b"X: a\0\r\n",
        b"X\x01: a\r\n",
        b"Cookie: a=\0b\r\n",
        b"Cookie: a=\x01\x02\x03\r\n",
        b"X: a\r\n\rZ",
    ];
    let heads: Vec<_> =
        lines.iter().map(|lines| [b"GET / HTTP/1.1\r\nHost: h\r\n", *lines, b"\r\n"].concat()).collect();
    refused(heads.iter().map(Vec::as_slice)).await
}

/// Bytes above ASCII are neither stripped of values nor of the names of hosts.
#[tokio::test]
async fn probe_values_keep_their_bytes() -> Result<()> {
    let mut world = World::new().await?;
    for value in [&b"\x85admin\xa0"[..], b"\xffa\xff", b"===;;;", b"a b  c"] {
        let line = [b"X-Name: ", value, b"\r\n"].concat();
        let request = [b"GET / HTTP/1.1\r\nHost: h\r\n", &line[..], b"\r\n"].concat();
        for got in world.forwards(request).await? {
            let found = got.windows(line.len()).any(|window| window == line);
            assert!(found, "{:?} became {:?}", String::from_utf8_lossy(&line), String::from_utf8_lossy(&got));
        }
    }
    for host in [&b"\xffh\xff"[..], b"\xa0h", b"h\x85", b"h\0.i"] {
        world.refuses(&[b"GET / HTTP/1.1\r\nHost: ", host, b"\r\n\r\n"].concat(), 400).await?;
    }
    Ok(())
}

#[tokio::test]
async fn probe_blank_lines_before_a_request() -> Result<()> {
    let mut world = World::new().await?;
    for got in world.forwards(format!("\r\n\r\n{}", get(""))).await? {
        assert!(got.starts_with(b"GET / HTTP/1.1\r\n"), "{:?}", String::from_utf8_lossy(&got));
    }
    Ok(())
}

/// As in nginx, `*` is not served: it is no path, and Adit has nothing to say of itself.
#[tokio::test]
async fn probe_all_of_a_server() -> Result<()> {
    let mut world = World::new().await?;
    world.answers(b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 400).await?;
    for target in ["*a", "**", "/*#"] {
        world.refuses(format!("OPTIONS {target} HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes(), 400).await?;
    }
    Ok(())
}

/// As nginx has it, too: who asks for no host, asks for none of ours.
#[tokio::test]
async fn probe_a_host_that_is_empty() -> Result<()> {
    let mut world = World::catch_all().await?;
    for lines in ["Host:\r\n", "Host: \r\n", "Host:\t\r\n"] {
        world.refuses(format!("GET / HTTP/1.1\r\n{lines}\r\n").as_bytes(), 400).await?;
    }
    Ok(())
}

#[tokio::test]
async fn probe_http_1_0() -> Result<()> {
    let mut world = World::catch_all().await?;
    for door in DOORS {
        for head in [
            "GET / HTTP/1.0\r\nHost: h\r\n\r\n",
            "GET / HTTP/1.0\r\n\r\n",
            "POST / HTTP/1.0\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
            "GET / HTTP/1.0\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        ] {
            world.recording.clear();
            let mut connection = world.connect(door).await?;
            connection.send(head).await?;
            let response = connection.response("GET").await?;
            assert_eq!((response.status, response.closed), (200, true), "{head:?} at {door:?}");
            world.logs(200).await?;
            let got = world.recording.all().to_ascii_lowercase();
            assert!(!got.contains("upgrade") && !got.contains("expect"), "{got}");
        }
    }
    Ok(())
}

/// Only a request that asks for it in both headers gets a tunnel.
#[tokio::test]
async fn probe_half_an_upgrade() -> Result<()> {
    let switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    let backend = recorded_answering(switching).await?;
    let mut world = World::before(backend, &[], json!({})).await?;
    for lines in
        ["Upgrade: websocket\r\n", "Connection: upgrade\r\n", "Connection: upgrade\r\nUpgrade: made-up/1.0\r\n"]
    {
        for door in DOORS {
            let mut connection = world.connect(door).await?;
            connection.send(get(lines)).await?;
            assert_eq!(connection.response("GET").await?.status, 502, "{lines:?} at {door:?}");
            world.logs(502).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn probe_long_lines_and_many_headers() -> Result<()> {
    let mut world = World::new().await?;
    let path = format!("/{}", "a".repeat(7990));
    for got in world.forwards(format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n")).await? {
        assert!(got.starts_with(format!("GET {path} ").as_bytes()));
    }
    let long = "a".repeat(100_000);
    for (request, status) in [
        (format!("GET /{long} HTTP/1.1\r\nHost: h\r\n\r\n"), 414),
        (format!("{long} / HTTP/1.1\r\nHost: h\r\n\r\n"), 414),
        (get(&format!("X-Big: {long}\r\n")), 400),
        (get(&format!("{long}: x\r\n")), 400),
        (get(&format!("Cookie: big={long}\r\n")), 400),
        (get(&"X: y\r\n".repeat(10_000)), 400),
    ] {
        world.refuses(request.as_bytes(), status).await.with_context(|| format!("{request:.20}..."))?;
    }
    Ok(())
}

#[tokio::test]
async fn probe_many_cookies() -> Result<()> {
    let mut world = World::new().await?;
    let pairs = vec!["a=b"; 1000].join("; ");
    for lines in
        [format!("Cookie: {pairs}\r\n"), "Cookie: a=1\r\nCookie: b=2\r\n".to_owned(), "Cookie: \r\n".to_owned()]
    {
        let lines = lines.to_ascii_lowercase();
        for got in world.forwards_headers(get(&lines).as_bytes(), &["cookie"]).await? {
            let sent: Vec<_> = lines.lines().map(str::to_owned).collect();
            assert_eq!(got, sent, "{lines:.40}");
        }
    }
    Ok(())
}

/// Encoded bytes that would end a line stay encoded.
#[tokio::test]
async fn probe_encoded_line_breaks_in_a_path() -> Result<()> {
    let mut world = World::new().await?;
    for got in world.forwards("GET /path%0d%0aX-Injected:%20true HTTP/1.1\r\nHost: h\r\n\r\n").await? {
        let got = String::from_utf8_lossy(&got).to_ascii_lowercase();
        assert!(got.starts_with("get /path%0d%0ax-injected:%20true http/1.1\r\n"), "{got}");
    }
    Ok(())
}

/// Blanks around a value are not a part of it, as in HTTP/1; without a name there is no field.
#[tokio::test]
async fn probe_fields_of_http_2_with_blanks_and_without_names() -> Result<()> {
    let world = World::new().await?;
    for (name, value, line) in [
        (&b"x-a"[..], &b"\ta\t"[..], Some("x-a: a")),
        (b"x-a", b" a  b ", Some("x-a: a  b")),
        (b"x-a", b" \t ", Some("x-a: ")),
        (b"", b"a", None),
        (b"", b"", None),
    ] {
        world.recording.clear();
        let mut connection = world.connect(DOORS[0]).await?;
        let head = |stream, fields: &[u8]| frame(Kind::Headers, END_HEADERS | END_STREAM, stream, fields);
        let odd = [block("GET", &[(":path", b"/odd")]), literal(0, name, value)].concat();
        let sound = block("GET", &[(":path", b"/")]);
        connection.send([beginning(), head(1, &odd), head(3, &sound)].concat()).await?;
        let answers = answers(&mut connection, 2).await?;
        assert_eq!(answers.get(&3), Some(&Answer::Status(200)), "others are answered");
        let received = world.recording.all();
        match line {
            Some(line) => assert!(received.contains(&format!("\r\n{line}\r\n")), "{line:?}: {received}"),
            None => assert_eq!((answers.get(&1), received.contains("/odd")), (Some(&Answer::Reset(1)), false)),
        }
    }
    Ok(())
}
