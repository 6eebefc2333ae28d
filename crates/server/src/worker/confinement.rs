//! Says at the start how far the child processes that read documents are confined.

use std::path::PathBuf;

use replyx_extract::Part;

/// Asks a child, and tells the log and the metrics which parts of the confinement are missing.
pub async fn tell(program: PathBuf) {
    let found = match replyx_extract::confinement(&program).await {
        Ok(found) => found,
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "could not run the child process that reads documents"
            );
            return;
        }
    };

    for part in Part::ALL {
        let missing = found.missing.iter().find(|missing| missing.part == part);
        let in_force = if missing.is_some() { 0.0 } else { 1.0 };
        metrics::gauge!("extract_confinement", "part" => part.as_str()).set(in_force);
        if let Some(missing) = missing {
            tracing::warn!(
                part = part.as_str(),
                reason = %missing.why,
                remedy = part.remedy(),
                "the child process that reads documents is not fully confined"
            );
        }
    }
}
