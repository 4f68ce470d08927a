//! The labels of GPU series.

use super::encode::Labels;
use super::families::{GPU_LABELS, INSTANCE_LABELS};
use crate::gpu::state::{GpuView, Instance, Seen};

/// Every GPU with its labels.
pub(super) fn gpus(view: &GpuView) -> Vec<(Labels, &Seen)> {
    view.gpus.iter().map(|g| (labels(&GPU_LABELS, own(g)), g)).collect()
}

/// Every instance with its labels.
pub(super) fn instances(view: &GpuView) -> Vec<(Labels, &Instance)> {
    let each = view.gpus.iter().flat_map(|g| g.state.reading.instances.iter().map(move |i| (g, i)));
    let labelled = each.map(|(gpu, instance)| {
        let values = own(gpu).into_iter().chain([instance.index.to_string()]);
        (labels(&INSTANCE_LABELS, values), instance)
    });
    labelled.collect()
}

/// Every GPU with the labels of dcgm-exporter.
pub(super) fn dcgm<'v>(view: &'v GpuView, host: &str) -> Vec<(Labels, &'v Seen)> {
    let names =
        ["gpu", "UUID", "pci_bus_id", "device", "modelName", "Hostname", "DCGM_FI_DRIVER_VERSION"];
    let labelled = |gpu: &'v Seen| {
        let facts = &gpu.state.facts;
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let [index, uuid] = own(gpu);
        let device = facts.minor.map(|minor| format!("nvidia{minor}")).unwrap_or_default();
        let (pci, model) = (text(&facts.pci_bus_id), text(&facts.name));
        let driver = gpu.state.driver_version.as_deref().unwrap_or_default().to_owned();
        (labels(&names, [index, uuid, pci, device, model, host.to_owned(), driver]), gpu)
    };
    view.gpus.iter().map(labelled).collect()
}

fn own(gpu: &Seen) -> [String; 2] {
    [gpu.state.index.to_string(), gpu.state.facts.uuid.clone().unwrap_or_default()]
}

fn labels(names: &[&str], values: impl IntoIterator<Item = String>) -> Labels {
    names.iter().map(|&name| name.to_owned()).zip(values).collect()
}

/// The machine's name as dcgm-exporter has it: the Kubernetes node's, where it is given.
pub(super) fn host_name() -> String {
    let node = std::env::var("NODE_NAME").ok().filter(|name| !name.is_empty());
    let own = || std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    node.or_else(own).unwrap_or_default().trim().to_owned()
}
