//! The params of a request: its variables of CGI.

/// Bytes of all params at most: what one record can hold.
const MAX_PARAMS: usize = 0xffff;
/// A length up to this takes one byte, a longer one four.
const SHORT: usize = 127;

/// The params of a request do not fit into one record. nginx refuses more, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the params are longer than 65535 bytes")]
pub struct TooLong;

/// The params of a request, encoded: at most 65,535 bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params {
    bytes: Vec<u8>,
}

impl Params {
    /// Adds one.
    ///
    /// # Errors
    /// There is no room for it.
    pub fn push(&mut self, name: &[u8], value: &[u8]) -> Result<(), TooLong> {
        if self.bytes.len() + 2 * size_of::<u32>() + name.len() + value.len() > MAX_PARAMS {
            return Err(TooLong);
        }
        push_length(name.len(), &mut self.bytes);
        push_length(value.len(), &mut self.bytes);
        self.bytes.extend_from_slice(name);
        self.bytes.extend_from_slice(value);
        Ok(())
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Appends a length that fits into 31 bits.
fn push_length(length: usize, bytes: &mut Vec<u8>) {
    match u8::try_from(length) {
        Ok(short) if length <= SHORT => bytes.push(short),
        _ => bytes.extend((length as u32 | 1 << 31).to_be_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads params as a program does.
    fn read(mut bytes: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
        fn length(bytes: &mut &[u8]) -> usize {
            let (first, rest) = bytes.split_first().expect("a length");
            if *first <= 127 {
                *bytes = rest;
                return (*first).into();
            }
            let (long, rest) = bytes.split_first_chunk::<4>().expect("a long length");
            *bytes = rest;
            usize::try_from(u32::from_be_bytes(*long) & !(1 << 31)).expect("a small length")
        }
        let mut params = Vec::new();
        while !bytes.is_empty() {
            let (name, value) = (length(&mut bytes), length(&mut bytes));
            params.push((bytes[..name].to_vec(), bytes[name..name + value].to_vec()));
            bytes = &bytes[name + value..];
        }
        params
    }

    #[test]
    fn params_have_one_record() {
        let mut params = Params::default();
        assert_eq!(params.push(b"A", &[0; MAX_PARAMS - 8]), Err(TooLong));
        assert_eq!(params.push(b"A", &[0; MAX_PARAMS - 9]), Ok(()));
        assert!(params.bytes().len() <= MAX_PARAMS);
        assert_eq!(params.push(b"", b""), Err(TooLong));
    }

    proptest! {
        #[test]
        fn params_are_read_back(pairs in prop::collection::vec((".{0,140}", prop::collection::vec(any::<u8>(), 0..300)), 0..8)) {
            let mut params = Params::default();
            for (name, value) in &pairs {
                params.push(name.as_bytes(), value).expect("short enough");
            }
            let expected: Vec<_> = pairs.into_iter().map(|(name, value)| (name.into_bytes(), value)).collect();
            prop_assert_eq!(read(params.bytes()), expected);
        }
    }
}
