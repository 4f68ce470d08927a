//! Forms with a file, as browsers send them (RFC 7578).

use serde_json::{Map, Value};

use super::language::Body;
use crate::workload::audio::Audio;

/// Fields, one part each, and a file. A list is a field for each of its elements; null is none.
pub(super) fn form(fields: &Map<String, Value>, file: &Audio) -> Body {
    let parts: Vec<(String, String)> =
        fields.iter().flat_map(|(key, value)| part(key, value)).collect();
    let boundary = boundary(&parts, file);
    let mut bytes = Vec::with_capacity(file.bytes.len() + 1024);
    for (key, text) in &parts {
        let head = format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"{}\"\r\n\r\n",
            name(key)
        );
        bytes.extend_from_slice(head.as_bytes());
        bytes.extend_from_slice(text.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    let head = format!(
        "--{boundary}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{}\"\r\n\
         content-type: {}\r\n\r\n",
        file.file_name, file.media_type
    );
    bytes.extend_from_slice(head.as_bytes());
    bytes.extend_from_slice(&file.bytes);
    bytes.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    Body { media_type: format!("multipart/form-data; boundary={boundary}"), bytes }
}

fn part(key: &str, value: &Value) -> Vec<(String, String)> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(list) => {
            let key = format!("{key}[]");
            list.iter().map(|element| (key.clone(), text(element))).collect()
        }
        other => vec![(key.to_owned(), text(other))],
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What would end the name is written as browsers write it.
fn name(key: &str) -> String {
    key.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

/// What stands in no part. The same form has always the same.
fn boundary(parts: &[(String, String)], file: &Audio) -> String {
    let candidates = (0_u32..).map(|number| format!("llm-prober-{number:08x}"));
    let holds = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|w| w == text.as_bytes());
    let mut free = candidates.filter(|candidate| {
        !parts.iter().any(|(_, text)| text.contains(candidate)) && !holds(&file.bytes, candidate)
    });
    free.next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn audio(bytes: &[u8]) -> Audio {
        Audio { bytes: bytes.into(), ..Audio::tone("") }
    }

    #[test]
    fn a_form_has_a_part_for_each_field_and_one_for_the_file() {
        let fields =
            json!({"model": "m", "stream": true, "words[]": null, "at": ["a", 7], "x\"": 1});
        let body = form(fields.as_object().unwrap(), &audio(b"\x00\xff"));
        let expect = "--B\r\ncontent-disposition: form-data; name=\"at[]\"\r\n\r\na\r\n\
            --B\r\ncontent-disposition: form-data; name=\"at[]\"\r\n\r\n7\r\n\
            --B\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nm\r\n\
            --B\r\ncontent-disposition: form-data; name=\"stream\"\r\n\r\ntrue\r\n\
            --B\r\ncontent-disposition: form-data; name=\"x%22\"\r\n\r\n1\r\n\
            --B\r\ncontent-disposition: form-data; name=\"file\"; filename=\"audio.wav\"\r\n\
            content-type: audio/wav\r\n\r\n";
        let expect = expect.replace("--B", "--llm-prober-00000000");
        let expect = [expect.as_bytes(), b"\x00\xff\r\n--llm-prober-00000000--\r\n"].concat();
        assert_eq!(String::from_utf8_lossy(&body.bytes), String::from_utf8_lossy(&expect));
        assert_eq!(body.media_type, "multipart/form-data; boundary=llm-prober-00000000");
    }

    #[test]
    fn what_is_sent_never_holds_the_boundary() {
        let fields = json!({"model": "llm-prober-00000000"});
        let body = form(fields.as_object().unwrap(), &audio(b"..llm-prober-00000001.."));
        assert_eq!(body.media_type, "multipart/form-data; boundary=llm-prober-00000002");
    }
}
