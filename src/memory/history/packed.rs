//! A tally as bytes, in memory and in the state: bins as distances from the one before.

use std::time::Duration;

use thiserror::Error;

use super::digest::Digest;
use super::numbers::{BytesError, Reader, put, put_text};
use super::tally::{SloCount, Tally};
use crate::answer::failure::FailureReason;
use crate::answer::slo::SloBasis;

/// Of the form. Another one is refused.
const VERSION: u8 = 1;

/// Bins of a digest at most: more are made coarser. 160 cover a factor of 30 in steps of 2 %.
const BINS: usize = 160;

pub(super) fn bytes(tally: &Tally) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    let out = &mut bytes;
    put(out, tally.probes.into());
    put(out, tally.good.into());
    put(out, tally.failures.len() as u64);
    for (reason, count) in &tally.failures {
        // By name: the order of reasons may change from release to release.
        let name = reason.as_str();
        put_text(out, name);
        put(out, (*count).into());
    }
    put(out, tally.slos.len() as u64);
    for (basis, count) in &tally.slos {
        out.extend_from_slice(&basis.0.to_le_bytes());
        for n in [count.probes, count.good, count.rated] {
            put(out, n.into());
        }
        out.extend_from_slice(&count.goodput.to_le_bytes());
    }
    digest(out, &tally.ttft);
    digest(out, &tally.itl);
    bytes
}

fn digest(out: &mut Vec<u8>, digest: &Digest) {
    let digest = digest.coarser(BINS);
    put(out, u64::try_from(digest.max().as_nanos()).unwrap_or(u64::MAX));
    put(out, digest.bins().len() as u64);
    let mut before = 0;
    for (bin, count) in digest.bins() {
        put(out, u64::from(bin - before));
        put(out, (*count).into());
        before = *bin;
    }
}

/// Why bytes are no tally.
#[derive(Debug, Error)]
pub(super) enum TallyError {
    /// Of another form.
    #[error("expected version {VERSION} of a tally, found {0}")]
    Version(u8),
    /// There are too many.
    #[error("expected the end of a tally")]
    GoesOn,
    /// The bins of a digest do not rise.
    #[error("bins out of order in a tally")]
    Bins,
    /// Something in it cannot be read.
    #[error("a tally: {0}")]
    Bytes(#[from] BytesError),
}

/// Reads what [`bytes()`] wrote.
///
/// # Errors
/// What is wrong with them.
pub(super) fn tally(bytes: &[u8]) -> Result<Tally, TallyError> {
    let (mut rest, mut tally) = (Reader(bytes), Tally::default());
    counts(&mut rest, &mut tally)?;
    tally.slos = slo_counts(&mut rest)?;
    (tally.ttft, tally.itl) = (bins(&mut rest)?, bins(&mut rest)?);
    if rest.0.is_empty() { Ok(tally) } else { Err(TallyError::GoesOn) }
}

/// Of what [`bytes()`] wrote, what each SLO counts: for a page over all targets, that is enough.
///
/// # Errors
/// What is wrong with the bytes that far.
pub(super) fn slos(bytes: &[u8]) -> Result<Vec<(SloBasis, SloCount)>, TallyError> {
    let mut rest = Reader(bytes);
    counts(&mut rest, &mut Tally::default())?;
    slo_counts(&mut rest)
}

/// What stands before the SLOs.
fn counts(rest: &mut Reader<'_>, tally: &mut Tally) -> Result<(), TallyError> {
    let version = rest.take(1)?[0];
    if version != VERSION {
        return Err(TallyError::Version(version));
    }
    (tally.probes, tally.good) = (rest.small()?, rest.small()?);
    for _ in 0..rest.small()? {
        let (name, count) = (rest.text()?, rest.small()?);
        // One of another release is one of those that failed, and no more than that.
        if let Ok(reason) = name.parse::<FailureReason>() {
            tally.failures.push((reason, count));
        }
    }
    Ok(())
}

fn slo_counts(rest: &mut Reader<'_>) -> Result<Vec<(SloBasis, SloCount)>, TallyError> {
    let mut slos = Vec::new();
    for _ in 0..rest.small()? {
        let basis = SloBasis(u64::from_le_bytes(rest.eight()?));
        let (probes, good, rated) = (rest.small()?, rest.small()?, rest.small()?);
        let goodput = f64::from_le_bytes(rest.eight()?);
        slos.push((basis, SloCount { probes, good, goodput, rated }));
    }
    Ok(slos)
}

fn bins(rest: &mut Reader<'_>) -> Result<Digest, TallyError> {
    let max = Duration::from_nanos(rest.number()?);
    let mut bins = Vec::new();
    let mut before = 0_u16;
    for i in 0..rest.small()? {
        let distance = u16::try_from(rest.number()?).map_err(BytesError::from)?;
        let bin = before.checked_add(distance).filter(|_| i == 0 || distance > 0);
        let bin = bin.ok_or(TallyError::Bins)?;
        bins.push((bin, rest.small()?));
        before = bin;
    }
    Ok(Digest::of(bins, max))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample() -> Tally {
        let mut ttft = Digest::default();
        (1..500).for_each(|i| ttft.add(Duration::from_micros(200_000 + i * 137)));
        Tally {
            probes: 499,
            good: 400,
            failures: vec![(FailureReason::Stalled, 3), (FailureReason::Internal, 300)],
            slos: vec![(
                SloBasis(u64::MAX),
                SloCount { probes: 499, good: 400, goodput: 1.0 / 3.0, rated: 12 },
            )],
            ttft,
            itl: Digest::default(),
        }
    }

    #[test]
    fn what_was_packed_comes_back() {
        for tally in [Tally::default(), sample()] {
            assert_eq!(self::tally(&bytes(&tally)).unwrap(), tally);
            assert_eq!(slos(&bytes(&tally)).unwrap(), tally.slos);
        }
    }

    #[test]
    fn whatever_is_cut_off_is_refused() {
        let whole = bytes(&sample());
        for length in 0..whole.len() {
            assert!(tally(&whole[..length]).is_err(), "{length}");
        }
        assert_eq!(
            tally(&[whole.clone(), vec![0]].concat()).unwrap_err().to_string(),
            "expected the end of a tally"
        );
        let other = [&[9], &whole[1..]].concat();
        let why = tally(&other).unwrap_err().to_string();
        assert_eq!(why, "expected version 1 of a tally, found 9");
    }

    /// However a server's times are spread, the bytes are bounded.
    #[test]
    fn a_wide_digest_is_made_coarser() {
        let mut tally = Tally::default();
        for i in 0..20_000_u32 {
            tally.ttft.add(Duration::from_secs_f64(1e-6 * 1.001_f64.powf(f64::from(i))));
        }
        let packed = bytes(&tally);
        assert!(packed.len() < 700, "{}", packed.len());
        let back = self::tally(&packed).unwrap();
        assert_eq!((back.ttft.count(), back.ttft.max()), (20_000, tally.ttft.max()));
        let (found, exact) = (back.ttft.quantiles().unwrap(), tally.ttft.quantiles().unwrap());
        let error = found.p50.as_secs_f64() / exact.p50.as_secs_f64();
        assert!((0.9..1.1).contains(&error), "{error}");
    }

    proptest! {
        #[test]
        fn nonsense_is_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = tally(&[vec![VERSION], bytes].concat());
        }
    }
}
