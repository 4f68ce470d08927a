//! Which exposition format a scraper wants, by its `Accept` header.

/// An exposition format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Prometheus text 0.0.4: what everything understands.
    ClassicText,
    /// OpenMetrics text 1.0, with exemplars.
    OpenMetrics,
    /// Prometheus' protobuf messages, with exemplars and native histograms.
    Protobuf,
}

/// Ranges of one header that are looked at; scrapers send about six.
const MAX_RANGES: usize = 32;

impl Format {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::ClassicText, Self::OpenMetrics, Self::Protobuf];

    /// The answer's `Content-Type`.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::ClassicText => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; \
                 encoding=delimited"
            }
        }
    }

    /// The format for an `Accept` header: the highest quality wins, then the more exact range,
    /// then the one that stands first. Classic text if there is no header or nothing in it can be
    /// served: a scraper can do more with that than with a refusal.
    #[must_use]
    pub fn negotiate(accept: Option<&str>) -> Self {
        let ranges = accept.unwrap_or_default().split(',').take(MAX_RANGES);
        let mut best: Option<Choice> = None;
        for choice in ranges.filter_map(Choice::parse) {
            if best.as_ref().is_none_or(|best| choice.beats(best)) {
                best = Some(choice);
            }
        }
        best.map_or(Self::ClassicText, |choice| choice.format)
    }
}

/// A range that we can serve.
struct Choice {
    format: Format,
    /// Thousandths.
    quality: u16,
    exact: bool,
}

impl Choice {
    fn beats(&self, other: &Self) -> bool {
        (self.quality, self.exact) > (other.quality, other.exact)
    }

    fn parse(range: &str) -> Option<Self> {
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next()?.to_ascii_lowercase();
        let parameters: Vec<_> = parts.filter_map(parameter).collect();
        let get = |name: &str| {
            let found = parameters.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
            found.map(|(_, value)| *value)
        };
        let is =
            |name: &str, wanted: &str| get(name).is_none_or(|v| v.eq_ignore_ascii_case(wanted));
        let (format, exact, fits) = match media.as_str() {
            "text/plain" => (Format::ClassicText, true, is("version", "0.0.4")),
            "application/openmetrics-text" => (Format::OpenMetrics, true, is("version", "1.0.0")),
            "application/vnd.google.protobuf" => {
                let fits =
                    is("proto", "io.prometheus.client.MetricFamily") && is("encoding", "delimited");
                (Format::Protobuf, true, fits)
            }
            "text/*" | "*/*" => (Format::ClassicText, false, true),
            _ => return None,
        };
        let quality = get("q").map_or(Some(1000), quality)?;
        (fits && quality > 0).then_some(Self { format, quality, exact })
    }
}

fn parameter(text: &str) -> Option<(&str, &str)> {
    let (name, value) = text.split_once('=')?;
    Some((name.trim(), value.trim().trim_matches('"')))
}

/// `0.75` as 750; `None` for what is not a quality.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 0 to 1000
fn quality(text: &str) -> Option<u16> {
    let value: f64 = text.parse().ok()?;
    (0.0..=1.0).contains(&value).then(|| (value * 1000.0).round() as u16)
}

#[cfg(test)]
mod tests {
    use super::Format::{self, ClassicText, OpenMetrics, Protobuf};

    #[test]
    fn the_accept_header_decides() {
        let check = |accept: &str, expect: Format| {
            assert_eq!(Format::negotiate(Some(accept)), expect, "{accept}");
        };
        // Prometheus 2.42, then with native histograms.
        check(
            "application/openmetrics-text;version=1.0.0,\
             application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,\
             */*;q=0.1",
            OpenMetrics,
        );
        check(
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;\
             encoding=delimited,application/openmetrics-text;version=1.0.0;q=0.8,\
             text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            Protobuf,
        );
        // Prometheus 3.5, with native histograms and without.
        let text = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
                    application/openmetrics-text;version=0.0.1;q=0.4,\
                    text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
                    text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
        let protobuf = "application/vnd.google.protobuf;\
                        proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6";
        check(&format!("{protobuf},{text}"), Protobuf);
        check(text, OpenMetrics);
        // VictoriaMetrics, curl, a browser.
        check("text/plain;version=0.0.4;q=1,*/*;q=0.1", ClassicText);
        check("*/*", ClassicText);
        check("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", ClassicText);
    }

    #[test]
    fn quality_exactness_and_order() {
        let check = |accept: &str, expect: Format| {
            assert_eq!(Format::negotiate(Some(accept)), expect, "{accept}");
        };
        check("*/*, application/openmetrics-text", OpenMetrics);
        check("text/plain, application/openmetrics-text", ClassicText);
        check("application/openmetrics-text, text/plain", OpenMetrics);
        check("text/plain;q=0.3, application/openmetrics-text;q=0.31", OpenMetrics);
        check("application/openmetrics-text;q=0, text/plain;q=0.1", ClassicText);
        check("application/openmetrics-text;q=0", ClassicText);
        check("application/openmetrics-text;q=much, text/*", ClassicText);
        check("APPLICATION/OpenMetrics-Text; Version=\"1.0.0\" ; Q=1", OpenMetrics);
        check("application/openmetrics-text;version=2.0.0", ClassicText);
        check("application/vnd.google.protobuf;encoding=text", ClassicText);
        check("application/vnd.google.protobuf;proto=some.Other;encoding=delimited", ClassicText);
        check("", ClassicText);
        check(",;=,q=1;;", ClassicText);
        assert_eq!(Format::negotiate(None), ClassicText);
    }
}
