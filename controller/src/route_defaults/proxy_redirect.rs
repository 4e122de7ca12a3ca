//! `proxy-redirect-from` and `proxy-redirect-to`, of which either may be an annotation's or the ConfigMap's.

use gateway::config::{BackendProtocol, Piece, ResponseRewrite, RewriteFrom, Template, Variable};
use std::sync::Arc;

/// What of `Location` and `Refresh` is replaced, and by what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProxyRedirect {
    /// `proxy-redirect-from`. Default [`RedirectFrom::Off`].
    pub from: RedirectFrom,
    /// `proxy-redirect-to`; `None` is `off`, the default: the URL of nginx's own upstream is replaced, whatever `from` says.
    pub to: Option<Template>,
}

/// What is replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RedirectFrom {
    /// `off`: nothing.
    #[default]
    Off,
    /// `default`: the URL of nginx's own upstream, by `/`.
    Default,
    /// This.
    Given(RewriteFrom),
}

impl ProxyRedirect {
    /// The rules for backends with a protocol. nginx has none for FastCGI.
    pub(crate) fn rules(&self, protocol: BackendProtocol) -> Arc<[ResponseRewrite]> {
        match (&self.from, &self.to) {
            _ if protocol == BackendProtocol::FastCgi => [].into(),
            (RedirectFrom::Off, _) => [].into(),
            (RedirectFrom::Given(from), Some(to)) => [ResponseRewrite { from: from.clone(), to: to.clone() }].into(),
            (RedirectFrom::Given(_), None) | (RedirectFrom::Default, _) => [of_proxy_pass(protocol)].into(),
        }
    }
}

/// `proxy_redirect default` for ingress-nginx's `proxy_pass`.
fn of_proxy_pass(protocol: BackendProtocol) -> ResponseRewrite {
    let literal = |text: &str| Piece::Literal(text.into());
    let url: Arc<[Piece]> = match protocol {
        BackendProtocol::Http | BackendProtocol::Grpc | BackendProtocol::FastCgi => {
            [literal("http://upstream_balancer/")].into()
        }
        BackendProtocol::Https | BackendProtocol::Grpcs => [literal("https://upstream_balancer/")].into(),
        BackendProtocol::Auto => [Piece::Variable(Variable::Scheme), literal("://upstream_balancer/")].into(),
    };
    ResponseRewrite { from: RewriteFrom::Text(Template(url)), to: Template([literal("/")].into()) }
}
