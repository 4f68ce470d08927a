//! The types of the API. Their documentation is the description that is served.

mod closed;
mod detail;
mod hour;
mod probe;
mod target;

pub use closed::{
    ClockName, Closed, FinishName, Named, ObjectiveName, OddityName, PhaseName, ReasonName,
    StateName, TokenSourceName,
};
pub use detail::{
    ChunkView, ObjectiveView, PhaseView, ProbeDetail, ProbeView, ServerStages, VerdictView,
};
pub use hour::{HourView, MinutesView, QuantilesView, SloView};
pub use probe::ProbeSummary;
pub use target::TargetView;
