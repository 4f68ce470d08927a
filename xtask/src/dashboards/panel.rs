//! Panels: one function per kind, and what they have in common.

use serde_json::{Value, json};

use super::promql::expand;

/// A panel without its place.
#[derive(Clone)]
pub struct Panel {
    pub json: Value,
    /// Of 24 columns.
    pub width: u32,
    /// In rows of 30 pixels.
    pub height: u32,
}

/// Lines over time.
pub fn lines(title: &str, description: &str, unit: &str) -> Panel {
    let options = json!({
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    });
    let panel = panel("timeseries", title, description, unit, &options);
    let panel = panel.custom(&json!({
        "drawStyle": "line", "lineWidth": 1, "fillOpacity": 0, "showPoints": "auto", "pointSize": 4,
        // Rare probes leave instants without a sample; a hole of more than 15 minutes is one.
        "spanNulls": 900_000,
        "axisSoftMin": 0,
    }));
    let panel = match unit {
        // Where all is 0, Grafana's axis would reach to 100.
        "percentunit" => panel.custom(&json!({"axisSoftMax": 0.05})),
        "cpm" => panel.custom(&json!({"axisSoftMax": 1})),
        _ => panel,
    };
    panel.size(8, 8).set("interval", json!("1m")).set("maxDataPoints", json!(120))
}

/// Areas over time, one on top of the other.
pub fn stacked(title: &str, description: &str, unit: &str) -> Panel {
    let stacking = json!({"mode": "normal", "group": "A"});
    lines(title, description, unit)
        .custom(&json!({"stacking": stacking, "fillOpacity": 60, "spanNulls": false}))
}

/// Large figures, each of its query's last value.
pub fn stat(title: &str, description: &str, unit: &str) -> Panel {
    let options = json!({
        "colorMode": "value", "graphMode": "none", "justifyMode": "auto", "orientation": "auto",
        "textMode": "auto", "wideLayout": true,
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": false},
    });
    panel("stat", title, description, unit, &options).size(4, 4)
}

/// How often which value, over time: give it [`super::promql::buckets`].
pub fn heatmap(title: &str, description: &str, unit: &str) -> Panel {
    let options = json!({
        "calculate": false,
        "cellGap": 1,
        "cellValues": {"unit": "short", "decimals": 1},
        "color": {"mode": "scheme", "scheme": "Oranges", "scale": "exponential", "exponent": 0.5,
                  "fill": "dark-orange", "steps": 64, "reverse": false},
        "exemplars": {"color": "rgba(255,0,255,0.7)"},
        "filterValues": {"le": 1e-9},
        "legend": {"show": true},
        "rowsFrame": {"layout": "auto"},
        "tooltip": {"mode": "single", "yHistogram": true, "showColorScale": true},
        "yAxis": {"axisPlacement": "left", "unit": unit, "reverse": false},
    });
    let panel = panel("heatmap", title, description, unit, &options);
    panel.size(8, 8).set("interval", json!("1m")).set("maxDataPoints", json!(120))
}

/// A row per series, a column per query.
pub fn table(title: &str, description: &str, unit: &str) -> Panel {
    let options = json!({"showHeader": true, "cellHeight": "sm", "footer": {"show": false}});
    panel("table", title, description, unit, &options).size(24, 8)
}

fn panel(kind: &str, title: &str, description: &str, unit: &str, options: &Value) -> Panel {
    let json = json!({
        "type": kind,
        "title": title,
        "description": description,
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "fieldConfig": {
            "defaults": {"unit": unit, "custom": {}, "color": {"mode": "palette-classic"}},
            "overrides": [],
        },
        "options": options,
        "targets": [],
        "transformations": [],
    });
    Panel { json, width: 8, height: 8 }
}

/// One link.
pub fn links(title: &str, url: &str) -> Value {
    json!([{"title": title, "url": url, "targetBlank": false}])
}

impl Panel {
    /// Its width of 24 columns and its height in rows.
    pub fn size(mut self, width: u32, height: u32) -> Self {
        (self.width, self.height) = (width, height);
        self
    }

    /// Adds a query over time.
    pub fn query(self, expression: &str, legend: &str) -> Self {
        self.target(expression, &json!({"range": true, "instant": false, "legendFormat": legend}))
    }

    /// Adds a query for the last instant.
    pub fn instant(self, expression: &str, legend: &str) -> Self {
        self.target(expression, &json!({"range": false, "instant": true, "legendFormat": legend}))
    }

    /// Adds a column for the last instant.
    pub fn column(self, expression: &str) -> Self {
        let more = json!({"range": false, "instant": true, "format": "table"});
        self.target(expression, &more)
    }

    /// Adds both forms of a heatmap.
    pub fn buckets(self, expressions: &[String; 2]) -> Self {
        let more = json!({"range": true, "instant": false, "format": "heatmap",
                          "legendFormat": "{{le}}"});
        expressions.iter().fold(self, |panel, e| panel.target(e, &more))
    }

    fn target(mut self, expression: &str, more: &Value) -> Self {
        let targets = self.json["targets"].as_array_mut().unwrap();
        let reference = char::from(b'A' + u8::try_from(targets.len()).unwrap());
        let mut target = json!({
            "refId": reference.to_string(),
            "expr": expand(expression),
            "datasource": {"type": "prometheus", "uid": "${datasource}"},
            "editorMode": "code",
        });
        merge(&mut target, more);
        targets.push(target);
        self
    }

    /// Colours from these values on; the first is the base.
    pub fn thresholds(mut self, base: &str, steps: &[(f64, &str)]) -> Self {
        let first = json!({"color": base, "value": null});
        let more = steps.iter().map(|(value, color)| json!({"color": color, "value": value}));
        let steps: Vec<Value> = std::iter::once(first).chain(more).collect();
        let defaults = &mut self.json["fieldConfig"]["defaults"];
        defaults["thresholds"] = json!({"mode": "absolute", "steps": steps});
        match self.json["type"].as_str() {
            Some("timeseries") => self.custom(&json!({"thresholdsStyle": {"mode": "dashed"}})),
            _ => self.default("color", json!({"mode": "thresholds"})),
        }
    }

    /// Words for values.
    pub fn words(self, words: &[(&str, &str, &str)]) -> Self {
        let map = |(i, (value, text, color)): (usize, &(&str, &str, &str))| {
            ((*value).to_owned(), json!({"text": text, "color": color, "index": i}))
        };
        let options: serde_json::Map<_, _> = words.iter().enumerate().map(map).collect();
        self.default("mappings", json!([{"type": "value", "options": options}]))
    }

    /// A setting of all its fields.
    pub fn default(mut self, key: &str, value: Value) -> Self {
        self.json["fieldConfig"]["defaults"][key] = value;
        self
    }

    /// What stands in its place where there is nothing to show, unless the panel knows better.
    pub fn without_data(self, why: &str) -> Self {
        if self.json["fieldConfig"]["defaults"]["noValue"].is_null() {
            self.default("noValue", json!(why))
        } else {
            self
        }
    }

    /// Settings of how it is drawn.
    pub fn custom(mut self, settings: &Value) -> Self {
        merge(&mut self.json["fieldConfig"]["defaults"]["custom"], settings);
        self
    }

    /// Other settings for the field of this name.
    pub fn field(mut self, name: &str, properties: &[(&str, Value)]) -> Self {
        let properties: Vec<_> =
            properties.iter().map(|(id, value)| json!({"id": id, "value": value})).collect();
        let matcher = json!({"id": "byName", "options": name});
        let overrides = self.json["fieldConfig"]["overrides"].as_array_mut().unwrap();
        overrides.push(json!({"matcher": matcher, "properties": properties}));
        self
    }

    /// A change of the answer before it is drawn.
    pub fn transform(mut self, id: &str, options: &Value) -> Self {
        let list = self.json["transformations"].as_array_mut().unwrap();
        list.push(json!({"id": id, "options": options}));
        self
    }

    /// Where a click on a series leads.
    pub fn link(self, title: &str, url: &str) -> Self {
        self.default("links", links(title, url))
    }

    /// Any other setting.
    pub fn set(mut self, key: &str, value: Value) -> Self {
        self.json[key] = value;
        self
    }

    /// Its legend as a table with the last and the largest value, on the right.
    pub fn wide(mut self, height: u32) -> Self {
        self.json["options"]["legend"] = json!({
            "displayMode": "table", "placement": "right", "showLegend": true, "width": 330,
            "calcs": ["lastNotNull", "max"],
        });
        // The same width for the values, so that the panels' times are one below the other.
        self.custom(&json!({"axisWidth": 80})).size(24, height)
    }
}

fn merge(into: &mut Value, from: &Value) {
    for (key, value) in from.as_object().unwrap() {
        into[key] = value.clone();
    }
}
