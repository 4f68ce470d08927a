//! The driver's error events of one GPU. Each GPU has an event set of its own, because a lost GPU
//! cannot be asked any more which one it is.

use std::time::SystemTime;

use nvml_wrapper::bitmasks::event::EventTypes;
use nvml_wrapper::enums::event::XidError;
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device, EventSet, Nvml};

use super::clean;
use super::xid::XidLog;

/// Events that are taken in one go, at most.
const BATCH: usize = 256;

/// Whether there is any use in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Listening {
    Further,
    Never,
}

/// Listens for them.
pub(super) struct Events<'n> {
    set: EventSet<'n>,
}

impl<'n> Events<'n> {
    /// `None` where the GPU or its driver reports no such events.
    ///
    /// # Errors
    /// When it may be possible later.
    pub fn listen(nvml: &'n Nvml, device: &Device<'n>) -> Result<Option<Self>, NvmlError> {
        match Self::register(nvml, device) {
            Err(NvmlError::NotSupported | NvmlError::FailedToLoadSymbol(_)) => Ok(None),
            other => other,
        }
    }

    fn register(nvml: &'n Nvml, device: &Device<'n>) -> Result<Option<Self>, NvmlError> {
        let library = nvml.lib();
        // Without the one nothing can be taken; without the other the binding panics.
        let usable = library.nvmlEventSetWait_v2.is_ok() && library.nvmlEventSetFree.is_ok();
        let wanted = EventTypes::CRITICAL_XID_ERROR;
        if !usable || !device.supported_event_types()?.contains(wanted) {
            return Ok(None);
        }
        let set = device.register_events(wanted, nvml.create_event_set()?);
        Ok(Some(Self { set: set.map_err(|failed| failed.error)? }))
    }

    /// Takes those that have come.
    pub fn drain(&self, log: &mut XidLog) -> Listening {
        for _ in 0..BATCH {
            let event = match self.set.wait(0) {
                Ok(event) => event,
                Err(NvmlError::NotSupported) => return Listening::Never,
                // No more events now.
                Err(_) => break,
            };
            let xid = event.event_data.map(|xid| match xid {
                XidError::Value(number) => clean::wide(number),
                XidError::Unknown => None,
            });
            if let Some(xid) = xid {
                log.add(xid, SystemTime::now());
            }
        }
        Listening::Further
    }
}
