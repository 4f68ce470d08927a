//! Questions to a server after a failed probe, to be able to say why: off the measured path, and
//! once per incident, not once per probe.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::answer::recording::Recording;
use crate::explain::{Findings, Listed, Question, Spoken, question};
use crate::target::Target;
use crate::transport::model;
use crate::transport::spoken;

/// The longest that an answer is waited for: the failed probe is told only then.
const PATIENCE: Duration = Duration::from_secs(5);

/// An answer is kept for at least this long, although probes succeed in between: behind a load
/// balancer every second one may fail. A question without an answer is asked again after it.
const KEPT: Duration = Duration::from_secs(300);

/// What was found out about one target's failures.
#[derive(Debug, Default)]
pub struct Inquiry(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    models: Option<Answer<Result<Listed, ()>>>,
    spoken: Option<Answer<Spoken>>,
}

#[derive(Debug)]
struct Answer<T> {
    value: T,
    at: Instant,
    /// Whether it says anything.
    useful: bool,
}

impl<T: Clone> Answer<T> {
    fn new(value: T, useful: bool) -> Self {
        Self { value, at: Instant::now(), useful }
    }

    fn is_old(&self) -> bool {
        self.at.elapsed() > KEPT
    }

    /// The answer that there is, unless the question is to be asked again.
    fn known(answer: Option<&Self>) -> Option<T> {
        answer.filter(|answer| answer.useful || !answer.is_old()).map(|a| a.value.clone())
    }
}

impl Inquiry {
    /// What is known about a failure; asks the server where it is not known yet.
    pub async fn findings(
        &self,
        target: &Target,
        recording: &Recording,
        cancel: &CancellationToken,
    ) -> Findings {
        let found = async {
            match question(target, recording) {
                Some(Question::Models) => {
                    Findings { models: Some(self.models(target).await), ..Findings::default() }
                }
                Some(Question::Spoken) => {
                    Findings { spoken: Some(self.spoken(target).await), ..Findings::default() }
                }
                None => Findings::default(),
            }
        };
        cancel.run_until_cancelled(found).await.unwrap_or_default()
    }

    /// A probe succeeded: what fails after this is another incident.
    pub fn over(&self) {
        // Where something is being asked, that incident is not over.
        let Ok(mut known) = self.0.try_lock() else { return };
        known.models.take_if(|answer| answer.is_old());
        known.spoken.take_if(|answer| answer.is_old());
    }

    async fn models(&self, target: &Target) -> Result<Listed, ()> {
        // Held while asking, so that probes that fail together ask once.
        let mut known = self.0.lock().await;
        if let Some(listed) = Answer::known(known.models.as_ref()) {
            return listed;
        }
        let asked = target.model.as_deref().unwrap_or_default();
        let list = timeout(PATIENCE, model::list(target)).await;
        let listed = list.ok().and_then(Result::ok).map(|ids| Listed::new(&ids, asked)).ok_or(());
        known.models.insert(Answer::new(listed.clone(), listed.is_ok())).value.clone()
    }

    async fn spoken(&self, target: &Target) -> Spoken {
        let mut known = self.0.lock().await;
        if let Some(spoken) = Answer::known(known.spoken.as_ref()) {
            return spoken;
        }
        let spoken = timeout(PATIENCE, spoken::at(&target.url)).await.unwrap_or(Spoken::Other);
        known.spoken.insert(Answer::new(spoken, spoken != Spoken::Other)).value
    }
}
