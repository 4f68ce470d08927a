//! The kernel stamps the very first connection of a process, too. Alone in its program, because
//! any socket that another test opened before would have switched the stamping on.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod common;

use common::client::Client;
use common::scripted::{Step, always, answer, tcp};
use llm_prober::answer::recording::TimestampSource;

#[tokio::test]
async fn the_first_connection_is_stamped() {
    let (address, _) = tcp(always([Step::Request, answer()])).await;
    let client = Client::network(&format!("http://{address}/v1"), "");
    let recording = client.exchange().await;
    assert_eq!(client.verdict(&recording), "success");
    assert_eq!(recording.timestamp_source(), TimestampSource::Kernel, "{recording:?}");
}
