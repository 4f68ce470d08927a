//! The types of the API. Their documentation is the description that is served.

mod change;
mod closed;
mod comparison;
mod detail;
mod effect;
mod gpu;
mod hour;
mod mark;
mod probe;
mod server;
mod target;
mod window;

pub use change::{ChangeView, ReferenceView};
pub use closed::{
    ClockName, Closed, FinishName, MovedName, Named, ObjectiveName, OddityName, OrderName,
    PhaseName, ReasonName, SignalName, StandingName, StateName, TokenSourceName, VerdictName,
};
pub use comparison::{
    AnswersView, ComparisonView, DiscordantView, PooledView, StreamView, TogetherView, WorkloadView,
};
pub use detail::{
    ChunkView, ObjectiveView, PhaseView, ProbeDetail, ProbeView, ServerStages, VerdictView,
};
pub use effect::EffectView;
pub use gpu::{GpuMemory, GpuState};
pub use hour::{HourView, MinutesView, QuantilesView, SloView};
pub use mark::MarkView;
pub use probe::ProbeSummary;
pub use server::ServerState;
pub use target::TargetView;
pub use window::WindowView;
