//! `/api/v1/…`: what the pages show, for programs. One file per resource, one line in
//! `documented` registers its route and its description together.
//!
//! Never a text of a prompt, an answer or a server unless the program was started with
//! `--web.enable-recordings`.

mod change;
mod comparisons;
mod error;
mod events;
mod gpus;
mod lookup;
mod openapi;
mod probe;
mod probes;
mod recording;
mod status;
mod target;
mod targets;
pub mod view;

use axum::Router;
use axum::routing::any;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) use error::{ApiQuery, Refusal};
pub use probes::ProbeList;
pub use status::Status;
pub use targets::TargetList;

use super::site::Site;

const BASE: &str = "/api/v1";

#[derive(utoipa::OpenApi)]
#[openapi(info(
    title = "llm-prober",
    description = "What llm-prober measured, for programs. Durations are seconds; a figure that \
                   could not be observed is null, or left out.",
))]
struct Description;

/// Every resource with its description.
fn documented() -> OpenApiRouter<Site> {
    OpenApiRouter::with_openapi(Description::openapi()).nest(
        BASE,
        OpenApiRouter::new()
            .routes(routes!(targets::list))
            .routes(routes!(target::get))
            .routes(routes!(change::get))
            .routes(routes!(probes::list))
            .routes(routes!(probe::get))
            .routes(routes!(recording::get))
            .routes(routes!(comparisons::list))
            .routes(routes!(gpus::list))
            .routes(routes!(events::listen))
            .routes(routes!(status::get))
            .routes(routes!(openapi::get)),
    )
}

/// The routes.
pub(super) fn router() -> Router<Site> {
    let (router, _) = documented().split_for_parts();
    router
        .route(BASE, any(error::no_such_path))
        .route(&format!("{BASE}/"), any(error::no_such_path))
        .route(&format!("{BASE}/{{*path}}"), any(error::no_such_path))
        .method_not_allowed_fallback(error::no_such_method)
}
