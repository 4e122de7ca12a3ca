//! A ClientHello as OpenSSL writes it, and what can be made of it.

/// The name that it has.
pub(crate) const NAME: &str = "shop.example.com";
/// Where its extensions begin, with their length in two bytes.
const EXTENSIONS: usize = 5 + 4 + 2 + 32 + (1 + 32) + (2 + 62) + 2;

/// What `openssl s_client -servername shop.example.com -alpn h2,http/1.1` of version 3.0 sends.
pub(crate) fn hello() -> Vec<u8> {
    let digits: Vec<u8> = include_str!("data/openssl_client_hello.hex").bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| {
        let text = std::str::from_utf8(pair).expect("digits");
        u8::from_str_radix(text, 16).expect("digits")
    };
    digits.chunks(2).map(byte).collect()
}

/// The same with other server names: each is the content of an extension of its own.
pub(crate) fn hello_with(server_names: &[Vec<u8>]) -> Vec<u8> {
    let mut hello = hello();
    let own = extension(&names(&[NAME.as_bytes()]));
    let at = hello.windows(own.len()).position(|bytes| bytes == own).expect("its server name");
    hello.splice(at..at + own.len(), server_names.iter().flat_map(|names| extension(names)));
    let set = |hello: &mut Vec<u8>, at: usize| {
        let length = u16::try_from(hello.len() - at - 2).expect("a short one").to_be_bytes();
        hello[at..at + 2].copy_from_slice(&length);
    };
    // The lengths of the record, of the message, and of the extensions.
    for at in [3, 7, EXTENSIONS] {
        set(&mut hello, at);
    }
    hello
}

/// A list of host names, as RFC 6066 has it.
pub(crate) fn names(names: &[&[u8]]) -> Vec<u8> {
    let entries: Vec<u8> = names.iter().flat_map(|name| [&[0], &*sized(name)].concat()).collect();
    sized(&entries)
}

fn extension(content: &[u8]) -> Vec<u8> {
    [&[0, 0], &*sized(content)].concat()
}

fn sized(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).expect("few bytes").to_be_bytes(), bytes].concat()
}

#[test]
fn it_is_put_together_as_it_was() {
    assert_eq!(hello_with(&[names(&[NAME.as_bytes()])]), hello());
}
