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
        metrics::gauge!("extract_confinement", "part" => part.as_str()).set(found.share(part));
    }
    for missing in &found.missing {
        tracing::warn!(
            part = missing.part.as_str(),
            reason = %missing.why,
            remedy = missing.remedy(),
            "the child process that reads documents is not fully confined"
        );
    }
}
