//! How far off is the prober itself? `cargo bench --bench accuracy [-- --json] [-- --busy N]`
//! And how far off is AIPerf? `cargo bench --bench accuracy -- --aiperf PROGRAM`, see `peer.rs`.
//!
//! A reference server in a process of its own logs, for every request, when the kernel received
//! it and the wall clock right before it writes each token. The real binary probes it over
//! loopback, and both records are joined by `x-request-id`:
//!
//! * error of TTFT = the prober's TTFT − (first token's send − the request's kernel receive);
//! * error of arrival = the prober's arrival − the server's send, for every token.
//!
//! What is left in both is loopback itself and the prober's own error; the quantiles are of
//! absolute values. A server that falls behind its timetable does no harm: it logs what it did.
#![allow(clippy::disallowed_types)] // its clock is the real one

#[cfg(target_os = "linux")]
mod connection;
#[cfg(target_os = "linux")]
mod peer;
#[cfg(target_os = "linux")]
mod prober;
#[cfg(target_os = "linux")]
mod reference;
#[cfg(target_os = "linux")]
mod report;
#[cfg(target_os = "linux")]
mod runs;
#[cfg(target_os = "linux")]
mod server;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    match runs::main() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("accuracy: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("accuracy: expected Linux: the reference needs the kernel's receive stamps");
}
