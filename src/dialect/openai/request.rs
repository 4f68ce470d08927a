//! What the OpenAI-style APIs are asked with.

use serde_json::{Map, Value, json};

use crate::dialect::language::{Ask, AskUsage};
use crate::workload::{Captured, LimitKey};

/// The keys every request of the family has.
pub fn base_body(ask: &Ask<'_>) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("model".to_owned(), json!(ask.model));
    body.insert(ask.limit_key.as_str().to_owned(), json!(ask.max_output_tokens));
    body.insert("stream".to_owned(), json!(ask.shape.stream));
    let options = match ask.usage {
        _ if !ask.shape.stream => None,
        AskUsage::Not => None,
        AskUsage::AtTheEnd => Some(json!({"include_usage": true})),
        AskUsage::Continuously => {
            Some(json!({"include_usage": true, "continuous_usage_stats": true}))
        }
    };
    body.extend(options.map(|options| ("stream_options".to_owned(), options)));
    body
}

/// A captured request as this target is asked it: model and streaming are the target's, and no
/// answer may be longer than the workload allows. The name of the limit stays its own.
pub fn captured_body(ask: &Ask<'_>, captured: &Captured) -> Map<String, Value> {
    let mut body = captured.body.clone();
    body.remove("stream_options");
    let mut limited = false;
    for key in ["max_tokens", "max_completion_tokens", "min_tokens"] {
        if let Some(own) = body.remove(key).as_ref().and_then(Value::as_u64) {
            body.insert(key.to_owned(), json!(own.min(ask.max_output_tokens.into())));
            limited |= key != "min_tokens";
        }
    }
    let mut base = base_body(ask);
    if limited {
        for key in LimitKey::ALL.iter().copied() {
            base.remove(key.as_str());
        }
    }
    body.append(&mut base);
    body
}
