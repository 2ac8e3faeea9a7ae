//! The definition of the command line.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::num::{NonZeroU16, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args as ClapArgs, CommandFactory, Parser, Subcommand};
use ser_archive::Shard;
use ser_data::corpora::{self, KnownCorpus};
use ser_data::{Origin, Protocol};

/// Speech emotion recognition: from recordings to features, trained models, evaluations and
/// predictions. No Python and no environment variables are needed.
#[derive(Debug, Parser)]
#[command(
    name = "ser",
    version,
    max_term_width = 100,
    after_help = "\
EXIT CODES
  0  done
  1  failed; the message says what failed, why and what to do next
  2  invalid command line
  3  done, but some inputs were skipped; the output says which, and why
  130  stopped with Ctrl-C; the same command continues crossval, select, fit --recipe, conditions,
       download, extract --store and predict --out where they stopped; train and a shard of
       predict --manifest begin again

EXAMPLES
  ser synth corpus                                     write a synthetic corpus, to try the program
  ser download ravdess                                 show the licence, then download 208 MB
  ser index ravdess --out ravdess.csv                  count clips, report oddities, write manifest
  ser crossval --recipe folds-a-cnn --data ravdess --out runs/folds-a-cnn
  ser predict speech.wav                               predict the emotion, with the built-in model
  ser timeline interview.mp3 --out interview.vtt interview.svg"
)]
pub struct Args {
    /// The command to run.
    #[command(subcommand)]
    pub command: Command,
    /// Print JSON, one object per line, instead of text.
    #[arg(long, global = true)]
    pub json: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write the built-in synthetic corpus as WAV files with RAVDESS names.
    Synth(SynthArgs),
    /// Download a publicly available corpus after showing its licence, or list all known corpora.
    Download(DownloadArgs),
    /// Find the clips under a folder, report what is odd about them, and write a manifest.
    Index(IndexArgs),
    /// Write features of one file (.npy) or of many (.safetensors, .csv, .parquet), or fill a feature store.
    Extract(ExtractArgs),
    /// Train a recipe on one split and evaluate it on the test part.
    Train(TrainArgs),
    /// Train and evaluate a recipe on every split of its protocol, several in parallel.
    Crossval(CrossvalArgs),
    /// Compare recipes on validation clips, so that no test part influences the choice.
    Select(SelectArgs),
    /// Train a recipe on all clips to get a model for use, or fine-tune a model on a few clips of your own.
    Fit(FitArgs),
    /// Evaluate a model on a corpus, leaving out all clips that it was made from.
    Evaluate(EvaluateArgs),
    /// Predict which emotion recordings express.
    Predict(PredictArgs),
    /// Predict the emotions in a long recording over time.
    Timeline(TimelineArgs),
    /// Predict emotions live, from a microphone or standard input.
    Listen(ListenArgs),
    /// Store how a speaker sounds on average, from recordings without labels.
    Enroll(EnrollArgs),
    /// List the enrolled speakers, or remove one.
    Speakers(SpeakersArgs),
    /// Show which parts of a recording, in time and frequency, a prediction rests on.
    Explain(ExplainArgs),
    /// Write the networks of a model as ONNX, for other runtimes.
    Export(ExportArgs),
    /// Write the HTML report of runs again, or one page with several runs side by side.
    Report(ReportArgs),
    /// Compare runs on the same clips: which one is better, and whether the difference could be chance.
    Compare(CompareArgs),
    /// Evaluate a cross-validation under recording conditions: noise, rooms, telephones, other levels.
    Conditions(ConditionsArgs),
    /// Write a document of results (Markdown) from the folders of runs.
    Results(ResultsArgs),
    /// Serve predictions over HTTP and WebSocket.
    Serve(ServeArgs),
    /// Check libtorch, the built-in model, disk and cores, and say what to do.
    Doctor(DoctorArgs),
    /// Print completions for a shell.
    Completions(CompletionsArgs),
    /// Write manual pages into a folder.
    Man(ManArgs),
}

impl Args {
    /// Returns the command line of this build.
    pub fn of_this_build() -> clap::Command {
        let command = Self::command();
        #[cfg(not(feature = "train"))]
        let command = crate::untrained::mark(command);
        command
    }
}

impl Command {
    /// Whether the same command, called again after it was stopped, continues where it was.
    pub fn goes_on_later(&self) -> bool {
        match self {
            Self::Crossval(_) | Self::Select(_) | Self::Conditions(_) | Self::Download(_) => true,
            Self::Fit(args) => args.from.is_none(),
            Self::Extract(args) => args.store.is_some(),
            // A shard of a manifest is written as a whole.
            Self::Predict(args) => args.out.is_some() && args.manifest.is_none(),
            _ => false,
        }
    }
}

/// `ser synth`
#[derive(Debug, ClapArgs)]
pub struct SynthArgs {
    /// New folder for the corpus; a complete corpus there is left unchanged.
    pub dir: PathBuf,
    /// Number of synthetic actors, 1 to 24.
    #[arg(long, default_value_t = 24)]
    pub actors: u8,
    /// Random seed; the same seed writes the same bytes.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

/// `ser download`
#[derive(Debug, ClapArgs)]
pub struct DownloadArgs {
    /// Corpus to download; without it, the command lists all known corpora and where to get them.
    #[arg(value_name = "NAME", value_parser = known_corpus())]
    pub corpus: Option<&'static KnownCorpus>,
    /// New folder for the corpus; a complete corpus there is left unchanged [default: the name of the corpus].
    #[arg(long, value_name = "DIR", requires = "corpus")]
    pub to: Option<PathBuf>,
    /// Take the archive from a mirror or from a file of yours; an archive from a mirror must have the published
    /// checksum, if there is one.
    #[arg(long, value_name = "URL|ARCHIVE", requires = "corpus")]
    pub from: Option<String>,
}

/// Parses the name of a known corpus.
fn known_corpus() -> impl TypedValueParser<Value = &'static KnownCorpus> {
    PossibleValuesParser::new(corpora::ALL.map(|known| known.name))
        .try_map(|name| corpora::named(&name).ok_or("unknown corpus"))
}

/// `ser index`
#[derive(Debug, ClapArgs)]
pub struct IndexArgs {
    /// Folder with the recordings of a known corpus (RAVDESS, CREMA-D, TESS and others, see
    /// docs/corpora.md) anywhere below it, or a CSV manifest with the columns path, emotion, speaker. With several,
    /// the written manifest names the corpus of each clip in a column and in front of the speaker.
    #[arg(required = true, value_name = "DIR|CSV")]
    pub data: Vec<PathBuf>,
    /// The root of relative paths.
    #[command(flatten)]
    pub root: RootArgs,
    /// File to write the manifest to.
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
    /// The root of relative paths.
    #[command(flatten)]
    pub root: RootArgs,
    /// Feature configuration (TOML). Keys: sample_rate, n_fft, win_length, hop_length, window,
    /// center, pad_mode, n_mels, mel_scale (slaney or htk), fmin, fmax, n_mfcc, deltas and so on;
    /// a key that is not given has librosa's default (n_mfcc: 40). Without --config and --recipe, .csv and .parquet hold the
    /// functionals of the recipe mlp, and other files 40 MFCC with librosa's defaults.
    #[arg(long, value_name = "TOML", conflicts_with = "recipe")]
    pub config: Option<PathBuf>,
    /// Use the feature configuration of this recipe.
    #[arg(long, value_name = "NAME|TOML")]
    pub recipe: Option<String>,
    /// File to write to: .npy for one recording ([coefficients, frames], as in librosa), .safetensors
    /// for many (one such tensor per recording, named by its path), .csv or .parquet for functionals (one row per recording,
    /// with the columns of its manifest). At least one of --out and --store is required.
    #[arg(long, value_name = "FILE", required_unless_present = "store")]
    pub out: Option<PathBuf>,
    /// Folder that caches features: unchanged ones are read from it, others are computed and added.
    #[arg(long, value_name = "DIR")]
    pub store: Option<PathBuf>,
}

/// The options that say where clips come from.
#[derive(Debug, ClapArgs)]
pub struct DataArgs {
    /// Folder with clips, or a CSV manifest. Repeat the option for each further corpus.
    #[arg(long, value_name = "DIR|CSV", required = true)]
    pub data: Vec<PathBuf>,
    /// The root of relative paths.
    #[command(flatten)]
    pub root: RootArgs,
}

/// The option that says where the recordings of a manifest are.
#[derive(Debug, ClapArgs)]
pub struct RootArgs {
    /// Folder in which relative paths of a manifest are looked up first [default: the folder of the manifest].
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
}

impl RootArgs {
    /// Returns a folder or manifest with its root.
    pub fn of<'a>(&'a self, path: &'a Path) -> Origin<'a> {
        Origin {
            path,
            root: self.root.as_deref(),
        }
    }

    /// Returns several folders or manifests with their root.
    pub fn of_each<'a>(&'a self, paths: &'a [PathBuf]) -> Vec<Origin<'a>> {
        paths.iter().map(|path| self.of(path)).collect()
    }
}

impl DataArgs {
    /// Returns the folders and manifests with their root.
    pub fn origins(&self) -> Vec<Origin<'_>> {
        self.root.of_each(&self.data)
    }
}

/// The options of the commands that train a recipe on data.
#[derive(Debug, ClapArgs)]
pub struct ExperimentArgs {
    /// Built-in recipe (`ser doctor` lists them) or a TOML file.
    #[arg(long, value_name = "NAME|TOML")]
    pub recipe: String,
    /// The clips.
    #[command(flatten)]
    pub data: DataArgs,
    /// Folder for the results. A finished run of the same recipe and data is kept. A run on other data, or of an earlier
    /// version of the recipe, is replaced; one of a recipe with another name is refused.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Folder that caches features: unchanged ones are read from it, others are computed and added.
    #[arg(long, value_name = "DIR")]
    pub store: Option<PathBuf>,
}

/// `ser train`
#[derive(Debug, ClapArgs)]
pub struct TrainArgs {
    /// Recipe and data.
    #[command(flatten)]
    pub experiment: ExperimentArgs,
    /// Split of the recipe's protocol to train on, counted from 1.
    #[arg(long, default_value_t = 1)]
    pub split: usize,
}

/// `ser crossval`
#[derive(Debug, ClapArgs)]
pub struct CrossvalArgs {
    /// Recipe and data.
    #[command(flatten)]
    pub experiment: ExperimentArgs,
    /// How to divide the clips: speakers-5 (any corpus: new speakers in each of five tests), loso (one speaker left out at a time),
    /// random10, seed5 (random: test voices are heard in training), folds-a, folds-b, statement (RAVDESS only), corpora (each
    /// corpus is tested by a model trained on the others), given (the manifest's column `split`) [default: the recipe's].
    #[arg(long)]
    pub protocol: Option<Protocol>,
    /// Number of trainings in parallel [default: number of cores divided by the recipe's threads].
    #[arg(long)]
    pub jobs: Option<NonZeroUsize>,
}

/// `ser select`
#[derive(Debug, ClapArgs)]
pub struct SelectArgs {
    /// Built-in recipes or ensembles (`ser doctor` lists them), or TOML files.
    #[arg(required = true, value_name = "NAME|TOML")]
    pub recipes: Vec<String>,
    /// The clips.
    #[command(flatten)]
    pub data: DataArgs,
    /// Folder for the predictions; what is already there is not trained again.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Folder that caches features: unchanged ones are read from it, others are computed and added.
    #[arg(long, value_name = "DIR")]
    pub store: Option<PathBuf>,
    /// How to divide the clips; `ser crossval --help` lists the protocols [default: each recipe's].
    #[arg(long)]
    pub protocol: Option<Protocol>,
    /// Number of inner splits of each split on which recipes are compared.
    #[arg(long, default_value = "2")]
    pub inner: NonZeroUsize,
    /// Also predict the clips under every recording condition.
    #[arg(long)]
    pub conditions: bool,
    /// Number of trainings in parallel [default: number of cores divided by the recipe's threads].
    #[arg(long)]
    pub jobs: Option<NonZeroUsize>,
}

/// `ser fit`
#[derive(Debug, ClapArgs)]
#[command(group(clap::ArgGroup::new("start").required(true)))]
pub struct FitArgs {
    /// Built-in recipe (`ser doctor` lists them) or a TOML file.
    #[arg(long, value_name = "NAME|TOML", group = "start")]
    pub recipe: Option<String>,
    /// Fine-tune this model, or `built-in`, on 10 to 2000 labelled clips of your own instead of training a recipe. This takes seconds
    /// and needs no libtorch. The weights of emotions that no clip has do not change.
    #[arg(long, value_name = "MODEL|built-in", group = "start")]
    pub from: Option<PathBuf>,
    /// With `--from`: make a model that predicts only these labels, as in `--labels happy,sad`.
    #[arg(
        long,
        value_name = "LABEL",
        value_delimiter = ',',
        value_parser = trimmed,
        requires = "from",
        conflicts_with = "recipe"
    )]
    pub labels: Vec<String>,
    /// With `--from`: write the model even if it is worse on the clips than the original model.
    #[arg(long, requires = "from", conflicts_with = "recipe")]
    pub even_if_worse: bool,
    /// The clips.
    #[command(flatten)]
    pub data: DataArgs,
    /// Folder for the model. Results of an earlier call with the same recipe and data are kept; with `--from` it must be new or empty.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Folder that caches features: unchanged ones are read from it, others are computed and added.
    #[arg(long, value_name = "DIR", conflicts_with = "from")]
    pub store: Option<PathBuf>,
    /// How many times some speakers (with a random protocol, some clips) are held out to measure the recipe, before the final
    /// training on all clips. The answers on them set the temperature and the confidence threshold of the model.
    #[arg(long, default_value = "2", conflicts_with = "from")]
    pub inner: NonZeroUsize,
    /// Number of trainings in parallel [default: number of cores divided by the recipe's threads].
    #[arg(long, conflicts_with = "from")]
    pub jobs: Option<NonZeroUsize>,
}

/// The option for the model.
#[derive(Debug, ClapArgs)]
pub struct ModelArgs {
    /// Model file [default: the built-in model].
    #[arg(id = "model", long, value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// The options of the commands that answer recordings: model, speaker and labels.
#[derive(Debug, ClapArgs)]
pub struct AnswerArgs {
    /// The model.
    #[command(flatten)]
    pub model: ModelArgs,
    /// Name of the speaker, as enrolled with `ser enroll`.
    #[arg(long, value_name = "NAME")]
    pub speaker: Option<String>,
    /// The labels.
    #[command(flatten)]
    pub labels: LabelsArgs,
}

/// The option for the labels that a model may predict.
#[derive(Debug, ClapArgs)]
pub struct LabelsArgs {
    /// Predict only these labels, two or more, as in `--labels happy,sad`; their probabilities sum to 1 [default: all labels of
    /// the model].
    #[arg(id = "labels", long, value_name = "LABEL", value_delimiter = ',', value_parser = trimmed)]
    pub chosen: Vec<String>,
}

/// The option for the channel.
#[derive(Debug, ClapArgs)]
pub struct ChannelArgs {
    /// Use only this channel, counted from 1 [default: all channels, mixed; those of opposite sign are inverted first].
    #[arg(long, value_name = "N", value_parser = channel)]
    pub channel: Option<NonZeroU16>,
}

impl ChannelArgs {
    /// Returns the number of the channel, if one was given.
    pub fn number(&self) -> Option<u16> {
        self.channel.map(NonZeroU16::get)
    }
}

fn channel(text: &str) -> Result<NonZeroU16, &'static str> {
    text.parse()
        .map_err(|_| "expected a channel, counted from 1; `ser timeline` takes `each` as well")
}

/// Parses one of several values between commas, which may have blanks after them.
fn trimmed(text: &str) -> Result<String, Infallible> {
    Ok(text.trim().to_owned())
}

/// The channels that a timeline uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimelineChannel {
    /// Each channel separately.
    Each,
    /// One channel, counted from 1.
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
                .map_err(|_| "expected a channel, counted from 1, or `each`".into()),
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
    /// The labels.
    #[command(flatten)]
    pub labels: LabelsArgs,
    /// Also give the figures by this column: speaker, gender, intensity, statement, or another column of the manifest.
    /// Can be repeated.
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    pub by: Vec<String>,
    /// Folder to write predictions.csv, metrics.json, pictures and a report to.
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
    /// Predict the recordings of a table instead: .parquet, .csv or .tsv with a column `path` and optionally `id`,
    /// `start` and `end` (in seconds), `speaker` (as enrolled) and `channel`. --out is then a folder in which every row of the
    /// table has a row, even without a prediction. If the program is built with the feature object-store, the table, --out and
    /// --root may be s3://bucket/key.
    #[arg(long, value_name = "TABLE", requires = "out", conflicts_with_all = ["files", "speaker", "channel", "enroll", "csv"])]
    pub manifest: Option<PathBuf>,
    /// Folder in which relative paths of the table are looked up [default: the folder of the table].
    #[arg(long, value_name = "DIR", requires = "manifest")]
    pub root: Option<PathBuf>,
    /// Process only shard K of N shards of the table, counted from 0, so that each of many machines takes one. Each shard becomes a
    /// file in the folder. A shard that is already there is left unchanged; one that another program is processing is not started.
    #[arg(long, value_name = "K/N", requires = "manifest")]
    pub shard: Option<Shard>,
    /// Model, speaker and labels.
    #[command(flatten)]
    pub answer: AnswerArgs,
    /// The channel.
    #[command(flatten)]
    pub channel: ChannelArgs,
    /// Other recordings of the same speaker, with any emotions, from which the model estimates how
    /// this voice sounds on average. Put it after the files: `ser predict speech.wav --enroll a.wav b.wav`.
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "speaker")]
    pub enroll: Vec<PathBuf>,
    /// Treat the recordings, at least four, as one collection of one channel, room and language with mixed emotions. Their
    /// average sound is subtracted from each, without labels; in a collection of one emotion this removes that emotion.
    /// Confidences and the marks of uncertain predictions use the calibration measured with a speaker enrolled.
    #[arg(long, conflicts_with_all = ["speaker", "enroll", "manifest"])]
    pub adapt: bool,
    /// File to write the predictions to: .csv, .parquet, .json (an array) or .jsonl (one object per line). Each prediction is kept as
    /// soon as it is made, so that the same command continues where it was stopped; a recording that has changed since is predicted
    /// again. With --manifest a folder, for files in the format of the table.
    #[arg(long, value_name = "FILE|DIR", conflicts_with = "csv")]
    pub out: Option<PathBuf>,
    /// Print CSV, one line per recording.
    #[arg(long)]
    pub csv: bool,
}

/// `ser enroll`
#[derive(Debug, ClapArgs)]
pub struct EnrollArgs {
    /// Name for the speaker.
    pub name: String,
    /// Recordings of the speaker, with any emotions. Less than about 7 s of speech hardly helps, and 30 s are good; both are
    /// estimates, converted from measurements with 4 and 15 clips of RAVDESS (1.9 s of speech each on average).
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
    /// Remove this speaker's file.
    #[arg(long, value_name = "NAME")]
    pub forget: Option<String>,
}

/// `ser timeline`
#[derive(Debug, ClapArgs)]
pub struct TimelineArgs {
    /// A recording of any length, or - for standard input.
    pub file: PathBuf,
    /// Files to write in addition: .csv (table), .vtt (WebVTT), .srt (SubRip), .txt (Audacity labels), .TextGrid (Praat),
    /// .eaf (ELAN), .rttm (NIST) or .svg (picture).
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub out: Vec<PathBuf>,
    /// Use only this channel, counted from 1, or `each` channel separately, as for calls with one speaker per channel
    /// [default: all channels, mixed; those of opposite sign are inverted first].
    #[arg(long, value_name = "N|each")]
    pub channel: Option<TimelineChannel>,
    /// Model, speaker and labels.
    #[command(flatten)]
    pub answer: AnswerArgs,
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse()
        .map_err(|_| "expected an IP address and a port, as in 127.0.0.1:8571")
}

/// `ser serve`
#[derive(Debug, ClapArgs)]
pub struct ServeArgs {
    /// Address and port to listen on; an address other than this machine's loopback needs --tokens.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8571", value_parser = address)]
    pub bind: SocketAddr,
    /// File of tokens, one per line; requests must send one, as `Authorization: Bearer TOKEN`.
    #[arg(long, value_name = "FILE")]
    pub tokens: Option<PathBuf>,
    /// Folder to store speakers in, as `ser enroll` does [default: in memory, until the service ends].
    #[arg(long, value_name = "DIR")]
    pub speakers: Option<PathBuf>,
    /// Largest request body, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 64)]
    pub megabytes: usize,
    /// MiB that the bodies of all requests may take together, at least --megabytes; requests beyond that wait or are
    /// answered with 503.
    #[arg(long, value_name = "MIB", default_value_t = 256)]
    pub memory: usize,
    /// Longest recording, in minutes.
    #[arg(long, value_name = "MINUTES", default_value_t = 120)]
    pub minutes: u32,
    /// Largest number of requests per minute from one address [default: no limit].
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
    /// Model, speaker and labels.
    #[command(flatten)]
    pub answer: AnswerArgs,
}

/// `ser export`
#[derive(Debug, ClapArgs)]
pub struct ExportArgs {
    /// The model.
    #[command(flatten)]
    pub model: ModelArgs,
    /// File to write to; its name must end in .onnx.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// `ser completions`
#[derive(Debug, ClapArgs)]
pub struct CompletionsArgs {
    /// Shell to print completions for.
    pub shell: clap_complete::Shell,
}

/// `ser man`
#[derive(Debug, ClapArgs)]
pub struct ManArgs {
    /// Folder for the pages, one per command.
    pub dir: PathBuf,
}

/// `ser doctor`
#[derive(Debug, ClapArgs)]
#[command(mut_arg("root", |root| root.requires("data")))]
pub struct DoctorArgs {
    /// Also check this corpus: a folder or a CSV manifest.
    #[arg(long, value_name = "DIR|CSV")]
    pub data: Option<PathBuf>,
    /// The root of relative paths.
    #[command(flatten)]
    pub root: RootArgs,
}

/// `ser explain`
#[derive(Debug, ClapArgs)]
pub struct ExplainArgs {
    /// Recording of 0.2 to 30 s; the command takes about as long as the recording.
    pub file: PathBuf,
    /// The model.
    #[command(flatten)]
    pub model: ModelArgs,
    /// File to write the picture to [default: FILE's name with -explained.svg, in the current folder].
    #[arg(long, value_name = "SVG")]
    pub out: Option<PathBuf>,
}

/// `ser report`
#[derive(Debug, ClapArgs)]
#[command(mut_arg("root", |root| root.requires("data")))]
pub struct ReportArgs {
    /// Folders written by train or crossval.
    #[arg(required = true)]
    pub runs: Vec<PathBuf>,
    /// Folders or manifests with the clips of the runs: the page of each run is written again, beside the other runs and with
    /// the figures of --by. At least one of --data and --out is required.
    #[arg(long, value_name = "DIR|CSV", required_unless_present = "out")]
    pub data: Vec<PathBuf>,
    /// The root of relative paths.
    #[command(flatten)]
    pub root: RootArgs,
    /// Also give the figures of each run by this column of its manifest, on its page. Can be repeated.
    #[arg(long, value_name = "COLUMN", value_delimiter = ',', requires = "data")]
    pub by: Vec<String>,
    /// File for one page with all runs side by side, whatever they were tested on. At least one of --data and --out is required.
    #[arg(long, value_name = "HTML")]
    pub out: Option<PathBuf>,
}

/// `ser compare`
#[derive(Debug, ClapArgs)]
pub struct CompareArgs {
    /// Two or more folders written by train or crossval, or by evaluate --out, of runs tested on the same clips.
    #[arg(required = true, num_args = 2..)]
    pub runs: Vec<PathBuf>,
    /// File to write an HTML page to.
    #[arg(long, value_name = "HTML")]
    pub out: Option<PathBuf>,
}

/// `ser results`
#[derive(Debug, ClapArgs)]
pub struct ResultsArgs {
    /// Folders written by crossval, in the order of the document.
    #[arg(required = true)]
    pub runs: Vec<PathBuf>,
    /// File to write the document to.
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
    /// Folder that caches the features that are slow to compute.
    #[arg(long, value_name = "DIR")]
    pub store: Option<PathBuf>,
}
