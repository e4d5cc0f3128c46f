//! `[[approval]]`, in the policy or in a file of its own.

use super::{group_id, once, service};
use crate::{
    catalogue::Catalogue,
    fault::Fault,
    file::Block,
    policy::{Group, Stage, Step},
};

/// Every `[[approval]]` of a file, step by step.
pub(super) fn read_all(
    file: &str,
    root: &mut Block<'_>,
    groups: &[Group],
    catalogue: &Catalogue,
) -> Result<Vec<Step>, Fault> {
    let mut steps = Vec::new();
    for block in root.blocks("approval")? {
        steps.extend(read(file, block, groups, catalogue)?);
    }
    Ok(steps)
}

fn read(file: &str, mut block: Block<'_>, groups: &[Group], catalogue: &Catalogue) -> Result<Vec<Step>, Fault> {
    let service = service(&block.need("service")?, catalogue)?;
    let whom = once(block.words("groups")?.unwrap_or_default(), |word| group_id(word, groups))?;
    let missing = block.at.below("steps");
    let blocks = block.blocks("steps")?;
    if blocks.is_empty() {
        return Err(missing
            .fault("missing: write at least { step = \"seen\", on = 2026-11-02, who = \"...\", why = \"...\" }"));
    }
    block.close()?;
    let mut steps: Vec<Step> = Vec::new();
    for block in blocks {
        let (at, step) = (block.at.clone(), step(file, block, &service, &whom)?);
        if let Some(last) = steps.last() {
            if !last.stage.leads_to(step.stage) {
                return Err(at.below("step").fault(format!(
                    "{} cannot follow {} of line {}: a tool is seen, submitted, in_review, decided, and may then be submitted again",
                    step.stage, last.stage, last.line
                )));
            }
            if step.on < last.on {
                return Err(at.below("on").fault(format!(
                    "{} is before {}, the day of the step at line {}: write the steps in order",
                    step.on, last.on, last.line
                )));
            }
        }
        steps.push(step);
    }
    Ok(steps)
}

fn step(file: &str, mut block: Block<'_>, service: &str, groups: &[String]) -> Result<Step, Fault> {
    let at = block.at.clone();
    let step = Step {
        file: file.to_owned(),
        line: at.line,
        service: service.to_owned(),
        groups: groups.to_vec(),
        stage: block.need("step")?.parse()?,
        on: block.date("on")?.ok_or_else(|| at.below("on").fault("missing: every step has a day"))?,
        who: block.need("who")?.text,
        why: block.need("why")?.text,
        status: block.word("status")?.map(|word| word.parse()).transpose()?,
    };
    block.close()?;
    match (step.stage, step.status) {
        (Stage::Decided, None) => Err(at.below("status").fault("missing: a decided step says what was decided")),
        (Stage::Decided, Some(_)) | (_, None) => Ok(step),
        (stage, Some(_)) => {
            Err(at.below("status").fault(format!("a tool that is {stage} has no answer yet: remove this key")))
        }
    }
}
