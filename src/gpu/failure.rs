//! Which of NVML's errors are about one value, and which about the whole GPU.

use nvml_wrapper::error::NvmlError;

/// The GPU as a whole does not answer.
#[derive(Debug)]
pub(super) struct Lost(pub NvmlError);

/// A value, if the GPU has it.
///
/// # Errors
/// When the GPU is lost: further questions are of no use. Everything else (not supported, a
/// function that an old driver lacks, no permission, a value that this binding does not know) is
/// about this value alone.
pub(super) fn known<T>(result: Result<T, NvmlError>) -> Result<Option<T>, Lost> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(
            error @ (NvmlError::GpuLost
            | NvmlError::ResetRequired
            | NvmlError::IrqIssue
            | NvmlError::Uninitialized
            | NvmlError::DriverNotLoaded
            | NvmlError::LibRmVersionMismatch),
        ) => Err(Lost(error)),
        Err(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_value_is_not_a_missing_gpu() {
        let missing = NvmlError::FailedToLoadSymbol(String::new());
        for error in [NvmlError::NotSupported, NvmlError::NoPermission, NvmlError::Unknown, missing]
        {
            assert!(matches!(known::<u32>(Err(error)), Ok(None)));
        }
        for error in [NvmlError::GpuLost, NvmlError::ResetRequired, NvmlError::DriverNotLoaded] {
            assert!(known::<u32>(Err(error)).is_err());
        }
        assert!(matches!(known(Ok(1)), Ok(Some(1))));
    }
}
