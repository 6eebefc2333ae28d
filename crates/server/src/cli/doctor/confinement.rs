//! How far the child that reads documents is confined here.

use replyx_extract::Missing;

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
    let Missing { part, why } = missing;
    let text = format!(
        "the child process that reads them lacks `{}`: {why}: {}",
        part.as_str(),
        part.remedy()
    );
    Finding::note(ABOUT, text)
}

#[cfg(test)]
mod tests {
    use replyx_extract::Part;

    use super::*;

    #[test]
    fn a_part_that_is_missing_is_named_with_its_remedy_and_is_no_fault() {
        let missing = Missing { part: Part::Files, why: "the kernel has no Landlock".to_owned() };
        let found = lack(&missing);
        assert_eq!(found.verdict, super::super::Verdict::Note);
        assert!(found.text.contains("lacks `files`: the kernel has no Landlock: use Linux 5.13"));
    }
}
