//! Accepts connections and serves each, within its limits.

use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::access::{Accepted, Access};
use super::connections::{Answer, Connection, Connections, Entry, Phase, Watched};

/// How long a client may take for its answer when the site has stopped.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// A request's head at most, and what is kept of an answer that the client does not take.
const BUFFER: usize = 64 << 10;

/// After an error that is not of one connection alone.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves `router` on `listener` until `stop`, then lets requests under way finish, for a while: a
/// client that never ends its request, or never reads its answer, does not keep the program.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    access: Access,
    connections: Connections,
    stop: CancellationToken,
) {
    let (tasks, cut) = (TaskTracker::new(), CancellationToken::new());
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((tcp, peer)) => {
                // Otherwise it is closed: every place is busy.
                if let Some(entry) = connections.enter(peer.ip()) {
                    let served = one(tcp, entry, router.clone(), access.clone(), stop.clone());
                    tasks.spawn(cut.clone().run_until_cancelled_owned(served));
                }
            }
            Err(error) => after(&error, &connections).await,
        }
    }
    drop(listener);
    tasks.close();
    let _ = tokio::time::timeout(LAST_ANSWERS, tasks.wait()).await;
    cut.cancel();
}

/// Without a descriptor, one is made free.
async fn after(error: &io::Error, connections: &Connections) {
    let of_one_connection = matches!(
        error.kind(),
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
    );
    if !of_one_connection {
        tracing::debug!(%error, "a connection cannot be accepted");
        connections.make_room();
        sleep(PAUSE).await;
    }
}

async fn one(
    tcp: TcpStream,
    entry: Entry,
    router: Router,
    access: Access,
    stop: CancellationToken,
) {
    let connection = Arc::clone(&entry.connection);
    let _ = tcp.set_nodelay(true); // answers are as right without it
    let socket = Watched::new(tcp, Arc::clone(&connection));
    let accepted = tokio::select! {
        accepted = access.accept(socket) => accepted,
        () = connection.too_slow() => return,
        () = connection.cut.cancelled() => return,
        () = stop.cancelled() => return,
    };
    match accepted {
        None => {}
        Some(Accepted::Plain(socket)) => speak(socket, connection, router, stop).await,
        Some(Accepted::Encrypted(socket)) => speak(*socket, connection, router, stop).await,
    }
}

async fn speak<S>(socket: S, connection: Arc<Connection>, router: Router, stop: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let router = TowerToHyperService::new(router);
    let served = Arc::clone(&connection);
    let service = service_fn(move |request| answer(request, router.clone(), Arc::clone(&served)));
    let io = TokioIo::new(socket);
    let mut builder = http1::Builder::new();
    // Its time for a head counts between requests as well: that is done here.
    builder.header_read_timeout(None).max_buf_size(BUFFER);
    let mut http = pin!(builder.serve_connection(io, service));
    let mut ending = false;
    loop {
        tokio::select! {
            // Whatever went wrong is the client's own business.
            _ = http.as_mut() => return,
            () = connection.too_slow() => return,
            () = connection.cut.cancelled() => return,
            () = stop.cancelled(), if !ending => {
                http.as_mut().graceful_shutdown();
                ending = true;
            }
        }
    }
}

async fn answer(
    mut request: Request<Incoming>,
    router: TowerToHyperService<Router>,
    connection: Arc<Connection>,
) -> Result<Response<Answer>, Infallible> {
    connection.is_now(Phase::Working);
    request.extensions_mut().insert(Arc::clone(&connection));
    let response = router.call(request).await?;
    let content_type = response.headers().get(CONTENT_TYPE);
    let endless = content_type.is_some_and(|t| t.as_bytes().starts_with(b"text/event-stream"));
    connection.is_now(if endless { Phase::Endless } else { Phase::Answering });
    Ok(response.map(|body| Answer::new(body, connection)))
}
