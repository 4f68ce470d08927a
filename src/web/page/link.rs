//! Addresses of pages, relative to the root of all pages.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything that could mean something in an address.
const TEXT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A text inside of one part of a path, or as a value of a query.
pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, TEXT).to_string()
}

/// A target's page.
pub(super) fn target(root: &str, name: &str) -> String {
    named(root, "targets", name)
}

/// A comparison's page.
pub(super) fn comparison(root: &str, name: &str) -> String {
    named(root, "comparisons", name)
}

/// Proxies decode `%2F`, and browsers resolve dots even where they are encoded: such names travel
/// in the query.
fn named(root: &str, folder: &str, name: &str) -> String {
    let part = encode(name);
    if matches!(name, "." | "..") || name.contains(['/', '\\']) {
        format!("{root}{folder}/?name={part}")
    } else {
        format!("{root}{folder}/{part}")
    }
}

/// A probe's page.
pub(super) fn probe(root: &str, id: &str) -> String {
    format!("{root}probes/{}", encode(id))
}

/// An address in the API.
pub(super) fn api(root: &str, parts: &[&str]) -> String {
    let parts: Vec<_> = parts.iter().map(|part| encode(part)).collect();
    format!("{root}api/v1/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_is_one_part_of_an_address() {
        let check = |name: &str, expect: &str| assert_eq!(target("../", name), expect);
        check("prod-1.eu", "../targets/prod-1.eu");
        check("a b?c#d%", "../targets/a%20b%3Fc%23d%25");
        check("größe 模型", "../targets/gr%C3%B6%C3%9Fe%20%E6%A8%A1%E5%9E%8B");
        check(
            "<img src=x onerror='1'>&\"",
            "../targets/%3Cimg%20src%3Dx%20onerror%3D%271%27%3E%26%22",
        );
        check("org/model", "../targets/?name=org%2Fmodel");
        check("..", "../targets/?name=..");
        check("...", "../targets/...");
    }
}
