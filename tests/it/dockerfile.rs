//! The Dockerfile against the repository and the real binary: paths, flags, ports, user.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a helper that panics fails its test

use std::{path::Path, process::Command};

const DOCKERFILE: &str = include_str!("../../Dockerfile");

/// Every instruction and its arguments, with continued lines joined.
fn instructions() -> Vec<(String, String)> {
    let lines = DOCKERFILE.lines().filter(|line| !line.trim_start().starts_with('#'));
    let text = lines.collect::<Vec<_>>().join("\n").replace("\\\n", " ");
    let instructions = text.lines().filter_map(|line| line.trim().split_once(' '));
    instructions.map(|(name, rest)| (name.to_uppercase(), rest.trim().to_owned())).collect()
}

/// The arguments of all instructions of one name; there must be some.
fn all(name: &str) -> Vec<String> {
    let found: Vec<String> =
        instructions().into_iter().filter(|(n, _)| n == name).map(|(_, rest)| rest).collect();
    assert!(!found.is_empty(), "expected {name} in the Dockerfile");
    found
}

/// The words of the last instruction of one name, from its JSON array.
fn words(name: &str) -> Vec<String> {
    let rest = all(name).pop().unwrap();
    let start =
        rest.find('[').unwrap_or_else(|| panic!("expected {name} in its JSON form: {rest}"));
    serde_json::from_str(&rest[start..]).unwrap()
}

fn help() -> String {
    let binary = env!("CARGO_BIN_EXE_llm-prober");
    let output = Command::new(binary).arg("--help").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The port that the binary listens on by itself, from the default in its help.
fn default_port() -> u16 {
    let help = help();
    let (_, option) = help.split_once("--web.listen-address").expect("--web.listen-address");
    let (_, default) = option.split_once("[default: ").expect("a default listen address");
    let (address, _) = default.split_once(']').unwrap();
    address.rsplit_once(':').unwrap().1.parse().unwrap()
}

#[test]
fn copied_paths_exist_and_are_not_ignored() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let kept = std::fs::read_to_string(root.join(".dockerignore")).unwrap();
    for copy in all("COPY").iter().filter(|copy| !copy.starts_with("--from")) {
        let paths: Vec<&str> = copy.split_whitespace().collect();
        let (_, sources) = paths.split_last().unwrap();
        assert!(!sources.is_empty(), "COPY {copy}");
        for source in sources {
            assert!(root.join(source).exists(), "COPY {source}: not in the repository");
            let exception = format!("!{source}");
            assert!(kept.lines().any(|line| line == exception), "{source} is ignored");
        }
    }
}

#[test]
fn the_image_starts_the_binary_that_the_build_makes() {
    let name = Path::new(env!("CARGO_BIN_EXE_llm-prober")).file_stem().unwrap().to_str().unwrap();
    let build = format!("cargo build --release --locked --bin {name}");
    assert!(all("RUN").contains(&build), "expected RUN {build}");
    let copies = all("COPY");
    let copy = copies.iter().find(|copy| copy.starts_with("--from=build ")).unwrap();
    let path = format!("{}/target/release/{name}", all("WORKDIR")[0]);
    assert_eq!(*copy, format!("--from=build {path} {}", words("ENTRYPOINT")[0]));
}

#[test]
fn the_builder_is_new_enough() {
    let image = all("FROM").remove(0);
    let tag = image.strip_prefix("rust:").unwrap().split('-').next().unwrap();
    let number = |version: &str| -> Vec<u32> {
        version.split('.').take(2).map(|part| part.parse().unwrap()).collect()
    };
    assert!(number(tag) >= number(env!("CARGO_PKG_RUST_VERSION")), "{image}");
}

/// A tag is whatever its owner makes of it tomorrow.
#[test]
fn images_and_actions_are_pinned() {
    let workflow = include_str!("../../.github/workflows/ci.yml");
    let named = |key: &str| {
        let values = workflow.lines().filter_map(|line| line.split_once(key));
        values.map(|(_, value)| value.to_owned()).collect::<Vec<_>>()
    };
    let (actions, containers) = (named(" uses: "), named(" container: "));
    assert!(actions.len() > 3 && !containers.is_empty(), "{workflow}");
    let check = |what: &str, before: &str, digits: usize| {
        let digest = what.split_whitespace().next().unwrap().split_once(before);
        let (_, digest) = digest.unwrap_or_else(|| panic!("{what}: expected {before}DIGEST"));
        let is_digest = digest.len() == digits && digest.bytes().all(|b| b.is_ascii_hexdigit());
        assert!(is_digest, "{what}: expected {digits} hexadecimal digits");
    };
    for image in all("FROM").iter().chain(&containers) {
        check(image, "@sha256:", 64);
    }
    for action in &actions {
        check(action, "@", 40);
    }
}

#[test]
fn flags_are_the_binary_s() {
    let help = help();
    let words = [words("ENTRYPOINT"), words("CMD")].concat();
    let flags: Vec<&str> = words
        .iter()
        .filter(|w| w.starts_with("--"))
        .map(|w| w.split('=').next().unwrap())
        .collect();
    assert!(flags.contains(&"--config.file"), "{flags:?}");
    for flag in flags {
        let known = help.split_whitespace().any(|word| word.trim_end_matches(',') == flag);
        assert!(known, "{flag} is not in:\n{help}");
    }
}

#[test]
fn ports_are_the_binary_s_default() {
    let port = default_port();
    assert_eq!(all("EXPOSE"), [port.to_string()]);
    let listen = format!("--web.listen-address=0.0.0.0:{port}");
    assert!(words("CMD").contains(&listen), "{:?}", words("CMD"));
    let health = format!("http://127.0.0.1:{port}/-/healthy");
    assert_eq!(words("HEALTHCHECK").last(), Some(&health));
}

#[test]
fn the_user_is_numeric_and_not_root() {
    let user = all("USER").pop().unwrap();
    for id in user.split(':') {
        assert_ne!(id.parse::<u32>(), Ok(0));
        assert!(id.parse::<u32>().is_ok(), "expected a number, which Kubernetes can check: {user}");
    }
}
