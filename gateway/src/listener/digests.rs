/// Gives a stream the traits by which Pingora asks for facts about its connection, and no facts: they reach the exchange
/// with each request ([`crate::connection::Arrival`]).
macro_rules! without_digests {
    ($stream:ty $(where $parameter:ident: $bound:ident)?) => {
        impl<$($parameter: $bound)?> ::pingora_core::protocols::Ssl for $stream {}
        impl<$($parameter: $bound)?> ::pingora_core::protocols::Peek for $stream {}

        impl<$($parameter: $bound)?> ::pingora_core::protocols::GetTimingDigest for $stream {
            fn get_timing_digest(&self) -> Vec<Option<::pingora_core::protocols::TimingDigest>> {
                Vec::new()
            }
        }

        impl<$($parameter: $bound)?> ::pingora_core::protocols::GetProxyDigest for $stream {
            fn get_proxy_digest(
                &self,
            ) -> Option<::std::sync::Arc<::pingora_core::protocols::raw_connect::ProxyDigest>> {
                None
            }
        }

        impl<$($parameter: $bound)?> ::pingora_core::protocols::GetSocketDigest for $stream {
            fn get_socket_digest(&self) -> Option<::std::sync::Arc<::pingora_core::protocols::SocketDigest>> {
                None
            }
        }
    };
}

pub(crate) use without_digests;
