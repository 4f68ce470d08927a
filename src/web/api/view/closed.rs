//! Closed sets by their names, in JSON and in the description alike.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer};
use serde::{Serialize, Serializer};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{RefOr, schema::SchemaType};
use utoipa::{PartialSchema, ToSchema};

use crate::answer::failure::FailureReason;
use crate::answer::measure::{Phase, TokenSource};
use crate::answer::recording::TimestampSource;
use crate::answer::slo::ObjectiveKind;
use crate::answer::timeline::Finish;
use crate::memory::history::{Oddity, State};
use crate::regression::change::Standing;
use crate::regression::comparison::{Order, Signal};
use crate::regression::detect::Verdict;
use crate::target::Moved;

/// A set of values with a name each.
pub trait Closed: Copy + PartialEq + 'static {
    /// The set's name in the description.
    const NAME: &'static str;
    /// What it tells.
    const ABOUT: &'static str;
    /// Every value.
    const ALL: &'static [Self];
    /// A value's name.
    fn name(self) -> &'static str;
}

macro_rules! closed {
    ($($type:ident $about:literal [$($value:ident),*];)*) => {$(
        impl Closed for $type {
            const NAME: &'static str = stringify!($type);
            const ABOUT: &'static str = $about;
            const ALL: &'static [Self] = closed!(@all $type $($value),*);
            fn name(self) -> &'static str {
                self.as_str()
            }
        }
    )*};
    (@all $type:ident) => { &$type::ALL };
    (@all $type:ident $($value:ident),+) => { &[$($type::$value),+] };
}

closed! {
    State "How a target does, by its last probe and its SLOs over the last hour." [];
    FailureReason "The one reason why a probe failed." [];
    Oddity "Why a success is remarkable." [];
    Phase "A part of a request's time." [];
    TokenSource "Who counted tokens." [];
    Finish "Why generation ended." [];
    TimestampSource "The clock that arrivals are read from." [Kernel, Task];
    ObjectiveKind "What an objective bounds." [];
    Moved "What made a target another server or model." [];
    Verdict "What a comparison says of its candidate." [];
    Signal "A figure that is held against that of another stack, or of the past." [];
    Order "How the two probes of a round lie in time." [Simultaneous, BackToBack];
    Standing "How far a stream is that is held against its own past." [];
}

/// A value of a closed set, written as its name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Named<T>(pub T);

impl<T: Closed> fmt::Debug for Named<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

impl<T: Closed> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.name())
    }
}

impl<'de, T: Closed> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<str>::deserialize(deserializer)?;
        let found = T::ALL.iter().find(|value| value.name() == name);
        found.map(|value| Self(*value)).ok_or_else(|| {
            let names: Vec<_> = T::ALL.iter().map(|value| value.name()).collect();
            de::Error::custom(format!("`{name}`: expected one of {}", names.join(", ")))
        })
    }
}

impl<T: Closed> PartialSchema for Named<T> {
    fn schema() -> RefOr<Schema> {
        let names = T::ALL.iter().map(|value| value.name());
        ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::String))
            .enum_values(Some(names))
            .description(Some(T::ABOUT))
            .into()
    }
}

impl<T: Closed> ToSchema for Named<T> {
    fn name() -> Cow<'static, str> {
        T::NAME.into()
    }
}

/// The names of [`State`].
pub type StateName = Named<State>;
/// The names of [`FailureReason`].
pub type ReasonName = Named<FailureReason>;
/// The names of [`Oddity`].
pub type OddityName = Named<Oddity>;
/// The names of [`Phase`].
pub type PhaseName = Named<Phase>;
/// The names of [`TokenSource`].
pub type TokenSourceName = Named<TokenSource>;
/// The names of [`Finish`].
pub type FinishName = Named<Finish>;
/// The names of [`TimestampSource`].
pub type ClockName = Named<TimestampSource>;
/// The names of [`ObjectiveKind`].
pub type ObjectiveName = Named<ObjectiveKind>;
/// The names of [`Moved`].
pub type MovedName = Named<Moved>;
/// The names of [`Verdict`].
pub type VerdictName = Named<Verdict>;
/// The names of [`Signal`].
pub type SignalName = Named<Signal>;
/// The names of [`Order`].
pub type OrderName = Named<Order>;
/// The names of [`Standing`].
pub type StandingName = Named<Standing>;
