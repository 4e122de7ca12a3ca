//! The flags about the metrics of requests, which ingress-nginx calls socket metrics.

use super::flag::{Effect, Flag, Shape, Topic};
use super::value::Values;
use gateway::telemetry::{Buckets, METRICS, REQUEST_METRICS};

pub(super) const FLAGS: &[Flag] = &[
    Flag {
        name: "enable-metrics",
        shape: Shape::Switch,
        default: "true",
        topic: Topic::Observing,
        doc: "Measure requests and connections, and tell at /metrics on the admin port, which else answers 404; \
              ingress-nginx's default is false",
        effect: Effect::Sets(|settings, values| {
            settings.serve.metrics.enabled = values.switch()?;
            Ok(())
        }),
    },
    Flag {
        name: "metrics-per-host",
        shape: Shape::Switch,
        default: "true",
        topic: Topic::Observing,
        doc: "Give metrics of requests the label host; without it, requests that no rule takes are measured, too",
        effect: Effect::Sets(|settings, values| {
            settings.serve.metrics.per_host = values.switch()?;
            Ok(())
        }),
    },
    Flag {
        name: "metrics-per-undefined-host",
        shape: Shape::Switch,
        default: "false",
        topic: Topic::Observing,
        doc: "Measure requests that no rule takes, too, with the host that they name as the label host: the first 100 \
              names, and _other for all others, where ingress-nginx has no bound; needs --metrics-per-host",
        effect: Effect::Sets(|settings, values| {
            let metrics = &mut settings.serve.metrics;
            metrics.per_undefined_host = values.switch()?;
            // That flag comes before this one.
            if metrics.per_undefined_host && !metrics.per_host {
                return Err("needs the label host: expected --metrics-per-host=true with it".into());
            }
            Ok(())
        }),
    },
    Flag {
        name: "report-status-classes",
        shape: Shape::Switch,
        default: "false",
        topic: Topic::Observing,
        doc: "Give metrics of requests classes such as 2xx as the label status, in place of codes",
        effect: Effect::Sets(|settings, values| {
            settings.serve.metrics.status_classes = values.switch()?;
            Ok(())
        }),
    },
    Flag {
        name: "time-buckets",
        shape: Shape::Repeated("SECONDS"),
        default: "0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10",
        topic: Topic::Observing,
        doc: "Upper bounds of the buckets of histograms of time, ascending",
        effect: Effect::Sets(|settings, values| {
            settings.serve.metrics.time_buckets = buckets(values)?;
            Ok(())
        }),
    },
    Flag {
        name: "length-buckets",
        shape: Shape::Repeated("BYTES"),
        default: "10, 20, 30, 40, 50, 60, 70, 80, 90, 100",
        topic: Topic::Observing,
        doc: "The same for the sizes of requests and responses",
        effect: Effect::Sets(|settings, values| {
            settings.serve.metrics.length_buckets = buckets(values)?;
            Ok(())
        }),
    },
    Flag {
        name: "size-buckets",
        shape: Shape::Repeated("BYTES"),
        default: "10, 100, 1000, 10000, 100000, 1000000, 10000000",
        topic: Topic::Observing,
        doc: "The same for nginx_ingress_controller_bytes_sent",
        effect: Effect::Sets(|settings, values| {
            settings.serve.metrics.size_buckets = buckets(values)?;
            Ok(())
        }),
    },
    Flag {
        name: "exclude-socket-metrics",
        shape: Shape::Repeated("METRIC"),
        default: "",
        topic: Topic::Observing,
        doc: "Metric of requests that is neither measured nor told, with or without nginx_ingress_controller_; others \
              may be named and stay, as in ingress-nginx",
        effect: Effect::Sets(|settings, values| {
            settings.serve.metrics.excluded = values.all().map(metric).collect::<Result<_, _>>()?;
            Ok(())
        }),
    },
];

fn buckets(values: Values<'_>) -> Result<Buckets, String> {
    let bounds = values.parse_all("a list of bounds: expected numbers such as 0.5,1,5")?;
    Buckets::try_from(bounds).map_err(|error| error.to_string())
}

/// The metric that is called this. ingress-nginx takes any name, which hides what is misspelt.
fn metric(name: &str) -> Result<&'static str, String> {
    const PREFIX: &str = "nginx_ingress_controller_";
    let is_called = |known: &str| known == name || known.strip_prefix(PREFIX) == Some(name);
    METRICS.iter().map(|doc| doc.name).find(|known| is_called(known)).ok_or_else(|| {
        let known: Vec<_> = REQUEST_METRICS.iter().map(|doc| doc.name).collect();
        format!("has {name:?}, which is no metric: expected some of {}", known.join(", "))
    })
}
