//! Reads what the heap profiler writes.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde_json::Value;

/// Where memory is asked for: the innermost function of this program that is on the stack, and the
/// room that it is in; of what only libraries did, theirs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Site {
    pub room: String,
    function: String,
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.function)
    }
}

/// Bytes held at the end, by site.
pub fn read(file: &Path) -> BTreeMap<Site, i64> {
    let profile: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let frames: Vec<&str> =
        profile["ftbl"].as_array().unwrap().iter().map(|f| f.as_str().unwrap()).collect();
    let mut held = BTreeMap::new();
    for point in profile["pps"].as_array().unwrap() {
        let stack = point["fs"].as_array().unwrap().iter();
        let stack = stack.map(|f| frames[usize::try_from(f.as_u64().unwrap()).unwrap()]);
        *held.entry(site(&stack)).or_default() += point["eb"].as_i64().unwrap();
    }
    held
}

fn name(frame: &str) -> &str {
    frame.split_once(": ").map_or(frame, |(_, name)| name)
}

/// `0x…: path::of::function (file:line:column)`, innermost first.
fn site<'f>(stack: &(impl Iterator<Item = &'f str> + Clone)) -> Site {
    const OWN: &str = "llm_prober::";
    if let Some(frame) = stack.clone().find(|frame| frame.contains(OWN)) {
        let function = name(frame);
        let inside = &function[function.find(OWN).unwrap_or_default() + OWN.len()..];
        let room = inside.split("::").next().unwrap_or_default().to_owned();
        return Site { room, function: function.replace(OWN, "") };
    }
    let general = ["alloc::", "core::", "std::", "hashbrown::", "dhat::", "[root]", "__", "???"];
    let named = |frame: &&str| {
        let plain = name(frame).trim_start_matches('<');
        !general.iter().any(|prefix| plain.starts_with(prefix)) && plain.contains("::")
    };
    let function = stack.clone().find(named).map_or("unknown", name).to_owned();
    let library = function.trim_start_matches('<').split("::").next().unwrap_or_default();
    Site { room: format!("({library})"), function }
}
