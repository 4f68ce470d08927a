//! Names that become label names or label values.

/// Most label keys over all targets: each is a label of every probe series.
pub const MAX_LABEL_KEYS: usize = 64;

/// Longest label value or name, in bytes.
const MAX_VALUE: usize = 200;

/// Label names that Prometheus sets itself, that this program's own metrics carry, or that the rules
/// of `alerts/` set: on a target's series they would be overwritten, and joins would match nothing.
const RESERVED: &[&str] = &[
    "address",
    "alertgroup",
    "alertname",
    "alertstate",
    "api",
    "clock",
    "comparison",
    "concurrency",
    "engine",
    "exported_instance",
    "exported_job",
    "finish",
    "gpu",
    "in_flight",
    "instance",
    "job",
    "kind",
    "le",
    "model",
    "objective",
    "part",
    "percentile",
    "period",
    "phase",
    "quantile",
    "reason",
    "reference",
    "reference_day",
    "replica",
    "result",
    "scope",
    "sensor",
    "severity",
    "signal",
    "slo",
    "slo_window",
    "sloth_id",
    "sloth_mode",
    "sloth_objective",
    "sloth_service",
    "sloth_severity",
    "sloth_slo",
    "sloth_spec",
    "sloth_window",
    "source",
    "span_id",
    "stage",
    "sweep",
    "target",
    "tokenizer",
    "trace_id",
    "unit",
    "url",
    "uuid",
    "validator",
    "waiting",
    "workload",
    "worse",
    "xid",
];

/// Names taken in `target_info` beside those of [`RESERVED`].
const RESERVED_VERSION: &[&str] = &["tokenizer"];

/// A name or value that no label may have. No value is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// A name is not one.
    #[error(
        "not a label name, expected letters, digits and underscores, not beginning with a digit or \
         with two underscores"
    )]
    Form,
    /// A name is taken.
    #[error(
        "the label `{0}` is already used by Prometheus, by this program's own metrics or by its \
         rules, expected another name"
    )]
    Reserved(String),
    /// A name is taken in `target_info`.
    #[error("`{0}` is set by this program itself, expected another name")]
    SetHere(String),
    /// A value is missing.
    #[error("empty, expected some text")]
    Empty,
    /// A value is too long, or no text.
    #[error("too long or with control characters, expected at most {MAX_VALUE} bytes of text")]
    Value,
}

/// Whether a key of `labels` may become a label of every probe series.
///
/// # Errors
/// Says what a label name looks like, or who uses it already.
pub fn check_label(name: &str) -> Result<(), LabelError> {
    check_form(name)?;
    if RESERVED.contains(&name) {
        return Err(LabelError::Reserved(name.to_owned()));
    }
    Ok(())
}

/// Whether a key of `version` may become a label of `target_info`.
///
/// # Errors
/// As [`check_label`].
pub fn check_version_key(name: &str) -> Result<(), LabelError> {
    if RESERVED_VERSION.contains(&name) {
        return Err(LabelError::SetHere(name.to_owned()));
    }
    check_label(name)
}

fn check_form(name: &str) -> Result<(), LabelError> {
    let letter = |b: u8| b.is_ascii_alphabetic() || b == b'_';
    let form = name.bytes().next().is_some_and(letter)
        && name.bytes().all(|b| letter(b) || b.is_ascii_digit())
        && name.len() <= MAX_VALUE;
    if !form || name.starts_with("__") {
        return Err(LabelError::Form);
    }
    Ok(())
}

/// Whether a text may be a label's value: of a name when `required`, else possibly empty.
///
/// # Errors
/// Says what was expected; does not quote the value.
pub fn check_value(value: &str, required: bool) -> Result<(), LabelError> {
    if required && value.trim().is_empty() {
        return Err(LabelError::Empty);
    }
    if value.len() > MAX_VALUE || value.chars().any(char::is_control) {
        return Err(LabelError::Value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_names() {
        let check = |name: &str, good: bool| {
            assert_eq!(check_label(name).is_ok(), good, "{name}");
        };
        check("stack", true);
        check("_a9", true);
        check("9a", false);
        check("__a", false);
        check("a-b", false);
        check("", false);
        check("é", false);
        check("instance", false);
        check("le", false);
        assert!(check_version_key("tokenizer").is_err());
        assert!(check_version_key("serving_image").is_ok());
    }

    #[test]
    fn label_values() {
        assert!(check_value("", false).is_ok());
        assert!(check_value(" ", true).is_err());
        assert!(check_value("a\nb", false).is_err());
        assert!(check_value(&"x".repeat(201), false).is_err());
    }
}
