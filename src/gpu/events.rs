//! The driver's error events of one GPU. Each GPU has an event set of its own, because a lost GPU
//! cannot be asked any more which one it is.

use std::time::SystemTime;

use nvml_wrapper::bitmasks::event::EventTypes;
use nvml_wrapper::enums::event::XidError;
use nvml_wrapper::{Device, EventSet, Nvml};

use super::xid::XidLog;

/// Events that are taken in one go, at most.
const BATCH: usize = 256;

/// Listens for them.
pub(super) struct Events<'n> {
    set: EventSet<'n>,
}

impl<'n> Events<'n> {
    /// `None` where the GPU or its driver reports no such events.
    pub fn listen(nvml: &'n Nvml, device: &Device<'n>) -> Option<Self> {
        let supported = device.supported_event_types().ok()?;
        if !supported.contains(EventTypes::CRITICAL_XID_ERROR) {
            return None;
        }
        let set = nvml.create_event_set().ok()?;
        let set = device.register_events(EventTypes::CRITICAL_XID_ERROR, set).ok()?;
        Some(Self { set })
    }

    /// Takes those that have come.
    pub fn drain(&self, log: &mut XidLog) {
        // Any error is the end: no more events, or none any more.
        let come = std::iter::from_fn(|| self.set.wait(0).ok()).take(BATCH);
        for event in come {
            let xid = event.event_data.map(|xid| match xid {
                XidError::Value(number) => Some(number),
                XidError::Unknown => None,
            });
            if let Some(xid) = xid {
                log.add(xid, SystemTime::now());
            }
        }
    }
}
