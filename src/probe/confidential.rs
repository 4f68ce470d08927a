//! Nothing that is kept, shown or logged of a probe holds what it was sent with: servers quote keys and
//! prompts in their errors.

use bytes::Bytes;

use crate::answer::outcome::Outcome;
use crate::answer::recording::{Chunk, Recording};
use crate::interpret::interpret;
use crate::target::{Auth, Target};
use crate::text::mask::Mask;
use crate::workload::{Prompt, Workload};

/// Masks secrets and prompt in a recording and in what it amounts to, which has been judged.
pub(super) fn mask(
    target: &Target,
    workload: &Workload,
    prompt: &Prompt,
    recording: &mut Recording,
    outcome: &mut Outcome,
) {
    let mut mask = Mask::default();
    secrets(target, &mut mask);
    prompts(prompt, &mut mask);
    if let Some(before) = body(&mask, &mut recording.chunks)
        && outcome.succeeded()
        && !interpret(target, workload, prompt, recording).succeeded()
    {
        // It was to repeat what it was asked: without that its recording would tell of a failure.
        recording.chunks = before;
        let mut secret = Mask::default();
        secrets(target, &mut secret);
        body(&secret, &mut recording.chunks);
    }
    let headers = recording.head.iter_mut().flat_map(|head| &mut head.headers);
    headers.for_each(|(_, value)| mask.text(value));
    if let Err(failure) = &mut outcome.result {
        mask.text(&mut failure.detail);
    }
}

fn secrets(target: &Target, mask: &mut Mask) {
    let secret = target.auth.as_ref().map(|auth| match auth {
        Auth::Bearer(secret) | Auth::Header { value: secret, .. } => secret,
    });
    // One that cannot be read was not sent.
    if let Some(secret) = secret.and_then(|secret| secret.read().ok()) {
        mask.secret(&secret);
        // `Basic …`, `Token …`: the word before it is none.
        secret.split_whitespace().for_each(|word| mask.secret(word));
    }
    // Headers that carry secrets are refused by the configuration.
    target.url.query_pairs().for_each(|(_, value)| mask.secret(&value));
    // As it stands there, too: what servers quote is the line of the request.
    for pair in target.url.query().unwrap_or_default().split('&') {
        mask.secret(pair.split_once('=').map_or(pair, |(_, value)| value));
    }
}

fn prompts(prompt: &Prompt, mask: &mut Mask) {
    for text in prompt.texts() {
        mask.prompt(&text);
        // The nonce stands before it, and may be repeated in another form.
        if let Some((_, own)) = text.split_once("] ").filter(|_| text.starts_with('[')) {
            mask.prompt(own);
        }
    }
}

/// What is to be masked may have come in several pieces. The pieces before, where something was.
fn body(mask: &Mask, chunks: &mut [Chunk]) -> Option<Vec<Chunk>> {
    let mut whole: Vec<u8> = chunks.iter().flat_map(|chunk| chunk.bytes.to_vec()).collect();
    if !mask.bytes(&mut whole) {
        return None;
    }
    let before = chunks.to_vec();
    let mut rest = Bytes::from(whole);
    for chunk in chunks {
        let masked = rest.split_to(chunk.bytes.len());
        if masked != chunk.bytes {
            // A copy: it shall not keep the whole body.
            chunk.bytes = Bytes::copy_from_slice(&masked);
        }
    }
    Some(before)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::answer::failure::{Failure, FailureReason};
    use crate::answer::measure::Measurement;
    use crate::answer::recording::{Arrival, Head, Offset};
    use crate::testing;

    #[test]
    fn what_a_server_quotes_is_masked_across_its_pieces() {
        let mut target = testing::target("t");
        target.url = "http://h/v1?sig=query-secret".parse().unwrap();
        let prompt = Prompt::user("[nonce] a prompt that nobody is to see anywhere");
        let quoted = "no query-secret of observability: \
                      [nonce] a prompt that nobody is to see anywhere";
        let arrival = Arrival { read: 0, task: Offset(1), kernel: None };
        let chunk = |bytes: &[u8]| Chunk { bytes: Bytes::copy_from_slice(bytes), arrival };
        let mut recording = testing::recording();
        recording.chunks = quoted.as_bytes().chunks(5).map(chunk).collect();
        let headers = vec![("retry-after".to_owned(), quoted.to_owned())];
        recording.head = Some(Head { status: 401, headers });
        let mut outcome = testing::outcome(Measurement::default());
        outcome.result = Err(Failure::new(FailureReason::HttpStatus, quoted));
        let workload = Arc::clone(&target.workloads[0]);
        mask(&target, &workload, &prompt, &mut recording, &mut outcome);
        let body: Vec<u8> = recording.chunks.iter().flat_map(|c| c.bytes.to_vec()).collect();
        let body = String::from_utf8(body).unwrap();
        let header = &recording.head.unwrap().headers[0].1;
        let detail = outcome.result.unwrap_err().detail;
        assert_eq!(recording.chunks.len(), quoted.len().div_ceil(5));
        for text in [&body, header, &detail] {
            let hidden = |text: &str| "*".repeat(text.len());
            let expect = format!(
                "no {} of observability: {}",
                hidden("query-secret"),
                hidden("[nonce] a prompt that nobody is to see anywhere")
            );
            assert_eq!(*text, expect);
        }
    }
}
