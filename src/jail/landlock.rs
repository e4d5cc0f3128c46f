//! Files: the kernel's landlock refuses to open any that is not named here.

use landlock::{
    ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, RulesetStatus,
};

use super::{Paths, State};

/// Refuses every file but those below `paths`. Descriptors that are open stay usable.
pub(super) fn restrict(paths: &Paths) -> State {
    match rule(paths) {
        Ok(RulesetStatus::FullyEnforced) => State::Held,
        Ok(RulesetStatus::PartiallyEnforced) => {
            State::Partly("this kernel (before 6.2) lets files be cut that must not be written".to_owned())
        }
        Ok(RulesetStatus::NotEnforced) => State::Missing(TOO_OLD.to_owned()),
        Err(error) => State::Missing(format!("{TOO_OLD} ({error})")),
    }
}

const TOO_OLD: &str = "the kernel has to be 5.19 or newer, with landlock among its security modules";

/// Links from one folder into another, as the spool makes them, are refused by all of landlock before its version 2.
/// So that version is a must, and cutting files, of version 3, is taken where it is there. Other programs, devices and
/// the network are left to the filter of system calls.
fn rule(paths: &Paths) -> Result<RulesetStatus, RulesetError> {
    let all = AccessFs::from_all(ABI::V3);
    let ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V2))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(all)?;
    let reading = AccessFs::ReadFile | AccessFs::ReadDir;
    let below = |paths: &[std::path::PathBuf], access: BitFlags<AccessFs>| {
        // What is not there cannot be read either.
        let there: Vec<_> =
            paths.iter().filter_map(|path| PathFd::new(path).ok().map(|fd| (fd, path.is_dir()))).collect();
        there.into_iter().map(move |(fd, folder)| {
            let file = AccessFs::from_file(ABI::V3);
            Ok::<_, RulesetError>(PathBeneath::new(fd, if folder { access } else { access & file }))
        })
    };
    let writing = all
        & !(AccessFs::Execute
            | AccessFs::MakeSock
            | AccessFs::MakeFifo
            | AccessFs::MakeBlock
            | AccessFs::MakeChar
            | AccessFs::MakeSym);
    let created =
        ruleset.create()?.add_rules(below(&paths.read, reading))?.add_rules(below(&paths.write, writing))?;
    Ok(created.restrict_self()?.ruleset)
}
