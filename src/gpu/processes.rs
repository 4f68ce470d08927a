//! Who uses a GPU's memory.

use nvml_wrapper::Device;
use nvml_wrapper::enums::device::UsedGpuMemory;
use nvml_wrapper::struct_wrappers::device::ProcessInfo;

use super::clean;
use super::failure::{Lost, known};
use super::state::Process;

/// Processes of one GPU, at most: those that use most.
const MOST: usize = 64;
/// Bytes of a program's path that are read.
const PATH: usize = 1024;
/// Characters of a name that are kept.
const NAME: usize = 64;

/// Those whose memory the driver knows.
pub(super) fn read(device: &Device<'_>) -> Result<Vec<Process>, Lost> {
    let compute = known(device.running_compute_processes())?;
    let graphics = known(device.running_graphics_processes())?;
    let named = |kind| move |info: ProcessInfo| process(device, kind, &info);
    let compute = compute.into_iter().flatten().filter_map(named("compute"));
    let mut all: Vec<Process> =
        compute.chain(graphics.into_iter().flatten().filter_map(named("graphics"))).collect();
    all.sort_by_key(|p| (p.pid, p.kind, std::cmp::Reverse(p.used)));
    // On a divided GPU a process is listed once for each instance that it uses.
    all.dedup_by(|next, kept| {
        let same = (next.pid, next.kind) == (kept.pid, kept.kind);
        kept.used += if same { next.used } else { 0 };
        same
    });
    all.sort_by_key(|p| std::cmp::Reverse(p.used));
    all.truncate(MOST);
    Ok(all)
}

fn process(device: &Device<'_>, kind: &'static str, info: &ProcessInfo) -> Option<Process> {
    let UsedGpuMemory::Used(bytes) = info.used_gpu_memory else { return None };
    let used = clean::wide(bytes)?;
    let path = device.nvml().sys_process_name(info.pid, PATH).unwrap_or_default();
    Some(Process { pid: info.pid, name: file_name(&path), kind, used })
}

/// Arguments may hold secrets: nothing but the program's own name is kept.
fn file_name(command: &str) -> String {
    let program = command.split_whitespace().next().unwrap_or_default();
    let name = program.rsplit('/').next().unwrap_or_default();
    name.chars().take(NAME).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_programs_name_is_kept() {
        assert_eq!(file_name("/usr/bin/python3 serve.py --api-key abc"), "python3");
        assert_eq!(file_name("tritonserver"), "tritonserver");
        assert_eq!(file_name(""), "");
    }
}
