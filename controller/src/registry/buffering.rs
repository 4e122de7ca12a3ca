//! What settings of buffers do not do.

/// Why `proxy-busy-buffers-size` has no effect.
pub(crate) const BUSY_BUFFERS: &str = "a client is sent all that it takes, and no buffers are set aside for that";
/// How `proxy-buffer-size` limits heads.
pub(crate) const LARGEST_HEAD: &str =
    "A head may always have 64 KiB. More counts up to 256 KiB, and not for the heads of FastCGI and gRPC.";
