//! `replyx knowledge eval`: how often an assistant finds and says what is right.
//!
//! With `--assistant` the questions are put to the draft of an assistant of this installation;
//! nothing of it changes but the record of what its models cost. Without, the documents of the file
//! are read into a home of their own that is gone afterwards.

use std::{
    collections::HashSet,
    fs, io, mem,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand, ValueEnum};
use futures::{StreamExt, stream};
use replyx_core::{assistant::AssistantSettings, ids::AssistantId, ids::WorkspaceId};
use replyx_engine::{Engine, evaluation::Target};
use replyx_knowledge::evaluate::{Comparison, QuestionFile, Tally, compare};
use replyx_llm::EXTRACTIVE;

use replyx_terminal::complain;

use crate::config::Config;

mod home;
mod report;
mod saved;

use saved::Saved;

/// How many questions are under way at once: one for each core that a small machine has.
const AT_ONCE: usize = 2;
/// A longer quotation holds an expected string too easily: it does not count, characters. Models
/// that write their answers may take more words.
const LONGEST_ANSWER: usize = 300;
/// No file of questions is longer than this, bytes.
const LONGEST_FILE: u64 = 64 << 20;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Asks questions with known answers and prints the results. Exits with 1 if they are worse
    /// than a saved run, with 2 if the questions cannot be asked.
    Eval(Eval),
}

/// Which documents are left out.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Holdout {
    /// The second half.
    Half,
    /// Every other one: its neighbors, which are often about the same subject, stay.
    Alternate,
}

/// What is measured, and against what.
#[derive(Debug, Args)]
pub struct Eval {
    /// The questions: an object with `documents` and `questions`, a list, one question a line, or
    /// `SQuAD`'s form.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Evaluates the draft of this assistant instead of the documents of the file.
    #[arg(long, value_name = "ID")]
    assistant: Option<AssistantId>,
    /// Also asks for answers; otherwise only search is evaluated.
    #[arg(long)]
    answers: bool,
    /// Answers with this model instead of the assistant's; without an assistant the default is
    /// `extractive`.
    #[arg(long, value_name = "NAME", requires = "answers")]
    model: Option<String>,
    /// Leaves out some documents of the file: questions about only these should be declined.
    #[arg(long, conflicts_with = "assistant")]
    hide: Option<Holdout>,
    /// Compares with a run saved by `--save`.
    #[arg(long, value_name = "RUN.json")]
    compare: Option<PathBuf>,
    /// Saves the run to a file.
    #[arg(long, value_name = "RUN.json")]
    save: Option<PathBuf>,
    /// How much worse a share may be than in the saved run, 0 to 1.
    #[arg(long, default_value_t = 0.02, value_parser = share, requires = "compare")]
    tolerance: f64,
    /// Prints the run, with every question, as JSON.
    #[arg(long)]
    json: bool,
}

fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "this is no number".to_owned())?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err("it is from 0 to 1".to_owned()) }
}

/// Whom the questions are put to.
struct AskedAssistant<'e> {
    engine: &'e Engine,
    workspace: WorkspaceId,
    assistant: AssistantId,
    settings: AssistantSettings,
}

/// Runs the command. A failure is printed here, for it has a status of its own.
pub async fn run(config: anyhow::Result<Config>, command: Command) -> ExitCode {
    let Command::Eval(eval) = command;
    let outcome = match config {
        Ok(config) => evaluate(config, &eval).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            complain!("replyx: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Is it no worse than before?
async fn evaluate(config: Config, eval: &Eval) -> anyhow::Result<bool> {
    // Everything that can be wrong with the files is found before the first question.
    let before = eval.compare.as_deref().map(Saved::read).transpose()?;
    if let Some(path) = &eval.save {
        Saved::may_be_written(path)?;
    }
    let mut file = read(&eval.file)?;
    let name = file.name.take().unwrap_or_else(|| eval.file.display().to_string());
    let run = if let Some(assistant) = eval.assistant {
        let app = home::existing(&config).await?;
        let asked = home::assistant(&app.engine, assistant).await?;
        measure(asked, eval, &file, name).await?
    } else {
        expectations(&file).with_context(|| format!("`{}`", eval.file.display()))?;
        let home = home::Home::build(config).await?;
        let hidden = eval.hide.map(|which| hide(which, &mut file)).unwrap_or_default();
        forget(&mut file, &hidden);
        let folder = eval.file.parent().unwrap_or(Path::new("."));
        let asked = home.learn(&file.documents, folder).await?;
        measure(asked, eval, &file, name).await?
    };
    if let Some(before) = &before {
        ensure!(
            run.results.iter().any(|result| before.knows(&result.question)),
            "the saved run has none of these questions"
        );
    }
    if let Some(path) = &eval.save {
        run.write(path)?;
    }
    let comparison = before.as_ref().map(|before| {
        let after = (&run.metrics, run.results.as_slice());
        compare((&before.metrics, &before.results), after, eval.tolerance)
    });
    let regressed = comparison.as_ref().is_some_and(Comparison::regressed);
    let mut out = io::stdout().lock();
    let shown = if eval.json {
        report::json(&mut out, &run, comparison.as_ref())
    } else {
        report::table(&mut out, &run, before.as_ref().zip(comparison.as_ref()))
    };
    match shown {
        // Who has read enough, such as `head`, does not change how it went.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(!regressed),
    }
}

fn read(path: &Path) -> anyhow::Result<QuestionFile> {
    let text = text_of(path)?;
    QuestionFile::parse(&text).with_context(|| format!("`{}`", path.display()))
}

/// What is expected must be there to be found: a slip of the pen is not a bad answer.
fn expectations(file: &QuestionFile) -> anyhow::Result<()> {
    let mut names = HashSet::new();
    for (document, number) in file.documents.iter().zip(1_usize..) {
        let name = document.name.as_str();
        ensure!(names.insert(name), "document {number}: another one is named `{name}`, too");
    }
    // Without documents that is what is to be said.
    let missing = |name: &&String| !names.is_empty() && !names.contains(name.as_str());
    for (question, number) in file.questions.iter().zip(1_usize..) {
        if let Some(name) = question.document_names.iter().find(missing) {
            bail!("question {number}: no document is named `{name}`");
        }
        ensure!(
            question.documents.is_empty() && question.passages.is_empty(),
            "question {number}: ids are those of an assistant, which `--assistant` names"
        );
    }
    Ok(())
}

/// A text file of at most [`LONGEST_FILE`].
fn text_of(path: &Path) -> anyhow::Result<String> {
    let read = || -> io::Result<String> {
        let size = fs::metadata(path)?.len();
        if size > LONGEST_FILE {
            return Err(io::Error::other(format!("{size} bytes are too many, 64 MiB are allowed")));
        }
        fs::read_to_string(path)
    };
    read().with_context(|| format!("`{}` cannot be read", path.display()))
}

/// Takes documents away and returns their names.
fn hide(which: Holdout, file: &mut QuestionFile) -> Vec<String> {
    let half = file.documents.len().div_ceil(2);
    let mut hidden = Vec::new();
    for (place, document) in mem::take(&mut file.documents).into_iter().enumerate() {
        let stays = match which {
            Holdout::Half => place < half,
            Holdout::Alternate => place % 2 == 0,
        };
        if stays {
            file.documents.push(document);
        } else {
            hidden.push(document.name);
        }
    }
    hidden
}

/// What is asked about documents that are gone has no answer any more.
fn forget(file: &mut QuestionFile, hidden: &[String]) {
    for question in &mut file.questions {
        let names = &mut question.document_names;
        if !names.is_empty() && names.iter().all(|name| hidden.contains(name)) {
            names.clear();
            question.answers.clear();
        }
    }
}

async fn measure(
    asked: AskedAssistant<'_>,
    eval: &Eval,
    file: &QuestionFile,
    name: String,
) -> anyhow::Result<Saved> {
    let AskedAssistant { engine, workspace, assistant, mut settings } = asked;
    if let Some(model) = &eval.model {
        settings.model = Some(model.clone());
        settings.fallback_models.clear();
        // Who runs the installation says which model is measured.
        engine.models.set_allowed(Some(vec![model.clone()]));
    }
    let quotes = engine.models.resolve(settings.model.as_deref()) == EXTRACTIVE;
    let embeddings = home::embeddings(engine, workspace, assistant).await?;
    let target = Target {
        engine,
        workspace,
        assistant,
        settings: &settings,
        answers: eval.answers,
        longest: quotes.then_some(LONGEST_ANSWER),
    };
    let mut tally = Tally::default();
    let mut going =
        stream::iter(&file.questions).map(|question| target.ask(question)).buffered(AT_ONCE);
    while let Some(judged) = going.next().await {
        tally.add(judged?);
    }
    drop(going);
    engine.models.flush().await;
    if tally.results().is_empty() {
        bail!("there are no questions");
    }
    if eval.answers && tally.failed() == file.questions.len() {
        bail!("no model answered any of the questions: is one configured for this name?");
    }
    Ok(Saved::new(name, embeddings, eval.answers, &tally))
}
