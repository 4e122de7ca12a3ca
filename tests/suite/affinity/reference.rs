//! What ingress-nginx computes: lua-resty-balancer's consistent hashing (`lib/resty/chash.lua`, `chash.c`), and the names of
//! endpoints (`util/nodemap.lua`).

use md5::{Digest, Md5};

/// Points of a node of weight 1.
const POINTS: usize = 160;

/// The ring of `sticky_balanced`.
pub(super) struct Ring {
    points: Vec<(u32, usize)>,
}

impl Ring {
    pub(super) fn of(nodes: &[String]) -> Self {
        let mut points = Vec::new();
        for (number, node) in nodes.iter().enumerate() {
            let mut previous = 0_u32;
            for _ in 0..POINTS {
                previous = crc32(&[node.as_bytes(), &previous.to_le_bytes()].concat());
                points.push((previous, number));
            }
        }
        points.sort_by_key(|(hash, _)| *hash);
        Self { points }
    }

    /// `find`: begins where the point would be if all were evenly spread, and walks from there.
    pub(super) fn find(&self, key: &str) -> usize {
        let (hash, points) = (crc32(key.as_bytes()), &self.points);
        let last = points.len() - 1;
        let step = 2_f64.powi(32) / points.len() as f64;
        let start = ((f64::from(hash) / step) as usize).min(last);
        if points[start].0 >= hash {
            let found = (1..=start).rev().find(|at| points[at - 1].0 < hash);
            return points[found.unwrap_or(0)].1;
        }
        let found = (start + 1..=last).find(|at| hash <= points[*at].0);
        points[found.unwrap_or(0)].1
    }
}

/// The key of an endpoint in `sticky_persistent`.
pub(super) fn name(upstream: &str, node: &str) -> String {
    md5(&format!("{upstream}{node}"))
}

/// The value of a cookie with this key.
pub(super) fn value(upstream: &str, key: &str) -> String {
    format!("{key}|{}", md5(&format!("{}{upstream}", md5(upstream))))
}

fn md5(text: &str) -> String {
    Md5::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `ngx.crc32_short`, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

/// What the C library itself computes.
#[test]
fn the_reference_is_that_of_the_c_library() {
    let nodes: Vec<_> = (1..=5).map(|last| format!("10.0.0.{last}:8080")).collect();
    let ring = Ring::of(&nodes);
    let found: Vec<_> = (0..12).map(|n| ring.find(&format!("1700000000.{n}.41.{}", n * 1234)) + 1).collect();
    assert_eq!(found, [1, 1, 1, 5, 2, 5, 3, 2, 4, 1, 2, 3]);
    assert_eq!(name("ns-svc-80", &nodes[0]), "da8702fb593e0e105bbc54d86d9dbaa7");
}
