//! The command line.

use std::net::SocketAddr;
use std::num::{NonZeroU16, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args as ClapArgs, CommandFactory, Parser, Subcommand};
use ser_archive::Shard;
use ser_data::corpora::{self, KnownCorpus};
use ser_data::{Origin, Protocol};

/// Speech emotion recognition: from recordings to features, trained models, honest figures and
/// predictions. No Python, no environment variables.
#[derive(Debug, Parser)]
#[command(
    name = "ser",
    version,
    max_term_width = 100,
    after_help = "\
EXIT CODES
  0  done
  1  failed; the message says what, why and what to do next
  2  the command line was not understood
  3  done, but some inputs were skipped; each one is named
  130  stopped with Ctrl-C; train, crossval, select, fit, conditions, download, extract --store and
       predict --out go on from there with the same command

EXAMPLES
  ser synth corpus                                     a synthetic corpus, to try things without data
  ser download ravdess                                 208 MB, after its licence is shown
  ser index RAVDESS --out ravdess.csv                  what is there, what is odd, a manifest
  ser crossval --recipe folds-a-cnn --data RAVDESS --out runs/folds-a-cnn
  ser predict speech.wav                               the emotion, with the built-in model
  ser timeline interview.mp3 --out interview.vtt interview.svg"
)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Print JSON for machines instead of text for people, one object a line.
    #[arg(long, global = true)]
    pub json: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write the built-in synthetic corpus as WAV files with RAVDESS names.
    Synth(SynthArgs),
    /// Fetch a corpus that anybody may have, after its licence is shown; or list all that are known.
    Download(DownloadArgs),
    /// Find the clips under a folder, say what is odd about them, write a manifest.
    Index(IndexArgs),
    /// Write features of one file (.npy) or of many (.safetensors, .csv, .parquet), or fill a feature store.
    Extract(ExtractArgs),
    /// Train a recipe on one split and measure it on the part it never saw.
    Train(TrainArgs),
    /// Train and measure a recipe on every split of its protocol, several at a time.
    Crossval(CrossvalArgs),
    /// Compare recipes on validation clips, so that none is chosen by a test part.
    Select(SelectArgs),
    /// Train a recipe on all clips there are, for a model to be used, or fine-tune a model on a few of your own.
    Fit(FitArgs),
    /// Measure a model on a corpus, leaving out everything it was made from.
    Evaluate(EvaluateArgs),
    /// Say which emotion recordings express.
    Predict(PredictArgs),
    /// Say what is expressed when in a long recording.
    Timeline(TimelineArgs),
    /// Say what is expressed right now, from a microphone or standard input.
    Listen(ListenArgs),
    /// Remember how a speaker sounds on average, from recordings without labels.
    Enroll(EnrollArgs),
    /// List the speakers who are enrolled, or forget one.
    Speakers(SpeakersArgs),
    /// Show where in time and frequency an answer comes from.
    Explain(ExplainArgs),
    /// Write a model's networks as ONNX, for other programs' runtimes.
    Export(ExportArgs),
    /// Write the HTML report of runs again, or one page with several side by side.
    Report(ReportArgs),
    /// Say which of several runs on the same clips is better, and whether it could be chance.
    Compare(CompareArgs),
    /// Measure a cross-validation away from the studio: noise, rooms, telephones, other levels.
    Conditions(ConditionsArgs),
    /// Write a document of results (Markdown) from the folders of runs.
    Results(ResultsArgs),
    /// Answer programs over HTTP and WebSocket.
    Serve(ServeArgs),
    /// Check libtorch, the built-in model, disk and cores, and say what to do.
    Doctor(DoctorArgs),
    /// Write completions for a shell to standard output.
    Completions(CompletionsArgs),
    /// Write manual pages into a folder.
    Man(ManArgs),
}

impl Args {
    /// The command line as this build has it.
    pub fn of_this_build() -> clap::Command {
        let command = Self::command();
        #[cfg(not(feature = "train"))]
        let command = crate::untrained::mark(command);
        command
    }
}

impl Command {
    /// Whether a command that was stopped goes on where it was.
    pub fn goes_on_later(&self) -> bool {
        match self {
            Self::Train(_)
            | Self::Crossval(_)
            | Self::Select(_)
            | Self::Conditions(_)
            | Self::Download(_) => true,
            Self::Fit(args) => args.from.is_none(),
            Self::Extract(args) => args.store.is_some(),
            Self::Predict(args) => args.out.is_some(),
            _ => false,
        }
    }
}

/// `ser synth`
#[derive(Debug, ClapArgs)]
pub struct SynthArgs {
    /// New folder for the corpus; a complete one is left as it is.
    pub dir: PathBuf,
    /// Number of synthetic actors, 1 to 24.
    #[arg(long, default_value_t = 24)]
    pub actors: u8,
    /// Seed; the same seed writes the same bytes.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

/// `ser download`
#[derive(Debug, ClapArgs)]
pub struct DownloadArgs {
    /// Which corpus; without one, all are listed, with where they are to be had.
    #[arg(value_name = "NAME", value_parser = known_corpus())]
    pub corpus: Option<&'static KnownCorpus>,
    /// New folder for it; a complete one is left as it is [default: its name].
    #[arg(long, value_name = "DIR", requires = "corpus")]
    pub to: Option<PathBuf>,
    /// Take the archive from elsewhere: a mirror, whose archive must have the published checksum where
    /// there is one, or a file of yours.
    #[arg(long, value_name = "URL|ARCHIVE", requires = "corpus")]
    pub from: Option<String>,
}

/// A corpus by its name.
fn known_corpus() -> impl TypedValueParser<Value = &'static KnownCorpus> {
    PossibleValuesParser::new(corpora::ALL.map(|known| known.name))
        .try_map(|name| corpora::named(&name).ok_or("no known corpus"))
}

/// `ser index`
#[derive(Debug, ClapArgs)]
pub struct IndexArgs {
    /// Folder with the recordings of a known corpus (RAVDESS, CREMA-D, TESS and others, see
    /// docs/corpora.md) anywhere below it, or a CSV manifest with the columns path, emotion, speaker. Of
    /// several the manifest tells the corpus, in a column, and each speaker's.
    #[arg(required = true, value_name = "DIR|CSV")]
    pub data: Vec<PathBuf>,
    /// Root.
    #[command(flatten)]
    pub root: RootArgs,
    /// Write the manifest here.
    #[arg(long, value_name = "CSV")]
    pub out: Option<PathBuf>,
}

/// `ser extract`
#[derive(Debug, ClapArgs)]
pub struct ExtractArgs {
    /// Recordings (WAV, FLAC, MP3, OGG, M4A and others), folders with recordings anywhere below, patterns such as "*.mp3", or
    /// CSV manifests.
    #[arg(required = true)]
    pub inputs: Vec<PathBuf>,
    /// Root.
    #[command(flatten)]
    pub root: RootArgs,
    /// Feature configuration (TOML). Keys: sample_rate, n_fft, win_length, hop_length, window,
    /// center, pad_mode, n_mels, mel_scale (slaney or htk), fmin, fmax, n_mfcc, deltas and so on;
    /// what is not given has librosa's value. Without --config and --recipe a .csv or .parquet holds the functionals of the
    /// recipe mlp, anything else librosa's MFCC.
    #[arg(long, value_name = "TOML", conflicts_with = "recipe")]
    pub config: Option<PathBuf>,
    /// Take the feature configuration of a recipe.
    #[arg(long, value_name = "NAME|TOML")]
    pub recipe: Option<String>,
    /// Write here: .npy for one file ([coefficients, frames], as librosa has it), .safetensors
    /// for many (one such tensor a file, named by its path), .csv or .parquet for functionals (a row a recording, with what a
    /// manifest says of it). At least one of --out and --store.
    #[arg(long, value_name = "FILE", required_unless_present = "store")]
    pub out: Option<PathBuf>,
    /// Keep features in this folder and take unchanged ones from there.
    #[arg(long, value_name = "DIR")]
    pub store: Option<PathBuf>,
}

/// Where clips come from.
#[derive(Debug, ClapArgs)]
pub struct DataArgs {
    /// Folder with clips, or a CSV manifest. Given again for each further corpus; the protocol
    /// `corpora` tests each by what was learned from the others.
    #[arg(long, value_name = "DIR|CSV", required = true)]
    pub data: Vec<PathBuf>,
    /// Root.
    #[command(flatten)]
    pub root: RootArgs,
}

/// Where a manifest's recordings lie.
#[derive(Debug, ClapArgs)]
pub struct RootArgs {
    /// Folder in which relative paths of a manifest are looked up first [default: the manifest's own].
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
}

impl RootArgs {
    /// A folder or manifest with its root.
    pub fn of<'a>(&'a self, path: &'a Path) -> Origin<'a> {
        Origin {
            path,
            root: self.root.as_deref(),
        }
    }

    /// Several folders or manifests with it.
    pub fn of_each<'a>(&'a self, paths: &'a [PathBuf]) -> Vec<Origin<'a>> {
        paths.iter().map(|path| self.of(path)).collect()
    }
}

impl DataArgs {
    /// Folders and manifests, with their root.
    pub fn origins(&self) -> Vec<Origin<'_>> {
        self.root.of_each(&self.data)
    }
}

/// Where recipe and data come from.
#[derive(Debug, ClapArgs)]
pub struct ExperimentArgs {
    /// Built-in recipe (`ser doctor` lists them) or a TOML file.
    #[arg(long, value_name = "NAME|TOML")]
    pub recipe: String,
    /// The clips.
    #[command(flatten)]
    pub data: DataArgs,
    /// Folder for the results. A finished run of the same recipe and data is kept, another is
    /// replaced.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Keep features in this folder and take unchanged ones from there.
    #[arg(long, value_name = "DIR")]
    pub store: Option<PathBuf>,
}

/// `ser train`
#[derive(Debug, ClapArgs)]
pub struct TrainArgs {
    /// Recipe and data.
    #[command(flatten)]
    pub experiment: ExperimentArgs,
    /// Which split of the recipe's protocol, counted from 1.
    #[arg(long, default_value_t = 1)]
    pub split: usize,
}

/// `ser crossval`
#[derive(Debug, ClapArgs)]
pub struct CrossvalArgs {
    /// Recipe and data.
    #[command(flatten)]
    pub experiment: ExperimentArgs,
    /// Another protocol than the recipe's: seed5, random10, folds-a, folds-b, loso, statement,
    /// speakers-5, corpora, given.
    #[arg(long)]
    pub protocol: Option<Protocol>,
    /// Trainings side by side [default: as many as fit the cores with the recipe's threads].
    #[arg(long)]
    pub jobs: Option<usize>,
}

/// `ser select`
#[derive(Debug, ClapArgs)]
pub struct SelectArgs {
    /// Built-in recipes (`ser doctor` lists them), ensembles among them, or TOML files.
    #[arg(required = true, value_name = "NAME|TOML")]
    pub recipes: Vec<String>,
    /// The clips.
    #[command(flatten)]
    pub data: DataArgs,
    /// Folder for the answers; what is there is not trained again.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Keep features in this folder and take unchanged ones from there.
    #[arg(long, value_name = "DIR")]
    pub store: Option<PathBuf>,
    /// Another protocol than the recipes'.
    #[arg(long)]
    pub protocol: Option<Protocol>,
    /// Inner splits of each split that recipes are tried on.
    #[arg(long, default_value = "2")]
    pub inner: NonZeroUsize,
    /// Answer the clips under every recording condition as well.
    #[arg(long)]
    pub conditions: bool,
    /// Trainings side by side [default: as many as fit the cores with the recipe's threads].
    #[arg(long)]
    pub jobs: Option<usize>,
}

/// `ser fit`
#[derive(Debug, ClapArgs)]
pub struct FitArgs {
    /// Built-in recipe (`ser doctor` lists them) or a TOML file.
    #[arg(
        long,
        value_name = "NAME|TOML",
        required_unless_present = "from",
        conflicts_with = "from"
    )]
    pub recipe: Option<String>,
    /// Fine-tune this model, or `built-in`, on 10 to 2000 labelled clips of your own, instead of training a recipe: in seconds, and
    /// without libtorch. The weights of emotions that no clip has stay.
    #[arg(long, value_name = "MODEL|built-in")]
    pub from: Option<PathBuf>,
    /// With `--from`: a model of these labels alone, as in `--labels happy,sad`, which answers no other.
    #[arg(
        long,
        value_name = "LABEL",
        value_delimiter = ',',
        requires = "from",
        conflicts_with = "recipe"
    )]
    pub labels: Vec<String>,
    /// With `--from`: write the model even if it is clearly worse on the clips than the one it comes from.
    #[arg(long, requires = "from", conflicts_with = "recipe")]
    pub even_if_worse: bool,
    /// The clips.
    #[command(flatten)]
    pub data: DataArgs,
    /// Folder for the model. What an earlier call of the same recipe and data left there is kept; with `--from` a new one.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Keep features in this folder and take unchanged ones from there.
    #[arg(long, value_name = "DIR", conflicts_with = "from")]
    pub store: Option<PathBuf>,
    /// Inner splits that the recipe is tried on: on their answers the temperature and the confidence threshold are fitted.
    #[arg(long, default_value = "2", conflicts_with = "from")]
    pub inner: NonZeroUsize,
    /// Trainings side by side [default: as many as fit the cores with the recipe's threads].
    #[arg(long, conflicts_with = "from")]
    pub jobs: Option<usize>,
}

/// The model that answers.
#[derive(Debug, ClapArgs)]
pub struct ModelArgs {
    /// Model file [default: the built-in model].
    #[arg(id = "model", long, value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// The model that answers, and who speaks.
#[derive(Debug, ClapArgs)]
pub struct AnswerArgs {
    /// The model.
    #[command(flatten)]
    pub model: ModelArgs,
    /// The speaker, as enrolled with `ser enroll`.
    #[arg(long, value_name = "NAME")]
    pub speaker: Option<String>,
    /// Only these labels can be, as in `--labels happy,sad`: their probabilities sum to 1 [default: all of the model].
    #[arg(long, value_name = "LABEL", value_delimiter = ',')]
    pub labels: Vec<String>,
}

/// The channel that is listened to.
#[derive(Debug, ClapArgs)]
pub struct ChannelArgs {
    /// Listen to this channel alone, counted from 1 [default: all, those of opposite sign turned round before they are mixed].
    #[arg(long, value_name = "N")]
    pub channel: Option<NonZeroU16>,
}

impl ChannelArgs {
    /// Its number, if it is one.
    pub fn number(&self) -> Option<u16> {
        self.channel.map(NonZeroU16::get)
    }
}

/// The channels that are listened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimelineChannel {
    /// Each by itself.
    Each,
    /// One, counted from 1.
    Only(NonZeroU16),
}

impl FromStr for TimelineChannel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "each" => Ok(Self::Each),
            number => number
                .parse()
                .map(Self::Only)
                .map_err(|_| "expected a number from 1 on, or `each`".into()),
        }
    }
}

/// `ser evaluate`
#[derive(Debug, ClapArgs)]
pub struct EvaluateArgs {
    /// The model.
    #[command(flatten)]
    pub model: ModelArgs,
    /// The clips.
    #[command(flatten)]
    pub data: DataArgs,
    /// Give the figures by this column as well: speaker, gender, intensity, statement, or another column of the manifest.
    /// Repeatable.
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    pub by: Vec<String>,
    /// Write predictions.csv, metrics.json, pictures and a report here.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// `ser predict`
#[derive(Debug, ClapArgs)]
pub struct PredictArgs {
    /// Recordings: files (WAV, FLAC, MP3, OGG, M4A and others), folders, patterns such as "*.mp3", or
    /// - for standard input.
    #[arg(required_unless_present = "manifest")]
    pub files: Vec<PathBuf>,
    /// Answer the recordings of a table instead: .parquet, .csv or .tsv with a column `path` and, where they are known, `id`,
    /// `start` and `end` (in seconds), `speaker` (as enrolled) and `channel`. --out is then a folder, and every recording a row
    /// there, also one that has no answer. Built with the feature object-store, both and --root may be s3://bucket/key.
    #[arg(long, value_name = "TABLE", requires = "out", conflicts_with_all = ["files", "speaker", "channel", "enroll", "csv", "json"])]
    pub manifest: Option<PathBuf>,
    /// Folder in which relative paths of the table are looked up [default: the table's own].
    #[arg(long, value_name = "DIR", requires = "manifest")]
    pub root: Option<PathBuf>,
    /// Answer only this of so many shares of the table, counted from 0, so that each of many machines takes one. It becomes a
    /// file in the folder; a share that is there is left, one that another program answers is not begun.
    #[arg(long, value_name = "K/N", requires = "manifest")]
    pub shard: Option<Shard>,
    /// Model and speaker.
    #[command(flatten)]
    pub answer: AnswerArgs,
    /// The channel.
    #[command(flatten)]
    pub channel: ChannelArgs,
    /// Other recordings of the same speaker, whatever they express: the model learns from them how
    /// this voice sounds on average. Comes after the files: `ser predict speech.wav --enroll a.wav b.wav`.
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "speaker")]
    pub enroll: Vec<PathBuf>,
    /// Take the recordings, four at least, for one collection: one channel, room and language, in which emotions are mixed. How
    /// they sound on average is taken away from each, without labels; from a collection of one emotion that takes the emotion
    /// away. Confidences and the marks of uncertain answers are those that were measured with a speaker enrolled.
    #[arg(long, conflicts_with_all = ["speaker", "enroll", "manifest"])]
    pub adapt: bool,
    /// Write the answers here instead: .csv, .parquet, .json (an array) or .jsonl (an object a line). They are kept as they come,
    /// so that the same command goes on where it was stopped; a recording that has changed since is answered again. With --manifest
    /// a folder, for files of the table's own form.
    #[arg(long, value_name = "FILE|DIR", conflicts_with_all = ["csv", "json"])]
    pub out: Option<PathBuf>,
    /// Print CSV, one line a recording.
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
}

/// `ser enroll`
#[derive(Debug, ClapArgs)]
pub struct EnrollArgs {
    /// What to call the speaker.
    pub name: String,
    /// Recordings of the speaker, whatever they express. From about 7 s of speech on they help, 30 s are good: as much as
    /// four and fifteen clips of RAVDESS hold, with which that was measured.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// The channel.
    #[command(flatten)]
    pub channel: ChannelArgs,
    /// The model that the speaker is enrolled with.
    #[command(flatten)]
    pub model: ModelArgs,
}

/// `ser speakers`
#[derive(Debug, ClapArgs)]
pub struct SpeakersArgs {
    /// Remove what is kept of this speaker.
    #[arg(long, value_name = "NAME")]
    pub forget: Option<String>,
}

/// `ser timeline`
#[derive(Debug, ClapArgs)]
pub struct TimelineArgs {
    /// A recording of any length, or - for standard input.
    pub file: PathBuf,
    /// Write here as well: .csv (table), .vtt (WebVTT), .srt (SubRip), .txt (Audacity labels), .TextGrid (Praat), .eaf (ELAN), .rttm
    /// (NIST) or .svg (picture).
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub out: Vec<PathBuf>,
    /// Listen to this channel alone, counted from 1, or to `each` by itself, as in calls with a speaker on each channel
    /// [default: all, those of opposite sign turned round before they are mixed].
    #[arg(long, value_name = "N|each")]
    pub channel: Option<TimelineChannel>,
    /// Model and speaker.
    #[command(flatten)]
    pub answer: AnswerArgs,
}

/// `ser serve`
#[derive(Debug, ClapArgs)]
pub struct ServeArgs {
    /// Address and port to listen on. One that others reach needs --tokens.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8571")]
    pub bind: SocketAddr,
    /// A file of tokens, one a line: a request must bring one, as `Authorization: Bearer TOKEN`.
    #[arg(long, value_name = "FILE")]
    pub tokens: Option<PathBuf>,
    /// Keep speakers in this folder, as `ser enroll` does [default: in memory, until the service ends].
    #[arg(long, value_name = "DIR")]
    pub speakers: Option<PathBuf>,
    /// Megabytes that a request may send.
    #[arg(long, value_name = "MB", default_value_t = 64)]
    pub megabytes: usize,
    /// Megabytes that all requests together may take; those for which there is no room wait, or are sent away with 503.
    #[arg(long, value_name = "MB", default_value_t = 256)]
    pub memory: usize,
    /// Minutes that a recording may last.
    #[arg(long, value_name = "MINUTES", default_value_t = 120)]
    pub minutes: u32,
    /// Requests a minute that an address may make [default: as many as come].
    #[arg(long, value_name = "N")]
    pub per_minute: Option<u32>,
    /// The model.
    #[command(flatten)]
    pub model: ModelArgs,
}

/// `ser listen`
#[derive(Debug, ClapArgs)]
pub struct ListenArgs {
    /// Read standard input instead of a sound device.
    #[arg(value_name = "-", value_parser = ["-"])]
    pub stdin: Option<String>,
    /// The channel.
    #[command(flatten)]
    pub channel: ChannelArgs,
    /// Model and speaker.
    #[command(flatten)]
    pub answer: AnswerArgs,
}

/// `ser export`
#[derive(Debug, ClapArgs)]
pub struct ExportArgs {
    /// The model.
    #[command(flatten)]
    pub model: ModelArgs,
    /// Write here: a name that ends in .onnx.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// `ser completions`
#[derive(Debug, ClapArgs)]
pub struct CompletionsArgs {
    /// The shell to write them for.
    pub shell: clap_complete::Shell,
}

/// `ser man`
#[derive(Debug, ClapArgs)]
pub struct ManArgs {
    /// Folder for the pages, one a command.
    pub dir: PathBuf,
}

/// `ser doctor`
#[derive(Debug, ClapArgs)]
pub struct DoctorArgs {
    /// Look into this corpus as well: folder or CSV manifest.
    #[arg(long, value_name = "DIR|CSV")]
    pub data: Option<PathBuf>,
    /// Root.
    #[command(flatten)]
    pub root: RootArgs,
}

/// `ser explain`
#[derive(Debug, ClapArgs)]
pub struct ExplainArgs {
    /// Recording of 0.2 to 30 s. Each second of it takes about one.
    pub file: PathBuf,
    /// The model.
    #[command(flatten)]
    pub model: ModelArgs,
    /// The picture [default: FILE's name with -explained.svg, in the current folder].
    #[arg(long, value_name = "SVG")]
    pub out: Option<PathBuf>,
}

/// `ser report`
#[derive(Debug, ClapArgs)]
pub struct ReportArgs {
    /// Folders written by train or crossval.
    #[arg(required = true)]
    pub runs: Vec<PathBuf>,
    /// The clips the runs were made from, as folder or manifest, or as several: writes the page of each run anew, where
    /// the worst mistakes can be heard and a map shows the networks' embeddings. At least one of --data and --out.
    #[arg(long, value_name = "DIR|CSV", required_unless_present = "out")]
    pub data: Vec<PathBuf>,
    /// Root.
    #[command(flatten)]
    pub root: RootArgs,
    /// Give the figures of a run by this column of its manifest as well, on its page. Repeatable.
    #[arg(long, value_name = "COLUMN", value_delimiter = ',', requires = "data")]
    pub by: Vec<String>,
    /// Writes one page with all runs side by side, whatever they were tested on. At least one of --data and --out.
    #[arg(long, value_name = "HTML")]
    pub out: Option<PathBuf>,
}

/// `ser compare`
#[derive(Debug, ClapArgs)]
pub struct CompareArgs {
    /// Folders written by train or crossval, two or more: runs tested on the same clips.
    #[arg(required = true, num_args = 2..)]
    pub runs: Vec<PathBuf>,
    /// Write a page as well.
    #[arg(long, value_name = "HTML")]
    pub out: Option<PathBuf>,
}

/// `ser results`
#[derive(Debug, ClapArgs)]
pub struct ResultsArgs {
    /// Folders written by crossval, in the order of the document.
    #[arg(required = true)]
    pub runs: Vec<PathBuf>,
    /// The document.
    #[arg(long, value_name = "MD")]
    pub out: PathBuf,
}

/// `ser conditions`
#[derive(Debug, ClapArgs)]
pub struct ConditionsArgs {
    /// Folder written by crossval.
    pub run: PathBuf,
    /// The clips it was made from.
    #[command(flatten)]
    pub data: DataArgs,
    /// Keep features that take long to make in this folder and take them from there.
    #[arg(long, value_name = "DIR")]
    pub store: Option<PathBuf>,
}
