use super::encode::single;
use super::names::{self, MetricDoc};
use procfs::process::{LimitValue, Process, Stat};
use procfs::{boot_time_secs, page_size, ticks_per_second};
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;

/// The metrics of this process, under the names of ingress-nginx's processes of nginx and under those that programs commonly
/// have. What the system does not tell is left out.
const DOCS: &[MetricDoc] = &[
    names::NUM_PROCS,
    names::CPU_SECONDS,
    names::READ_BYTES,
    names::WRITE_BYTES,
    names::RESIDENT_MEMORY,
    names::VIRTUAL_MEMORY,
    names::OLDEST_START,
    names::PROCESS_CPU_SECONDS,
    names::PROCESS_OPEN_FDS,
    names::PROCESS_MAX_FDS,
    names::PROCESS_RESIDENT_MEMORY,
    names::PROCESS_VIRTUAL_MEMORY,
    names::PROCESS_START,
    names::PROCESS_THREADS,
];

/// Reads `/proc` at each scrape.
pub(super) struct ProcessCollector(Vec<Desc>);

impl ProcessCollector {
    pub(super) fn new() -> prometheus::Result<Self> {
        Ok(Self(DOCS.iter().map(MetricDoc::desc).collect::<prometheus::Result<_>>()?))
    }
}

impl Collector for ProcessCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.0.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut families = vec![single(names::NUM_PROCS, 1.0)];
        let Ok(process) = Process::myself() else { return families };
        if let Ok(stat) = process.stat() {
            families.extend(resources(&stat));
        }
        if let Ok(io) = process.io() {
            families.push(single(names::READ_BYTES, io.read_bytes as f64));
            families.push(single(names::WRITE_BYTES, io.write_bytes as f64));
        }
        if let Ok(open) = process.fd_count() {
            families.push(single(names::PROCESS_OPEN_FDS, open as f64));
        }
        if let Ok(limits) = process.limits()
            && let LimitValue::Value(most) = limits.max_open_files.soft_limit
        {
            families.push(single(names::PROCESS_MAX_FDS, most as f64));
        }
        families
    }
}

fn resources(stat: &Stat) -> Vec<MetricFamily> {
    let ticks = ticks_per_second() as f64;
    let cpu = (stat.utime + stat.stime) as f64 / ticks;
    let resident = (stat.rss * page_size()) as f64;
    let virtual_memory = stat.vsize as f64;
    let mut families = vec![
        single(names::CPU_SECONDS, cpu),
        single(names::PROCESS_CPU_SECONDS, cpu),
        single(names::RESIDENT_MEMORY, resident),
        single(names::PROCESS_RESIDENT_MEMORY, resident),
        single(names::VIRTUAL_MEMORY, virtual_memory),
        single(names::PROCESS_VIRTUAL_MEMORY, virtual_memory),
        single(names::PROCESS_THREADS, stat.num_threads as f64),
    ];
    if let Ok(boot) = boot_time_secs() {
        let start = boot as f64 + stat.starttime as f64 / ticks;
        families.extend([names::OLDEST_START, names::PROCESS_START].map(|doc| single(doc, start)));
    }
    families
}
