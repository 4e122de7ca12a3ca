/// The place of one of these weights by chance, each in proportion to it; none where all are 0.
pub(super) fn by_chance(weights: impl Iterator<Item = u64> + Clone) -> Option<usize> {
    let sum: u64 = weights.clone().sum();
    let mut rest = fastrand::u64(0..sum.max(1));
    weights.enumerate().find_map(|(at, weight)| {
        let chosen = rest < weight;
        rest = rest.saturating_sub(weight);
        chosen.then_some(at)
    })
}
