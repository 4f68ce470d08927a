//! The real program, end to end: what its users see, and nothing else.

mod access;
mod closed_output;
mod command_line;
mod compare;
mod confidential;
mod descriptors;
mod echo;
mod explained;
mod fault_matrix;
mod flight;
mod gate;
mod late_server;
mod machine_faults;
mod masked;
mod memory_limit;
mod probe;
mod quick_start;
mod refusals;
mod reload;
mod state;
mod stop;
mod sweep;
mod web_configuration;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use llm_prober::simulate::{Simulator, SimulatorConfig};

/// A folder for one test, with a configuration file in it.
struct Folder {
    folder: tempfile::TempDir,
}

impl Folder {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// With a configuration.
    fn with(config: &str) -> Self {
        let folder = Self::new();
        folder.write("llm-prober.yml", config);
        folder
    }

    fn write(&self, name: &str, text: &str) {
        // In one step, as a reload at the same time must see: the old text or the new one.
        let new = self.path("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, self.path(name)).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The configuration as messages name it.
    fn config(&self) -> String {
        self.path("llm-prober.yml").display().to_string()
    }

    /// The flag that names the configuration.
    fn flag(&self) -> String {
        format!("--config.file={}", self.config())
    }
}

/// A simulator inside of the test, fast and exact.
async fn simulator() -> SocketAddr {
    simulator_with(Duration::from_millis(2)).await
}

/// As [`simulator`], with this time between two tokens.
async fn simulator_with(itl: Duration) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let ttft = Duration::from_millis(20);
    let config = SimulatorConfig { ttft, itl, ..SimulatorConfig::default() };
    tokio::spawn(async move {
        Simulator::new(config).serve(listener, std::future::pending()).await;
    });
    address
}
