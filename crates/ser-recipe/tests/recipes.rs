//! The built-in recipes, and the errors for invalid ones.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod common;

use common::{CNN, LSTM, MLP, recipe_text};
use proptest::prelude::*;
use ser_recipe::{Experiment, Recipe, Schedule};

#[test]
fn every_built_in_recipe_is_sound_and_bears_its_name() {
    for name in Experiment::built_in_names() {
        let experiment = Experiment::load(name).unwrap();
        assert_eq!(experiment.name, name);
        for member in &experiment.members {
            assert_eq!(member.recipe.task, experiment.task);
        }
    }
}

#[test]
fn a_recipe_reads_back_from_what_it_writes() {
    for name in Experiment::built_in_names() {
        let experiment = Experiment::load(name).unwrap();
        let text = experiment.to_toml().unwrap();
        assert_eq!(Experiment::parse(&text, name).unwrap(), experiment);
        assert!(!text.contains(".toml"), "{text}");
    }
}

/// The format in the folder of a run.
#[test]
fn an_ensemble_of_files_needs_them_no_more_once_it_was_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.toml");
    std::fs::write(&file, recipe_text(MLP, "")).unwrap();
    let text = format!(
        "name = 'e'\ndescription = 'd'\ntask = {{ protocol = 'loso' }}\n\
         members = [{{ recipe = 'cnn', weight = 2.0 }}, {{ recipe = {file:?} }}]"
    );
    let read = Experiment::parse(&text, "e").unwrap();
    let written = read.to_toml().unwrap();
    // A relative path is one from the folder of the ensemble's file.
    let beside = text.replace(&format!("{file:?}"), "'mine.toml'");
    let both = folder.path().join("both.toml");
    let beside = Experiment::parse(&beside, &both.to_string_lossy());
    assert_eq!(beside.unwrap(), read);
    std::fs::remove_file(&file).unwrap();
    assert_eq!(Experiment::parse(&written, "written").unwrap(), read);
    let message = Experiment::parse(&text, "e").unwrap_err().to_string();
    assert!(message.contains("mine.toml"), "{message}");

    // Errors in a complete recipe are reported as in any other recipe.
    for (from, to, said) in [
        (
            "hidden = [16, 8]",
            "hidden = [0]",
            "`network.hidden` must be",
        ),
        (
            "hidden = [16, 8]",
            "hiden = [16, 8]",
            "unknown field `hiden`",
        ),
    ] {
        let wrong = written.replace(from, to);
        assert_ne!(wrong, written);
        let message = Experiment::parse(&wrong, "run").unwrap_err().to_string();
        assert!(
            message.contains("run") && message.contains(said),
            "{message}"
        );
    }
}

#[test]
fn an_ensemble_among_the_members_is_refused_and_so_are_two_recipes_for_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("itself.toml");
    let text = format!(
        "name = 'e'\ndescription = 'd'\ntask = {{ protocol = 'loso' }}\n\
         members = [{{ recipe = {file:?} }}]"
    );
    std::fs::write(&file, &text).unwrap();
    let itself = Experiment::parse(&text, "e").unwrap_err();
    let both = Experiment::load("robust")
        .unwrap()
        .into_recipe()
        .unwrap_err();
    for message in [itself.to_string(), both.to_string()] {
        assert!(message.contains("one single recipe"), "{message}");
    }
}

#[test]
fn an_unknown_name_lists_the_known_ones() {
    let unknown = Experiment::load("seed5-transformer").unwrap_err();
    let message = unknown.to_string();
    assert!(
        message.contains("seed5-cnn") && message.contains("folds-a-lstm"),
        "{message}"
    );
}

#[test]
fn a_wrong_value_is_named_with_its_key() {
    for (network, training, key) in [
        (CNN, "threads = 0", "training.threads"),
        (CNN, "gradient_clip = -1.0", "training.gradient_clip"),
        (CNN, "label_smoothing = 1.0", "training.label_smoothing"),
        (CNN, "weight_decay = nan", "training.weight_decay"),
        (CNN, "patience = 0", "training.patience"),
        (
            CNN,
            "patience = 5\nmonitor = \"last-epoch\"",
            "training.patience",
        ),
        (
            &CNN.replace("kernel = 3", "kernel = 4"),
            "",
            "network.blocks.kernel",
        ),
        (
            &CNN.replace("dropout = 0.2", "dropout = 1.0"),
            "",
            "network.dropout",
        ),
        (
            &LSTM.replace("hidden = 8", "hidden = 0"),
            "",
            "network.hidden",
        ),
        (
            &LSTM.replace("hidden = 8", "hidden = 99999"),
            "",
            "network.hidden",
        ),
        (CNN, "threads = 2147483647", "training.threads"),
        (CNN, "momentum = 0.9", "momentum"),
        (&LSTM.replace("hidden", "hiden"), "", "hiden"),
    ] {
        let message = Recipe::parse(&recipe_text(network, training), "test")
            .unwrap_err()
            .to_string();
        assert!(message.contains(key), "{key} is not in: {message}");
    }
}

#[test]
fn every_other_value_out_of_its_range_is_refused_too() {
    let conditions = format!("masks = 1\nconditions = [{}]", "'telephone', ".repeat(65));
    for (network, from, to, key) in [
        (CNN, "frames = 30", "frames = 0", "input.frames"),
        (
            CNN,
            "frames = 30",
            "frames = 30\naverage = 0",
            "input.average",
        ),
        (
            CNN,
            "masks = 1",
            "masks = 1\nsemitones = [13.0]",
            "augmentation.semitones",
        ),
        (
            CNN,
            "masks = 1",
            "masks = 1\nsemitones = [nan]",
            "augmentation.semitones",
        ),
        (CNN, "masks = 1", &conditions, "augmentation.conditions"),
        (
            CNN,
            "masks = 1",
            "masks = 1\nstretch = 1.5",
            "augmentation.stretch",
        ),
        (CNN, "masks = 1", "masks = 65", "augmentation.masks"),
        (CNN, "masks = 1", "masks = 0", "augmentation.masks"),
        (
            CNN,
            "time_mask = 4",
            "time_mask = 31",
            "augmentation.time_mask",
        ),
        (
            CNN,
            "coefficient_mask = 2",
            "coefficient_mask = 13",
            "augmentation.coefficient_mask",
        ),
        (
            CNN,
            "masks = 1",
            "masks = 1\nmixup = -0.1",
            "augmentation.mixup",
        ),
        (
            CNN,
            "[training]",
            "[enrolment]\ngroup = 3\nshrinkage = 1.0\n[training]",
            "enrolment.group",
        ),
        (
            CNN,
            "[training]",
            "[enrolment]\ngroup = 4\nshrinkage = -1.0\n[training]",
            "enrolment.shrinkage",
        ),
        (CNN, "epochs = 12", "epochs = 0", "training.epochs"),
        (
            CNN,
            "batch_size = 16",
            "batch_size = 1",
            "training.batch_size",
        ),
        (
            CNN,
            "learning_rate = 0.01",
            "learning_rate = 0.0",
            "training.learning_rate",
        ),
        (
            CNN,
            "epochs = 12",
            "epochs = 12\nnetworks = 0",
            "training.networks",
        ),
        (
            CNN,
            "epochs = 12",
            "epochs = 12\nnetworks = 65",
            "training.networks",
        ),
        (
            CNN,
            "block_dropout = 0.05",
            "block_dropout = 1.0",
            "network.block_dropout",
        ),
        (
            MLP,
            "dropout = 0.1",
            "input_dropout = -0.1",
            "network.input_dropout",
        ),
    ] {
        let sound = recipe_text(network, "");
        assert!(Recipe::parse(&sound, "test").is_ok());
        let wrong = sound.replacen(from, to, 1);
        assert_ne!(wrong, sound, "{from}");
        let message = Recipe::parse(&wrong, "test").unwrap_err().to_string();
        assert!(
            message.contains(&format!("`{key}` must be")),
            "{key} is not in: {message}"
        );
    }
}

/// The value in a message is written as in the recipe, and its limits are those that are checked.
#[test]
fn a_message_has_the_value_as_the_recipe_has_it() {
    for (training, expected) in [
        (
            "gradient_clip = -1.0",
            "above 0 and at most 1000000, but is -1",
        ),
        (
            "balance = ['class', 'class']",
            "at most once, but is [\"class\", \"class\"]",
        ),
        ("networks = 65", "from 1 to 64, but is 65"),
    ] {
        let recipe = Recipe::parse(&recipe_text(CNN, training), "test");
        let message = recipe.unwrap_err().to_string();
        assert!(message.ends_with(expected), "{message}");
    }
}

#[test]
fn a_wrong_value_is_named_with_its_line() {
    let sound = recipe_text(CNN, "threads = 1");
    let line = |of: &str| 1 + sound.lines().position(|line| line.contains(of)).unwrap();
    for (from, to, key, line) in [
        (
            "threads = 1",
            "threads = 0",
            "`training.threads` must be from 1",
            line("threads"),
        ),
        (
            "n_mels = 12",
            "n_mels = 0",
            "`features.n_mels` must be",
            line("n_mels"),
        ),
        (
            "threads = 1",
            "threads = \"two\"",
            "invalid type",
            line("threads"),
        ),
        (
            "threads = 1",
            "thread = 1",
            "unknown field `thread`",
            line("threads"),
        ),
        (
            "kernel = 3",
            "kernel = 6",
            "`network.blocks.kernel` must be odd",
            line("blocks"),
        ),
    ] {
        assert!(sound.contains(from), "{from}");
        let error = Recipe::parse(&sound.replace(from, to), "mine.toml").unwrap_err();
        let message = error.to_string();
        for part in ["mine.toml", key, &format!("line {line}")] {
            assert!(message.contains(part), "{part} is not in: {message}");
        }
    }
}

#[test]
fn labels_are_joined_by_a_map_that_says_one_thing_of_each() {
    let sound = recipe_text(CNN, "");
    let with = |labels: &str| {
        let text = sound.replace("[task]", &format!("[task]\nlabels = {labels}"));
        Recipe::parse(&text, "mine.toml")
    };
    let recipe = with("{ happy = ['Happy', 'joy'], sad = ['grief'] }").unwrap();
    assert_eq!(recipe.task.labels["happy"], ["Happy", "joy"]);
    let again = Recipe::parse(&recipe.to_toml().unwrap(), "again").unwrap();
    assert_eq!(again, recipe);
    let plain = Recipe::parse(&sound, "mine.toml").unwrap();
    assert!(!plain.to_toml().unwrap().contains("labels"));
    for labels in [
        "{ happy = ['joy'], sad = ['joy'] }",
        "{ happy = ['joy'], joy = ['fun'] }",
        "{ happy = ['joy', 'joy'] }",
    ] {
        let refused = with(labels).unwrap_err().to_string();
        assert!(refused.contains("`task.labels` must be"), "{refused}");
        let ensemble = format!(
            "name = 'e'\ndescription = 'd'\ntask = {{ protocol = 'loso', labels = {labels} }}\n\
             members = [{{ recipe = 'cnn' }}]"
        );
        let refused = Experiment::parse(&ensemble, "e").unwrap_err().to_string();
        assert!(refused.contains("`task.labels` must be"), "{refused}");
    }
}

#[test]
fn a_label_counts_as_another_one_of_the_recipe_and_each_level_is_balanced_once() {
    let sound = recipe_text(CNN, "");
    let counted = |counted: &str| {
        let text = sound.replace(
            "[task]",
            &format!("[task]\nemotions = ['calm', 'neutral', 'sad']\ncounted_as = {counted}"),
        );
        Recipe::parse(&text, "mine.toml")
    };
    let recipe = counted("{ calm = 'neutral' }").unwrap();
    assert_eq!(recipe.task.counted_as["calm"], "neutral");
    assert_eq!(
        Recipe::parse(&recipe.to_toml().unwrap(), "again").unwrap(),
        recipe
    );
    for wrong in [
        "{ calm = 'calm' }",
        "{ calm = 'neutral', neutral = 'sad' }",
        "{ smug = 'neutral' }",
        "{ calm = 'smug' }",
    ] {
        let refused = counted(wrong).unwrap_err().to_string();
        assert!(refused.contains("`task.counted_as` must be"), "{refused}");
    }
    let balanced = |levels: &str| {
        let text = sound.replace("[training]", &format!("[training]\nbalance = {levels}"));
        Recipe::parse(&text, "mine.toml")
    };
    let recipe = balanced("['corpus', 'class', 'speaker']").unwrap();
    assert_eq!(recipe.training.balance.len(), 3);
    let refused = balanced("['class', 'class']").unwrap_err().to_string();
    assert!(
        refused.contains("`training.balance` must be each of corpus"),
        "{refused}"
    );
    let weighted = "\nclass_weights = 'balanced'";
    assert!(balanced(&format!("['corpus', 'speaker']{weighted}")).is_ok());
    let refused = balanced(&format!("['corpus', 'class']{weighted}"));
    let refused = refused.unwrap_err().to_string();
    assert!(
        refused.contains("`training.class_weights` must be none"),
        "{refused}"
    );
}

#[test]
fn a_name_is_one_that_a_folder_can_have() {
    let sound = recipe_text(CNN, "");
    let name = sound.lines().find(|line| line.contains("name =")).unwrap();
    let ensemble = "name = 'e'\ndescription = 'd'\ntask = { protocol = 'loso' }\n\
                    members = [{ recipe = 'cnn' }]";
    for wrong in ["", "a/b", "/tmp", "..", ".hidden", "a\\b"] {
        let named = format!("name = '{wrong}'");
        let recipe = Recipe::parse(&sound.replace(name, &named), "test").unwrap_err();
        let ensemble = ensemble.replace("name = 'e'", &named);
        let ensemble = Experiment::parse(&ensemble, "test").unwrap_err();
        for message in [recipe.to_string(), ensemble.to_string()] {
            assert!(message.contains("a name for a folder"), "{message}");
        }
    }
}

#[test]
fn members_have_names_of_their_own_and_all_or_none_keep_the_last_epoch() {
    let of = |members: &str, inner: usize| {
        let text = format!(
            "name = 'e'\ndescription = 'd'\ntask = {{ protocol = 'loso', inner = {inner} }}\n\
             members = [{members}]"
        );
        Experiment::parse(&text, "e")
    };
    let (cnn, mlp) = ("{ recipe = 'cnn' },", "{ recipe = 'mlp' },");
    let early = "{ recipe = 'folds-a-cnn' },";
    let refused = |members: &str, inner| of(members, inner).unwrap_err().to_string();
    assert_eq!(of(&[cnn, mlp].concat(), 1).unwrap().members.len(), 2);
    let both = of(&[cnn, early].concat(), 0).unwrap();
    assert_eq!(both.members.len(), 2);
    let task = of(&[cnn, mlp].concat(), 1).unwrap().task;
    let message = both.with_task(task).unwrap_err().to_string();
    assert!(message.contains("last-epoch"), "{message}");
    let message = refused(&[cnn, mlp, cnn].concat(), 1);
    assert!(message.contains("different names"), "{message}");
    let message = refused(&[cnn, early].concat(), 1);
    assert!(message.contains("last-epoch"), "{message}");
}

/// Each value is valid by itself.
#[test]
fn values_that_do_not_go_together_are_refused() {
    let wide = CNN
        .replace("channels = 4, kernel = 3", "channels = 4096, kernel = 31")
        .replace("channels = 6, kernel = 3", "channels = 4096, kernel = 31");
    let deep = LSTM
        .replace("hidden = 8", "hidden = 1024")
        .replace("layers = 2", "layers = 4096");
    let text = |network: &str| recipe_text(network, "");
    for (text, key) in [
        (text(&wide), "`network`"),
        (text(&deep), "`network`"),
        (
            text(CNN)
                .replace("frames = 30", "frames = 65536")
                .replace("n_mels = 12", "n_mels = 128"),
            "input.frames",
        ),
        (
            text(MLP).replace("batch_size = 16", "batch_size = 9000000000000000000"),
            "input.frames",
        ),
        (
            text(CNN).replace("masks = 1", "masks = 9000000000000000000"),
            "augmentation.masks",
        ),
        (
            text(CNN).replace("masks = 1", "masks = 1\ndistortion = 1.5"),
            "augmentation.distortion",
        ),
        (
            text(MLP)
                .replace("output = \"log_mel\"", "output = \"mel\"")
                .replace("masks = 1", "masks = 1\ndistortion = 0.5"),
            "augmentation.distortion",
        ),
        (
            text(CNN)
                .replace("n_mels", "deltas = 1\nn_mels")
                .replace("masks = 1", "masks = 1\ndistortion = 0.5"),
            "augmentation.distortion",
        ),
        (
            text(CNN)
                .replace("n_mels", "extras = [\"f0\"]\nn_mels")
                .replace("masks = 1", "masks = 1\ndistortion = 0.5"),
            "augmentation.distortion",
        ),
        (
            text(CNN).replace(
                "masks = 1",
                "masks = 1\nsemitones = [-1.0]\ntest_semitones = [-1.0, 1.0]",
            ),
            "augmentation.test_semitones",
        ),
    ] {
        let message = Recipe::parse(&text, "test").unwrap_err().to_string();
        assert!(message.contains(key), "{key} is not in: {message}");
    }
}

#[test]
fn the_members_of_an_ensemble_have_as_many_networks_as_a_model_file_can_hold() {
    let of = |networks: [usize; 2]| {
        let members = networks.map(|networks| {
            let mut recipe =
                Recipe::parse(&recipe_text(MLP, &format!("networks = {networks}")), "test")
                    .unwrap();
            recipe.name = format!("r{networks}");
            let recipe = toml::Value::try_from(recipe).unwrap();
            format!("{{ recipe = {recipe} }}")
        });
        let members = members.join(", ");
        let text = format!(
            "name = 'e'\ndescription = 'd'\ntask = {{ protocol = 'loso' }}\nmembers = [{members}]"
        );
        Experiment::parse(&text, "e")
    };
    assert_eq!(of([63, 1]).unwrap().members.len(), 2);
    let refused = of([63, 2]).unwrap_err().to_string();
    assert!(
        refused.contains("`members` must be recipes with at most 64 networks in all")
            && refused.contains("65"),
        "{refused}"
    );
}

#[test]
fn an_ensemble_has_64_members_at_most_with_weights_that_can_be_added() {
    let text = |members: &str| {
        format!(
            "name = 'e'\ndescription = 'd'\ntask = {{ protocol = 'loso' }}\nmembers = [{members}]"
        )
    };
    // Copies of one complete recipe under different names.
    let recipe = Recipe::parse(&recipe_text(MLP, ""), "test").unwrap();
    let members = |count: usize| -> Vec<String> {
        let member = |i: usize| {
            let mut recipe = recipe.clone();
            recipe.name = format!("r{i}");
            let recipe = toml::Value::try_from(recipe).unwrap();
            format!("{{ recipe = {recipe} }}, ")
        };
        (0..count).map(member).collect()
    };
    let most = Experiment::parse(&text(&members(64).concat()), "e").unwrap();
    assert_eq!(most.members.len(), 64);
    let more = members(65).concat();
    for members in ["", "{ recipe = 'cnn', weight = 1e300 }", &more] {
        let message = Experiment::parse(&text(members), "e")
            .unwrap_err()
            .to_string();
        assert!(message.contains("members"), "{message}");
    }
}

proptest! {
    #[test]
    fn no_schedule_leaves_zero_to_peak(peak in 1e-6_f64..1.0, steps in 1_usize..5000, at in 0.0_f64..1.0) {
        let step = (at * steps as f64) as usize;
        for schedule in [Schedule::Constant, Schedule::Cosine, Schedule::OneCycle] {
            let rate = schedule.learning_rate(peak, step, steps);
            prop_assert!(rate > 0.0 && rate <= peak * (1.0 + 1e-12), "{schedule:?} {rate}");
        }
    }
}

#[test]
fn one_cycle_starts_low_peaks_at_a_fifth_and_ends_lower() {
    let rate = |step| Schedule::OneCycle.learning_rate(1.0, step, 1000);
    assert!((rate(0) - 0.1).abs() < 1e-9);
    assert!((rate(200) - 1.0).abs() < 1e-9);
    assert!(rate(999) < 0.0011);
}
