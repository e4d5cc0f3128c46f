//! What the package is made of: the manual, completions, units. `release/try` installs and runs it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::support::{run, shadowtap, skip};

/// Each command and those below it, by the words that it is called with.
fn commands(words: &[String], all: &mut Vec<Vec<String>>) {
    let help = run(shadowtap().args(words).arg("--help")).ok().stdout;
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| line.strip_prefix("  ").filter(|rest| !rest.starts_with(' ')));
    for name in names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help") {
        let words = [words, &[name.to_owned()]].concat();
        commands(&words, all);
        all.push(words);
    }
}

fn all_commands() -> Vec<Vec<String>> {
    let mut all = Vec::new();
    commands(&[], &mut all);
    assert!(all.len() > 30, "{all:?}");
    all
}

#[test]
fn each_command_has_its_page_with_its_examples() {
    let dir = TempDir::new().unwrap();
    run(shadowtap().args(["man", "--out"]).arg(dir.path().join("man"))).ok();
    let mut pages = BTreeSet::from(["shadowtap.1".to_owned()]);
    for words in all_commands() {
        let page = format!("shadowtap-{}.1", words.join("-"));
        let text = fs::read_to_string(dir.path().join("man").join(&page)).unwrap();
        let help = run(shadowtap().args(&words).arg("--help")).ok().stdout;
        assert_eq!(text.contains("\n.SH EXAMPLES\n"), help.contains("\nExamples:\n"), "{page}");
        pages.insert(page);
    }
    let made = fs::read_dir(dir.path().join("man")).unwrap();
    let made: BTreeSet<_> = made.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(made, pages);
    let lint =
        Command::new("mandoc").args(["-Tlint", "-Werror"]).args(pages).current_dir(dir.path().join("man")).output();
    let Ok(lint) = lint else {
        skip("mandoc is not installed: the manual is not checked");
        return;
    };
    assert!(lint.status.success(), "{}", String::from_utf8_lossy(&lint.stdout));
}

#[test]
fn shells_complete_each_command() {
    let dir = TempDir::new().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let script = run(shadowtap().args(["completions", shell])).ok().stdout;
        for words in all_commands().iter().filter(|words| words.len() == 1) {
            assert!(script.contains(&words[0]), "{shell}: {}", words[0]);
        }
        fs::write(dir.path().join(shell), script).unwrap();
    }
    let ask = ". ./bash; COMP_WORDS=(shadowtap find); COMP_CWORD=1; _shadowtap shadowtap find shadowtap; echo ${COMPREPLY[@]}";
    let answer = Command::new("bash").args(["-c", ask]).current_dir(dir.path()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&answer.stdout).trim(), "findings", "{answer:?}");
}

/// The units, with the program that is tested in place of the installed one.
fn units(dir: &Path) -> Vec<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("release/systemd");
    let paths = fs::read_dir(source).unwrap().map(|entry| entry.unwrap().path());
    let is_unit = |path: &PathBuf| {
        ["service", "timer", "target"].iter().any(|end| path.extension().is_some_and(|e| e == *end))
    };
    let put = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let copy = dir.join(path.file_name().unwrap());
        fs::write(&copy, text.replace("/usr/bin/shadowtap", env!("CARGO_BIN_EXE_shadowtap"))).unwrap();
        copy
    };
    paths.filter(is_unit).map(put).collect()
}

#[test]
fn systemd_takes_the_units_and_finds_little_exposed() {
    let dir = TempDir::new().unwrap();
    let units = units(dir.path());
    assert_eq!(units.len(), 5);
    let Ok(verified) = Command::new("systemd-analyze").args(["verify", "--man=no"]).args(&units).output() else {
        skip("systemd-analyze is not installed: the units are not checked");
        return;
    };
    let said = String::from_utf8_lossy(&verified.stderr);
    let ours: Vec<_> = said.lines().filter(|line| line.contains("shadowtap")).collect();
    assert!(verified.status.success() && ours.is_empty(), "{said}");
    for service in units.iter().filter(|path| path.extension().is_some_and(|end| end == "service")) {
        let mut rate = Command::new("systemd-analyze");
        let rated = rate.args(["security", "--offline=true", "--no-pager"]).arg(service).output().unwrap();
        let rated = String::from_utf8(rated.stdout).unwrap();
        let level = rated.rsplit_once(": ").unwrap().1.split_whitespace().next().unwrap();
        // Of 10. docs/install.md has the figures of one version; others weigh a little differently.
        assert!(level.parse::<f32>().unwrap() < 2.0, "{}: {level}", service.display());
    }
}
