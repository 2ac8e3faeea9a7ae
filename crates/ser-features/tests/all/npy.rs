//! Tests the array format, in both directions.

use std::path::Path;

use ser_features::{Error, Features, NpyArray, read_npy, write_npy};

/// Returns a file as NumPy writes it: `numpy.save` of `numpy.arange(6, dtype=dtype).reshape(2, 3)`.
fn numpy_file(version: u8, descr: &str, fortran: &str, data: &[u8]) -> Vec<u8> {
    let mut header =
        format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': (2, 3), }}")
            .into_bytes();
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(b' ');
    }
    header.push(b'\n');
    let mut bytes = b"\x93NUMPY".to_vec();
    bytes.extend([version, 0]);
    match version {
        1 => bytes.extend((header.len() as u16).to_le_bytes()),
        _ => bytes.extend((header.len() as u32).to_le_bytes()),
    }
    bytes.extend(header);
    bytes.extend(data);
    bytes
}

fn single() -> Vec<u8> {
    (0..6).flat_map(|x| (x as f32).to_le_bytes()).collect()
}

fn double() -> Vec<u8> {
    (0..6).flat_map(|x| f64::from(x).to_le_bytes()).collect()
}

fn read(bytes: &[u8]) -> Result<NpyArray, Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("array.npy");
    std::fs::write(&path, bytes).unwrap();
    read_npy(path)
}

#[test]
fn features_are_written_byte_for_byte_as_numpy_would() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mfcc.npy");
    // Three frames of two coefficients: frame by frame here, coefficient by coefficient in the file.
    let features = Features::from_parts(vec![0.0, 3.0, 1.0, 4.0, 2.0, 5.0], 3, 2).unwrap();
    write_npy(&path, &features).unwrap();
    assert_eq!(
        std::fs::read(&path).unwrap(),
        numpy_file(1, "<f4", "False", &single())
    );
}

#[test]
fn writing_replaces_a_file_and_leaves_nothing_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mfcc.npy");
    std::fs::write(&path, "old").unwrap();
    let features = Features::from_parts(vec![0.5; 120], 3, 40).unwrap();
    write_npy(&path, &features).unwrap();
    let array = read_npy(&path).unwrap();
    assert_eq!(array.shape, [40, 3]);
    assert_eq!(array.data, [0.5; 120]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn writing_into_a_missing_folder_names_the_file() {
    let error = write_npy(
        Path::new("no-such-folder/x.npy"),
        &Features::from_parts(vec![], 0, 0).unwrap(),
    )
    .unwrap_err();
    assert!(
        error.to_string().starts_with("no-such-folder/x.npy: "),
        "{error}"
    );
}

#[test]
fn both_precisions_and_all_versions_are_read() {
    let expected = NpyArray {
        shape: vec![2, 3],
        data: vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0],
    };
    for version in [1, 2, 3] {
        assert_eq!(
            read(&numpy_file(version, "<f4", "False", &single())).unwrap(),
            expected
        );
        assert_eq!(
            read(&numpy_file(version, "<f8", "False", &double())).unwrap(),
            expected
        );
    }
}

#[test]
fn anything_else_is_an_error() {
    let whole = numpy_file(1, "<f8", "False", &double());
    let mut bad = vec![
        numpy_file(1, "<f8", "True", &double()),
        numpy_file(1, ">f8", "False", &double()),
        numpy_file(1, "<i8", "False", &double()),
        numpy_file(9, "<f8", "False", &double()),
        numpy_file(1, "<f8", "False", &[double(), vec![0; 8]].concat()),
        b"RIFF and more than twelve bytes".to_vec(),
    ];
    bad.extend((0..whole.len()).map(|length| whole[..length].to_vec()));
    for bytes in bad {
        let error = read(&bytes).unwrap_err();
        assert!(matches!(error, Error::Unsupported { .. }), "{error}");
    }
}
