#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::Cursor;

use super::*;
use crate::lacked_room;

const ROOMY: Limits = Limits {
    entries: 100,
    bytes: 1 << 20,
};

/// Builds the bytes of a zip archive by hand, since no library writes a hostile entry.
#[derive(Default)]
struct Zip {
    files: Vec<u8>,
    directory: Vec<u8>,
    entries: u16,
}

/// An entry in which every field may be wrong.
struct Raw<'a> {
    name: &'a [u8],
    content: &'a [u8],
    /// The declared unpacked size.
    size: u32,
    crc32: u32,
    /// 0 means stored, 8 means deflated.
    method: u16,
    flags: u16,
    mode: u32,
}

fn raw<'a>(name: &'a str, content: &'a [u8]) -> Raw<'a> {
    Raw {
        name: name.as_bytes(),
        content,
        size: content.len() as u32,
        crc32: crc32(content),
        method: 0,
        flags: 0,
        mode: 0o100_644,
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for &byte in bytes {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            let carry = crc & 1;
            crc = (crc >> 1) ^ (carry * 0xEDB8_8320);
        }
    }
    !crc
}

impl Zip {
    fn of(entries: &[Raw]) -> Vec<u8> {
        let mut zip = Self::default();
        for entry in entries {
            zip.add(entry);
        }
        zip.finish()
    }

    /// Returns an archive of small plain files and folders with these names.
    fn named(names: &[&str]) -> Vec<u8> {
        let entries: Vec<Raw> = names.iter().map(|name| raw(name, b"")).collect();
        Self::of(&entries)
    }

    fn add(&mut self, entry: &Raw) {
        let start = self.files.len() as u32;
        let mut common = Vec::new();
        for field in [20, entry.flags, entry.method, 0, 0x21] {
            common.extend(u16::to_le_bytes(field));
        }
        for field in [entry.crc32, entry.content.len() as u32, entry.size] {
            common.extend(field.to_le_bytes());
        }
        common.extend((entry.name.len() as u16).to_le_bytes());
        common.extend([0; 2]);
        self.files.extend(b"PK\x03\x04");
        self.files.extend(&common);
        self.files.extend(entry.name);
        self.files.extend(entry.content);
        // Made on Unix, whose mode is in the upper half of the attributes.
        self.directory.extend(b"PK\x01\x02\x14\x03");
        self.directory.extend(&common);
        self.directory.extend([0; 6]);
        self.directory.extend((entry.mode << 16).to_le_bytes());
        self.directory.extend(start.to_le_bytes());
        self.directory.extend(entry.name);
        self.entries += 1;
    }

    fn finish(self) -> Vec<u8> {
        let start = self.files.len() as u32;
        let size = self.directory.len() as u32;
        let mut bytes = self.files;
        bytes.extend(self.directory);
        bytes.extend(b"PK\x05\x06\0\0\0\0");
        bytes.extend([self.entries.to_le_bytes(); 2].concat());
        bytes.extend(size.to_le_bytes());
        bytes.extend(start.to_le_bytes());
        bytes.extend([0; 2]);
        bytes
    }
}

/// Returns what the zip crate packs, deflated.
fn deflated(name: &str, content: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file(name, zip::write::SimpleFileOptions::default())
        .unwrap();
    zip.write_all(content).unwrap();
    zip.finish().unwrap().into_inner()
}

fn open(bytes: &[u8], limits: &Limits) -> Result<Archive<Cursor<Vec<u8>>>> {
    Archive::read(Path::new("test.zip"), Cursor::new(bytes.to_owned()), limits)
}

/// Returns the error of opening an archive.
fn refusal(bytes: &[u8]) -> String {
    open(bytes, &ROOMY).err().unwrap().to_string()
}

/// Unpacks everything below `dest`.
fn unpack(bytes: &[u8], dest: &Path) -> Result<Vec<(String, PathBuf)>> {
    open(bytes, &ROOMY)?.unpack(dest, |entry| Some(PathBuf::from(&entry.name)))
}

/// Returns the error of unpacking an archive that was opened without error, and how many bytes were written.
fn late_refusal(bytes: &[u8]) -> (String, u64) {
    let folder = tempfile::tempdir().unwrap();
    open(bytes, &ROOMY).unwrap();
    let error = unpack(bytes, &folder.path().join("out")).unwrap_err();
    let written = fs::read_dir(folder.path().join("out"))
        .unwrap()
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum();
    (error.to_string(), written)
}

#[test]
fn wanted_files_land_where_they_are_placed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.zip");
    let bytes = Zip::of(&[
        raw("top/", b""),
        raw("top/a.txt", b"alpha"),
        raw("top/b.txt", b"beta"),
    ]);
    fs::write(&path, bytes).unwrap();
    let dest = folder.path().join("out");
    let mut archive = Archive::open(&path, &ROOMY).unwrap();
    let written = archive
        .unpack(&dest, |entry| {
            entry
                .name
                .ends_with("a.txt")
                .then(|| PathBuf::from("moved/a"))
        })
        .unwrap();
    assert_eq!(written, [("top/a.txt".to_owned(), dest.join("moved/a"))]);
    assert_eq!(fs::read_to_string(dest.join("moved/a")).unwrap(), "alpha");
    assert_eq!(fs::read_dir(&dest).unwrap().count(), 1);
    assert_eq!(archive.text("top/b.txt").unwrap(), "beta");
    let error = archive.text("top/c.txt").unwrap_err().to_string();
    assert!(
        error.contains("\"top/c.txt\" of") && error.contains("No such file"),
        "{error}"
    );
}

#[test]
fn names_that_leave_the_destination_on_some_system_are_refused() {
    for hostile in [
        "../escape.txt",
        "x/../../y.txt",
        "x/../y.txt",
        "..",
        "/absolute.txt",
        "//host/share.txt",
        "/",
        "..\\back.txt",
        "x\\y.txt",
        "\\\\host\\share.txt",
        "C:escape.txt",
        "C:/escape.txt",
        "x/C:/escape.txt",
        "x.txt:stream",
        "nul\0.txt",
        "",
        ".",
        "./",
    ] {
        let error = refusal(&Zip::of(&[raw("good", b""), raw(hostile, b"text")]));
        let named = format!("{hostile:?}: expected a path below the destination");
        assert!(error.contains(&named), "{error}");
    }
}

#[test]
fn a_name_cannot_speak_to_the_terminal() {
    let error = refusal(&Zip::named(&["../\x1b[2J\n"]));
    assert!(error.contains(r"../\u{1b}[2J\n"), "{error}");
}

#[test]
fn a_name_of_absurd_length_is_refused() {
    let error = refusal(&Zip::named(&[&"x".repeat(40_000)]));
    assert!(
        error.contains("40000 bytes in the name") && error.len() < 200,
        "{error}"
    );
}

#[test]
fn a_name_that_is_no_utf8_is_read_as_the_old_code_page() {
    let mut entry = raw("", b"");
    entry.name = b"caf\x82";
    let archive = open(&Zip::of(&[entry]), &ROOMY).unwrap();
    assert_eq!(archive.entries()[0].name, "café");
}

#[test]
fn links_and_special_files_are_refused() {
    for kind in [
        0o120_000, 0o010_000, 0o020_000, 0o060_000, 0o140_000, 0o160_000, 0o170_000,
    ] {
        let mut entry = raw("hostile", b"/etc");
        entry.mode = kind | 0o777;
        let error = refusal(&Zip::of(&[raw("good", b""), entry]));
        assert!(
            error.contains("\"hostile\": expected a file or a folder, found a link"),
            "{kind:o}: {error}"
        );
    }
}

#[test]
fn names_that_may_be_one_file_are_refused() {
    for (first, second) in [
        ("a.txt", "a.txt"),
        ("a.txt", "./a.txt"),
        ("top/a.txt", "top//a.txt"),
        ("top/a.txt", "./top/./a.txt"),
        ("a.txt", "A.TXT"),
        ("Top/a.txt", "top/a.txt"),
        ("ä.txt", "Ä.txt"),
        ("a", "a/"),
    ] {
        let error = refusal(&Zip::named(&[first, "between", second]));
        let named =
            format!("{second:?}: expected a distinct file, found the entry {first:?} as well");
        assert!(error.contains(&named), "{error}");
    }
}

#[test]
fn a_file_that_is_also_a_folder_is_refused() {
    for names in [["a", "a/b/c"], ["x/A", "X/a/b/c"], ["a/b/c", "a"]] {
        let error = refusal(&Zip::named(&names));
        let file = names.iter().min_by_key(|name| name.len()).unwrap();
        let named = format!("{file:?}: expected a file, found a folder");
        assert!(error.contains(&named), "{error}");
    }
}

#[test]
fn a_folder_with_content_or_marked_as_one_writes_no_folder_over_a_file() {
    // A folder by name and a file by content: it is not listed and never unpacked.
    let archive = open(&Zip::of(&[raw("wanted/", b"content")]), &ROOMY).unwrap();
    assert!(archive.entries().is_empty());
    // A folder by mode and a file by name: it is unpacked as a file.
    let mut entry = raw("wanted", b"content");
    entry.mode = 0o040_755;
    let folder = tempfile::tempdir().unwrap();
    unpack(&Zip::of(&[entry]), folder.path()).unwrap();
    assert!(folder.path().join("wanted").is_file());
}

#[test]
fn an_encrypted_entry_is_refused() {
    let mut entry = raw("secret", b"????????????text");
    entry.flags = 1;
    let error = refusal(&Zip::of(&[raw("good", b""), entry]));
    assert!(
        error.contains("\"secret\": expected an entry without encryption, found an encrypted one"),
        "{error}"
    );
}

#[test]
fn an_unknown_packing_method_is_refused_by_name() {
    let mut entry = raw("strange", b"text");
    entry.method = 93;
    let (error, written) = late_refusal(&Zip::of(&[entry]));
    assert!(error.contains("unpacking \"strange\""), "{error}");
    assert_eq!(written, 0);
}

#[test]
fn absurd_claims_are_refused() {
    let bytes = Zip::of(&[raw("a", b"12345"), raw("b", b"12345")]);
    let refusal = |entries, bytes_allowed| {
        let limits = Limits {
            entries,
            bytes: bytes_allowed,
        };
        open(&bytes, &limits).err().unwrap().to_string()
    };
    assert!(refusal(1, 100).contains("2 entries"));
    assert!(refusal(2, 9).contains("10 bytes up to \"b\""));
    let limits = Limits {
        entries: 2,
        bytes: 10,
    };
    open(&bytes, &limits).unwrap();
    // A single entry that declares gigabytes.
    let mut huge = raw("huge", b"text");
    huge.size = u32::MAX - 1;
    let error = super::tests::refusal(&Zip::of(&[huge]));
    assert!(error.contains("4294967294 bytes up to \"huge\""), "{error}");
}

#[test]
fn many_entries_are_refused_before_they_are_read() {
    let mut zip = Zip::default();
    for index in 0..60_000 {
        zip.add(&raw(&index.to_string(), b""));
    }
    assert!(refusal(&zip.finish()).contains("60000 entries"));
}

/// The 64-bit fields can declare more than any memory holds.
#[test]
fn a_directory_that_claims_trillions_of_entries_is_refused() {
    let bytes = Zip::named(&["a"]);
    let end = bytes.len() - 22;
    let start = u64::from_le_bytes([bytes[end + 16], bytes[end + 17], 0, 0, 0, 0, 0, 0]);
    for (count, size) in [
        (1 << 40, end as u64 - start),
        (1 << 40, 1 << 50),
        (u64::MAX, u64::MAX),
    ] {
        let mut hostile = bytes[..end].to_owned();
        hostile.extend(b"PK\x06\x06");
        hostile.extend(44_u64.to_le_bytes());
        hostile.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        for field in [count, count, size, start] {
            hostile.extend(field.to_le_bytes());
        }
        hostile.extend(b"PK\x06\x07\0\0\0\0");
        hostile.extend((end as u64).to_le_bytes());
        hostile.extend(1_u32.to_le_bytes());
        hostile.extend(b"PK\x05\x06\0\0\0\0");
        hostile.extend([0xFF; 12]);
        hostile.extend([0; 2]);
        let error = refusal(&hostile);
        assert!(
            error.contains("entries") || error.contains("not a readable zip archive"),
            "{error}"
        );
    }
}

#[test]
fn a_file_larger_than_declared_is_stopped_there() {
    let zeros = deflated("zeros", &[0; 0x12345]);
    let mut lie = zeros.clone();
    for at in 0..lie.len() - 4 {
        if lie[at..at + 4] == 0x12345_u32.to_le_bytes() {
            lie[at..at + 4].copy_from_slice(&16_u32.to_le_bytes());
        }
    }
    assert_ne!(lie, zeros);
    let (error, written) = late_refusal(&lie);
    assert!(error.contains("\"zeros\""), "{error}");
    assert!(written <= 17, "{written} bytes: {error}");
    let error = open(&lie, &ROOMY).unwrap().text("zeros").unwrap_err();
    assert!(error.to_string().contains("\"zeros\""), "{error}");
}

#[test]
fn a_file_smaller_than_declared_is_refused() {
    let mut entry = raw("short", b"text");
    entry.size = 5;
    let (error, _) = late_refusal(&Zip::of(&[entry]));
    assert!(error.contains("\"short\""), "{error}");
}

#[test]
fn a_text_too_long_for_memory_is_refused() {
    let mut entry = raw("RECORD", b"text");
    entry.size = (64 << 20) + 1;
    let limits = Limits {
        entries: 1,
        bytes: u64::from(u32::MAX),
    };
    let mut archive = open(&Zip::of(&[entry]), &limits).unwrap();
    let error = archive.text("RECORD").unwrap_err().to_string();
    assert!(error.contains("67108865 bytes in the text"), "{error}");
}

#[test]
fn an_archive_in_an_archive_is_a_file() {
    let inner = Zip::of(&[raw("../escape", b"text")]);
    let folder = tempfile::tempdir().unwrap();
    unpack(&Zip::of(&[raw("inner.zip", &inner)]), folder.path()).unwrap();
    assert_eq!(fs::read(folder.path().join("inner.zip")).unwrap(), inner);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn an_archive_cut_anywhere_is_refused() {
    for bytes in [
        Zip::of(&[raw("a", b"alpha"), raw("b", b"beta")]),
        deflated("a", b"alpha alpha alpha"),
    ] {
        for cut in 0..bytes.len() {
            let error = refusal(&bytes[..cut]);
            assert!(
                error.contains("not a readable zip archive"),
                "{cut}: {error}"
            );
        }
    }
}

#[test]
fn no_flipped_bit_changes_what_is_unpacked() {
    let content = "alpha alpha alpha alpha";
    for bytes in [
        Zip::of(&[raw("a", content.as_bytes())]),
        deflated("a", content.as_bytes()),
    ] {
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                let Ok(mut archive) = open(&flipped, &ROOMY) else {
                    continue;
                };
                let names: Vec<String> = archive
                    .entries()
                    .iter()
                    .map(|entry| entry.name.clone())
                    .collect();
                for name in names {
                    if let Ok(text) = archive.text(&name) {
                        assert_eq!(text, content, "bit {bit} of byte {at}");
                    }
                }
            }
        }
    }
}

#[test]
fn damaged_content_is_noticed() {
    let mut entry = raw("a", b"modified");
    entry.crc32 = crc32(b"original");
    let (error, _) = late_refusal(&Zip::of(&[entry]));
    assert!(error.to_lowercase().contains("checksum"), "{error}");
}

#[test]
fn two_entries_placed_at_one_path_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = Zip::of(&[raw("a", b"alpha"), raw("b", b"beta")]);
    let error = open(&bytes, &ROOMY)
        .unwrap()
        .unpack(folder.path(), |_| Some(PathBuf::from("one")))
        .unwrap_err();
    assert!(error.to_string().contains("\"b\""), "{error}");
    assert_eq!(
        fs::read_to_string(folder.path().join("one")).unwrap(),
        "alpha"
    );
}

#[test]
fn what_lies_at_the_target_is_never_written_through() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a"), "mine").unwrap();
    let error = unpack(&Zip::of(&[raw("a", b"alpha")]), folder.path()).unwrap_err();
    assert!(error.to_string().contains("\"a\""), "{error}");
    assert_eq!(fs::read_to_string(folder.path().join("a")).unwrap(), "mine");
}

#[test]
fn a_full_disk_is_told_from_a_bad_archive() {
    let full = unpacking("a.zip".as_ref(), "a", io::ErrorKind::StorageFull.into());
    assert!(lacked_room(&full));
    let full: Error = at("a.wav".as_ref())(io::ErrorKind::QuotaExceeded.into());
    assert!(lacked_room(&full));
    let mut entry = raw("a", b"modified");
    entry.crc32 = 0;
    let folder = tempfile::tempdir().unwrap();
    let bad = unpack(&Zip::of(&[entry]), folder.path()).unwrap_err();
    assert!(!lacked_room(&bad));
}
