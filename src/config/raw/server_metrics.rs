//! `server_metrics`: a mapping, or its `url` alone.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_yaml::Spanned;

use super::access::Auth;
use super::parts::{Maybe, Named};
use crate::config::keys::form::{Form, HasForm};
use crate::text::units::HumanDuration;

pub(in crate::config) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(1);
/// A page is looked at around each probe, so a long wait would keep probes from ending.
pub(in crate::config) const TIMEOUTS: RangeInclusive<Duration> =
    Duration::from_millis(1)..=Duration::from_secs(5);

/// A mapping, or its `url` alone.
#[derive(Default)]
pub(in crate::config) struct ServerMetrics {
    /// Alone: without a place of its own.
    text: Option<String>,
    pub url: Maybe<String>,
    pub model: Maybe<String>,
    pub labels: Option<Named<Spanned<String>>>,
    pub timeout: Maybe<HumanDuration>,
    pub auth: Maybe<Auth>,
}

impl ServerMetrics {
    /// The URL, as it is written.
    pub fn text(&self) -> &str {
        let url = self.url.as_ref().map(|url| url.value.as_str());
        url.or(self.text.as_deref()).unwrap_or_default()
    }
}

impl HasForm for ServerMetrics {
    fn form() -> Form {
        Form::OneOf(vec![Form::Text, ServerMetricsPage::form()])
    }
}

impl<'de> Deserialize<'de> for ServerMetrics {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ServerMetricsVisitor)
    }
}

struct ServerMetricsVisitor;

impl<'de> Visitor<'de> for ServerMetricsVisitor {
    type Value = ServerMetrics;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a URL, a path, or a mapping with `url`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<ServerMetrics, E> {
        Ok(ServerMetrics { text: Some(text.to_owned()), ..ServerMetrics::default() })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ServerMetrics, A::Error> {
        let ServerMetricsPage { url, model, labels, timeout, auth } =
            ServerMetricsPage::deserialize(MapAccessDeserializer::new(map))?;
        Ok(ServerMetrics { text: None, url: Some(url), model, labels, timeout, auth })
    }
}

keys! {
    struct ServerMetricsPage {
        /// A URL, such as `http://10.0.0.7:8000/metrics` (the server itself, where the target's `url`
        /// is a gateway), or a path on the target's host, such as `/metrics`.
        url: Spanned<String> => address,
        /// The model whose series count.
        model: Maybe<String> => shown.otherwise("the target's model, or the only one on the page"),
        /// Only series with these labels count.
        labels: Option<Named<Spanned<String>>> => shown.otherwise("all series"),
        /// How long the page is waited for. A probe never waits longer than 100ms for it.
        timeout: Maybe<HumanDuration> => shown.default(DEFAULT_TIMEOUT).range(TIMEOUTS),
        /// Credentials for the page.
        auth: Maybe<Auth> => inside
            .otherwise("the target's own, if the page has the target's scheme, host and port"),
    }
}
