use super::record::{Attempt, EncodedBody, Record};
use crate::config::Variable;
use crate::variables::{Values, endpoint, list, number, seconds, text, three_digits};
use std::time::Duration;

/// The variables of a request's end, and those of the request.
impl Values for Record<'_> {
    fn value(&self, variable: &Variable, out: &mut Vec<u8>) -> bool {
        use Variable as V;
        match variable {
            V::BodyBytesSent => number(self.body_bytes_sent, out),
            V::BrotliRatio => self.ratio("br", out),
            V::BytesSent => number(self.bytes_sent, out),
            V::GzipRatio => self.ratio("gzip", out),
            V::RequestLength => number(self.request_length, out),
            V::RequestTime => seconds(self.duration, out),
            V::Status => three_digits(self.status.into(), out),
            V::UpstreamAddr => self.attempts(out, |attempt, out| endpoint(attempt.address, out)),
            V::UpstreamConnectTime => self.attempts(out, |attempt, out| time(attempt.connect, out)),
            V::UpstreamHeaderTime => self.attempts(out, |attempt, out| time(attempt.header, out)),
            V::UpstreamResponseLength => self.attempts(out, |attempt, out| number(attempt.response_length, out)),
            V::UpstreamResponseTime => self.attempts(out, |attempt, out| time(Some(attempt.response), out)),
            V::UpstreamStatus => self.attempts(out, |attempt, out| match attempt.status {
                Some(status) => number(status, out),
                None => false,
            }),
            V::ZstdRatio => self.ratio("zstd", out),
            V::Named(name) => self.request.named(name, self, out),
            _ => self.request.value(variable, out),
        }
    }
}

impl Record<'_> {
    /// How many times smaller a coding has made the body, as nginx: ngx_http_gzip_ratio_variable.
    fn ratio(&self, coding: &str, out: &mut Vec<u8>) -> bool {
        let encoded = self.encoded.filter(|encoded| encoded.coding == coding && encoded.sent > 0);
        encoded.is_some_and(|EncodedBody { received, sent, .. }| {
            let hundredths = (received * 1000 / sent + 5) / 10;
            number(hundredths / 100, out) && text(&format!(".{:02}", hundredths % 100), out)
        })
    }

    /// A value of each attempt, as nginx lists them: `-` for one that an attempt does not have.
    fn attempts(&self, out: &mut Vec<u8>, value: impl Fn(&Attempt, &mut Vec<u8>) -> bool) -> bool {
        list(self.attempts, b", ", out, |attempt, out| value(attempt, out) || text("-", out))
    }
}

fn time(time: Option<Duration>, out: &mut Vec<u8>) -> bool {
    time.is_some_and(|time| seconds(time, out))
}
