//! Who may ask for what acts: reloads, references, runs of comparisons, probes.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use tower_http::csrf::{CsrfLayer, ProtectionError};
use url::{Host, Url};

use super::connections::Client;
use super::site::Site;

/// What proxies add. Who comes through one comes from anywhere, even where it runs on this machine.
const FORWARDED: [&str; 6] =
    ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"];

/// Lets a request through that comes from this machine itself and is made to it, or from somebody who was let in by name,
/// or from anybody with `--web.enable-lifecycle`.
pub(super) async fn guard(
    State(site): State<Site>,
    client: Client,
    request: Request,
    next: Next,
) -> Response {
    let user = client.0.as_ref().is_some_and(|connection| connection.has_a_user());
    let local = is_local(&client, request.headers())
        && names_this_machine(site.origin.as_deref(), request.headers());
    if site.options.lifecycle || user || local {
        return next.run(request).await;
    }
    let why = "this is allowed from the machine that llm-prober runs on, from others with \
               --web.enable-lifecycle or with a user of --web.config.file\n";
    (StatusCode::FORBIDDEN, why).into_response()
}

fn is_local(client: &Client, headers: &HeaderMap) -> bool {
    let forwarded = FORWARDED.iter().any(|name| headers.contains_key(*name));
    // Without a connection nobody is on another machine.
    let loopback =
        client.0.as_ref().is_none_or(|connection| connection.peer.to_canonical().is_loopback());
    loopback && !forwarded
}

/// Whether the request was made to an address, or to a name that is surely this machine's. Any other
/// name may be that of a page which its owner has pointed here.
fn names_this_machine(origin: Option<&str>, headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST) else { return true };
    let Ok(url) = Url::parse(&format!("http://{}", host.to_str().unwrap_or_default())) else {
        return false;
    };
    let own = origin.and_then(|origin| Url::parse(origin).ok());
    match url.host() {
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => true,
        Some(Host::Domain(name)) => {
            name == "localhost"
                || name.ends_with(".localhost")
                || own.is_some_and(|own| own.host_str() == Some(name))
        }
        None => false,
    }
}

/// Refuses what pages of other sites send through somebody's browser. Programs send no such headers.
fn own_pages(site: &Site) -> CsrfLayer<fn(ProtectionError) -> Response> {
    let refuse: fn(ProtectionError) -> Response = |_| {
        let why = "this came from a page of another site, see --web.external-url\n";
        (StatusCode::FORBIDDEN, why).into_response()
    };
    let layer = CsrfLayer::new().with_rejection_response(refuse);
    match &site.origin {
        None => layer,
        // It was looked at when the flag was read.
        Some(origin) => layer.clone().add_trusted_origin(origin).unwrap_or(layer),
    }
}

/// The same of a route that acts though it is asked for with GET.
pub(super) fn acting_on_get(route: MethodRouter<Site>, site: &Site) -> MethodRouter<Site> {
    let method = |method: Method| {
        axum::middleware::map_request(move |mut request: Request| {
            *request.method_mut() = method.clone();
            std::future::ready(request)
        })
    };
    let route: MethodRouter<Site> = route.layer(method(Method::GET));
    let route: MethodRouter<Site> = route.layer(own_pages(site));
    route.layer(method(Method::POST))
}

/// A route that acts, for those who may.
pub(super) fn acting(route: MethodRouter<Site>, site: &Site) -> MethodRouter<Site> {
    let guard = axum::middleware::from_fn_with_state(site.clone(), guard);
    let route: MethodRouter<Site> = route.layer(guard);
    route.layer(own_pages(site))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_name_that_a_page_may_have_pointed_here_is_not_this_machine() {
        let check = |host: &'static str, expect: bool| {
            let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static(host))]);
            let origin = Some("https://prober.internal");
            assert_eq!(names_this_machine(origin, &headers), expect, "{host}");
        };
        for host in
            ["127.0.0.1:9829", "[::1]:9829", "localhost:9829", "prober.internal", "10.0.0.7"]
        {
            check(host, true);
        }
        for host in ["evil.example:9829", "localhost.evil.example", "", "a b"] {
            check(host, false);
        }
        assert!(names_this_machine(None, &HeaderMap::new()), "HTTP/1.0 has none");
    }
}
