//! The daemon ends when it is told to, whatever hangs.

use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};

use crate::common::daemon::{BINARY, Program};
use crate::common::eventually::eventually;
use crate::daemon::{Folder, simulator};

/// A file whose reading never comes to an end.
fn pipe(folder: &Folder, name: &str) {
    let path = folder.path(name);
    let _ = std::fs::remove_file(&path);
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    assert!(std::fs::metadata(&path).unwrap().file_type().is_fifo());
}

async fn folder() -> Folder {
    let server = simulator().await;
    Folder::with(&format!(
        "defaults: {{interval: 50ms}}\ntargets: [{{name: t, url: 'http://{server}/v1', model: m}}]\n"
    ))
}

#[tokio::test]
async fn a_reload_that_hangs_keeps_neither_the_end_nor_a_scrape() {
    let folder = folder().await;
    let mut daemon = Program::daemon([folder.flag()]).await;
    daemon.until("probes", |m| m.sum("llm_prober_probes_total", &[]) >= 3.0).await;
    pipe(&folder, "llm-prober.yml");
    daemon.signal("HUP");
    daemon.signal("HUP");
    assert_eq!(daemon.get("/-/ready").await.status, 200);
    let seen = daemon.metrics().await.sum("llm_prober_probes_total", &[]);
    daemon.until("probes meanwhile", |m| m.sum("llm_prober_probes_total", &[]) > seen).await;
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await.code(), Some(0));
}

/// At the start, when no port is bound yet.
#[tokio::test]
async fn a_configuration_that_hangs_keeps_not_the_end() {
    let folder = Folder::new();
    pipe(&folder, "llm-prober.yml");
    let mut daemon = Program::start([folder.flag()], &[]);
    // Its handlers are in place as soon as there is the thread that they are told on.
    let listens = || daemon.threads().iter().any(|name| name == "signals");
    eventually("the thread", async || listens().then_some(()).ok_or("none")).await;
    daemon.signal("HUP");
    daemon.signal("TERM");
    assert_eq!(daemon.ended().await.code(), Some(0));
}

/// Each word of it is one datagram.
#[tokio::test]
async fn the_service_manager_is_told() {
    let folder = folder().await;
    let path = folder.path("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    let flag = folder.flag();
    let arguments = [flag.as_str(), "--web.listen-address=127.0.0.1:0"];
    let mut daemon = Program::start(arguments, &[("NOTIFY_SOCKET", path.to_str().unwrap())]);
    let told = || {
        let mut text = [0; 1024];
        let length = manager.recv(&mut text).unwrap();
        String::from_utf8_lossy(&text[..length]).into_owned()
    };
    manager.set_read_timeout(Some(crate::common::eventually::PATIENCE)).unwrap();
    assert_eq!(told().trim(), "READY=1");
    assert_eq!(daemon.get("/-/ready").await.status, 200);
    daemon.signal("HUP");
    let reloading = told();
    assert!(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{reloading}");
    assert_eq!(told().trim(), "READY=1");
    daemon.signal("TERM");
    assert_eq!(told().trim(), "STOPPING=1");
    assert_eq!(daemon.ended().await.code(), Some(0));
}

/// Everything that logs hangs then, the end among it.
#[tokio::test]
async fn a_log_that_nobody_reads_keeps_not_the_end() {
    // A port that was free a moment ago: each probe fails and is told of.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    let target = |n| format!("- {{name: t{n}, url: 'http://{nobody}/v1', model: m}}\n");
    let targets: String = (0..50).map(target).collect();
    let folder = Folder::with(&format!("defaults: {{interval: 50ms}}\ntargets:\n{targets}"));
    let (reader, writer) = std::io::pipe().unwrap();
    let mut daemon = Command::new(BINARY)
        .args([&folder.flag(), "--web.listen-address=127.0.0.1:0", "--log.level=debug"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(writer)
        .spawn()
        .unwrap();
    let full = || {
        let waiting = rustix::io::ioctl_fionread(&reader).unwrap();
        if waiting > 60_000 { Ok(()) } else { Err(waiting) }
    };
    eventually("a full pipe", async || full()).await;
    let pid = daemon.id();
    assert!(Command::new("kill").args(["-TERM", &pid.to_string()]).status().unwrap().success());
    let ended = eventually("its end", async || daemon.try_wait().unwrap().ok_or("it runs"));
    assert_eq!(ended.await.code(), Some(1));
}
