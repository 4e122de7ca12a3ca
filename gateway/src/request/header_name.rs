//! Which of a client's headers are dropped by their names alone.

use crate::config::ClientSettings;

/// Which names are dropped, as nginx's `ignore_invalid_headers` and `underscores_in_headers` have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NameRules {
    /// Headers with invalid names are dropped. Otherwise they are passed on, or refused where no HTTP header can have
    /// such a name.
    pub ignore_invalid: bool,
    /// A name with an underscore is valid.
    pub underscores: bool,
}

/// Whether a byte may be in a name, as nginx: ngx_http_parse_header_line.
const VALID: [bool; 256] = {
    let (mut valid, mut byte) = ([false; 256], 0);
    while byte < 256 {
        valid[byte] = (byte as u8).is_ascii_alphanumeric() || byte as u8 == b'-';
        byte += 1;
    }
    valid
};

impl From<&ClientSettings> for NameRules {
    fn from(client: &ClientSettings) -> Self {
        Self { ignore_invalid: client.ignore_invalid_headers, underscores: client.underscores_in_headers }
    }
}

impl NameRules {
    /// Whether a client's header of this name is dropped.
    pub(crate) fn drops(self, name: &[u8]) -> bool {
        let is_valid = |byte: &u8| VALID[usize::from(*byte)] || (*byte == b'_' && self.underscores);
        self.ignore_invalid && !name.iter().all(is_valid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_names_are_dropped_as_configured() {
        let rules = |ignore_invalid, underscores| NameRules { ignore_invalid, underscores };
        for (name, rules, dropped) in [
            ("X-Real-IP2", rules(true, false), false),
            ("X_Real_IP", rules(true, false), true),
            ("X_Real_IP", rules(true, true), false),
            ("X_Real_IP", rules(false, false), false),
            ("X.Real.IP", rules(true, true), true),
            ("X.Real.IP", rules(false, false), false),
            ("x@y", rules(true, true), true),
        ] {
            assert_eq!(rules.drops(name.as_bytes()), dropped, "{name} {rules:?}");
        }
    }
}
