use std::fmt::Display;

/// A number of things: `1 host`, `2 hosts`, `3 Ingresses`.
pub(super) fn counted<N: Copy + Display + From<u8> + PartialEq>(number: N, thing: &str) -> String {
    let ending = match thing {
        _ if number == N::from(1) => "",
        _ if thing.ends_with('s') => "es",
        _ => "s",
    };
    format!("{number} {thing}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular() {
        assert_eq!([0, 1, 2].map(|number: u64| counted(number, "host")), ["0 hosts", "1 host", "2 hosts"]);
        assert_eq!([1, 3].map(|number: usize| counted(number, "Ingress")), ["1 Ingress", "3 Ingresses"]);
    }
}
