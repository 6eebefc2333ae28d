//! How far the child that reads documents is confined here.

use replyx_extract::{Extent, Missing};

use super::Finding;
use crate::app;

const ABOUT: &str = "documents";

/// One line for each part that is missing, with what helps; one line when everything is there.
pub(super) async fn look() -> Vec<Finding> {
    let asked = match app::program() {
        Ok(program) => replyx_extract::confinement(&program).await.map_err(anyhow::Error::from),
        Err(error) => Err(error),
    };
    match asked {
        Err(error) => {
            let text = format!("no document can be read: {error:#}: check the program's file");
            vec![Finding::fault(ABOUT, text)]
        }
        Ok(found) if found.missing.is_empty() => vec![Finding::ok(
            ABOUT,
            "are read in a child process that can open no file and no connection and run no program",
        )],
        Ok(found) => found.missing.iter().map(lack).collect(),
    }
}

fn lack(missing: &Missing) -> Finding {
    let part = missing.part.as_str();
    let lacks = match missing.extent {
        Extent::Wholly => format!("lacks `{part}`"),
        Extent::Partly => format!("has only some of `{part}`"),
    };
    let text =
        format!("the child process that reads them {lacks}: {}: {}", missing.why, missing.remedy());
    Finding::note(ABOUT, text)
}

#[cfg(test)]
mod tests {
    use replyx_extract::Part;

    use super::*;

    #[test]
    fn a_part_that_is_missing_is_named_with_its_remedy_and_is_no_fault() {
        let why = "the kernel has no Landlock".to_owned();
        let missing = Missing { part: Part::Files, extent: Extent::Wholly, why };
        let found = lack(&missing);
        assert_eq!(found.verdict, super::super::Verdict::Note);
        assert!(found.text.contains("lacks `files`: the kernel has no Landlock: use Linux 5.13"));
    }

    #[test]
    fn a_part_that_is_in_force_in_part_is_named_with_its_remedy() {
        let why = "it is old".to_owned();
        let found = lack(&Missing { part: Part::Files, extent: Extent::Partly, why });
        assert_eq!(
            found.text,
            "the child process that reads them has only some of `files`: it is old: use Linux 6.12 or newer"
        );
    }
}
