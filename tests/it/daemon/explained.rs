//! Log, page, API and `probe` say the same of a failure.

use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use crate::common::daemon::{Program, run};
use crate::daemon::Folder;

/// A server of plain HTTP, as far as somebody who speaks TLS to it can tell: it reads to the end of
/// a request.
async fn plain() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut read = Vec::new();
                while !read.ends_with(b"\r\n\r\n") {
                    if stream.read_buf(&mut read).await.is_ok_and(|n| n == 0) {
                        return;
                    }
                }
                let refused = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
                let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, refused).await;
            });
        }
    });
    address
}

#[tokio::test]
async fn everything_says_the_same() {
    let server = plain().await;
    let folder = Folder::with(&format!(
        "defaults: {{interval: 200ms, timeout: 100s}}\n\
         targets: [{{name: wrong, url: 'https://{server}/v1', model: m}}]\n"
    ));
    let expect = format!(
        "POST https://{server}/v1/chat/completions: The TLS handshake failed: the server speaks \
         plain HTTP on this port, not TLS: expected url: http://{server}/v1."
    );
    let daemon = Program::daemon([folder.flag()]).await;
    let failed = "llm_prober_probe_failures_total";
    daemon.until("a failure", |m| m.sum(failed, &["reason=\"tls\""]) >= 1.0).await;

    let log = daemon.stderr();
    let line = log.lines().find(|line| line.contains("probe failed")).unwrap();
    assert!(line.ends_with(&format!("reason=tls why=\"{expect}\"")), "{line}");

    let probes = daemon.get("/api/v1/targets/wrong/probes").await;
    let probes: Value = serde_json::from_slice(&probes.body).unwrap();
    let id = probes["probes"][0]["id"].as_str().unwrap_or_else(|| panic!("{probes}"));
    let probe = daemon.get(&format!("/api/v1/probes/{id}")).await;
    let probe: Value = serde_json::from_slice(&probe.body).unwrap();
    assert_eq!(probe["detail"]["explanation"], expect.as_str(), "{probe}");
    assert_eq!(probe["detail"]["message"], Value::Null, "{probe}");
    let page = daemon.get(&format!("/probes/{id}")).await;
    assert!(page.text().contains(&format!("<p class=\"why\">{expect}</p>")), "{}", page.text());
    let page = daemon.get("/").await;
    assert!(
        page.text().contains(&format!("<div class=\"note\">{expect}</div>")),
        "{}",
        page.text()
    );

    let probe = async |output: &'static str| {
        let arguments = ["probe".to_owned(), folder.flag(), "--target=wrong".to_owned()];
        let arguments = arguments.into_iter().chain([format!("--output={output}")]);
        let output = tokio::task::spawn_blocking(move || run(arguments)).await.unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let json: Value = serde_json::from_str(&probe("json").await).unwrap();
    assert_eq!(json["explanation"], expect.as_str());
    let text = probe("text").await;
    assert!(text.contains(&format!("\n  FAILED: tls\n  {expect}\n")), "{text}");
}
