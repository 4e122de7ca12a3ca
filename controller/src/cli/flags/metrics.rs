//! The flags about the metrics of requests, which ingress-nginx calls socket metrics.

use super::flag::{Flag, Shape};
use super::value::Values;
use crate::registry::ValueError;
use gateway::telemetry::{Buckets, METRICS, REQUEST_METRICS};

pub(super) const FLAGS: &[Flag] = &[
    Flag::full(
        "enable-metrics",
        Shape::Switch,
        "true",
        "Measure requests and connections, and serve the metrics at /metrics on the admin port. With false /metrics \
         answers 404. The default of ingress-nginx is false",
        |values, settings| {
            settings.serve.metrics.enabled = values.switch()?;
            Ok(())
        },
    ),
    Flag::full(
        "metrics-per-host",
        Shape::Switch,
        "true",
        "Give the request metrics the label host. With false they have no such label, and requests that no rule \
         matches are measured, too",
        |values, settings| {
            settings.serve.metrics.per_host = values.switch()?;
            Ok(())
        },
    ),
    Flag::full(
        "metrics-per-undefined-host",
        Shape::Switch,
        "false",
        "Measure requests that no rule matches, too, with the host of the request as the label host. The first 100 \
         hosts have series of their own, all others share _other; ingress-nginx has no such limit. Needs \
         --metrics-per-host",
        |values, settings| {
            let metrics = &mut settings.serve.metrics;
            metrics.per_undefined_host = values.switch()?;
            // That flag comes before this one.
            if metrics.per_undefined_host && !metrics.per_host {
                return Err("needs the label host: expected --metrics-per-host=true".into());
            }
            Ok(())
        },
    ),
    Flag::full(
        "report-status-classes",
        Shape::Switch,
        "false",
        "Set the label status of the request metrics to a class such as 2xx, in place of the status code",
        |values, settings| {
            settings.serve.metrics.status_classes = values.switch()?;
            Ok(())
        },
    ),
    Flag::full(
        "time-buckets",
        Shape::Repeated("SECONDS"),
        "0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10",
        "Upper bounds of the buckets of histograms in seconds: finite numbers, ascending",
        |values, settings| {
            settings.serve.metrics.time_buckets = buckets(values)?;
            Ok(())
        },
    ),
    Flag::full(
        "length-buckets",
        Shape::Repeated("BYTES"),
        "10, 20, 30, 40, 50, 60, 70, 80, 90, 100",
        "Upper bounds of the buckets of request_size and response_size, in bytes: finite numbers, ascending",
        |values, settings| {
            settings.serve.metrics.length_buckets = buckets(values)?;
            Ok(())
        },
    ),
    Flag::full(
        "size-buckets",
        Shape::Repeated("BYTES"),
        "10, 100, 1000, 10000, 100000, 1000000, 10000000",
        "Upper bounds of the buckets of bytes_sent, in bytes: finite numbers, ascending",
        |values, settings| {
            settings.serve.metrics.size_buckets = buckets(values)?;
            Ok(())
        },
    ),
    Flag::full(
        "exclude-socket-metrics",
        Shape::Repeated("METRIC"),
        "",
        "Name of a request metric that is neither measured nor exported, with or without nginx_ingress_controller_. \
         Other metrics may be named, and are exported nevertheless, as in ingress-nginx",
        |values, settings| {
            settings.serve.metrics.excluded = values.all().map(metric).collect::<Result<_, _>>()?;
            Ok(())
        },
    ),
];

fn buckets(values: Values<'_>) -> Result<Buckets, ValueError> {
    let bounds = values.parse_all("a list of bounds: expected numbers such as 0.5,1,5")?;
    Buckets::try_from(bounds).map_err(|error| error.to_string().into())
}

/// The metric that is called this. ingress-nginx takes any name, which hides what is misspelt.
fn metric(name: &str) -> Result<&'static str, ValueError> {
    const PREFIX: &str = "nginx_ingress_controller_";
    let is_called = |known: &str| known == name || known.strip_prefix(PREFIX) == Some(name);
    METRICS.iter().map(|doc| doc.name).find(|known| is_called(known)).ok_or_else(|| {
        let known: Vec<_> = REQUEST_METRICS.iter().map(|doc| doc.name).collect();
        format!("contains {name:?}, which is not a metric: expected some of {}", known.join(", ")).into()
    })
}
