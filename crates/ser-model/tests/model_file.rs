//! Tests of the model file: it is complete and checked, and refused when it does not fit.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod common;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use common::{CNN, COEFFICIENTS, LSTM, MLP, recipe, task};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use ser_model::train;
use ser_predict::{Error, Model};

fn saved(network: &str, folder: &Path) -> (Model, PathBuf) {
    let seen = task(80, 1);
    let trained = train(&recipe(network, ""), seen.data(64), 0, &mut |_| {}).unwrap();
    let path = folder.join("model.safetensors");
    trained.model.save(&path).unwrap();
    (trained.model, path)
}

/// Changes the tensors and metadata of a file, and writes it again.
fn rewrite(
    path: &Path,
    change: impl FnOnce(&mut Vec<(String, Dtype, Vec<usize>, Vec<u8>)>, &mut String),
) {
    let bytes = std::fs::read(path).unwrap();
    let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
    let mut header = metadata.metadata().as_ref().unwrap()["ser"].clone();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let mut all: Vec<_> = tensors
        .iter()
        .map(|(n, t)| {
            (
                n.to_owned(),
                t.dtype(),
                t.shape().to_vec(),
                t.data().to_vec(),
            )
        })
        .collect();
    change(&mut all, &mut header);
    all.sort_by(|a, b| a.0.cmp(&b.0));
    header = sealed(&header, all.iter().map(|(.., data)| data.as_slice()));
    let views = all.iter().map(|(name, dtype, shape, data)| {
        (
            name.as_str(),
            TensorView::new(*dtype, shape.clone(), data).unwrap(),
        )
    });
    let metadata = HashMap::from([("ser".to_owned(), header)]);
    std::fs::write(path, safetensors::serialize(views, Some(metadata)).unwrap()).unwrap();
}

/// Returns the metadata with the checksum that belongs to it.
fn sealed<'a>(header: &str, tensors: impl Iterator<Item = &'a [u8]>) -> String {
    let Some((front, model)) = header.split_once(",\"model\":") else {
        return header.to_owned();
    };
    let mut hash = xxhash_rust::xxh3::Xxh3::new();
    hash.update(model.strip_suffix('}').unwrap().as_bytes());
    tensors.for_each(|tensor| hash.update(tensor));
    let stated = front.split_once("\"checksum\":\"").unwrap().0;
    let checksum = hash.digest128();
    format!("{stated}\"checksum\":\"{checksum:032x}\",\"model\":{model}")
}

fn refusal(path: &Path) -> String {
    match Model::load(path) {
        Err(error @ Error::ModelFile { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_loaded_model_answers_as_the_saved_one() {
    let folder = tempfile::tempdir().unwrap();
    let seen = task(20, 9);
    let clips = seen.views();
    for network in [CNN, LSTM, MLP] {
        let (model, path) = saved(network, folder.path());
        let loaded = Model::load(&path).unwrap();
        assert_eq!(
            model.predict(&clips).unwrap(),
            loaded.predict(&clips).unwrap()
        );
        assert_eq!(model.labels, loaded.labels);
        for (saved, loaded) in model.networks.iter().zip(&loaded.networks) {
            assert_eq!(saved.info, loaded.info);
        }
        assert_eq!(model.networks.len(), loaded.networks.len());
        assert_eq!(model.provenance, loaded.provenance);
        assert_eq!(model.recipe, loaded.recipe);
        assert_eq!(model.parameters(), loaded.parameters());
        assert!(model.density.is_some() && model.density == loaded.density);
    }
}

#[test]
fn a_temperature_comes_back_to_its_last_bit() {
    let folder = tempfile::tempdir().unwrap();
    let (mut model, path) = saved(MLP, folder.path());
    for n in 1..=1000 {
        model.temperature = f64::from(n).sqrt() / 10.0;
        model.save(&path).unwrap();
        assert_eq!(Model::load(&path).unwrap().temperature, model.temperature);
    }
}

#[test]
fn a_file_in_memory_is_read_as_one_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let (model, path) = saved(MLP, folder.path());
    let bytes = std::fs::read(&path).unwrap();
    let read = Model::from_bytes(&bytes, Path::new("built-in")).unwrap();
    let seen = task(20, 9);
    let clips = seen.views();
    assert_eq!(
        model.predict(&clips).unwrap(),
        read.predict(&clips).unwrap()
    );
    let error = Model::from_bytes(&bytes[1..], Path::new("built-in")).unwrap_err();
    assert!(error.to_string().starts_with("built-in: "), "{error}");
}

#[test]
fn the_number_of_trained_values_is_known_before_they_are_there() {
    let folder = tempfile::tempdir().unwrap();
    let behind_blocks = LSTM.to_owned()
        + "blocks = [{ channels = 4, kernel = 3, pool = [2, 3] }, { channels = 5, kernel = 5, stride = 3 }]";
    for network in [CNN, LSTM, &behind_blocks, MLP] {
        let (model, path) = saved(network, folder.path());
        let bytes = std::fs::read(&path).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        // All tensors are trained, except the running statistics of the norms and the density of the clips.
        let is_trained = |name: &str| !name.contains("running") && !name.starts_with("density");
        let trained = file.iter().filter(|(name, _)| is_trained(name));
        let stored: usize = trained
            .map(|(_, t)| t.shape().iter().product::<usize>())
            .sum();
        let network = recipe(network, "").network.architecture();
        assert_eq!(
            network.parameters(COEFFICIENTS, model.labels.len()),
            stored as u64
        );
        assert_eq!(model.parameters(), stored);
    }
}

#[test]
fn saving_leaves_nothing_but_the_file() {
    let folder = tempfile::tempdir().unwrap();
    saved(CNN, folder.path());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_missing_an_extra_and_a_misshapen_tensor_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let (_, path) = saved(CNN, folder.path());
    rewrite(&path, |tensors, _| {
        tensors.retain(|t| t.0 != "0.output.bias")
    });
    assert!(refusal(&path).contains("0.output.bias"));

    let (_, path) = saved(CNN, folder.path());
    rewrite(&path, |tensors, _| {
        tensors.push(("stray".into(), Dtype::F32, vec![1], vec![0; 4]))
    });
    assert!(refusal(&path).contains("stray"));

    let (_, path) = saved(CNN, folder.path());
    rewrite(&path, |tensors, _| {
        // libtorch would broadcast one value over three.
        let bias = tensors.iter_mut().find(|t| t.0 == "0.output.bias").unwrap();
        (bias.2, bias.3) = (vec![1], vec![0; 4]);
    });
    let message = refusal(&path);
    assert!(
        message.contains("0.output.bias") && message.contains("[3]") && message.contains("[1]")
    );

    let (_, path) = saved(CNN, folder.path());
    rewrite(&path, |tensors, _| {
        let bias = tensors.iter_mut().find(|t| t.0 == "0.output.bias").unwrap();
        (bias.1, bias.2) = (Dtype::I32, vec![3]);
    });
    assert!(refusal(&path).contains("I32"));

    let (_, path) = saved(CNN, folder.path());
    rewrite(&path, |tensors, _| {
        let bias = tensors.iter_mut().find(|t| t.0 == "0.output.bias").unwrap();
        bias.3[..4].copy_from_slice(&f32::NAN.to_le_bytes());
    });
    assert!(refusal(&path).contains("finite"));
}

#[test]
fn a_flipped_bit_is_noticed_wherever_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (_, path) = saved(MLP, folder.path());
    let whole = std::fs::read(&path).unwrap();
    Model::from_bytes(&whole, &path).unwrap();
    for at in (0..whole.len()).step_by(61) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        assert!(Model::from_bytes(&bytes, &path).is_err(), "byte {at}");
    }
    for length in (0..whole.len()).step_by(997) {
        assert!(
            Model::from_bytes(&whole[..length], &path).is_err(),
            "{length} bytes"
        );
    }
}

#[test]
fn another_format_and_a_foreign_or_damaged_file_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (_, path) = saved(LSTM, folder.path());
    rewrite(&path, |_, header| {
        *header = header.replacen("\"format\":5", "\"format\":2", 1)
    });
    assert!(refusal(&path).contains("format"));

    let (_, path) = saved(LSTM, folder.path());
    rewrite(&path, |_, header| *header = "{}".into());
    assert!(refusal(&path).contains("header"));

    let (_, path) = saved(LSTM, folder.path());
    let bytes = std::fs::read(&path).unwrap();
    for length in [0, 7, 100, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        assert!(refusal(&path).contains("safetensors"), "{length} bytes");
    }
    std::fs::write(&path, b"a text").unwrap();
    refusal(&path);
    assert!(matches!(
        Model::load(&folder.path().join("none")),
        Err(Error::Io(_))
    ));
}

#[test]
fn sizes_beyond_reason_are_refused_before_memory_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let (_, path) = saved(LSTM, folder.path());
    rewrite(&path, |_, header| {
        *header = header.replacen("\"hidden\":8", "\"hidden\":80000000", 1)
    });
    let error = Model::load(&path).unwrap_err().to_string();
    assert!(error.contains("network.hidden"), "{error}");
}

#[test]
fn a_network_larger_than_its_file_is_refused_before_memory_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let (_, path) = saved(LSTM, folder.path());
    rewrite(&path, |_, header| {
        *header = header.replacen("\"hidden\":8", "\"hidden\":1024", 1)
    });
    assert!(refusal(&path).contains("0.layers.0.forward.weight_ih"));
}

#[test]
fn statistics_and_labels_that_make_no_sense_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (_, path) = saved(CNN, folder.path());
    rewrite(&path, |tensors, _| {
        let name = "0.embed_norm.running_var";
        let variance = tensors.iter_mut().find(|t| t.0 == name).unwrap();
        variance.3[..4].copy_from_slice(&(-1.0_f32).to_le_bytes());
    });
    assert!(refusal(&path).contains("0.embed_norm.running_var"));

    let (_, path) = saved(CNN, folder.path());
    rewrite(&path, |tensors, _| {
        let name = "density.variances";
        let variances = tensors.iter_mut().find(|t| t.0 == name).unwrap();
        variances.3[..4].copy_from_slice(&0.0_f32.to_le_bytes());
    });
    assert!(refusal(&path).contains("density.variances"));

    for (from, to, named) in [
        ("\"low\",\"middle\"", "\"low\",\"low\"", "labels"),
        ("\"low\"", "\"l\\u001bow\"", "labels"),
        ("\"weight\":1.0", "\"weight\":1e300", "weight"),
        (
            "\"density\":{\"network\":0",
            "\"density\":{\"network\":1",
            "density.network",
        ),
        ("\"limit\":", "\"limit\":-", "density"),
        (
            "\"components\":16",
            "\"components\":17",
            "density.components",
        ),
        (
            "\"confidence_threshold\":null",
            "\"confidence_threshold\":{\"threshold\":-5,\"accuracy_below\":0.4,\"accuracy_above\":0.8}",
            "confidence_threshold",
        ),
    ] {
        let (_, path) = saved(CNN, folder.path());
        rewrite(&path, |_, header| {
            assert!(header.contains(from), "{header}");
            *header = header.replacen(from, to, 1);
        });
        assert!(refusal(&path).contains(named), "{named}");
    }

    let (mut model, path) = saved(CNN, folder.path());
    model.networks[0].info.standardiser.deviation[0] = 0.0;
    let refused = model.save(&path).unwrap_err().to_string();
    assert!(refused.contains("deviation"), "{refused}");
    Model::load(&path).unwrap();
}

#[test]
fn weights_too_large_for_an_answer_are_an_error_and_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    let (_, path) = saved(CNN, folder.path());
    rewrite(&path, |tensors, _| {
        for tensor in tensors.iter_mut().filter(|t| t.0.ends_with(".weight")) {
            tensor.3 = f32::MAX.to_le_bytes().repeat(tensor.3.len() / 4);
        }
    });
    let seen = task(2, 9);
    match Model::load(&path).unwrap().predict(&seen.views()) {
        Err(Error::NotFinite) => {}
        other => panic!("{other:?}"),
    }
}
