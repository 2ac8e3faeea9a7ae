//! Reads an experiment from one TOML file: a recipe, or an ensemble of recipes.

use std::path::Path;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::check;
use crate::error::{Error, Result};
use crate::recipe::{Recipe, Task};
use crate::text::{from_toml, to_toml, with_line};

/// Embeds files of `data/recipes` with their names.
macro_rules! built_in {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../../data/recipes/", $name, ".toml")))),*]
    };
}

/// The built-in recipes by name.
const BUILT_IN: [(&str, &str); 21] = built_in![
    "seed5-cnn",
    "seed5-lstm",
    "folds-a-cnn",
    "folds-a-lstm",
    "cnn",
    "cnn-pitch",
    "lstm",
    "mlp",
    "mlp-level",
    "best",
    "robust-cnn",
    "robust-cnn-pitch",
    "robust-cnn-pitch-wide",
    "robust-mlp",
    "robust",
    "seed5-best-cnn",
    "seed5-best-mlp",
    "seed5-best",
    "random10-best-cnn",
    "random10-best-mlp",
    "random10-best",
];

/// One recipe, or several whose probabilities are averaged. It contains everything that determines the result except
/// the data.
///
/// The prediction of an ensemble is the weighted mean of its members' probabilities. For a clip of an enrolled speaker
/// the mean is taken over the members with enrolment, if there are any.
///
/// A file is either a recipe, which is an experiment with one member, or it names the recipes of its members. These are
/// read together with the experiment, so an experiment is complete in memory and when it is written.
///
/// ```
/// let text = r#"
///     name = "both"
///     description = "two views of a clip"
///     task = { protocol = "folds-a" }
///     members = [{ recipe = "folds-a-cnn" }, { recipe = "folds-a-lstm", weight = 0.5 }]
/// "#;
/// let both = ser_recipe::Experiment::parse(text, "both")?;
/// assert_eq!(both.members[0].recipe.network.architecture().name(), "CNN");
/// assert_eq!(both.members[1].weight, 0.5);
/// assert_eq!(ser_recipe::Experiment::parse(&both.to_toml()?, "again")?, both);
/// # Ok::<(), ser_recipe::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Experiment {
    /// Name of the experiment and of its run folder.
    pub name: String,
    /// One sentence for reports.
    pub description: String,
    /// The labels to distinguish and the splits; all members have the same task.
    pub task: Task,
    /// The recipes that are averaged, at least one.
    pub members: Vec<Member>,
}

/// One recipe of an experiment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Member {
    /// Weight of its probabilities in the mean.
    pub weight: f64,
    /// The recipe, with the task of the experiment.
    pub recipe: Recipe,
}

/// The format of an ensemble in a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EnsembleFile {
    name: String,
    description: String,
    task: Task,
    members: Vec<MemberFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MemberFile {
    recipe: RecipeOrName,
    #[serde(default = "weight_1")]
    weight: f64,
}

fn weight_1() -> f64 {
    1.0
}

/// A member: people write the name of a recipe, while the folder of a run contains the complete recipe.
enum RecipeOrName {
    /// A built-in name, or the path of a file, relative to the folder of the ensemble's file.
    Name(String),
    Recipe(Box<Recipe>),
}

/// Implemented by hand, since the error of an untagged enum would not say what is wrong with a recipe, and on which
/// line.
impl<'de> Deserialize<'de> for RecipeOrName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct NameOrTable;

        impl<'de> Visitor<'de> for NameOrTable {
            type Value = RecipeOrName;

            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("the name of a recipe, or the recipe as a table")
            }

            fn visit_str<E>(self, name: &str) -> std::result::Result<RecipeOrName, E> {
                Ok(RecipeOrName::Name(name.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                map: A,
            ) -> std::result::Result<RecipeOrName, A::Error> {
                let recipe = Recipe::deserialize(MapAccessDeserializer::new(map))?;
                Ok(RecipeOrName::Recipe(Box::new(recipe)))
            }
        }

        deserializer.deserialize_any(NameOrTable)
    }
}

impl RecipeOrName {
    fn resolve(self, origin: &str) -> Result<Recipe> {
        match self {
            Self::Recipe(recipe) => {
                recipe.check(&format!("{origin}, member {}", recipe.name))?;
                Ok(*recipe)
            }
            // Read it as a recipe: an ensemble that named itself among its members would never end.
            Self::Name(name) => {
                let name = beside(origin, name);
                let text = read(&name)?;
                if is_ensemble(&text, &name)? {
                    let expected = "absent, since one single recipe is expected";
                    return Err(check::wrong(
                        &name,
                        "members",
                        expected,
                        "present".to_owned(),
                    ));
                }
                Recipe::parse(&text, &name)
            }
        }
    }
}

/// Creates an experiment with one member.
impl From<Recipe> for Experiment {
    fn from(recipe: Recipe) -> Self {
        Self {
            name: recipe.name.clone(),
            description: recipe.description.clone(),
            task: recipe.task.clone(),
            members: vec![Member {
                weight: weight_1(),
                recipe,
            }],
        }
    }
}

impl Experiment {
    /// Reads and checks a built-in recipe by name, or a TOML file by path.
    ///
    /// # Errors
    /// [`Error::Unknown`], [`Error::Io`], [`Error::Syntax`] or [`Error::Value`], for the experiment and for the
    /// recipes that it names.
    pub fn load(name_or_path: &str) -> Result<Self> {
        Self::parse(&read(name_or_path)?, name_or_path)
    }

    /// Returns the names of the built-in recipes.
    pub fn built_in_names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, _)| *name)
    }

    /// Reads and checks an experiment and the recipes that it names. Errors name `origin`.
    ///
    /// # Errors
    /// The errors of [`Experiment::load`]. [`Error::Value`] also for two members with the same name, whose runs would
    /// be in the same folder; for members with more networks in all than a model file can hold; and, if [`Task::inner`]
    /// is above 0, for members of which only some keep the last epoch, since they would be evaluated on different clips.
    pub fn parse(text: &str, origin: &str) -> Result<Self> {
        if !is_ensemble(text, origin)? {
            return Ok(Recipe::parse(text, origin)?.into());
        }
        let EnsembleFile {
            name,
            description,
            task,
            members,
        } = from_toml(text, origin)?;
        let weights: Vec<f64> = members.iter().map(|member| member.weight).collect();
        check::ensemble(&name, &weights, origin).map_err(|e| with_line(e, text))?;
        let members = members.into_iter().map(|MemberFile { weight, recipe }| {
            let mut recipe = recipe.resolve(origin)?;
            recipe.task = task.clone();
            Ok(Member { weight, recipe })
        });
        let experiment = Self {
            name,
            description,
            members: members.collect::<Result<_>>()?,
            task,
        };
        let checked = experiment.check_members(origin);
        checked.map_err(|e| with_line(e, text))?;
        Ok(experiment)
    }

    /// Returns the experiment as TOML that needs no other file: a recipe, or the complete recipes of all members.
    ///
    /// # Errors
    /// [`Error::Syntax`] for a value that TOML cannot represent.
    pub fn to_toml(&self) -> Result<String> {
        match &self.members[..] {
            [member] if *self == Self::from(member.recipe.clone()) => member.recipe.to_toml(),
            _ => to_toml(self, &self.name),
        }
    }

    /// Returns the same experiment with another task for all its members.
    ///
    /// # Errors
    /// [`Error::Value`] for members that would be evaluated on different clips, as in [`Experiment::parse`].
    pub fn with_task(mut self, task: Task) -> Result<Self> {
        for member in &mut self.members {
            member.recipe.task = task.clone();
        }
        self.task = task;
        self.check_members(&self.name)?;
        Ok(self)
    }

    /// Returns the recipe of an experiment that is not an ensemble.
    ///
    /// # Errors
    /// [`Error::Value`] for an ensemble.
    pub fn into_recipe(mut self) -> Result<Recipe> {
        match self.members.pop() {
            Some(member) if self.members.is_empty() => Ok(member.recipe),
            last => {
                let members = self.members.iter().chain(&last);
                let names: Vec<&str> = members.map(|m| m.recipe.name.as_str()).collect();
                let expected = "absent, since one single recipe is expected";
                Err(check::wrong(
                    &self.name,
                    "members",
                    expected,
                    names.join(", "),
                ))
            }
        }
    }
}

/// Returns true if the text is that of an ensemble, and false if it is that of a recipe.
fn is_ensemble(text: &str, origin: &str) -> Result<bool> {
    let table: toml::Table = from_toml(text, origin)?;
    Ok(table.contains_key("members"))
}

/// Returns the path of a member that the ensemble of a file names, from the folder of that file; the name of a built-in recipe stays
/// as it is.
fn beside(origin: &str, name: String) -> String {
    if Path::new(&name).extension().is_none() {
        return name;
    }
    let folder = Path::new(origin).parent();
    folder.map_or(name.clone(), |folder| {
        folder.join(&name).to_string_lossy().into_owned()
    })
}

/// Returns the text of a built-in recipe or of a file.
fn read(name_or_path: &str) -> Result<String> {
    if let Some((_, text)) = BUILT_IN.iter().find(|(name, _)| *name == name_or_path) {
        return Ok((*text).to_owned());
    }
    let path = Path::new(name_or_path);
    if path.extension().is_none() {
        let known = Experiment::built_in_names().collect::<Vec<_>>().join(", ");
        return Err(Error::Unknown {
            name: name_or_path.to_owned(),
            known,
        });
    }
    Ok(std::fs::read_to_string(path).map_err(ser_files::Error::at(path))?)
}
