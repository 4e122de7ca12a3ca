macro_rules! faults {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// What is wrong with the certificate of a client, in OpenSSL's words, which people search for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Fault {
            $($(#[$doc])* $variant,)*
        }

        impl Fault {
            const fn text(self) -> &'static str {
                match self { $(Self::$variant => concat!("FAILED:", $text),)* }
            }
        }
    };
}

faults! {
    /// It, or one of its issuers, has expired.
    Expired = "certificate has expired",
    /// It, or one of its issuers, is not valid yet.
    NotYetValid = "certificate is not yet valid",
    /// Its issuer is nobody that is believed.
    UnknownIssuer = "unable to verify the first certificate",
    /// It has issued itself, and is not believed.
    SelfSigned = "self-signed certificate",
    /// The client has sent an authority that is not believed.
    SelfSignedInChain = "self-signed certificate in certificate chain",
    /// A signature in the chain is not the issuer's.
    BadSignature = "certificate signature failure",
    /// It is not for clients of TLS.
    BadPurpose = "unsuitable certificate purpose",
    /// An issuer in the chain is no authority.
    InvalidAuthority = "invalid CA certificate",
    /// More certificates stand between it and the authority than `auth-tls-verify-depth` allows.
    ChainTooLong = "certificate chain too long",
    /// An issuer may have less below it.
    PathTooLong = "path length constraint exceeded",
    /// An issuer may not issue for such names.
    NameNotPermitted = "permitted subtree violation",
    /// It must not be used without an understanding of something in it.
    CriticalExtension = "unhandled critical extension",
    /// It, or one of its issuers, is revoked.
    Revoked = "certificate revoked",
    /// There is no list of revoked certificates that its issuer has signed.
    NoRevocationList = "unable to get certificate CRL",
    /// The list of revoked certificates has expired.
    RevocationListExpired = "CRL has expired",
    /// Anything else.
    Unspecified = "unspecified certificate verification error",
}

impl Fault {
    /// Whether only the authority is missing: `optional_no_ca` takes such certificates (nginx:
    /// ngx_ssl_verify_error_optional).
    pub(crate) fn is_lack_of_trust(self) -> bool {
        matches!(self, Self::UnknownIssuer | Self::SelfSigned | Self::SelfSignedInChain)
    }
}

/// What is known of a client by its certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It has sent none.
    None,
    /// It is valid.
    Success,
    /// It is not.
    Failed(Fault),
}

impl Verdict {
    /// nginx's `$ssl_client_verify`.
    pub const fn text(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Success => "SUCCESS",
            Self::Failed(fault) => fault.text(),
        }
    }
}

impl From<Result<(), Fault>> for Verdict {
    fn from(verified: Result<(), Fault>) -> Self {
        verified.map_or_else(Self::Failed, |()| Self::Success)
    }
}
