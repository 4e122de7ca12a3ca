//! Consistent hashing: when a node goes, only the keys that led to it lead elsewhere.

/// How many points a node has on a ring (lua-resty-balancer: `CONSISTENT_POINTS`).
const POINTS: usize = 160;

/// A ring of consistent hashing, whose points are those of lua-resty-balancer (`chash.c`).
#[derive(Debug)]
pub(super) struct Ring(Box<[(u32, u32)]>);

impl Ring {
    /// The ring of nodes with these names, which it knows by their places. Their order does not matter, unless two points
    /// fall together.
    pub(super) fn of(nodes: impl IntoIterator<Item = String>) -> Self {
        let mut points = Vec::new();
        for (node, name) in (0..).zip(nodes) {
            let base = crc32fast::hash(name.as_bytes());
            let mut last = 0_u32;
            for _ in 0..POINTS {
                let mut hasher = crc32fast::Hasher::new_with_initial(base);
                hasher.update(&last.to_le_bytes());
                last = hasher.finalize();
                points.push((last, node));
            }
        }
        points.sort_unstable();
        Self(points.into())
    }

    /// The node of the first point that is not before this hash, around the ring.
    pub(super) fn find(&self, hash: u32) -> Option<usize> {
        self.walk(hash).next()
    }

    /// The nodes of all points around the ring, from that point on. A node comes once for each of its points.
    pub(super) fn walk(&self, hash: u32) -> impl Iterator<Item = usize> {
        let at = self.0.partition_point(|(point, _)| *point < hash);
        let (before, after) = self.0.split_at(at);
        after.iter().chain(before).filter_map(|(_, node)| usize::try_from(*node).ok())
    }
}
