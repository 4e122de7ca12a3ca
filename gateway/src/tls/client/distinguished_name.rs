//! Distinguished names as nginx writes them: by RFC 2253, with OpenSSL's names of attributes (`XN_FLAG_RFC2253`).

use std::fmt::Write as _;
use x509_parser::der_parser::asn1_rs::{Any, ToDer as _};
use x509_parser::prelude::{AttributeTypeAndValue, X509Name};

/// The name as text of ASCII, its most specific part first: `CN=shop,O=Example\, Inc.,C=DE`.
pub fn rfc2253(name: &X509Name<'_>) -> String {
    let mut text = String::new();
    let parts: Vec<Vec<_>> = name.iter().map(|part| part.iter().collect()).collect();
    for part in parts.iter().rev() {
        for (index, attribute) in part.iter().rev().enumerate() {
            if !text.is_empty() {
                text.push(if index == 0 { ',' } else { '+' });
            }
            write_attribute(attribute, &mut text);
        }
    }
    text
}

fn write_attribute(attribute: &AttributeTypeAndValue<'_>, text: &mut String) {
    let oid = attribute.attr_type().to_id_string();
    let known = NAMES.iter().find(|(known, _)| *known == oid).map(|(_, name)| *name);
    text.push_str(known.unwrap_or(&oid));
    text.push('=');
    match known.and_then(|_| utf8(attribute.attr_value())) {
        Some(value) => write_escaped(&value, text),
        None => write_der(attribute.attr_value(), text),
    }
}

/// The bytes of a text, in UTF-8; `None` if the value is no text.
fn utf8(value: &Any<'_>) -> Option<Vec<u8>> {
    const UTF8_STRING: u32 = 12;
    const LATIN_1: [u32; 7] = [18, 19, 20, 22, 23, 24, 26];
    const UNIVERSAL_STRING: u32 = 28;
    const BMP_STRING: u32 = 30;
    let encode = |text: String| text.into_bytes();
    match value.header.tag().0 {
        UTF8_STRING => Some(value.data.to_vec()),
        tag if LATIN_1.contains(&tag) => Some(encode(value.data.iter().copied().map(char::from).collect())),
        BMP_STRING => wide::<2>(value.data).map(encode),
        UNIVERSAL_STRING => wide::<4>(value.data).map(encode),
        _ => None,
    }
}

/// Characters of so many bytes each, the highest first.
fn wide<const WIDTH: usize>(data: &[u8]) -> Option<String> {
    let characters = data.chunks(WIDTH).map(|bytes| {
        let code = bytes.iter().fold(0, |code, byte| code << 8 | u32::from(*byte));
        char::from_u32(code).filter(|_| bytes.len() == WIDTH)
    });
    characters.collect()
}

fn write_escaped(value: &[u8], text: &mut String) {
    let last = value.len().saturating_sub(1);
    for (index, byte) in value.iter().copied().enumerate() {
        let escapes = match byte {
            b',' | b'+' | b'"' | b'\\' | b'<' | b'>' | b';' => true,
            b' ' => index == 0 || index == last,
            // OpenSSL takes a text of one byte for its end.
            b'#' => index == 0 && last > 0,
            _ => false,
        };
        match byte {
            _ if escapes => text.extend(['\\', char::from(byte)]),
            b' '..=b'~' => text.push(char::from(byte)),
            _ => write_hex(b"\\", &[byte], text),
        }
    }
}

fn write_der(value: &Any<'_>, text: &mut String) {
    // What has been parsed can be written.
    write_hex(b"#", &value.to_der_vec().unwrap_or_default(), text);
}

fn write_hex(prefix: &[u8], bytes: &[u8], text: &mut String) {
    text.extend(prefix.iter().copied().map(char::from));
    for byte in bytes {
        // Writing to memory cannot fail.
        let _ = write!(text, "{byte:02X}");
    }
}

/// OpenSSL's short names of the attributes that names have. Others are written as numbers, and their values as DER.
const NAMES: &[(&str, &str)] = &[
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("0.9.2342.19200300.100.1.3", "mail"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
    ("1.2.840.113549.1.9.2", "unstructuredName"),
    ("1.2.840.113549.1.9.8", "unstructuredAddress"),
    ("1.3.6.1.4.1.311.60.2.1.1", "jurisdictionL"),
    ("1.3.6.1.4.1.311.60.2.1.2", "jurisdictionST"),
    ("1.3.6.1.4.1.311.60.2.1.3", "jurisdictionC"),
    ("2.5.4.3", "CN"),
    ("2.5.4.4", "SN"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "street"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.12", "title"),
    ("2.5.4.13", "description"),
    ("2.5.4.15", "businessCategory"),
    ("2.5.4.16", "postalAddress"),
    ("2.5.4.17", "postalCode"),
    ("2.5.4.18", "postOfficeBox"),
    ("2.5.4.20", "telephoneNumber"),
    ("2.5.4.41", "name"),
    ("2.5.4.42", "GN"),
    ("2.5.4.43", "initials"),
    ("2.5.4.44", "generationQualifier"),
    ("2.5.4.45", "x500UniqueIdentifier"),
    ("2.5.4.46", "dnQualifier"),
    ("2.5.4.65", "pseudonym"),
    ("2.5.4.72", "role"),
    ("2.5.4.97", "organizationIdentifier"),
];
