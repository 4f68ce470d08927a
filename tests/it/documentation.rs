//! README, `docs/` and what stands beside them, against the repository and the program.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a helper that panics fails its test

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::{Arg, Command, CommandFactory};
use expect_test::expect_file;
use llm_prober::answer::failure::FailureReason;
use llm_prober::answer::skip::SkipReason;
use llm_prober::cli::Cli;
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// Flags of other programs that the texts name by themselves; those in a command line of such a
/// program are not looked at.
const FOREIGN: [&str; 5] =
    ["--enable-feature", "--enable-metrics", "--gpus", "--metrics", "--web.cors.origin"];

/// The top of what is checked: every Markdown file there and in these folders.
const FOLDERS: [&str; 5] = ["", "docs", "alerts", "dashboards", "tests/grafana-view"];

/// Where a path in a text begins, if it is one of this repository.
const ROOTS: [&str; 9] =
    ["src/", "tests/", "docs/", "config/", "alerts/", "dashboards/", "benches/", "xtask/", ".ci/"];

/// What a script leaves, and git does not keep.
const PRODUCED: [&str; 1] = ["tests/grafana-view/out/"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A Markdown file, taken apart.
struct Page {
    /// Below the root.
    path: PathBuf,
    text: String,
    /// Of its headings.
    ids: BTreeSet<String>,
    /// What links and pictures lead to.
    links: Vec<String>,
    /// Words set as code.
    code: Vec<String>,
    /// Lines of code blocks for a shell.
    shell: Vec<String>,
}

impl Page {
    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(root().join(path)).unwrap();
        let (mut ids, mut links) = (BTreeSet::new(), Vec::new());
        let (mut code, mut shell) = (Vec::new(), Vec::new());
        let (mut heading, mut in_shell) = (None::<String>, false);
        for event in Parser::new_ext(&text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => ids.extend(heading.take().map(|h| id(&h))),
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    links.push(dest_url.to_string());
                }
                Event::Start(Tag::CodeBlock(kind)) => {
                    in_shell = match kind {
                        CodeBlockKind::Fenced(language) => *language == *"sh",
                        CodeBlockKind::Indented => true,
                    };
                }
                Event::End(TagEnd::CodeBlock) => in_shell = false,
                Event::Text(text) | Event::Code(text) if heading.is_some() => {
                    heading.as_mut().unwrap().push_str(&text);
                }
                Event::Text(text) if in_shell => shell.extend(text.lines().map(str::to_owned)),
                Event::Code(text) => code.push(text.to_string()),
                _ => {}
            }
        }
        Self { path: path.to_owned(), text, ids, links, code, shell }
    }
}

/// As the host of the repository makes them: lower case, words with hyphens between.
fn id(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn pages() -> Vec<Page> {
    let mut paths = Vec::new();
    for folder in FOLDERS {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let path = Path::new(folder).join(entry.unwrap().file_name());
            if path.extension().is_some_and(|end| end == "md") {
                paths.push(path);
            }
        }
    }
    paths.sort();
    assert!(paths.len() > 12, "{paths:?}");
    paths.iter().map(|path| Page::read(path)).collect()
}

fn page(path: &str) -> Page {
    Page::read(Path::new(path))
}

#[test]
fn links_lead_somewhere() {
    let mut looked_at = 0;
    for page in pages() {
        let folder = root().join(page.path.parent().unwrap());
        for link in page.links.iter().filter(|link| !link.starts_with("https://")) {
            let place = format!("{}: {link}", page.path.display());
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { root().join(&page.path) } else { folder.join(file) };
            assert!(!file.starts_with('/') && target.exists(), "{place}: no such file");
            if !anchor.is_empty() {
                let target = target.canonicalize().unwrap();
                let target = target.strip_prefix(root().canonicalize().unwrap()).unwrap();
                assert!(Page::read(target).ids.contains(anchor), "{place}: no such section");
            }
            looked_at += 1;
        }
    }
    assert!(looked_at > 30, "{looked_at}");
}

/// In the README, so that nobody has to know that a page exists.
#[test]
fn the_readme_leads_to_every_page_and_is_short() {
    let readme = page("README.md");
    assert!(readme.text.lines().count() <= 150, "{}", readme.text.lines().count());
    for page in pages() {
        let path = page.path.to_str().unwrap();
        if path.starts_with("docs/") {
            assert!(readme.links.iter().any(|link| link == path), "no link to {path}");
        }
    }
}

#[test]
fn paths_in_the_texts_exist() {
    let mut looked_at = 0;
    for page in pages().into_iter().filter(|page| page.path != *"CHANGELOG.md") {
        for word in &page.code {
            let is_path = ROOTS.iter().any(|root| word.starts_with(root))
                && word.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
            // Capital letters stand for a name that is yours.
            let is_name = |part: &str| {
                part.len() > 1 && part.chars().all(|c| c.is_ascii_uppercase() || c == '_')
            };
            let is_kept = !PRODUCED.contains(&word.as_str());
            if is_path && is_kept && !word.split(['/', '.']).any(is_name) {
                let place = format!("{}: {word}", page.path.display());
                assert!(root().join(word).exists(), "{place}: no such file");
                looked_at += 1;
            }
        }
    }
    assert!(looked_at > 20, "{looked_at}");
}

/// The flags of each command; those of the program itself under "".
fn flags() -> BTreeMap<String, BTreeSet<String>> {
    let of = |command: &Command| {
        let own = command.get_arguments().filter_map(Arg::get_long).map(|flag| format!("--{flag}"));
        let always = ["--help".to_owned()];
        own.chain(always).collect::<BTreeSet<_>>()
    };
    let program = Cli::command();
    let mut flags: BTreeMap<_, _> =
        program.get_subcommands().map(|sub| (sub.get_name().to_owned(), of(sub))).collect();
    let mut own = of(&program);
    own.insert("--version".to_owned());
    flags.insert(String::new(), own);
    flags
}

/// What is wrong with a command line, if it is one of ours.
fn mistake(line: &str, flags: &BTreeMap<String, BTreeSet<String>>) -> Option<String> {
    let line = line.split(" #").next().unwrap();
    line.split(['|', ';']).find_map(|command| {
        let mut words = command.split_whitespace().peekable();
        if words.next()? != "llm-prober" {
            return None;
        }
        let first = words.next_if(|word| !word.starts_with('-')).unwrap_or("");
        let Some(known) = flags.get(first) else { return Some(format!("no command {first}")) };
        words.filter(|word| word.starts_with("--")).find_map(|word| {
            let flag = word.split('=').next().unwrap();
            (!known.contains(flag)).then(|| format!("no flag {flag} of {first:?}"))
        })
    })
}

#[test]
fn command_lines_in_the_texts_are_right() {
    let flags = flags();
    let any = |flag: &str| flags.values().any(|known| known.contains(flag));
    let mut foreign = BTreeSet::new();
    for page in pages() {
        let place = page.path.display();
        for line in page.shell.iter().chain(&page.code) {
            assert_eq!(mistake(line, &flags), None, "{place}: {line}");
        }
        for word in page.code.iter().filter(|word| word.starts_with("--")) {
            let flag = word.split(['=', ' ']).next().unwrap();
            if FOREIGN.contains(&flag) {
                foreign.insert(flag.to_owned());
            } else {
                assert!(any(flag), "{place}: {word}: no such flag");
            }
        }
    }
    assert!(foreign.iter().eq(FOREIGN.iter()), "a flag of others that nobody names");
}

#[test]
fn mistakes_in_command_lines_are_found() {
    let flags = flags();
    let check = |line: &str, expect: Option<&str>| {
        assert_eq!(mistake(line, &flags).as_deref(), expect, "{line}");
    };
    check("llm-prober check --config.file=a.yml    # --whatever", None);
    check("llm-prober --config.file=a.yml --web.enable-probe", None);
    check("cargo test --whatever", None);
    check("llm-prober verify", Some("no command verify"));
    check("llm-prober check --count=2", Some("no flag --count of \"check\""));
    check("cat a | llm-prober replay --whatever -", Some("no flag --whatever of \"replay\""));
}

/// Written from what `--help` is made of, so that no flag is left out.
#[test]
fn the_command_line_is_documented() {
    let mut page = "# Command line\n\n\
                    Every command and flag, written from what `--help` shows. \
                    [Exit codes](exit-codes.md) have a page of their own.\n"
        .to_owned();
    let mut program = Cli::command();
    program.build();
    page.push_str("\nWithout a command, `llm-prober` takes the flags of `run`.\n");
    for command in program.get_subcommands().filter(|command| command.get_name() != "help") {
        section(&mut page, &format!("llm-prober {}", command.get_name()), command);
    }
    expect_file![root().join("docs/command-line.md")].assert_eq(&page);
}

fn section(page: &mut String, title: &str, command: &Command) {
    let about = command.get_long_about().or(command.get_about()).unwrap().to_string();
    writeln!(page, "\n## {title}\n\n{}.", about.trim_end_matches('.')).unwrap();
    if let Some(after) = command.get_after_help() {
        writeln!(page, "{after}").unwrap();
    }
    let skipped = ["help", "version"];
    let arguments: Vec<_> =
        command.get_arguments().filter(|arg| !skipped.contains(&arg.get_id().as_str())).collect();
    if arguments.is_empty() {
        return;
    }
    let position = arguments.iter().filter(|arg| arg.is_positional());
    writeln!(page, "\n| argument | default | meaning |\n| --- | --- | --- |").unwrap();
    for arg in position.chain(arguments.iter().filter(|arg| !arg.is_positional())) {
        let value = arg.get_value_names().filter(|_| arg.get_action().takes_values());
        let value = value.map_or(String::new(), |names| format!("<{}>", names[0]));
        let name = arg.get_long().map_or(value.clone(), |long| match &*value {
            "" => format!("--{long}"),
            value => format!("--{long} {value}"),
        });
        let defaults = arg.get_default_values().iter().filter(|_| arg.get_action().takes_values());
        let defaults: Vec<_> = defaults.map(|v| format!("`{}`", v.display())).collect();
        let values: Vec<_> = arg
            .get_possible_values()
            .iter()
            .filter(|_| arg.get_action().takes_values())
            .map(|value| match value.get_help() {
                Some(help) => {
                    format!("`{}`: {}", value.get_name(), help.to_string().trim_end_matches('.'))
                }
                None => format!("`{}`", value.get_name()),
            })
            .collect();
        let mut help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        if arg.is_required_set() {
            help.push_str(". Required");
        }
        if !values.is_empty() {
            write!(help, ". One of {}", values.join("; ")).unwrap();
        }
        let help = help.replace('|', "\\|").replace('<', "\\<");
        writeln!(page, "| `{name}` | {} | {help} |", defaults.join(", ")).unwrap();
    }
}

#[test]
fn every_command_has_exit_codes() {
    let codes = page("docs/exit-codes.md");
    for command in Cli::command().get_subcommands() {
        let name = command.get_name();
        assert!(codes.code.iter().any(|word| word == name), "no exit codes of {name}");
    }
}

/// The headings below a chapter.
fn sections<'t>(text: &'t str, chapter: &str) -> BTreeSet<&'t str> {
    let begin = text.find(&format!("\n## {chapter}\n")).unwrap() + 1;
    let chapter = text[begin + 3..].split("\n## ").next().unwrap();
    chapter.lines().filter_map(|line| line.strip_prefix("### ")).collect()
}

#[test]
fn every_reason_has_its_section_of_troubleshooting() {
    let page = page("docs/troubleshooting.md");
    let failures: BTreeSet<_> = FailureReason::ALL.iter().map(|reason| reason.as_str()).collect();
    assert_eq!(sections(&page.text, "Failures"), failures);
    let skips: BTreeSet<_> = SkipReason::ALL.iter().map(|reason| reason.as_str()).collect();
    assert_eq!(sections(&page.text, "Skipped probes"), skips);
    // And the list at the top names them all.
    for reason in failures.union(&skips) {
        assert!(page.code.iter().any(|word| word == reason), "{reason}");
    }
}
