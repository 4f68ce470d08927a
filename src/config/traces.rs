//! Traces of real load: when requests came and how long they were, without their texts.

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use super::requests::Sample;
use super::rows::{DataSet, DataSetError, Kept, each_line, open};
use crate::workload::Prompt;
use crate::workload::synthetic::{BLOCK_TOKENS, MOST_TOKENS, Made};

const MOONCAKE: &str = "expected one JSON object per line, such as {\"timestamp\": 0, \
    \"input_length\": 6755, \"output_length\": 500, \"hash_ids\": [0, 1]}";
const BURSTGPT: &str =
    "expected CSV with the columns Timestamp, Request tokens and Response tokens";

/// A row of Mooncake's form. Some writers have other names.
#[derive(Deserialize)]
struct Request {
    #[serde(default)]
    timestamp: f64,
    #[serde(alias = "input_tokens")]
    input_length: u64,
    #[serde(alias = "output_tokens")]
    output_length: u64,
    #[serde(default)]
    hash_ids: Vec<u64>,
}

/// A trace in Mooncake's form, in the order of its times.
///
/// # Errors
/// When it cannot be read, has no usable row or too many.
pub(super) fn mooncake(file: &Path, sample: Sample) -> Result<DataSet, DataSetError> {
    let mut kept = Kept::new(file, sample);
    each_line(file, open(file)?, |_, line| match line {
        Some("") => Ok(()),
        line => {
            let row = line.and_then(|line| serde_json::from_str::<Request>(line).ok());
            let made = row.and_then(|row| {
                let at = Duration::try_from_secs_f64(row.timestamp / 1_000.0).ok()?;
                // More blocks than tokens, and nobody knows what the first ones are.
                let most = row.input_length.div_ceil(BLOCK_TOKENS.into());
                let blocks = Some(row.hash_ids).filter(|ids| ids.len() as u64 <= most)?;
                made(row.input_length, row.output_length, at, blocks)
            });
            let bytes = size_of::<Prompt>() + made.as_ref().map_or(0, |m| 8 * m.blocks.len());
            kept.add(made.map(Prompt::made), bytes)
        }
    })?;
    kept.done(MOONCAKE).map(in_order)
}

/// A trace in `BurstGPT`'s form, in the order of its times. A request without an answer failed when it
/// was recorded, and is not usable.
///
/// # Errors
/// When it cannot be read, is no such table, has no usable row or too many.
pub(super) fn burstgpt(file: &Path, sample: Sample) -> Result<DataSet, DataSetError> {
    let mut kept = Kept::new(file, sample);
    let mut columns = None;
    each_line(file, open(file)?, |number, line| {
        let Some(columns) = columns else {
            columns = line.and_then(Columns::of);
            let form = || DataSetError::Form {
                file: file.to_owned(),
                line: Some(number),
                expected: BURSTGPT,
            };
            return columns.map(|_| ()).ok_or_else(form);
        };
        match line {
            Some("") => Ok(()),
            line => {
                let made = line.and_then(|line| columns.made(line));
                kept.add(made.map(Prompt::made), size_of::<Prompt>())
            }
        }
    })?;
    kept.done(BURSTGPT).map(in_order)
}

/// Where the figures are.
#[derive(Clone, Copy)]
struct Columns {
    at: usize,
    input: usize,
    output: usize,
}

impl Columns {
    fn of(header: &str) -> Option<Self> {
        let names: Vec<_> = header.split(',').map(|name| field(name).to_lowercase()).collect();
        let column = |name: &str| names.iter().position(|known| known == name);
        Some(Self {
            at: column("timestamp")?,
            input: column("request tokens")?,
            output: column("response tokens")?,
        })
    }

    fn made(self, row: &str) -> Option<Made> {
        let fields: Vec<_> = row.split(',').map(field).collect();
        let number = |column: usize| fields.get(column)?.parse::<f64>().ok();
        let at = Duration::try_from_secs_f64(number(self.at)?).ok()?;
        made(whole(number(self.input)?)?, whole(number(self.output)?)?, at, Vec::new())
    }
}

/// None of the columns that matter holds a comma.
fn field(text: &str) -> &str {
    text.trim().trim_matches('"')
}

/// Some tools write whole numbers with a point.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // looked at before
fn whole(number: f64) -> Option<u64> {
    (number.fract() == 0.0 && (0.0..=1e12).contains(&number)).then_some(number as u64)
}

/// `None` where nothing was asked or answered, or more than any server takes.
fn made(input: u64, output: u64, at: Duration, blocks: Vec<u64>) -> Option<Made> {
    let usable = |tokens: u64| {
        u32::try_from(tokens).ok().filter(|tokens| (1..=MOST_TOKENS).contains(tokens))
    };
    let (tokens, output_tokens) = (usable(input)?, Some(usable(output)?));
    Some(Made { tokens, blocks: blocks.into(), output_tokens, at: Some(at) })
}

fn in_order(mut set: DataSet) -> DataSet {
    set.prompts.sort_by_key(Prompt::at);
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Sample = Sample { ratio: 1.0, seed: 0 };

    type Row = (u128, u32, u32, usize);

    type Load = fn(&Path, Sample) -> Result<DataSet, DataSetError>;

    /// Milliseconds, input and output tokens and blocks of each row, and what was not usable; or
    /// what is wrong.
    fn read(load: Load, text: &str) -> Result<(Vec<Row>, u64), String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let set = load(file.path(), ALL).map_err(|error| error.to_string())?;
        let row = |prompt: &Prompt| {
            let made = prompt.made.as_ref().unwrap();
            let at = made.at.unwrap().as_millis();
            (at, made.tokens, made.output_tokens.unwrap(), made.blocks.len())
        };
        assert_eq!(set.rows.used, set.prompts.len() as u64);
        Ok((set.prompts.iter().map(row).collect(), set.rows.unusable))
    }

    #[test]
    fn mooncake() {
        let found = read(
            super::mooncake,
            "{\"timestamp\": 27482, \"input_length\": 1100, \"output_length\": 52, \"hash_ids\": [46, 47, 48]}\n\
             {\"timestamp\": 0.5, \"input_tokens\": 9, \"output_tokens\": 3, \"type\": \"text\"}\n\n\
             {\"timestamp\": 1, \"input_length\": 0, \"output_length\": 3, \"hash_ids\": []}\n\
             {\"timestamp\": 1, \"input_length\": 5, \"output_length\": 0, \"hash_ids\": []}\n\
             {\"timestamp\": 1, \"input_length\": 5, \"output_length\": 1, \"hash_ids\": [1, 2]}\n\
             {\"timestamp\": -1, \"input_length\": 5, \"output_length\": 1}\n\
             {\"timestamp\": 1, \"input_length\": 9999999, \"output_length\": 1}\n\
             not JSON\n",
        );
        assert_eq!(found, Ok((vec![(0, 9, 3, 0), (27_482, 1_100, 52, 3)], 6)));
        let why = read(super::mooncake, "hush\n").unwrap_err();
        assert!(why.contains("no row that could be used (1 others), expected one JSON"), "{why}");
        assert!(!why.contains("hush"), "{why}");
    }

    #[test]
    fn burstgpt() {
        let found = read(
            super::burstgpt,
            "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\r\n\
             45,ChatGPT,1087,12,1099,Conversation log\r\n\
             5.25,ChatGPT,472,18.0,490,Conversation log\r\n\
             118,GPT-4,417,0,417,API log\r\n\
             120,GPT-4,417\r\n",
        );
        assert_eq!(found, Ok((vec![(5_250, 472, 18, 0), (45_000, 1_087, 12, 0)], 2)));
        // By their names, wherever they stand.
        let found = read(
            super::burstgpt,
            "\"Timestamp\",\"Session ID\",\"Elapsed time\",\"Model\",\"Request tokens\",\
             \"Response tokens\"\n1,7,0.5,GPT-4,3,4\n",
        );
        assert_eq!(found, Ok((vec![(1_000, 3, 4, 0)], 0)));
        let why = read(super::burstgpt, "a,b\n1,2\n").unwrap_err();
        assert!(why.contains(":1: expected CSV with the columns"), "{why}");
    }

    #[test]
    fn a_sample_keeps_some_rows_and_its_seed_says_which() {
        let row =
            |i| format!("{{\"timestamp\": {i}, \"input_length\": 9, \"output_length\": 1}}\n");
        let text: String = (0..1_000).map(row).collect();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let kept = |ratio, seed| {
            let set = super::mooncake(file.path(), Sample { ratio, seed }).unwrap();
            assert_eq!(set.rows.used, 1_000);
            set.prompts.iter().map(Prompt::at).collect::<Vec<_>>()
        };
        assert!((62..=138).contains(&kept(0.1, 1).len()));
        assert_eq!(kept(0.1, 1), kept(0.1, 1));
        assert_ne!(kept(0.1, 1), kept(0.1, 2));
    }
}
